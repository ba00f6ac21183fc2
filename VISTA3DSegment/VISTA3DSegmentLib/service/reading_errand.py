"""Reading segments from a file as an errand: whoever starts it does without the packages that read DICOM, and waits for
no large file.

One line of JSON is told: an object with ``notices``, sentences about how the file was read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import FileFormatError
from ..files.label_maps import of_no_class
from ..files.segmentations import read_segmentation, write_segmentation
from ..volume import FloatArray, grid_of
from .errand import Say


@dataclass(frozen=True)
class ReadingOrder:
    """What is read, and where the segments go.

    Args:
        path: see ``files.segmentations.read_segmentation``.
        into: a .seg.nrrd file that is made.
        shape_kji: of the scan that is open.
        ijk_to_ras: likewise, 4x4, mm.
        image: a file of the scan's DICOM series, by which structure sets of another one are known; None: none is known.
    """

    path: Path
    into: Path
    shape_kji: tuple[int, int, int]
    ijk_to_ras: FloatArray
    image: Path | None = None


def read_into(order: ReadingOrder, say: Say) -> None:
    """Read the segments of a file onto the grid of the scan and write them as Slicer's file."""
    grid = grid_of(order.shape_kji, order.ijk_to_ras)
    scan = None
    if order.image is not None:
        from ..files.rtstruct import identifiers_in

        scan = identifiers_in(order.image)
    found = of_no_class(read_segmentation(order.path, grid, scan))
    if not found.drawn:
        raise FileFormatError(f"{order.path.name} holds no voxel of any segment in this scan.", "Choose another file.")
    write_segmentation(order.into, replace(found, segments=found.drawn))
    say(json.dumps({"notices": found.notices}))
