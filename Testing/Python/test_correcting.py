"""Clicks that correct a base: Add only adds, Remove only removes."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from builders import box_mask
from click_world import NEW, SHAPE, THE_LIVER, body, crop, mask_of, same
from engine_builders import click_at, clouds, cloudy_scan, engine_of, specification
from VISTA3DSegmentLib.edits import BoolArray, Edit, MaskCrop
from VISTA3DSegmentLib.engines.vista3d.correcting import as_the_click_says, click_by_click
from VISTA3DSegmentLib.engines.vista3d.engine import OpenedVista3D
from VISTA3DSegmentLib.models.specification import ClickSupport
from VISTA3DSegmentLib.prompts import Box, Click, Prompts
from VISTA3DSegmentLib.volume import Volume

PLACES = ((9, 10, 11), (11, 12, 14), (12, 9, 8), (7, 14, 12))
VOLUME = (4, 4, 10)


def opened_scan(volume: Volume, support: ClickSupport | None = None) -> OpenedVista3D:
    return engine_of(expects=specification(click_support=support)).open(volume)


def some_base() -> MaskCrop:
    return crop(clouds(SHAPE, seed=7) > 0)


def signed(volume: Volume, signs: str) -> tuple[Click, ...]:
    return tuple(click_at(volume, place, sign == "+") for place, sign in zip(PLACES, signs, strict=False))


def one_by_one(opened: OpenedVista3D, clicks: Prompts, base: MaskCrop) -> list[BoolArray]:
    """The structure before the first click, after it, and so on."""
    edits = [opened.refine(THE_LIVER, clicks[: n + 1], base) for n in range(len(clicks))]
    return [base.full(SHAPE), *(edit.onto(base).full(SHAPE) for edit in edits)]


@pytest.mark.parametrize("support", [None, ClickSupport(3.0, 2.0, 0.5)], ids=["plain", "supported"])
@pytest.mark.parametrize("signs", ["".join(signs) for signs in product("+-", repeat=4)])
def test_each_click_only_adds_or_only_removes(signs: str, support: ClickSupport | None) -> None:
    volume = cloudy_scan(SHAPE)
    masks = one_by_one(opened_scan(volume, support), signed(volume, signs), some_base())
    for sign, (before, after) in zip(signs, pairwise(masks), strict=True):
        assert not (before & ~after if sign == "+" else after & ~before).any()


def test_the_answer_is_that_of_the_prompts_whatever_was_asked_before() -> None:
    volume, base = cloudy_scan(SHAPE), some_base()
    clicks = signed(volume, "-+--")
    swapped = (clicks[1], clicks[0], *clicks[2:])
    square = crop(mask_of((slice(2, 30), slice(2, 30), slice(2, 30))))
    part = Box((0.0, 0.0, 100.0), (12.0, 30.0, 130.0))
    questions = [
        *((THE_LIVER, clicks[:n], base, None) for n in (1, 2, 3, 4, 2, 4)),
        (THE_LIVER, swapped, base, None),
        (THE_LIVER, clicks, base, None),
        (THE_LIVER, clicks, square, None),
        (NEW, clicks, square, None),
        (NEW, clicks, square, part),
    ]
    opened = opened_scan(volume)
    answers = [opened.refine(*question) for question in questions]
    assert all(same(opened_scan(volume).refine(*q), known) for q, known in zip(questions, answers, strict=True))
    assert not any(same(one, other) for one, other in pairwise(answers))


def test_a_click_more_costs_one_answer_and_not_those_to_all_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    volume, base = cloudy_scan(SHAPE), some_base()
    clicks, opened, answers = signed(volume, "-+--"), opened_scan(volume), []
    answered = OpenedVista3D._answered

    def counted(self: OpenedVista3D, *question: object) -> Edit:
        answers.append(question[1])
        return answered(self, *question)  # type: ignore[arg-type]

    monkeypatch.setattr(OpenedVista3D, "_answered", counted)
    for n in (1, 2, 3):
        opened.refine(THE_LIVER, clicks[:n], base)
    assert answers == [clicks[:1], clicks[:2], clicks[:3]]
    moved = (*clicks[:2], clicks[3])
    opened.refine(THE_LIVER, moved, base)
    assert answers[3:] == [moved]


def test_clicks_without_a_base_describe_the_structure_together() -> None:
    volume = body()
    opened = engine_of().open(volume)
    clicks = (click_at(volume, (9, 10, 11)), click_at(volume, (12, 14, 20), False))
    opened.refine(NEW, clicks)
    assert not opened._corrected


def test_the_prompts_are_retraced_click_by_click_with_what_is_no_click() -> None:
    a, b, box = Click((0.0, 0.0, 0.0)), Click((1.0, 0.0, 0.0), False), Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    assert click_by_click((a, box, b)) == [(a, box), (a, box, b)]
    assert click_by_click((box, a)) == [(box, a)]


def edit_to(base: MaskCrop, mask: MaskCrop) -> Edit:
    return Edit((0, 0, 0), mask.full(VOLUME), 0, 0, {"clicks": 1.0}, "", ("said",))


def test_what_goes_against_the_click_is_left_as_the_clicks_before_had_made_it() -> None:
    base = box_mask(VOLUME, (0, 0, 2), (4, 4, 6))
    before, answer = box_mask(VOLUME, (0, 0, 3), (4, 4, 7)), box_mask(VOLUME, (0, 0, 1), (4, 4, 5))
    for positive, first, last in ((True, 1, 7), (False, 3, 5)):
        edit = as_the_click_says(edit_to(base, answer), edit_to(base, before), base, positive, "nothing")
        expected = box_mask(VOLUME, (0, 0, first), (4, 4, last)).full(VOLUME)
        np.testing.assert_array_equal(edit.onto(base).full(VOLUME), expected)
        assert (edit.added, edit.removed) == (
            (expected & ~base.full(VOLUME)).sum(),
            (base.full(VOLUME) & ~expected).sum(),
        )
        assert (edit.seconds, edit.empty_reason, edit.notices) == ({"clicks": 1.0}, "", ("said",))


def test_what_comes_to_nothing_says_so_wherever_the_two_changes_lie() -> None:
    base = box_mask(VOLUME, (1, 1, 2), (3, 3, 6))
    none = Edit((0, 0, 0), np.zeros((0, 0, 0), np.bool_), 0, 0)
    grown = Edit((0, 0, 7), np.ones((1, 1, 1), np.bool_), 1, 0)
    for answer, before in ((none, none), (grown, none), (none, grown)):
        edit = as_the_click_says(answer, before, base, False, "nothing")
        assert (edit.added, edit.removed, edit.empty_reason) == (0, 0, "nothing")
        np.testing.assert_array_equal(edit.onto(base).full(VOLUME), base.full(VOLUME))
