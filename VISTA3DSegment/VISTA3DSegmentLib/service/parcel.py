"""An order with the segments, earlier ones and the scan that it is about, in memory that an errand's child shares.

As arguments of the process they would hold up whoever starts it until the child has read them.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np

from ..edits import NOTHING, BoxKji, MaskCrop
from ..engine import Cancel
from ..errors import Cancelled
from ..files.segments import Segmentation
from ..volume import FloatArray, Volume
from .shared_memory import bytes_of, copied, room_for

CANCELLED_AT, VOXELS_AT = 0, 64
"""Places in the memory: a byte that says whether the order was taken back, and the scan: its voxels lie at a multiple
of their size, for others are slow to read. The header and the bits of the masks follow it."""


@dataclass(frozen=True)
class Label:
    """Where a parcel is, as the child is told.

    Args:
        memory: name of the shared memory.
        header_at: where in it that begins which describes the rest.
        header_bytes: its size.
    """

    memory: str
    header_at: int
    header_bytes: int


@dataclass(frozen=True)
class _Scan:
    """A volume but its voxels."""

    shape_kji: tuple[int, int, int]
    dtype: str
    ijk_to_ras: FloatArray
    name: str


@dataclass(frozen=True)
class _Header:
    """Segmentations are without their masks; ``boxes`` are where these lie, those of the earlier one last."""

    order: Any
    segmentation: Segmentation
    prior: Segmentation | None
    boxes: tuple[BoxKji, ...]
    scan: _Scan | None


class Parcel:
    """See the module. ``fill`` has to be run to its end before a child is given the label.

    Args:
        order: what is to be done: any value that can be pickled.
        segmentation: the segments.
        volume: the scan; None: it is not needed.
        prior: an earlier segmentation, on a grid of its own; None: there is none.

    Raises:
        ResourceError: there is no room for it.
    """

    def __init__(
        self, order: Any, segmentation: Segmentation, volume: Volume | None = None, prior: Segmentation | None = None
    ) -> None:
        earlier = () if prior is None else prior.segments
        self._masks, self._volume = [segment.mask for segment in (*segmentation.segments, *earlier)], volume
        boxes = tuple((mask.start, mask.shape) for mask in self._masks)
        scan = None if volume is None else _scan_of(volume)
        bare = None if prior is None else _without_masks(prior)
        header = pickle.dumps(_Header(order, _without_masks(segmentation), bare, boxes, scan))
        header_at = VOXELS_AT + (0 if volume is None else volume.array.nbytes)
        bits = sum(shape[0] * _bytes_of_plane(shape) for _, shape in boxes)
        self._bits_at = header_at + len(header)
        self._memory = room_for(self._bits_at + bits)
        bytes_of(self._memory)[CANCELLED_AT] = 0
        bytes_of(self._memory)[header_at : self._bits_at] = header
        self.label = Label(self._memory.name, header_at, len(header))

    def fill(self) -> Iterator[None]:
        """Put the voxels in, a plane with each step."""
        at = self._bits_at
        for mask in self._masks:
            size = _bytes_of_plane(mask.shape)
            for plane in mask.mask:
                bytes_of(self._memory)[at : at + size] = np.packbits(plane).tobytes()
                at += size
                yield
        if self._volume is not None:
            yield from copied(self._volume.array, self._memory, VOXELS_AT)

    def cancel(self) -> None:
        """Tell the child that the order does not hold any more."""
        bytes_of(self._memory)[CANCELLED_AT] = 1

    def release(self) -> None:
        """Give the room back; a child that has begun to read keeps its part."""
        self._memory.close()
        self._memory.unlink()


@dataclass(frozen=True)
class Unpacked:
    """What a child finds in a parcel.

    Args:
        order: what is to be done.
        segmentation: the segments.
        volume: the scan; None: none came with it.
        prior: an earlier segmentation; likewise.
        cancel: whether the order was taken back.
    """

    order: Any
    segmentation: Segmentation
    volume: Volume | None
    prior: Segmentation | None
    cancel: Cancel


@contextmanager
def unpacked(label: Label) -> Iterator[Unpacked]:
    """Read a parcel, in the child.

    Raises:
        Cancelled: it is gone already: nobody waits any more.
    """
    try:
        memory = SharedMemory(label.memory)
    except FileNotFoundError as error:
        raise Cancelled from error
    try:
        yield _read(memory, label)
    finally:
        memory.close()


def _read(memory: SharedMemory, label: Label) -> Unpacked:
    """Copies of all: nothing refers to the memory afterwards but ``cancel``, so that it can be closed."""
    masks_at = label.header_at + label.header_bytes
    header: _Header = pickle.loads(bytes(bytes_of(memory)[label.header_at : masks_at]))
    masks = _masks(memory, masks_at, header.boxes)
    return Unpacked(
        header.order,
        _with_masks(header.segmentation, masks),
        None if header.scan is None else _volume(memory, header.scan),
        None if header.prior is None else _with_masks(header.prior, masks),
        lambda: bool(bytes_of(memory)[CANCELLED_AT]),
    )


def _masks(memory: SharedMemory, at: int, boxes: Sequence[BoxKji]) -> Iterator[MaskCrop]:
    for start, shape in boxes:
        size = _bytes_of_plane(shape)
        bits = np.ndarray((shape[0], size), np.uint8, bytes(bytes_of(memory)[at : at + shape[0] * size]))
        voxels = np.unpackbits(bits, axis=1, count=shape[1] * shape[2])
        yield MaskCrop(start, voxels.reshape(shape).view(np.bool_))
        at += shape[0] * size


def _volume(memory: SharedMemory, scan: _Scan) -> Volume:
    array = np.ndarray(scan.shape_kji, np.dtype(scan.dtype), memory.buf, VOXELS_AT).copy()
    return Volume(array, scan.ijk_to_ras, scan.name)


def _without_masks(segmentation: Segmentation) -> Segmentation:
    return replace(segmentation, segments=tuple(replace(one, mask=NOTHING) for one in segmentation.segments))


def _with_masks(segmentation: Segmentation, masks: Iterator[MaskCrop]) -> Segmentation:
    """The next of the masks, one for each segment."""
    return replace(segmentation, segments=tuple(replace(one, mask=next(masks)) for one in segmentation.segments))


def _scan_of(volume: Volume) -> _Scan:
    return _Scan(volume.shape_kji, volume.array.dtype.str, volume.ijk_to_ras, volume.name)


def _bytes_of_plane(shape: tuple[int, int, int]) -> int:
    return (shape[1] * shape[2] + 7) // 8
