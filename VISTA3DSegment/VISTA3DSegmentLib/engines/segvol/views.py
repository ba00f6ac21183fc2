"""What the network sees: the whole scan resized to its window, or a window of the scan; and where prompts lie in it.

The grid's axes are R, A, S; the network's are those of an axial CT as most files store it: k up, j to the back, i to
the left. A view is a region of the grid brought to the window, so one rule serves zooming out and zooming in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ...volume import FloatArray
from ..grid import Index3, Region

Tensor = torch.Tensor

SNAP = 1 / 8
"""A window around a small structure starts at a multiple of this share of its side: a later prompt finds it again."""
WELL_INSIDE = 3 / 16
"""A point is answered in the window of an earlier one if so much of the side is between it and each face."""


@dataclass(frozen=True)
class View:
    """A region of the grid as the network sees it.

    Args:
        region: axes R, A, S; it may reach beyond the image.
        window: voxels of the network's window, axes (k, j, i).
    """

    region: Region
    window: Index3

    def places(self, points: FloatArray) -> FloatArray:
        """Window indices (n, 3; k, j, i; fractional) of grid indices (n, 3; R, A, S; fractional)."""
        shares = (points - np.array(self.region.low) + 0.5) / np.array(self.region.shape)
        shares[:, :2] = 1.0 - shares[:, :2]
        return np.asarray(shares[:, ::-1] * np.array(self.window) - 0.5)

    def box(self, low: FloatArray, high: FloatArray) -> FloatArray | None:
        """A box of the grid as first and last voxel of the window (6; k, j, i; k, j, i), cut at its faces.

        Args:
            low: (3,), grid indices of the faces, so that voxel n lies between n - 0.5 and n + 0.5.
            high: likewise.

        Returns:
            None if the box lies outside.
        """
        corners = np.sort(self.places(np.stack([low, high])), axis=0)
        first, last = corners[0] + 0.5, corners[1] - 0.5
        size = np.array(self.window, dtype=np.float64)
        if (corners[1] <= -0.5).any() or (corners[0] >= size - 0.5).any():
            return None
        first = np.clip(first, 0.0, size - 1.0)
        return np.concatenate([first, np.maximum(first, np.clip(last, 0.0, size - 1.0))])

    def faces(self, low: npt.NDArray[np.intp], high: npt.NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
        """Grid indices (R, A, S) of the faces of a box of window voxels, both its ends included: inverse of ``box``."""
        ends = np.stack([low - 0.5, high + 0.5])
        shares = ((ends + 0.5) / np.array(self.window))[:, ::-1]
        shares[:, :2] = 1.0 - shares[:, :2]
        points = np.sort(shares * np.array(self.region.shape) + np.array(self.region.low) - 0.5, axis=0)
        return points[0], points[1]


def to_window_axes(array: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Axes (R, A, S) to (k, j, i)."""
    return array.transpose(2, 1, 0)[:, ::-1, ::-1]


def to_grid_axes(values: Tensor) -> Tensor:
    """Axes (k, j, i) to (R, A, S)."""
    return values.flip(1, 2).permute(2, 1, 0)


def zoom_in(asked: Region, within: Region, window: Index3, overlap: float) -> list[Region]:
    """The windows at full resolution that cover a region.

    They lie on a lattice of the image, not of the region: another prompt about the same place finds the same windows,
    encoded already.

    Args:
        asked: what must be covered.
        within: the image; a window leaves it only where the image is smaller than a window.
        window: axes R, A, S.
        overlap: share of a window that it has in common with the next.
    """
    starts = [_starts(asked, within, window[axis], overlap, axis) for axis in range(3)]
    return [
        Region((r, a, s), (r + window[0], a + window[1], s + window[2]))
        for s in starts[2]
        for a in starts[1]
        for r in starts[0]
    ]


def windows_around(points: FloatArray, within: Region, window: Index3) -> list[Region]:
    """A window for every point, around it, unless an earlier point's will do: another point takes none of them away.

    Args:
        points: (n, 3), grid indices, fractional, in the image.
        within: the image; a window leaves it only where the image is smaller than a window.
        window: axes R, A, S.
    """
    chosen: list[Region] = []
    for point in points:
        if not any(_is_well_inside(point, one, within) for one in chosen):
            low, high = np.floor(point).astype(int), np.ceil(point).astype(int) + 1
            place = Region((int(low[0]), int(low[1]), int(low[2])), (int(high[0]), int(high[1]), int(high[2])))
            chosen += zoom_in(place, within, window, 0.0)
    return chosen


def _is_well_inside(point: FloatArray, window: Region, within: Region) -> bool:
    """Whether a point is far enough from every face of a window; faces at the end of the image do not count."""
    margin = WELL_INSIDE * np.array(window.shape)
    after = np.array(window.low) + np.where(np.array(window.low) > within.low, margin, -0.5)
    before = np.array(window.high) - np.where(np.array(window.high) < within.high, margin, 0.0)
    return bool((point >= after).all() and (point <= before).all())


def _starts(asked: Region, within: Region, side: int, overlap: float, axis: int) -> Sequence[int]:
    first, last = within.low[axis], within.high[axis]
    low, high = max(first, asked.low[axis]), min(last, asked.high[axis])
    if last - first <= side:
        return [first - (side - (last - first)) // 2]  # image in the middle, as MONAI pads
    if high - low <= side:
        snap = max(1, int(side * SNAP))
        middle = (low + high - side) / 2
        snapped = first + round((middle - first) / snap) * snap
        return [int(np.clip(snapped, max(first, high - side), min(low, last - side)))]
    interval = max(1, int(side * (1 - overlap)))
    start = first + (low - first) // interval * interval
    starts = [start]
    while starts[-1] + side < high:
        starts.append(min(starts[-1] + interval, last - side))
    return [min(start, last - side) for start in starts]
