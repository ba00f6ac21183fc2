"""Saved scenes, crashes, moved scans: what comes back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from fake_engine import LIVER, RIGHT_KIDNEY, SPLEEN, FakeEngine
from scene_world import (
    LIVER_VOXELS,
    SHAPE,
    SPLEEN_VOXELS,
    SceneWorld,
    add_transform,
    add_volume,
    ball,
    corrected,
    empty_scene,
    matrix_of,
    of,
    painted,
    saved_and_loaded,
    segmented,
)
from VISTA3DSegmentLib.errors import PromptError, ResourceError
from VISTA3DSegmentLib.scene.annotator import SceneAnnotator
from VISTA3DSegmentLib.service import ChildProcess, InProcess
from VISTA3DSegmentLib.session.journal import Journal

MARKUPS = slicer.vtkMRMLMarkupsNode


class Full(InProcess):
    """A client whose machine has no memory left."""

    def open(self, volume: object) -> None:
        raise ResourceError("There is no room for the scan in shared memory.", "Free memory.")


KEY = "0" * 32


def opened(scene: Any, journal: Journal | None) -> SceneWorld:
    """A saved scene, opened and settled."""
    node = scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    world = SceneWorld(scene=scene, segmentation_node=node, journal=journal)
    world.settle()
    return world


@pytest.mark.parametrize("form", ["mrb", "mrml"])
def test_a_saved_scene_comes_back_with_its_prompts_and_infers_the_same(tmp_path: Path, form: str):
    world = segmented(transform=np.diag([1.0, -1.0, -1.0, 1.0]))
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.click((6, 8, 10), positive=False)
    lesion = world.annotator.new_structure("my own: lesion | 1")
    world.click((16, 4, 4))
    world.settle()
    before = {n: world.voxels(n) for n in world.segmentation.GetSegmentIDs()}
    points = [world.annotator.markups.nodes[True].GetNthControlPointPositionVector(n) for n in range(2)]
    scene = saved_and_loaded(world.scene, tmp_path, form)
    again = SceneWorld(scene=scene, segmentation_node=scene.GetFirstNodeByClass("vtkMRMLSegmentationNode"))
    again.settle()
    assert {n: v.tobytes() for n, v in before.items()} == {n: again.voxels(n).tobytes() for n in before}
    assert [len(again.session.annotation[n].clicks) for n in (liver, lesion)] == [2, 1]
    assert again.session.annotation[lesion].structure.name == "my own: lesion | 1"
    node = again.annotator.markups.nodes[True]
    assert np.allclose([node.GetNthControlPointPositionVector(n) for n in range(2)], points)
    again.annotator.select(liver)
    again.click((4, 2, 2))
    again.settle()
    expected = (LIVER_VOXELS | ball((4, 14, 16)) | ball((4, 2, 2))) & ~ball((6, 8, 10))
    assert np.array_equal(again.voxels(liver), expected)
    again.annotator.undo()
    again.settle()
    assert np.array_equal(again.voxels(liver), before[liver])


def test_a_segment_changed_after_saving_begins_anew_with_what_it_holds(tmp_path: Path):
    world, liver = corrected()
    scene = saved_and_loaded(world.scene, tmp_path, "mrb")
    node = scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    world.annotator.segmentation_node, other = node, world.annotator.segmentation_node
    world.paint(liver, SPLEEN_VOXELS)
    world.annotator.segmentation_node = other
    again = SceneWorld(scene=scene, segmentation_node=node)
    again.settle()
    assert np.array_equal(again.voxels(liver), SPLEEN_VOXELS)
    assert again.session.annotation[liver].clicks == ()


def test_after_a_crash_the_journal_gives_segments_and_points_back(tmp_path: Path):
    world = segmented(journal=Journal(tmp_path, KEY))
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.settle()
    again = SceneWorld(journal=Journal(tmp_path, KEY))
    again.settle()
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))
    assert again.annotator.markups.nodes[True].GetNumberOfControlPoints() == 1
    again.annotator.markups.nodes[True].RemoveNthControlPoint(0)
    again.settle()
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS)


def test_a_scan_that_is_moved_is_noticed_and_its_annotation_can_be_opened_again():
    world = segmented(transform=np.eye(4))
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.settle()
    assert not world.outdated
    moved = np.eye(4)
    moved[:3, 3] = 30, -20, 10

    world.volume_node.GetParentTransformNode().SetMatrixTransformToParent(matrix_of(moved))
    assert len(world.outdated) == 1
    world.annotator.close()
    again = SceneWorld(scene=world.scene, segmentation_node=world.annotator.segmentation_node)
    again.settle()
    assert again.session.annotation[liver].clicks[0].click.ras == pytest.approx(again.ras((4, 14, 16)))
    again.click((4, 2, 2))
    assert "No segment is chosen" in str(again.failed[-1])
    again.annotator.select(liver)
    again.click((4, 2, 2))
    again.settle()
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)) | ball((4, 2, 2)))


def test_closing_the_scene_ends_the_annotation_quietly():
    world = segmented()
    world.annotator.select(of(world, LIVER))
    world.click((4, 14, 16))
    world.scene.Clear(False)
    world.annotator.close()


def test_the_journal_is_not_poured_into_a_segmentation_of_another_tool_but_comes_back_into_a_new_one(tmp_path: Path):
    world = segmented(journal=Journal(tmp_path, KEY))
    liver = of(world, LIVER)
    scene = empty_scene()
    add_volume(scene, painted())
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.CreateDefaultDisplayNodes()
    node.GetSegmentation().AddEmptySegment(liver, "another segment of the same id")
    theirs = SceneWorld(scene=scene, segmentation_node=node, journal=Journal(tmp_path, KEY))
    theirs.settle()
    assert not theirs.voxels(liver).any()
    assert theirs.annotator.segments.ids() == (liver,)
    theirs.annotator.close()
    again = SceneWorld(journal=Journal(tmp_path, KEY))
    again.settle()
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS)


@pytest.mark.parametrize("which", ["volume", "segmentation", "points"])
def test_removing_a_node_ends_the_annotation(which: str):
    world = segmented()
    node = {
        "volume": world.volume_node,
        "segmentation": world.annotator.segmentation_node,
        "points": world.annotator.markups.nodes[True],
    }[which]
    world.scene.RemoveNode(node)
    assert len(world.outdated) == 1
    assert "removed" in world.outdated[0]


def test_a_client_that_cannot_open_the_scan_leaves_the_scene_alone():
    scene = empty_scene()
    node = add_volume(scene, painted())
    count = scene.GetNumberOfNodes()
    with pytest.raises(ResourceError):
        SceneAnnotator(scene, node, Full(FakeEngine()))
    assert scene.GetNumberOfNodes() == count


def test_damaged_records_are_told_and_the_segment_is_kept(tmp_path: Path):
    world = segmented()
    liver = of(world, LIVER)
    world.annotator.close()
    world.annotator.records.node.SetParameter(f"object.{liver}", '{"name": 3')
    again = SceneWorld(scene=world.scene, segmentation_node=world.annotator.segmentation_node)
    again.settle()
    assert "damaged" in str(again.failed[0])
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS)
    again.annotator.select(liver)
    again.click((4, 14, 16))
    again.settle()
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))


def test_points_that_no_click_stands_for_do_not_jump_into_another_segment():
    world = segmented()
    liver, spleen = of(world, LIVER), of(world, SPLEEN)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.settle()
    world.paint(liver, LIVER_VOXELS)
    world.annotator.close()
    again = SceneWorld(scene=world.scene, segmentation_node=world.annotator.segmentation_node)
    again.settle()
    again.annotator.select(spleen)
    again.click((13, 14, 24))
    again.settle()
    assert np.array_equal(again.voxels(spleen), SPLEEN_VOXELS | ball((13, 14, 24)))
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS)


def test_a_scan_that_cannot_be_opened_again_leaves_no_listener_on_the_points():
    world = segmented()
    world.annotator.close()
    node = world.annotator.markups.nodes[True]
    assert not node.HasObserver(MARKUPS.PointModifiedEvent)
    with pytest.raises(ResourceError):
        SceneAnnotator(world.scene, world.volume_node, Full(FakeEngine()), world.annotator.segmentation_node)
    assert not node.HasObserver(MARKUPS.PointModifiedEvent)


@pytest.mark.parametrize("form", ["closed", "mrb"])
def test_a_click_that_was_not_answered_before_saving_is_answered_after_opening(tmp_path: Path, form: str):
    world = segmented()
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    assert liver in world.session.busy
    world.annotator.keep()
    if form == "mrb":
        scene = saved_and_loaded(world.scene, tmp_path, form)
        node = scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    else:
        world.annotator.close()
        scene, node = world.scene, world.annotator.segmentation_node
    again = SceneWorld(scene=scene, segmentation_node=node)
    again.settle()
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))


def test_a_lesion_that_was_saved_before_its_first_answer_is_still_coded_as_one(tmp_path: Path):
    world = segmented()
    lesion = world.annotator.new_structure()
    world.click((4, 14, 22))
    assert lesion not in world.annotator.segments
    world.annotator.keep()
    again = opened(saved_and_loaded(world.scene, tmp_path, "mrb"), None)
    assert "52988006" in again.annotator.segments.value(lesion, []).terminology


def test_saving_right_after_a_click_and_a_stroke_loses_nothing(tmp_path: Path):
    world, liver = corrected()
    spleen = of(world, SPLEEN)
    world.click((4, 14, 22))
    mine = np.zeros(SHAPE, np.bool_)
    mine[10:13, 2:6, 2:20] = True
    world.paint(spleen, mine)
    world.annotator.keep()  # no pump came between
    again = opened(saved_and_loaded(world.scene, tmp_path, "mrb"), None)
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)) | ball((4, 14, 22)))
    assert len(again.session.annotation[liver].clicks) == 2
    assert np.array_equal(again.voxels(spleen), mine)
    again.annotator.select(spleen)
    again.click((16, 20, 4))
    again.settle()
    assert np.array_equal(again.voxels(spleen), mine | ball((16, 20, 4)))


def test_a_journal_keeps_the_click_that_a_scene_was_saved_without(tmp_path: Path):
    world, liver = corrected(journal=Journal(tmp_path / "journals", KEY))
    world.click((4, 14, 22))  # no pump, and nobody called keep
    again = opened(saved_and_loaded(world.scene, tmp_path, "mrb"), Journal(tmp_path / "journals", KEY))
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)) | ball((4, 14, 22)))
    assert again.annotator.markups.nodes[True].GetNumberOfControlPoints() == 2


def test_a_click_that_was_not_answered_before_a_crash_is_answered_after_it(tmp_path: Path):
    world = segmented(journal=Journal(tmp_path, KEY))
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    again = SceneWorld(journal=Journal(tmp_path, KEY))
    again.settle()
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))


def test_undo_does_not_lead_behind_work_that_came_back_after_a_crash(tmp_path: Path):
    liver = of(segmented(journal=Journal(tmp_path, KEY)), LIVER)
    again = SceneWorld(journal=Journal(tmp_path, KEY))
    again.settle()
    assert again.annotator.undo() is None
    again.annotator.new_structure()
    again.annotator.undo()
    assert again.annotator.undo() is None
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS)


# A journal beside a saved scene


def test_what_was_done_after_saving_comes_back_after_a_crash_and_can_be_undone(tmp_path: Path):
    world = segmented(journal=Journal(tmp_path / "journals", KEY))
    liver, spleen = of(world, LIVER), of(world, SPLEEN)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.settle()
    scene = saved_and_loaded(world.scene, tmp_path, "mrb")
    world.annotator.markups.nodes[True].SetNthControlPointPositionWorld(0, *world.ras((4, 14, 18)))
    world.click((6, 8, 10), positive=False)
    lesion = world.annotator.new_structure()
    world.click((16, 4, 4))
    world.settle()
    world.annotator.remove(spleen)
    again = opened(scene, Journal(tmp_path / "journals", KEY))
    assert set(again.segmentation.GetSegmentIDs()) == {liver, lesion}
    assert np.array_equal(again.voxels(liver), (LIVER_VOXELS | ball((4, 14, 18))) & ~ball((6, 8, 10)))
    assert np.array_equal(again.voxels(lesion), ball((16, 4, 4)))
    assert len(again.session.annotation[liver].clicks) == 2
    assert [again.annotator.markups.nodes[sign].GetNumberOfControlPoints() for sign in (True, False)] == [2, 1]
    assert again.annotator.recovered
    again.annotator.undo()
    again.settle()
    assert set(again.segmentation.GetSegmentIDs()) == {liver, spleen}
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))
    assert np.array_equal(again.voxels(spleen), SPLEEN_VOXELS)
    assert again.annotator.undo() is None


def test_a_saved_scene_that_holds_all_of_the_journal_opens_with_its_records(tmp_path: Path):
    world, liver = corrected(journal=Journal(tmp_path / "journals", KEY))
    scene = saved_and_loaded(world.scene, tmp_path, "mrb")
    again = opened(scene, Journal(tmp_path / "journals", KEY))
    assert again.session.history.done == ()
    assert len(again.session.annotation[liver].clicks) == 1
    assert not again.annotator.recovered
    again.annotator.select(liver)
    again.click((4, 14, 20))
    again.settle()
    third = opened(saved_and_loaded(world.scene, tmp_path, "mrb"), Journal(tmp_path / "journals", KEY))
    assert np.array_equal(third.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)) | ball((4, 14, 20)))


def test_a_journal_of_other_work_on_the_same_scan_is_left_alone(tmp_path: Path):
    one, liver = corrected(journal=Journal(tmp_path / "one", KEY))
    saved = saved_and_loaded(one.scene, tmp_path, "mrb")
    one.click((4, 14, 20))
    one.settle()
    other = segmented(journal=Journal(tmp_path / "other", KEY))
    lesion = other.annotator.new_structure()
    other.click((16, 4, 4))
    other.settle()
    scene = saved_and_loaded(other.scene, tmp_path, "mrb")
    # The scene of one computer is opened on another, where somebody works on the same scan.
    opened(scene, Journal(tmp_path / "one", KEY)).click((16, 4, 8))
    again = opened(saved, Journal(tmp_path / "one", KEY))
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)) | ball((4, 14, 20)))
    assert lesion not in again.session.annotation


def test_newer_work_in_the_journal_overwrites_no_segment_that_another_tool_changed_since(tmp_path: Path):
    world, liver = corrected(journal=Journal(tmp_path / "journals", KEY))
    scene = saved_and_loaded(world.scene, tmp_path, "mrb")
    world.click((4, 14, 20))
    world.settle()
    node = scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    world.annotator.segmentation_node, mine = node, world.annotator.segmentation_node
    world.paint(liver, SPLEEN_VOXELS)
    world.annotator.segmentation_node = mine
    again = opened(scene, Journal(tmp_path / "journals", KEY))
    assert np.array_equal(again.voxels(liver), SPLEEN_VOXELS)
    assert np.array_equal(again.voxels(f"{liver}-restored"), world.voxels(liver))


def test_work_in_a_scene_that_was_saved_before_any_of_it_comes_back(tmp_path: Path):
    world = SceneWorld(journal=Journal(tmp_path / "journals", KEY))
    scene = saved_and_loaded(world.scene, tmp_path, "mrb")
    lesion = world.annotator.new_structure()
    world.click((16, 4, 4))
    world.settle()
    again = opened(scene, Journal(tmp_path / "journals", KEY))
    assert np.array_equal(again.voxels(lesion), ball((16, 4, 4)))


# Moved nodes


@pytest.mark.parametrize("which", ["segmentation", "points", "volume"])
def test_an_annotation_whose_nodes_were_put_elsewhere_takes_no_click_until_it_is_opened_again(which: str):
    world, liver = corrected()
    nodes = {
        "segmentation": world.annotator.segmentation_node,
        "points": world.annotator.markups.nodes[True],
        "volume": world.volume_node,
    }
    world.click((4, 2, 2))  # not answered yet
    moved = np.eye(4)
    moved[:3, 3] = 3, -2, 1
    transform = add_transform(world.scene, np.eye(4))
    nodes[which].SetAndObserveTransformNodeID(transform.GetID())
    assert not world.outdated, "it is where it was"
    transform.SetMatrixTransformToParent(matrix_of(moved))
    assert len(world.outdated) == 1
    assert "opened again" in world.outdated[0]
    before = world.bytes_of(liver)
    points = world.annotator.markups.nodes[False].GetNumberOfControlPoints()
    world.click((6, 8, 10), positive=False)
    assert str(world.failed[-1]) == world.outdated[0]
    assert world.annotator.markups.nodes[False].GetNumberOfControlPoints() == points
    with pytest.raises(PromptError, match="opened again"):
        world.annotator.undo()
    world.settle()
    assert world.bytes_of(liver) == before
    assert len(world.outdated) == 1
    world.annotator.close()
    nodes[which].SetAndObserveTransformNodeID(None)
    again = SceneWorld(scene=world.scene, segmentation_node=world.annotator.segmentation_node)
    again.settle()
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)) | ball((4, 2, 2)))
    again.annotator.select(liver)
    again.click((6, 8, 10), positive=False)
    again.settle()
    assert not again.voxels(liver)[6, 8, 10]


def test_points_moved_while_nobody_listened_are_part_of_what_they_did():
    world, liver = corrected()
    world.annotator.close()
    node = world.annotator.markups.nodes[True]
    node.SetNthControlPointPositionWorld(0, *world.ras((16, 4, 4)))
    again = SceneWorld(scene=world.scene, segmentation_node=world.annotator.segmentation_node)
    again.settle()
    assert node.GetNumberOfControlPoints() == 0
    again.annotator.select(liver)
    again.click((4, 2, 2))
    again.settle()
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)) | ball((4, 2, 2)))


# One client, one annotation after the other


def test_a_client_serves_the_next_annotation_and_what_was_asked_before_is_not_answered():
    engine = FakeEngine()
    client = InProcess(engine)
    world, liver = corrected(client=client)
    world.click((4, 2, 2))
    world.annotator.segment([RIGHT_KIDNEY])
    asked = len(engine.asked)
    world.annotator.close()
    array = np.zeros((8, 9, 10), np.int16)
    array[2:5, 3:6, 2:7] = 10 * SPLEEN
    scene = empty_scene()
    add_volume(scene, array)
    other = SceneWorld(scene=scene, client=client)
    other.annotator.segment([SPLEEN])
    other.settle()
    assert np.array_equal(other.voxels(of(other, SPLEEN)), array == 10 * SPLEEN)
    assert len(engine.asked) == asked + 1
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))


def test_a_worker_stays_for_the_next_annotation():
    client = ChildProcess(FakeEngine)
    try:
        pids = []
        for _ in range(2):
            world = SceneWorld(client=client)
            world.annotator.segment([LIVER])
            deadline = time.monotonic() + 60
            while not world.annotator.idle:
                world.clock.seconds += 0.05
                world.annotator.pump()
                time.sleep(0.002)
                assert time.monotonic() < deadline
            assert np.array_equal(world.voxels(of(world, LIVER)), LIVER_VOXELS)
            pids.append(client.pid)
            world.annotator.close()
        assert pids[0] == pids[1] is not None
    finally:
        client.close()
