"""Annotating in a real MRML scene: automatic results, and volumes that are refused."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
import vtk
from fake_engine import LIVER, RIGHT_KIDNEY, SPLEEN, FakeEngine
from scene_world import (
    LIVER_VOXELS,
    SPLEEN_VOXELS,
    SceneWorld,
    add_warp,
    empty_scene,
    of,
    painted,
    segmented,
)
from VISTA3DSegmentLib.errors import VolumeError
from VISTA3DSegmentLib.scene.annotator import SceneAnnotator
from VISTA3DSegmentLib.scene.volumes import volume_of
from VISTA3DSegmentLib.service import InProcess

# Automatic


def test_organs_become_segments_named_coloured_and_coded_and_missing_ones_are_told():
    world = SceneWorld()
    world.annotator.segment([LIVER, SPLEEN, RIGHT_KIDNEY])
    world.settle()
    liver, spleen = of(world, LIVER), of(world, SPLEEN)
    assert list(world.segmentation.GetSegmentIDs()) == [liver, spleen]
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS)
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS)
    segment = world.segmentation.GetSegment(liver)
    assert segment.GetName() == "liver"
    assert "SCT^10200004^Liver" in segment.GetTerminology()
    assert np.allclose(segment.GetColor(), np.array((221, 130, 101)) / 255)
    assert world.segmentation.GetNumberOfLayers() == 2
    assert "Not found in this scan: right kidney." in world.said


def test_an_organ_at_the_border_is_told_to_be_cut():
    array = painted()
    array[0:2, 5:12, 6:14] = 10 * LIVER
    world = segmented(array=array)
    assert "Cut at the edge of the scan: liver." in world.said


def test_organs_appear_one_by_one():
    world = SceneWorld()
    world.annotator.segment([LIVER, SPLEEN])
    seen = set()
    while not world.annotator.idle:
        world.clock.seconds += 0.05
        world.annotator.pump()
        seen.add(world.segmentation.GetNumberOfSegments())
    assert {1, 2} <= seen


def test_the_segmentation_lies_beside_its_volume_under_its_transform_on_its_lattice():
    world = SceneWorld(transform=np.diag([1.0, -1.0, -1.0, 1.0]))
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(world.scene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "study")
    hierarchy.CreateItem(study, world.volume_node)
    other = SceneWorld(scene=world.scene)
    node = other.annotator.segmentation_node
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study
    assert node.GetTransformNodeID() == world.volume_node.GetTransformNodeID() is not None


# Volumes that cannot be annotated


def test_a_volume_without_voxels_or_with_several_values_is_refused_and_the_scene_left_alone():
    scene = empty_scene()
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    count = scene.GetNumberOfNodes()
    with pytest.raises(VolumeError, match="no voxels"):
        SceneAnnotator(scene, node, InProcess(FakeEngine()))
    image = vtk.vtkImageData()
    image.SetDimensions(3, 3, 3)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
    node.SetAndObserveImageData(image)
    with pytest.raises(VolumeError, match="3 values"):
        SceneAnnotator(scene, node, InProcess(FakeEngine()))
    assert scene.GetNumberOfNodes() == count


def test_a_scan_under_a_transform_that_is_not_linear_is_refused():
    world = SceneWorld()
    world.volume_node.SetAndObserveTransformNodeID(add_warp(world.scene).GetID())
    with pytest.raises(VolumeError, match=r"not linear.*Harden"):
        SceneWorld(scene=world.scene)


def test_a_scan_sheared_by_its_transform_is_refused():
    shear = np.eye(4)
    shear[0, 2] = 0.3
    with pytest.raises(VolumeError, match="right angles"):
        SceneWorld(transform=shear)


def test_the_voxels_of_a_volume_are_not_copied():
    world = SceneWorld()
    volume = volume_of(world.volume_node)
    world.volume_node.GetImageData().SetScalarComponentFromDouble(3, 2, 1, 0, 77)
    assert volume.array[1, 2, 3] == 77
