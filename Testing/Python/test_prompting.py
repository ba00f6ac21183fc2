"""Text, box and clicks of one object, answered by one engine or the other."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from fake_engine import LIVER, SPLEEN, FakeEngine
from session_world import COLORS, NAMES, RED, SHAPE, World, volume
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.errors import PromptError
from VISTA3DSegmentLib.prompts import Box, Click, Structure, Text
from VISTA3DSegmentLib.session.annotation import AnnotatedObject, Annotation, PlacedClick
from VISTA3DSegmentLib.session.journal import Journal
from VISTA3DSegmentLib.session.prompting import Answering

LIVER_VOXELS, SPLEEN_VOXELS = (volume().array == 10 * n for n in (LIVER, SPLEEN))
BESIDE = (8.0, 8.0, 6.0)
"""Where no organ is (RAS, mm; voxels of 1 mm)."""
SMALL = Box((6.0, 0.0, 0.0), (8.0, 2.0, 2.0))
OTHER = Box((7.0, 6.0, 5.0), (9.0, 8.0, 7.0))


def in_box(box: Box) -> np.ndarray:
    return volume().voxels_inside(box, MaskCrop((0, 0, 0), np.ones(SHAPE, np.bool_)).slices)


def named(text: str = "liver", **options: object) -> tuple[World, str]:
    """A structure that was asked for in words, and is there."""
    world = World(**options)
    organ = world.session.add(Structure(text), RED)
    world.session.set_text(organ, text)
    world.settle()
    return world, organ


def asked_of(world: World, engine: str) -> list[tuple[object, ...]]:
    """The prompts of each question that went to an engine."""
    asked = (world.engine if not engine else world.engine.others[engine]).asked
    return [entry[1] for entry in asked if len(entry) == 4]


def test_a_structure_is_found_by_its_name_by_the_engine_that_answers_texts():
    world, organ = named()
    assert np.array_equal(world.mask(organ), LIVER_VOXELS)
    assert asked_of(world, "segvol") == [(Text("liver"),)]
    assert asked_of(world, "") == []
    assert str(world.session.undo()) == f"text for liver, +{LIVER_VOXELS.sum()} voxels"
    assert not world.mask(organ).any()
    world.session.redo()
    assert np.array_equal(world.mask(organ), LIVER_VOXELS)


def test_what_a_box_holds_is_found_and_follows_the_box():
    world = World()
    organ = world.session.add(Structure("lesion"), RED)
    world.session.set_box(organ, SMALL)
    world.settle()
    assert np.array_equal(world.mask(organ), in_box(SMALL))
    world.session.set_box(organ, OTHER)
    world.settle()
    assert np.array_equal(world.mask(organ), in_box(OTHER))
    assert [step.name for step in world.session.history.done] == ["new lesion", "box for lesion", "move box of lesion"]
    world.session.set_box(organ, None)
    world.settle()
    assert not world.mask(organ).any()
    for expected in (OTHER, SMALL):
        world.session.undo()
        assert world.session.annotation[organ].box == expected
        assert np.array_equal(world.mask(organ), in_box(expected))


def test_prompts_that_one_engine_answers_are_asked_together_the_text_first_then_the_box_then_the_clicks():
    world, organ = named()
    world.session.answering = Answering("segvol", "segvol", "segvol")
    world.session.click(organ, BESIDE)
    world.session.set_box(organ, SMALL)
    world.settle()
    assert asked_of(world, "segvol")[-1] == (Text("liver"), SMALL, Click(BESIDE))
    assert world.said == []
    world.check_pure()


def test_an_organ_begun_by_a_word_is_corrected_by_clicks_of_another_engine_in_one_history():
    world, organ = named()
    world.session.click(organ, BESIDE)
    world.settle()
    value = world.session.annotation[organ]
    assert world.said == ["The earlier prompts of liver are part of it now: the next ones correct what they made."]
    assert (value.text, value.engine, value.prompts) == ("", "", (Click(BESIDE),))
    assert np.array_equal(value.base.full(SHAPE), LIVER_VOXELS)
    assert world.mask(organ)[LIVER_VOXELS].all()
    assert world.mask(organ)[6, 8, 8]
    last = world.state()
    world.session.undo()
    assert world.session.annotation[organ].text == "liver"
    assert world.session.annotation[organ].engine == "segvol"
    assert np.array_equal(world.mask(organ), LIVER_VOXELS)
    world.session.undo()
    assert not world.mask(organ).any()
    world.session.undo()
    assert len(world.session.annotation) == 0
    for _ in range(3):
        world.session.redo()
    assert world.state() == last
    assert not world.session.busy


def test_a_text_after_clicks_of_another_engine_goes_on_from_what_they_made():
    world = World()
    organ = world.session.add(Structure("spleen"), RED)
    click = world.session.click(organ, BESIDE)
    world.settle()
    clicked = world.mask(organ)
    world.session.set_text(organ, "spleen")
    world.settle()
    assert np.array_equal(world.mask(organ), clicked | SPLEEN_VOXELS)
    assert asked_of(world, "segvol") == [(Text("spleen"),)]
    with pytest.raises(PromptError, match="no click"):
        world.session.annotation[organ].click(click)
    world.session.set_text(organ, "")
    assert np.array_equal(world.mask(organ), clicked)


def test_the_first_engine_is_the_same_by_its_name_and_by_none():
    world = World()
    organ = world.session.add(Structure("spleen"), RED)
    world.session.click(organ, BESIDE)
    world.settle()
    world.session.answering = Answering("fake", "fake", "fake")
    world.session.set_text(organ, "spleen")
    world.settle()
    assert world.said == []
    assert asked_of(world, "")[-1] == (Text("spleen"), Click(BESIDE))


def test_a_prompt_for_another_engine_waits_until_the_one_before_is_answered():
    world = World()
    organ = world.session.add(Structure("liver"), RED)
    world.session.set_text(organ, "liver")
    before = world.state()
    with pytest.raises(PromptError, match="liver is still being computed by another engine"):
        world.session.click(organ, BESIDE)
    assert world.state() == before
    world.settle()
    world.session.click(organ, BESIDE)
    world.settle()
    assert world.mask(organ)[LIVER_VOXELS].all()


@pytest.mark.parametrize("before", ["taken back", "asked of another engine"])
def test_words_that_are_said_again_wait_for_their_answer_again(before: str):
    world, organ = named()
    if before == "taken back":
        world.session.set_text(organ, "")
    else:
        world.session.answering = Answering("segvol", "", "")
    world.session.set_text(organ, "liver")
    world.session.rebase(organ, MaskCrop.of(SPLEEN_VOXELS), "paint")
    assert world.session.annotation[organ].text == "liver", "nobody has answered it: it is no part of what was painted"
    world.settle()
    assert np.array_equal(world.mask(organ), SPLEEN_VOXELS | LIVER_VOXELS)


def test_another_text_replaces_the_one_before():
    world, organ = named()
    world.session.set_text(organ, "  spleen ")
    world.settle()
    assert np.array_equal(world.mask(organ), SPLEEN_VOXELS)
    steps = len(world.session.history.done)
    world.session.set_text(organ, "spleen")
    assert len(world.session.history.done) == steps, "nothing is new"
    world.session.undo()
    world.settle()
    assert np.array_equal(world.mask(organ), LIVER_VOXELS)


def test_an_object_without_prompts_shows_its_base_again_and_nothing_is_asked():
    world = World()
    world.session.segment([LIVER], NAMES, COLORS)
    world.settle()
    liver = world.session.annotation.of_class(LIVER)
    world.session.set_text(liver, "spleen")
    world.session.set_box(liver, SMALL)
    world.settle()
    assert np.array_equal(world.mask(liver), LIVER_VOXELS | SPLEEN_VOXELS | in_box(SMALL))
    world.session.set_text(liver, "")
    world.settle()
    assert np.array_equal(world.mask(liver), LIVER_VOXELS | in_box(SMALL))
    world.session.set_box(liver, None)
    assert not world.session.busy
    assert np.array_equal(world.mask(liver), LIVER_VOXELS)


def test_a_word_that_the_engine_does_not_know_is_told_and_changes_no_voxel():
    world, organ = named()
    world.session.set_text(organ, "gall bladder")
    world.settle()
    assert [error.what for error in world.failed] == ["segvol knows no gall bladder."]
    assert np.array_equal(world.mask(organ), LIVER_VOXELS)
    world.session.click(organ, BESIDE)
    world.settle()
    assert len(world.failed) == 1, "the click does not bring the word along"
    assert world.mask(organ)[6, 8, 8]


def test_a_box_beside_the_scan_is_refused_and_one_that_reaches_over_its_border_is_not():
    world = World()
    organ = world.session.add(Structure("lesion"), RED)
    before = world.state()
    with pytest.raises(PromptError, match="outside the scan"):
        world.session.set_box(organ, Box((0.0, 0.0, 8.0), (5.0, 5.0, 9.0)))
    assert world.state() == before
    world.session.set_box(organ, Box((-50.0, -50.0, 6.5), (5.0, 5.0, 90.0)))
    world.settle()
    assert world.mask(organ)[7, :6, :6].all()
    assert world.mask(organ).sum() == 36


def test_dragging_a_box_is_one_step_also_when_it_is_drawn_first():
    world = World()
    organ = world.session.add(Structure("lesion"), RED)
    steps = len(world.session.history.done)
    for size in (1.0, 2.0, 3.0):
        world.session.set_box(organ, Box((0.0, 0.0, 0.0), (size, size, size)), dragging=True)
        world.session.pump()
    world.session.set_box(organ, SMALL)
    world.settle()
    assert np.array_equal(world.mask(organ), in_box(SMALL))
    assert len(world.session.history.done) == steps + 1
    world.session.set_box(organ, OTHER, dragging=True)
    assert len(world.session.history.done) == steps + 2
    world.session.undo()
    world.session.undo()
    world.settle()
    assert world.session.annotation[organ].box is None
    assert not world.mask(organ).any()


def test_while_a_box_is_dragged_it_takes_nothing_from_others():
    world = World()
    neighbour = world.session.add(Structure("neighbour"), RED, MaskCrop.of(np.ones(SHAPE, np.bool_)))
    organ = world.session.add(Structure("lesion"), RED)
    world.rules.on = True
    world.session.set_box(organ, SMALL, dragging=True)
    world.settle()
    assert world.mask(neighbour).all()
    world.session.set_box(organ, OTHER)
    world.settle()
    assert np.array_equal(world.mask(neighbour), ~in_box(OTHER))
    world.session.set_box(organ, None)
    world.settle()
    assert world.mask(neighbour).all()


def test_a_moved_box_is_answered_by_the_engine_that_answered_it():
    world = World()
    organ = world.session.add(Structure("lesion"), RED)
    world.session.set_box(organ, SMALL)
    world.settle()
    world.session.answering = Answering("", "", "")
    world.session.set_box(organ, OTHER)
    world.settle()
    assert world.session.annotation[organ].engine == "segvol"
    assert np.array_equal(world.mask(organ), in_box(OTHER))


def test_the_reach_of_clicks_does_not_cut_what_a_text_found():
    world = World()
    world.rules.reach_mm = 1.0
    world.session.answering = Answering("segvol", "segvol", "segvol")
    organ = world.session.add(Structure("liver"), RED)
    world.session.set_text(organ, "liver")
    world.settle()
    assert np.array_equal(world.mask(organ), LIVER_VOXELS)
    world.session.click(organ, BESIDE)
    world.settle()
    added = world.mask(organ) & ~LIVER_VOXELS
    assert world.mask(organ)[LIVER_VOXELS].all()
    assert added.sum() == 6, "a voxel at the border and its five neighbours"


def test_an_edit_by_another_tool_makes_text_and_box_part_of_the_object():
    world, organ = named()
    world.session.set_box(organ, SMALL)
    world.settle()
    world.session.rebase(organ, MaskCrop.of(SPLEEN_VOXELS), "paint")
    value = world.session.annotation[organ]
    assert value.placed == ()
    assert np.array_equal(world.mask(organ), SPLEEN_VOXELS)
    world.session.undo()
    assert world.session.annotation[organ].prompts == (Text("liver"), SMALL)
    world.settle()
    world.check_pure()


def test_prompts_come_back_from_the_journal_and_one_without_an_answer_is_asked_again(tmp_path: Path):
    world, organ = named(journal=Journal(tmp_path, "key"))
    world.session.set_box(organ, SMALL)
    journal = Journal(tmp_path, "key")
    again = World(annotation=journal.restore(), waiting=journal.waiting, journal=journal)
    value = again.session.annotation[organ]
    assert (value.text, value.box, value.engine) == ("liver", SMALL, "segvol")
    assert again.session.busy == {organ}
    again.settle()
    assert np.array_equal(again.mask(organ), LIVER_VOXELS | in_box(SMALL))
    again.check_pure()


def test_a_journal_that_knows_clicks_only_is_read(tmp_path: Path):
    journal = Journal(tmp_path, "key")
    clicks = (PlacedClick("c", Click(BESIDE)),)
    journal.append(Annotation().replaced("a", AnnotatedObject(Structure("a"), RED, clicks=clicks)))
    entry = json.loads(journal.path.read_bytes().partition(b" ")[2])
    for key in ("text", "box", "engine"):
        del entry[key]
    text = json.dumps(entry).encode()
    journal.path.write_bytes(b"%08x %s\n" % (zlib.crc32(text), text))
    value = Journal(tmp_path, "key").restore()["a"]
    assert value.placed == clicks
    assert value.engine == ""


def test_a_text_for_an_engine_that_is_not_there_fails_in_its_words():
    world = World(FakeEngine())
    organ = world.session.add(Structure("liver"), RED)
    world.session.set_text(organ, "liver")
    world.settle()
    assert "no engine called segvol" in world.failed[0].what
