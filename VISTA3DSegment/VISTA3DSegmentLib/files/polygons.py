"""Which voxels of a slice lie inside contours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..edits import BoolArray
from ..volume import FloatArray

ON_LINE = 0.01
"""A voxel centre no further from a contour than this part of a voxel lies on it: the rounding of DICOM's decimals."""

EDGES_AT_ONCE = 4096
"""Each may cross every row: a small file must not ask for much memory."""

Indices: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


def inside_polygons(polygons: Sequence[FloatArray], shape_ji: tuple[int, int]) -> BoolArray:
    """The voxels whose centre lies inside an odd number of polygons, or on the line of one.

    So a contour inside another one is a hole, and the two banks of a keyhole's channel cancel out. A point on the line
    belongs to the structure (PS3.3, C.8.8.6.3).

    Args:
        polygons: each (n, 2): (i, j), in voxels, of the corners in order; the last one is joined to the first.
        shape_ji: number of voxels along (j, i).

    Returns:
        bool, axes (j, i).
    """
    starts = np.concatenate([np.empty((0, 2)), *polygons])
    ends = np.concatenate([np.empty((0, 2)), *(np.roll(polygon, -1, axis=0) for polygon in polygons)])
    rows, columns = shape_ji
    flips = np.zeros((rows, columns + 1), np.uint8)
    on_line = np.zeros(shape_ji, np.bool_)
    for first in range(0, len(starts), EDGES_AT_ONCE):
        part = slice(first, first + EDGES_AT_ONCE)
        np.add.at(flips, _crossed(starts[part], ends[part], shape_ji), 1)
        for axis in (0, 1):
            on_line[_on_line(starts[part], ends[part], axis, shape_ji)] = True
    odd = np.bitwise_xor.accumulate(flips & 1, axis=1)[:, :-1].view(np.bool_)
    return np.asarray(odd | on_line)


def _crossed(starts: FloatArray, ends: FloatArray, shape_ji: tuple[int, int]) -> Indices:
    """In each row that an edge crosses, the first voxel to its right: (j, i), i up to the row's length."""
    rows, columns = shape_ji
    low, high = np.minimum(starts[:, 1], ends[:, 1]), np.maximum(starts[:, 1], ends[:, 1])
    # Half open, so that two edges that meet on a row cross it once.
    edge, j = _steps(np.ceil(low), np.ceil(high) - 1, rows)
    return j, np.clip(np.ceil(_crossing(starts, ends, 1, edge, j)), 0, columns).astype(np.int64)


def _on_line(starts: FloatArray, ends: FloatArray, axis: int, shape_ji: tuple[int, int]) -> Indices:
    """The (j, i) of voxels whose centre is met by an edge that runs mostly along an axis (0: i, 1: j)."""
    runs = np.abs(ends - starts)
    chosen = runs[:, axis] >= runs[:, 1 - axis]
    starts, ends = starts[chosen], ends[chosen]
    low = np.minimum(starts[:, axis], ends[:, axis])
    high = np.maximum(starts[:, axis], ends[:, axis])
    edge, position = _steps(np.ceil(low - ON_LINE), np.floor(high + ON_LINE), shape_ji[1 - axis])
    across = _crossing(starts, ends, axis, edge, position)
    nearest = np.rint(across)
    met = (np.abs(across - nearest) <= ON_LINE) & (nearest >= 0) & (nearest < shape_ji[axis])
    along, aside = position[met], nearest[met].astype(np.int64)
    return (aside, along) if axis == 0 else (along, aside)


def _steps(first: FloatArray, last: FloatArray, length: int) -> Indices:
    """All whole numbers from ``first`` to ``last`` of each edge that are at least 0 and below ``length``.

    Returns:
        The edge of each, and the number.
    """
    begin = np.clip(first, 0, length).astype(np.int64)
    count = np.maximum(np.clip(last + 1, 0, length).astype(np.int64) - begin, 0)
    edge = np.repeat(np.arange(len(begin)), count)
    within = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    return edge, begin[edge] + within


def _crossing(
    starts: FloatArray, ends: FloatArray, axis: int, edge: npt.NDArray[np.int64], position: npt.NDArray[np.int64]
) -> FloatArray:
    """Where edges are, along the other axis, when they are at a position along this axis.

    An edge and the same edge backwards give the same number, to the last bit: the banks of a keyhole's channel.
    """
    backwards = starts[:, axis] > ends[:, axis]
    low = np.where(backwards[:, np.newaxis], ends, starts)[edge]
    high = np.where(backwards[:, np.newaxis], starts, ends)[edge]
    run = high[:, axis] - low[:, axis]
    share = np.divide(position - low[:, axis], run, out=np.zeros(len(run)), where=run > 0)
    return np.asarray(low[:, 1 - axis] + np.clip(share, 0.0, 1.0) * (high[:, 1 - axis] - low[:, 1 - axis]))
