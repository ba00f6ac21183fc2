"""The view from the front: what is seen, where, and in which colour."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
from builders import box_mask, oblique_geometry
from measured_shapes import centre_of, ellipsoid, of_zeros, upright
from VISTA3DSegmentLib.edits import NOTHING, MaskCrop
from VISTA3DSegmentLib.errors import Cancelled
from VISTA3DSegmentLib.export.front_view import BACKGROUND, front_view
from VISTA3DSegmentLib.export.image_bytes import jpeg_bytes

RED, GREEN = (250, 10, 10), (10, 250, 10)


def seen(canvas, color):
    """Rows and columns in which a colour is seen."""
    channel = int(np.argmax(color))
    others = [n for n in range(3) if n != channel]
    return np.nonzero((canvas[..., channel] > 40) & (canvas[..., others].max(axis=-1) < 0.3 * canvas[..., channel]))


@pytest.mark.parametrize("ijk_to_ras", [upright(), np.eye(4), np.diag((1.0, -1.0, -1.0, 1.0))])
def test_what_lies_in_front_hides_what_lies_behind(ijk_to_ras):
    volume = of_zeros((30, 30, 30), ijk_to_ras)
    r, a, s = centre_of(volume)
    front, behind = ellipsoid(volume, (r, a + 7, s), (7, 5, 7)), ellipsoid(volume, (r, a - 7, s), (4, 5, 4))
    for segments in ([("f", RED, front), ("b", GREEN, behind)], [("b", GREEN, behind), ("f", RED, front)]):
        canvas = front_view(volume, segments)
        assert len(seen(canvas, RED)[0]) > 0
        assert len(seen(canvas, GREEN)[0]) == 0


@pytest.mark.parametrize("ijk_to_ras", [upright(), np.eye(4)])
def test_a_plate_behind_hides_nothing_though_a_spur_of_it_reaches_to_the_front(ijk_to_ras):
    volume = of_zeros((30, 30, 30), ijk_to_ras)
    r, a, s = centre_of(volume)
    plate, spur = ellipsoid(volume, (r, a - 10, s), (12, 2, 12)), ellipsoid(volume, (r + 11, a, s), (2, 13, 2))
    mask = plate.full(volume.shape_kji) | spur.full(volume.shape_kji)
    before = ellipsoid(volume, (r, a - 3, s), (4, 2, 4))
    assert len(seen(front_view(volume, [("p", RED, MaskCrop.of(mask)), ("b", GREEN, before)]), GREEN)[0]) > 0


def test_the_patients_right_is_on_the_left_and_superior_is_up():
    volume = of_zeros((20, 30, 30))  # i runs to the left, k to superior
    right = box_mask(volume.shape_kji, (14, 5, 2), (18, 15, 8))
    left = box_mask(volume.shape_kji, (2, 5, 20), (8, 15, 28))
    canvas = front_view(volume, [("right, above", RED, right), ("left, below", GREEN, left)])
    assert seen(canvas, RED)[1].max() < seen(canvas, GREEN)[1].min()
    assert seen(canvas, RED)[0].max() < seen(canvas, GREEN)[0].min()


def test_shapes_keep_their_proportions_on_thick_slices():
    volume = of_zeros((12, 60, 60), upright((1, 1, 5)))
    canvas = front_view(volume, [("ball", RED, ellipsoid(volume, centre_of(volume), (20, 20, 20)))])
    rows, columns = seen(canvas, RED)
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), rel=0.15)


def test_an_oblique_grid_is_seen_where_it_lies():
    volume = of_zeros((40, 60, 60), oblique_geometry((1, 1, 1.5)))
    r, a, s = centre_of(volume)
    pair = [("up", RED, ellipsoid(volume, (r, a, s + 10), (5, 5, 5))),
            ("low", GREEN, ellipsoid(volume, (r, a, s - 10), (5, 5, 5)))]  # fmt: skip
    canvas = front_view(volume, pair)
    (up, up_column), (low, low_column) = seen(canvas, RED), seen(canvas, GREEN)
    assert up.mean() < low.mean()
    assert up_column.mean() == pytest.approx(low_column.mean(), abs=0.03 * canvas.shape[1] + 3)
    assert len(up) == pytest.approx(len(low), rel=0.2)


def test_a_surface_that_turns_away_from_the_light_is_darker():
    volume = of_zeros((60, 60, 60))
    canvas = front_view(volume, [("ball", RED, ellipsoid(volume, centre_of(volume), (25, 25, 25)))])
    rows, columns = seen(canvas, RED)
    middle = (rows.min() + rows.max()) // 2, (columns.min() + columns.max()) // 2
    quarter = np.ptp(rows) // 4
    lit = canvas[middle[0] - quarter, middle[1] - quarter, 0]
    dark = canvas[middle[0] + quarter, middle[1] + quarter, 0]
    assert lit > 1.3 * dark


def test_nothing_to_see_is_a_blank_picture():
    assert (front_view(of_zeros((3, 3, 3)), [("nothing", RED, NOTHING)]) == BACKGROUND).all()


def test_drawing_can_be_cancelled():
    volume = of_zeros((3, 3, 3))
    with pytest.raises(Cancelled):
        front_view(volume, [("one", RED, box_mask(volume.shape_kji, (1, 1, 1), (2, 2, 2)))], lambda: True)


def test_a_picture_as_bytes_is_upright_and_in_its_colours(tmp_path):
    canvas = np.zeros((40, 60, 3), np.float32)
    canvas[:20] = RED
    path = tmp_path / "picture.jpg"
    path.write_bytes(jpeg_bytes(canvas))
    found = sitk.GetArrayFromImage(sitk.ReadImage(str(path))).astype(float)
    assert found.shape == (40, 60, 3)
    assert found[10, 30] == pytest.approx(RED, abs=12)
    assert found[30, 30] == pytest.approx((0, 0, 0), abs=12)
