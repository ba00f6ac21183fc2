"""The world in which tests click: three structures of two colours, on the model's own grid."""

from __future__ import annotations

import numpy as np
from engine_builders import (
    LIVER,
    painted_scan,
)
from VISTA3DSegmentLib.edits import BoolArray, Edit, MaskCrop
from VISTA3DSegmentLib.prompts import Structure
from VISTA3DSegmentLib.volume import Volume

Slices = tuple[slice, slice, slice]

NEW = Structure("nodule")
THE_LIVER = Structure("liver", LIVER)
SHAPE = (40, 36, 44)
ORGAN: Slices = (slice(4, 14), slice(5, 15), slice(6, 16))
TWIN: Slices = (slice(4, 14), slice(5, 15), slice(19, 25))
"""Of the same colour in the same windows, but apart."""
FAR: Slices = (slice(28, 38), slice(24, 34), slice(30, 42))
HU = 300


def body() -> Volume:
    return painted_scan(SHAPE, [(ORGAN, HU), (TWIN, HU), (FAR, 700)])


def mask_of(*boxes: Slices, shape: tuple[int, int, int] = SHAPE) -> BoolArray:
    mask = np.zeros(shape, np.bool_)
    for box in boxes:
        mask[box] = True
    return mask


def crop(mask: BoolArray) -> MaskCrop:
    return MaskCrop.of(mask)


def same(one: Edit, other: Edit) -> bool:
    return (
        one.start == other.start
        and np.array_equal(one.mask, other.mask)
        and (one.added, one.removed, one.empty_reason, one.notices)
        == (other.added, other.removed, other.empty_reason, other.notices)
    )
