"""Slices through the patient: where their pixels lie, and what a volume or a mask is there.

A slice is a plane of the patient (RAS), not of the array, so that flipped, permuted, anisotropic and oblique grids are
all seen upright and undistorted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .prompts import SIDES, Ras
from .volume import Volume

Plane = npt.NDArray[np.float32]
"""Values on the pixels of a slice: (rows, columns)."""

OBLIQUE = 0.25
"""A direction leads to a second side, too, if so much of it does: it is turned by 15 degrees."""


def side_of(direction: npt.ArrayLike) -> str:
    """Where in the patient a direction (RAS) leads: "L", or "LA" if it is oblique; the nearest side first."""
    parts = np.asarray(direction) / np.linalg.norm(direction)
    nearest_first = sorted(range(3), key=lambda axis: -abs(parts[axis]))
    return "".join(SIDES[axis][int(parts[axis] < 0)] for axis in nearest_first if abs(parts[axis]) >= OBLIQUE)


@dataclass(frozen=True)
class View:
    """One of the three slices.

    Args:
        name: for the caption.
        right: RAS direction of the image's columns.
        down: RAS direction of the image's rows.
    """

    name: str
    right: Ras
    down: Ras

    @property
    def letters(self) -> tuple[str, str, str, str]:
        """What lies left, right, at the top and at the bottom of the image."""
        right, down = np.array(self.right), np.array(self.down)
        return side_of(-right), side_of(right), side_of(-down), side_of(down)

    @property
    def normal(self) -> int:
        """The RAS axis across the slice: 0, 1 or 2."""
        return next(axis for axis in range(3) if not self.right[axis] and not self.down[axis])


AXIAL = View("axial", (-1.0, 0.0, 0.0), (0.0, -1.0, 0.0))
CORONAL = View("coronal", (-1.0, 0.0, 0.0), (0.0, 0.0, -1.0))
SAGITTAL = View("sagittal", (0.0, -1.0, 0.0), (0.0, 0.0, -1.0))
VIEWS = (AXIAL, CORONAL, SAGITTAL)


@dataclass(frozen=True)
class Slice:
    """A raster of points in the patient.

    Args:
        view: how it lies.
        origin: RAS of the centre of the first pixel, in mm.
        pixel_mm: side of a pixel.
        width: pixels in a row.
        height: rows.
    """

    view: View
    origin: Ras
    pixel_mm: float
    width: int
    height: int

    def pixel_of(self, ras: Ras) -> tuple[float, float, float]:
        """Where a position is seen: x and y in pixels, and its distance from the plane in mm."""
        offset = np.subtract(ras, self.origin)
        x, y = offset @ self.view.right / self.pixel_mm, offset @ self.view.down / self.pixel_mm
        return float(x), float(y), float(abs(offset[self.view.normal]))


def corners(volume: Volume, start: Sequence[int], shape: Sequence[int]) -> npt.NDArray[np.float64]:
    """RAS of the eight outer corners of a box of voxels (k, j, i)."""
    ends = [(first - 0.5, first + count - 0.5) for first, count in zip(start, shape, strict=True)]
    return np.array([volume.ras_of((i, j, k)) for k in ends[0] for j in ends[1] for i in ends[2]])


def sample(
    array: npt.NDArray[Any],
    start_kji: tuple[int, int, int],
    volume: Volume,
    where: Slice,
    rows: slice,
    columns: slice,
    outside: float | None,
) -> Plane:
    """Interpolate linearly on a part of a slice.

    Args:
        array: (k, j, i): voxels of the volume's grid, or of a box of it.
        start_kji: of the box.
        volume: the grid.
        where: the slice.
        rows: of the slice.
        columns: of the slice.
        outside: the value beyond the array; None: its nearest voxel within half a voxel of the edge, then its minimum.

    Returns:
        float32 (rows, columns).
    """
    x = np.arange(columns.start, columns.stop)[None, :, None] * where.pixel_mm
    y = np.arange(rows.start, rows.stop)[:, None, None] * where.pixel_mm
    ras = np.asarray(where.origin) + x * np.asarray(where.view.right) + y * np.asarray(where.view.down)
    ijk = ras @ volume.ras_to_ijk[:3, :3].T + volume.ras_to_ijk[:3, 3]
    kji = ijk[..., ::-1] - start_kji
    size = np.array(array.shape)
    margin = 0.5 if outside is None else 1.0
    inside = ((kji >= -margin - 1e-6) & (kji <= size - 1 + margin + 1e-6)).all(axis=-1)
    value = array.min() if outside is None else outside
    out = np.full(inside.shape, value, dtype=np.float32)
    out[inside] = _interpolate(array, kji[inside], outside)
    return out


def _interpolate(array: npt.NDArray[Any], kji: npt.NDArray[np.float64], outside: float | None) -> Plane:
    first = np.floor(kji).astype(np.intp)
    share = (kji - first).astype(np.float32)
    total = np.zeros(len(kji), dtype=np.float32)
    # For each axis the two neighbours: their index, weight, and whether they exist.
    neighbours = [
        [
            (np.clip(index, 0, count - 1), weight, (index >= 0) & (index < count))
            for index, weight in ((first[:, axis], 1 - share[:, axis]), (first[:, axis] + 1, share[:, axis]))
        ]
        for axis, count in enumerate(array.shape)
    ]
    for k, weight_k, exists_k in neighbours[0]:
        for j, weight_j, exists_j in neighbours[1]:
            for i, weight_i, exists_i in neighbours[2]:
                value = array[k, j, i].astype(np.float32)
                if outside is not None:
                    value[~(exists_k & exists_j & exists_i)] = outside
                total += weight_k * weight_j * weight_i * value
    return total
