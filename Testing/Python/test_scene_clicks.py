"""What a person does to points in a real MRML scene, and what must never happen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer
from builders import oblique_geometry
from fake_engine import LIVER, RIGHT_KIDNEY, SPLEEN
from scene_world import (
    LIVER_VOXELS,
    SPLEEN_VOXELS,
    SceneWorld,
    ball,
    corrected,
    of,
    saved_and_loaded,
    segmented,
    shared_layer,
)
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.errors import PromptError
from VISTA3DSegmentLib.prompts import Structure
from VISTA3DSegmentLib.scene.labelmaps import SURFACE, voxels_of
from VISTA3DSegmentLib.scene.segments import events_name_the_segment
from VISTA3DSegmentLib.session.annotation import Status, begun

MARKUPS = slicer.vtkMRMLMarkupsNode
ADDED, REMOVED = slicer.vtkSegmentation.SegmentAdded, slicer.vtkSegmentation.SegmentRemoved
RED = (1.0, 0.0, 0.0)


# Clicks


def test_a_click_changes_its_segment_and_nothing_else():
    world = segmented()
    liver, spleen = of(world, LIVER), of(world, SPLEEN)
    world.annotator.surfaces.show()
    world.settle()
    other, surface = world.bytes_of(spleen), world.segmentation.GetSegment(spleen).GetRepresentation(SURFACE)
    mine = world.segmentation.GetSegment(liver).GetRepresentation(SURFACE)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))
    assert world.bytes_of(spleen) == other
    assert world.segmentation.GetSegment(spleen).GetRepresentation(SURFACE) is surface
    assert world.segmentation.GetSegment(liver).GetRepresentation(SURFACE) not in (mine, None)
    world.click((6, 8, 10), positive=False)
    world.settle()
    assert np.array_equal(world.voxels(liver), (LIVER_VOXELS | ball((4, 14, 16))) & ~ball((6, 8, 10)))
    assert world.bytes_of(spleen) == other


def test_a_surface_is_not_made_inside_the_click_but_a_moment_later_and_only_if_3d_is_shown():
    world = segmented()
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.annotator.surfaces.show()
    world.settle()
    surface = world.segmentation.GetSegment(liver).GetRepresentation(SURFACE)
    world.click((4, 14, 16))
    world.annotator.pump()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))
    assert world.segmentation.GetSegment(liver).GetRepresentation(SURFACE) is surface
    world.settle()
    renewed = world.segmentation.GetSegment(liver).GetRepresentation(SURFACE)
    assert renewed is not surface
    assert renewed.GetBounds()[1] > surface.GetBounds()[1]
    assert [latency.surface_seconds is not None for latency in world.latencies] == [False, True]
    world.annotator.surfaces.show(False)
    world.click((4, 14, 20))
    world.settle()
    assert world.segmentation.GetSegment(liver).GetRepresentation(SURFACE) is None


def test_a_surface_that_a_run_renews_is_not_counted_as_that_of_the_click_before():
    world = segmented()
    world.annotator.select(of(world, LIVER))
    world.click((4, 14, 16))
    world.annotator.pump()
    world.annotator.surfaces.show()
    world.annotator.segment([LIVER])
    world.settle()
    assert [latency.surface_seconds for latency in world.latencies] == [None]


def test_how_the_person_wants_surfaces_made_stays_as_it_was_set():
    world = segmented()
    world.segmentation.SetConversionParameter("Conversion method", "0")
    world.segmentation.SetConversionParameter("Smoothing factor", "0.3")
    liver = of(world, LIVER)
    again = SceneWorld(scene=world.scene, segmentation_node=world.annotator.segmentation_node)
    again.annotator.surfaces.show()
    again.settle()
    assert world.segmentation.GetSegment(liver).GetRepresentation(SURFACE).GetNumberOfPoints() > 0
    assert world.segmentation.GetConversionParameter("Conversion method") == "0"
    assert world.segmentation.GetConversionParameter("SurfaceNets smoothing") == "0"
    assert world.segmentation.GetConversionParameter("Smoothing factor") == "0.3"


def test_a_host_whose_events_name_no_segment_is_served_the_slow_way(monkeypatch):
    assert events_name_the_segment(), "this host does"
    monkeypatch.setattr("VISTA3DSegmentLib.scene.segments.events_name_the_segment", lambda: False)
    world = segmented()
    liver, spleen = of(world, LIVER), of(world, SPLEEN)
    world.annotator.surfaces.show()
    world.settle()
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS)
    assert world.segmentation.GetSegment(liver).GetRepresentation(SURFACE) is not None


def test_a_large_organ_gets_a_coarser_surface_in_the_same_place(monkeypatch):
    world = segmented(ijk_to_ras=oblique_geometry())
    spleen = of(world, SPLEEN)  # its sides lie at even voxels
    bounds = {}
    for largest in (10**9, 5000):
        monkeypatch.setattr("VISTA3DSegmentLib.scene.surfaces.LARGEST_VOXELS", largest)
        world.annotator.surfaces.show(False)
        world.annotator.surfaces.show()
        world.settle()
        surface = world.segmentation.GetSegment(spleen).GetRepresentation(SURFACE)
        bounds[largest] = np.array(surface.GetBounds()), surface.GetNumberOfPoints()
    assert bounds[5000][1] < 0.6 * bounds[10**9][1]
    middles = [both.reshape(3, 2).mean(1) for both, _ in bounds.values()]
    assert np.abs(middles[0] - middles[1]).max() < 0.8  # half a coarse voxel is 1.25 mm along k


def test_the_point_under_the_mouse_is_no_click_until_it_is_placed():
    world = segmented()
    world.annotator.select(of(world, LIVER))
    node = world.annotator.markups.nodes[True]
    node.AddNControlPoints(1, "", [0.0, 0.0, 0.0])
    node.UnsetNthControlPointPosition(0)
    world.settle()
    clicks = world.session.annotation[of(world, LIVER)].clicks
    assert clicks == ()
    node.SetNthControlPointPositionWorld(0, *world.ras((4, 14, 16)))
    world.settle()
    assert len(world.session.annotation[of(world, LIVER)].clicks) == 1


def test_a_click_without_a_chosen_segment_leaves_no_marker_and_says_why():
    world = segmented()
    world.click((6, 8, 10))
    assert isinstance(world.failed[-1], PromptError)
    assert "No segment is chosen" in str(world.failed[-1])
    assert world.annotator.markups.nodes[True].GetNumberOfControlPoints() == 0


def test_a_click_outside_the_scan_leaves_no_marker_and_says_why():
    world = segmented()
    world.annotator.select(of(world, LIVER))
    world.click((6, 8, 100))
    assert "outside" in str(world.failed[-1])
    assert world.annotator.markups.nodes[True].GetNumberOfControlPoints() == 0
    world.settle()
    assert np.array_equal(world.voxels(of(world, LIVER)), LIVER_VOXELS)


def test_a_structure_that_is_done_is_not_changed():
    world = segmented()
    liver = of(world, LIVER)
    world.annotator.set_status(liver, Status.DONE)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.settle()
    assert "done" in str(world.failed[-1])
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS)
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    assert logic.GetSegmentStatus(world.segmentation.GetSegment(liver)) == logic.Completed


def test_new_lesions_are_numbered_and_have_no_segment_before_they_have_voxels():
    world = segmented()
    first = world.annotator.new_structure()
    assert world.segmentation.GetNumberOfSegments() == 2
    world.click((10, 4, 4))
    world.settle()
    second = world.annotator.new_structure()
    world.click((16, 4, 4))
    world.settle()
    assert [world.segmentation.GetSegment(n).GetName() for n in (first, second)] == ["Lesion 1", "Lesion 2"]
    assert np.array_equal(world.voxels(second), ball((16, 4, 4)))


def test_dragging_a_point_is_followed_live_and_is_one_step():
    world, liver = corrected()
    steps = len(world.session.history.done)
    node = world.annotator.markups.nodes[True]
    node.InvokeEvent(MARKUPS.PointStartInteractionEvent, 0)
    assert world.annotator.markups.dragging
    for i in range(17, 22):
        node.SetNthControlPointPositionWorld(0, *world.ras((4, 14, i)))
        for _ in range(3):
            world.annotator.pump()
        assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, i))), "not live"
    node.InvokeEvent(MARKUPS.PointEndInteractionEvent, 0)
    world.settle()
    assert len(world.session.history.done) == steps + 1
    world.annotator.undo()
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))
    assert np.allclose(node.GetNthControlPointPositionVector(0), world.ras((4, 14, 16)))


def test_a_point_dragged_out_of_the_scan_comes_back():
    world = segmented()
    world.annotator.select(of(world, LIVER))
    world.click((4, 14, 16))
    world.settle()
    node = world.annotator.markups.nodes[True]
    node.SetNthControlPointPositionWorld(0, *world.ras((4, 14, 160)))
    world.settle()
    assert "outside" in str(world.failed[-1])
    assert np.allclose(node.GetNthControlPointPositionVector(0), world.ras((4, 14, 16)))


def test_deleting_and_flipping_points_and_taking_that_back():
    world = segmented()
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.click((6, 8, 10))
    world.click((4, 14, 16))
    world.settle()
    positive, negative = world.annotator.markups.nodes[True], world.annotator.markups.nodes[False]
    world.annotator.flip(world.session.annotation[liver].clicks[0].id)
    world.settle()
    assert (positive.GetNumberOfControlPoints(), negative.GetNumberOfControlPoints()) == (1, 1)
    assert np.array_equal(world.voxels(liver), (LIVER_VOXELS & ~ball((6, 8, 10))) | ball((4, 14, 16)))
    positive.RemoveNthControlPoint(0)
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS & ~ball((6, 8, 10)))
    for _ in range(2):
        world.annotator.undo()
    world.settle()
    assert (positive.GetNumberOfControlPoints(), negative.GetNumberOfControlPoints()) == (2, 0)
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))
    for _ in range(4):
        world.annotator.undo()
    assert world.segmentation.GetNumberOfSegments() == positive.GetNumberOfControlPoints() == 0
    for _ in range(3):
        world.annotator.redo()
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))


def test_removing_all_points_at_once_takes_all_clicks_away():
    world = segmented()
    liver = of(world, LIVER)
    world.annotator.select(liver)
    for i in (16, 20, 24):
        world.click((4, 14, i))
    world.settle()
    world.annotator.markups.nodes[True].RemoveAllControlPoints()
    world.settle()
    assert world.session.annotation[liver].clicks == ()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS)


# What lies under the click


def test_a_click_can_mean_what_lies_under_it():
    world = segmented()
    liver, spleen = of(world, LIVER), of(world, SPLEEN)
    world.annotator.follows_clicks = True
    world.annotator.select(spleen)
    world.click((6, 13, 10))  # just outside the liver, far from the spleen
    world.settle()
    assert world.annotator.selected == liver
    assert world.voxels(liver)[6, 13, 10]
    world.click((14, 16, 18), positive=False)  # in the spleen
    world.settle()
    assert world.annotator.selected == spleen
    assert not world.voxels(spleen)[14, 16, 18]


def test_the_person_is_told_when_a_click_goes_to_another_segment_than_the_chosen_one():
    world = segmented()
    world.annotator.follows_clicks = True
    world.annotator.select(of(world, LIVER))
    world.click((6, 13, 10))  # just outside the liver
    world.settle()
    assert not [said for said in world.said if "went to" in said]
    world.click((14, 16, 18), positive=False)  # in the spleen
    world.settle()
    assert world.said[-1] == "The click went to spleen, which lies there or nearest, not to liver."
    world.click((14, 17, 18), positive=False)
    world.settle()
    assert len([said for said in world.said if "went to" in said]) == 1, "spleen is the chosen one now"


def test_a_click_leaves_alone_what_is_hidden():
    world = segmented()
    liver, spleen = of(world, LIVER), of(world, SPLEEN)
    world.annotator.follows_clicks = True
    world.annotator.select(liver)
    before = world.voxels(spleen).copy()
    world.annotator.segmentation_node.GetDisplayNode().SetSegmentVisibility(spleen, False)
    world.click((14, 16, 18), positive=False)  # in the spleen
    world.settle()
    assert world.annotator.selected == liver
    assert (world.voxels(spleen) == before).all()


def test_a_click_can_mean_a_segment_that_another_tool_made():
    world = SceneWorld(ijk_to_ras=np.diag([4.0, 4.0, 4.0, 1.0]))
    ids = shared_layer(world)
    world.annotator.follows_clicks = True
    world.click((6, 13, 10))
    world.settle()
    assert world.annotator.selected == ids[0]
    assert world.voxels(ids[0])[6, 13, 10]
    assert ids[1] not in world.session.annotation, "far away: it was not even read"


# What is done


def test_a_segment_that_the_hosts_list_calls_completed_is_done():
    world = SceneWorld()
    ids = shared_layer(world)
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    logic.SetSegmentStatus(world.segmentation.GetSegment(ids[0]), logic.Completed)
    world.annotator.select(ids[0])
    assert logic.GetSegmentStatus(world.segmentation.GetSegment(ids[0])) == logic.Completed
    world.click((4, 14, 16))
    world.settle()
    assert "done" in str(world.failed[-1])
    assert np.array_equal(world.voxels(ids[0]), LIVER_VOXELS)


def test_points_of_what_is_done_stay_where_they_are():
    world, liver = corrected()
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    logic.SetSegmentStatus(world.segmentation.GetSegment(liver), logic.Completed)
    node = world.annotator.markups.nodes[True]
    node.SetNthControlPointPositionWorld(0, *world.ras((4, 14, 20)))
    world.settle()
    assert "done" in str(world.failed[-1])
    assert np.allclose(node.GetNthControlPointPositionVector(0), world.ras((4, 14, 16)))
    node.RemoveNthControlPoint(0)
    world.settle()
    assert node.GetNumberOfControlPoints() == 1
    world.annotator.segment([LIVER])
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))


# Undo at odd moments


def test_undo_just_after_a_run_was_started_ends_the_run_and_nothing_else():
    world, liver = corrected()
    world.annotator.segment([RIGHT_KIDNEY])
    assert world.annotator.redo() is None
    assert world.session.running
    world.annotator.undo()
    assert not world.session.running
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))


def test_a_point_held_while_an_organ_arrives_can_be_dropped():
    world, liver = corrected()
    node = world.annotator.markups.nodes[True]
    world.annotator.segment([SPLEEN])
    world.annotator.set_status(of(world, SPLEEN), Status.FLAGGED)
    node.InvokeEvent(MARKUPS.PointStartInteractionEvent, 0)
    for i in (17, 18, 19, 20):
        node.SetNthControlPointPositionWorld(0, *world.ras((4, 14, i)))
        for _ in range(3):
            world.annotator.pump()
    node.InvokeEvent(MARKUPS.PointEndInteractionEvent, 0)
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 20)))


def test_a_click_undone_before_an_edit_loses_none_that_is_still_computed():
    world = segmented()
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.click((4, 14, 22))
    world.settle()
    world.annotator.undo()
    edited = LIVER_VOXELS.copy()
    edited[10:12, 2:5, 2:5] = True
    world.paint(liver, edited)
    world.settle()
    assert world.voxels(liver)[4, 14, 16]
    assert world.voxels(liver)[10:12, 2:5, 2:5].all()


def test_rejecting_takes_back_the_change_that_is_shown_and_nothing_newer():
    world, liver = corrected()
    world.annotator.set_status(liver, Status.FLAGGED)
    assert world.annotator.reject() is None
    assert world.session.annotation[liver].status is Status.FLAGGED
    assert world.voxels(liver)[4, 14, 16]


def test_lesions_are_numbered_beside_those_of_another_tool():
    world = SceneWorld()
    for n in (1, 2):
        world.segmentation.AddEmptySegment(f"foreign-{n}", f"Lesion {n}")
    lesion = world.annotator.new_structure()
    assert world.session.annotation[lesion].structure.name == "Lesion 3"


# The last change


def test_the_last_change_is_shown_fades_and_is_not_saved(tmp_path: Path):
    world = segmented()
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.annotator.pump()
    overlay = world.annotator.difference.node
    assert overlay.GetDisplayNode().GetVisibility()
    image = slicer.vtkOrientedImageData()
    overlay.GetBinaryLabelmapRepresentation("added", image)
    assert voxels_of(image).astype(bool).sum() == (ball((4, 14, 16)) & ~LIVER_VOXELS).sum()
    opacities = []
    while not world.annotator.idle:
        world.clock.seconds += 0.1
        world.annotator.pump()
        opacities.append(overlay.GetDisplayNode().GetOpacity())
    assert sorted(opacities, reverse=True) == opacities
    assert not overlay.GetDisplayNode().GetVisibility()
    loaded = saved_and_loaded(world.scene, tmp_path, "mrb")
    assert loaded.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1


def test_a_change_is_accepted_or_rejected():
    world, liver = corrected()
    world.annotator.accept()
    assert world.voxels(liver)[4, 14, 16]
    world.click((4, 2, 2))
    world.settle()
    world.annotator.reject()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))
    assert not world.annotator.difference.node.GetDisplayNode().GetVisibility()


# Many at once


def told(world: SceneWorld, event: int) -> list[str]:
    """Grows by one whenever a view or a table would look at all segments again."""
    heard: list[str] = []
    world.annotator.segmentation_node.AddObserver(event, lambda *_: heard.append(""))
    return heard


def test_views_hear_once_of_many_segments_that_come_and_go_in_one_step():
    world = SceneWorld()
    masks = [MaskCrop.of(LIVER_VOXELS), MaskCrop.of(SPLEEN_VOXELS), MaskCrop.of(ball((6, 8, 10)))]
    heard = {event: told(world, event) for event in (ADDED, REMOVED)}
    world.annotator.bring("open 3 segments", [begun(Structure(f"n{n}"), RED, mask) for n, mask in enumerate(masks)])
    assert [len(heard[event]) for event in (ADDED, REMOVED)] == [1, 0]
    assert len(world.annotator.segments.ids()) == 3
    world.annotator.undo()
    world.annotator.redo()
    assert [len(heard[event]) for event in (ADDED, REMOVED)] == [2, 1]
    for segment_id, mask in zip(world.annotator.segments.ids(), masks, strict=True):
        assert np.array_equal(world.voxels(segment_id), mask.full(LIVER_VOXELS.shape))


def test_surfaces_that_are_due_together_are_shown_together():
    world = segmented()
    world.annotator.surfaces.show()
    heard = told(world, slicer.vtkSegmentation.SegmentModified)
    shown = []
    while world.annotator.surfaces.waiting:
        shown.append(world.annotator.surfaces.pump())
    assert shown == [(), (of(world, LIVER), of(world, SPLEEN))]
    assert len(heard) == 1
