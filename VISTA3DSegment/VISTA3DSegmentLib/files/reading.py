"""What every reader shares: opening a file, and taking from it the voxels that its header declares, no more, no less.

Voxels are decoded here and not by ITK, which reads truncated files, follows headers to other files and replaces
spacings that are not numbers by 1 mm, all without a word.
"""

from __future__ import annotations

import bz2
import gzip
import math
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from ..errors import FileFormatError, ResourceError
from ..volume import Volume

MAX_VOXELS = 2**31
"""Largest declared image: a whole body at 0.5 mm has a third of it."""

MAX_BYTES = 2**33
"""Largest declared image in memory, 8 GiB."""

MAX_DEFLATE_RATIO = 1032
"""Deflate shrinks data by this factor at most (zlib's technical notes): less input than that cannot be complete."""

CHUNK_BYTES = 2**20

COPY_AGAIN = "Copy or export it again."


class Encoding(Enum):
    """How voxels are packed in a file."""

    RAW = "raw"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    ZLIB = "zlib"


@dataclass(frozen=True)
class ReadVolume:
    """A volume from a file, and what the person should know about how it was read.

    Args:
        volume: the image.
        notices: sentences: a choice that was made, a doubt about the geometry.
        image: a file of its DICOM series, by which segments of another scan are known; None: it was no DICOM.
    """

    volume: Volume
    notices: tuple[str, ...] = ()
    image: Path | None = None


def open_for_reading(path: Path) -> BinaryIO:
    """Open a regular, non-empty file.

    Raises:
        FileFormatError: it is missing, a folder or device, empty, or may not be read.
    """
    try:
        if not path.exists():
            raise FileFormatError(f"The file {path} does not exist.", "Check its name and folder.")
        if not path.is_file():
            raise FileFormatError(f"{path} is not a file.", "Give the name of an image file.")
        if path.stat().st_size == 0:
            raise FileFormatError(f"The file {path.name} is empty.", COPY_AGAIN)
        return path.open("rb")
    except OSError as error:
        raise FileFormatError(
            f"The file {path} cannot be opened ({error.strerror}).", "Check that you are allowed to read it."
        ) from error


def stem_of(path: Path) -> str:
    """The file's name without the suffixes of an image format."""
    name = path.name
    for suffix in (".seg.nrrd", ".nii.gz", ".nii", ".nrrd", ".mha"):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return path.stem


def check_declared_size(shape: tuple[int, ...], item_bytes: int, path: Path) -> int:
    """Refuse an image that is empty or absurdly large, before anything is allocated for it.

    Returns:
        The number of bytes of its voxels.

    Raises:
        FileFormatError: a length below 1, or more than ``MAX_VOXELS`` voxels or ``MAX_BYTES`` bytes.
    """
    lengths = " x ".join(map(str, reversed(shape)))
    if any(length < 1 for length in shape):
        raise FileFormatError(f"The file {path.name} declares an empty image ({lengths} voxels).", COPY_AGAIN)
    voxels = math.prod(shape)
    if voxels > MAX_VOXELS or voxels * item_bytes > MAX_BYTES:
        raise FileFormatError(
            f"The file {path.name} declares an image of {lengths} voxels, more than can be real.",
            "Export it again, or crop it first.",
        )
    return voxels * item_bytes


def read_voxels(
    file: BinaryIO, encoding: Encoding, skip: int, shape: tuple[int, ...], dtype: np.dtype[Any], path: Path
) -> npt.NDArray[Any]:
    """The voxels of an opened file, from where it stands.

    Args:
        file: stands where the packed bytes begin.
        encoding: how they are packed.
        skip: bytes to leave out after unpacking.
        shape: slowest axis first, as (k, j, i).
        dtype: of one voxel, with its byte order.
        path: for messages.

    Returns:
        The voxels, C-contiguous, native byte order.

    Raises:
        FileFormatError: absurd size, less data than declared, or damaged compression. ResourceError: no memory.
    """
    byte_count = check_declared_size(shape, dtype.itemsize, path)
    _check_stored_size(file, encoding, skip + byte_count, path)
    try:
        voxels = np.empty(shape, dtype)
    except MemoryError as error:
        raise ResourceError(
            f"The image {path.name} needs {byte_count / 2**20:.0f} MiB of memory, which is not there.",
            "Close other programs, or crop the image.",
        ) from error
    _fill(voxels.reshape(-1).view(np.uint8), _unpacked(file, encoding), skip, path)
    return voxels.astype(dtype.newbyteorder("="), copy=False)


def _check_stored_size(file: BinaryIO, encoding: Encoding, needed: int, path: Path) -> None:
    stored = os.fstat(file.fileno()).st_size - file.tell()
    most = {Encoding.RAW: stored, Encoding.BZIP2: needed}.get(encoding, stored * MAX_DEFLATE_RATIO)
    if most < needed:
        raise _truncated(path)


def _truncated(path: Path) -> FileFormatError:
    return FileFormatError(f"The file {path.name} is truncated: it holds fewer voxels than it declares.", COPY_AGAIN)


def _fill(target: npt.NDArray[np.uint8], chunks: Iterator[bytes], skip: int, path: Path) -> None:
    """Copy unpacked bytes until the target is full; one chunk more is asked for, so that checksums are verified."""
    position = -skip
    try:
        for chunk in chunks:
            if position >= target.size:
                break
            wanted = np.frombuffer(chunk, np.uint8)[max(0, -position) :]
            start = max(0, position)
            part = wanted[: target.size - start]
            target[start : start + part.size] = part
            position += len(chunk)
    except (EOFError, OSError, zlib.error) as error:
        raise FileFormatError(f"The file {path.name} is truncated or damaged ({error}).", COPY_AGAIN) from error
    if position < target.size:
        raise _truncated(path)


def _unpacked(file: BinaryIO, encoding: Encoding) -> Iterator[bytes]:
    if encoding is Encoding.ZLIB:
        yield from _inflated(file)
        return
    stream: Any = file
    if encoding is Encoding.GZIP:
        stream = gzip.GzipFile(fileobj=file, mode="rb")
    elif encoding is Encoding.BZIP2:
        stream = bz2.BZ2File(file, "rb")
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


def _inflated(file: BinaryIO) -> Iterator[bytes]:
    unpacker = zlib.decompressobj()
    while not unpacker.eof:
        packed = unpacker.unconsumed_tail or file.read(CHUNK_BYTES)
        chunk = unpacker.decompress(packed, CHUNK_BYTES)
        if not packed and not chunk:
            raise EOFError("the compressed data ends too early")
        if chunk:
            yield chunk
