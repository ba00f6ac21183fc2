"""Writing DICOM segmentations (PS3.3, A.51 and A.89): binary frames, or a label map.

highdicom makes the object. For binary frames it is given small ones with one pixel for each segment, of which it makes
every module and functional group; the real bits are written behind them one frame at a time. So segments may overlap,
memory stays small, and the work can be shown and stopped.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import highdicom
import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.uid import ExplicitVRLittleEndian

from ..edits import BoolArray
from ..engine import Cancel, OnProgress
from ..engines.reporting import Reporter
from ..errors import FileFormatError, VolumeError
from ..files.atomic import write_atomically
from ..files.label_maps import label_map_of
from ..files.segments import Segment, Segmentation
from ..terminology import meaning_of
from .equipment import (
    DEVICE_SERIAL_NUMBER,
    MANUFACTURER,
    MODEL_NAME,
    NAMES_CHANGED,
    SEGMENTATION_SERIES,
    SOFTWARE_VERSION,
    fitting,
    series_number,
)
from .identifiers import new_uid, tracking_of
from .seg_check import check_binary, check_label_map
from .seg_frames import Frame, byte_count, packed, plane_of, sketch, slices_with_voxels
from .segment_descriptions import described, is_recorded, say_algorithm
from .source import DicomSource, matched
from .stand_in import give_names_back, stand_ins
from .wording import UNCODED, listed

PIXEL_DATA = 0x7FE0, 0x0010
LONGEST_VALUE = 2**32 - 2
"""Bytes of an element that is not encapsulated (PS3.5, 7.1.1)."""
MOST_SEGMENTS = 65535
LABEL = "SEGMENTATION"


def write_dicom_seg(
    path: Path | str,
    segmentation: Segmentation,
    source: DicomSource,
    *,
    labelmap: bool = False,
    description: str = "",
    progress: OnProgress | None = None,
    cancel: Cancel | None = None,
) -> tuple[str, ...]:
    """Write a DICOM segmentation, read it back and compare it voxel by voxel.

    Args:
        path: the file; an existing one is replaced only once the new one is whole.
        segmentation: on the voxels of the source, whatever the order of its axes; segments may overlap.
        source: the series that was segmented; patient, study and frame of reference are its.
        labelmap: a Label Map Segmentation instead of binary frames: smaller, without overlaps, and read by fewer.
        description: of the series; "": a usual one.
        progress: told after each frame that was written or compared.
        cancel: asked before each; True leaves everything as it was.

    Returns:
        Sentences: which segments were left out as empty, have shortened names or no codes, or do not say how they were
        made.

    Raises:
        VolumeError: other voxels than the source's, or no voxel in any segment. FileFormatError: overlaps in a label
            map, too much for one file, or it did not read back the same. ResourceError: the file cannot be written.
            Cancelled.
    """
    path = Path(path)
    placed = matched(segmentation, source)
    written = replace(placed, segments=placed.drawn)
    _check_count(written.segments)
    frames = [slices_with_voxels(one.mask) for one in written.segments]
    if labelmap:
        _write_label_map(path, written, source, description, Reporter(2, progress, cancel))
    else:
        reporter = Reporter(2 * sum(map(len, frames)), progress, cancel)
        _write_binary(path, written, source, description, frames, reporter)
    return (*placed.notices[len(segmentation.notices) :], *notices_of(placed.segments))


def notices_of(segments: Sequence[Segment]) -> tuple[str, ...]:
    """What an object made of these segments lacks, in sentences that name them."""
    empty = [one.name for one in segments if not one.mask.mask.any()]
    full = [one for one in segments if one.mask.mask.any()]
    uncoded = [one.name for one in full if meaning_of(one.terminology, one.class_id) is None]
    unrecorded = [one.name for one in full if not is_recorded(one)]
    found = (
        ("Empty segments were left out: {}.", empty),
        (NAMES_CHANGED, [one.name for one in full if fitting(one.name) != one.name]),
        (UNCODED, uncoded),
        ("It is not recorded how these segments were made; they are marked as semi-automatic: {}.", unrecorded),
    )
    return tuple(sentence.format(listed(names)) for sentence, names in found if names)


def _check_count(segments: Sequence[Segment]) -> None:
    if not segments:
        raise VolumeError("There is nothing to export: every segment is empty.", "Segment something first.")
    if len(segments) > MOST_SEGMENTS:
        raise VolumeError(f"A DICOM segmentation holds {MOST_SEGMENTS} segments at most.", "Export fewer.")


def _write_binary(
    path: Path,
    segmentation: Segmentation,
    source: DicomSource,
    description: str,
    frames: Sequence[Sequence[int]],
    reporter: Reporter,
) -> None:
    _, rows, columns = source.shape_kji
    length = byte_count(sum(map(len, frames)), (rows, columns))
    if length > LONGEST_VALUE:
        raise FileFormatError(
            f"The segments need {length / 2**30:.1f} GiB as binary frames, more than one DICOM file holds.",
            "Export fewer segments at a time, or a label map.",
        )
    reporter.check()
    small = sketch(frames, len(source.slices))
    dataset = _object("BINARY", small, segmentation.segments, source, description)
    dataset.Rows, dataset.Columns = rows, columns
    dataset.SegmentsOverlap = "YES" if _overlap(segmentation) else "NO"
    order, items = _order(dataset, source), list(dataset.SegmentSequence)
    del dataset.PixelData

    def planes() -> Iterator[BoolArray]:
        for index, k in order:
            reporter.check()
            yield plane_of(segmentation.segments[index].mask, k, (rows, columns))
            reporter.done()

    def write(file: BinaryIO) -> None:
        pydicom.dcmwrite(file, dataset, enforce_file_format=True)
        file.write(struct.pack("<HH2sHI", *PIXEL_DATA, b"OB", 0, length))
        count = 0
        for part in packed(planes()):
            count += file.write(part)
        file.write(bytes(length - count))

    write_atomically(path, write, lambda new: check_binary(new, path, segmentation, source, items, reporter))


def _write_label_map(
    path: Path, segmentation: Segmentation, source: DicomSource, description: str, reporter: Reporter
) -> None:
    reporter.check()
    labels = label_map_of(segmentation, range(1, len(segmentation.segments) + 1), path.name)
    dataset = _object("LABELMAP", labels, segmentation.segments, source, description)
    items = list(dataset.SegmentSequence)
    reporter.done()

    def write(file: BinaryIO) -> None:
        reporter.check()
        pydicom.dcmwrite(file, dataset, enforce_file_format=True)

    write_atomically(path, write, lambda new: check_label_map(new, path, labels, source, items))
    reporter.done()


def _object(
    kind: str,
    pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16],
    segments: Sequence[Segment],
    source: DicomSource,
    description: str,
) -> highdicom.seg.Segmentation:
    """The object for segment numbers of each pixel, axes (k, j, i), whose slices are the source's."""
    tracked = tracking_of(source.series_uid, segments)
    items = [described(one, n, tracked[n - 1]) for n, one in enumerate(segments, 1)]
    said = fitting(description) or "Segmentation"
    try:
        dataset = highdicom.seg.Segmentation(
            source_images=stand_ins(source, (pixels.shape[1], pixels.shape[2])),
            pixel_array=pixels,
            segmentation_type=kind,
            segment_descriptions=items,
            series_instance_uid=new_uid(),
            series_number=series_number(source, SEGMENTATION_SERIES),
            sop_instance_uid=new_uid(),
            instance_number=1,
            manufacturer=MANUFACTURER,
            manufacturer_model_name=MODEL_NAME,
            software_versions=SOFTWARE_VERSION,
            device_serial_number=DEVICE_SERIAL_NUMBER,
            transfer_syntax_uid=ExplicitVRLittleEndian,
            content_label=LABEL,
            content_description=said,
            series_description=said,
            specific_character_set="ISO_IR 192",
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        # What it says may hold values of the patient.
        raise FileFormatError(
            "The headers of the DICOM series are not as a segmentation needs them.", "Export the series again."
        ) from None
    for item in dataset.SegmentSequence:
        if item.SegmentNumber:  # the background of a label map has number 0, and nobody made it
            say_algorithm(item, segments[item.SegmentNumber - 1])
    dataset.ContentCreatorName = ""  # must be there (PS3.3, 10.9), and nobody says who it was
    give_names_back(dataset, source)
    return dataset


def _order(dataset: pydicom.Dataset, source: DicomSource) -> list[Frame]:
    """Segment and slice of each frame, in the order in which the object lists them."""
    slices = {str(one.SOPInstanceUID): k for k, one in enumerate(source.slices)}
    shared = dataset.SharedFunctionalGroupsSequence[0]
    found = []
    for item in dataset.PerFrameFunctionalGroupsSequence:
        image = item.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        named = item if "SegmentIdentificationSequence" in item else shared
        number = int(named.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        found.append((number - 1, slices[str(image)]))
    return found


def _overlap(segmentation: Segmentation) -> bool:
    """Whether two segments have a voxel in common."""
    taken = np.zeros(segmentation.shape_kji, np.bool_)
    for segment in segmentation.segments:
        inside = taken[segment.mask.slices]
        if (inside & segment.mask.mask).any():
            return True
        inside |= segment.mask.mask
    return False
