"""The difference of two masks, packed: what undo and redo are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..edits import NOTHING, Index3, MaskCrop, box_of_change, packed_from_json, packed_to_json, unpack_voxels


@dataclass(frozen=True)
class Delta:
    """Voxels that differ between two masks of one structure. Applied to either it gives the other.

    Args:
        start: (k, j, i) of the box that holds every difference.
        shape: size of the box along (k, j, i); (0, 0, 0) if the masks are equal.
        packed: the exclusive or of both inside the box: eight voxels a byte in C order, deflated.
        added: voxels of the later mask that the earlier lacks.
        removed: voxels of the earlier mask that the later lacks.
    """

    start: Index3 = (0, 0, 0)
    shape: Index3 = (0, 0, 0)
    packed: bytes = b""
    added: int = 0
    removed: int = 0

    @classmethod
    def between(cls, before: MaskCrop, after: MaskCrop) -> Delta:
        """What leads from one mask to the other."""
        if not before.mask.size or not after.mask.size:  # a whole mask came or went: what it keeps packed serves again
            whole = (after if after.mask.size else before).tightened()
            count = int(np.count_nonzero(whole.mask))
            counts = (count, 0) if after.mask.size else (0, count)
            return cls(whole.start, whole.shape, whole.packed, *counts) if count else cls()
        start, shape = box_of_change(before, after)
        old, new = before.inside(start, shape), after.inside(start, shape)
        difference = MaskCrop.of(old ^ new)
        if not difference.mask.size:
            return cls()
        at = _sum(start, difference.start)
        added, removed = (int(np.count_nonzero(voxels)) for voxels in (new & ~old, old & ~new))
        return cls(at, difference.shape, difference.packed, added, removed)

    def __bool__(self) -> bool:
        return bool(self.packed)

    def onto(self, mask: MaskCrop) -> MaskCrop:
        """The other of the two masks, given one."""
        if not self:
            return mask
        difference = unpack_voxels(self.packed, self.shape)
        return mask.replaced(self.start, mask.inside(self.start, self.shape) ^ difference)

    def to_json(self) -> list[Any]:
        """As numbers and text, for a file."""
        return packed_to_json(self.start, self.shape, self.packed)

    @classmethod
    def from_json(cls, words: Sequence[Any]) -> Delta:
        """What ``to_json`` made.

        Raises:
            ValueError: it is something else.
        """
        return cls(*packed_from_json(words))

    def combined(self, other: Delta) -> Delta:
        """What leads over both, one after the other. Its voxels are not counted as added and removed."""
        combined = Delta.between(self.onto(NOTHING), other.onto(NOTHING))
        return replace(combined, added=0, removed=0)


def _sum(a: Index3, b: Index3) -> Index3:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]
