"""Where the network looks, against MONAI's sliding window."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from monai.data.utils import compute_importance_map, dense_patch_slices
from monai.inferers.utils import _get_scan_interval
from VISTA3DSegmentLib.engines.blending import importance, tent
from VISTA3DSegmentLib.engines.grid import Region
from VISTA3DSegmentLib.engines.vista3d.windows import CLICK_MARGIN, centred_window, click_windows, sweep

WINDOW = (16, 24, 16)


def region(shape: tuple[int, int, int], low: tuple[int, int, int] = (0, 0, 0)) -> Region:
    return Region(low, (low[0] + shape[0], low[1] + shape[1], low[2] + shape[2]))


@pytest.mark.parametrize("shape", [(16, 24, 16), (17, 25, 33), (100, 47, 61), (28, 42, 28), (29, 24, 90)])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.3, 0.625])
def test_windows_start_where_monais_do(shape: tuple[int, int, int], overlap: float) -> None:
    image = region(shape, low=(5, 0, 3))
    expected = dense_patch_slices(shape, WINDOW, _get_scan_interval(shape, WINDOW, 3, (overlap,) * 3))
    ours = {window.low for window in sweep(image, image, WINDOW, overlap).all()}
    assert ours == {(5 + r.start, a.start, 3 + s.start) for r, a, s in expected}


@pytest.mark.parametrize("shape", [(9, 24, 16), (15, 5, 1), (16, 24, 15)])
def test_an_image_smaller_than_a_window_lies_in_it_where_monai_pads_it_to(shape: tuple[int, int, int]) -> None:
    image = region(shape)
    (window,) = sweep(image, image, WINDOW, 0.25).all()
    pads = [(side - n) // 2 for n, side in zip(shape, WINDOW, strict=True)]
    assert window.low == tuple(-pad for pad in pads)
    assert window.shape == WINDOW


def test_windows_cover_a_region_and_stay_inside_the_image() -> None:
    image, asked = region((80, 60, 70)), Region((70, 3, 20), (79, 40, 24))
    covered = np.zeros(image.shape, np.bool_)
    for window in sweep(asked, image, WINDOW, 0.25).all():
        assert all(a >= b for a, b in zip(window.low, image.low, strict=True))
        assert all(a <= b for a, b in zip(window.high, image.high, strict=True))
        covered[tuple(slice(a, b) for a, b in zip(window.low, window.high, strict=True))] = True
    assert covered[70:79, 3:40, 20:24].all()


@pytest.mark.parametrize("blending", ["constant", "gaussian"])
@pytest.mark.parametrize("window", [(16, 16, 16), (32, 24, 16)])
def test_windows_are_weighted_as_monai_weights_them(window: tuple[int, int, int], blending: str) -> None:
    expected = compute_importance_map(window, mode=blending, sigma_scale=0.125, dtype=torch.float32)
    np.testing.assert_allclose(importance(window, blending), expected.numpy(), rtol=1e-5)  # type: ignore[arg-type]


def test_the_weight_of_a_click_window_falls_to_its_faces_and_is_never_zero() -> None:
    for weights, side in zip(tent(WINDOW), WINDOW, strict=True):
        assert weights.min() == weights[0] == weights[-1] == 1
        assert weights.argmax() in (side // 2 - 1, side // 2)
        assert (np.diff(weights[: side // 2]) > 0).all()


def test_every_click_is_inside_its_window_even_in_corners() -> None:
    image = region((40, 50, 33), low=(2, 0, 4))
    corners = product((2, 41), (0, 49), (4, 36))
    for click in [*corners, (20, 25, 20), (2, 25, 20)]:
        (window,) = click_windows([click], image, WINDOW, 0.25)
        assert all(low <= c < high for c, low, high in zip(click, window.low, window.high, strict=True))
        assert all(a >= b for a, b in zip(window.low, image.low, strict=True))
        assert all(a <= b for a, b in zip(window.high, image.high, strict=True))


def test_a_click_deep_inside_a_window_of_the_automatic_run_is_answered_there() -> None:
    image = region((40, 48, 40))
    lattice = sweep(image, image, WINDOW, 0.25).all()
    assert click_windows([(8, 12, 8)], image, WINDOW, 0.25)[0] in lattice


def test_a_click_between_windows_gets_one_around_it() -> None:
    image = region((64, 72, 64))
    click = (14, 22, 14)  # 12 and 18 are where the second windows start
    (window,) = click_windows([click], image, WINDOW, 0.25)
    for c, low, side in zip(click, window.low, WINDOW, strict=True):
        assert min(c - low, low + side - 1 - c) >= CLICK_MARGIN * side


def test_neighbouring_clicks_share_a_window() -> None:
    image = region((64, 72, 64))
    assert len(click_windows([(30, 30, 30), (31, 29, 30), (29, 31, 32)], image, WINDOW, 0.25)) == 1


def test_the_windows_of_earlier_clicks_do_not_move_when_one_is_added() -> None:
    image = region((64, 72, 64))
    before = click_windows([(30, 30, 30), (5, 60, 60)], image, WINDOW, 0.25)
    after = click_windows([(30, 30, 30), (5, 60, 60), (60, 5, 14)], image, WINDOW, 0.25)
    assert after[: len(before)] == before


def test_centred_windows_are_the_references() -> None:
    # point_based_window_inferer: int(p) - 8 .. int(p) + 8, shifted inside.
    image = region((64, 72, 64))
    assert centred_window((30, 40, 20), image, WINDOW, snapped=False).low == (22, 28, 12)
    assert centred_window((3, 40, 63), image, WINDOW, snapped=False).low == (0, 28, 48)
