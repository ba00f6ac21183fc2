"""What clicks may change: regions, grey values, the masks and the overwrite mode of the host."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from fake_engine import LIVER, SPLEEN
from scene_world import (
    LIVER_VOXELS,
    SHAPE,
    SPLEEN_VOXELS,
    ball,
    of,
    painted,
    segmented,
    with_editor,
)
from VISTA3DSegmentLib.session.annotation import Status


def test_a_run_inside_a_region_leaves_the_rest_of_an_organ_alone():
    world = segmented()
    liver = of(world, LIVER)
    mine = np.zeros(SHAPE, np.bool_)
    mine[4:9, 5:12, 6:20] = True
    world.paint(liver, mine)
    roi = world.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
    roi.SetCenterWorld(18.0, 8.0, 6.0)
    roi.SetSizeWorld(4.2, 30.0, 30.0)  # i from 16 to 20, where the engine finds no liver
    world.annotator.roi_node = roi
    world.annotator.segment([LIVER])
    world.settle()
    expected = mine.copy()
    expected[:, :, 16:21] = False
    assert np.array_equal(world.voxels(liver)[:, :, :16], expected[:, :, :16])


def test_a_region_of_interest_is_passed_to_the_engine():
    world = segmented()
    roi = world.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
    roi.SetCenterWorld(10.0, 10.0, 10.0)
    roi.SetSizeWorld(8.0, 6.0, 4.0)
    world.annotator.roi_node = roi
    world.annotator.select(of(world, LIVER))
    world.click((10, 10, 10))
    world.settle()
    region = world.engine.asked[-1][3]  # type: ignore[index]
    assert region.ras_min == pytest.approx((6, 7, 8))
    assert region.ras_max == pytest.approx((14, 13, 12))


def test_a_grey_value_window_limits_what_a_click_adds_not_what_it_removes():
    array = painted()
    array[4, 14, 14:] = 500
    world = segmented(array=array)
    liver = of(world, LIVER)
    world.annotator.rules.hu_window = (-10.0, 40.0)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.click((6, 8, 10), positive=False)
    world.settle()
    expected = (LIVER_VOXELS | (ball((4, 14, 16)) & (array < 400))) & ~ball((6, 8, 10))
    got = world.voxels(liver)
    beside = ball((4, 14, 16)) & (array == 0)
    # A voxel of the bright line is in the window on average with its neighbours only where the line ends.
    assert np.array_equal(got[beside], np.ones(beside.sum(), np.bool_))
    assert not got[4, 14, 16]
    assert np.array_equal(got, expected)


def test_noise_makes_no_holes_in_what_a_click_adds():
    array = painted()
    array[4, 14, 16] = 200
    world = segmented(array=array)
    liver = of(world, LIVER)
    world.annotator.rules.hu_window = (-10.0, 40.0)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))


def test_the_editors_mask_is_honoured():
    world, node = with_editor()
    liver, spleen = of(world, LIVER), of(world, SPLEEN)
    world.annotator.select(liver)
    node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedOutsideAllSegments)
    world.click((12, 14, 16))
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | (ball((12, 14, 16)) & ~SPLEEN_VOXELS))
    world.annotator.undo()
    node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedInsideSingleSegment)
    node.SetMaskSegmentID(spleen)
    world.click((12, 14, 16))
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | (ball((12, 14, 16)) & SPLEEN_VOXELS))
    world.annotator.undo()
    node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere)
    node.SourceVolumeIntensityMaskOn()
    node.SetSourceVolumeIntensityMaskRange(20.0, 40.0)
    world.click((12, 14, 16))
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | (ball((12, 14, 16)) & SPLEEN_VOXELS))


def test_neighbours_give_way_only_if_the_person_allows_it_and_undo_gives_back():
    world, node = with_editor()
    liver, spleen = of(world, LIVER), of(world, SPLEEN)
    world.annotator.select(liver)
    world.click((12, 14, 16))
    world.settle()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS)
    world.annotator.undo()
    node.SetOverwriteMode(node.OverwriteAllSegments)
    world.click((12, 14, 16))
    world.settle()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS & ~ball((12, 14, 16)))
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((12, 14, 16)))
    world.annotator.undo()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS)
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS)
    world.annotator.redo()
    world.settle()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS & ~ball((12, 14, 16)))
    world.annotator.undo()
    world.annotator.set_status(spleen, Status.DONE)
    world.click((12, 14, 16))
    world.settle()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS)
