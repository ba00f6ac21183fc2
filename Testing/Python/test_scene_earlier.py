"""An earlier segmentation is read on its own grid, whatever scan is open."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
import slicer
from builders import oblique_geometry
from scene_world import (
    LIVER_VOXELS,
    SHAPE,
    SPLEEN_VOXELS,
    SceneWorld,
    add_transform,
    add_volume,
    add_warp,
    empty_scene,
    shared_layer,
)
from VISTA3DSegmentLib.edits import BoolArray, Index3
from VISTA3DSegmentLib.errors import VolumeError
from VISTA3DSegmentLib.files.seg_nrrd import CLASS_TAG, TERMINOLOGY_TAG
from VISTA3DSegmentLib.files.segments import Segmentation
from VISTA3DSegmentLib.scene.earlier import segmentation_in
from VISTA3DSegmentLib.scene.labelmaps import LABELMAP, SURFACE, Lattice
from VISTA3DSegmentLib.volume import FloatArray

LIVER_CODE = "Segmentation category~SCT^123037004^Anatomical Structure~SCT^10200004^Liver~^^~Anatomic codes~^^~^^"
BLOCK: BoolArray = np.array([[[1, 1, 0], [0, 1, 1]], [[0, 0, 1], [1, 0, 0]]], np.bool_)
"""No axis of it could be taken for another."""


def add_segmentation(scene: Any) -> Any:
    return scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "January")


def add_segment(node: Any, name: str, mask: BoolArray, start: Index3, ijk_to_ras: FloatArray) -> Any:
    """A segment on a labelmap of its own, which is no larger than the mask."""
    segment = slicer.vtkSegment()
    segment.SetName(name)
    segment.SetColor(1.0, 0.5, 0.0)
    segment.AddRepresentation(LABELMAP, Lattice(ijk_to_ras, (0, 0, 0)).labelmap(mask, start))
    node.GetSegmentation().AddSegment(segment, name)
    return segment


def read(node: Any) -> Segmentation:
    return end_of(segmentation_in(node))


def end_of(steps: Generator[None, None, Segmentation]) -> Segmentation:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: Segmentation = end.value
            return found


def places(mask: BoolArray, start: Index3, ijk_to_ras: FloatArray) -> FloatArray:
    """Where in the world the voxels of a mask are, (n, 3) RAS mm, in an order that does not depend on the grid."""
    ijk = np.add(np.argwhere(mask), start)[:, ::-1]
    ras = ijk @ ijk_to_ras[:3, :3].T + ijk_to_ras[:3, 3]
    return np.array(sorted(map(tuple, ras.round(4))))


def places_of(found: Segmentation, name: str) -> FloatArray:
    mask = next(one.mask for one in found.segments if one.name == name)
    return places(mask.mask, mask.start, found.ijk_to_ras)


def test_voxels_are_those_of_its_own_oblique_grid_and_not_of_the_open_scan():
    world, geometry = SceneWorld(), oblique_geometry()
    node = add_segmentation(world.scene)
    liver = add_segment(node, "liver", BLOCK, (3, 4, 5), geometry)
    liver.SetTag(CLASS_TAG, "1")
    liver.SetTag(TERMINOLOGY_TAG, LIVER_CODE)
    add_segment(node, "cyst", BLOCK[:1], (-2, 9, 1), geometry)
    found = read(node)
    assert found.shape_kji == (7, 7, 7), "from the first voxel of all labelmaps to their last"
    assert np.allclose(found.ijk_to_ras[:3, :3], geometry[:3, :3])
    assert np.allclose(places_of(found, "liver"), places(BLOCK, (3, 4, 5), geometry), atol=1e-3)
    assert np.allclose(places_of(found, "cyst"), places(BLOCK[:1], (-2, 9, 1), geometry), atol=1e-3)
    first, second = found.segments
    assert (first.name, first.color, first.class_id, first.terminology) == ("liver", (255, 128, 0), 1, LIVER_CODE)
    assert (second.name, second.class_id) == ("cyst", None)


def test_the_transforms_above_it_are_applied():
    scene, geometry, moved = empty_scene(), oblique_geometry(), np.eye(4)
    moved[:3] = [[0, -1, 0, 40], [1, 0, 0, -7], [0, 0, 1, 300]]
    node = add_segmentation(scene)
    add_segment(node, "liver", BLOCK, (3, 4, 5), geometry)
    node.SetAndObserveTransformNodeID(add_transform(scene, moved).GetID())
    expected = places(BLOCK, (3, 4, 5), moved @ geometry)
    assert np.allclose(places_of(read(node), "liver"), expected, atol=1e-3)


def test_segments_that_share_a_layer_are_told_apart():
    world = SceneWorld()
    shared_layer(world)
    found = read(world.annotator.segmentation_node)
    assert found.shape_kji == SHAPE, "the scan on which they were made is known"
    first, second, third = (one.mask.full(SHAPE) for one in found.segments)
    assert np.array_equal(first, LIVER_VOXELS)
    assert np.array_equal(second, SPLEEN_VOXELS)
    assert third.sum() == 18


def test_the_grid_reaches_as_far_as_the_scan_on_which_it_was_made():
    scene, geometry = empty_scene(), oblique_geometry()
    node = add_segmentation(scene)
    add_segment(node, "liver", BLOCK, (3, 4, 5), geometry)
    node.SetReferenceImageGeometryParameterFromVolumeNode(add_volume(scene, np.zeros(SHAPE, np.int16), geometry))
    found = read(node)
    assert found.shape_kji == SHAPE
    assert np.allclose(found.ijk_to_ras, geometry)
    assert found.segments[0].mask.start == (3, 4, 5)


def test_the_grid_of_another_scan_that_the_host_has_noted_changes_no_voxel():
    scene, geometry = empty_scene(), oblique_geometry()
    node = add_segmentation(scene)
    add_segment(node, "liver", BLOCK, (3, 4, 5), geometry)
    other = add_volume(scene, np.zeros(SHAPE, np.int16), np.diag((3.0, 3.0, 3.0, 1.0)))
    node.SetReferenceImageGeometryParameterFromVolumeNode(other)
    found = read(node)
    assert np.array_equal(found.segments[0].mask.full(found.shape_kji), BLOCK)
    assert np.allclose(places_of(found, "liver"), places(BLOCK, (3, 4, 5), geometry), atol=1e-3)


def test_of_labelmaps_on_several_grids_the_finest_is_read_as_it_is():
    node = add_segmentation(empty_scene())
    coarse = np.diag((4.0, 4.0, 4.0, 1.0))
    coarse[:3, 3] = 1.5
    add_segment(node, "coarse", np.ones((1, 2, 3), np.bool_), (0, 0, 0), coarse)
    add_segment(node, "fine", BLOCK, (20, 0, 0), np.eye(4))
    found = read(node)
    masks = {one.name: one.mask for one in found.segments}
    assert np.array_equal(masks["fine"].mask, BLOCK)
    assert masks["coarse"].mask.shape == (4, 8, 12)
    assert masks["coarse"].mask.all()


def test_an_empty_segment_has_no_say_in_the_grid():
    node, geometry = add_segmentation(empty_scene()), oblique_geometry()
    node.GetSegmentation().AddEmptySegment("empty")
    add_segment(node, "liver", BLOCK, (0, 0, 0), geometry)
    found = read(node)
    assert [one.mask.mask.sum() for one in found.segments] == [0, BLOCK.sum()]
    assert np.allclose(found.ijk_to_ras, geometry)


def test_it_is_read_a_segment_at_a_time_and_one_that_goes_meanwhile_is_left_out():
    node = add_segmentation(empty_scene())
    for n, name in enumerate(("one", "two", "three")):
        add_segment(node, name, BLOCK, (2 * n, 0, 0), np.eye(4))
    assert sum(1 for _ in segmentation_in(node)) == 3
    steps = segmentation_in(node)
    next(steps)
    node.GetSegmentation().RemoveSegment("two")
    assert [one.name for one in end_of(steps).segments] == ["one", "three"]


def test_one_made_of_surfaces_is_refused():
    node = add_segmentation(empty_scene())
    node.GetSegmentation().SetSourceRepresentationName(SURFACE)
    with pytest.raises(VolumeError, match=r"January is not made of voxels.*binary labelmap"):
        read(node)


def test_one_without_a_voxel_is_refused():
    node = add_segmentation(empty_scene())
    for _ in range(2):
        with pytest.raises(VolumeError, match=r"nothing in the segmentation January\. Choose"):
            read(node)
        node.GetSegmentation().AddEmptySegment("empty")
    add_segment(node, "erased", np.zeros((2, 2, 2), np.bool_), (0, 0, 0), np.eye(4))
    with pytest.raises(VolumeError, match="nothing in the segmentation January"):
        read(node)


def test_one_under_a_transform_that_is_not_linear_is_refused():
    scene = empty_scene()
    node = add_segmentation(scene)
    add_segment(node, "liver", BLOCK, (0, 0, 0), np.eye(4))
    node.SetAndObserveTransformNodeID(add_warp(scene).GetID())
    with pytest.raises(VolumeError, match=r"January lies under a transform that is not linear\. Harden"):
        read(node)
