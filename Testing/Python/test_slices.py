"""What is seen where on a slice through the patient."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from builders import gradient, oblique_geometry
from VISTA3DSegmentLib.prompts import place_words
from VISTA3DSegmentLib.slices import AXIAL, CORONAL, SAGITTAL, VIEWS, Slice, View, sample, side_of
from VISTA3DSegmentLib.volume import FloatArray, Volume

SPACING_RAS = (1.0, 2.0, 3.0)


def upright(values_sar: FloatArray) -> Volume:
    """A volume with axes (S, A, R) growing along (k, j, i)."""
    return Volume(values_sar, np.diag((*SPACING_RAS, 1.0)))


def reordered(volume: Volume, order: tuple[int, ...], flips: tuple[bool, ...]) -> Volume:
    """The same voxels in space, stored in another axis order."""
    array, matrix = volume.array.transpose(order), volume.ijk_to_ras.copy()
    matrix[:3, :3] = volume.ijk_to_ras[:3, :3][:, [2 - order[2 - column] for column in range(3)]]
    for axis, flip in enumerate(flips):
        if flip:
            array, column = np.flip(array, axis), 2 - axis
            matrix[:3, 3] += matrix[:3, column] * (array.shape[axis] - 1)
            matrix[:3, column] *= -1
    return Volume(array, matrix)


def look(volume: Volume, view: View, highest: tuple[float, float, float], width: int, height: int) -> FloatArray:
    where = Slice(view, highest, 1.0, width, height)
    return sample(volume.array, (0, 0, 0), volume, where, slice(0, height), slice(0, width), None).astype(np.float64)


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("flips", list(product((False, True), repeat=3)))
def test_every_axis_order_looks_the_same(order: tuple[int, ...], flips: tuple[bool, ...]) -> None:
    volume = upright(np.random.default_rng(0).normal(size=(4, 5, 6)))
    other = reordered(volume, order, flips)
    for view in VIEWS:
        expected = look(volume, view, (5.0, 8.0, 6.0), 6, 6)
        np.testing.assert_allclose(look(other, view, (5.0, 8.0, 6.0), 6, 6), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("view", "along_columns", "along_rows"), [(AXIAL, "R", "A"), (CORONAL, "R", "S"), (SAGITTAL, "A", "S")]
)
def test_right_is_on_the_left_and_anterior_and_superior_are_up(view: View, along_columns: str, along_rows: str) -> None:
    s, a, r = np.indices((4, 5, 6)).astype(np.float64)
    for letter, values in (("R", r), ("A", a), ("S", s)):
        seen = look(upright(values), view, (5.0, 8.0, 9.0), 6, 9)
        down, across = np.diff(seen, axis=0).sum(), np.diff(seen, axis=1).sum()
        assert (across < 0) == (letter == along_columns)
        assert (down < 0) == (letter == along_rows)
    assert view.letters[0] == along_columns
    assert view.letters[2] == along_rows


def test_distances_are_true_on_anisotropic_grids() -> None:
    s, _, _ = np.indices((4, 5, 6)).astype(np.float64)
    seen = look(upright(s), CORONAL, (5.0, 4.0, 9.0), 6, 10)
    # Slices lie 3 mm apart and pixels 1 mm: a third of a slice each.
    np.testing.assert_allclose(seen[:, 0], np.arange(9, -1, -1) / 3, atol=1e-5)


def test_an_oblique_grid_shows_each_voxel_at_its_world_position() -> None:
    volume = Volume(gradient((6, 7, 8)), oblique_geometry())
    for i, j, k in ((2, 3, 2), (5, 1, 4)):
        r, a, s = (float(n) for n in volume.ras_of((i, j, k)))
        for view in VIEWS:
            assert look(volume, view, (r, a, s), 1, 1)[0, 0] == pytest.approx(float(volume.array[k, j, i]), abs=1e-3)


def test_a_mask_ends_half_a_voxel_outside_its_crop() -> None:
    volume = upright(np.zeros((4, 5, 6)))
    mask = np.ones((2, 2, 2), np.bool_)
    where = Slice(AXIAL, (5.0, 2.0, 3.0), 0.5, 11, 1)
    share = sample(mask, (1, 1, 2), volume, where, slice(0, 1), slice(0, 11), 0.0)[0]
    # Voxels 2 and 3 along R: full there, one half at 1.5 and 3.5, nothing from 1 and 4 on.
    np.testing.assert_allclose(share, [0, 0, 0, 0.5, 1, 1, 1, 0.5, 0, 0, 0], atol=1e-6)


def test_beyond_the_scan_is_its_darkest_value() -> None:
    seen = look(upright(np.full((4, 5, 6), 7.0) - np.eye(6)[:5]), AXIAL, (15.0, 4.0, 3.0), 3, 1)
    assert (seen == 6.0).all()


def test_a_position_is_found_on_the_slice() -> None:
    where = Slice(SAGITTAL, (10.0, 80.0, 60.0), 2.0, 30, 30)
    assert where.pixel_of((13.0, 70.0, 40.0)) == (5.0, 10.0, 3.0)


@pytest.mark.parametrize(("view", "letters"), [(AXIAL, "RLAP"), (CORONAL, "RLSI"), (SAGITTAL, "APSI")])
def test_a_view_is_lettered_as_radiologists_hang_it(view: View, letters: str) -> None:
    assert "".join(view.letters) == letters


@pytest.mark.parametrize(
    ("direction", "side"),
    [((-3.0, 0.0, 0.0), "L"), ((0.98, 0.0, -0.2), "R"), ((0.5, 0.0, -0.8), "IR"), ((-0.6, 0.58, 0.55), "LAS")],
)
def test_an_oblique_direction_leads_to_several_sides_the_nearest_first(
    direction: tuple[float, float, float], side: str
) -> None:
    assert side_of(direction) == side


def test_a_place_is_told_by_the_side_on_which_it_lies() -> None:
    assert [place_words(axis, mm) for axis, mm in enumerate((-12.34, 0.0, -300.0))] == ["L 12.3", "A 0.0", "I 300.0"]
