"""A click changes the structure that it is on, where it is, and nothing else; the person is told what it did."""

from __future__ import annotations

from copy import deepcopy
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from click_world import FAR, HU, NEW, ORGAN, SHAPE, THE_LIVER, TWIN, Slices, body, crop, mask_of, same
from engine_builders import (
    COLOURS,
    LIVER,
    MM,
    SPLEEN,
    Spy,
    click_at,
    colour_engine,
    engine_of,
    geometry,
    painted_scan,
    specification,
    tiny_network,
    whole,
)
from VISTA3DSegmentLib.anatomy import SPECIAL_POINT_CLASSES
from VISTA3DSegmentLib.engines.grid import Region
from VISTA3DSegmentLib.engines.vista3d.backend import TorchBackend
from VISTA3DSegmentLib.engines.vista3d.interactive import GridClick, anchor
from VISTA3DSegmentLib.errors import Cancelled, ModelError, PromptError
from VISTA3DSegmentLib.prompts import Box, Click, Prompts, Structure, Text
from VISTA3DSegmentLib.volume import Volume

# ---------------------------------------------------------------------- what a click does


def test_the_grid_is_the_volume_in_these_tests() -> None:
    assert colour_engine()[0].open(body()).grid.shape == (44, 36, 40)
    assert body().spacing_mm == (MM, MM, MM)


def test_a_click_on_a_new_structure_segments_what_it_is_on_and_nothing_else() -> None:
    volume = body()
    edit = colour_engine()[0].open(volume).refine(NEW, (click_at(volume, (9, 10, 11)),))
    np.testing.assert_array_equal(whole(edit, volume), mask_of(ORGAN))
    assert (edit.added, edit.removed) == (1000, 0)


def test_an_edit_is_as_small_as_its_change() -> None:
    volume = body()
    edit = colour_engine()[0].open(volume).refine(NEW, (click_at(volume, (9, 10, 11)),))
    assert edit.slices == ORGAN


def test_the_class_is_corrected_from_its_automatic_result() -> None:
    found, missed = (slice(2, 9), slice(3, 9), slice(2, 8)), (slice(2, 9), slice(3, 9), slice(10, 14))
    volume = painted_scan((16, 16, 16), [(found, COLOURS[LIVER]), (missed, HU)])
    edit = colour_engine()[0].open(volume).refine(THE_LIVER, (click_at(volume, (5, 5, 11)),))
    np.testing.assert_array_equal(whole(edit, volume), mask_of(found, missed, shape=(16, 16, 16)))
    assert edit.added == edit.mask.sum()  # against nothing: the client had no liver yet


def test_the_persons_own_mask_is_corrected_where_it_is_clicked_and_nowhere_else() -> None:
    volume = body()
    drawn = mask_of(FAR, (slice(0, 3), slice(0, 36, 2), slice(0, 44, 3)))
    edit = colour_engine()[0].open(volume).refine(NEW, (click_at(volume, (9, 10, 11)),), crop(drawn))
    np.testing.assert_array_equal(whole(edit, volume, drawn), drawn | mask_of(ORGAN))
    assert (edit.added, edit.removed) == (1000, 0)


def test_a_negative_click_removes_the_component_that_it_is_on_and_keeps_its_neighbour() -> None:
    volume = body()
    drawn = mask_of(ORGAN, TWIN, FAR)
    edit = colour_engine()[0].open(volume).refine(NEW, (click_at(volume, (9, 10, 11), False),), crop(drawn))
    np.testing.assert_array_equal(whole(edit, volume, drawn), mask_of(TWIN, FAR))
    assert (edit.added, edit.removed) == (0, 1000)


def test_a_hole_in_the_persons_mask_is_filled_by_a_click_in_it() -> None:
    volume = body()
    holed = mask_of(ORGAN) & ~mask_of((slice(8, 11), slice(8, 12), slice(9, 14)))
    edit = colour_engine()[0].open(volume).refine(NEW, (click_at(volume, (9, 10, 11)),), crop(holed))
    np.testing.assert_array_equal(whole(edit, volume, holed), mask_of(ORGAN))


def test_clicks_in_different_windows_work_in_one_request() -> None:
    volume = body()
    clicks = (click_at(volume, (9, 10, 11)), click_at(volume, (33, 29, 36)))
    edit = colour_engine()[0].open(volume).refine(NEW, clicks)
    result = whole(edit, volume)
    np.testing.assert_array_equal(result & mask_of(ORGAN), mask_of(ORGAN))
    np.testing.assert_array_equal(result & mask_of(FAR), mask_of(FAR))
    assert not (result & ~mask_of(ORGAN, FAR)).any()


@pytest.mark.parametrize("axis", [0, 1, 2], ids="kji")
@pytest.mark.parametrize("last", [False, True], ids=["first", "last"])
@pytest.mark.parametrize("axes", ["RAS", "LPS"])
def test_a_click_on_the_first_and_on_the_last_voxel_counts(axis: int, last: bool, axes: str) -> None:
    place = [slice(12, 18)] * 3
    place[axis] = slice(24, 30) if last else slice(0, 6)
    at = [15.0, 15.0, 15.0]
    at[axis] = 29.0 if last else 0.0
    box = (place[0], place[1], place[2])
    volume = painted_scan((30, 30, 30), [(box, HU)], axes=axes)
    edit = colour_engine()[0].open(volume).refine(NEW, (click_at(volume, (at[0], at[1], at[2])),))
    np.testing.assert_array_equal(whole(edit, volume), mask_of(box, shape=(30, 30, 30)))


@pytest.mark.parametrize("corner", list(product((-0.49, 29.49), repeat=3)))
def test_a_click_anywhere_on_a_corner_voxel_counts(corner: tuple[float, float, float]) -> None:
    k, j, i = (slice(0, 5) if c < 0 else slice(25, 30) for c in corner)
    volume = painted_scan((30, 30, 30), [((k, j, i), HU)])
    if corner == (-0.49, -0.49, -0.49):
        volume.array[0, 0, 0] = HU
    edit = colour_engine()[0].open(volume).refine(NEW, (click_at(volume, corner),))
    assert edit.added == 125


@pytest.mark.parametrize("place", [{"degrees": 20.0}, {"degrees": 35.0, "axes": "SRP", "spacing_mm": (0.9, 1.1, 2.0)}])
def test_an_oblique_scan_is_clicked_where_the_person_clicks(place: dict[str, Any]) -> None:
    boxes: list[Slices] = [(slice(8, 16), slice(10, 22), slice(12, 26)), (slice(18, 26), slice(26, 36), slice(30, 40))]
    volume = painted_scan((28, 38, 42), [(boxes[0], HU), (boxes[1], 700)], **place)
    opened = colour_engine(expects=specification(window=(48, 48, 48)))[0].open(volume)
    edit = opened.refine(NEW, (click_at(volume, (12, 16, 19)),))
    result, truth = whole(edit, volume), mask_of(boxes[0], shape=volume.shape_kji)
    assert 2 * (result & truth).sum() / (result.sum() + truth.sum()) > 0.85
    assert not (result & mask_of(boxes[1], shape=volume.shape_kji)).any()


@pytest.mark.parametrize("shape", [(7, 9, 11), (1, 24, 24), (24, 1, 24), (1, 1, 1)], ids=str)
def test_scans_smaller_than_a_window_are_clicked(shape: tuple[int, int, int]) -> None:
    k, j, i = (slice(n // 3, n // 3 + max(1, n // 4)) for n in shape)
    array = np.full(shape, -1000, np.int16)
    array[k, j, i] = HU
    if min(shape) == max(shape):
        array[:] = -500
    volume = Volume(array, geometry())
    edit = colour_engine()[0].open(volume).refine(NEW, (click_at(volume, (k.start, j.start, i.start)),))
    np.testing.assert_array_equal(whole(edit, volume), mask_of((k, j, i), shape=shape))


# ---------------------------------------------------------------------- what the network is told


def asked(structure: Structure, volume: Volume, *clicks: Click, **options: Any) -> Spy:
    """What the backend has seen at the end of all the clicks, and was asked for the last of them."""
    engine, spy = colour_engine(**options)
    opened, base = engine.open(volume), crop(np.ones(volume.shape_kji, np.bool_))
    for n in range(len(clicks)):
        spy.clicked.clear()
        opened.refine(structure, clicks[: n + 1], base)
    return spy


@pytest.mark.parametrize("class_id", sorted(SPECIAL_POINT_CLASSES))
def test_clicks_on_ambiguous_classes_carry_their_flag(class_id: int) -> None:
    volume = body()
    spy = asked(Structure("?", class_id), volume, click_at(volume, (9, 10, 11)), click_at(volume, (9, 12, 11), False))
    assert [(call.labels, call.zero_shot) for call in spy.clicked] == [([3, 2], False)]


@pytest.mark.parametrize("class_id", [LIVER, SPLEEN, 28, 29, 117])
def test_clicks_on_ordinary_classes_carry_none(class_id: int) -> None:
    volume = body()
    spy = asked(Structure("?", class_id), volume, click_at(volume, (9, 10, 11)), click_at(volume, (9, 12, 11), False))
    assert [(call.labels, call.zero_shot) for call in spy.clicked] == [([1, 0], False)]


def test_clicks_without_a_class_mean_a_new_structure() -> None:
    volume = body()
    spy = asked(NEW, volume, click_at(volume, (9, 10, 11)))
    assert [(call.labels, call.zero_shot) for call in spy.clicked] == [([1], True)]


def test_every_window_gets_the_clicks_that_lie_in_it_and_no_others() -> None:
    volume = painted_scan((60, 20, 20), [((slice(0, 60), slice(3, 17), slice(3, 17)), HU)])
    spy = asked(NEW, volume, *(click_at(volume, (k, 10.0, 10.0)) for k in (0, 2, 30, 59)))
    assert sorted(len(call.points) for call in spy.clicked) == [1, 1, 2]
    assert all(
        0 <= c <= side - 1 for call in spy.clicked for p in call.points for c, side in zip(p, (16,) * 3, strict=True)
    )


def test_a_click_is_rounded_once_to_the_grid() -> None:
    volume = body()
    one, other = (asked(NEW, volume, click_at(volume, at)) for at in ((9.0, 10.0, 11.0), (9.4, 9.6, 11.3)))
    assert one.clicked[0].points == other.clicked[0].points


def test_a_centred_window_is_the_clicks_own() -> None:
    volume = painted_scan((60, 40, 40), [((slice(20, 40), slice(10, 30), slice(10, 30)), HU)])
    spy = asked(NEW, volume, click_at(volume, (30, 20, 21)), click_at(volume, (31, 21, 20)), centred_windows=True)
    assert len(spy.images) == 2
    assert [call.points[n] for n, call in enumerate(spy.clicked)] == [(8.0, 8.0, 8.0)] * 2


# ---------------------------------------------------------------------- region, cancel


@pytest.mark.parametrize("how", ["argument", "prompt"])
@pytest.mark.parametrize("degrees", [0.0, 25.0])
def test_voxels_outside_the_region_are_left_alone(how: str, degrees: float) -> None:
    ground = painted_scan((20, 40, 40), [], ground=HU, spacing_mm=(0.8, 0.8, 1.9), degrees=degrees)
    middle = ground.ras_of((20.0, 20.0, 10.0))
    low, high = middle - np.array((4.3, 5.2, 6.4)), middle + np.array((6.1, 3.7, 2.2))
    box = Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))
    prompts: Prompts = (click_at(ground, (10, 20, 20)),) + ((box,) if how == "prompt" else ())
    base = mask_of((slice(0, 3), slice(0, 9), slice(0, 9)), shape=ground.shape_kji)
    opened = colour_engine(expects=specification(window=(32, 32, 32)))[0].open(ground)
    edit = opened.refine(NEW, prompts, crop(base), box if how == "argument" else None)
    k, j, i = np.meshgrid(*map(np.arange, ground.shape_kji), indexing="ij")
    positions = np.stack([i, j, k], axis=-1) @ ground.ijk_to_ras[:3, :3].T + ground.ijk_to_ras[:3, 3]
    allowed = ((positions >= low) & (positions <= high)).all(axis=-1)
    result = whole(edit, ground, base)
    np.testing.assert_array_equal(result[~allowed], base[~allowed])
    assert result[allowed].all()


@pytest.mark.parametrize("allowed", [0, 1])
def test_a_click_can_be_cancelled_between_windows(allowed: int) -> None:
    volume = body()
    engine, spy = colour_engine()
    clicks = (click_at(volume, (9, 10, 11)), click_at(volume, (33, 29, 36)))
    with pytest.raises(Cancelled):
        engine.open(volume).refine(NEW, clicks, cancel=lambda: len(spy.images) >= allowed)
    assert len(spy.images) == allowed
    assert same(engine.open(volume).refine(NEW, clicks), colour_engine()[0].open(volume).refine(NEW, clicks))


def test_cancel_is_heard_before_the_class_is_computed() -> None:
    volume = body()
    engine, spy = colour_engine()
    with pytest.raises(Cancelled):
        engine.open(volume).refine(THE_LIVER, (click_at(volume, (9, 10, 11)),), cancel=lambda: len(spy.images) >= 1)
    assert len(spy.images) == 1


# ---------------------------------------------------------------------- what the person is told


def test_a_click_that_changed_nothing_is_named() -> None:
    volume = painted_scan(SHAPE, [(ORGAN, HU)])
    good, idle = click_at(volume, (9, 10, 11)), click_at(volume, (9, 11, 12), False)
    edit = engine_of(Stubborn()).open(volume).refine(NEW, (good, idle))
    place = ", ".join(f"{value:.1f}" for value in idle.ras)
    assert [notice for notice in edit.notices if f"negative click at ({place}) mm" in notice]
    assert not [notice for notice in edit.notices if "positive click" in notice]


def test_a_negative_click_that_shaped_the_answer_is_not_called_useless() -> None:
    volume = body()
    clicks = (click_at(volume, (9, 10, 11)), click_at(volume, (9, 10, 17), False))
    assert colour_engine()[0].open(volume).refine(NEW, clicks).notices == ()


def test_an_empty_answer_says_why() -> None:
    volume = body()
    opened = engine_of(Stubborn(says=False)).open(volume)
    found = opened.refine(NEW, (click_at(volume, (9, 10, 11)),))
    assert found.mask.size == 0
    assert "nothing at the clicks on nodule" in found.empty_reason
    kept = opened.refine(NEW, (click_at(volume, (30, 2, 2)),), crop(mask_of(ORGAN)))
    assert (kept.added, kept.removed) == (0, 0)
    assert "changed nothing in nodule" in kept.empty_reason


class Stubborn(TorchBackend):
    """A network that answers every click with one cube, or with nothing."""

    def __init__(self, says: bool = True) -> None:
        super().__init__(deepcopy(tiny_network()))
        self._says = says

    def click_logits(
        self, low: torch.Tensor, points: torch.Tensor, labels: torch.Tensor, zero_shot: bool
    ) -> torch.Tensor:
        """See ``Backend``."""
        return torch.full([2 * side for side in low.shape[-3:]], 9.0 if self._says else -9.0)


@pytest.mark.parametrize("kji", [(-0.6, 5.0, 5.0), (5.0, 36.0, 5.0), (5.0, 5.0, 100.0)])
def test_a_click_outside_the_scan_is_refused_with_its_position(kji: tuple[float, float, float]) -> None:
    volume = body()
    click = click_at(volume, kji)
    place = ", ".join(f"{value:.1f}" for value in click.ras)
    with pytest.raises(PromptError, match=rf"click at \({place}\) mm lies outside"):
        colour_engine()[0].open(volume).refine(NEW, (click_at(volume, (9, 10, 11)), click))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_click_that_is_nowhere_cannot_be_made(value: float) -> None:
    with pytest.raises(PromptError, match="no valid position"):
        Click((1.0, value, 2.0))


def test_a_request_without_prompts_and_one_with_unknown_words_are_refused() -> None:
    opened = colour_engine()[0].open(body())
    with pytest.raises(PromptError, match="no click"):
        opened.refine(NEW, ())
    with pytest.raises(PromptError, match="knows no structure"):
        opened.refine(NEW, (click_at(opened.volume, (9, 10, 11)), Text("a strange thing")))


def test_a_class_that_the_model_does_not_find_needs_a_segment_to_correct() -> None:
    volume = body()
    opened = colour_engine(expects=specification(classes=(LIVER,)))[0].open(volume)
    click = (click_at(volume, (9, 10, 11)),)
    with pytest.raises(PromptError, match="cannot find the pancreas by itself"):
        opened.refine(Structure("pancreas", 4), click)
    assert opened.refine(Structure("pancreas", 4), click, crop(mask_of(FAR))).added == 1000


def test_a_model_without_clicks_and_one_without_new_structures_say_so() -> None:
    volume = body()
    click = (click_at(volume, (9, 10, 11)),)
    with pytest.raises(ModelError, match="automatically only"):
        engine_of(expects=specification(clicks=False, zero_shot=False)).open(volume).refine(THE_LIVER, click)
    known_only = colour_engine(expects=specification(zero_shot=False))[0].open(volume)
    with pytest.raises(PromptError, match="no new structures"):
        known_only.refine(NEW, click)
    known_only.refine(THE_LIVER, click)


# Negative clicks alone


def test_negative_clicks_alone_are_given_an_anchor_in_the_thick_of_the_base_and_far_from_them() -> None:
    base = np.zeros((30, 30, 30), np.bool_)
    base[2:14, 2:14, 2:14] = True
    base[14:29, 6:10, 6:10] = True  # a leak
    union = Region((10, 20, 30), (40, 50, 60))
    window = Region((0, 10, 20), (40, 50, 60))
    wrong = GridClick((34, 27, 38), False)
    (found,) = anchor([wrong], window, union, base)
    assert found.positive
    at = np.array(found.at) - union.low
    assert base[tuple(at)]
    assert ((at > 4) & (at < 12)).all()
    assert found == anchor([wrong], window, union, base)[0]
    assert anchor([wrong, GridClick((13, 24, 34), True)], window, union, base) == []
    assert anchor([wrong], window, union, np.zeros_like(base)) == []
    elsewhere = Region((10, 20, 50), (40, 50, 60))
    assert anchor([wrong], elsewhere, union, base) == []


def test_the_anchor_is_told_to_the_network_and_changes_nothing_by_itself() -> None:
    volume, (engine, spy) = body(), colour_engine()
    drawn = mask_of(ORGAN, TWIN)
    edit = engine.open(volume).refine(NEW, (click_at(volume, (9, 10, 11), False),), crop(drawn))
    assert spy.clicked
    assert all(sorted(asked.labels) == [0, 1] for asked in spy.clicked)
    assert edit.added == 0


# ---------------------------------------------------------------------- a class without a base


def test_what_goes_on_beyond_the_clicks_is_said() -> None:
    long = painted_scan((60, 22, 22), [((slice(4, 56), slice(4, 14), slice(4, 14)), COLOURS[LIVER])])
    short = painted_scan((60, 22, 22), [((slice(2, 12), slice(4, 14), slice(4, 14)), COLOURS[LIVER])])
    for volume, goes_on in ((long, True), (short, False)):
        click = click_at(volume, (8, 9, 9))
        edit = colour_engine()[0].open(volume).refine(THE_LIVER, (click,))
        assert any("The liver goes on" in notice for notice in edit.notices) is goes_on
        given = colour_engine()[0].open(volume).refine(THE_LIVER, (click,), crop(volume.array > 0))
        assert not any("goes on" in notice for notice in given.notices)


def test_nothing_outside_a_region_is_taken_from_the_automatic_result() -> None:
    volume = body()
    low, high = sorted([volume.ras_of((0, 0, 0)), volume.ras_of((14, 40, 40))], key=lambda ras: ras[0])
    box = Box(tuple(np.minimum(low, high)), tuple(np.maximum(low, high)))
    found = colour_engine()[0].open(volume).refine(THE_LIVER, (click_at(volume, (9, 10, 11)),), region=box)
    mask = whole(found, volume)
    assert mask.any()
    assert not (mask & ~volume.voxels_inside(box, crop(np.ones(volume.shape_kji, np.bool_)).slices)).any()


def test_a_structure_smaller_than_the_steps_of_the_search_is_given_an_anchor_too() -> None:
    window = Region((0, 0, 0), (128, 128, 128))
    for size in (1, 3):
        base = np.zeros(window.shape, np.bool_)
        base[61 : 61 + size, 61 : 61 + size, 61 : 61 + size] = True
        (found,) = anchor([GridClick((50, 60, 60), False)], window, window, base)
        assert base[found.at]
    thin = np.zeros(window.shape, np.bool_)
    thin[:, :, 61] = thin[1, 1, 60] = True
    (found,) = anchor([GridClick((50, 60, 80), False)], window, window, thin)
    assert thin[found.at]
