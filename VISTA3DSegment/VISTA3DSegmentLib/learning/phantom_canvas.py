"""From shapes to voxels: a grid in the body, bent a little, on which brush strokes are painted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..edits import MaskCrop
from .phantom_body import Body, Chance, Stroke, Tissue
from .phantom_lesions import LesionPlan
from .phantom_shapes import Float32, Points, Shape, Vector

LabelArray = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]

_LATTICE_LOW: Vector = (-350.0, -250.0, -450.0)
_LATTICE_HIGH: Vector = (350.0, 300.0, 700.0)
_LATTICE_STEP_MM = 55.0

_COARSE = 4
"""Step, in voxels, at which the bending is remembered after the points are placed."""

_STEEPEST, _LOCAL_MARGIN_MM = 0.5, 3.0
"""Within a shape the bending differs from that at its middle by less than this share of its half size, and a little."""

_SKIN_MM = 2.2
_LEAST_LESION_MM3 = 60.0
"""What is smaller is left out; not a count of voxels, so that finer voxels show the same lesions."""


@dataclass(frozen=True)
class Grid:
    """Voxel centres of an axial scan, slices from the feet up, rows from front to back, columns from right to left.

    Args:
        first: RAS position in mm of voxel (0, 0, 0). spacing_mm: along (i, j, k). shape_kji: number of voxels.
    """

    first: Vector
    spacing_mm: tuple[float, float, float]
    shape_kji: tuple[int, int, int]

    @property
    def ijk_to_ras(self) -> npt.NDArray[np.float64]:
        """4x4: (i, j, k) to RAS mm; i runs to the left, j to the back, k up."""
        matrix = np.diag([-self.spacing_mm[0], -self.spacing_mm[1], self.spacing_mm[2], 1.0])
        matrix[:3, 3] = self.first
        return matrix

    def axes_mm(self) -> tuple[Float32, Float32, Float32]:
        """RAS coordinates along i (right), j (anterior) and k (superior)."""
        depth, height, width = self.shape_kji
        r = self.first[0] - self.spacing_mm[0] * np.arange(width)
        a = self.first[1] - self.spacing_mm[1] * np.arange(height)
        s = self.first[2] + self.spacing_mm[2] * np.arange(depth)
        return r.astype(np.float32), a.astype(np.float32), s.astype(np.float32)

    def refined(self, factor: int) -> Grid:
        """The same space, each voxel cut into ``factor`` cubed."""
        r, a, s = (
            start + sign * step * (1 / factor - 1) / 2
            for start, sign, step in zip(self.first, (-1, -1, 1), self.spacing_mm, strict=True)
        )
        spacing = (self.spacing_mm[0] / factor, self.spacing_mm[1] / factor, self.spacing_mm[2] / factor)
        shape = (self.shape_kji[0] * factor, self.shape_kji[1] * factor, self.shape_kji[2] * factor)
        return Grid((r, a, s), spacing, shape)


@dataclass(frozen=True, eq=False)
class Bending:
    """A smooth random displacement of the whole body: control values on a lattice, mm, axes (s, a, r, component)."""

    control: Float32

    @classmethod
    def random(cls, chance: Chance) -> Bending:
        """A bending of a few mm, different in every body."""
        counts = [
            int((high - low) / _LATTICE_STEP_MM) + 4 for low, high in zip(_LATTICE_LOW, _LATTICE_HIGH, strict=True)
        ]
        noise = chance.rng.normal(size=(counts[2], counts[1], counts[0], 3))
        return cls((np.clip(noise, -2, 2) * chance.between(4, 10)).astype(np.float32))

    @property
    def largest_mm(self) -> float:
        """No point moves further than this along an axis."""
        return float(np.abs(self.control).max())

    def at(self, r: Float32, a: Float32, s: Float32) -> Float32:
        """Displacement (component, s, a, r) on the grid that three axes span."""
        along_s, along_a, along_r = (
            _spline_weights(x, low, n)
            for x, low, n in zip((s, a, r), _LATTICE_LOW[::-1], self.control.shape[:3], strict=True)
        )
        out = np.empty((3, len(s), len(a), len(r)), np.float32)
        for component in range(3):
            planes = np.tensordot(along_s, self.control[..., component], axes=(1, 0))
            np.matmul(along_a @ planes, along_r.T, out=out[component])
        return out


def _spline_weights(x: Float32, low: float, count: int) -> Float32:
    """Weights of the cubic B-splines of a lattice at positions along one axis: (position, lattice)."""
    distance = np.abs((x[:, None] - low) / _LATTICE_STEP_MM + 1 - np.arange(count)[None])
    near = 2 / 3 - distance**2 * (1 - distance / 2)
    far = np.maximum(2 - distance, 0) ** 3 / 6
    return np.asarray(np.where(distance < 1, near, far), np.float32)


class Canvas:
    """Tissues and classes of a grid, painted stroke by stroke. Axes (k, j, i)."""

    def __init__(self, grid: Grid, body: Body, bending: Bending) -> None:
        self.grid = grid
        r, a, s = (x / np.float32(size) for x, size in zip(grid.axes_mm(), body.scale, strict=True))
        # Ascending, for searchsorted: rows and columns run to the back and to the left.
        self._rising = (s, -a, -r)
        moved = bending.at(r, a, s)
        self._coarse_bending_mm = moved[:, ::_COARSE, ::_COARSE, ::_COARSE].copy()
        self._largest_mm = bending.largest_mm
        moved[0] += r[None, None, :]
        moved[1] += a[None, :, None]
        moved[2] += s[:, None, None]
        half = body.locate(*(np.ascontiguousarray(x[::2, ::2, ::2]) for x in moved))
        wall, below = doubled(half.wall, grid.shape_kji), doubled(half.below, grid.shape_kji)
        self.points = Points(moved[0], moved[1], moved[2], wall, below)
        muscle = half.wall + body.thickness(half, "wall")
        skin = muscle + body.thickness(half, "fat")
        self.tissue = self._layers(doubled(muscle, grid.shape_kji), doubled(skin, grid.shape_kji))
        self.labels: LabelArray = np.zeros(grid.shape_kji, np.uint8)

    def _layers(self, muscle: Float32, fat: Float32) -> LabelArray:
        tissue = np.zeros(muscle.shape, np.uint8)
        tissue[fat > -_SKIN_MM] = Tissue.SKIN
        tissue[fat > 0] = Tissue.FAT
        tissue[muscle > 0] = Tissue.MUSCLE
        tissue[self.points.wall > 0] = Tissue.VISCERAL_FAT
        return tissue

    def box(self, shape: Shape) -> tuple[slice, slice, slice]:
        """The voxels that a shape can reach, as slices (k, j, i).

        A small shape is sought where the bending at its middle puts it; a large one gets a margin for any bending.
        """
        low = (shape.low[2], -shape.high[1], -shape.high[0])
        high = (shape.high[2], -shape.low[1], -shape.low[0])
        moved = self._moved((low[0] + high[0]) / 2, (low[1] + high[1]) / 2, (low[2] + high[2]) / 2)
        reach = 0.5 * max(most - least for least, most in zip(low, high, strict=True)) * _STEEPEST + _LOCAL_MARGIN_MM
        slices = []
        for axis, least, most, offset in zip(self._rising, low, high, moved, strict=True):
            if reach < self._largest_mm:
                least, most = least - offset - reach, most - offset + reach
            else:
                least, most = least - self._largest_mm, most + self._largest_mm
            first, last = np.searchsorted(axis, (least, most))
            slices.append(slice(int(first), int(last)))
        return slices[0], slices[1], slices[2]

    def _moved(self, s: float, minus_a: float, minus_r: float) -> tuple[float, float, float]:
        """Bending, mm, near a place, in the sense of the rising axes."""
        k, j, i = (
            min(int(np.searchsorted(axis, x)), len(axis) - 1)
            for axis, x in zip(self._rising, (s, minus_a, minus_r), strict=True)
        )
        r, a, up = self._coarse_bending_mm[:, k // _COARSE, j // _COARSE, i // _COARSE]
        return float(up), -float(a), -float(r)

    def paint(self, strokes: Iterable[Stroke]) -> None:
        """Paint strokes one over the other."""
        for stroke in strokes:
            shapes = (stroke.shapes,) if isinstance(stroke.shapes, Shape) else stroke.shapes
            cores = []
            for shape in shapes:
                box = self.box(shape)
                if any(part.start >= part.stop for part in box):
                    continue
                depth = shape.depth(self.points.within(box))
                hit = self._allowed(depth > 0, stroke, box)
                if stroke.core is not None:
                    cores.append((box, hit & (depth > stroke.core_mm)))
                if stroke.tissue is not None:
                    self.tissue[box][hit] = stroke.tissue
                if stroke.class_id is not None:
                    self.labels[box][hit] = stroke.class_id
            if stroke.core is not None:
                for box, hit in cores:
                    self.tissue[box][hit] = stroke.core

    def _allowed(self, hit: BoolArray, stroke: Stroke, box: tuple[slice, slice, slice]) -> BoolArray:
        if stroke.over:
            hit &= _members(stroke.over)[self.tissue[box]]
        if stroke.over_classes:
            hit &= _members(stroke.over_classes)[self.labels[box]]
        return hit

    def add_lesion(self, plan: LesionPlan) -> tuple[MaskCrop, int] | None:
        """Paint a lesion; its mask and the class it lies in, or None if it misses its organ."""
        box = self.box(plan.shape)
        if any(part.start >= part.stop for part in box):
            return None
        depth = plan.shape.depth(self.points.within(box))
        organs = self.labels[box]
        inside = (depth > 0) & np.isin(organs, plan.organs)
        if not inside.any() or int(inside.sum()) * float(np.prod(self.grid.spacing_mm)) < _LEAST_LESION_MM3:
            return None
        organ = int(np.bincount(organs[inside]).argmax())
        mask = inside
        if plan.exophytic:
            mask = (depth > 0) & (inside | (self.tissue[box] == Tissue.VISCERAL_FAT))
        for layer, tissue in enumerate(plan.tissues):
            self.tissue[box][mask & (depth > 3.0 * layer)] = tissue
        whole = np.zeros(self.labels.shape, np.bool_)
        whole[box] = mask
        return MaskCrop.of(whole), organ

    def lay_on_table(self, rng: np.random.Generator) -> None:
        """Put the table under the patient: two thin shells with foam between, hollow as tables are."""
        body = np.flatnonzero((self.tissue != Tissue.AIR).any(axis=(0, 2)))
        r, a, _ = self.grid.axes_mm()
        if not body.size:
            return
        hollow = float(rng.uniform(0, 45))
        top = a[body[-1]] - 1.0 - hollow + hollow * (r / 220.0) ** 2
        below = top[None, :] - a[:, None]
        inside = (below > 0) & (below < 30) & (np.abs(r)[None, :] < 225)
        shell = inside & ((below < 2.5) | (below > 27) | (np.abs(r)[None, :] > 222))
        for plane in self.tissue:
            air = plane == Tissue.AIR
            plane[air & inside] = Tissue.FOAM
            plane[air & shell] = Tissue.TABLE


def _members(values: Iterable[int]) -> npt.NDArray[np.bool_]:
    table = np.zeros(256, np.bool_)
    table[list(values)] = True
    return table


def doubled(values: Float32, shape: tuple[int, int, int]) -> Float32:
    """A smooth field, known at every second voxel, at all voxels."""
    out = values
    for axis, count in enumerate(shape):
        fine = np.empty([count if n == axis else size for n, size in enumerate(out.shape)], np.float32)
        known, between, first, second = [[slice(None)] * 3 for _ in range(4)]
        known[axis], between[axis] = slice(0, None, 2), slice(1, 2 * out.shape[axis] - 1, 2)
        first[axis], second[axis] = slice(0, -1), slice(1, None)
        fine[tuple(known)] = out
        np.add(out[tuple(first)], out[tuple(second)], out=fine[tuple(between)])
        fine[tuple(between)] *= np.float32(0.5)
        if count % 2 == 0:
            last, border = [slice(None)] * 3, [slice(None)] * 3
            last[axis], border[axis] = slice(count - 1, None), slice(-1, None)
            fine[tuple(last)] = out[tuple(border)]
        out = fine
    return out
