"""MetaImage files with their voxels inside (.mha): reading volumes, writing label maps. Positions in them are LPS."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from ..errors import FileFormatError
from ..volume import FloatArray, Volume
from .reading import COPY_AGAIN, Encoding, ReadVolume, open_for_reading, read_voxels, stem_of

DTYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}  # fmt: skip
MAX_LINE_BYTES = 2**16
MAX_LINES = 1000
LPS_TO_RAS = np.diag((-1.0, -1.0, 1.0, 1.0))
CORRECT = "Correct the header, or save the image again."


def read_metaimage(path: Path) -> ReadVolume:
    """Read a MetaImage whose voxels lie in the same file.

    Returns:
        The volume, array (k, j, i) of the stored type.

    Raises:
        FileFormatError: not such an image, damaged, truncated, or with its voxels elsewhere. VolumeError: it cannot be
            segmented.
    """
    with open_for_reading(path) as file:
        fields = _fields(file, path)
        shape_kji = _shape(fields, path)
        dtype = _dtype(fields, path)
        ijk_to_ras = _geometry(fields, path)
        encoding = Encoding.ZLIB if _is_true(fields, "CompressedData") else Encoding.RAW
        array = read_voxels(file, encoding, 0, shape_kji, dtype, path)
    return ReadVolume(Volume(array, ijk_to_ras, stem_of(path)))


def _fields(file: BinaryIO, path: Path) -> dict[str, str]:
    """The header's fields; the file then stands at its first voxel."""
    fields: dict[str, str] = {}
    for _ in range(MAX_LINES):
        key, equals, value = file.readline(MAX_LINE_BYTES).decode("latin-1").partition("=")
        if not equals:
            break
        fields[key.strip()] = value.strip()
        if key.strip() == "ElementDataFile":
            if value.strip() != "LOCAL":
                raise FileFormatError(
                    f"The voxels of {path.name} are said to lie in another file; such headers are not followed.",
                    "Save the image as one .mha file.",
                )
            return fields
    raise FileFormatError(f"The file {path.name} is not a MetaImage, or its header is damaged.", COPY_AGAIN)


def _is_true(fields: Mapping[str, str], *keys: str) -> bool:
    return any(fields.get(key, "").lower() in ("true", "1") for key in keys)


def _shape(fields: Mapping[str, str], path: Path) -> tuple[int, int, int]:
    channels = fields.get("ElementNumberOfChannels", "1")
    if channels != "1":
        raise FileFormatError(
            f"The file {path.name} holds {channels} values per voxel, not grey values.",
            "Convert it to a scalar volume.",
        )
    try:
        lengths = [int(word) for word in fields.get("DimSize", "").split()]
    except ValueError as error:
        raise FileFormatError(f"The size in {path.name} is not made of whole numbers.", CORRECT) from error
    if fields.get("NDims") != "3" or len(lengths) != 3:
        raise FileFormatError(
            f"The file {path.name} holds an image of {fields.get('NDims', 'unknown')} dimensions, "
            "but one 3-D volume is needed.",
            "Save a single time point as its own file.",
        )
    i, j, k = lengths
    return k, j, i


def _dtype(fields: Mapping[str, str], path: Path) -> np.dtype[Any]:
    name = fields.get("ElementType", "")
    if name not in DTYPES:
        raise FileFormatError(
            f"The file {path.name} holds values of type {name or 'unknown'}, not grey values.",
            "Convert it to a scalar volume.",
        )
    if fields.get("BinaryData", "True").lower() not in ("true", "1") or fields.get("HeaderSize", "0") != "0":
        raise FileFormatError(
            f"The voxels of {path.name} are stored as text or behind a gap.", "Save it as binary .mha."
        )
    order = ">" if _is_true(fields, "BinaryDataByteOrderMSB", "ElementByteOrderMSB") else "<"
    return np.dtype(order + DTYPES[name])


def _geometry(fields: Mapping[str, str], path: Path) -> FloatArray:
    if fields.get("DistanceUnits", "mm") not in ("mm", "?"):
        raise FileFormatError(f"The file {path.name} measures in {fields['DistanceUnits']}, not in mm.", CORRECT)
    spacing = _numbers(fields, ("ElementSpacing", "ElementSize"), 3, None, path)
    if any(length <= 0 for length in spacing):
        raise FileFormatError(
            f"The voxel sizes in {path.name} are {', '.join(f'{length:g}' for length in spacing)}; "
            "each must be a number above zero.",
            CORRECT,
        )
    axes = _numbers(fields, ("TransformMatrix", "Rotation", "Orientation"), 9, np.eye(3).ravel().tolist(), path)
    matrix = np.eye(4)
    # One axis after the other, where ITK's direction matrix has them as columns.
    matrix[:3, :3] = np.reshape(axes, (3, 3)).T * spacing
    matrix[:3, 3] = _numbers(fields, ("Offset", "Position", "Origin"), 3, [0.0, 0.0, 0.0], path)
    return LPS_TO_RAS @ matrix


def _numbers(
    fields: Mapping[str, str], keys: tuple[str, ...], count: int, default: list[float] | None, path: Path
) -> list[float]:
    text = next((fields[key] for key in keys if key in fields), None)
    if text is None and default is not None:
        return default
    try:
        values = [float(word) for word in (text or "").split()]
    except ValueError:
        values = []
    if len(values) != count or not all(map(math.isfinite, values)):
        raise FileFormatError(f"The field {keys[0]} in {path.name} is not {count} numbers.", CORRECT)
    return values


def write_metaimage(file: BinaryIO, labels: npt.NDArray[Any], ijk_to_ras: FloatArray) -> None:
    """Write a label map as MetaImage, compressed.

    Args:
        file: where to.
        labels: uint8 or uint16, axes (k, j, i).
        ijk_to_ras: 4x4, mm.
    """
    ijk_to_lps = LPS_TO_RAS @ ijk_to_ras
    spacing = np.linalg.norm(ijk_to_lps[:3, :3], axis=0)
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(plane.astype(plane.dtype.newbyteorder("<")).tobytes()) for plane in labels)
    packed += packer.flush()
    name = next(key for key, code in DTYPES.items() if np.dtype(code) == labels.dtype)
    lines = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "True",
        "CompressedDataSize": str(len(packed)),
        "TransformMatrix": _words((ijk_to_lps[:3, :3] / spacing).T.ravel()),
        "Offset": _words(ijk_to_lps[:3, 3]),
        "ElementSpacing": _words(spacing),
        "DimSize": " ".join(map(str, reversed(labels.shape))),
        "ElementType": name,
        "ElementDataFile": "LOCAL",
    }
    file.write("".join(f"{key} = {value}\n" for key, value in lines.items()).encode("ascii"))
    file.write(packed)


def _words(values: FloatArray) -> str:
    return " ".join(repr(float(value)) for value in values)
