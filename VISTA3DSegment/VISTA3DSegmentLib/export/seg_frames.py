"""The frames of a binary DICOM segmentation: which there are, and their bits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..edits import BoolArray, MaskCrop

Frame: TypeAlias = tuple[int, int]
"""Index of the segment, and the slice k."""


def slices_with_voxels(mask: MaskCrop) -> list[int]:
    """The slices k in which a mask has voxels."""
    return [mask.start[0] + int(k) for k in np.flatnonzero(mask.mask.any(axis=(1, 2)))]


def plane_of(mask: MaskCrop, k: int, shape_ji: tuple[int, int]) -> BoolArray:
    """A slice of a mask: bool, axes (j, i), of the whole slice's shape."""
    plane = np.zeros(shape_ji, np.bool_)
    _, rows, columns = mask.slices
    plane[rows, columns] = mask.mask[k - mask.start[0]]
    return plane


def packed(planes: Iterator[BoolArray]) -> Iterator[bytes]:
    """Frames as bits, first pixel in the lowest bit, without a gap between frames (PS3.5, 8.1.1).

    Args:
        planes: bool, axes (j, i), one for each frame.

    Yields:
        Bytes for each frame; what does not fill one goes to the next frame. The last bytes are filled with zeros.
    """
    rest = np.zeros(0, np.bool_)
    for plane in planes:
        bits = plane.reshape(-1) if rest.size == 0 else np.concatenate([rest, plane.reshape(-1)])
        whole = bits.size - bits.size % 8
        yield np.packbits(bits[:whole], bitorder="little").tobytes()
        rest = bits[whole:]
    if rest.size:
        yield np.packbits(rest, bitorder="little").tobytes()


def byte_count(frames: int, shape_ji: tuple[int, int]) -> int:
    """Length of packed frames; DICOM wants an even one."""
    length = (frames * shape_ji[0] * shape_ji[1] + 7) // 8
    return length + length % 2


def sketch(frames: Sequence[Sequence[int]], slices: int) -> npt.NDArray[np.uint16]:
    """Small frames that stand for the real ones: one pixel for each segment, so that segments never overlap.

    Args:
        frames: for each segment, the slices k in which it has voxels.
        slices: how many there are.

    Returns:
        Segment numbers from 1, axes (k, j, i), of shape (slices, 1, segments); 0 where a segment has no voxels.
    """
    small = np.zeros((slices, 1, len(frames)), np.uint16)
    for index, used in enumerate(frames):
        small[list(used), 0, index] = index + 1
    return small
