"""NRRD files with their voxels inside (.nrrd): the header, reading volumes, writing label maps.

Source: the definition of the NRRD file format (teem). One layer is a 3-D file; several are a 4-D file whose first,
fastest axis is a list, as Slicer writes segmentations.
"""

from __future__ import annotations

import gzip
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from ..errors import FileFormatError
from ..volume import FloatArray, Volume
from .reading import COPY_AGAIN, Encoding, ReadVolume, check_declared_size, open_for_reading, read_voxels, stem_of

MAX_HEADER_BYTES = 2**24
"""A segmentation of a thousand segments needs less than 1 MiB."""

DTYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("unsigned char", "uchar", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("unsigned short", "ushort", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("unsigned int", "uint", "uint32", "uint32_t"),
    "i8": ("long long", "longlong", "long long int", "signed long long", "signed long long int", "int64", "int64_t"),
    "u8": ("unsigned long long", "ulonglong", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
DTYPE_BY_NAME = {name: code for code, names in DTYPES.items() for name in names}
ENCODINGS = {
    "raw": Encoding.RAW, "gzip": Encoding.GZIP, "gz": Encoding.GZIP, "bzip2": Encoding.BZIP2, "bz2": Encoding.BZIP2,
}  # fmt: skip
ENDIANS = {"little": "<", "big": ">"}
TO_RAS = {
    "left-posterior-superior": (-1.0, -1.0, 1.0), "lps": (-1.0, -1.0, 1.0),
    "right-anterior-superior": (1.0, 1.0, 1.0), "ras": (1.0, 1.0, 1.0),
    "left-anterior-superior": (-1.0, 1.0, 1.0), "las": (-1.0, 1.0, 1.0),
}  # fmt: skip
LPS_TO_RAS = np.diag((-1.0, -1.0, 1.0, 1.0))
CORRECT = "Correct the header, or save the image again."


@dataclass(frozen=True)
class NrrdHeader:
    """A parsed header.

    Args:
        fields: the format's own fields; names in lower case without spaces.
        values: the key/value pairs, as written.
        voxel_offset: byte of the file at which the voxels begin.
        path: for messages.
    """

    fields: Mapping[str, str]
    values: Mapping[str, str]
    voxel_offset: int
    path: Path


def read_header(path: Path) -> NrrdHeader:
    """Read the header of an attached NRRD file.

    Raises:
        FileFormatError: not NRRD, damaged, or with its voxels in another file.
    """
    with open_for_reading(path) as file:
        if not re.fullmatch(rb"NRRD000[1-5]\r?\n", file.readline(16)):
            raise FileFormatError(f"The file {path.name} is not an NRRD image.", "Check that it is what its name says.")
        fields: dict[str, str] = {}
        values: dict[str, str] = {}
        while (line := _line(file, path)) != "":
            if line.startswith("#"):
                continue
            name, separator, value = _split(line)
            if separator == ":=":
                values[_unescaped(name)] = _unescaped(value)
            else:
                fields[name.lower().replace(" ", "")] = value.strip()
        header = NrrdHeader(fields, values, file.tell(), path)
    if "datafile" in fields:
        raise FileFormatError(
            f"The voxels of {path.name} are said to lie in another file; such headers are not followed.",
            "Save the image as one .nrrd file.",
        )
    return header


def _line(file: BinaryIO, path: Path) -> str:
    line = file.readline(MAX_HEADER_BYTES)
    if not line.endswith(b"\n") or file.tell() > MAX_HEADER_BYTES:
        raise FileFormatError(f"The header of {path.name} does not end; the file is damaged or detached.", COPY_AGAIN)
    return line.rstrip(b"\r\n").decode("utf-8", errors="replace")


def _split(line: str) -> tuple[str, str, str]:
    match = re.match(r"(.*?)(:=|:)(.*)", line)
    return (match[1], match[2], match[3]) if match else (line, "", "")


def _unescaped(text: str) -> str:
    return re.sub(r"\\([\\n])", lambda match: "\n" if match[1] == "n" else "\\", text)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\r\n", "\n").replace("\n", "\\n")


def read_nrrd(path: Path) -> ReadVolume:
    """Read a 3-D scalar NRRD image.

    Returns:
        The volume, array (k, j, i) of the stored type; a notice if the file does not say how the patient lies.

    Raises:
        FileFormatError: not such an image, damaged, truncated, or with its voxels elsewhere. VolumeError: it cannot be
            segmented.
    """
    header = read_header(path)
    if len(sizes_of(header)) != 3:
        raise FileFormatError(
            f"The file {path.name} holds an image of {len(sizes_of(header))} dimensions "
            f"({header.fields.get('sizes', '')}; {header.fields.get('kinds', 'kinds unknown')}), "
            "but one 3-D scalar volume is needed.",
            "Save a single time point or channel as its own file.",
        )
    ijk_to_ras, notices = geometry_of(header)
    return ReadVolume(Volume(voxels_of(header), ijk_to_ras, stem_of(path)), notices)


def sizes_of(header: NrrdHeader) -> tuple[int, ...]:
    """Lengths of all axes, fastest first.

    Raises:
        FileFormatError: they are missing, do not agree with the dimension, or are absurd.
    """
    try:
        sizes = tuple(int(word) for word in header.fields["sizes"].split())
        dimension = int(header.fields["dimension"])
    except (KeyError, ValueError) as error:
        raise FileFormatError(f"The size in {header.path.name} is missing or not a number.", CORRECT) from error
    if len(sizes) != dimension:
        raise FileFormatError(f"The file {header.path.name} declares {dimension} axes and {len(sizes)} sizes.", CORRECT)
    return sizes


def voxels_of(header: NrrdHeader) -> npt.NDArray[Any]:
    """All values of the file, slowest axis first: (k, j, i), or (k, j, i, layer).

    Raises:
        FileFormatError: an unknown type or encoding, absurd size, damaged or truncated. ResourceError: no memory.
    """
    fields, name = header.fields, header.path.name
    code = DTYPE_BY_NAME.get(fields.get("type", "").lower())
    encoding = ENCODINGS.get(fields.get("encoding", "").lower())
    if code is None:
        raise FileFormatError(
            f"The file {name} holds values of type {fields.get('type', 'unknown')}, not grey values.",
            "Convert it to a scalar volume.",
        )
    if encoding is None:
        raise FileFormatError(
            f"The encoding {fields.get('encoding', 'unknown')} of {name} is not read.", "Save it with gzip encoding."
        )
    if any(fields.get(skip, "0") != "0" for skip in ("lineskip", "byteskip")):
        raise FileFormatError(
            f"The voxels of {name} lie behind a gap (line skip or byte skip).", "Save the image again."
        )
    endian = ENDIANS.get(fields.get("endian", "").lower())
    if endian is None and code not in ("i1", "u1"):
        raise FileFormatError(f"The byte order (endian) of {name} is not given.", CORRECT)
    shape = tuple(reversed(sizes_of(header)))
    dtype = np.dtype((endian or "<") + code)
    check_declared_size(shape, dtype.itemsize, header.path)
    with open_for_reading(header.path) as file:
        file.seek(header.voxel_offset)
        return read_voxels(file, encoding, 0, shape, dtype, header.path)


def geometry_of(header: NrrdHeader) -> tuple[FloatArray, tuple[str, ...]]:
    """The IJK-to-RAS matrix (4x4, mm) of the three axes in space, and what is doubtful about it.

    Raises:
        FileFormatError: it is missing, not made of numbers, or in a space that is not the patient's.
    """
    fields, name = header.fields, header.path.name
    if "spacedirections" not in fields:
        return _geometry_without_orientation(header)
    signs = TO_RAS.get(fields.get("space", "").lower())
    if signs is None:
        raise FileFormatError(
            f"The space of {name} ({fields.get('space', 'not given')}) does not say how the patient lies.",
            "Save it in the space left-posterior-superior.",
        )
    units = re.findall(r'"([^"]*)"', fields.get("spaceunits", ""))
    if any(unit not in ("mm", "") for unit in units):
        raise FileFormatError(f"The file {name} measures in {units[0]}, not in mm.", CORRECT)
    directions = [_vector(text, header) for text in re.findall(r"\([^)]*\)", fields["spacedirections"])]
    if len(directions) != 3:
        raise FileFormatError(f"The file {name} has {len(directions)} axes in space, not three.", CORRECT)
    notices = () if "spaceorigin" in fields else (f"{name} does not say where its first voxel lies; 0 is assumed.",)
    matrix = np.eye(4)
    matrix[:3, :3] = np.transpose(directions)
    matrix[:3, 3] = _vector(fields.get("spaceorigin", "(0,0,0)"), header)
    if (np.linalg.norm(matrix[:3, :3], axis=0) < 1e-9).any():
        raise FileFormatError(f"The voxel size in {name} is zero along an axis.", CORRECT)
    return np.diag((*signs, 1.0)) @ matrix, notices


def _geometry_without_orientation(header: NrrdHeader) -> tuple[FloatArray, tuple[str, ...]]:
    name = header.path.name
    spacing = _floats(header.fields.get("spacings", ""))
    origin = _floats(header.fields.get("axismins", "0 0 0"))
    if len(spacing) != 3 or not all(length > 0 for length in spacing) or len(origin) != 3:
        raise FileFormatError(f"The voxel sizes of {name} are missing or not numbers above zero.", CORRECT)
    matrix = np.diag((*spacing, 1.0))
    matrix[:3, 3] = origin
    notice = (
        f"{name} does not say how the patient lies: left, posterior, superior is assumed. "
        "Check the sides before you use the result."
    )
    return LPS_TO_RAS @ matrix, (notice,)


def _vector(text: str, header: NrrdHeader) -> list[float]:
    values = _floats(text.strip("()").replace(",", " "))
    if len(values) != 3:
        raise FileFormatError(f"The geometry of {header.path.name} is not made of numbers: {text}.", CORRECT)
    return values


def _floats(text: str) -> list[float]:
    """The numbers in a text; none if one of its words is not a finite number."""
    try:
        values = [float(word) for word in text.split()]
    except ValueError:
        return []
    return values if all(map(math.isfinite, values)) else []


def write_nrrd(
    file: BinaryIO,
    layers: Sequence[npt.NDArray[Any]],
    ijk_to_ras: FloatArray,
    values: Mapping[str, str],
    after_plane: Callable[[], None] = lambda: None,
) -> None:
    """Write one or several layers of labels, gzipped.

    Args:
        file: where to.
        layers: uint8 or uint16, all of one type and shape, axes (k, j, i).
        ijk_to_ras: 4x4, mm.
        values: key/value pairs for the header.
        after_plane: called after each plane of all layers; what it raises ends the writing.
    """
    file.write(_header_text(layers, ijk_to_ras, values).encode("utf-8"))
    # No time of day inside, so the same segmentation gives the same bytes; masks shrink well at the fastest level.
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=1, mtime=0) as stream:
        for planes in zip(*layers, strict=True):
            plane = planes[0] if len(planes) == 1 else np.stack(planes, axis=-1)
            stream.write(plane.astype(plane.dtype.newbyteorder("<")).tobytes())
            after_plane()


def _header_text(layers: Sequence[npt.NDArray[Any]], ijk_to_ras: FloatArray, values: Mapping[str, str]) -> str:
    ijk_to_lps = LPS_TO_RAS @ ijk_to_ras
    several = len(layers) > 1
    sizes = [*([len(layers)] if several else []), *reversed(layers[0].shape)]
    directions = [*(["none"] if several else []), *(_text(axis) for axis in ijk_to_lps[:3, :3].T)]
    lines = [
        "NRRD0004",
        "# Complete NRRD file format specification at:",
        "# http://teem.sourceforge.net/nrrd/format.html",
        f"type: {DTYPES[layers[0].dtype.str[1:]][0]}",
        f"dimension: {len(sizes)}",
        "space: left-posterior-superior",
        f"sizes: {' '.join(map(str, sizes))}",
        f"space directions: {' '.join(directions)}",
        f"kinds: {'list ' if several else ''}domain domain domain",
        "endian: little",
        "encoding: gzip",
        f"space origin: {_text(ijk_to_lps[:3, 3])}",
        *(f"{_escaped(key)}:={_escaped(value)}" for key, value in values.items()),
    ]
    return "\n".join(lines) + "\n\n"


def _text(vector: FloatArray) -> str:
    return f"({','.join(repr(float(value)) for value in vector)})"
