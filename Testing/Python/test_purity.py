"""The same request has the same answer, bit by bit, whatever is cached; what is cached is not computed again."""

from __future__ import annotations

import numpy as np
import pytest
from click_world import HU, NEW, ORGAN, SHAPE, THE_LIVER, TWIN, body, crop, same
from engine_builders import (
    HEPATIC_TUMOR,
    LIVER,
    SPLEEN,
    click_at,
    cloudy_scan,
    colour_engine,
    engine_of,
    geometry,
    painted_scan,
    whole,
)
from VISTA3DSegmentLib.edits import Edit
from VISTA3DSegmentLib.engines.vista3d.engine import OpenedVista3D
from VISTA3DSegmentLib.prompts import Structure
from VISTA3DSegmentLib.volume import Volume

# ---------------------------------------------------------------------- purity


def answers(opened: OpenedVista3D, volume: Volume) -> list[Edit]:
    first = (click_at(volume, (9, 10, 11)), click_at(volume, (30, 20, 25)))
    second = (*first, click_at(volume, (12, 14, 20), False))
    base = crop(volume.array > 100)
    return [
        opened.refine(NEW, first),
        opened.refine(NEW, second),
        opened.refine(THE_LIVER, first),
        opened.refine(THE_LIVER, second, base),
        opened.refine(Structure("tumour", HEPATIC_TUMOR), second, base),
    ]


@pytest.mark.parametrize("keep_half", [False, True], ids=["float32", "half"])
def test_the_same_request_has_the_same_answer_bit_by_bit(keep_half: bool) -> None:
    volume = cloudy_scan(SHAPE)
    engine = engine_of(keep_half=keep_half)
    opened = engine.open(volume)
    first = answers(opened, volume)
    assert sum(edit.added + edit.removed for edit in first) > 100
    again = answers(opened, volume)
    engine.cache.clear()
    cold = answers(opened, volume)
    elsewhere = answers(engine_of(keep_half=keep_half).open(Volume(volume.array.copy(), volume.ijk_to_ras)), volume)
    unkept = answers(engine_of(keep_half=keep_half, cache_bytes=0).open(volume), volume)
    for others in (again, cold, elsewhere, unkept):
        assert all(same(a, b) for a, b in zip(first, others, strict=True))


def test_the_automatic_run_before_a_click_does_not_change_its_answer() -> None:
    volume = cloudy_scan(SHAPE)
    expected = answers(engine_of().open(volume), volume)
    opened = engine_of(prepare_clicks=True).open(volume)
    list(opened.segment([LIVER, SPLEEN]))
    assert all(same(a, b) for a, b in zip(expected, answers(opened, volume), strict=True))


def test_undo_is_asking_again_with_fewer_clicks() -> None:
    volume = cloudy_scan(SHAPE)
    opened = engine_of().open(volume)
    clicks = (click_at(volume, (9, 10, 11)), click_at(volume, (10, 12, 13), False), click_at(volume, (8, 9, 14)))
    forward = [opened.refine(NEW, clicks[: n + 1]) for n in range(3)]
    backward = [opened.refine(NEW, clicks[: n + 1]) for n in (2, 1, 0)]
    assert all(same(a, b) for a, b in zip(forward, reversed(backward), strict=True))
    assert not same(forward[0], forward[1])


def test_a_click_far_away_does_not_change_what_an_earlier_one_found() -> None:
    volume = cloudy_scan((60, 20, 20))
    opened = engine_of().open(volume)
    near, far = click_at(volume, (5, 10, 10)), click_at(volume, (54, 10, 10))
    alone, together = whole(opened.refine(NEW, (near,)), volume), whole(opened.refine(NEW, (near, far)), volume)
    assert alone[:16].any()
    np.testing.assert_array_equal(alone[:16], together[:16])


def test_clicks_in_separate_windows_may_come_in_any_order() -> None:
    volume = cloudy_scan((60, 20, 20))
    opened = engine_of().open(volume)
    near, far = click_at(volume, (5, 10, 10)), click_at(volume, (54, 10, 10))
    assert same(opened.refine(NEW, (near, far)), opened.refine(NEW, (far, near)))


def test_one_structures_request_does_not_touch_anothers() -> None:
    volume = cloudy_scan(SHAPE)
    opened = engine_of().open(volume)
    click = (click_at(volume, (9, 10, 11)),)
    before = opened.refine(THE_LIVER, click)
    opened.refine(Structure("spleen", SPLEEN), (click_at(volume, (10, 12, 13)),))
    assert same(opened.refine(THE_LIVER, click), before)


# ---------------------------------------------------------------------- the cache


def test_a_click_in_a_known_window_does_not_run_the_encoder_again() -> None:
    volume = body()
    engine, spy = colour_engine()
    opened = engine.open(volume)
    opened.refine(NEW, (click_at(volume, (9, 10, 11)),))
    encoded = len(spy.images)
    opened.refine(NEW, (click_at(volume, (9, 10, 11)), click_at(volume, (8, 9, 10), False)))
    engine.open(Volume(volume.array.copy(), volume.ijk_to_ras)).refine(
        Structure("?", None), (click_at(volume, (9, 10, 12)),)
    )
    assert len(spy.images) == encoded == 1


def test_a_class_and_its_first_click_take_one_pass_of_the_encoder() -> None:
    volume = body()
    engine, spy = colour_engine()
    engine.open(volume).refine(THE_LIVER, (click_at(volume, (9, 10, 11)),))
    assert len(spy.images) == 1


def test_the_automatic_run_can_prepare_later_clicks() -> None:
    volume = body()
    engine, spy = colour_engine(prepare_clicks=True)
    opened = engine.open(volume)
    list(opened.segment([LIVER]))
    encoded = len(spy.images)
    opened.refine(NEW, (click_at(volume, (7, 8, 8)),))  # well inside the first window
    assert len(spy.images) == encoded


def test_another_scan_does_not_find_this_ones_features() -> None:
    volume, other = body(), painted_scan(SHAPE, [(ORGAN, HU), (TWIN, HU + 1)])
    moved = Volume(volume.array, geometry(origin=(1.0, 2.0, 3.0)))
    engine, spy = colour_engine()
    for scan in (volume, other, moved):
        engine.open(scan).refine(NEW, (click_at(scan, (9, 10, 11)),))
    assert len(spy.images) == 3


def test_the_cache_stays_within_its_budget_and_forgets_the_oldest_window() -> None:
    window_bytes = 16**3 * 4  # the colour backend keeps the image itself
    volume = body()
    engine, spy = colour_engine(cache_bytes=2 * window_bytes)
    opened = engine.open(volume)
    places = [(9.0, 10.0, 11.0), (33.0, 29.0, 36.0), (33.0, 10.0, 11.0)]
    for at in places:
        opened.refine(NEW, (click_at(volume, at),))
        assert engine.cache.bytes <= 2 * window_bytes
    assert len(spy.images) == 3
    opened.refine(NEW, (click_at(volume, places[2]),))
    opened.refine(NEW, (click_at(volume, places[1]),))
    assert len(spy.images) == 3
    opened.refine(NEW, (click_at(volume, places[0]),))
    assert len(spy.images) == 4


@pytest.mark.parametrize("keep_half", [False, True])
def test_features_are_kept_in_the_precision_that_was_asked_for(keep_half: bool) -> None:
    volume = body()
    engine, _ = colour_engine(keep_half=keep_half)
    engine.open(volume).refine(NEW, (click_at(volume, (9, 10, 11)),))
    assert engine.cache.bytes == 16**3 * (2 if keep_half else 4)
