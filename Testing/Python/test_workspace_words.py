"""What every shell says: the line of news, what can be chosen."""

from __future__ import annotations

import logging

import pytest
from scene_world import Clock
from VISTA3DSegmentLib.anatomy import EVERYTHING, PRESETS
from VISTA3DSegmentLib.errors import PromptError, VolumeError
from VISTA3DSegmentLib.workspace import choices
from VISTA3DSegmentLib.workspace.news import NEWS_SECONDS, SAME_BREATH_SECONDS, News


def test_what_is_said_in_one_breath_stands_together_and_later_news_alone() -> None:
    clock = Clock()
    news = News(clock)
    news.say("Liver: cut at the edge.")
    news.say("Not found: uterus.")
    assert news.message == "Liver: cut at the edge. Not found: uterus."
    news.settle()
    news.say("Slow.")
    assert news.message == "Liver: cut at the edge. Not found: uterus. Slow."
    news.settle()
    clock.seconds += SAME_BREATH_SECONDS + 1
    news.say("Cancelled.")
    assert news.message == "Cancelled."


def test_what_is_said_in_one_turn_stands_together_however_long_it_took() -> None:
    clock = Clock()
    news = News(clock)
    news.say("Slices are missing.")
    clock.seconds += 10 * SAME_BREATH_SECONDS
    news.say("Your work on the other scan is kept.")
    assert news.message == "Slices are missing. Your work on the other scan is kept."


def test_the_same_is_said_once_in_a_breath_however_often_it_comes() -> None:
    news = News(Clock())
    for _ in range(32):
        news.say("Its grey values are scaled. Expect less.")
    news.say("Not found: uterus.")
    assert news.message == "Its grey values are scaled. Expect less. Not found: uterus."


def test_who_goes_on_leaves_what_was_said_before_but_not_what_is_said_of_it() -> None:
    news = News(Clock())
    news.say("The clicks changed nothing in liver.")
    news.settle()
    news.say("The earlier prompts are part of it now.")
    news.go_on()
    assert news.message == "The earlier prompts are part of it now."
    news.settle()
    news.fail(PromptError("liver is done.", "Set it back."))
    news.go_on()
    assert news.failed, "it is this that was refused"
    news.settle()
    news.go_on()
    assert (news.message, news.failed) == ("", False)


def test_news_grows_old_and_an_error_stays_until_the_person_goes_on() -> None:
    clock = Clock()
    news = News(clock)
    news.say("Cancelled.")
    clock.seconds += NEWS_SECONDS + 1
    assert news.forget_old()
    assert news.message == ""
    news.fail(VolumeError("The volume has no voxels.", "Load a scan."))
    clock.seconds += 10 * NEWS_SECONDS
    assert not news.forget_old()
    assert (news.message, news.failed) == ("The volume has no voxels. Load a scan.", True)
    news.forget_failure()
    assert (news.message, news.failed) == ("", False)


def test_what_is_said_to_nobody_grows_old_only_when_somebody_has_come() -> None:
    clock = Clock()
    news = News(clock)
    news.watch(False)
    news.say("Your earlier work is back.")
    clock.seconds += 10 * NEWS_SECONDS
    assert not news.forget_old()
    news.watch(True)
    clock.seconds += NEWS_SECONDS - 1
    assert not news.forget_old()
    clock.seconds += 2
    assert news.forget_old()


def test_a_mistake_of_ours_is_told_without_the_values_of_a_patient(caplog: pytest.LogCaptureFixture) -> None:
    news, patient = News(), "^".join(("Doe", "John"))
    with caplog.at_level(logging.ERROR):
        try:
            _ = {}[patient]
        except KeyError as error:
            news.fail(error)
    assert "KeyError" in news.message
    assert "test_workspace_words" in caplog.text
    assert "Doe" not in news.message + caplog.text


def test_structures_and_presets_of_a_model_can_be_chosen_and_mean_classes() -> None:
    known = EVERYTHING[:20]
    assert [int(choice.value) for choice in choices.structures(known)] == list(known)
    liver = choices.structures(known)[0]
    assert liver.title == "liver"
    assert "hepar" in liver.subtitle
    offered = {choice.title: choice.value for choice in choices.presets(known)}
    assert set(offered) <= {name.replace("-", " ") for name in PRESETS}
    assert choices.classes_of([offered["abdomen"], "1"]) == tuple(dict.fromkeys((*PRESETS["abdomen"], 1)))
    assert not choices.presets(())


def test_a_typed_name_is_that_of_the_table_if_the_model_knows_it() -> None:
    assert choices.named("HEPAR", (1,)) == ("liver", 1)
    assert choices.named("pancreas", (1,)) == ("pancreas", None)
    assert choices.named("my cyst", (1,)) == ("my cyst", None)
    with pytest.raises(PromptError, match="several"):
        choices.named("kidney", (1,))
