"""How windows are put together, and what is asked in each."""

from __future__ import annotations

import numpy as np
import torch
from VISTA3DSegmentLib.engines.grid import Region
from VISTA3DSegmentLib.engines.segvol.found import NOT_HERE, blended, open_ends
from VISTA3DSegmentLib.engines.segvol.views import View, zoom_in
from VISTA3DSegmentLib.engines.segvol.zoom import GridPrompts, coarse_mask, windows_for, zoomed_in

WINDOW, WINDOW_RAS = (8, 16, 16), (16, 16, 8)
IMAGE = Region((2, 3, 4), (52, 43, 28))
Tensor = torch.Tensor


def places_in(window: Region) -> Tensor:
    """For each voxel (k, j, i) of a window a number that tells where in the grid it is."""
    r, a, s = (np.arange(low, high, dtype=np.float32) for low, high in zip(window.low, window.high, strict=True))
    return torch.from_numpy(s[:, None, None] + 0.1 * a[None, ::-1, None] + 0.01 * r[None, None, ::-1])


def expected_in(region: Region) -> np.ndarray:
    """The same for a region, axes (R, A, S)."""
    r, a, s = (np.arange(low, high, dtype=np.float32) for low, high in zip(region.low, region.high, strict=True))
    return np.asarray(s[None, None, :] + 0.1 * a[None, :, None] + 0.01 * r[:, None, None])


def test_windows_that_agree_blend_into_what_they_say() -> None:
    windows = zoom_in(IMAGE, IMAGE, WINDOW_RAS, 0.5)
    found = blended(windows, IMAGE, places_in)
    assert found.region == IMAGE
    np.testing.assert_allclose(found.logits.numpy(), expected_in(IMAGE), atol=1e-4)


def test_windows_around_a_small_image_are_cut_to_it() -> None:
    small = Region((5, 5, 5), (12, 30, 9))
    found = blended(zoom_in(small, small, WINDOW_RAS, 0.5), small, places_in)
    assert found.region == small
    np.testing.assert_allclose(found.logits.numpy(), expected_in(small), atol=1e-4)


def test_a_window_that_was_not_looked_at_says_no() -> None:
    windows = zoom_in(IMAGE, IMAGE, WINDOW_RAS, 0.5)
    found = blended(windows, IMAGE, lambda window: None if window == windows[0] else torch.full(WINDOW, 4.0))
    assert float(found.logits[0, 0, 0]) == NOT_HERE
    assert float(found.logits[-1, -1, -1]) == 4.0
    assert NOT_HERE < float(found.logits[11, 11, 5]) < 4.0


def test_between_windows_around_points_nothing_is_known() -> None:
    windows = [Region((10, 10, 6), (26, 26, 14)), Region((10, 10, 18), (26, 26, 26))]
    found = blended(windows, IMAGE, lambda window: torch.full(WINDOW, 4.0))
    assert found.region == Region((10, 10, 6), (26, 26, 26))
    np.testing.assert_array_equal(found.known[0, 0].numpy(), [True] * 8 + [False] * 4 + [True] * 8)
    np.testing.assert_allclose(found.logits[0, 0].numpy(), [4.0] * 8 + [NOT_HERE] * 4 + [4.0] * 8, atol=1e-5)
    ends = open_ends(found, found.region)
    assert {side: sorted(set(at[:, 2].tolist())) for side, at in ends.items() if len(at)} == {
        "feet": [18],
        "head": [13],
    }


def test_an_answer_is_open_where_windows_end_and_the_image_does_not() -> None:
    window = Region((2, 20, 20), (18, 36, 28))
    found = blended([window], IMAGE, lambda window: torch.full(WINDOW, 4.0))
    ends = open_ends(found, IMAGE)
    assert [side for side, at in ends.items() if len(at)] == ["right", "back", "front", "feet"]
    assert set(ends["right"][:, 0].tolist()) == {17}


def prompts(
    box: tuple[list[float], list[float]] | None = None, points: list[list[float]] | None = None, text: bool = False
) -> GridPrompts:
    """Prompts on the grid; all points are positive."""
    at = np.array(points or [], np.float64).reshape(-1, 3)
    faces = None if box is None else (np.array(box[0]), np.array(box[1]))
    return GridPrompts(torch.ones(1, 4) if text else None, faces, at, np.ones(len(at), np.bool_))


HERE = View(Region((10, 10, 10), (26, 26, 18)), WINDOW)
COARSE = (np.array([12.5, 12.5, 11.5]), np.array([20.5, 20.5, 15.5]))
DRAWN = ([11.5, 11.5, 11.5], [22.5, 20.5, 15.5])


def test_a_drawn_box_goes_before_the_coarse_answers_box() -> None:
    asked = zoomed_in(HERE, prompts(box=DRAWN), COARSE)
    assert asked is not None
    assert asked.box is not None
    assert asked.box.tolist() == [2.0, 5.0, 3.0, 5.0, 13.0, 13.0]


def test_points_and_text_alone_come_with_the_coarse_answers_box() -> None:
    by_point, by_text = (zoomed_in(HERE, p, COARSE) for p in (prompts(points=[[15, 15, 13]]), prompts(text=True)))
    assert by_point is not None
    assert by_text is not None
    for asked in (by_point, by_text):
        assert asked.box is not None
        assert asked.box.tolist() == [2.0, 5.0, 5.0, 5.0, 12.0, 12.0]
    assert by_point.points is not None
    assert by_point.points.tolist() == [[3.0, 10.0, 10.0]]
    assert by_text.points is None


def test_three_kinds_at_once_were_never_trained_and_are_never_asked() -> None:
    both = zoomed_in(HERE, prompts(box=DRAWN, points=[[15, 15, 13]], text=True), COARSE)
    assert both is not None
    assert both.text is None
    words_and_points = zoomed_in(HERE, prompts(points=[[15, 15, 13]], text=True), COARSE)
    assert words_and_points is not None
    assert words_and_points.box is None


def test_a_window_with_nothing_of_the_structure_is_not_asked() -> None:
    away = ([40.0, 40.0, 20.0], [44.0, 44.0, 24.0])
    assert zoomed_in(HERE, prompts(box=away), COARSE) is None
    assert zoomed_in(HERE, prompts(text=True), None) is None
    assert zoomed_in(HERE, prompts(points=[[40, 40, 24]]), None) is None


def test_the_coarse_answer_counts_near_a_drawn_box_only() -> None:
    view = View(IMAGE, WINDOW)
    everywhere = torch.ones(WINDOW)
    assert coarse_mask(everywhere, view, prompts(text=True)).all()
    near = coarse_mask(everywhere, view, prompts(box=([1.5, 2.5, 3.5], [10.5, 10.5, 9.5])))
    assert near[0, -1, -1]
    assert not near[-1].any()
    assert 0 < near.sum() < near.size / 8


def test_prompts_beside_the_image_are_moved_to_its_border() -> None:
    moved = prompts(box=([-9.0, 0.0, 0.0], [-5.0, 9.0, 9.0]), points=[[-4, 50, 6]]).within(IMAGE)
    assert moved.points.tolist() == [[2.0, 42.0, 6.0]]
    assert moved.box is not None
    assert (moved.box[0] < moved.box[1]).all()
    assert moved.box[0][0] == 1.5


def test_points_that_the_coarse_answer_misses_have_windows_around_them() -> None:
    view, nothing = View(IMAGE, WINDOW), np.zeros(WINDOW, np.bool_)
    far = prompts(points=[[20, 20, 8], [20, 20, 24]])
    windows = windows_for(far, view, nothing, WINDOW, IMAGE, 0.5)
    assert windows == [Region((12, 13, 4), (28, 29, 12)), Region((12, 13, 20), (28, 29, 28))]
    assert windows_for(prompts(text=True), view, nothing, WINDOW, IMAGE, 0.5) == []
    drawn = windows_for(prompts(box=DRAWN, points=[[20, 20, 8]]), view, nothing, WINDOW, IMAGE, 0.5)
    assert drawn == windows_for(prompts(box=DRAWN, points=[[20, 20, 8]]), view, nothing, (1, 1, 1), IMAGE, 0.5)
    assert len(drawn) == 1
