"""What is measured of a segment, against shapes computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from builders import box_mask, oblique_geometry
from measured_shapes import centre_of, ellipsoid, of_zeros, upright
from VISTA3DSegmentLib.edits import NOTHING, MaskCrop
from VISTA3DSegmentLib.export.diameters import Diameter, axial_diameters
from VISTA3DSegmentLib.export.measures import measured
from VISTA3DSegmentLib.volume import Volume


def angle(first: Diameter, second: Diameter) -> float:
    """Between two lines, in degrees."""
    a, b = (np.subtract(*one.ends_ras) / one.length_mm for one in (first, second))
    return float(np.degrees(np.arccos(np.clip(abs(a @ b), 0, 1))))


def test_volume_of_a_box_is_its_voxels_times_their_size():
    volume = of_zeros((20, 30, 40), upright((0.5, 0.8, 2.5)))
    found = measured(box_mask(volume.shape_kji, (2, 3, 4), (7, 13, 24)), volume)
    assert found.voxels == 5 * 10 * 20
    assert found.volume_ml == pytest.approx(1000 * 0.5 * 0.8 * 2.5 / 1000)


def test_box_round_a_segment_reaches_to_the_outer_faces_of_its_voxels():
    volume = of_zeros((20, 30, 40), upright((0.5, 0.8, 2.5)))
    found = measured(box_mask(volume.shape_kji, (2, 3, 4), (7, 13, 24)), volume)
    assert found.box_mm == pytest.approx((20 * 0.5, 10 * 0.8, 5 * 2.5))
    assert found.high_ras == pytest.approx((100 - 3.5 * 0.5, 80 - 2.5 * 0.8, -300 + 6.5 * 2.5))


def test_box_round_an_oblique_segment_is_upright_and_tight():
    volume = of_zeros((12, 14, 16), oblique_geometry((0.9, 0.9, 2.0)))
    crop = ellipsoid(volume, centre_of(volume), (4, 5, 6))
    k, j, i = (crop.mask.nonzero()[axis] + crop.start[axis] for axis in range(3))
    corners = [
        volume.ijk_to_ras[:3, :3] @ np.stack((i + a, j + b, k + c)) + volume.ijk_to_ras[:3, 3:]
        for a in (-0.5, 0.5)
        for b in (-0.5, 0.5)
        for c in (-0.5, 0.5)
    ]
    every = np.concatenate(corners, axis=1)
    found = measured(crop, volume)
    assert found.low_ras == pytest.approx(every.min(axis=1))
    assert found.high_ras == pytest.approx(every.max(axis=1))


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.7, 2.5)])
def test_surface_of_a_ball_is_right_within_three_percent(spacing):
    radius = 20.0
    shape = tuple(int(44 / step) + 3 for step in spacing[::-1])
    volume = of_zeros(shape, upright(spacing))
    found = measured(ellipsoid(volume, centre_of(volume), (radius,) * 3), volume)
    assert found.surface_cm2 == pytest.approx(4 * math.pi * radius**2 / 100, rel=0.03)


def test_a_segment_that_fills_the_scan_has_a_surface():
    volume = of_zeros((20, 20, 20))
    found = measured(MaskCrop.of(np.ones(volume.shape_kji, np.bool_)), volume)
    assert found.surface_cm2 == pytest.approx(6 * 20 * 20 / 100, rel=0.1)


def test_grey_values_are_those_inside_the_mask_alone():
    array = np.full((3, 4, 5), 900, np.int16)
    array[1, 1, :] = (-100, 0, 20, 40, 140)
    volume = Volume(array, upright())
    grey = measured(box_mask(array.shape, (1, 1, 0), (2, 2, 5)), volume).grey
    assert (grey.mean, grey.minimum, grey.maximum, grey.median) == (20, -100, 140, 20)
    assert grey.sd == pytest.approx(math.sqrt((120**2 + 20**2 + 0 + 20**2 + 120**2) / 5))
    assert grey.percentiles == pytest.approx((-80, 0, 20, 40, 120))


def test_longest_diameter_and_its_perpendicular_of_a_turned_ellipse():
    volume = of_zeros((9, 120, 120), upright((0.5, 0.5, 3.0)))
    turn = math.radians(33)
    crop = ellipsoid(volume, centre_of(volume), (24, 10, 12), turn)
    found = axial_diameters(crop, volume)
    assert found.longest.length_mm == pytest.approx(48, abs=0.7)
    assert found.perpendicular.length_mm == pytest.approx(20, abs=0.7)
    assert angle(found.longest, found.perpendicular) == pytest.approx(90, abs=1e-3)
    r, a, s = np.subtract(*found.longest.ends_ras)
    assert abs(r * math.cos(turn) + a * math.sin(turn)) == pytest.approx(48, abs=1.0)
    assert s == pytest.approx(0)
    assert found.longest.ends_ras[0][2] == pytest.approx(centre_of(volume)[2])


def test_diameters_of_a_box_run_between_the_outlines_midpoints():
    volume = of_zeros((4, 60, 60))
    found = axial_diameters(box_mask(volume.shape_kji, (1, 5, 5), (3, 35, 45)), volume)
    assert found.longest.length_mm == pytest.approx(math.hypot(40, 29))
    k = 1
    assert {end[2] for end in found.longest.ends_ras} == {-300.0 + k}


def test_one_voxel_is_as_wide_as_it_is():
    volume = of_zeros((3, 3, 3), upright((0.7, 0.7, 5.0)))
    found = measured(box_mask(volume.shape_kji, (1, 1, 1), (2, 2, 2)), volume)
    assert found.diameters.longest.length_mm == pytest.approx(0.7)
    assert found.diameters.perpendicular.length_mm == pytest.approx(0.7)
    assert found.parts == 1


def test_the_slice_with_the_longest_diameter_is_found_among_larger_ones():
    mask = np.zeros((5, 50, 50), np.bool_)
    mask[1, 5:35, 5:35] = True
    mask[3, 20, 2:48] = True
    volume = of_zeros(mask.shape)
    found = axial_diameters(MaskCrop.of(mask), volume)
    assert found.longest.length_mm == pytest.approx(46)
    assert found.perpendicular.length_mm == pytest.approx(1)
    assert found.longest.ends_ras[0][2] == pytest.approx(-297)


def test_the_diameters_are_those_of_the_largest_part():
    volume = of_zeros((20, 40, 40))
    mask = np.zeros(volume.shape_kji, np.bool_)
    mask[2:10, 2:10, 2:10] = True
    mask[5, 5, 38] = True
    whole, alone = (measured(MaskCrop.of(one), volume).diameters for one in (mask, mask[:, :, :30]))
    assert whole is not None
    assert whole.longest.length_mm == alone.longest.length_mm < 12


def test_the_perpendicular_spans_the_convex_hull_where_the_outline_is_hollow():
    mask = np.zeros((1, 21, 51), np.bool_)
    mask[0, [10, 10, 0, 0, 20], [0, 50, 10, 40, 25]] = True
    found = axial_diameters(MaskCrop.of(mask), of_zeros(mask.shape))
    assert (found.longest.length_mm, found.perpendicular.length_mm) == (pytest.approx(51), pytest.approx(21))


def test_diameters_agree_with_every_pair_of_outline_points():
    rng = np.random.default_rng(3)
    mask = np.zeros((1, 30, 30), np.bool_)
    mask[0, 4:26, 3:27] = rng.random((22, 24)) < 0.05
    volume = of_zeros(mask.shape, upright((0.6, 0.9, 2.0)))
    y, x = mask[0].nonzero()
    middles = np.concatenate([np.stack((x + dx, y + dy), 1) for dx, dy in ((-0.5, 0), (0.5, 0), (0, -0.5), (0, 0.5))])
    middles = middles * (0.6, 0.9)
    expected = np.sqrt(((middles[:, None] - middles[None]) ** 2).sum(-1)).max()
    assert axial_diameters(MaskCrop.of(mask), volume).longest.length_mm == pytest.approx(expected)


def test_diameters_are_axial_whichever_axis_of_the_array_runs_along_s():
    sagittal = np.zeros((4, 4))
    sagittal[0, 2], sagittal[1, 0], sagittal[2, 1], sagittal[3, 3] = 3.0, 1.0, -1.0, 1.0
    volume = of_zeros((14, 60, 60), sagittal)
    crop = ellipsoid(volume, centre_of(volume), (15, 10, 25))
    found = axial_diameters(crop, volume)
    assert found.longest.length_mm == pytest.approx(30, abs=3)
    assert found.longest.ends_ras[0][2] == pytest.approx(found.longest.ends_ras[1][2])


def test_diameters_of_an_oblique_scan_lie_across_s():
    volume = of_zeros((40, 90, 90), oblique_geometry((0.7, 0.7, 1.0)))
    crop = ellipsoid(volume, centre_of(volume), (14, 9, 12))
    found = axial_diameters(crop, volume)
    assert found.longest.length_mm == pytest.approx(28, abs=1.2)
    assert found.perpendicular.length_mm == pytest.approx(18, abs=1.2)
    assert found.longest.ends_ras[0][2] == pytest.approx(found.longest.ends_ras[1][2])


def test_one_voxel_of_an_oblique_scan_has_diameters():
    volume = of_zeros((5, 5, 5), oblique_geometry())
    found = axial_diameters(box_mask(volume.shape_kji, (2, 2, 2), (3, 3, 3)), volume)
    assert 0.6 < found.longest.length_mm < 3.0


@pytest.mark.parametrize(
    ("start", "end", "faces"),
    [
        ((1, 1, 1), (3, 4, 5), ()),
        ((0, 1, 1), (3, 4, 5), ("inferior",)),
        ((1, 1, 1), (4, 4, 5), ("superior",)),
        ((1, 0, 1), (3, 4, 5), ("anterior",)),
        ((1, 1, 0), (3, 5, 6), ("posterior", "right", "left")),
    ],
)
def test_a_segment_cut_at_the_edge_names_the_faces_of_the_patient(start, end, faces):
    volume = of_zeros((4, 5, 6))
    assert measured(box_mask(volume.shape_kji, start, end), volume).cut_at == faces


def test_a_scan_of_one_slice_cuts_nothing_along_its_thickness():
    volume = of_zeros((1, 5, 6))
    assert measured(box_mask(volume.shape_kji, (0, 1, 1), (1, 3, 3)), volume).cut_at == ()


def test_parts_that_share_a_corner_are_one():
    mask = np.zeros((6, 6, 6), np.bool_)
    mask[0, 0, 0] = mask[1, 1, 1] = mask[1, 1, 2] = mask[4, 4, 4] = True
    found = measured(MaskCrop.of(mask), of_zeros(mask.shape))
    assert (found.parts, found.largest_part) == (2, 3)


def test_an_empty_segment_has_no_measures():
    found = measured(NOTHING, of_zeros((3, 3, 3)))
    assert (found.voxels, found.volume_ml, found.grey, found.diameters, found.box_mm) == (0, 0, None, None, None)
