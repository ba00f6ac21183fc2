"""Reading a DICOM segmentation back: every voxel, where it lies, and what the segments are said to be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pydicom

from ..edits import BoolArray
from ..engines.reporting import Reporter
from ..errors import FileFormatError
from ..files.segments import Segmentation
from .seg_frames import byte_count, plane_of, slices_with_voxels
from .source import DicomSource

SAME_PLACE_MM = 1e-3
HEADER_BYTES = 12
"""Tag, value representation and length of the element that holds the pixels (PS3.5, 7.1.2)."""


def check_binary(
    written: Path,
    path: Path,
    segmentation: Segmentation,
    source: DicomSource,
    items: Sequence[pydicom.Dataset],
    reporter: Reporter,
) -> None:
    """Compare every frame of a binary segmentation.

    Args:
        written: the file under its temporary name.
        path: its name, for messages.
        segmentation: what it must hold, on the lattice of the source.
        source: the series.
        items: of its Segment Sequence.
        reporter: told after each frame.

    Raises:
        FileFormatError: something differs. Cancelled.
    """
    shape_ji = source.shape_kji[1:]
    missing = [set(slices_with_voxels(one.mask)) for one in segmentation.segments]
    with written.open("rb") as file:
        dataset = pydicom.dcmread(file, stop_before_pixels=True)
        places = [_place(item, dataset, source) for item in dataset.PerFrameFunctionalGroupsSequence]
        start = file.tell() + HEADER_BYTES
        good = written.stat().st_size == start + byte_count(len(places), shape_ji)
        good = good and (dataset.Rows, dataset.Columns) == shape_ji and dataset.NumberOfFrames == len(places)
        for frame, (index, k) in enumerate(places):
            reporter.check()
            if not good or k not in missing[index]:
                raise _differs(path)
            missing[index].discard(k)
            expected = plane_of(segmentation.segments[index].mask, k, shape_ji)
            good = np.array_equal(_bits(file, start, frame, shape_ji), expected)
            reporter.done()
    if not good or any(missing) or not _same_items(dataset, items):
        raise _differs(path)


def check_label_map(
    written: Path,
    path: Path,
    labels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16],
    source: DicomSource,
    items: Sequence[pydicom.Dataset],
) -> None:
    """Compare every voxel of a label map segmentation with labels (k, j, i) on the lattice of the source.

    Args:
        written: the file under its temporary name.
        path: its name, for messages.
        labels: what it must hold.
        source: the series.
        items: of its Segment Sequence.

    Raises:
        FileFormatError: something differs.
    """
    dataset = pydicom.dcmread(written)
    frames = dataset.pixel_array.reshape(-1, *labels.shape[1:])
    unseen = set(np.flatnonzero(labels.any(axis=(1, 2))).tolist())
    for frame, item in zip(frames, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        k = _slice(item, source)
        unseen.discard(k)
        if not np.array_equal(frame, labels[k]):
            raise _differs(path)
    if unseen or not _same_items(dataset, items):
        raise _differs(path)


def _place(item: pydicom.Dataset, dataset: pydicom.Dataset, source: DicomSource) -> tuple[int, int]:
    """Index of the segment and slice k of a frame."""
    shared = dataset.SharedFunctionalGroupsSequence[0]
    named = item if "SegmentIdentificationSequence" in item else shared
    return int(named.SegmentIdentificationSequence[0].ReferencedSegmentNumber) - 1, _slice(item, source)


def _slice(item: pydicom.Dataset, source: DicomSource) -> int:
    """The slice of the source that lies where a frame does; -1: there is none."""
    position = np.asarray(item.PlanePositionSequence[0].ImagePositionPatient, np.float64)
    off_mm = np.abs(source.positions_lps - position).max(axis=1)
    nearest = int(off_mm.argmin())
    return nearest if off_mm[nearest] < SAME_PLACE_MM else -1


def _bits(file: BinaryIO, start: int, frame: int, shape_ji: tuple[int, int]) -> BoolArray:
    """A frame of bits (PS3.5, 8.1.1) as bool, axes (j, i)."""
    count = shape_ji[0] * shape_ji[1]
    first = frame * count
    file.seek(start + first // 8)
    stored = np.frombuffer(file.read((first + count + 7) // 8 - first // 8), np.uint8)
    bits = np.unpackbits(stored, bitorder="little")[first % 8 :][:count]
    return bits.view(np.bool_).reshape(shape_ji)


def _same_items(dataset: pydicom.Dataset, items: Sequence[pydicom.Dataset]) -> bool:
    """Whether the segments are said to be what they were: names, codes, colours, how they were made."""
    found = list(dataset.SegmentSequence)
    return len(found) == len(items) and all(one == item for one, item in zip(found, items, strict=True))


def _differs(path: Path) -> FileFormatError:
    return FileFormatError(f"What was written to {path.name} did not read back the same.", "Try another disk.")
