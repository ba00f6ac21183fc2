"""The longest diameter in an axial slice and the longest one at right angles to it, as RECIST measures lesions.

Sources: Eisenhauer et al. 2009 (RECIST 1.1, Eur J Cancer 45:228) for what is measured; the outline runs half-way
between the centres of neighbouring pixels inside and outside, as marching squares draws it and as pyradiomics measures
its "Maximum2DDiameterSlice". So one pixel is as wide as it is, not 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..edits import BoolArray, MaskCrop
from ..files.placing import placed_on
from ..files.segments import Segment, Segmentation
from ..prompts import Ras
from ..volume import FloatArray, Volume, grid_of

AXIAL_COSINE = float(np.cos(np.radians(1.0)))
"""Slices tilted by more than a degree are not axial: the mask is then looked at on an upright grid."""

Points = npt.NDArray[np.float64]
"""(points, 2): x and y, in mm."""


@dataclass(frozen=True)
class Diameter:
    """A straight line through a segment.

    Args:
        length_mm: of the line.
        ends_ras: its two ends, RAS in mm.
    """

    length_mm: float
    ends_ras: tuple[Ras, Ras]


@dataclass(frozen=True)
class AxialDiameters:
    """The two diameters of a segment in the axial slice where it is longest.

    Args:
        longest: the long axis.
        perpendicular: the short axis: the longest line at right angles to the long axis within the outline's convex
            hull.
    """

    longest: Diameter
    perpendicular: Diameter


def axial_diameters(crop: MaskCrop, volume: Volume) -> AxialDiameters | None:
    """Measure a mask as a reader does with calipers on axial slices.

    On a scan whose slices are not axial the mask is first put onto an upright grid with the scan's smallest spacing;
    each point takes the value of its nearest voxel.

    Args:
        crop: the mask, on the volume's grid.
        volume: the grid.

    Returns:
        None for a mask without a voxel. Of several slices that are equally long, the first.
    """
    crop = crop.tightened()
    if not crop.mask.any():
        return None
    axis = _axis_along_s(volume)
    if axis is None:
        volume, crop = upright(volume, crop)
        axis = 0
    spacing_kji = np.asarray(volume.spacing_mm[::-1])
    axes = [other for other in range(3) if other != axis]
    planes = np.moveaxis(crop.mask, axis, 0)
    spacing_yx = spacing_kji[axes]
    index, ends = _longest_of(planes, spacing_yx)
    across = _perpendicular(_hull_of(planes[index], spacing_yx), ends)

    def measured(points: Points) -> Diameter:
        first, second = (_ras(volume, crop, axis, index, axes, point / spacing_yx[::-1]) for point in points)
        return Diameter(float(np.linalg.norm(points[1] - points[0])), (first, second))

    return AxialDiameters(measured(ends), measured(across))


def _axis_along_s(volume: Volume) -> int | None:
    """The axis of the array, of (k, j, i), that runs along S; None: none does."""
    cosines = np.abs(volume.ijk_to_ras[2, :3]) / volume.spacing_mm
    best = int(cosines.argmax())
    return 2 - best if cosines[best] >= AXIAL_COSINE else None


def upright(volume: Volume, crop: MaskCrop) -> tuple[Volume, MaskCrop]:
    """A grid along R, A and S round a mask that has voxels, with the smallest spacing, and the mask on it."""
    held = Segmentation(volume.shape_kji, volume.ijk_to_ras, (Segment("mask", crop, (0, 0, 0)),))
    low, high = bounds_ras(crop, volume)
    step = min(volume.spacing_mm)
    count = np.ceil((high - low) / step).astype(int) + 1
    ijk_to_ras = np.diag((step, step, step, 1.0))
    ijk_to_ras[:3, 3] = (low + high) / 2 - step * (count - 1) / 2
    i, j, k = (int(n) for n in count)
    grid = grid_of((k, j, i), ijk_to_ras)
    return grid, placed_on(held, grid).segments[0].mask


def bounds_ras(crop: MaskCrop, volume: Volume) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest corner (RAS, mm) of the upright box round all voxels of a mask, which has some."""
    k, j = np.nonzero(crop.mask.any(axis=2))
    rows = crop.mask[k, j]
    # In a row of voxels a position is lowest and highest at its ends.
    first, last = rows.argmax(axis=1), rows.shape[1] - 1 - rows[:, ::-1].argmax(axis=1)
    kj = np.stack((np.concatenate((k, k)), np.concatenate((j, j)), np.concatenate((first, last))))
    ras = (kj + np.reshape(crop.start, (3, 1)))[::-1].T @ volume.ijk_to_ras[:3, :3].T + volume.ijk_to_ras[:3, 3]
    half_voxel = np.abs(volume.ijk_to_ras[:3, :3]).sum(axis=1) / 2
    return np.asarray(ras.min(axis=0) - half_voxel), np.asarray(ras.max(axis=0) + half_voxel)


def _longest_of(planes: BoolArray, spacing_yx: FloatArray) -> tuple[int, Points]:
    """The plane with the longest diameter, and its ends."""
    reaches = _reaches_mm(planes, spacing_yx)
    best, index, ends = -1.0, 0, np.zeros((2, 2))
    # The box round a plane bounds its diameter: most planes need no closer look.
    for n in np.argsort(-reaches, kind="stable"):
        if reaches[n] <= best:
            break
        points = _farthest(_hull_of(planes[n], spacing_yx))
        length = float(np.linalg.norm(points[1] - points[0]))
        if length > best + 1e-9 or (length > best - 1e-9 and n < index):
            best, index, ends = length, int(n), points
    return index, ends


def _reaches_mm(planes: BoolArray, spacing_yx: FloatArray) -> FloatArray:
    """The diagonal of the box round each plane; -1 for an empty one."""
    squared = np.zeros(len(planes))
    for axis, spacing in zip((1, 2), spacing_yx, strict=True):
        used = np.asarray(planes.any(axis=3 - axis))
        extent = used.shape[1] - used.argmax(axis=1) - used[:, ::-1].argmax(axis=1)
        squared += (extent * spacing) ** 2
    return np.asarray(np.where(planes.any(axis=(1, 2)), np.sqrt(squared), -1.0))


def _hull_of(plane: BoolArray, spacing_yx: FloatArray) -> Points:
    """The corners of the convex hull of the outline, in order round it; x and y in mm from the first pixel's centre."""
    found = []
    for axis in (0, 1):
        lines = plane if axis == 0 else plane.T
        (line,) = np.nonzero(lines.any(axis=1))
        used = lines[line]
        first = used.argmax(axis=1) - 0.5
        last = used.shape[1] - 0.5 - used[:, ::-1].argmax(axis=1)
        along, across = np.concatenate((first, last)), np.concatenate((line, line)).astype(np.float64)
        found.append(np.stack((along, across) if axis == 0 else (across, along), axis=1))
    points = np.unique(np.concatenate(found) * spacing_yx[::-1], axis=0)
    return np.concatenate((_chain(points), _chain(points[::-1])))


def _chain(points: Points) -> Points:
    """The lower half of the hull of points sorted along x (the upper half, of points sorted against x).

    A point that lies left of the way between two others is no corner, so all such points may be dropped at once.
    """
    while len(points) > 2:
        before, after = points[1:-1] - points[:-2], points[2:] - points[:-2]
        turn = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
        kept = np.concatenate(([True], turn > 1e-12, [True]))
        if kept.all():
            break
        points = points[kept]
    return points


def _farthest(points: Points) -> Points:
    """The two points that lie farthest apart."""
    squared = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    first, second = np.unravel_index(int(squared.argmax()), squared.shape)
    return points[[first, second]]


def _perpendicular(hull: Points, ends: Points) -> Points:
    """The ends of the longest line across the hull at right angles to another line."""
    way = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    normal = np.array((-way[1], way[0]))
    along, across = hull @ way, hull @ normal
    # The width of a convex shape is linear between its corners: it is largest beside one of them.
    places = np.unique(along)
    upper = _edge(along, across, places, np.maximum)
    lower = _edge(along, across, places, np.minimum)
    widest = int((upper - lower).argmax())
    return np.asarray(places[widest] * way + np.outer((lower[widest], upper[widest]), normal))


def _edge(along: FloatArray, across: FloatArray, places: FloatArray, choose: np.ufunc) -> FloatArray:
    """The upper (``maximum``) or lower (``minimum``) edge of a closed convex outline at some places along it."""
    edge = np.full(len(places), -np.inf if choose is np.maximum else np.inf)
    for start, end in zip(range(len(along)), [*range(1, len(along)), 0], strict=True):
        low, high = (start, end) if along[start] <= along[end] else (end, start)
        here = (places >= along[low]) & (places <= along[high])
        level = along[high] - along[low] <= 1e-12
        values = (
            choose(across[low], across[high])
            if level
            else np.interp(places[here], along[[low, high]], across[[low, high]])
        )
        edge[here] = choose(edge[here], values)
    return edge


def _ras(volume: Volume, crop: MaskCrop, axis: int, index: int, axes: list[int], xy: Points) -> Ras:
    kji = np.asarray(crop.start, dtype=np.float64)
    kji[axis] += index
    kji[axes] += xy[::-1]
    r, a, s = volume.ras_of((kji[2], kji[1], kji[0]))
    return float(r), float(a), float(s)
