"""Masks go where they lie in space: exactly between grids of the same voxels, by the nearest voxel otherwise."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from builders import box_mask, gradient, oblique_geometry
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.errors import VolumeError
from VISTA3DSegmentLib.files.placing import moved_mm, placed_on
from VISTA3DSegmentLib.files.segments import Segment, Segmentation
from VISTA3DSegmentLib.volume import FloatArray, Volume

SHAPE = (4, 5, 6)
RESAMPLED = "The segmentation has another grid than the scan; each voxel took the value nearest to it."


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


def test_parts_outside_are_told_of_a_resampled_mask_too_and_only_of_one_that_has_them() -> None:
    volume = Volume(gradient(SHAPE), oblique_geometry())
    moved = oblique_geometry()
    moved[:3, 3] = (moved @ (0.4, 0.4, 1.4, 1.0))[:3]  # its last slice lies beyond the scan
    inside, across = box_mask(SHAPE, (0, 1, 1), (3, 3, 3)), box_mask(SHAPE, (0, 1, 1), (4, 3, 3))
    assert placed_on(segmentation(inside, moved), volume).notices == (RESAMPLED,)
    placed = placed_on(segmentation(across, moved), volume)
    assert placed.segments[0].mask.mask.any()
    assert placed.notices == (RESAMPLED, "Parts outside the scan were left out: liver.")
    corner = across.full(SHAPE)
    corner[3] = False
    corner[3, 4, 5] = True  # a part that is one voxel
    assert "Parts outside" in placed_on(segmentation(MaskCrop.of(corner), moved), volume).notices[-1]


def test_finer_and_coarser_masks_that_fill_the_scan_lie_in_it() -> None:
    volume = Volume(gradient(SHAPE), oblique_geometry())
    for parts in (2, 3):
        finer = oblique_geometry() @ np.diag((1 / parts, 1 / parts, 1 / parts, 1.0))
        offset = (1 / parts - 1) / 2
        finer[:3, 3] = (oblique_geometry() @ (offset, offset, offset, 1.0))[:3]
        k, j, i = (n * parts for n in SHAPE)
        whole = box_mask((k, j, i), (0, 0, 0), (k, j, i))
        assert placed_on(segmentation(whole, finer, (k, j, i)), volume).notices == (RESAMPLED,)
        fine = Volume(np.zeros((k, j, i), np.int16), finer)
        back = placed_on(segmentation(box_mask(SHAPE, (0, 0, 0), SHAPE), oblique_geometry()), fine)
        assert back.notices == (RESAMPLED,)


def test_what_is_too_small_for_the_voxels_of_the_scan_is_lost_but_not_called_outside() -> None:
    volume = Volume(gradient(SHAPE), oblique_geometry())
    finer = oblique_geometry() @ np.diag((1 / 3, 1 / 3, 1 / 3, 1.0))
    found = placed_on(segmentation(box_mask((12, 15, 18), (4, 4, 4), (5, 5, 5)), finer, (12, 15, 18)), volume)
    assert not found.segments[0].mask.mask.any()
    assert found.notices == (RESAMPLED, "Too small for the voxels of the scan, and lost: liver.")


def test_whole_voxels_beside_the_scan_are_measured_and_a_crop_is_in_its_place() -> None:
    volume, nothing = Volume(gradient(SHAPE), oblique_geometry()), box_mask(SHAPE, (0, 0, 0), (1, 1, 1))
    moved = oblique_geometry()
    moved[:3, 3] = volume.ras_of((0, 2, -1))  # of 0.9 and 2.5 mm
    assert moved_mm(segmentation(nothing, moved), volume) == pytest.approx(np.hypot(1.8, 2.5))
    assert moved_mm(segmentation(nothing, moved, (4, 3, 6)), volume) == 0.0
    turned = reoriented((1, 2, 0), (0, 2))
    in_place = segmentation(nothing, turned.ijk_to_ras, turned.shape_kji)
    assert moved_mm(in_place, volume) == 0.0
    assert moved_mm(in_place, replace(volume, ijk_to_ras=moved)) == pytest.approx(np.hypot(1.8, 2.5))


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
