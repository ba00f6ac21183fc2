"""What an engine answers: a change of one structure inside one box."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .errors import VolumeError

BoolArray = npt.NDArray[np.bool_]


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


@dataclass(frozen=True, eq=False)
class MaskCrop:
    """A binary mask of a volume, kept as the box that holds it.

    Args:
        start: (k, j, i) of the box's first voxel in the volume.
        mask: bool, axes (k, j, i): the mask inside the box; it is empty outside.
    """

    start: tuple[int, int, int]
    mask: BoolArray

    def __post_init__(self) -> None:
        if self.mask.ndim != 3 or self.mask.dtype != np.bool_:
            raise VolumeError(f"A mask must be 3-D and bool, not {self.mask.ndim}-D {self.mask.dtype}.")

    @classmethod
    def of(cls, mask: BoolArray) -> MaskCrop:
        """The smallest crop that holds every voxel of a whole-volume mask (k, j, i)."""
        if not mask.any():
            return cls((0, 0, 0), np.zeros((0, 0, 0), dtype=np.bool_))
        slices = []
        for axis in range(3):
            used = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
            slices.append(slice(int(used[0]), int(used[-1]) + 1))
        return cls((slices[0].start, slices[1].start, slices[2].start), mask[tuple(slices)].copy())

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The box as slices (k, j, i) into the volume."""
        k, j, i = (slice(first, first + length) for first, length in zip(self.start, self.mask.shape, strict=True))
        return k, j, i

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

    def without(self, other: MaskCrop) -> MaskCrop:
        """The voxels that another mask of the same volume does not hold."""
        k, j, i = self.mask.shape
        return MaskCrop(self.start, self.mask & ~other.inside(self.start, (k, j, i)))

    def tightened(self) -> MaskCrop:
        """The same voxels in the smallest box."""
        crop = MaskCrop.of(self.mask)
        k, j, i = (a + b for a, b in zip(self.start, crop.start, strict=True))
        return MaskCrop((k, j, i), crop.mask) if crop.mask.size else crop


def joint_box(a: MaskCrop, b: MaskCrop) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """The smallest box that holds two crops of one volume: its first voxel and its size, axes (k, j, i)."""
    crops = [crop for crop in (a, b) if crop.mask.size]
    if not crops:
        return (0, 0, 0), (0, 0, 0)
    low = [min(crop.start[axis] for crop in crops) for axis in range(3)]
    high = [max(crop.start[axis] + crop.mask.shape[axis] for crop in crops) for axis in range(3)]
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
        empty_reason: why the structure holds nothing in the box, in a sentence for the person; "" if it holds
            something.
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
    def slices(self) -> tuple[slice, slice, slice]:
        """The box as slices (k, j, i) into the volume."""
        return MaskCrop(self.start, self.mask).slices

    def apply_to(self, mask: BoolArray) -> None:
        """Write the edit into a whole-volume mask (k, j, i), in place."""
        mask[self.slices] = self.mask

    def onto(self, base: MaskCrop | None) -> MaskCrop:
        """The structure after the edit, given what it was before."""
        if base is None or base.mask.size == 0:
            return MaskCrop(self.start, self.mask)
        start, shape = joint_box(MaskCrop(self.start, self.mask), base)
        mask = base.inside(start, shape)
        mask[tuple(slice(s - o, s - o + n) for s, o, n in zip(self.start, start, self.mask.shape, strict=True))] = (
            self.mask
        )
        return MaskCrop(start, mask)
