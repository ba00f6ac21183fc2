"""The model's grid is the bundle's: MONAI's ``Spacing``, ``Orientation("RAS")`` and ``CropForeground``."""

from __future__ import annotations

from typing import Any

import monai_reference as reference
import numpy as np
import pytest
import torch
from engine_builders import MM, cloudy_scan, geometry, painted_scan
from VISTA3DSegmentLib.engines.grid import ModelGrid, Region
from VISTA3DSegmentLib.engines.native import interpolate
from VISTA3DSegmentLib.prompts import Box
from VISTA3DSegmentLib.volume import Volume

STEP = (MM, MM, MM)
EVERYWHERE = slice(None)

SCANS: dict[str, dict[str, Any]] = {
    "as the grid": {},
    "fine and anisotropic": {"spacing_mm": (0.7, 0.8, 2.5)},
    "coarse": {"spacing_mm": (3.1, 2.2, 5.0)},
    "DICOM's LPS": {"spacing_mm": (0.9, 0.9, 2.0), "axes": "LPS"},
    "sagittal": {"spacing_mm": (0.8, 1.1, 2.2), "axes": "PIR"},
    "coronal, upside down": {"spacing_mm": (1.3, 0.6, 1.9), "axes": "LIA"},
    "oblique": {"spacing_mm": (0.9, 0.9, 2.0), "axes": "LPS", "degrees": 17.0},
    "oblique and permuted": {"spacing_mm": (0.7, 1.6, 1.2), "axes": "SRP", "degrees": -31.0},
}


def scan(case: str) -> Volume:
    return cloudy_scan((13, 17, 22), **SCANS[case])


@pytest.mark.parametrize("case", SCANS)
def test_values_on_the_grid_are_monais(case: str) -> None:
    grid = ModelGrid(scan(case), STEP)
    expected, _ = reference.resampled(grid.volume)
    assert grid.shape == expected.shape
    np.testing.assert_allclose(grid.read(grid.whole), expected, atol=1e-3)


@pytest.mark.parametrize("case", SCANS)
def test_a_position_in_the_patient_has_monais_index_on_the_grid(case: str) -> None:
    grid = ModelGrid(scan(case), STEP)
    _, affine = reference.resampled(grid.volume)
    index = np.array([2.0, 5.25, 3.5])
    r, a, s = affine[:3, :3] @ index + affine[:3, 3]
    np.testing.assert_allclose(grid.points_of([(r, a, s)])[0], index, atol=1e-6)


@pytest.mark.parametrize("case", SCANS)
def test_a_part_of_the_grid_reads_as_that_part_of_the_whole(case: str) -> None:
    grid = ModelGrid(scan(case), STEP)
    low, high = (1, 2, 3), tuple(count - 1 for count in grid.shape)
    part = Region(low, (high[0], high[1], high[2]))
    np.testing.assert_array_equal(grid.read(part), grid.read(grid.whole)[1:-1, 2:-1, 3:-1])


def test_positions_beyond_the_image_repeat_its_border() -> None:
    grid = ModelGrid(cloudy_scan((9, 8, 7)), STEP)
    around = Region((-3, -1, -2), (grid.shape[0] + 2, grid.shape[1] + 4, grid.shape[2] + 1))
    expected = np.pad(grid.read(grid.whole), ((3, 2), (1, 4), (2, 1)), mode="edge")
    np.testing.assert_array_equal(grid.read(around), expected)


def test_positions_beyond_the_crop_repeat_the_crops_border() -> None:
    grid = ModelGrid(cloudy_scan((9, 10, 11)), STEP)
    crop = Region((2, 3, 1), (8, 9, 7))
    window = Region((0, 1, 0), (10, 10, 9))
    expected = np.pad(grid.read(crop), ((2, 2), (2, 1), (1, 2)), mode="edge")
    np.testing.assert_array_equal(grid.read(window, within=crop), expected)


@pytest.mark.parametrize("case", SCANS)
def test_a_smooth_field_on_the_grid_comes_back_on_the_scans_voxels(case: str) -> None:
    volume = scan(case)
    grid = ModelGrid(volume, STEP)
    _, affine = reference.resampled(volume)

    def field_at(positions: np.ndarray) -> np.ndarray:
        return np.asarray(positions @ np.array([3.0, -2.0, 1.0]))  # linear: interpolation is exact

    points = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
    on_grid = field_at(points @ affine[:3, :3].T + affine[:3, 3])
    # A voxel between the last grid point and the scan's last voxel has nothing beyond it to be interpolated with.
    inner = Region((1, 1, 1), tuple(count - 1 for count in grid.shape))  # type: ignore[arg-type]
    box = grid.native_box(inner)
    back = interpolate(torch.from_numpy(on_grid).float(), grid, grid.whole, box).numpy()
    k, j, i = np.meshgrid(*(np.arange(part.start, part.stop) for part in box), indexing="ij")
    expected = field_at(np.stack([i, j, k], axis=-1) @ volume.ijk_to_ras[:3, :3].T + volume.ijk_to_ras[:3, 3])
    assert back.size > 50
    np.testing.assert_allclose(back, expected, atol=1e-3)


@pytest.mark.parametrize("case", SCANS)
def test_every_voxel_belongs_to_the_whole_grid(case: str) -> None:
    grid = ModelGrid(scan(case), STEP)
    box = grid.native_box(grid.whole)
    assert tuple(part.stop - part.start for part in box) == grid.volume.shape_kji


@pytest.mark.parametrize("case", SCANS)
def test_the_crop_is_that_of_the_bundle(case: str) -> None:
    volume = scan(case)
    array = np.full((40, 44, 48), -1000, np.int16)
    array[15:18, 20:23, 30:36] = volume.array[:3, :3, :6] // 4 + 500
    grid = ModelGrid(Volume(array, volume.ijk_to_ras), STEP)
    low, high = reference.foreground(reference.resampled(grid.volume)[0])
    assert (list(grid.foreground.low), list(grid.foreground.high)) == (low, high)


def test_a_scan_without_anything_above_water_is_taken_whole() -> None:
    grid = ModelGrid(painted_scan((12, 11, 10), [], ground=-700), STEP)
    assert grid.foreground == grid.whole


def test_a_click_outside_the_crop_widens_it() -> None:
    grid = ModelGrid(painted_scan((60, 50, 60), [((slice(28, 30), slice(20, 22), slice(28, 30)), 300)]), STEP)
    wider = grid.foreground.including(np.array([[2.0, 20.0, 28.0]]), 10, grid.shape)
    assert grid.foreground.low == (18, 10, 18)
    assert wider == Region((0, 10, 18), grid.foreground.high)


def test_a_slice_alone_is_a_grid_of_one_plane() -> None:
    grid = ModelGrid(cloudy_scan((1, 20, 20), spacing_mm=(0.75, 0.75, 5.0)), STEP)
    assert grid.shape == (11, 11, 1) or grid.shape[2] == 1
    assert grid.read(grid.whole).shape == grid.shape
    assert grid.native_box(grid.whole)[0] == slice(0, 1)


def test_a_mask_is_read_as_the_image_is() -> None:
    volume = cloudy_scan((13, 17, 22), spacing_mm=(0.7, 0.8, 2.5), axes="LPS")
    mask = volume.array > 0
    grid = ModelGrid(volume, STEP)
    expected = ModelGrid(Volume(mask.astype(np.float32), volume.ijk_to_ras), STEP).read(grid.whole)
    np.testing.assert_array_equal(grid.read(grid.whole, mask=lambda box: mask[box]), expected)


@pytest.mark.parametrize("case", SCANS)
def test_the_voxels_inside_a_box_are_those_whose_centre_is(case: str) -> None:
    volume = scan(case)
    grid = ModelGrid(volume, STEP)
    middle = volume.ras_of((11.0, 8.0, 6.0))
    low, high = middle - np.array((5.31, 4.17, 6.73)), middle + np.array((3.97, 6.13, 4.37))
    box = Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))
    part = (slice(2, 12), slice(1, 16), slice(3, 20))
    k, j, i = np.meshgrid(*(np.arange(side.start, side.stop) for side in part), indexing="ij")
    positions = np.stack([i, j, k], axis=-1) @ volume.ijk_to_ras[:3, :3].T + volume.ijk_to_ras[:3, 3]
    expected = ((positions >= low) & (positions <= high)).all(axis=-1)
    assert expected.any()
    np.testing.assert_array_equal(grid.volume.voxels_inside(box, part), expected)


def test_an_assignment_of_axes_uses_each_patient_axis_once() -> None:
    # At 44 degrees i and j both lie nearly between right and anterior.
    turned = geometry()
    c, s = np.cos(np.radians(44.0)), np.sin(np.radians(44.0))
    turned[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) * MM
    grid = ModelGrid(Volume(cloudy_scan((5, 6, 7)).array, turned), STEP)
    assert [axis.source for axis in grid.axes] == [2, 1, 0]
    assert not any(axis.flipped for axis in grid.axes)
