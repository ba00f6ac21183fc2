"""The model's own grid over a volume: fixed spacing, axes ordered R, A, S; and the way back to the volume's voxels.

The grid is the one that MONAI's ``Spacing`` (``diagonal=False``) followed by ``Orientation("RAS")`` gives: it keeps the
scan's rotation and its first voxel's centre, and has ``round((n - 1) * spacing / step + 1)`` points along an axis of n
voxels. Both ways are separable linear interpolations, so a window is read straight from the scan's voxels: no resampled
copy of the volume is kept. Positions beyond the grid take the value of its nearest point (replicate padding), alike for
every user of a window.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..prompts import Box, Ras
from ..volume import FloatArray, Volume

Float32 = npt.NDArray[np.float32]
Index3 = tuple[int, int, int]
Box3 = tuple[slice, slice, slice]

FOREGROUND_MARGIN = 10
"""Grid voxels around everything brighter than 0 HU that the bundle keeps (``CropForegroundd``, ``inference.json``)."""


@dataclass(frozen=True)
class Axis:
    """One axis of the grid, and the axis of the volume that it runs along.

    Args:
        source: axis of the volume's array: 0 = k, 1 = j, 2 = i.
        flipped: the grid runs against the volume's index.
        source_count: voxels of the volume along it.
        count: points of the grid along it.
        step: distance of grid points, in voxels of the volume.
    """

    source: int
    flipped: bool
    source_count: int
    count: int
    step: float

    def to_source(self, index: FloatArray) -> FloatArray:
        """Volume index (float) of grid indices (float), not clipped."""
        return np.asarray((self.count - 1 - index if self.flipped else index) * self.step)

    def to_grid(self, index: FloatArray) -> FloatArray:
        """Grid index (float) of volume indices (float), not clipped."""
        along = index / self.step
        return np.asarray(self.count - 1 - along if self.flipped else along)


@dataclass(frozen=True)
class Region:
    """A box of grid points: from ``low`` (inclusive) to ``high`` (exclusive), axes R, A, S."""

    low: Index3
    high: Index3

    @property
    def shape(self) -> Index3:
        """Grid points along R, A, S."""
        return self.high[0] - self.low[0], self.high[1] - self.low[1], self.high[2] - self.low[2]

    def including(self, points: FloatArray, margin: int, limit: Index3) -> Region:
        """The region grown to hold grid points (n, 3) with a margin, within ``limit`` points."""
        low, high = list(self.low), list(self.high)
        for axis in range(3):
            for value in points[:, axis]:
                low[axis] = max(0, min(low[axis], int(np.floor(value)) - margin))
                high[axis] = min(limit[axis], max(high[axis], int(np.ceil(value)) + margin + 1))
        return Region((low[0], low[1], low[2]), (high[0], high[1], high[2]))

    def clipped_to(self, other: Region) -> Region:
        """The part of it inside another region; never empty: at least one point remains along each axis."""
        low = [min(max(a, b), h - 1) for a, b, h in zip(self.low, other.low, other.high, strict=True)]
        high = [max(min(a, b), start + 1) for a, b, start in zip(self.high, other.high, low, strict=True)]
        return Region((low[0], low[1], low[2]), (high[0], high[1], high[2]))


@dataclass(frozen=True, eq=False)
class Taps:
    """Linear interpolation along one axis.

    Output n is ``(1 - weight[n]) * input[below[n]] + weight[n] * input[below[n] + 1]``.
    """

    below: npt.NDArray[np.intp]
    weight: Float32


@dataclass(frozen=True, eq=False)
class ModelGrid:
    """The model's grid over a volume.

    Args:
        volume: the volume.
        spacing_mm: distance of the grid's points along R, A, S.
    """

    volume: Volume
    spacing_mm: tuple[float, float, float]

    @cached_property
    def axes(self) -> tuple[Axis, Axis, Axis]:
        """The grid's axes R, A, S."""
        axes: list[Axis | None] = [None, None, None]
        for ijk_axis, (ras_axis, positive) in enumerate(_closest_axes(self.volume.ijk_to_ras)):
            source = 2 - ijk_axis
            count = self.volume.array.shape[source]
            step = self.spacing_mm[ras_axis] / self.volume.spacing_mm[ijk_axis]
            # As MONAI's compute_shape_offset.
            points = max(1, int(np.round((count - 1) / step + 1.0)))
            axes[ras_axis] = Axis(source, not positive, count, points, step)
        right, anterior, superior = axes
        assert right
        assert anterior
        assert superior
        return right, anterior, superior

    @property
    def shape(self) -> Index3:
        """Grid points along R, A, S."""
        right, anterior, superior = self.axes
        return right.count, anterior.count, superior.count

    @property
    def whole(self) -> Region:
        """All of the grid."""
        return Region((0, 0, 0), self.shape)

    def points_of(self, positions: list[Ras]) -> FloatArray:
        """Grid indices (n, 3; float; R, A, S axes) of RAS positions in mm."""
        ijk = np.array([self.volume.ijk_of(ras) for ras in positions], dtype=np.float64).reshape(-1, 3)
        return np.stack([axis.to_grid(ijk[:, 2 - axis.source]) for axis in self.axes], axis=1)

    def ends_of(self, box: Box) -> tuple[FloatArray, FloatArray]:
        """The least and the greatest grid indices (3,; float; R, A, S axes) in a box (RAS, mm)."""
        corners = [
            (r, a, s)
            for r in (box.ras_min[0], box.ras_max[0])
            for a in (box.ras_min[1], box.ras_max[1])
            for s in (box.ras_min[2], box.ras_max[2])
        ]
        points = self.points_of(corners)
        return points.min(axis=0), points.max(axis=0)

    def region_of(self, box: Box) -> Region:
        """The grid points inside a box (RAS, mm), at least one."""
        first, last = self.ends_of(box)
        low = [int(np.floor(value + 1e-6)) for value in first]
        high = [int(np.ceil(value - 1e-6)) + 1 for value in last]
        return Region((low[0], low[1], low[2]), (high[0], high[1], high[2])).clipped_to(self.whole)

    @cached_property
    def foreground(self) -> Region:
        """The bundle's crop: the box of everything above 0, with a margin; the whole grid if nothing is."""
        return self.brighter_than(0.0, FOREGROUND_MARGIN)

    def brighter_than(self, value: float, margin: int = 0) -> Region:
        """The box of all points with a greater value, grown by a margin of points; the whole grid if there is none."""
        found = [np.zeros(count, dtype=np.bool_) for count in self.shape]
        thickness = 16
        for start in range(0, self.shape[2], thickness):
            size = (self.shape[0], self.shape[1], min(thickness, self.shape[2] - start))
            bright = self.read(Region((0, 0, start), (size[0], size[1], start + size[2]))) > value
            found[0] |= bright.any(axis=(1, 2))
            found[1] |= bright.any(axis=(0, 2))
            found[2][start : start + size[2]] = bright.any(axis=(0, 1))
        if not found[0].any():
            return self.whole
        used = [np.flatnonzero(axis) for axis in found]
        low = [max(0, int(axis[0]) - margin) for axis in used]
        high = [min(count, int(axis[-1]) + 1 + margin) for axis, count in zip(used, self.shape, strict=True)]
        return Region((low[0], low[1], low[2]), (high[0], high[1], high[2]))

    def read(
        self, region: Region, within: Region | None = None, mask: Callable[[Box3], npt.NDArray[Any]] | None = None
    ) -> Float32:
        """The volume's values at a region's grid points.

        Args:
            region: may reach beyond the grid.
            within: points outside it take the value of its nearest point (replicate padding); None: the whole grid.
            mask: read this instead of the volume: gives the voxels (k, j, i) of a box of the volume.

        Returns:
            float32, axes (R, A, S), of the region's shape.
        """
        within = within or self.whole
        taps = []
        for axis, low, high, first, last in zip(
            self.axes, region.low, region.high, within.low, within.high, strict=True
        ):
            points = np.clip(np.arange(low, high), first, last - 1).astype(np.float64)
            taps.append(_taps(np.clip(axis.to_source(points), 0.0, axis.source_count - 1.0), axis.source_count))
        crop: list[slice] = [slice(None)] * 3
        for axis, tap in zip(self.axes, taps, strict=True):
            crop[axis.source] = slice(int(tap.below.min()), min(axis.source_count, int(tap.below.max()) + 2))
        box = (crop[0], crop[1], crop[2])
        values: npt.NDArray[Any] = self.volume.array[box] if mask is None else mask(box)
        # The axis that shrinks most first: the least work.
        for n in sorted(range(3), key=lambda n: len(taps[n].below) / values.shape[self.axes[n].source]):
            source = self.axes[n].source
            values = _interpolate(values, Taps(taps[n].below - box[source].start, taps[n].weight), source)
        return np.ascontiguousarray(np.transpose(values, [axis.source for axis in self.axes]), dtype=np.float32)

    def native_box(self, region: Region) -> Box3:
        """The volume's voxels (slices k, j, i) that lie between a region's first and last points; it may be empty.

        A voxel beyond the grid's own ends belongs to a region that touches that end.
        """
        slices: list[slice] = [slice(0)] * 3
        for n, axis in enumerate(self.axes):
            ends = sorted(axis.to_source(np.array([region.low[n], region.high[n] - 1], dtype=np.float64)))
            first = int(np.ceil(ends[0] - 1e-6))
            last = int(np.floor(ends[1] + 1e-6))
            touches = (region.low[n] == 0, region.high[n] == axis.count)
            at_start, at_end = (touches[1], touches[0]) if axis.flipped else touches
            first = 0 if at_start else max(0, first)
            last = axis.source_count - 1 if at_end else min(axis.source_count - 1, last)
            slices[axis.source] = slice(first, max(first, last + 1))
        return slices[0], slices[1], slices[2]

    def native_taps(self, region: Region, box: Box3) -> list[Taps]:
        """How values at a region's grid points become values at the voxels of a box of the volume: see ``interpolate``.

        Args:
            region: where the values lie in the grid.
            box: slices (k, j, i) of the volume; voxels beyond the region take its nearest point's value.

        Returns:
            One for each axis R, A, S of the region; the result's axes are then put in the order k, j, i by
            ``native_order``.
        """
        taps = []
        for n, axis in enumerate(self.axes):
            voxels = np.arange(box[axis.source].start, box[axis.source].stop, dtype=np.float64)
            points = np.clip(axis.to_grid(voxels) - region.low[n], 0.0, region.shape[n] - 1.0)
            taps.append(_taps(points, region.shape[n]))
        return taps

    @property
    def native_order(self) -> tuple[int, int, int]:
        """The grid's axis that runs along the volume's axis k, j, i."""
        k, j, i = (int(n) for n in np.argsort([axis.source for axis in self.axes]))
        return k, j, i


def native_spacing(volume: Volume) -> tuple[float, float, float]:
    """The distance of a volume's voxels along the grid's axes R, A, S, in mm: a grid of it has the volume's voxels."""
    spacing = [0.0, 0.0, 0.0]
    for ijk_axis, (ras_axis, _) in enumerate(_closest_axes(volume.ijk_to_ras)):
        spacing[ras_axis] = volume.spacing_mm[ijk_axis]
    return spacing[0], spacing[1], spacing[2]


def _closest_axes(ijk_to_ras: FloatArray) -> list[tuple[int, bool]]:
    """For each axis i, j, k: the patient axis (0 = R, 1 = A, 2 = S) it follows most, and whether it runs with it.

    The assignment is greedy, the clearest axis first, as nibabel's ``io_orientation``, which MONAI's ``Orientation``
    uses.
    """
    axes = ijk_to_ras[:3, :3]
    left = axes / np.linalg.norm(axes, axis=0)
    found: dict[int, tuple[int, bool]] = {}
    for ijk_axis in np.argsort(-np.max(left**2, axis=0), kind="stable"):
        column = left[:, ijk_axis]
        ras_axis = int(np.argmax(np.abs(column)))
        found[int(ijk_axis)] = (ras_axis, bool(column[ras_axis] > 0))
        left[ras_axis, :] = 0.0
    return [found[n] for n in range(3)]


def _taps(positions: FloatArray, count: int) -> Taps:
    below = np.minimum(np.floor(positions).astype(np.intp), max(0, count - 2))
    return Taps(below, (positions - below).astype(np.float32))


def _interpolate(values: npt.NDArray[Any], taps: Taps, axis: int) -> npt.NDArray[Any]:
    first = values.take(taps.below, axis=axis).astype(np.float32, copy=False)
    if not taps.weight.any():
        return first
    above = np.minimum(taps.below + 1, values.shape[axis] - 1)
    shape = [1, 1, 1]
    shape[axis] = len(taps.weight)
    second = values.take(above, axis=axis).astype(np.float32, copy=False)
    second -= first
    second *= taps.weight.reshape(shape)
    second += first
    return second
