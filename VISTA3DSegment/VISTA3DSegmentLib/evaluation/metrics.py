"""How well two masks of the same volume agree.

Masks are ``MaskCrop`` on the same grid; only the box round both is looked at. Two empty masks agree perfectly (1.0):
there was nothing to find and nothing was found. If exactly one is empty, they do not agree at all (0.0).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 (the library's own custom)

from ..edits import BoolArray, MaskCrop, joint_box
from ..errors import VolumeError
from ..volume import Volume

Kji = tuple[int, int, int]
SpacingIjk = tuple[float, float, float]
"""Distance of neighbouring voxels along (i, j, k), in mm."""

ROUNDING_MM = 1e-3
"""Distances are computed in single precision: a surface exactly at the tolerance is within it."""


def voxels(mask: MaskCrop) -> int:
    """Number of voxels of a mask."""
    return int(np.count_nonzero(mask.mask))


def volume_ml(mask: MaskCrop, volume: Volume) -> float:
    """Volume of a mask in millilitres."""
    return voxels(mask) * volume.voxel_volume_ml


def dice(a: MaskCrop, b: MaskCrop) -> float:
    """Dice coefficient: twice the common voxels over the sum of both.

    Returns:
        0 to 1; 1 for two empty masks, 0 if exactly one is empty.
    """
    total = voxels(a) + voxels(b)
    if total == 0:
        return 1.0
    k, j, i = a.mask.shape
    return 2 * int(np.count_nonzero(a.mask & b.inside(a.start, (k, j, i)))) / total


def nsd(a: MaskCrop, b: MaskCrop, spacing_mm: SpacingIjk, tolerance_mm: float) -> float:
    """Normalised surface distance: the share of both surfaces that lies within a tolerance of the other one.

    As defined by Nikolov et al. 2018 (arXiv:1809.04430): surface elements sit between voxels, each counts with its
    area, and where a mask meets the edge of the volume there is surface too. The area of an element is taken from the
    gradient of the mask (coarea formula) instead of a marching-cubes table: the same on flat faces, near it on others.
    Surfaces are known to about a voxel, so a tolerance below the spacing says little.

    Args:
        a: one mask.
        b: the other, on the same grid.
        spacing_mm: distance of voxels along (i, j, k).
        tolerance_mm: how far apart the surfaces may be.

    Returns:
        0 to 1; 1 for two empty masks, 0 if exactly one is empty.

    Raises:
        VolumeError: the tolerance is negative.
    """
    if not tolerance_mm >= 0:
        raise VolumeError(f"A tolerance of {tolerance_mm} mm makes no sense.", "Give a distance of 0 mm or more.")
    if not a.mask.any() or not b.mask.any():
        return float(a.mask.any() == b.mask.any())
    start, shape = common_box(a, b)
    area_a, area_b = (surface_area_mm2(mask.inside(start, shape), spacing_mm) for mask in (a, b))
    reach = tolerance_mm + ROUNDING_MM
    close = area_a[distance_mm(area_b > 0, spacing_mm) <= reach].sum()
    close += area_b[distance_mm(area_a > 0, spacing_mm) <= reach].sum()
    return float(close / (area_a.sum() + area_b.sum()))


def common_box(a: MaskCrop, b: MaskCrop) -> tuple[Kji, Kji]:
    """The smallest box round both masks: its first voxel and its shape, (k, j, i); empty for two empty masks."""
    return joint_box(a.tightened(), b.tightened())


def as_kji(numbers: npt.ArrayLike) -> Kji:
    """Three whole numbers of an array as a plain tuple."""
    k, j, i = (int(number) for number in np.asarray(numbers))
    return k, j, i


def surface_area_mm2(mask: BoolArray, spacing_mm: SpacingIjk) -> npt.NDArray[np.float64]:
    """The area of the mask's surface in each cell of eight neighbouring voxels.

    Args:
        mask: bool (k, j, i); it is empty outside.
        spacing_mm: distance of voxels along (i, j, k).

    Returns:
        (k + 1, j + 1, i + 1), in mm2; a cell is as large as a voxel and lies half a voxel before it.
    """
    padded = np.pad(mask, 1).astype(np.float64)
    cell_mm3 = float(np.prod(spacing_mm))
    squared = np.zeros(np.add(mask.shape, 1))
    for axis in range(3):
        difference = np.diff(padded, axis=axis)
        for other in range(3):
            if other != axis:
                difference = _middle(difference, other)
        squared += (difference / spacing_mm[2 - axis]) ** 2
    return np.asarray(np.sqrt(squared) * cell_mm3)


def _middle(array: npt.NDArray[np.float64], axis: int) -> npt.NDArray[np.float64]:
    low = np.take(array, range(array.shape[axis] - 1), axis=axis)
    high = np.take(array, range(1, array.shape[axis]), axis=axis)
    return (low + high) / 2


def distance_mm(mask: BoolArray, spacing_mm: SpacingIjk) -> npt.NDArray[np.float32]:
    """Euclidean distance from the centre of each voxel to that of the nearest voxel of the mask; 0 inside it.

    Args:
        mask: bool (k, j, i), not empty.
        spacing_mm: distance of voxels along (i, j, k).

    Returns:
        float32 (k, j, i), in mm.
    """
    image = sitk.GetImageFromArray(mask.view(np.uint8))
    image.SetSpacing(spacing_mm)
    signed = sitk.SignedMaurerDistanceMap(image, insideIsPositive=False, squaredDistance=False, useImageSpacing=True)
    return np.asarray(np.maximum(sitk.GetArrayFromImage(signed), np.float32(0)))
