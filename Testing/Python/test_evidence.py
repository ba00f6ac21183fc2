"""What helps a small model with clicks: grey values near them, and its own automatic answer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from engine_builders import AIR, LIVER, ColourBackend, Tensor, click_at, engine_of, painted_scan, specification, whole
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.engines.grid import Index3, Region
from VISTA3DSegmentLib.engines.vista3d.evidence import belief, grey_value_evidence
from VISTA3DSegmentLib.engines.vista3d.interactive import GridClick
from VISTA3DSegmentLib.models.specification import ClickSupport
from VISTA3DSegmentLib.prompts import Structure

WINDOW = Region((0, 0, 0), (20, 20, 20))
MM = (3.0, 3.0, 3.0)
BEYOND = Region((-9, -9, -9), (40, 40, 40))
ORGAN = (slice(4, 12), slice(5, 13), slice(6, 14))


def two_tissues() -> npt.NDArray[np.float32]:
    grey = np.zeros(WINDOW.shape, np.float32)
    grey[ORGAN] = 100.0
    return grey + np.random.default_rng(0).normal(0, 1, grey.shape).astype(np.float32)


def evidence(*clicks: tuple[Index3, bool], image: Region = BEYOND) -> npt.NDArray[np.float32]:
    return grey_value_evidence(two_tissues(), WINDOW, image, [GridClick(*click) for click in clicks], MM)


def test_voxels_of_the_clicked_tissue_are_nearer_to_the_click_than_to_the_border() -> None:
    inside = np.zeros(WINDOW.shape, np.bool_)
    inside[ORGAN] = True
    found = evidence(((8, 9, 10), True))
    np.testing.assert_array_equal(found > 0, inside)
    assert found[8, 9, 10] == pytest.approx(1.0)
    assert found.min() >= -1.0


def test_a_negative_click_takes_what_is_nearer_to_it() -> None:
    found = evidence(((5, 9, 10), True), ((11, 9, 10), False))
    assert found[5, 9, 10] > 0 > found[11, 9, 10]


def test_a_click_wins_its_own_voxel_from_the_ball_of_another() -> None:
    found = evidence(((8, 9, 10), True), ((9, 9, 10), False))
    assert found[8, 9, 10] > 0 > found[9, 9, 10]


def test_the_end_of_the_scan_is_no_background() -> None:
    outside = evidence(((2, 2, 2), True))
    assert outside[0, 0, 0] == pytest.approx(-1.0)
    clicks = ((2, 2, 2), True), ((8, 9, 10), False)
    assert evidence(*clicks, image=WINDOW)[0, 0, 0] > 0


def test_without_any_background_grey_values_say_nothing() -> None:
    assert not evidence(((2, 2, 2), True), image=WINDOW).any()


def test_far_from_the_clicks_grey_values_say_nothing() -> None:
    found = grey_value_evidence(two_tissues(), WINDOW, WINDOW, [GridClick((1, 1, 1), True)], (15.0, 15.0, 15.0))
    assert found[1, 1, 1] > 0
    assert not found[8:].any()


def test_a_flat_image_is_decided_without_a_division_by_nothing() -> None:
    flat = np.zeros(WINDOW.shape, np.float32)
    found = grey_value_evidence(flat, WINDOW, WINDOW, [GridClick((8, 8, 8), True)], MM)
    assert np.isfinite(found).all()


def test_an_automatic_answer_is_believed_but_not_around_a_click_that_contradicts_it() -> None:
    logits = np.full(WINDOW.shape, -5.0, np.float32)
    logits[ORGAN] = 5.0
    agreeing = [GridClick((8, 9, 10), True), GridClick((1, 1, 1), False)]
    assert (belief(logits, WINDOW, agreeing, MM) == 1).all()
    share = belief(logits, WINDOW, [*agreeing, GridClick((11, 9, 10), False)], MM)
    assert share[11, 9, 10] == 0
    assert share[4, 9, 10] > share[9, 9, 10] > 0


class Silent(ColourBackend):
    """A network whose point head has no opinion."""

    def click_logits(self, low: Tensor, points: Tensor, labels: Tensor, zero_shot: bool) -> Tensor:
        """See ``Backend``."""
        return torch.full(low.shape[-3:], -0.5)


BODY = (slice(3, 13), slice(4, 14), slice(2, 12))


@pytest.mark.parametrize(("support", "found"), [(None, False), (ClickSupport(3.0, 4.0, 0.0), True)])
def test_grey_values_find_what_the_point_head_does_not(support: ClickSupport | None, found: bool) -> None:
    volume = painted_scan((16, 16, 16), [(BODY, 200)])
    opened = engine_of(Silent(), specification(click_support=support)).open(volume)
    clicks = (click_at(volume, (8, 9, 7)), click_at(volume, (1, 1, 14), positive=False))
    mask = whole(opened.refine(Structure("nodule"), clicks), volume)
    expected = (volume.array > AIR) if found else np.zeros(volume.shape_kji, np.bool_)
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize(("share", "found"), [(0.0, False), (1.0, True)])
def test_an_organ_that_was_lost_comes_back_with_a_click(share: float, found: bool) -> None:
    volume = painted_scan((16, 16, 16), [(BODY, 50)])
    opened = engine_of(Silent(), specification(click_support=ClickSupport(3.0, 0.0, share))).open(volume)
    nothing = MaskCrop.of(np.zeros(volume.shape_kji, np.bool_))
    edit = opened.refine(Structure("liver", LIVER), (click_at(volume, (8, 9, 7)),), nothing)
    assert (edit.added == 1000) is found
