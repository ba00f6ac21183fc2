"""Segments and segmentations as values: what is read from files and written to them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..edits import MaskCrop
from ..errors import VolumeError
from ..volume import FloatArray, check_geometry

Rgb = tuple[int, int, int]

NO_SIGNS = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's categories of control signs, of halves of signs, and of what parts lines and paragraphs."""


@dataclass(frozen=True, eq=False)
class Segment:
    """One structure: its voxels, and what it is.

    Args:
        name: what the person calls it, as files hold it: on one line, without blanks at its ends.
        mask: its voxels, on the grid of the segmentation.
        color: red, green, blue, 0 to 255.
        class_id: id of the model's class, or the value in a label map; None for a structure without a class.
        terminology: Slicer's entry, "context~category~type~modifier~region context~region~region modifier", where each
            code is SCHEME^VALUE^MEANING; "" if unknown.
        tags: Slicer's other tags of the segment, by name.
        label_value: in the label map that it was read from, if nothing says which class it is.

    Raises:
        VolumeError: no name, no colour, or text that Slicer's list of tags cannot hold.
    """

    name: str
    mask: MaskCrop
    color: Rgb
    class_id: int | None = None
    terminology: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    label_value: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", clean_name(self.name))
        if not self.name:
            raise VolumeError("A segment has no name.", "Name it.")
        if len(self.color) != 3 or not all(0 <= part <= 255 for part in self.color):
            raise VolumeError(f"The segment {self.name} has no valid colour: {self.color}.", "Use 0 to 255.")
        if "|" in self.terminology or any("|" in key + text or ":" in key for key, text in self.tags.items()):
            raise VolumeError(f"A tag of the segment {self.name} holds the sign | that parts tags.", "Leave it out.")


def clean_name(name: str) -> str:
    """A name as every kind of file holds it: on one line, of signs that can be written, without blanks at its ends."""
    return "".join(" " if unicodedata.category(sign) in NO_SIGNS else sign for sign in name).strip()


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Segments on one grid; they may overlap.

    Args:
        shape_kji: number of voxels along (k, j, i).
        ijk_to_ras: 4x4, float64, mm.
        segments: in the order in which they are listed.
        notices: what the person should know about how it was read or placed.

    Raises:
        VolumeError: the geometry is not one, or a mask does not fit into the grid.
    """

    shape_kji: tuple[int, int, int]
    ijk_to_ras: FloatArray
    segments: tuple[Segment, ...]
    notices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        matrix = np.array(self.ijk_to_ras, dtype=np.float64)
        matrix.flags.writeable = False
        object.__setattr__(self, "ijk_to_ras", matrix)
        check_geometry(matrix)
        for segment in self.segments:
            ends = (start + length for start, length in zip(segment.mask.start, segment.mask.mask.shape, strict=True))
            if min(segment.mask.start) < 0 or any(e > n for e, n in zip(ends, self.shape_kji, strict=True)):
                raise VolumeError(f"The segment {segment.name} does not fit into the grid of the segmentation.")

    @property
    def drawn(self) -> tuple[Segment, ...]:
        """The segments that have a voxel."""
        return tuple(segment for segment in self.segments if segment.mask.mask.any())
