"""The contours of one structure of an RT structure set, and the voxels of a scan that they hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from ..edits import NOTHING, MaskCrop
from ..volume import FloatArray, Volume
from .dicom_stack import LPS_TO_RAS
from .polygons import inside_polygons

CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
"""Geometric types that hold voxels (PS3.3, C.8.8.6.1)."""

CONTOUR_DATA = 0x30060050

FLAT = 0.5
"""A contour is parallel to the slices if no point lies further from its plane than this part of a slice distance."""

SAME_PLANE = 0.1
"""Contours closer than this part of a slice distance lie in one plane."""

EVEN = 0.1
"""Distances of planes may differ by this part from a multiple of the smallest one."""

FEWEST_EVEN_GAPS = 3
"""So many even distances of planes are no accident."""


@dataclass(frozen=True, eq=False)
class Planes:
    """The closed contours of a structure, as they lie on the grid of a scan.

    Args:
        positions: of the planes with contours, in slices (k) of the scan, ascending; may lie between slices.
        polygons: those of each plane; each (n, 2) is the (i, j) of its points, in voxels.
        distance: of two planes, in slices: each stands for so much of the structure.
        guessed: the file does not say the distance, and it is more than that of the slices.
        others: contours that are points or open lines.
        slanted: contours that are not parallel to the slices.
    """

    positions: tuple[float, ...]
    polygons: tuple[tuple[FloatArray, ...], ...]
    distance: float
    guessed: bool
    others: int
    slanted: int


def planes_of(roi: Dataset, volume: Volume) -> Planes:
    """The contours of an item of the ROI Contour Sequence.

    Raises:
        ValueError: a contour is not made of points.
    """
    contours: list[tuple[float, FloatArray]] = []
    others = slanted = 0
    lps_to_ijk = volume.ras_to_ijk @ LPS_TO_RAS
    for contour in roi.get("ContourSequence") or ():
        if str(contour.get("ContourGeometricType", "")).strip() not in CLOSED:
            others += 1
            continue
        ijk = points_of(contour) @ lps_to_ijk[:3, :3].T + lps_to_ijk[:3, 3]
        position = float(ijk[:, 2].mean())
        if np.abs(ijk[:, 2] - position).max() > FLAT:
            slanted += 1
            continue
        contours.append((position, ijk[:, :2]))
    contours.sort(key=lambda contour: contour[0])
    positions: list[float] = []
    polygons: list[list[FloatArray]] = []
    for position, polygon in contours:
        if not positions or position - positions[-1] > SAME_PLANE:
            positions.append(position)
            polygons.append([])
        polygons[-1].append(polygon)
    distance, guessed = _distance(roi, positions, volume.spacing_mm[2])
    return Planes(tuple(positions), tuple(map(tuple, polygons)), distance, guessed, others, slanted)


def points_of(contour: Dataset) -> FloatArray:
    """The points (n, 3) of a contour, LPS in mm.

    Raises:
        ValueError: it has none, or they are no numbers.
    """
    # As stored: pydicom would make an object of each number, which takes minutes for a hundred organs.
    element = contour.get_item(CONTOUR_DATA)
    value = b"" if element is None else element.value
    words = value.decode("ascii").strip(" \0").split("\\") if isinstance(value, bytes) else list(value or ())
    points = np.fromiter(map(float, words), np.float64, len(words)).reshape(-1, 3)
    if len(points) == 0 or not np.isfinite(points).all():
        raise ValueError("no points")
    return points


def _distance(roi: Dataset, positions: list[float], slice_mm: float) -> tuple[float, bool]:
    """The distance of planes in slices, at least 1, and whether it was guessed."""
    gaps = np.diff(positions)
    for source in roi.get("SourcePixelPlanesCharacteristicsSequence") or ():
        return max(_positive(source.SpacingBetweenSlices) / slice_mm, 1.0), False
    thickness = next((contour.get("ContourSlabThickness") for contour in roi.get("ContourSequence") or ()), None)
    if thickness is not None:
        # Slabs may be thicker than their distance; planes do not stand for more than what lies between them.
        return max(min([_positive(thickness) / slice_mm, *gaps]), 1.0), False
    even = _even_distance(gaps)
    return max(even, 1.0), even > 1.0 + EVEN


def _positive(millimetres: object) -> float:
    found = float(str(millimetres))
    if not 0.0 < found < np.inf:
        raise ValueError("no distance")
    return found


def _even_distance(gaps: FloatArray) -> float:
    """The distance of planes, in slices, if they are spaced evenly but for gaps; 1 if they are not."""
    if len(gaps) < FEWEST_EVEN_GAPS:
        return 1.0
    smallest = float(np.median(gaps[gaps < gaps.min() * (1 + EVEN)]))
    return smallest if (np.abs(gaps - np.rint(gaps / smallest) * smallest) <= EVEN * smallest).all() else 1.0


def mask_of(planes: Planes, volume: Volume) -> MaskCrop:
    """The voxels whose centre lies inside the contours of the plane nearest to their slice."""
    count, rows, columns = volume.shape_kji
    used = list(_slices(planes, count))
    points = [polygon for _, plane in used for polygon in plane]
    if not points:
        return NOTHING
    low = np.floor(np.min([polygon.min(axis=0) for polygon in points], axis=0))
    high = np.ceil(np.max([polygon.max(axis=0) for polygon in points], axis=0)) + 1
    first_i, first_j = (int(part) for part in np.clip(low, 0, (columns, rows)))
    end_i, end_j = (int(part) for part in np.clip(high, 0, (columns, rows)))
    if first_i >= end_i or first_j >= end_j:
        return NOTHING
    first_k = used[0][0]
    shape_ji = end_j - first_j, end_i - first_i
    mask = np.zeros((used[-1][0] - first_k + 1, *shape_ji), np.bool_)
    for k, plane in used:
        mask[k - first_k] = inside_polygons([polygon - (first_i, first_j) for polygon in plane], shape_ji)
    return MaskCrop((first_k, first_j, first_i), mask).tightened()


def _slices(planes: Planes, count: int) -> Iterator[tuple[int, tuple[FloatArray, ...]]]:
    """The slices, of those of a scan, that planes stand for, each with the polygons of the plane nearest to it."""
    half = planes.distance / 2
    # Planes halfway between slices count as a little higher, all of them: so they make no structure longer.
    positions = np.asarray(planes.positions) + SAME_PLANE / 2
    for k in range(count if len(positions) else 0):
        nearest = int(np.abs(positions - k).argmin())
        if -half < k - positions[nearest] <= half:
            yield k, planes.polygons[nearest]


def reaches_outside(planes: Planes, volume: Volume) -> bool:
    """Whether a part of the contours lies outside the scan."""
    k, j, i = volume.shape_kji
    if any(not -0.5 <= position <= k - 0.5 for position in planes.positions):
        return True
    last = np.array([i, j]) - 0.5 + SAME_PLANE
    return any(
        bool((polygon < -0.5 - SAME_PLANE).any() or (polygon > last).any())
        for plane in planes.polygons
        for polygon in plane
    )
