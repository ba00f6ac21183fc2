"""Reading segments in a child process: what it tells is what the file holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builders import box_mask
from export_world import DRAWN, LEFT_KIDNEY_CYST, SHAPE, scan, segment, segmentation
from VISTA3DSegmentLib.errors import FileFormatError
from VISTA3DSegmentLib.files.segmentations import read_segmentation, write_segmentation
from VISTA3DSegmentLib.service.reading_errand import Reading, ReadingOrder, read_onto


def test_what_is_told_is_what_the_file_holds(tmp_path: Path) -> None:
    path, volume = tmp_path / "a.seg.nrrd", scan()
    write_segmentation(
        path,
        segmentation(
            segment(box_mask(SHAPE, (1, 2, 3), (3, 4, 6))),
            segment(box_mask(SHAPE, (1, 2, 3), (4, 5, 6)), "Zyste links", LEFT_KIDNEY_CYST, DRAWN),
            segment(box_mask(SHAPE, (0, 0, 0), (0, 0, 0)), "not drawn", None),
        ),
    )
    order = ReadingOrder(path, volume.shape_kji, volume.ijk_to_ras)
    reading, lines = Reading(order), list[str]()
    read_onto(order, lines.append)
    for line in lines:
        reading.take(line)
    found, expected = reading.segmentation, read_segmentation(path, like=volume)
    assert found.notices == expected.notices
    assert [one.name for one in found.segments] == [one.name for one in expected.segments[:2]]
    for one, other in zip(found.segments, expected.segments[:2], strict=True):
        np.testing.assert_array_equal(one.mask.full(SHAPE), other.mask.full(SHAPE))
        for part in ("name", "color", "class_id", "terminology", "tags"):
            assert getattr(one, part) == getattr(other, part), part


def test_nothing_is_told_of_a_file_without_a_voxel(tmp_path: Path) -> None:
    path, volume = tmp_path / "a.seg.nrrd", scan()
    write_segmentation(path, segmentation(segment(box_mask(SHAPE, (0, 0, 0), (0, 0, 0)))))
    told = list[str]()
    with pytest.raises(FileFormatError, match="no voxel"):
        read_onto(ReadingOrder(path, volume.shape_kji, volume.ijk_to_ras), told.append)
    assert told == []
