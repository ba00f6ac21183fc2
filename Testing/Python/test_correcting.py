"""Clicks that correct a base: Add only adds, Remove only removes."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from builders import box_mask
from click_world import NEW, SHAPE, THE_LIVER, body, crop, mask_of, same
from engine_builders import Spy, click_at, clouds, cloudy_scan, engine_of, specification, torch_backend
from segvol_builders import GreyBackend, tiny_network
from segvol_builders import engine_of as segvol_of
from VISTA3DSegmentLib.edits import BoolArray, Edit, MaskCrop
from VISTA3DSegmentLib.engine import Opened
from VISTA3DSegmentLib.engines.correcting import as_the_click_says, click_by_click
from VISTA3DSegmentLib.engines.segvol.backend import TorchBackend
from VISTA3DSegmentLib.errors import PromptError
from VISTA3DSegmentLib.models.specification import ClickSupport
from VISTA3DSegmentLib.prompts import Box, Click, Prompts
from VISTA3DSegmentLib.volume import Volume

PLACES = ((9, 10, 11), (11, 12, 14), (12, 9, 8), (7, 14, 12))
VOLUME = (4, 4, 10)


ENGINES = {
    "plain": lambda: engine_of(),
    "supported": lambda: engine_of(expects=specification(click_support=ClickSupport(3.0, 2.0, 0.5))),
    "segvol": lambda: segvol_of(TorchBackend(tiny_network())),
}


def opened_scan(volume: Volume, engine: str = "plain") -> Opened:
    return ENGINES[engine]().open(volume)


def some_base() -> MaskCrop:
    return crop(clouds(SHAPE, seed=7) > 0)


def signed(volume: Volume, signs: str) -> tuple[Click, ...]:
    return tuple(click_at(volume, place, sign == "+") for place, sign in zip(PLACES, signs, strict=False))


def one_by_one(opened: Opened, clicks: Prompts, base: MaskCrop, reach_mm: float | None = None) -> list[BoolArray]:
    """The structure before the first click, after it, and so on."""
    edits = [opened.refine(THE_LIVER, clicks[: n + 1], base, reach_mm=reach_mm) for n in range(len(clicks))]
    return [base.full(SHAPE), *(edit.onto(base).full(SHAPE) for edit in edits)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("signs", ["".join(signs) for signs in product("+-", repeat=4)])
def test_each_click_only_adds_or_only_removes(signs: str, engine: str) -> None:
    if engine == "segvol":
        signs = "+" + signs[1:]  # which cannot begin with what is wrong
    volume = cloudy_scan(SHAPE)
    masks = one_by_one(opened_scan(volume, engine), signed(volume, signs), some_base())
    for sign, (before, after) in zip(signs, pairwise(masks), strict=True):
        assert not (before & ~after if sign == "+" else after & ~before).any()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_click_changes_nothing_beyond_its_own_reach(engine: str) -> None:
    volume, reach_mm = cloudy_scan(SHAPE), 6.0
    clicks = signed(volume, "+-+-")
    masks = one_by_one(opened_scan(volume, engine), clicks, some_base(), reach_mm)
    everywhere = tuple(slice(0, size) for size in SHAPE)
    for click, (before, after) in zip(clicks, pairwise(masks), strict=True):
        assert not ((before ^ after) & ~volume.voxels_near([click.ras], reach_mm, everywhere)).any()
    assert not np.array_equal(masks[-1], one_by_one(opened_scan(volume, engine), clicks, some_base())[-1])


@pytest.mark.parametrize("engine", ENGINES)
def test_what_clicks_describe_together_lies_within_the_reach_of_any(engine: str) -> None:
    volume, reach_mm = cloudy_scan(SHAPE), 6.0
    clicks = signed(volume, "++")
    made, free = (opened_scan(volume, engine).refine(NEW, clicks, reach_mm=mm).onto(None) for mm in (reach_mm, None))
    near = volume.voxels_near([click.ras for click in clicks], reach_mm, tuple(slice(0, size) for size in SHAPE))
    np.testing.assert_array_equal(made.full(SHAPE), free.full(SHAPE) & near)


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
        (NEW, clicks, square, part, None, 6.0),
    ]
    opened = opened_scan(volume)
    answers = [opened.refine(*question) for question in questions]
    assert all(same(opened_scan(volume).refine(*q), known) for q, known in zip(questions, answers, strict=True))
    assert not any(same(one, other) for one, other in pairwise(answers))


def two_lesions() -> tuple[Volume, tuple[MaskCrop, MaskCrop]]:
    return cloudy_scan(SHAPE), (some_base(), crop(mask_of((slice(2, 30), slice(2, 30), slice(2, 30)))))


def copy_of(mask: MaskCrop) -> MaskCrop:
    """As it comes from another process: another object of the same voxels."""
    return MaskCrop(mask.start, mask.mask.copy())


def counted(engine: str, cache_bytes: int = 2**30) -> tuple[Opened, list[object]]:
    """A scan with an engine, and what its network is asked about clicks."""
    volume, _ = two_lesions()
    if engine == "segvol":
        grey = GreyBackend()
        return segvol_of(grey, cache_bytes=cache_bytes).open(volume), grey.asked
    spy = Spy(torch_backend())
    return engine_of(spy, cache_bytes=cache_bytes).open(volume), spy.clicked


def passes(opened: Opened, asked: list[object], clicks: Prompts, base: MaskCrop | None) -> int:
    """How often the network was asked for an answer."""
    before = len(asked)
    opened.refine(NEW, clicks, None if base is None else copy_of(base))
    return len(asked) - before


def of_one_answer(engine: str, clicks: Prompts) -> int:
    """How often the network is asked for what clicks mean together."""
    return passes(*counted(engine), clicks, None)


@pytest.mark.parametrize("engine", ["plain", "segvol"])
def test_who_goes_back_to_another_structure_waits_for_one_answer(engine: str) -> None:
    volume, lesions = two_lesions()
    clicks, (opened, asked) = signed(volume, "+-+-"), counted(engine)
    for n in (1, 2, 3, 4):
        for base in lesions:
            assert passes(opened, asked, clicks[:n], base) == of_one_answer(engine, clicks[:n])
    moved = (*clicks[:3], click_at(volume, (12, 12, 12)))
    for base in lesions:
        assert passes(opened, asked, moved, base) == of_one_answer(engine, moved)


@pytest.mark.parametrize("engine", ["plain", "segvol"])
def test_what_was_asked_before_is_not_computed_again(engine: str) -> None:
    volume, lesions = two_lesions()
    clicks, (opened, asked) = signed(volume, "+-+-"), counted(engine)
    for base in lesions:
        assert passes(opened, asked, clicks, base)
    for n in (3, 2, 1, 4):
        assert [passes(opened, asked, clicks[:n], base) for base in lesions] == [0, 0]


def test_an_answer_that_was_kept_took_no_time() -> None:
    volume, (base, _) = two_lesions()
    opened, clicks = opened_scan(volume), signed(volume, "+-")
    assert opened.refine(NEW, clicks, base).seconds
    assert not opened.refine(NEW, clicks, base).seconds


@pytest.mark.parametrize("engine", ["plain", "segvol"])
def test_what_clicks_made_is_kept_within_the_memory_that_was_allowed(engine: str) -> None:
    volume, (one, other) = two_lesions()
    opened, _ = counted(engine, cache_bytes=60_000)
    roomy, _ = counted(engine)
    for n in (1, 2, 3, 4):
        for base in (one, other):
            question = NEW, signed(volume, "+-+-")[:n], base
            assert same(opened.refine(*question), roomy.refine(*question))
            assert opened.engine.cache.bytes <= 60_000
    assert roomy.engine.cache.bytes > 60_000


def test_clicks_without_a_base_describe_the_structure_together() -> None:
    volume = body()
    opened = engine_of().open(volume)
    clicks = (click_at(volume, (9, 10, 11)), click_at(volume, (12, 14, 20), False))
    kept = []
    for n in (2, 1, 2):
        opened.refine(NEW, clicks[:n])
        kept.append(len(opened.engine.cache))
    assert len(set(kept)) == 1


def test_segvol_obeys_clicks_on_what_is_wrong_once_it_is_told_what_is_right() -> None:
    volume, (base, _) = two_lesions()
    opened = opened_scan(volume, "segvol")
    wrong, more, right = (click_at(volume, place, n == 2) for n, place in enumerate(PLACES[:3]))
    with pytest.raises(PromptError, match="Add one on the structure itself"):
        opened.refine(NEW, (wrong, more), base)
    together = opened.refine(NEW, (wrong, more, right), base)
    assert together.added
    assert together.removed


def test_the_prompts_are_retraced_click_by_click_with_what_is_no_click() -> None:
    a, b, box = Click((0.0, 0.0, 0.0)), Click((1.0, 0.0, 0.0), False), Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    assert click_by_click((a, box, b)) == [(a, box), (a, box, b)]
    assert click_by_click((box, a)) == [(box, a)]


def edit_to(base: MaskCrop, mask: MaskCrop) -> Edit:
    return Edit((0, 0, 0), mask.full(VOLUME), 0, 0, {"clicks": 1.0}, "", ("said",))


def test_what_goes_against_the_click_is_left_as_the_clicks_before_had_made_it() -> None:
    base = box_mask(VOLUME, (0, 0, 2), (4, 4, 6))
    before, answer = box_mask(VOLUME, (0, 0, 3), (4, 4, 7)), box_mask(VOLUME, (0, 0, 1), (4, 4, 5))
    scan = cloudy_scan(VOLUME)
    for positive, first, last in ((True, 1, 7), (False, 3, 5)):
        click = click_at(scan, (2, 2, 4), positive)
        edit = as_the_click_says(scan, click, edit_to(base, answer), edit_to(base, before), base, None, "nothing")
        expected = box_mask(VOLUME, (0, 0, first), (4, 4, last)).full(VOLUME)
        np.testing.assert_array_equal(edit.onto(base).full(VOLUME), expected)
        assert (edit.added, edit.removed) == (
            (expected & ~base.full(VOLUME)).sum(),
            (base.full(VOLUME) & ~expected).sum(),
        )
        assert (edit.seconds, edit.empty_reason, edit.notices) == ({"clicks": 1.0}, "", ("said",))


def test_what_comes_to_nothing_says_so_wherever_the_two_changes_lie() -> None:
    base, scan = box_mask(VOLUME, (1, 1, 2), (3, 3, 6)), cloudy_scan(VOLUME)
    none = Edit((0, 0, 0), np.zeros((0, 0, 0), np.bool_), 0, 0)
    grown = Edit((0, 0, 7), np.ones((1, 1, 1), np.bool_), 1, 0)
    for answer, before in ((none, none), (grown, none), (none, grown)):
        edit = as_the_click_says(scan, click_at(scan, (2, 2, 4), False), answer, before, base, None, "nothing")
        assert (edit.added, edit.removed, edit.empty_reason) == (0, 0, "nothing")
        np.testing.assert_array_equal(edit.onto(base).full(VOLUME), base.full(VOLUME))


def test_a_base_is_known_again_by_its_place_and_its_voxels() -> None:
    base = box_mask(VOLUME, (1, 1, 2), (3, 3, 6))
    hole = base.mask.copy()
    hole[0, 0, 0] = False
    others = [
        MaskCrop((1, 1, 3), base.mask),
        MaskCrop(base.start, base.mask.reshape(2, 4, 2)),
        MaskCrop((1, 1, 2), hole),
    ]
    assert copy_of(base).content_key == base.content_key
    assert len({mask.content_key for mask in (base, *others)}) == 4
