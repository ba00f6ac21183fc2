"""Smooth random displacement of images and their labels."""

from __future__ import annotations

import numpy as np
import pytest
from VISTA3DSegmentLib.errors import VolumeError
from VISTA3DSegmentLib.learning.phantom import random_deformation, warp

SHAPE = (24, 30, 36)


def ball(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    k, j, i = np.indices(shape)
    return (((k - 12) ** 2 + (j - 15) ** 2 + (i - 18) ** 2) < 64).astype(np.uint8) * 7


def test_no_voxel_moves_further_than_allowed():
    spacing = (4.0, 2.0, 1.0)
    field = random_deformation(SHAPE, 3, max_mm=6.0, spacing=spacing)
    moved_mm = np.sqrt(sum((component * step) ** 2 for component, step in zip(field, spacing, strict=True)))
    assert field.shape == (3, *SHAPE)
    assert 2.0 < moved_mm.max() <= 6.0 + 1e-4


def test_the_displacement_is_smooth():
    field = random_deformation((60, 60, 60), 1, max_mm=10.0, spacing=(2.0, 2.0, 2.0))
    assert max(float(np.abs(np.diff(field, axis=axis)).max()) for axis in (1, 2, 3)) < 0.6


def test_the_same_seed_bends_the_same_way():
    assert np.array_equal(random_deformation(SHAPE, 5), random_deformation(SHAPE, 5))
    assert not np.array_equal(random_deformation(SHAPE, 5), random_deformation(SHAPE, 6))


@pytest.mark.parametrize("order", [0, 1])
def test_a_field_of_zero_changes_nothing(order):
    image = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    assert np.allclose(warp(image, np.zeros((3, *SHAPE), np.float32), order), image, atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_value_is_fetched_from_where_the_field_points_along_each_axis(axis):
    image = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    field = np.zeros((3, *SHAPE), np.float32)
    field[axis] = 2.0
    inner = tuple(slice(0, n - 2) for n in SHAPE)
    assert np.allclose(warp(image, field, 1)[inner], np.roll(image, -2, axis=axis)[inner], atol=1e-5)


def test_labels_stay_labels_and_keep_their_type():
    bent = warp(ball(), random_deformation(SHAPE, 2, max_mm=10.0), 0)
    assert bent.dtype == np.uint8
    assert set(np.unique(bent)) == {0, 7}
    assert (bent != ball()).any()


def test_image_and_labels_bend_together():
    field = random_deformation(SHAPE, 2, max_mm=10.0)
    labels, image = warp(ball(), field, 0), warp(ball().astype(np.float32), field, 1)
    assert ((image > 3.5) == (labels > 0)).mean() > 0.995


def test_beyond_the_border_the_border_goes_on():
    field = np.full((3, *SHAPE), 50.0, np.float32)
    assert (warp(np.full(SHAPE, 9, np.int16), field, 1) == 9).all()


def test_a_field_of_another_shape_is_refused():
    with pytest.raises(VolumeError, match="does not fit"):
        warp(ball(), np.zeros((3, 2, 2, 2), np.float32), 0)


def test_an_order_that_is_not_offered_is_refused():
    with pytest.raises(VolumeError, match="order 3"):
        warp(ball(), np.zeros((3, *SHAPE), np.float32), 3)
