"""Putting masks of one grid onto another where they lie in space, not where they lie by index.

Where both grids have the same voxels up to the order and direction of their axes (as LAS and LPS, or a crop), masks
move exactly. On any other grid each voxel takes the value at its nearest voxel of the mask's grid, so thin structures
may fray.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..edits import NOTHING, BoolArray, MaskCrop
from ..errors import VolumeError
from ..volume import FloatArray, Volume
from .segments import Segmentation

SAME_VOXEL = 0.05
"""Two grids have the same voxels if none is further off than this part of a voxel: the rounding of headers."""

CUT = "Parts outside the scan were left out"
"""With this begins the notice of segments that were cut."""

LOST = "Too small for the voxels of the scan, and lost"
"""With this begins the notice of segments that lie in the scan, but between the centres of its voxels."""

Shape = tuple[int, int, int]


def placed_on(segmentation: Segmentation, volume: Volume) -> Segmentation:
    """The segmentation on the grid of a volume, each mask where it lies in space.

    Returns:
        The segments with their masks on the volume's grid; notices say if they were resampled, cut or lost.

    Raises:
        VolumeError: the two grids share no space.
    """
    if not shares_space(segmentation, volume):
        raise VolumeError(
            "The segmentation and the scan lie in different places: they share no space.",
            "Check that they belong together, and that neither was moved.",
        )
    # From a voxel (k, j, i) of the segmentation to one of the volume.
    step = _in_kji(volume.ras_to_ijk @ segmentation.ijk_to_ras)
    exact = has_same_voxels(segmentation, volume)
    masks = [
        _moved(segment.mask, np.rint(step).astype(np.int64), volume.shape_kji)
        if exact
        else _resampled(segment.mask, step, volume.shape_kji)
        for segment in segmentation.segments
    ]
    notices = list(segmentation.notices)
    if not exact:
        notices.append("The segmentation has another grid than the scan; each voxel took the value nearest to it.")
    told: dict[str, list[str]] = {CUT: [], LOST: []}
    for segment, mask in zip(segmentation.segments, masks, strict=True):
        if _reaches_outside(segment.mask, step, volume.shape_kji):
            told[CUT].append(segment.name)
        elif segment.mask.mask.any() and not mask.mask.any():
            told[LOST].append(segment.name)
    notices += [f"{what}: {', '.join(names)}." for what, names in told.items() if names]
    segments = tuple(replace(segment, mask=mask) for segment, mask in zip(segmentation.segments, masks, strict=True))
    return Segmentation(volume.shape_kji, volume.ijk_to_ras, segments, tuple(notices))


def shares_space(segmentation: Segmentation, volume: Volume) -> bool:
    """Whether the grid of a segmentation and that of a volume overlap anywhere."""
    step = _in_kji(volume.ras_to_ijk @ segmentation.ijk_to_ras)
    low, high = _box_on_target(step, (0, 0, 0), segmentation.shape_kji)
    return bool((high > -0.5).all() and (low < np.asarray(volume.shape_kji) - 0.5).all())


def has_same_voxels(segmentation: Segmentation, volume: Volume) -> bool:
    """Whether both grids have the same voxels up to the order and direction of their axes and a crop."""
    return _same_voxels(_in_kji(volume.ras_to_ijk @ segmentation.ijk_to_ras), segmentation.shape_kji)


def moved_mm(segmentation: Segmentation, volume: Volume) -> float:
    """How far beside a volume a segmentation of its voxels and size lies, mm; 0: in its place, or of another size.

    A crop has another size. What was moved by whole voxels has the same: its masks would lie on other voxels than those
    that they were made on.
    """
    step = np.rint(_in_kji(volume.ras_to_ijk @ segmentation.ijk_to_ras))
    low, high = _box_on_target(step, (0, 0, 0), segmentation.shape_kji)
    if not has_same_voxels(segmentation, volume) or (high - low != volume.shape_kji).any():
        return 0.0
    return float(np.linalg.norm(volume.ijk_to_ras[:3, :3] @ (low + 0.5)[::-1]))


def _in_kji(matrix: FloatArray) -> FloatArray:
    order = [2, 1, 0, 3]
    return matrix[np.ix_(order, order)]


def _corners(start: npt.ArrayLike, end: npt.ArrayLike) -> FloatArray:
    ends = zip(np.asarray(start, float), np.asarray(end, float), strict=True)
    return np.asarray([(*corner, 1.0) for corner in itertools.product(*ends)])


def _box_on_target(step: FloatArray, start: npt.ArrayLike, shape: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Bounds, in target indices, of a box of whole voxels."""
    low = np.asarray(start, float) - 0.5
    corners = (_corners(low, low + np.asarray(shape)) @ step.T)[:, :3]
    return corners.min(axis=0), corners.max(axis=0)


def _same_voxels(step: FloatArray, source: Shape) -> bool:
    whole = np.rint(step)
    turn = np.abs(whole[:3, :3])
    if not ((turn.sum(axis=0) == 1).all() and (turn.sum(axis=1) == 1).all()):
        return False
    corners = _corners((0, 0, 0), np.asarray(source) - 1)
    return bool(np.abs(corners @ (step - whole).T).max() <= SAME_VOXEL)


def _moved(crop: MaskCrop, step: npt.NDArray[np.int64], target: Shape) -> MaskCrop:
    """The crop after a step of signed axis permutation and shift, cut to the target."""
    if crop.mask.size == 0:
        return crop
    order = [int(axis) for axis in np.abs(step[:3, :3]).argmax(axis=1)]
    backwards = tuple(axis for axis in range(3) if step[axis, order[axis]] < 0)
    mask = np.flip(np.transpose(crop.mask, order), backwards)
    first = step[:3, :3] @ np.asarray(crop.start) + step[:3, 3]
    last = step[:3, :3] @ (np.asarray(crop.start) + crop.mask.shape - 1) + step[:3, 3]
    start = np.minimum(first, last)
    low = np.maximum(start, 0)
    high = np.minimum(start + mask.shape, target)
    if (low >= high).any():
        return NOTHING
    kept = mask[tuple(slice(int(a), int(b)) for a, b in zip(low - start, high - start, strict=True))]
    return MaskCrop((int(low[0]), int(low[1]), int(low[2])), np.ascontiguousarray(kept))


def _resampled(crop: MaskCrop, step: FloatArray, target: Shape) -> MaskCrop:
    """The crop at the voxels of the target: the nearest voxel decides."""
    if crop.mask.size == 0:
        return crop
    low, high = _box_on_target(step, crop.start, crop.mask.shape)
    start = np.maximum(np.floor(low), 0).astype(np.int64)
    end = np.minimum(np.ceil(high) + 1, target).astype(np.int64)
    if (start >= end).any():
        return NOTHING
    axes: list[FloatArray] = [np.arange(a, b, dtype=np.float64) for a, b in zip(start, end, strict=True)]
    k, j, i = axes
    mask = np.empty((k.size, j.size, i.size), np.bool_)
    back: FloatArray = np.linalg.inv(step).astype(np.float64)
    # By slabs: three coordinates for every voxel of a large organ would not fit in memory.
    for n, plane in enumerate(k):
        mask[n] = _nearest(crop, back, plane, j[:, np.newaxis], i[np.newaxis, :])
    tight = MaskCrop.of(mask)
    return MaskCrop(_sum(tight.start, start) if tight.mask.size else (0, 0, 0), tight.mask)


def _nearest(crop: MaskCrop, back: FloatArray, k: float, j: FloatArray, i: FloatArray) -> BoolArray:
    inside = np.ones(np.broadcast_shapes(j.shape, i.shape), np.bool_)
    indices = []
    for axis in range(3):
        position = back[axis, 0] * k + back[axis, 1] * j + back[axis, 2] * i + back[axis, 3] - crop.start[axis]
        index = np.floor(position + 0.5).astype(np.int64)
        inside &= (index >= 0) & (index < crop.mask.shape[axis])
        indices.append(np.clip(index, 0, crop.mask.shape[axis] - 1))
    return np.asarray(inside & crop.mask[tuple(indices)])


def _sum(start: Shape, shift: npt.NDArray[np.int64]) -> Shape:
    return start[0] + int(shift[0]), start[1] + int(shift[1]), start[2] + int(shift[2])


def _reaches_outside(crop: MaskCrop, step: FloatArray, target: Shape) -> bool:
    """Whether the centre of a voxel lies outside the target, by more than the rounding of headers."""
    if crop.mask.size == 0:
        return False
    low, high = -0.5 - SAME_VOXEL, np.asarray(target) - 0.5 + SAME_VOXEL
    start = np.asarray(crop.start)
    corners = (_corners(start, start + crop.mask.shape - 1) @ step.T)[:, :3]
    if (corners >= low).all() and (corners <= high).all():
        return False
    # By slabs, as above.
    for n, plane in enumerate(crop.mask):
        j, i = np.nonzero(plane)
        own = np.stack([np.full(j.size, start[0] + n), j + start[1], i + start[2], np.ones(j.size)], axis=1)
        at = (own @ step.T)[:, :3]
        if (at < low).any() or (at > high).any():
            return True
    return False
