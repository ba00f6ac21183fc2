"""Connected components of masks on the model's grid and on the volume's: 26 neighbours, as MONAI counts them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 (the library's own custom)

BoolArray = npt.NDArray[np.bool_]
Index3 = tuple[int, int, int]
Slices = tuple[slice, slice, slice]

REACH = 2
"""A click finds a component up to so many voxels away on each axis (MONAI's ``keep_merge_components_with_points``)."""


def components_with(mask: BoolArray, at: Sequence[Index3]) -> BoolArray:
    """The 26-connected components of a mask that hold, or are nearest to, some voxels."""
    if not any(is_near(mask, index) for index in at):
        return np.zeros(mask.shape, np.bool_)
    labels = _labelled(mask)
    return np.isin(labels, sorted({_nearest(labels, index) for index in at} - {0}))


def is_near(mask: BoolArray, at: Index3) -> bool:
    """Whether a click finds a component: at its voxel, or within ``REACH``."""
    box, _ = neighbourhood(at, REACH, mask.shape)
    return bool(mask[box].any())


def without_small_pieces(mask: BoolArray, smallest: float) -> BoolArray:
    """A mask without the components that have fewer voxels than a share of its largest; 0: all of it."""
    if not smallest or not mask.any():
        return mask
    labels = _labelled(mask)
    voxels = np.bincount(labels.ravel())
    voxels[0] = 0
    return np.asarray((voxels >= smallest * voxels.max())[labels])


def neighbourhood(at: Index3, half: int, shape: tuple[int, ...]) -> tuple[Slices, npt.NDArray[np.int64]]:
    """A box around a voxel, clipped to the shape, and the squared distances in it."""
    low = [max(0, index - half) for index in at]
    high = [min(n, index + half + 1) for index, n in zip(at, shape, strict=True)]
    r, a, s = ((np.arange(first, last) - index) ** 2 for first, last, index in zip(low, high, at, strict=True))
    box = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
    return box, r[:, None, None] + a[None, :, None] + s[None, None, :]


def _labelled(mask: BoolArray) -> npt.NDArray[np.uint32]:
    image = sitk.GetImageFromArray(mask.view(np.uint8) if mask.flags.c_contiguous else mask.astype(np.uint8))
    label = sitk.ConnectedComponentImageFilter()
    label.SetFullyConnected(True)
    label.SetNumberOfWorkUnits(1)  # a window is too small to be divided: that costs twice the time
    return sitk.GetArrayFromImage(label.Execute(image))


def _nearest(labels: npt.NDArray[np.uint32], at: Index3) -> int:
    """The component at a voxel, else the nearest within ``REACH``; 0 if there is none."""
    box, squares = neighbourhood(at, REACH, labels.shape)
    around = labels[box]
    if not around.any():
        return 0
    return int(around.flat[int(np.argmin(np.where(around > 0, squares, np.iinfo(np.int64).max)))])
