"""Where prompts lie in what SegVol sees, and which windows it looks at."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from VISTA3DSegmentLib.engines.grid import Region
from VISTA3DSegmentLib.engines.segvol.views import View, to_grid_axes, to_window_axes, windows_around, zoom_in

WINDOW = (8, 16, 16)


def region(low: tuple[int, int, int], shape: tuple[int, int, int]) -> Region:
    """A region of the grid by its first point and its size, axes R, A, S."""
    return Region(low, (low[0] + shape[0], low[1] + shape[1], low[2] + shape[2]))


def test_a_point_of_a_window_lies_where_its_voxel_is() -> None:
    rng = np.random.default_rng(0)
    image = rng.random((16, 16, 8), np.float32)  # R, A, S
    view = View(region((10, 20, 30), image.shape), WINDOW)
    seen = to_window_axes(image)
    for r, a, s in rng.integers((16, 16, 8), size=(20, 3)):
        k, j, i = np.round(view.places(np.array([[10.0 + r, 20.0 + a, 30.0 + s]]))[0]).astype(int)
        assert seen[k, j, i] == image[r, a, s]


def test_the_axes_are_those_of_an_axial_ct() -> None:
    view = View(region((0, 0, 0), (16, 16, 8)), WINDOW)
    right_front_top = view.places(np.array([[15.0, 15.0, 7.0]]))[0]
    assert right_front_top.tolist() == [7.0, 0.0, 0.0]  # last slice, first row, first column


def test_axes_go_there_and_back() -> None:
    image = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    back = to_grid_axes(torch.from_numpy(to_window_axes(image).copy()))
    np.testing.assert_array_equal(back.numpy(), image)


@pytest.mark.parametrize("count", [7, 31, 64, 300])
def test_the_whole_scan_is_sampled_at_the_middles_of_equal_shares(count: int) -> None:
    view = View(region((0, 0, 0), (count, count, count)), WINDOW)
    first = view.places(np.array([[count - 1.0, count - 1.0, 0.0]]))[0]
    np.testing.assert_allclose(first, [0.5 * n / count - 0.5 for n in WINDOW])


def test_a_box_thinner_than_a_coarse_slice_keeps_one() -> None:
    view = View(region((0, 0, 0), (16, 16, 800)), WINDOW)
    box = view.box(np.array([2.5, 2.5, 400.5]), np.array([9.5, 9.5, 401.5]))
    assert box is not None
    assert (box[3:] >= box[:3]).all()
    assert box[0] == box[3] == pytest.approx(401 * 8 / 800)


def test_a_box_beside_the_view_is_none_and_one_across_its_face_is_cut() -> None:
    view = View(region((0, 0, 0), (16, 16, 8)), WINDOW)
    assert view.box(np.array([20.0, 0.0, 0.0]), np.array([30.0, 5.0, 5.0])) is None
    cut = view.box(np.array([-5.0, -0.5, -0.5]), np.array([3.5, 15.5, 3.5]))
    assert cut is not None
    assert cut.tolist() == [0.0, 0.0, 12.0, 3.0, 15.0, 15.0]


boxes = st.tuples(*[st.integers(0, 60) for _ in range(3)], *[st.integers(1, 40) for _ in range(3)])
images = st.tuples(st.integers(4, 90), st.integers(4, 90), st.integers(2, 60))


@settings(max_examples=60, deadline=None)
@given(images, boxes)
def test_faces_are_the_inverse_of_a_box(shape: tuple[int, int, int], box: tuple[int, ...]) -> None:
    view = View(region((3, 4, 5), shape), WINDOW)
    low = np.array([min(start, side - 1) for start, side in zip(box[:3], WINDOW, strict=True)])
    high = np.array([min(a + n - 1, side - 1) for a, n, side in zip(low, box[3:], WINDOW, strict=True)])
    there = view.box(*view.faces(low, high))
    assert there is not None
    np.testing.assert_allclose(there, np.concatenate([low, high]), atol=1e-6)


@settings(max_examples=80, deadline=None)
@given(images, boxes)
def test_windows_cover_what_is_asked_and_lie_in_the_image(shape: tuple[int, int, int], box: tuple[int, ...]) -> None:
    image = region((2, 3, 4), shape)
    low = (2 + box[0], 3 + box[1], 4 + box[2])
    asked = region(low, (box[3], box[4], box[5])).clipped_to(image)
    side = WINDOW[::-1]
    windows = zoom_in(asked, image, side, 0.5)
    covered = np.zeros(shape, np.bool_)
    for window in windows:
        assert window.shape == side
        for axis in range(3):
            if shape[axis] >= side[axis]:
                assert image.low[axis] <= window.low[axis]
                assert window.high[axis] <= image.high[axis]
        part = window.clipped_to(image)
        covered[tuple(slice(a - o, b - o) for a, b, o in zip(part.low, part.high, image.low, strict=True))] = True
    assert covered[tuple(slice(a - o, b - o) for a, b, o in zip(asked.low, asked.high, image.low, strict=True))].all()


def test_a_later_prompt_about_the_same_place_finds_the_same_windows() -> None:
    image = region((0, 0, 0), (200, 200, 80))
    small = zoom_in(region((90, 80, 30), (8, 8, 4)), image, (96, 96, 32), 0.5)
    assert zoom_in(region((91, 79, 30), (9, 8, 5)), image, (96, 96, 32), 0.5) == small
    large = zoom_in(region((50, 60, 20), (90, 70, 30)), image, (16, 16, 8), 0.5)
    wider = zoom_in(region((48, 58, 19), (95, 75, 32)), image, (16, 16, 8), 0.5)
    assert len(set(large) & set(wider)) == len(large)


def test_a_point_far_from_an_earlier_one_adds_a_window_and_a_near_one_none() -> None:
    image, window = region((0, 0, 0), (60, 60, 40)), (16, 16, 8)
    first = windows_around(np.array([[30.0, 30.0, 20.0]]), image, window)
    assert first == [region((22, 22, 16), window)]
    near, far = [32.4, 28.0, 21.0], [30.0, 30.0, 23.0]
    assert windows_around(np.array([[30.0, 30.0, 20.0], near]), image, window) == first
    more = windows_around(np.array([[30.0, 30.0, 20.0], near, far]), image, window)
    assert more == [*first, region((22, 22, 20), window)]


def test_the_end_of_the_image_is_as_good_as_the_middle_of_a_window() -> None:
    image, window = region((5, 5, 5), (40, 40, 6)), (16, 16, 8)
    corner, same = [5.0, 5.0, 5.0], [6.0, 5.0, 10.0]
    assert windows_around(np.array([corner, same]), image, window) == [region((5, 5, 4), window)]
