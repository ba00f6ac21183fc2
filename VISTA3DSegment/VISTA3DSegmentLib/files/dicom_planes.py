"""From the planes of a DICOM segmentation to its lattice: sparse planes are places on an even grid.

The distance of planes comes from their positions. Planes that are not stored hold nothing, so it may be a part of the
smallest distance: that between slices, if the file says one that fits, or that of the scan which the masks are for.
SliceThickness is no distance; it serves only where a single plane leaves nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import VolumeError
from ..volume import FloatArray, Volume
from .dicom_stack import LPS_TO_RAS, SAME_PLACE_MM, SIDEWAYS_PIXELS, UNEVEN_FRACTION

PARTS = (1, 2, 3)
"""The distance of slices may be the smallest distance of planes, or where that one does not fit, a half or a third."""
PARALLEL = 0.999
REMEDY = "Load it in Slicer and save it as .seg.nrrd."


@dataclass(frozen=True)
class Planes:
    """Where the frames of a segmentation lie.

    Args:
        positions_lps: (n, 3), mm: centre of each frame's first pixel.
        row_lps: (3,) unit vector along a row (i grows).
        column_lps: (3,) unit vector along a column (j grows).
        spacing_ij_mm: distance of neighbouring columns, of neighbouring rows.
        between_mm: SpacingBetweenSlices; 0: not said.
        thickness_mm: SliceThickness; 0: not said.
    """

    positions_lps: FloatArray
    row_lps: FloatArray
    column_lps: FloatArray
    spacing_ij_mm: tuple[float, float]
    between_mm: float
    thickness_mm: float

    @property
    def normal_lps(self) -> FloatArray:
        """(3,) unit vector along which k grows."""
        return np.asarray(np.cross(self.row_lps, self.column_lps), dtype=np.float64)


@dataclass(frozen=True)
class PlaneLattice:
    """The even grid of planes.

    Args:
        ijk_to_ras: 4x4, mm.
        count: planes in all, with those that are not stored.
        k_of_frame: (n,) plane of each frame.
        notices: what the person should know.
    """

    ijk_to_ras: FloatArray
    count: int
    k_of_frame: npt.NDArray[np.int64]
    notices: tuple[str, ...]


def lattice_of(planes: Planes, like: Volume | None, file_name: str) -> PlaneLattice:
    """The lattice on which planes lie.

    Args:
        planes: at least one.
        like: the scan that the masks are for, whose distance of slices may be meant.
        file_name: for messages.

    Raises:
        VolumeError: the planes are unevenly spaced, or shifted sideways.
    """
    along = planes.positions_lps @ planes.normal_lps
    gaps = _gaps(along)
    notices: tuple[str, ...] = ()
    if gaps.size:
        step_mm = _distance(gaps, _candidates(planes, like, gaps), file_name)
    else:
        step_mm, notices = _distance_of_single(planes, like)
    k = np.rint((along - along.min()) / step_mm).astype(np.int64)
    first, step = _line(planes, k, step_mm)
    _check_sideways(planes, first + k[:, np.newaxis] * step, file_name)
    ijk_to_lps = np.eye(4)
    ijk_to_lps[:3, 0] = planes.row_lps * planes.spacing_ij_mm[0]
    ijk_to_lps[:3, 1] = planes.column_lps * planes.spacing_ij_mm[1]
    ijk_to_lps[:3, 2], ijk_to_lps[:3, 3] = step, first
    return PlaneLattice(LPS_TO_RAS @ ijk_to_lps, int(k.max()) + 1, k, notices)


def _gaps(along: FloatArray) -> FloatArray:
    """Distances, mm, of neighbouring planes; frames of several segments share a plane."""
    distances = np.diff(np.sort(along))
    return distances[distances > SAME_PLACE_MM]


def _candidates(planes: Planes, like: Volume | None, gaps: FloatArray) -> list[float]:
    stated = [planes.between_mm, _slice_distance(like, planes.normal_lps)]
    return [*(mm for mm in stated if mm > SAME_PLACE_MM), *(float(gaps.min()) / part for part in PARTS)]


def _slice_distance(like: Volume | None, normal_lps: FloatArray) -> float:
    """The distance, mm, of the scan's voxels along the normal; 0: none of its axes is parallel to it."""
    if like is None:
        return 0.0
    axes = (LPS_TO_RAS @ like.ijk_to_ras)[:3, :3]
    cosines = np.abs(normal_lps @ (axes / like.spacing_mm))
    axis = int(cosines.argmax())
    return like.spacing_mm[axis] if cosines[axis] >= PARALLEL else 0.0


def _distance(gaps: FloatArray, candidates: Sequence[float], file_name: str) -> float:
    for step_mm in candidates:
        steps = np.rint(gaps / step_mm)
        if steps.min() < 1:
            continue
        # The best even distance: decimals of a header add up over hundreds of planes.
        exact = float(gaps.sum() / steps.sum())
        drift = np.abs(np.cumsum(gaps - steps * exact)).max()
        if drift <= UNEVEN_FRACTION * exact and abs(exact - step_mm) <= UNEVEN_FRACTION * step_mm / steps.max():
            return exact
    raise VolumeError(
        f"The planes of {file_name} are unevenly spaced: {gaps.min():.2f} to {gaps.max():.2f} mm.", REMEDY
    )


def _distance_of_single(planes: Planes, like: Volume | None) -> tuple[float, tuple[str, ...]]:
    for mm in (planes.between_mm, _slice_distance(like, planes.normal_lps)):
        if mm > SAME_PLACE_MM:
            return mm, ()
    if planes.thickness_mm > SAME_PLACE_MM:
        return planes.thickness_mm, ("The segmentation has a single plane: it is as thick as the file says.",)
    mm = min(planes.spacing_ij_mm)
    return mm, (f"The segmentation has a single plane and does not say how thick it is: {mm:.2f} mm were taken.",)


def _line(planes: Planes, k: npt.NDArray[np.int64], step_mm: float) -> tuple[FloatArray, FloatArray]:
    """The first position and the step to the next one (LPS, mm) that fit all planes best (least squares)."""
    if k.max() == 0:
        return planes.positions_lps.mean(axis=0), planes.normal_lps * step_mm
    design = np.stack([np.ones(k.size), k], axis=1)
    solution = np.linalg.lstsq(design, planes.positions_lps, rcond=None)[0]
    return solution[0], solution[1]


def _check_sideways(planes: Planes, expected: FloatArray, file_name: str) -> None:
    off = planes.positions_lps - expected
    sideways = off - np.outer(off @ planes.normal_lps, planes.normal_lps)
    shift_mm = float(np.linalg.norm(sideways, axis=1).max())
    if shift_mm > SIDEWAYS_PIXELS * min(planes.spacing_ij_mm):
        raise VolumeError(
            f"The planes of {file_name} are shifted sideways against each other by up to {shift_mm:.1f} mm.", REMEDY
        )
