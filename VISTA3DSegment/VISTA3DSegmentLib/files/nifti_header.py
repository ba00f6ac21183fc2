"""The header of a NIfTI-1 file: checked, and turned into size, type, scaling and geometry.

Source: the NIfTI-1 standard (nifti1.h). Where it leaves a choice, the answer is that of ITK and so of Slicer:
axes point as the sform says if its code is 1 or there is no qform, else as the qform says; distances are always those
of ``pixdim``; with neither form the axes are taken as left, posterior, superior from an origin at 0.
ITK silently takes the qform where the sform is sheared; here a sheared form that is in force is refused by ``Volume``.
"""

from __future__ import annotations

import itertools
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FileFormatError
from ..volume import FloatArray
from .reading import COPY_AGAIN, check_declared_size

HEADER_BYTES = 348
FIRST_VOXEL = 352
MAX_OFFSET = 2**26
"""Extensions between header and voxels may take up to 64 MiB."""

DTYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
}  # fmt: skip
COLOR_TYPES = {128, 2304}
MM_PER_UNIT = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
SCANNER = 1
"""The sform code of scanner coordinates, with which ITK prefers the sform."""

MAX_DISAGREEMENT_MM = 0.1
"""Two geometries of one header that place no voxel further apart say the same."""

CORRECT = "Correct the header, or export the scan again from its DICOM series."


@dataclass(frozen=True)
class NiftiHeader:
    """What is needed to read the voxels and to place them.

    Args:
        shape_kji: lengths along (k, j, i).
        dtype: of one stored voxel, with its byte order.
        voxel_offset: bytes before the first voxel, in the unpacked file.
        slope: stored value times this, plus the intercept, is the value.
        intercept: see slope.
        ijk_to_ras: 4x4, mm.
        notices: doubts about the geometry, for the person.
    """

    shape_kji: tuple[int, int, int]
    dtype: np.dtype[Any]
    voxel_offset: int
    slope: float
    intercept: float
    ijk_to_ras: FloatArray
    notices: tuple[str, ...]


def parse_header(raw: bytes, path: Path) -> NiftiHeader:
    """Read and check a header.

    Args:
        raw: the first 348 bytes of the unpacked file.
        path: for messages.

    Raises:
        FileFormatError: not one single-file 3-D scalar NIfTI-1 image, or a geometry that is not made of numbers.
    """
    order = _byte_order(raw, path)
    shape_kji = _shape(struct.unpack_from(f"{order}8h", raw, 40), path)
    dtype = _dtype(struct.unpack_from(f"{order}h", raw, 70)[0], order, path)
    check_declared_size(shape_kji, dtype.itemsize, path)
    offset, slope, intercept = struct.unpack_from(f"{order}3f", raw, 108)
    if not FIRST_VOXEL <= offset <= MAX_OFFSET:
        raise FileFormatError(f"The file {path.name} says that its voxels begin at byte {offset:g}.", COPY_AGAIN)
    ijk_to_ras, notices = _geometry(raw, order, shape_kji, path)
    slope, intercept = _scaling(slope, intercept, path)
    return NiftiHeader(shape_kji, dtype, int(offset), slope, intercept, ijk_to_ras, notices)


def _byte_order(raw: bytes, path: Path) -> str:
    if len(raw) < HEADER_BYTES:
        raise FileFormatError(f"The file {path.name} is truncated: its header is incomplete.", COPY_AGAIN)
    sizes = {order: struct.unpack_from(f"{order}i", raw)[0] for order in "<>"}
    if 540 in sizes.values():
        raise FileFormatError(f"The file {path.name} is of version NIfTI-2.", "Convert it to NIfTI-1 or NRRD.")
    for order, size in sizes.items():
        if size == HEADER_BYTES and raw[344:348] == b"n+1\0":
            return order
    if HEADER_BYTES in sizes.values():
        raise FileFormatError(
            f"The file {path.name} is the header of a pair (.hdr and .img); only single files are read.",
            "Convert the pair to one .nii.gz file.",
        )
    raise FileFormatError(f"The file {path.name} is not a NIfTI image.", "Check that it is what its name says.")


def _shape(dim: tuple[int, ...], path: Path) -> tuple[int, int, int]:
    count = dim[0]
    if not 1 <= count <= 7:
        raise FileFormatError(f"The file {path.name} declares {count} dimensions.", COPY_AGAIN)
    i, j, k, *others = dim[1 : max(count, 3) + 1]
    if count < 3 or any(length > 1 for length in others):
        raise FileFormatError(
            f"The file {path.name} holds an image of {count} dimensions ({' x '.join(map(str, dim[1 : count + 1]))}), "
            "but one 3-D volume is needed.",
            "Save a single time point or channel as its own file.",
        )
    return k, j, i


def _dtype(code: int, order: str, path: Path) -> np.dtype[Any]:
    if code in DTYPES:
        return np.dtype(order + DTYPES[code])
    kind = "colours" if code in COLOR_TYPES else f"values of type {code}"
    raise FileFormatError(f"The file {path.name} holds {kind}, not grey values.", "Convert it to a scalar volume.")


def _scaling(slope: float, intercept: float, path: Path) -> tuple[float, float]:
    # A slope of 0 (standard) or NaN (nibabel) means: not scaled.
    if slope == 0 or math.isnan(slope):
        return 1.0, 0.0
    if not (math.isfinite(slope) and math.isfinite(intercept)):
        raise FileFormatError(f"The scaling of the grey values in {path.name} is not a number.", CORRECT)
    return slope, intercept


def _geometry(
    raw: bytes, order: str, shape_kji: tuple[int, int, int], path: Path
) -> tuple[FloatArray, tuple[str, ...]]:
    """The IJK-to-RAS matrix in force, and what is doubtful about it."""
    handedness, *spacing = struct.unpack_from(f"{order}4f", raw, 76)
    _check_spacing(spacing, path)
    qform_code, sform_code = struct.unpack_from(f"{order}2h", raw, 252)
    forms = {}
    if qform_code > 0:
        forms["qform"] = _qform(struct.unpack_from(f"{order}6f", raw, 256), handedness, spacing, path)
    if sform_code > 0:
        forms["sform"] = _sform(struct.unpack_from(f"{order}12f", raw, 280), path)
    notices = []
    if not forms:
        forms["neither"] = np.diag((-spacing[0], -spacing[1], spacing[2], 1.0))
        notices.append(
            f"{path.name} does not say how the patient lies: left, posterior, superior is assumed. "
            "Check the sides before you use the result."
        )
    chosen = "sform" if sform_code == SCANNER or (sform_code > 0 and qform_code <= 0) else next(iter(forms))
    matrix = _with_spacing(forms[chosen], spacing)
    other = max((_distance_mm(matrix, form, shape_kji) for form in forms.values()), default=0.0)
    if other > MAX_DISAGREEMENT_MM:
        notices.append(
            f"{path.name} holds geometries that disagree by up to {other:.1f} mm; "
            f"as in Slicer, the {chosen} with the voxel sizes of pixdim is used."
        )
    unit_mm, unit_notices = _unit(raw[123] & 7, path)
    matrix[:3] *= unit_mm
    return matrix, (*notices, *unit_notices)


def _check_spacing(spacing: list[float], path: Path) -> None:
    if not all(math.isfinite(length) and length > 0 for length in spacing):
        raise FileFormatError(
            f"The voxel sizes in {path.name} are {', '.join(f'{length:g}' for length in spacing)}; "
            "each must be a number above zero.",
            CORRECT,
        )


def _qform(values: tuple[float, ...], handedness: float, spacing: list[float], path: Path) -> FloatArray:
    b, c, d, x, y, z = values
    if not all(map(math.isfinite, (*values, handedness))):
        raise FileFormatError(f"The position (qform) in {path.name} is not made of numbers.", CORRECT)
    # Rounded to single precision, a half turn may exceed length 1.
    a = math.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
    matrix = np.eye(4)
    matrix[:3, :3] = (
        (a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)),
        (2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)),
        (2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c),
    )
    matrix[:3, :3] *= (spacing[0], spacing[1], spacing[2] * (-1.0 if handedness < 0 else 1.0))
    matrix[:3, 3] = (x, y, z)
    return matrix


def _sform(values: tuple[float, ...], path: Path) -> FloatArray:
    matrix = np.eye(4)
    matrix[:3] = np.reshape(values, (3, 4))
    if not np.isfinite(matrix).all():
        raise FileFormatError(f"The position (sform) in {path.name} is not made of numbers.", CORRECT)
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    if (lengths < 1e-9).any() or abs(np.linalg.det(matrix[:3, :3] / lengths)) < 1e-3:
        raise FileFormatError(
            f"The geometry (sform) in {path.name} is singular: two axes of the image point the same way.", CORRECT
        )
    return matrix


def _with_spacing(matrix: FloatArray, spacing: list[float]) -> FloatArray:
    result: FloatArray = matrix.copy()
    result[:3, :3] *= np.asarray(spacing) / np.linalg.norm(matrix[:3, :3], axis=0)
    return result


def _distance_mm(one: FloatArray, other: FloatArray, shape_kji: tuple[int, int, int]) -> float:
    """How far apart two geometries place the same corner of an image, at most."""
    corners = [(i, j, k, 1.0) for k, j, i in itertools.product(*((0, length - 1) for length in shape_kji))]
    return float(np.linalg.norm((np.asarray(corners) @ (one - other).T)[:, :3], axis=1).max())


def _unit(code: int, path: Path) -> tuple[float, tuple[str, ...]]:
    if code not in MM_PER_UNIT:
        raise FileFormatError(f"The unit of length in {path.name} is unknown (code {code}).", CORRECT)
    factor = MM_PER_UNIT[code]
    notice = f"{path.name} measures in {'metres' if code == 1 else 'micrometres'}; it was converted to mm."
    return factor, (notice,) if factor != 1.0 else ()
