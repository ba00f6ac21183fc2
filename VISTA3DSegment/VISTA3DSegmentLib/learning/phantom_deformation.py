"""Smooth random displacement of any image and its labels, fast."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 (the library's own custom)

from ..errors import VolumeError

Float32 = npt.NDArray[np.float32]


def random_deformation(
    shape: tuple[int, ...],
    seed: int,
    max_mm: float = 8.0,
    spacing: tuple[float, float, float] = (2.5, 2.5, 2.5),
    grain_mm: float = 60.0,
) -> Float32:
    """A smooth random displacement.

    Args:
        shape: of the images to be warped, three axes.
        seed: the same seed gives the same field.
        max_mm: no voxel moves further than this.
        spacing: mm between voxels along these three axes, in the same order as ``shape``.
        grain_mm: distance over which the displacement changes its mind.

    Returns:
        float32, ``(3, *shape)``: for each voxel, along each axis, by how many voxels away its value is fetched.
    """
    if len(shape) != 3 or min(shape) < 1:
        raise VolumeError(f"A deformation needs a 3-D shape, not {shape}.")
    rng = np.random.default_rng(seed)
    counts = [max(2, round(n * step / grain_mm) + 1) for n, step in zip(shape, spacing, strict=True)]
    field = rng.normal(size=(3, *counts)).astype(np.float32)
    for axis, count in enumerate(shape):
        field = np.moveaxis(np.tensordot(_smooth_weights(count, counts[axis]), field, axes=(1, axis + 1)), 0, axis + 1)
    longest = float(np.sqrt(np.square(field).sum(axis=0).max()))
    scale = max_mm * float(rng.uniform(0.5, 1.0)) / max(longest, 1e-6)
    field *= (scale / np.array(spacing, np.float32))[:, None, None, None]
    return np.ascontiguousarray(field, dtype=np.float32)


def _smooth_weights(count: int, nodes: int) -> Float32:
    """Weights (voxel, node) of cubic B-splines whose nodes span the voxels evenly."""
    place = np.linspace(0, nodes - 1, count)[:, None]
    distance = np.abs(place - np.arange(nodes)[None])
    near = 2 / 3 - distance**2 * (1 - distance / 2)
    weights = np.where(distance < 1, near, np.maximum(2 - distance, 0) ** 3 / 6)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def warp(array: npt.NDArray[Any], field: Float32, order: int) -> npt.NDArray[Any]:
    """Fetch each voxel's value from where the field points; beyond the border the border's value.

    Args:
        array: three axes, any real dtype.
        field: from ``random_deformation`` of the same shape.
        order: 0 = nearest voxel (labels), 1 = linear (images).

    Returns:
        The warped array, same shape and dtype.

    Raises:
        VolumeError: if the shapes differ or the order is another one.
    """
    if field.shape != (3, *array.shape):
        raise VolumeError(f"A field of shape {field.shape} does not fit an image of shape {array.shape}.")
    if order not in (0, 1):
        raise VolumeError(f"Interpolation of order {order} is not offered.", "Use 0 for labels and 1 for images.")
    dtype = array.dtype
    image = sitk.GetImageFromArray(array.astype(np.uint8) if dtype == np.bool_ else array)
    displacement = sitk.GetImageFromArray(np.moveaxis(field[::-1], 0, -1).astype(np.float64), isVector=True)
    resampler: Any = sitk.ResampleImageFilter()
    resampler.SetReferenceImage(image)
    resampler.SetTransform(sitk.DisplacementFieldTransform(displacement))
    resampler.SetInterpolator(sitk.sitkLinear if order else sitk.sitkNearestNeighbor)
    resampler.UseNearestNeighborExtrapolatorOn()
    return np.asarray(sitk.GetArrayFromImage(resampler.Execute(image))).astype(dtype)
