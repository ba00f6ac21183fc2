"""Clicks and boxes that a person gives while another engine has still to answer about the same structure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from fake_engine import SPLEEN
from scene_world import LIVER_VOXELS, SPLEEN_VOXELS, SceneWorld, ball, of, segmented
from VISTA3DSegmentLib.errors import ResourceError
from VISTA3DSegmentLib.scene.boxes import NODE_CLASS
from VISTA3DSegmentLib.scene.nodes import nodes_of
from VISTA3DSegmentLib.service import Broken
from VISTA3DSegmentLib.session.annotation import Status

BESIDE, FAR = (4, 14, 16), (14, 4, 20)


def asked() -> tuple[SceneWorld, str]:
    """A liver that was asked for in words, and not answered yet; its id."""
    world = SceneWorld()
    world.settle()
    return world, world.annotator.say("liver")


def clicked() -> tuple[SceneWorld, str]:
    """A spleen with a click that is not answered yet; its id."""
    world = segmented()
    spleen = of(world, SPLEEN)
    world.annotator.select(spleen)
    world.click(FAR)
    return world, spleen


def draw_box(world: SceneWorld, to: tuple[int, int, int] = (8, 9, 12)) -> None:
    """Let the person draw a box, so that it is taken, while the engine answers nothing."""
    node = world.annotator.draw_box()
    for corner in ((2, 3, 5), to):
        node.AddControlPointWorld(*world.ras(corner))
    world.annotator.boxes.pump()


def points(world: SceneWorld) -> int:
    """How many clicks are seen."""
    return sum(node.GetNumberOfControlPoints() for node in world.annotator.markups.nodes.values())


def names(world: SceneWorld) -> list[str]:
    """Of the steps that were done."""
    return [step.name for step in world.session.history.done]


def test_clicks_before_the_words_are_answered_are_seen_and_follow():
    world, liver = asked()
    world.click(BESIDE)
    world.click(FAR)
    assert world.said == ["liver is still being computed by another engine. What you asked follows."]
    assert points(world) == 2
    assert not world.annotator.idle
    world.settle()
    assert world.failed == []
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball(BESIDE) | ball(FAR))
    assert names(world)[-2:] == ["+ liver", "+ liver"]
    assert points(world) == 2


def test_a_box_that_is_drawn_before_a_click_is_answered_is_seen_and_follows():
    world, spleen = clicked()
    draw_box(world)
    (region,) = nodes_of(world.scene, NODE_CLASS)
    assert region.GetLocked(), "it is no prompt yet, so nobody would take in that it was moved"
    world.settle()
    (region,) = nodes_of(world.scene, NODE_CLASS)
    assert not region.GetLocked()
    assert names(world)[-2:] == ["+ spleen", "box for spleen"]
    assert world.session.annotation[spleen].box is not None
    assert (world.voxels(spleen) & ~SPLEEN_VOXELS & ~ball(FAR)).any()


def test_what_waits_keeps_its_order():
    world, _ = clicked()
    draw_box(world)
    world.click(BESIDE)
    world.settle()
    assert names(world)[-3:] == ["+ spleen", "box for spleen", "+ spleen"]


def test_a_click_that_was_moved_while_it_waited_is_asked_where_it_is():
    world, liver = asked()
    world.click(BESIDE)
    world.annotator.markups.nodes[True].SetNthControlPointPositionWorld(0, *world.ras(FAR))
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball(FAR))


def test_undo_takes_back_what_waits_first():
    world, liver = asked()
    steps = names(world)
    world.click(BESIDE)
    assert world.annotator.undo() is None
    assert points(world) == 0
    assert names(world) == steps
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS)


def test_undo_takes_back_a_box_that_waits():
    world, spleen = clicked()
    draw_box(world)
    world.annotator.undo()
    assert nodes_of(world.scene, NODE_CLASS) == []
    world.settle()
    assert world.session.annotation[spleen].box is None
    assert names(world)[-1] == "+ spleen"


def test_when_a_box_that_waits_is_taken_back_the_one_before_it_is_seen_again():
    world = segmented()
    spleen = of(world, SPLEEN)
    world.annotator.select(spleen)
    draw_box(world)
    known = world.annotator.boxes.box(spleen)
    world.click(FAR)
    draw_box(world, to=(6, 6, 9))
    assert world.annotator.boxes.box(spleen) != known
    world.annotator.undo()
    assert world.annotator.boxes.box(spleen) == known
    assert points(world) == 1


def _take_the_point(world: SceneWorld, _object_id: str) -> None:
    world.annotator.markups.nodes[True].RemoveNthControlPoint(0)


def _delete(world: SceneWorld, object_id: str) -> None:
    world.annotator.remove(object_id)


@pytest.mark.parametrize("take", [_take_the_point, _delete])
def test_what_was_taken_away_meanwhile_is_not_asked(take: Callable[[SceneWorld, str], None]):
    world, liver = asked()
    world.click(BESIDE)
    take(world, liver)
    world.settle()
    assert world.failed == []
    assert points(world) == 0
    assert "+ liver" not in names(world)


def test_a_structure_that_is_done_meanwhile_stays_as_it_is():
    world, liver = asked()
    world.click(BESIDE)
    world.annotator.set_status(liver, Status.DONE)
    world.settle()
    assert [error.what for error in world.failed] == ["liver is done."]
    assert points(world) == 0
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS)


def test_a_click_that_waits_when_the_engine_ends_is_told_and_gone():
    world, _ = asked()
    world.click(BESIDE)
    world.session._take(Broken(ResourceError("The worker ended.", "Start again.")))
    world.settle()
    assert any(isinstance(error, ResourceError) for error in world.failed)
    assert points(world) == 0
    assert world.annotator.idle


def test_the_end_of_the_annotation_leaves_no_point_that_is_no_click():
    world, _ = asked()
    world.click(BESIDE)
    world.annotator.close()
    assert points(world) == 0
