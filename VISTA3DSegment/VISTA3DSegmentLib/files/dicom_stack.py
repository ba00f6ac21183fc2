"""From slices to a volume: their order, the geometry they form, and in words why they may form none.

Tolerances: the direction of stacking may deviate from the slice normal as a volume's axes may (``MAX_SHEAR_COSINE``);
a slice may deviate from the even grid by a tenth of the slice distance along the normal and by a quarter of a pixel
across it; slices closer than 0.01 mm lie at the same place. The slice distance comes from the positions, never from
SliceThickness.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..prompts import place_words
from ..volume import MAX_SHEAR_COSINE, FloatArray
from .dicom_headers import SliceHeader

SAME_PLACE_MM = 0.01
UNEVEN_FRACTION = 0.1
SIDEWAYS_PIXELS = 0.25
SAME_DIRECTION = 1e-3
LPS_TO_RAS = np.diag((-1.0, -1.0, 1.0, 1.0))


def stacks_of(headers: Sequence[SliceHeader]) -> list[list[SliceHeader]]:
    """Images of one series parted by size, pixel spacing and orientation; each stack in spatial order."""
    stacks: list[list[SliceHeader]] = []
    for header in headers:
        stack = next((stack for stack in stacks if _fit_together(stack[0], header)), None)
        if stack is None:
            stacks.append([header])
        else:
            stack.append(header)
    return [_in_order(stack) for stack in stacks]


def _fit_together(one: SliceHeader, other: SliceHeader) -> bool:
    same_kind = (one.rows, one.columns, one.frames, one.components, one.modality, one.is_localizer) == (
        other.rows, other.columns, other.frames, other.components, other.modality, other.is_localizer,
    )  # fmt: skip
    return (
        same_kind
        and _close(one.orientation_lps, other.orientation_lps, SAME_DIRECTION)
        and _close(one.spacing_ij_mm, other.spacing_ij_mm, 1e-3 * min(one.spacing_ij_mm or (0.0,)))
        and (one.position_lps is None) == (other.position_lps is None)
    )


def _close(one: tuple[float, ...] | None, other: tuple[float, ...] | None, tolerance: float) -> bool:
    if one is None or other is None:
        return one is other
    return bool(np.abs(np.subtract(one, other)).max() <= tolerance)


def _in_order(stack: list[SliceHeader]) -> list[SliceHeader]:
    if stack[0].position_lps is None or stack[0].orientation_lps is None:
        return stack
    along = _positions(stack) @ _normal(stack[0])
    return [stack[n] for n in np.argsort(along, kind="stable")]


def _positions(stack: Sequence[SliceHeader]) -> FloatArray:
    return np.asarray([header.position_lps for header in stack], dtype=np.float64)


def _axes(header: SliceHeader) -> tuple[FloatArray, FloatArray]:
    cosines = np.reshape(np.asarray(header.orientation_lps, dtype=np.float64), (2, 3))
    row, column = cosines / np.maximum(np.linalg.norm(cosines, axis=1, keepdims=True), 1e-9)
    return row, column


def _normal(header: SliceHeader) -> FloatArray:
    row, column = _axes(header)
    return np.asarray(np.cross(row, column))


def stack_ijk_to_ras(stack: Sequence[SliceHeader]) -> FloatArray:
    """IJK-to-RAS (4x4, mm) of slices in spatial order that form a volume."""
    row, column = _axes(stack[0])
    spacing_i, spacing_j = stack[0].spacing_ij_mm or (0.0, 0.0)
    positions = _positions(stack)
    ijk_to_lps = np.eye(4)
    ijk_to_lps[:3, 0] = row * spacing_i
    ijk_to_lps[:3, 1] = column * spacing_j
    ijk_to_lps[:3, 3], ijk_to_lps[:3, 2] = _even_line(positions)
    return LPS_TO_RAS @ ijk_to_lps


def _even_line(positions: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The evenly spaced points that fit positions (n, 3) best (least squares): the first, and the step to the next."""
    number = np.arange(len(positions)) - (len(positions) - 1) / 2
    step: FloatArray = number @ positions / (number @ number)
    return positions.mean(axis=0) + number[0] * step, step


def problem_of(stack: Sequence[SliceHeader]) -> str:
    """Why slices (in spatial order, of one size and orientation) form no volume, in sentences; "" if they form one."""
    first = stack[0]
    if first.components != 1:
        return "Its images are in colour."
    if first.frames > 1:
        return f"It is a multi-frame image ({first.frames} frames in a file), which is not read."
    if first.is_localizer:
        return "Its images are localizers."
    if first.position_lps is None or first.orientation_lps is None or first.spacing_ij_mm is None:
        return "Its images do not say where they lie in the patient (position, orientation or pixel spacing)."
    row, column = _axes(first)
    if abs(row @ column) > MAX_SHEAR_COSINE or np.linalg.norm(_normal(first)) < 0.5:
        return "The rows and columns of its images are not at right angles."
    if len(stack) == 1:
        return "It has a single slice."
    return _problem_of_positions(_positions(stack), _normal(first), min(first.spacing_ij_mm))


def _problem_of_positions(positions: FloatArray, normal: FloatArray, pixel_mm: float) -> str:
    along = positions @ normal
    distances = np.diff(along)
    if (distances < SAME_PLACE_MM).all():
        return f"All its {len(along)} images lie at the same place: they are not a volume."
    if (distances < SAME_PLACE_MM).any():
        count = int((distances < SAME_PLACE_MM).sum())
        return (
            f"It holds duplicates: {count} of its {len(along)} images lie where another one does, as in several phases."
        )
    problems = (_tilt(positions, normal), _sideways(positions, along, pixel_mm), _gaps(positions, along, normal))
    return " ".join(problem for problem in problems if problem)


def _tilt(positions: FloatArray, normal: FloatArray) -> str:
    stacking = positions[-1] - positions[0]
    sine = float(np.linalg.norm(np.cross(stacking, normal)) / np.linalg.norm(stacking))
    if sine <= MAX_SHEAR_COSINE:
        return ""
    degrees = np.degrees(np.arcsin(min(1.0, sine)))
    return f"The gantry was tilted by {degrees:.1f} degrees, so its slices form a sheared block."


def _sideways(positions: FloatArray, along: FloatArray, pixel_mm: float) -> str:
    fraction = (along - along[0]) / (along[-1] - along[0])
    line = positions[0] + fraction[:, np.newaxis] * (positions[-1] - positions[0])
    shift_mm = float(np.linalg.norm(positions - line, axis=1).max())
    if shift_mm <= SIDEWAYS_PIXELS * pixel_mm:
        return ""
    return f"Its slices are shifted sideways against each other by up to {shift_mm:.1f} mm."


def _gaps(positions: FloatArray, along: FloatArray, normal: FloatArray) -> str:
    """Missing slices (distances that are whole multiples of the usual one), or else uneven distances."""
    distances = np.diff(along)
    first, step = _even_line(along[:, np.newaxis])
    even = first + step * np.arange(len(along))[:, np.newaxis]
    if np.abs(along - even[:, 0]).max() <= UNEVEN_FRACTION * step[0]:
        return ""
    usual = float(np.median(distances))
    multiples = np.round(distances / usual)
    if (multiples >= 1).all() and (np.abs(distances - multiples * usual) <= UNEVEN_FRACTION * usual).all():
        places = [
            f"{int(multiples[n]) - 1} between {_place(positions[n], normal)} and {_place(positions[n + 1], normal)}"
            for n in np.flatnonzero(multiples > 1)
        ]
        return f"Slices are missing: {'; '.join(places)} (the usual distance is {usual:.2f} mm)."
    return f"Its slices are unevenly spaced: {distances.min():.2f} to {distances.max():.2f} mm."


def _place(position_lps: FloatArray, normal: FloatArray) -> str:
    """Where a slice lies, along the axis of the patient that is closest to the normal."""
    axis = int(np.abs(normal).argmax())
    ras = position_lps * (-1.0, -1.0, 1.0)
    return f"{place_words(axis, ras[axis])} mm"
