"""What an engine answers: a change of one structure inside one box."""

from __future__ import annotations

import base64
import hashlib
import weakref
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from .errors import VolumeError

BoolArray = npt.NDArray[np.bool_]
Index3: TypeAlias = tuple[int, int, int]
BoxKji: TypeAlias = tuple[Index3, Index3]
"""First voxel and size of a box, axes (k, j, i)."""

NO_BOX: BoxKji = (0, 0, 0), (0, 0, 0)
LONGEST_LINE = 8
"""Masks made one from the other that ``box_of_change`` looks at: more than a few are never alive."""


def pack_voxels(mask: BoolArray) -> bytes:
    """A mask as bytes: eight voxels a byte, in C order, deflated."""
    return zlib.compress(np.packbits(mask).tobytes(), 1)


def unpack_voxels(packed: bytes, shape: tuple[int, int, int]) -> BoolArray:
    """What ``pack_voxels`` packed; never more than the shape holds is inflated.

    Raises:
        ValueError: the bytes are not those of a mask of this shape. zlib.error: they are damaged.
    """
    count = shape[0] * shape[1] * shape[2]
    size = (count + 7) // 8
    inflate = zlib.decompressobj()
    bits = inflate.decompress(packed, size + 1)
    if len(bits) != size or not inflate.eof:
        raise ValueError("wrong size")
    return np.unpackbits(np.frombuffer(bits, dtype=np.uint8), count=count).reshape(shape).view(np.bool_)


def packed_to_json(start: Index3, shape: Index3, packed: bytes) -> list[Any]:
    """A box (k, j, i) and its voxels, as ``pack_voxels`` packs them, as numbers and text for a file."""
    return [*start, *shape, base64.b64encode(packed).decode()]


def packed_from_json(words: Sequence[Any]) -> tuple[Index3, Index3, bytes]:
    """What ``packed_to_json`` made.

    Raises:
        ValueError: it is something else.
    """
    k, j, i, dk, dj, di, text = words
    return (k, j, i), (dk, dj, di), base64.b64decode(text, validate=True)


@dataclass(frozen=True, eq=False)
class MaskCrop:
    """A binary mask of a volume, kept as the box that holds it.

    Args:
        start: (k, j, i) of the box's first voxel in the volume.
        mask: bool, axes (k, j, i): the mask inside the box; it is empty outside. Never written to.
        origin: what it was made from, and the box outside which both are equal: whoever compares them need not look
            at a whole organ.
    """

    start: Index3
    mask: BoolArray
    origin: tuple[weakref.ref[MaskCrop], BoxKji] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.mask.ndim != 3 or self.mask.dtype != np.bool_:
            raise VolumeError(f"A mask must be 3-D and bool, not {self.mask.ndim}-D {self.mask.dtype}.")

    @classmethod
    def of(cls, mask: BoolArray) -> MaskCrop:
        """The smallest crop that holds every voxel of a whole-volume mask (k, j, i)."""
        shadow = np.asarray(mask.any(axis=0))  # the two reductions of the whole that memory likes
        if not shadow.any():
            return cls((0, 0, 0), np.zeros((0, 0, 0), dtype=np.bool_))
        slices = []
        for line in (mask.any(axis=(1, 2)), shadow.any(axis=1), shadow.any(axis=0)):
            used = np.flatnonzero(line)
            slices.append(slice(int(used[0]), int(used[-1]) + 1))
        return cls((slices[0].start, slices[1].start, slices[2].start), mask[tuple(slices)].copy())

    @property
    def shape(self) -> Index3:
        """Size of the box along (k, j, i)."""
        k, j, i = self.mask.shape
        return k, j, i

    @cached_property
    def packed(self) -> bytes:
        """The mask inside its box as ``pack_voxels`` packs it."""
        return pack_voxels(self.mask)

    @cached_property
    def content_key(self) -> str:
        """Same box and same voxels in it give the same key, in any process: for caches of what is made of it."""
        digest = hashlib.blake2b(repr((self.start, self.shape)).encode(), digest_size=16)
        digest.update(np.packbits(self.mask).data)
        return digest.hexdigest()

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The box as slices (k, j, i) into the volume."""
        k, j, i = (slice(first, first + length) for first, length in zip(self.start, self.mask.shape, strict=True))
        return k, j, i

    def holds(self, k: int, j: int, i: int) -> bool:
        """Whether a voxel of the volume, which may lie outside it, is in the mask."""
        k, j, i = k - self.start[0], j - self.start[1], i - self.start[2]
        depth, height, width = self.mask.shape
        return 0 <= k < depth and 0 <= j < height and 0 <= i < width and bool(self.mask[k, j, i])

    def inside(self, start: tuple[int, int, int], shape: tuple[int, int, int]) -> BoolArray:
        """The mask inside another box of the same volume: bool, axes (k, j, i), of that shape."""
        out = np.zeros(shape, dtype=np.bool_)
        here, there = [], []
        for axis in range(3):
            low = max(start[axis], self.start[axis])
            high = min(start[axis] + shape[axis], self.start[axis] + self.mask.shape[axis])
            if low >= high:
                return out
            here.append(slice(low - start[axis], high - start[axis]))
            there.append(slice(low - self.start[axis], high - self.start[axis]))
        out[tuple(here)] = self.mask[tuple(there)]
        return out

    def full(self, shape: tuple[int, int, int]) -> BoolArray:
        """The mask of the whole volume: bool, axes (k, j, i), of that shape."""
        return self.inside((0, 0, 0), shape)

    def replaced(self, start: Index3, mask: BoolArray) -> MaskCrop:
        """With other voxels (bool, axes k, j, i) in the box that begins at ``start``; the box grows as it must."""
        patch = MaskCrop(start, mask)
        whole_start, shape = joint_box(patch, self)
        grown = (
            self.mask.copy() if (whole_start, shape) == (self.start, self.shape) else self.inside(whole_start, shape)
        )
        grown[tuple(slice(s - o, s - o + n) for s, o, n in zip(start, whole_start, mask.shape, strict=True))] = mask
        return MaskCrop(whole_start, grown, (weakref.ref(self), (start, patch.shape)))

    def tightened(self) -> MaskCrop:
        """The same voxels in the smallest box; itself if it has none smaller."""
        if all(self.mask.take(end, axis).any() for axis in range(3) if self.mask.size for end in (0, -1)):
            return self
        crop = MaskCrop.of(self.mask)
        k, j, i = (a + b for a, b in zip(self.start, crop.start, strict=True))
        return MaskCrop((k, j, i), crop.mask) if crop.mask.size else crop


NOTHING = MaskCrop((0, 0, 0), np.zeros((0, 0, 0), dtype=np.bool_))
"""The mask without a voxel."""


def joint_box(a: MaskCrop, b: MaskCrop) -> BoxKji:
    """The smallest box that holds two crops of one volume."""
    return _union((a.start, a.shape), (b.start, b.shape))


def box_of_change(a: MaskCrop, b: MaskCrop) -> BoxKji:
    """A box of the volume outside which two masks are equal, found without looking at their voxels."""
    ancestors = list(_line(a))
    for later, box_b in _line(b):
        for earlier, box_a in ancestors:
            if earlier is later:
                return _union(box_a, box_b)
    return joint_box(a, b)


def _line(mask: MaskCrop) -> list[tuple[MaskCrop, BoxKji]]:
    """A mask and what it was made from, with the box in which it may differ from each."""
    line, box = [(mask, NO_BOX)], NO_BOX
    while mask.origin is not None and len(line) < LONGEST_LINE:
        parent = mask.origin[0]()
        if parent is None:
            break
        box = _union(box, mask.origin[1])
        line.append((parent, box))
        mask = parent
    return line


def _union(a: BoxKji, b: BoxKji) -> BoxKji:
    boxes = [box for box in (a, b) if all(box[1])]
    if not boxes:
        return NO_BOX
    low = [min(start[axis] for start, _ in boxes) for axis in range(3)]
    high = [max(start[axis] + shape[axis] for start, shape in boxes) for axis in range(3)]
    return (low[0], low[1], low[2]), (high[0] - low[0], high[1] - low[1], high[2] - low[2])


@dataclass(frozen=True, eq=False)
class Edit:
    """A change of one structure: what it is inside one box; outside the box it stays as it was.

    Args:
        start: (k, j, i) of the box's first voxel in the volume.
        mask: bool, axes (k, j, i): REPLACES the structure inside the box.
        added: voxels that the base did not have.
        removed: voxels of the base that are gone.
        seconds: time by stage.
        empty_reason: why nothing was found, or nothing changed, in a sentence for the person; else "".
        notices: what else the person should know (a fallback that was taken, a click that had no effect).
    """

    start: tuple[int, int, int]
    mask: BoolArray
    added: int
    removed: int
    seconds: Mapping[str, float] = field(default_factory=dict)
    empty_reason: str = ""
    notices: tuple[str, ...] = ()

    @property
    def nbytes(self) -> int:
        """Memory of its voxels."""
        return self.mask.nbytes

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The box as slices (k, j, i) into the volume."""
        return MaskCrop(self.start, self.mask).slices

    def onto(self, base: MaskCrop | None) -> MaskCrop:
        """The structure after the edit, given what it was before."""
        if base is None or base.mask.size == 0:
            return MaskCrop(self.start, self.mask)
        return base.replaced(self.start, self.mask)
