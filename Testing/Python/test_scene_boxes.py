"""Boxes in a real MRML scene: regions of interest that a person draws, moves, deletes, saves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from scene_world import (
    SHAPE,
    SPLEEN_VOXELS,
    SceneWorld,
    matrix_of,
    saved_and_loaded,
    segmented,
)
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.errors import PromptError
from VISTA3DSegmentLib.prompts import Box
from VISTA3DSegmentLib.session.annotation import Status
from VISTA3DSegmentLib.session.journal import Journal

MARKUPS = slicer.vtkMRMLMarkupsNode
HERE = Box((5.2, 3.1, 2.3), (12.4, 9.7, 8.6))
THERE = Box((14.1, 12.2, 10.3), (20.6, 18.4, 16.1))


def turned(degrees: float = 20.0) -> np.ndarray:
    """A transform that turns about the z axis."""
    matrix, angle = np.eye(4), np.radians(degrees)
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return matrix


def in_box(world: SceneWorld, box: Box) -> np.ndarray:
    return world.session.volume.voxels_inside(box, MaskCrop((0, 0, 0), np.ones(SHAPE, np.bool_)).slices)


def regions(scene: Any) -> list[Any]:
    kind = "vtkMRMLMarkupsROINode"
    return [scene.GetNthNodeByClass(n, kind) for n in range(scene.GetNumberOfNodesByClass(kind))]


def bounds(node: Any) -> Box:
    low_high = [0.0] * 6
    node.GetRASBounds(low_high)
    return Box(tuple(low_high[::2]), tuple(low_high[1::2]))


def same(a: Box, b: Box) -> bool:
    return np.allclose([a.ras_min, a.ras_max], [b.ras_min, b.ras_max], atol=1e-3)


def put(node: Any, box: Box) -> None:
    """Move a region as a dialog of the host does, in one change."""
    low, high = np.array(box.ras_min), np.array(box.ras_max)
    modifying = node.StartModify()
    node.SetCenterWorld(*((low + high) / 2))
    node.SetSizeWorld(*(high - low))
    node.EndModify(modifying)


def boxed(box: Box = HERE, **options: Any) -> tuple[SceneWorld, str, Any]:
    """A lesion in a box, found; its id and its region."""
    world = SceneWorld(**options)
    lesion = world.annotator.box(box.ras_min, box.ras_max)
    world.settle()
    (node,) = regions(world.scene)
    return world, lesion, node


def opened(scene: Any, **options: Any) -> SceneWorld:
    node = scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    world = SceneWorld(scene=scene, segmentation_node=node, **options)
    world.settle()
    return world


def test_a_box_begins_a_structure_and_is_a_region_of_the_scene():
    world, lesion, node = boxed()
    assert world.annotator.selected == lesion
    assert np.array_equal(world.voxels(lesion), in_box(world, HERE))
    assert same(bounds(node), HERE)
    assert node.GetHideFromEditors()
    assert node.GetName() == "Lesion 1 box"
    assert world.latencies, "the time that a box takes is told as that of a click is"


def test_corners_may_be_given_in_any_order_and_a_flat_box_begins_nothing():
    world = SceneWorld()
    world.annotator.box((12.4, 3.1, 8.6), (5.2, 9.7, 2.3))
    assert world.session.annotation[world.annotator.selected].box == HERE
    for wrong in (Box((90, 90, 90), (99, 99, 99)), None):
        low, high = (wrong.ras_min, wrong.ras_max) if wrong else ((1, 1, 1), (5, 5, 1))
        world.annotator.select(None)
        with pytest.raises(PromptError):
            world.annotator.box(low, high)
    assert len(world.session.annotation) == 1
    assert len(regions(world.scene)) == 1


def test_a_second_box_of_the_chosen_structure_moves_the_first():
    world, lesion, node = boxed()
    assert world.annotator.box(THERE.ras_min, THERE.ras_max) == lesion
    world.settle()
    assert regions(world.scene) == [node]
    assert same(bounds(node), THERE)
    assert np.array_equal(world.voxels(lesion), in_box(world, THERE))


@pytest.mark.parametrize("transform", [turned(), np.diag([-1.0, 1.0, 1.0, 1.0]), np.diag([1.0, -1.0, -1.0, 1.0])])
def test_a_box_lies_along_the_axes_of_the_world_also_under_a_transform(transform: np.ndarray):
    world = SceneWorld(transform=transform)
    corners = np.array([world.ras((4, 5, 6)), world.ras((9, 12, 14))])
    box = Box(tuple(corners.min(0)), tuple(corners.max(0)))
    lesion = world.annotator.box(box.ras_min, box.ras_max)
    world.settle()
    (node,) = regions(world.scene)
    assert node.GetTransformNodeID() == world.volume_node.GetTransformNodeID()
    assert same(bounds(node), box)
    assert np.array_equal(world.voxels(lesion), in_box(world, box))


def test_moving_the_region_asks_again_and_is_a_step():
    world, lesion, node = boxed()
    steps = len(world.session.history.done)
    put(node, THERE)
    world.settle()
    assert np.array_equal(world.voxels(lesion), in_box(world, THERE))
    assert len(world.session.history.done) == steps + 1
    world.annotator.undo()
    world.settle()
    assert same(bounds(node), HERE)
    assert world.session.annotation[lesion].box == HERE, "to the last decimal"
    assert np.array_equal(world.voxels(lesion), in_box(world, HERE))
    world.annotator.redo()
    world.settle()
    assert same(bounds(node), THERE)
    assert regions(world.scene) == [node]


def test_a_drag_of_the_region_is_one_step_that_ends_when_the_mouse_lets_go():
    world, lesion, node = boxed()
    steps = len(world.session.history.done)
    node.InvokeEvent(MARKUPS.PointStartInteractionEvent)
    for n in range(1, 5):
        put(node, Box((5.2 + n, 3.1, 2.3), (12.4 + n, 9.7, 8.6)))
        world.clock.seconds += 5.0  # the hand is slow
        world.annotator.pump()
    assert world.annotator.boxes.dragging
    node.InvokeEvent(MARKUPS.PointEndInteractionEvent)
    assert not world.annotator.boxes.dragging
    assert not world.annotator.boxes.waiting
    world.settle()
    assert len(world.session.history.done) == steps + 1
    assert np.array_equal(world.voxels(lesion), in_box(world, Box((9.2, 3.1, 2.3), (16.4, 9.7, 8.6))))
    put(node, THERE)
    world.settle()
    assert len(world.session.history.done) == steps + 2


def test_while_the_region_is_dragged_only_its_latest_place_is_asked_for():
    world, _lesion, node = boxed()
    asked = len(world.engine.others["segvol"].asked)
    for n in range(1, 20):
        put(node, Box((5.2 + n / 4, 3.1, 2.3), (12.4 + n / 4, 9.7, 8.6)))
    node.InvokeEvent(MARKUPS.PointEndInteractionEvent)
    world.settle()
    assert len(world.engine.others["segvol"].asked) == asked + 1


def test_a_region_that_is_turned_counts_as_the_box_around_it():
    world, lesion, node = boxed(Box((6.0, 6.0, 4.0), (14.0, 12.0, 10.0)))
    matrix = turned(30.0)
    matrix[:3, 3] = 10.0, 9.0, 7.0
    node.SetAndObserveObjectToNodeMatrix(matrix_of(matrix))
    world.settle()
    r, a = 4 * np.cos(np.pi / 6) + 3 * np.sin(np.pi / 6), 4 * np.sin(np.pi / 6) + 3 * np.cos(np.pi / 6)
    around = Box((10 - r, 9 - a, 4.0), (10 + r, 9 + a, 10.0))
    assert same(world.session.annotation[lesion].box, around)
    assert np.array_equal(world.voxels(lesion), in_box(world, around))


def test_a_region_moved_off_the_scan_goes_back_and_the_person_is_told():
    world, lesion, node = boxed()
    put(node, Box((205.2, 3.1, 2.3), (212.4, 9.7, 8.6)))
    world.settle()
    assert "outside the scan" in str(world.failed[-1])
    assert same(bounds(node), HERE)
    assert np.array_equal(world.voxels(lesion), in_box(world, HERE))


def test_deleting_the_region_removes_the_box_and_undo_brings_both_back():
    world, lesion, node = boxed()
    world.scene.RemoveNode(node)
    assert world.session.annotation[lesion].box is None
    assert not world.voxels(lesion).any()
    world.annotator.undo()
    world.settle()
    (again,) = regions(world.scene)
    assert same(bounds(again), HERE)
    assert np.array_equal(world.voxels(lesion), in_box(world, HERE))
    put(again, THERE)
    world.settle()
    assert np.array_equal(world.voxels(lesion), in_box(world, THERE))
    world.annotator.forget_box(lesion)
    assert regions(world.scene) == []
    assert not world.outdated


def test_undo_of_the_first_box_and_removal_of_the_structure_take_the_region_away():
    world, lesion, _node = boxed()
    world.annotator.undo()
    assert regions(world.scene) == []
    world.annotator.redo()
    assert len(regions(world.scene)) == 1
    world.annotator.remove(lesion)
    assert regions(world.scene) == []
    world.annotator.undo()
    assert same(bounds(regions(world.scene)[0]), HERE)


def test_the_box_of_what_is_done_stays_where_it_is():
    world, lesion, node = boxed()
    world.annotator.set_status(lesion, Status.DONE)
    assert node.GetLocked()
    put(node, THERE)
    assert same(bounds(node), HERE)
    world.scene.RemoveNode(node)
    world.settle()
    assert [error.what for error in world.failed] == ["Lesion 1 is done."] * 2
    (again,) = regions(world.scene)
    assert same(bounds(again), HERE)
    assert world.session.annotation[lesion].box == HERE
    with pytest.raises(PromptError, match="done"):
        world.annotator.box(THERE.ras_min, THERE.ras_max)
    with pytest.raises(PromptError, match="done"):
        world.annotator.forget_box(lesion)


def test_an_edit_by_another_tool_makes_the_box_part_of_the_segment():
    world, lesion, _node = boxed()
    world.paint(lesion, SPLEEN_VOXELS)
    world.settle()
    assert "Lesion 1 was edited: its earlier prompts are part of it now." in world.said
    assert regions(world.scene) == []
    assert np.array_equal(world.voxels(lesion), SPLEEN_VOXELS)


def test_a_box_that_the_person_draws_is_that_of_the_chosen_structure():
    world = segmented()
    lesion = world.annotator.new_structure("cyst")
    node = world.annotator.draw_box()
    low, high = world.ras((2, 3, 5)), world.ras((8, 9, 12))
    node.AddControlPointWorld(*low)
    world.settle()
    assert world.session.annotation[lesion].box is None, "one corner is no box"
    woken = []
    world.annotator.stirred.connect(woken.append)
    node.AddNControlPoints(1, "", list(high))
    assert woken
    assert not world.annotator.idle
    drawn = bounds(node)
    world.settle()
    (region,) = regions(world.scene)
    assert region is not node, "what was drawn with has gone"
    assert same(bounds(region), drawn)
    assert np.array_equal(world.voxels(lesion), in_box(world, world.session.annotation[lesion].box))


def test_a_box_that_was_begun_and_not_drawn_leaves_nothing():
    world = segmented()
    world.scene.RemoveNode(world.annotator.draw_box())
    world.annotator.draw_box().AddControlPointWorld(5, 5, 5)
    world.annotator.draw_box()
    assert len(regions(world.scene)) == 1
    world.settle()
    world.annotator.close()
    assert regions(world.scene) == []


@pytest.mark.parametrize("form", ["mrb", "mrml"])
def test_a_saved_scene_comes_back_with_its_box_and_asks_for_nothing(tmp_path: Path, form: str):
    world = SceneWorld(transform=turned())
    lesion = world.annotator.new_structure("my own: lesion | 1")
    world.annotator.box(HERE.ras_min, HERE.ras_max)
    world.annotator.say("spleen", lesion)
    world.settle()
    before = world.voxels(lesion)
    again = opened(saved_and_loaded(world.scene, tmp_path, form))
    value = again.session.annotation[lesion]
    assert (value.text, value.box, value.engine) == ("spleen", HERE, "segvol")
    assert again.engine.others["segvol"].asked == []
    assert np.array_equal(again.voxels(lesion), before)
    (node,) = regions(again.scene)
    put(node, THERE)
    again.settle()
    assert np.array_equal(again.voxels(lesion), in_box(again, THERE) | SPLEEN_VOXELS)
    again.annotator.undo()
    again.settle()
    assert np.array_equal(again.voxels(lesion), before)
    assert regions(again.scene) == [node]


def test_a_box_that_was_not_answered_before_saving_is_answered_after_opening(tmp_path: Path):
    world = SceneWorld()
    lesion = world.annotator.box(HERE.ras_min, HERE.ras_max)
    world.annotator.keep()
    again = opened(saved_and_loaded(world.scene, tmp_path, "mrb"))
    assert np.array_equal(again.voxels(lesion), in_box(again, HERE))


@pytest.mark.parametrize("what", ["moved", "removed"])
def test_a_structure_whose_region_was_changed_after_saving_begins_anew_with_what_it_holds(tmp_path: Path, what: str):
    world, lesion, _node = boxed()
    scene = saved_and_loaded(world.scene, tmp_path, "mrb")
    (node,) = regions(scene)
    put(node, THERE) if what == "moved" else scene.RemoveNode(node)
    again = opened(scene)
    assert again.session.annotation[lesion].placed == ()
    assert np.array_equal(again.voxels(lesion), in_box(again, HERE))
    assert regions(scene) == []


def test_a_scene_that_was_kept_by_an_older_version_is_opened():
    world = segmented()
    liver = next(iter(world.session.annotation))
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.settle()
    world.annotator.close()
    key, node = f"object.{liver}", world.annotator.records.node
    record = json.loads(node.GetParameter(key))
    for name in ("text", "box", "engine"):
        del record[name]
    node.SetParameter(key, json.dumps(record))
    again = opened(world.scene)
    assert again.failed == []
    assert len(again.session.annotation[liver].clicks) == 1


def test_after_a_crash_the_journal_gives_the_region_back(tmp_path: Path):
    world, lesion, _node = boxed(journal=Journal(tmp_path, "0" * 32))
    again = SceneWorld(journal=Journal(tmp_path, "0" * 32))
    again.settle()
    (node,) = regions(again.scene)
    assert same(bounds(node), HERE)
    assert np.array_equal(again.voxels(lesion), world.voxels(lesion))
    again.scene.RemoveNode(node)
    again.settle()
    assert not again.voxels(lesion).any()


def test_a_box_moves_along_with_its_scan():
    world, lesion, node = boxed(transform=np.eye(4))
    before = world.voxels(lesion)
    moved = np.eye(4)
    moved[:3, 3] = 30, -20, 10
    world.volume_node.GetParentTransformNode().SetMatrixTransformToParent(matrix_of(moved))
    assert len(world.outdated) == 1
    assert world.session.annotation[lesion].box == HERE, "it was the scan that moved"
    world.annotator.close()
    again = opened(world.scene)
    along = Box(tuple(np.add(HERE.ras_min, moved[:3, 3])), tuple(np.add(HERE.ras_max, moved[:3, 3])))
    assert same(again.session.annotation[lesion].box, along)
    assert same(bounds(node), along)
    assert np.array_equal(again.voxels(lesion), before)


def test_regions_of_the_person_and_of_another_segmentation_are_left_alone():
    world, _lesion, _node = boxed()
    own = world.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "mine")
    put(own, THERE)
    other = SceneWorld(scene=world.scene)
    other.settle()
    assert other.annotator.segmentation_node is not world.annotator.segmentation_node
    assert len(regions(world.scene)) == 2
    assert other.annotator.boxes.nodes == {}
    other.annotator.close()
    world.scene.RemoveNode(own)
    assert len(regions(world.scene)) == 1


def test_nothing_listens_to_a_region_after_the_annotation_is_closed():
    world, lesion, node = boxed()
    world.annotator.close()
    put(node, THERE)
    world.scene.RemoveNode(node)
    assert world.session.annotation[lesion].box == HERE


def test_closing_the_scene_removes_no_box_from_the_annotation():
    world, lesion, _node = boxed()
    world.scene.Clear(False)
    assert world.session.annotation[lesion].box == HERE


def test_all_that_belongs_to_the_annotation_can_be_taken_out_of_the_scene():
    world, _lesion, region = boxed()
    world.annotator.close()
    lists = world.annotator.markups.nodes.values()
    assert set(world.annotator.own_nodes) == {world.annotator.records.node, region, *lists}
