"""Structures that a person asks for in words, in a real MRML scene."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fake_engine import LEFT_KIDNEY, LIVER, SPLEEN
from scene_world import LIVER_VOXELS, SPLEEN_VOXELS, SceneWorld, ball, of, segmented
from VISTA3DSegmentLib.errors import PromptError, ResourceError
from VISTA3DSegmentLib.files.seg_nrrd import CLASS_TAG, TERMINOLOGY_TAG
from VISTA3DSegmentLib.scene.nodes import color_of_class
from VISTA3DSegmentLib.service import Broken
from VISTA3DSegmentLib.session.annotation import Status
from VISTA3DSegmentLib.session.listing import prompt_lines


def said(text: str = "liver", **options: Any) -> tuple[SceneWorld, str]:
    """A structure that was asked for, and found; its id."""
    world = SceneWorld(**options)
    world.settle()
    object_id = world.annotator.say(text)
    world.settle()
    return world, object_id


def test_a_word_of_the_table_begins_that_organ_with_its_name_colour_and_codes():
    world, liver = said("  Liver ")
    assert world.annotator.selected == liver
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS)
    assert world.annotator.segments.name(liver) == "liver"
    assert world.annotator.segments.color(liver) == pytest.approx(color_of_class(LIVER))
    assert world.annotator.segments.tag(liver, CLASS_TAG) == str(LIVER)
    assert "Liver" in world.annotator.segments.tag(liver, TERMINOLOGY_TAG)


def test_a_structure_that_is_there_is_taken_and_goes_on_from_what_it_is():
    world = segmented()
    spleen = of(world, SPLEEN)
    world.paint(spleen, ball((14, 16, 18)))
    assert world.annotator.say("spleen") == spleen
    world.settle()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS | ball((14, 16, 18)))
    assert len(world.session.annotation) == 2


def test_a_segment_of_another_tool_is_known_by_its_name():
    world = SceneWorld()
    world.segmentation.AddEmptySegment("theirs", "Spleen")
    assert world.annotator.say("spleen") == "theirs"
    world.settle()
    assert np.array_equal(world.voxels("theirs"), SPLEEN_VOXELS)


def test_what_is_done_is_refused_and_no_second_one_of_its_name_is_begun():
    world, liver = said()
    world.annotator.set_status(liver, Status.DONE)
    with pytest.raises(PromptError, match=r"liver is done\. Set it back to draft"):
        world.annotator.say("Hepar")
    assert len(world.session.annotation) == 1
    with pytest.raises(PromptError, match="liver is done"):
        world.annotator.remove(liver)
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS)
    with pytest.raises(PromptError, match="liver is done"):
        world.annotator.say("spleen", liver)
    with pytest.raises(PromptError, match="liver is done"):
        world.annotator.forget_text(liver)


def test_of_two_of_one_name_the_words_mean_the_one_that_is_not_done():
    world, liver = said()
    world.annotator.set_status(liver, Status.DONE)
    other = world.annotator.new_structure("liver")
    assert world.annotator.say("liver") == other
    world.settle()
    assert np.array_equal(world.voxels(other), LIVER_VOXELS)


def test_a_word_that_the_table_lacks_begins_a_structure_of_that_name():
    world, cyst = said("renal cyst")
    assert world.session.annotation[cyst].structure.name == "renal cyst"
    assert world.session.annotation[cyst].structure.class_id is None
    assert [error.what for error in world.failed] == ["segvol knows no renal cyst."]


def test_words_that_mean_several_structures_are_asked_as_they_are():
    world, kidneys = said("kidneys")
    value = world.session.annotation[kidneys]
    assert (value.structure.name, value.structure.class_id, value.text) == ("kidneys", None, "kidneys")


def test_a_class_that_no_model_here_can_segment_has_its_looks_but_is_no_class_to_clicks():
    world, kidney = said("left kidney")
    value = world.session.annotation[kidney]
    assert (value.structure.name, value.structure.class_id) == ("left kidney", None)
    assert value.color == color_of_class(LEFT_KIDNEY)
    assert "Kidney" in value.tags[TERMINOLOGY_TAG]


def test_nothing_said_begins_nothing():
    world = SceneWorld()
    with pytest.raises(PromptError, match="empty"):
        world.annotator.say("  ")
    assert len(world.session.annotation) == 0


def test_an_organ_that_was_asked_for_is_corrected_by_clicks_and_all_is_undone():
    world, liver = said()
    world.click((4, 14, 16))
    world.settle()
    assert world.said[-1] == "The earlier prompts of liver are part of it now: the next ones correct what they made."
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))
    world.annotator.undo()
    assert world.annotator.markups.nodes[True].GetNumberOfControlPoints() == 0
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS)
    while world.annotator.undo():
        world.settle()
    assert world.annotator.segments.ids() == ()
    for _ in range(3):
        world.annotator.redo()
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))


def test_forgetting_the_words_shows_what_was_there_before():
    world = segmented()
    liver = of(world, LIVER)
    world.annotator.say("spleen", liver)
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | SPLEEN_VOXELS)
    world.annotator.forget_text(liver)
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS)


def test_without_an_engine_neither_words_nor_a_box_begin_a_structure():
    world = SceneWorld()
    world.settle()
    world.session._take(Broken(ResourceError("The worker ended.", "Start again.")))
    for ask in (lambda: world.annotator.say("liver"), lambda: world.annotator.box((1, 1, 1), (5, 5, 5))):
        with pytest.raises(ResourceError):
            ask()
    assert len(world.session.annotation) == 0


def test_the_list_of_prompts_has_a_line_for_the_words_the_box_and_each_click():
    world, liver = said()
    world.annotator.box((-4.0, 2.0, 3.0), (6.0, 10.0, 8.0), liver)
    world.settle()
    lines = prompt_lines(world.session.annotation[liver])
    assert [(line.id, line.kind, line.words, line.ras) for line in lines] == [
        ("text", "text", "“liver”", None),
        ("box", "box", "□  R 1.0  A 6.0  S 5.5 mm, 10 x 8 x 5 mm", (1.0, 6.0, 5.5)),
    ]
    world.click((4, 14, 16), positive=False)
    (line,) = prompt_lines(world.session.annotation[liver])
    assert (line.kind, line.words) == ("negative", "−  R 16.0  A 14.0  S 4.0 mm")
