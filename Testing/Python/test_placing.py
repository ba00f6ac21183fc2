"""Masks go where they lie in space: exactly between grids of the same voxels, by the nearest voxel otherwise."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from builders import box_mask, gradient, oblique_geometry
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.errors import VolumeError
from VISTA3DSegmentLib.files.placing import placed_on
from VISTA3DSegmentLib.files.segments import Segment, Segmentation
from VISTA3DSegmentLib.volume import FloatArray, Volume

SHAPE = (4, 5, 6)


def segmentation(mask: MaskCrop, geometry: FloatArray, shape: tuple[int, int, int] = SHAPE) -> Segmentation:
    return Segmentation(shape, geometry, (Segment("liver", mask, (1, 2, 3)),))


def reoriented(order: tuple[int, ...], backwards: tuple[int, ...]) -> Volume:
    """The oblique gradient image with its axes in another order and direction, in the same place."""
    array = np.flip(np.transpose(gradient(SHAPE), order), backwards)
    turn = np.zeros((4, 4))
    for axis in range(3):
        sign = -1 if axis in backwards else 1
        turn[order[axis], axis] = sign
        turn[order[axis], 3] += array.shape[axis] - 1 if sign < 0 else 0
    turn[3, 3] = 1
    return Volume(array, oblique_geometry() @ turn[np.ix_([2, 1, 0, 3], [2, 1, 0, 3])])


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("backwards", [(), (0,), (1,), (0, 2), (0, 1, 2)])
def test_mask_covers_the_same_voxels_in_every_axis_order(order: tuple[int, ...], backwards: tuple[int, ...]) -> None:
    # Not a box: that would look the same when flipped.
    mask = MaskCrop((1, 0, 2), np.random.default_rng(0).random((2, 3, 4)) < 0.5)
    volume = reoriented(order, backwards)
    placed = placed_on(segmentation(mask, oblique_geometry()), volume)
    inside = placed.segments[0].mask.full(volume.shape_kji)
    assert sorted(volume.array[inside]) == sorted(gradient(SHAPE)[mask.full(SHAPE)])
    assert placed.notices == ()


def test_mask_of_a_crop_lands_where_the_crop_was_cut_and_parts_outside_are_told() -> None:
    whole = Volume(gradient(SHAPE), oblique_geometry())
    shifted = oblique_geometry().copy()
    shifted[:3, 3] = whole.ras_of((2, 1, 0))
    placed = placed_on(segmentation(box_mask(SHAPE, (0, 0, 0), (1, 1, 6)), shifted), whole)
    expected = box_mask(SHAPE, (0, 1, 2), (1, 2, 6)).full(SHAPE)
    np.testing.assert_array_equal(placed.segments[0].mask.full(SHAPE), expected)
    assert placed.notices == ("Parts outside the scan were left out: liver.",)


def test_headers_rounded_to_single_precision_still_count_as_the_same_grid() -> None:
    rounded = oblique_geometry().astype(np.float32).astype(np.float64)
    placed = placed_on(
        segmentation(box_mask(SHAPE, (1, 1, 1), (3, 3, 3)), rounded), Volume(gradient(), oblique_geometry())
    )
    assert placed.notices == ()


def test_mask_on_a_finer_grid_is_resampled_to_the_nearest_voxel_and_told() -> None:
    coarse = oblique_geometry()
    fine = coarse @ np.diag((0.5, 0.5, 0.5, 1.0))
    fine[:3, 3] = (coarse @ (-0.25, -0.25, -0.25, 1.0))[:3]
    volume = Volume(np.zeros((8, 10, 12), np.int16), fine)
    placed = placed_on(segmentation(box_mask(SHAPE, (1, 2, 0), (3, 3, 4)), coarse), volume)
    expected = box_mask((8, 10, 12), (2, 4, 0), (6, 6, 8)).full((8, 10, 12))
    np.testing.assert_array_equal(placed.segments[0].mask.full((8, 10, 12)), expected)
    assert "another grid" in placed.notices[0]


def test_resampled_mask_on_a_turned_grid_agrees_voxel_by_voxel_with_the_definition() -> None:
    mask = box_mask(SHAPE, (1, 1, 2), (4, 4, 5))
    volume = Volume(np.zeros((7, 6, 9), np.int16), np.diag((0.8, 1.1, 1.3, 1.0)) + np.eye(4, k=3) * 0)
    source = oblique_geometry()
    source[:3, 3] = (1.0, 2.0, 3.0)
    placed = placed_on(segmentation(mask, source), volume).segments[0].mask.full((7, 6, 9))
    full = mask.full(SHAPE)
    for k, j, i in np.ndindex(7, 6, 9):
        at = np.floor(np.linalg.inv(source) @ (volume.ijk_to_ras @ (i, j, k, 1.0)) + 0.5).astype(int)[2::-1]
        expected = bool((at >= 0).all() and (at < SHAPE).all() and full[tuple(at)])
        assert placed[k, j, i] == expected, (k, j, i)
    assert placed.any()


def test_grids_without_shared_space_are_refused() -> None:
    away = oblique_geometry()
    away[0, 3] += 1000
    with pytest.raises(VolumeError, match="share no space"):
        placed_on(segmentation(box_mask(SHAPE, (0, 0, 0), (1, 1, 1)), away), Volume(gradient(), oblique_geometry()))


def test_empty_mask_stays_empty() -> None:
    empty = MaskCrop.of(np.zeros(SHAPE, np.bool_))
    for geometry in (oblique_geometry(), oblique_geometry((0.8, 0.9, 2.5))):
        placed = placed_on(segmentation(empty, geometry), Volume(gradient(), oblique_geometry()))
        assert not placed.segments[0].mask.mask.any()
