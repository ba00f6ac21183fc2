"""NIfTI-1 images (.nii, .nii.gz): reading volumes, writing label maps."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from ..errors import FileFormatError
from ..volume import FloatArray, Volume
from .nifti_header import DTYPES, FIRST_VOXEL, HEADER_BYTES, parse_header
from .reading import COPY_AGAIN, Encoding, ReadVolume, open_for_reading, read_voxels, stem_of

GZIP_MAGIC = b"\x1f\x8b"
FASTEST = 1
"""Level of compression: masks are mostly zeros and shrink well at any."""


def read_nifti(path: Path) -> ReadVolume:
    """Read a single-file NIfTI-1 image, plain or gzipped.

    Returns:
        The volume, array (k, j, i) of the stored type, or of the type that the header's scaling needs; and what is
        doubtful about its geometry.

    Raises:
        FileFormatError: not such an image, damaged or truncated. VolumeError: it cannot be segmented.
    """
    with open_for_reading(path) as file:
        packed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        header = parse_header(_first_bytes(file, packed, path), path)
        file.seek(0)
        encoding = Encoding.GZIP if packed else Encoding.RAW
        stored = read_voxels(file, encoding, header.voxel_offset, header.shape_kji, header.dtype, path)
    array = rescaled(stored, header.slope, header.intercept)
    return ReadVolume(Volume(array, header.ijk_to_ras, stem_of(path)), header.notices)


def _first_bytes(file: BinaryIO, packed: bool, path: Path) -> bytes:
    if not packed:
        return file.read(HEADER_BYTES)
    try:
        return gzip.GzipFile(fileobj=file, mode="rb").read(HEADER_BYTES)
    except (EOFError, OSError, zlib.error) as error:
        raise FileFormatError(f"The file {path.name} is truncated or damaged ({error}).", COPY_AGAIN) from error


def rescaled(stored: npt.NDArray[Any], slope: float, intercept: float) -> npt.NDArray[Any]:
    """Stored values times slope plus intercept: still integer (int16 or int32) if all can be, else float32."""
    if slope == 1.0 and intercept == 0.0:
        return stored
    if stored.dtype.kind in "iu" and float(slope).is_integer() and float(intercept).is_integer():
        ends = [int(value) * int(slope) + int(intercept) for value in (stored.min(), stored.max())]
        for dtype in (np.int16, np.int32):
            limits = np.iinfo(dtype)
            if limits.min <= min(ends) and max(ends) <= limits.max:
                return _by_planes(stored, np.int64(slope), np.int64(intercept), np.dtype(dtype))
    return _by_planes(stored, np.float64(slope), np.float64(intercept), np.dtype(np.float32))


def _by_planes(stored: npt.NDArray[Any], slope: Any, intercept: Any, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    # 64 bits for the calculation, for one plane at a time: a whole volume of them would be four times the result.
    result = np.empty(stored.shape, dtype)
    for k, plane in enumerate(stored):
        result[k] = plane.astype(slope.dtype) * slope + intercept
    return result


def write_nifti(file: BinaryIO, labels: npt.NDArray[Any], ijk_to_ras: FloatArray, packed: bool) -> None:
    """Write a label map as NIfTI-1, the geometry both as sform and as qform (scanner coordinates, mm).

    Args:
        file: where to.
        labels: integer, axes (k, j, i), each length below 32768.
        ijk_to_ras: 4x4, mm.
        packed: with gzip.

    Raises:
        FileFormatError: the format cannot hold so large an image.
    """
    header = _header(labels, ijk_to_ras)
    if not packed:
        _write(file, header, labels)
        return
    # No time of day inside: the same segmentation gives the same bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=FASTEST, mtime=0) as stream:
        _write(stream, header, labels)


def _write(file: Any, header: bytes, labels: npt.NDArray[Any]) -> None:
    file.write(header)
    for plane in labels:
        file.write(plane.astype(plane.dtype.newbyteorder("<")).tobytes())


def _header(labels: npt.NDArray[Any], ijk_to_ras: FloatArray) -> bytes:
    if max(labels.shape) > 32767:
        raise FileFormatError("NIfTI cannot hold an image longer than 32767 voxels.", "Write a .nrrd file instead.")
    code = next(number for number, name in DTYPES.items() if np.dtype(name) == labels.dtype)
    spacing = np.linalg.norm(ijk_to_ras[:3, :3], axis=0)
    handedness, quaternion = _quaternion(ijk_to_ras[:3, :3] / spacing)
    header = bytearray(FIRST_VOXEL)
    struct.pack_into("<i", header, 0, HEADER_BYTES)
    struct.pack_into("<8h", header, 40, 3, *reversed(labels.shape), 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, code, labels.dtype.itemsize * 8)
    struct.pack_into("<4f", header, 76, handedness, *spacing)
    struct.pack_into("<3f", header, 108, FIRST_VOXEL, 1.0, 0.0)
    header[123] = 2  # millimetres
    struct.pack_into("<2h", header, 252, 1, 1)
    struct.pack_into("<6f", header, 256, *quaternion, *ijk_to_ras[:3, 3])
    struct.pack_into("<12f", header, 280, *ijk_to_ras[:3].ravel())
    header[344:348] = b"n+1\0"
    return bytes(header)


def _quaternion(cosines: FloatArray) -> tuple[float, tuple[float, float, float]]:
    """The handedness (1 or -1) and the last three parts of the unit quaternion of three orthonormal axes (columns)."""
    handedness = 1.0 if np.linalg.det(cosines) > 0 else -1.0
    turn = cosines * (1.0, 1.0, handedness)
    # The eigenvector of the largest eigenvalue is the quaternion (Bar-Itzhack 2000): no case distinction by trace.
    symmetric = np.zeros((4, 4))
    symmetric[0, 0] = np.trace(turn)
    symmetric[0, 1:] = symmetric[1:, 0] = (turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1])
    symmetric[1:, 1:] = turn + turn.T - np.trace(turn) * np.eye(3)
    a, b, c, d = np.linalg.eigh(symmetric)[1][:, -1]
    sign = math.copysign(1.0, a)
    return handedness, (float(sign * b), float(sign * c), float(sign * d))
