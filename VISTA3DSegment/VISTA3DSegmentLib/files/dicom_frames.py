"""The frames of a DICOM segmentation, one after the other, however they are packed.

pydicom decodes what it can. Here: bits packed across frames (PS3.5, 8.1.1), which it would unpack all at once, and the
encodings of single bits that it does not know: run lengths (annex G) and deflated frames (annex A.4.13).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels.utils import iter_pixels
from pydicom.uid import UID, ExplicitVRBigEndian, RLELossless

from ..errors import FileFormatError
from .dicom_headers import unreadable
from .reading import COPY_AGAIN, MAX_BYTES, check_declared_size

DEFLATED_FRAMES = UID("1.2.840.10008.1.2.8.1")
"""Deflated Image Frame Compression (PS3.5, supplement 244): pydicom 3 does not know it."""

Frame = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


def frames_of(dataset: Dataset, path: Path) -> Iterator[Frame]:
    """The stored values of each frame, axes (j, i).

    Args:
        dataset: with pixel data and file meta information.
        path: its file, for messages.

    Yields:
        uint8 (0 or 1 where a voxel has one bit) or uint16.

    Raises:
        FileFormatError: fewer voxels than declared, more than can be real, or packed in a way that is not read.
    """
    count, shape = int(dataset.get("NumberOfFrames", 1)), (int(dataset.Rows), int(dataset.Columns))
    bits = int(dataset.BitsAllocated) if int(dataset.get("SamplesPerPixel", 1)) == 1 else 0
    check_declared_size((1, *shape), 2, path)
    if count < 1 or bits not in (1, 8, 16) or count * shape[0] * shape[1] * bits > MAX_BYTES * 8:
        raise FileFormatError(
            f"The DICOM file {path.name} declares {count} frames of {shape[1]} x {shape[0]} voxels with {bits} bits, "
            "which cannot be real.",
            COPY_AGAIN,
        )
    if "PixelData" not in dataset:
        raise FileFormatError(f"The DICOM file {path.name} holds no voxels.", COPY_AGAIN)
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax in (RLELossless, DEFLATED_FRAMES):
        unpack = _run_lengths if syntax == RLELossless else _inflated
        for packed in generate_frames(dataset.PixelData, number_of_frames=count):
            yield _frame(unpack(packed, shape, bits, path), 0, shape, bits)
    elif not syntax.is_transfer_syntax:
        raise unreadable(path)
    elif not syntax.is_encapsulated:
        yield from _native(dataset, count, shape, bits, path)
    else:
        try:
            yield from iter_pixels(dataset)
        except (RuntimeError, NotImplementedError) as error:
            raise unreadable(path) from error


def _native(dataset: Dataset, count: int, shape: tuple[int, int], bits: int, path: Path) -> Iterator[Frame]:
    voxels, packed = shape[0] * shape[1], dataset.PixelData
    if len(packed) * 8 < count * voxels * bits:
        raise _short(path)
    if dataset.file_meta.TransferSyntaxUID == ExplicitVRBigEndian and dataset["PixelData"].VR == "OW":
        packed = np.frombuffer(packed[: len(packed) // 2 * 2], ">u2").astype("<u2").tobytes()
    for number in range(count):
        first = number * voxels * bits
        yield _frame(packed[first // 8 : (first + voxels * bits + 7) // 8], first % 8, shape, bits)


def _frame(packed: bytes, skip: int, shape: tuple[int, int], bits: int) -> Frame:
    """A frame of little endian bytes, after some bits of the one before."""
    voxels = shape[0] * shape[1]
    if bits == 1:
        unpacked = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little", count=skip + voxels)
        return unpacked[skip:].reshape(shape)
    kind: Any = np.uint8 if bits == 8 else np.dtype("<u2")
    values: Frame = np.frombuffer(packed, kind, voxels).reshape(shape)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _inflated(packed: bytes, shape: tuple[int, int], bits: int, path: Path) -> bytes:
    size = (shape[0] * shape[1] * bits + 7) // 8
    unpacked = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, size)
    if len(unpacked) < size:
        raise _short(path)
    return unpacked


def _run_lengths(packed: bytes, shape: tuple[int, int], bits: int, path: Path) -> bytes:
    """A frame in run length encoding: the high bytes of all voxels, then the low ones (PS3.5, annex G)."""
    planes, size = max(1, bits // 8), (shape[0] * shape[1] * min(bits, 8) + 7) // 8
    count, *offsets = struct.unpack("<16L", packed[:64])
    if count != planes:
        raise unreadable(path)
    ends = [*offsets[1:planes], len(packed)]
    unpacked = [_runs(packed[first:end], size) for first, end in zip(offsets, ends, strict=False)]
    if any(len(plane) < size for plane in unpacked):
        raise _short(path)
    # The most significant byte comes first; a frame of our own has it last.
    return np.stack([np.frombuffer(plane, np.uint8) for plane in reversed(unpacked)], axis=-1).tobytes()


def _runs(packed: bytes, size: int) -> bytes:
    """One byte plane; never more than ``size`` bytes of it."""
    unpacked, position = bytearray(), 0
    while position + 1 < len(packed) and len(unpacked) < size:
        count = packed[position]
        if count < 128:
            unpacked += packed[position + 1 : position + 2 + count]
            position += 2 + count
        else:
            if count > 128:
                unpacked += packed[position + 1 : position + 2] * (257 - count)
            position += 2 if count > 128 else 1
    return bytes(unpacked[:size])


def _short(path: Path) -> FileFormatError:
    return FileFormatError(
        f"The DICOM file {path.name} is truncated: it holds fewer voxels than it declares.", COPY_AGAIN
    )
