"""From the model's grid back to the scan's own voxels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from ..edits import Edit, MaskCrop
from .grid import Box3, Index3, ModelGrid, Region, Taps

Tensor = torch.Tensor
BoolArray = npt.NDArray[np.bool_]


def interpolate(values: Tensor, grid: ModelGrid, region: Region, box: Box3) -> Tensor:
    """Values at a region's grid points (R, A, S), linearly interpolated to a box of the volume's voxels (k, j, i)."""
    taps = grid.native_taps(region, box)
    for axis in sorted(range(3), key=lambda n: len(taps[n].below) / values.shape[n]):
        values = _interpolate_axis(values, taps[axis], axis)
    return values.permute(grid.native_order)


def _interpolate_axis(values: Tensor, taps: Taps, axis: int) -> Tensor:
    below = torch.from_numpy(taps.below).to(values.device)
    first = values.index_select(axis, below)
    if not taps.weight.any():
        return first
    second = values.index_select(axis, (below + 1).clamp(max=values.shape[axis] - 1))
    shape = [1, 1, 1]
    shape[axis] = -1
    return torch.lerp(first, second, torch.from_numpy(taps.weight).to(values.device).view(shape))


def as_edit(
    result: BoolArray,
    before: BoolArray | None,
    box: Box3,
    seconds: dict[str, float],
    reason: str,
    notices: tuple[str, ...],
) -> Edit:
    """The smallest edit that turns the structure into the result.

    Args:
        result: the structure in the box.
        before: what the client has there; None if it has nothing yet.
        box: slices (k, j, i) of the volume.
        seconds: time by stage.
        reason: said when the edit is empty.
        notices: passed on.
    """
    old = np.zeros_like(result) if before is None else before
    changed = MaskCrop.of(result != old)
    k, j, i = (start + part.start for start, part in zip(changed.start, box, strict=True))
    mask = result[changed.slices].copy()
    added, removed = int((mask & changed.mask).sum()), int((changed.mask & ~mask).sum())
    empty = reason if not (added or removed) else ""
    return Edit((k, j, i), mask, added, removed, seconds, empty, notices)


def shape_of_box(box: Box3) -> Index3:
    """Voxels along (k, j, i) of a box of the volume."""
    return box[0].stop - box[0].start, box[1].stop - box[1].start, box[2].stop - box[2].start


def inside_box(mask: MaskCrop, box: Box3) -> BoolArray:
    """A mask inside a box of the volume: bool, axes (k, j, i)."""
    return mask.inside((box[0].start, box[1].start, box[2].start), shape_of_box(box))


def box_at(start: Index3, shape: Index3) -> Box3:
    """A box of the volume, as slices (k, j, i), by its first voxel and its size."""
    k, j, i = (slice(first, first + count) for first, count in zip(start, shape, strict=True))
    return k, j, i
