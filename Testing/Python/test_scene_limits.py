"""What clicks may change: regions, grey values, the masks and the overwrite mode of the host."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import slicer
from fake_engine import LIVER, SPLEEN
from scene_world import (
    LIVER_VOXELS,
    SHAPE,
    SPLEEN_VOXELS,
    SceneWorld,
    ball,
    of,
    painted,
    saved_and_loaded,
    segmented,
    with_editor,
)
from VISTA3DSegmentLib.scene.labelmaps import voxels_of
from VISTA3DSegmentLib.session.annotation import Status
from VISTA3DSegmentLib.session.journal import Journal


def come_back(world: SceneWorld, folder: Path, form: str) -> SceneWorld:
    """The same work, saved as a scene and loaded, or after a crash from the journal in the folder."""
    if form == "mrb":
        scene = saved_and_loaded(world.scene, folder, form)
        again = SceneWorld(scene=scene, segmentation_node=scene.GetFirstNodeByClass("vtkMRMLSegmentationNode"))
    else:
        again = SceneWorld(journal=Journal(folder, "0" * 32))
    again.settle()
    return again


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


# Limits that change between clicks


FIRST, SECOND = (4, 14, 16), (16, 4, 20)


def with_region(world: SceneWorld, center_kji: tuple[int, int, int]) -> None:
    """A region of interest of 12 mm round a voxel of a scan whose voxels are millimetres."""
    roi = world.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
    roi.SetCenterWorld(*(float(at) for at in center_kji[::-1]))
    roi.SetSizeWorld(12.0, 12.0, 12.0)
    world.annotator.roi_node = roi


def limited(world: SceneWorld, how: str) -> None:
    """Limits under which the first click would do nothing."""
    if how == "region":
        with_region(world, SECOND)
    elif how == "grey values":
        world.annotator.rules.hu_window = (-10.0, 40.0)
    else:
        node = world.scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
        node.SetOverwriteMode(node.OverwriteNone)
        node.SourceVolumeIntensityMaskOn()
        node.SetSourceVolumeIntensityMaskRange(-10.0, 40.0)
        world.annotator.rules.editor = node


@pytest.mark.parametrize("how", ["region", "grey values", "editor"])
def test_limits_that_come_later_take_nothing_back(how: str):
    array = painted()
    array[ball(FIRST)] = 500
    world = segmented(array=array)
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.click(FIRST)
    world.settle()
    limited(world, how)
    world.click(SECOND)
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball(FIRST) | ball(SECOND))
    assert "Other limits hold now: the earlier prompts of liver are part of it." in world.said
    assert world.annotator.markups.nodes[True].GetNumberOfControlPoints() == 1
    world.annotator.undo()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball(FIRST))
    assert len(world.session.annotation[liver].clicks) == 1
    world.annotator.redo()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball(FIRST) | ball(SECOND))
    for _ in range(2):
        world.annotator.undo()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS)
    assert not world.session.busy


def test_limits_that_go_let_earlier_clicks_do_no_more_than_they_did():
    world = segmented()
    liver = of(world, LIVER)
    world.annotator.select(liver)
    with_region(world, (4, 14, 22))  # it ends in the ball of the first click
    world.click(FIRST)
    world.settle()
    before = world.voxels(liver)
    assert LIVER_VOXELS.sum() < before.sum() < (LIVER_VOXELS | ball(FIRST)).sum()
    world.annotator.roi_node = None
    world.click(SECOND)
    world.settle()
    assert np.array_equal(world.voxels(liver), before | ball(SECOND))


def test_a_click_that_is_moved_keeps_the_limits_under_which_it_was_placed():
    world = segmented()
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.click(FIRST)
    world.settle()
    with_region(world, SECOND)
    node = world.annotator.markups.nodes[True]
    node.SetNthControlPointPositionWorld(0, *world.ras((4, 14, 18)))
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 18)))
    node.RemoveNthControlPoint(0)
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS)


def test_a_neighbour_that_moved_on_does_not_let_an_earlier_click_grow():
    world, node = with_editor()
    liver, spleen = of(world, LIVER), of(world, SPLEEN)
    node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedOutsideAllSegments)
    world.annotator.select(liver)
    world.click((12, 14, 16))
    world.settle()
    before = world.voxels(liver)
    world.paint(spleen, np.zeros(SHAPE, np.bool_))
    world.click(FIRST)
    world.settle()
    assert np.array_equal(world.voxels(liver), before | ball(FIRST))
    world.click((4, 14, 20))
    world.settle()
    assert len(world.session.annotation[liver].clicks) == 2, "nothing changed between these two"


@pytest.mark.parametrize("form", ["mrb", "journal"])
def test_limits_of_clicks_come_back(tmp_path: Path, form: str):
    journal = Journal(tmp_path, "0" * 32)
    world = segmented(journal=journal)
    liver = of(world, LIVER)
    world.annotator.select(liver)
    with_region(world, (4, 14, 22))
    world.click(FIRST)
    world.settle()
    before = world.voxels(liver)
    again = come_back(world, tmp_path, form)
    assert again.session.annotation[liver].limits == world.session.annotation[liver].limits
    node = again.annotator.markups.nodes[True]
    node.SetNthControlPointPositionWorld(0, *again.ras((4, 14, 17)))
    node.SetNthControlPointPositionWorld(0, *again.ras(FIRST))
    again.settle()
    assert np.array_equal(again.voxels(liver), before)


# Overwriting


INTO_SPLEEN, DEEPER = (12, 14, 16), (13, 16, 19)


def overwriting() -> tuple[SceneWorld, str, str]:
    """Both organs, other segments give way; the ids of the liver, which is chosen, and of the spleen."""
    world, node = with_editor()
    node.SetOverwriteMode(node.OverwriteAllSegments)
    liver, spleen = of(world, LIVER), of(world, SPLEEN)
    world.annotator.select(liver)
    return world, liver, spleen


def state(world: SceneWorld) -> dict[str, tuple[bytes, int]]:
    """Voxels and number of clicks of every segment."""
    return {
        n: (world.voxels(n).tobytes(), len(world.session.annotation[n].clicks))
        for n in world.segmentation.GetSegmentIDs()
    }


def test_what_a_click_took_is_given_back_when_it_is_moved_or_deleted():
    world, liver, spleen = overwriting()
    world.click(INTO_SPLEEN)
    world.settle()
    states = [state(world)]
    node = world.annotator.markups.nodes[True]
    node.SetNthControlPointPositionWorld(0, *world.ras(DEEPER))
    world.settle()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS & ~ball(DEEPER))
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball(DEEPER))
    states.append(state(world))
    world.annotator.flip(world.session.annotation[liver].clicks[0].id)
    world.settle()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS)
    world.annotator.undo()
    assert state(world) == states[1]
    node.RemoveNthControlPoint(0)
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS)
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS)
    states.append(state(world))
    for before in (states[1], states[0]):
        world.annotator.undo()
        assert state(world) == before
    for after in (states[1], states[2]):
        world.annotator.redo()
        assert state(world) == after
    assert not world.session.busy


def test_the_change_of_the_click_is_shown_not_that_of_its_neighbour():
    world, _, _ = overwriting()
    world.click(INTO_SPLEEN)
    world.annotator.pump()
    for name, voxels in (("added", ball(INTO_SPLEEN) & ~LIVER_VOXELS), ("removed", np.zeros(SHAPE))):
        image = slicer.vtkOrientedImageData()
        world.annotator.difference.node.GetBinaryLabelmapRepresentation(name, image)
        assert voxels_of(image).astype(bool).sum() == voxels.sum()


def test_a_later_click_elsewhere_leaves_what_an_earlier_one_took():
    world, liver, spleen = overwriting()
    for at in (INTO_SPLEEN, (4, 14, 16)):
        world.click(at)
        world.settle()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS & ~ball(INTO_SPLEEN))
    world.annotator.markups.nodes[True].RemoveNthControlPoint(0)
    world.settle()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS)
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))


def test_nothing_is_taken_before_a_dragged_point_is_let_go():
    world, liver, spleen = overwriting()
    world.click((4, 14, 16))
    world.settle()
    steps = len(world.session.history.done)
    node = world.annotator.markups.nodes[True]
    node.InvokeEvent(node.PointStartInteractionEvent, 0)
    for at in ((13, 16, 17), INTO_SPLEEN, DEEPER):
        node.SetNthControlPointPositionWorld(0, *world.ras(at))
        for _ in range(3):
            world.annotator.pump()
        assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball(at))
        assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS)
    node.InvokeEvent(node.PointEndInteractionEvent, 0)
    world.settle()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS & ~ball(DEEPER))
    assert len(world.session.history.done) == steps + 1
    world.annotator.undo()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS)
    world.annotator.redo()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS & ~ball(DEEPER))


def test_a_neighbour_that_is_being_computed_takes_nothing_back():
    world, liver, spleen = overwriting()
    world.annotator.select(spleen)
    world.click((18, 20, 24))
    world.annotator.select(liver)
    world.click(INTO_SPLEEN)
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball(INTO_SPLEEN))
    assert np.array_equal(world.voxels(spleen), (SPLEEN_VOXELS & ~ball(INTO_SPLEEN)) | ball((18, 20, 24)))
    world.annotator.undo()
    world.settle()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS | ball((18, 20, 24)))


def test_the_clicks_of_a_neighbour_that_gave_way_do_not_take_the_voxels_back():
    world, liver, spleen = overwriting()
    world.annotator.select(spleen)
    world.click(INTO_SPLEEN)
    world.settle()
    world.annotator.select(liver)
    world.click(INTO_SPLEEN)
    world.settle()
    assert "spleen gave way: its earlier prompts are part of it now." in world.said
    world.annotator.select(spleen)
    world.click((18, 20, 24))
    world.settle()
    assert np.array_equal(world.voxels(spleen), (SPLEEN_VOXELS & ~ball(INTO_SPLEEN)) | ball((18, 20, 24)))
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball(INTO_SPLEEN))
    for _ in range(2):
        world.annotator.undo()
    world.settle()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS | ball(INTO_SPLEEN))
    assert len(world.session.annotation[spleen].clicks) == 1


def test_redo_is_exact_after_going_back_to_a_state_that_was_never_answered():
    world, _, spleen = overwriting()
    first = state(world)
    world.click(INTO_SPLEEN)
    world.click(DEEPER)
    world.settle()
    both = state(world)
    world.annotator.undo()
    world.settle()
    one = state(world)
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS & ~ball(INTO_SPLEEN))
    for back, forth in ((one, both), (one, both)):
        world.annotator.redo()
        world.settle()
        assert state(world) == forth
        world.annotator.undo()
        world.settle()
        assert state(world) == back
    world.annotator.undo()
    assert state(world) == first


def test_only_segments_that_are_met_are_taken_over():
    world, _, spleen = overwriting()
    world.segmentation.AddEmptySegment("far away", "far away")
    mask = np.zeros(SHAPE, np.bool_)
    mask[0:2, 0:3, 24:] = True
    world.paint("far away", mask)
    world.click(INTO_SPLEEN)
    world.settle()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS & ~ball(INTO_SPLEEN))
    assert "far away" not in world.session.annotation


def test_what_was_allowed_to_overlap_stays_when_overwriting_is_allowed_later():
    world, node = with_editor()
    liver, spleen = of(world, LIVER), of(world, SPLEEN)
    world.annotator.select(liver)
    world.click(INTO_SPLEEN)
    world.settle()
    node.SetOverwriteMode(node.OverwriteAllSegments)
    world.click((4, 14, 16))
    world.settle()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS)
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball(INTO_SPLEEN) | ball((4, 14, 16)))


@pytest.mark.parametrize("form", ["mrb", "journal"])
def test_what_was_taken_can_be_given_back_in_a_later_session(tmp_path: Path, form: str):
    world, node = with_editor(journal=Journal(tmp_path, "0" * 32))
    node.SetOverwriteMode(node.OverwriteAllSegments)
    spleen = of(world, SPLEEN)
    world.annotator.select(of(world, LIVER))
    world.click(INTO_SPLEEN)
    world.settle()
    again = come_back(world, tmp_path, form)
    assert np.array_equal(again.voxels(spleen), SPLEEN_VOXELS & ~ball(INTO_SPLEEN))
    again.annotator.markups.nodes[True].RemoveNthControlPoint(0)
    again.settle()
    assert np.array_equal(again.voxels(spleen), SPLEEN_VOXELS)
