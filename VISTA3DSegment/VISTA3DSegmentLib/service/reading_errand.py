"""Reading segments from a file as an errand: whoever starts it does without the packages that read DICOM, and waits for
no large file.

Each segment is told as a line of JSON, and last an object with ``notices``, sentences about how the file was read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ..edits import MaskCrop, packed_from_json, packed_to_json, unpack_voxels
from ..errors import FileFormatError
from ..files.label_maps import of_no_class
from ..files.segmentations import identifiers_for, read_segmentation
from ..files.segments import Segment, Segmentation
from ..volume import FloatArray, grid_of
from .errand import Say


@dataclass(frozen=True)
class ReadingOrder:
    """What is read, and where the segments go.

    Args:
        path: see ``files.segmentations.read_segmentation``.
        shape_kji: of the scan that is open.
        ijk_to_ras: likewise, 4x4, mm.
        image: a file of the scan's DICOM series, by which DICOM objects of another one are known; None: none is known.
    """

    path: Path
    shape_kji: tuple[int, int, int]
    ijk_to_ras: FloatArray
    image: Path | None = None


def read_onto(order: ReadingOrder, say: Say) -> None:
    """Read the segments of a file onto the grid of the scan, and tell them; nothing is told of a file that fails."""
    grid = grid_of(order.shape_kji, order.ijk_to_ras)
    scan = identifiers_for(order.path, order.image)
    found = of_no_class(read_segmentation(order.path, grid, scan))
    if not found.drawn:
        raise FileFormatError(f"{order.path.name} holds no voxel of any segment in this scan.", "Choose another file.")
    for segment in found.drawn:
        say(_line_of(segment))
    say(json.dumps({"notices": found.notices}))


class Reading:
    """What was told so far of an order.

    Args:
        order: that is being done.
    """

    def __init__(self, order: ReadingOrder) -> None:
        self._order = order
        self._segments: list[Segment] = []
        self._notices: tuple[str, ...] = ()

    def take(self, line: str) -> None:
        """A line was told."""
        words = json.loads(line)
        if "notices" in words:
            self._notices = tuple(words["notices"])
            return
        start, shape, packed = packed_from_json(words.pop("mask"))
        mask = MaskCrop(start, unpack_voxels(packed, shape))
        self._segments.append(Segment(mask=mask, color=tuple(words.pop("color")), **words))

    @property
    def segmentation(self) -> Segmentation:
        """The segments, on the grid of the scan."""
        return Segmentation(self._order.shape_kji, self._order.ijk_to_ras, tuple(self._segments), self._notices)


def _line_of(segment: Segment) -> str:
    words = {
        "name": segment.name,
        "color": segment.color,
        "class_id": segment.class_id,
        "terminology": segment.terminology,
        "tags": dict(segment.tags),
        "mask": packed_to_json(segment.mask.start, segment.mask.shape, segment.mask.packed),
    }
    return json.dumps(words)
