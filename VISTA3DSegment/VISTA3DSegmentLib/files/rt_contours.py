"""The contours of the structures of an RT structure set, and the voxels of a scan that they hold.

How far apart planes are, a file may leave open; then it shows in where they lie. A structure of few planes does not
show it, but another one does that was drawn on the same planes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

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

TOUCHING = 1 + EVEN
"""Planes no further apart than so many slices leave none out."""

FEWEST_EVEN_GAPS = 3
"""So many even distances of planes are no accident."""


@dataclass(frozen=True, eq=False)
class Planes:
    """The closed contours of a structure, as they lie on the grid of a scan.

    Args:
        positions: of the planes with contours, in slices (k) of the scan, ascending; may lie between slices.
        polygons: those of each plane; each (n, 2) is the (i, j) of its points, in voxels.
        distance: of two planes, in slices, at least 1: each stands for so much of the structure.
        guessed: the file does not say the distance, and it is more than that of the slices.
        unsure: nothing shows the distance, and it may be more than that of the slices, which was taken.
        others: contours that are points or open lines.
        slanted: contours that are not parallel to the slices.
    """

    positions: tuple[float, ...]
    polygons: tuple[tuple[FloatArray, ...], ...]
    distance: float
    guessed: bool
    unsure: bool
    others: int
    slanted: int


@dataclass(frozen=True)
class _Spaced:
    """Planes of which the distance is known.

    Args:
        positions: of some of them, in slices, ascending; at least one.
        distance: of two, in slices.
    """

    positions: FloatArray
    distance: float

    def hold(self, positions: FloatArray) -> bool:
        """Whether all of these lie on such planes."""
        # From the plane below, not from the first one: small errors of the distance add up.
        below = np.maximum(np.searchsorted(self.positions, positions, side="right") - 1, 0)
        away = positions - self.positions[below]
        return bool((np.abs(away - np.rint(away / self.distance) * self.distance) <= SAME_PLANE).all())


def planes_of(rois: Sequence[Dataset], volume: Volume) -> list[Planes]:
    """The contours of items of the ROI Contour Sequence: all of a file, as one may show the distance of another's.

    Raises:
        ValueError: a contour is not made of points.
    """
    drawn = [_drawn(roi, volume) for roi in rois]
    stated = [_stated_distance(roi, one.positions, volume.spacing_mm[2]) for roi, one in zip(rois, drawn, strict=True)]
    shown = [said or _even_distance(np.array(one.positions)) for one, said in zip(drawn, stated, strict=True)]
    spaced = _all_spaced(drawn, shown)
    found = []
    for one, said, own in zip(drawn, stated, shown, strict=True):
        distance = own or _distance_by_others(one, spaced)
        if distance is None:
            found.append(replace(one, unsure=_may_be_sparse(one, drawn, spaced)))
        else:
            found.append(replace(one, distance=max(distance, 1.0), guessed=said is None and distance > TOUCHING))
    return found


def _drawn(roi: Dataset, volume: Volume) -> Planes:
    """What is drawn, as if each plane stood for one slice."""
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
    return Planes(tuple(positions), tuple(map(tuple, polygons)), 1.0, False, False, others, slanted)


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


def _stated_distance(roi: Dataset, positions: Sequence[float], slice_mm: float) -> float | None:
    """The distance of planes that the file states, in slices; None: it states none."""
    for source in roi.get("SourcePixelPlanesCharacteristicsSequence") or ():
        return _positive(source.SpacingBetweenSlices) / slice_mm
    thickness = next((contour.get("ContourSlabThickness") for contour in roi.get("ContourSequence") or ()), None)
    if thickness is None:
        return None
    # Slabs may be thicker than their distance; planes do not stand for more than what lies between them.
    return min([_positive(thickness) / slice_mm, *_gaps(positions)])


def _gaps(positions: Sequence[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(positions)]


def _positive(millimetres: object) -> float:
    found = float(str(millimetres))
    if not 0.0 < found < np.inf:
        raise ValueError("no distance")
    return found


def _even_distance(positions: FloatArray) -> float | None:
    """The distance of planes, in slices, if they are spaced evenly but for gaps."""
    gaps = np.diff(positions)
    if len(gaps) < FEWEST_EVEN_GAPS:
        return None
    smallest = float(np.median(gaps[gaps < gaps.min() * (1 + EVEN)]))
    steps = np.rint(gaps / smallest)
    return float(gaps.sum() / steps.sum()) if (np.abs(gaps - steps * smallest) <= EVEN * smallest).all() else None


def _all_spaced(drawn: Sequence[Planes], shown: Sequence[float | None]) -> list[_Spaced]:
    """The planes of each structure that shows their distance, and of all together, if they are further apart than
    slices: planes of two structures may be neighbours by accident."""
    found = [
        _Spaced(np.array(one.positions), max(distance, SAME_PLANE))
        for one, distance in zip(drawn, shown, strict=True)
        if distance is not None and one.positions
    ]
    together = np.unique([position for one in drawn for position in one.positions])
    together = together[np.diff(together, prepend=-np.inf) > SAME_PLANE]
    distance = _even_distance(together)
    return found if distance is None or distance <= TOUCHING else [*found, _Spaced(together, distance)]


def _distance_by_others(planes: Planes, spaced: Sequence[_Spaced]) -> float | None:
    """The smallest distance of planes on which these lie, too."""
    if not planes.positions:
        return None
    positions = np.array(planes.positions)
    return min((one.distance for one in spaced if one.hold(positions)), default=None)


def _may_be_sparse(planes: Planes, drawn: Sequence[Planes], spaced: Sequence[_Spaced]) -> bool:
    """Whether slices may have been left out between planes: some were, in this structure or, beside a single plane, in
    others."""
    if not planes.positions:
        return False
    if gaps := _gaps(planes.positions):
        return min(gaps) > TOUCHING
    others = [gap for one in drawn for gap in _gaps(one.positions)]
    return min(others, default=1.0) > TOUCHING or any(one.distance > TOUCHING for one in spaced)


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
