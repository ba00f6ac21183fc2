"""Writing DICOM structured reports of segments (PS3.16, TID 1500 "Measurement Report"): their measures as coded values.

Each measurement group (TID 1411) refers to a segment of a DICOM segmentation and to the series that was segmented, and
is tracked under the same identifiers as the segment.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
from highdicom import sr
from pydicom.errors import InvalidDicomError
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian

from ..engine import Cancel, OnProgress
from ..engines.reporting import Reporter
from ..errors import FileFormatError
from ..files.dicom_objects import SEGMENTATION_CLASSES
from ..files.dicom_seg import read_dicom_seg
from ..files.placing import has_same_voxels, placed_on
from ..files.segments import Segment, Segmentation
from ..files.tracking import Tracking
from ..volume import Volume
from .byte_files import write_bytes
from .equipment import MANUFACTURER, MODEL_NAME, REPORT_SERIES, SOFTWARE_VERSION, series_number
from .identifiers import new_uid, tracking_of, uid_for
from .measures import Measures, measured
from .report_groups import group_of
from .source import DicomSource, matched
from .stand_in import give_names_back, stand_ins
from .wording import listed

WRITE_ANEW = "Write the segmentation again, and the report beside it."


def write_structured_report(
    path: Path | str,
    segmentation: Segmentation,
    source: DicomSource,
    seg_path: Path | str,
    volume: Volume | None = None,
    *,
    progress: OnProgress | None = None,
    cancel: Cancel | None = None,
) -> tuple[str, ...]:
    """Write a structured report, read it back and compare its numbers.

    Args:
        path: the file; an existing one is replaced only once the new one is whole.
        segmentation: on the voxels of the source, whatever the order of its axes.
        source: the series that was segmented.
        seg_path: the same segments as a DICOM segmentation: what the report refers to.
        volume: the scan, for its grey values; None: they are left out.
        progress: told after each segment.
        cancel: asked before each; True leaves everything as it was.

    Returns:
        Sentences: what is not in the report.

    Raises:
        VolumeError: other voxels than the source's. FileFormatError: the DICOM segmentation holds other segments or
            another series, or the report did not read back the same. ResourceError: the file cannot be written.
            Cancelled.
    """
    path = Path(path)
    placed = matched(segmentation, source)
    written = replace(placed, segments=placed.drawn)
    tracked = tracking_of(source.series_uid, written.segments)
    numbers = _numbers_in(Path(seg_path), written, tracked, source)
    grid, notices = _grid(volume, written, source)
    reporter = Reporter(len(written.segments), progress, cancel)
    on_grid = placed_on(written, grid).segments
    measures = []
    for segment in on_grid:
        reporter.check()
        measures.append(measured(segment.mask, grid, grey=grid is volume))
        reporter.done()
    seg = pydicom.dcmread(seg_path, stop_before_pixels=True)
    dataset = _document(on_grid, measures, tracked, numbers, source, seg)
    reporter.check()
    content = _encoded(dataset)
    _check_numbers(content, dataset, path)
    write_bytes(path, [content])
    empty = [one.name for one in placed.segments if not one.mask.mask.any()]
    said = (f"Empty segments are not in the report: {listed(empty)}.",) if empty else ()
    return (*notices, *said)


def _grid(volume: Volume | None, segmentation: Segmentation, source: DicomSource) -> tuple[Volume, tuple[str, ...]]:
    """Where it is measured: on the scan if its grey values can be told as Hounsfield units, else on its grid alone."""
    if volume is None:
        return source.lattice, ("The report has no grey values: the scan was not given.",)
    if source.slices[0].get("Modality", "") != "CT" or not volume.looks_like_hounsfield:
        return source.lattice, ("The report has no grey values: those of this scan have no unit.",)
    if not has_same_voxels(segmentation, volume):
        return source.lattice, ("The report has no grey values: the scan has other voxels than the DICOM series.",)
    return volume, ()


def _numbers_in(path: Path, segmentation: Segmentation, tracked: Sequence[Tracking], source: DicomSource) -> list[int]:
    """The numbers under which the segments stand in a DICOM segmentation.

    Raises:
        FileFormatError: it is none, or of other segments.
    """
    try:
        seg = pydicom.dcmread(path, stop_before_pixels=True)
    except (InvalidDicomError, OSError) as error:
        raise FileFormatError(f"{path.name} cannot be read as a DICOM segmentation.", WRITE_ANEW) from error
    if seg.get("SOPClassUID", "") not in SEGMENTATION_CLASSES:
        raise FileFormatError(f"{path.name} is no DICOM segmentation.", WRITE_ANEW)
    if source.series_uid not in {str(one.SeriesInstanceUID) for one in seg.get("ReferencedSeriesSequence", ())}:
        raise FileFormatError(f"The segmentation {path.name} is of another series than the report.", WRITE_ANEW)
    items = [one for one in seg.SegmentSequence if "TrackingUID" in one]  # the background of a label map has none
    there = [Tracking(str(one.TrackingID), str(one.TrackingUID)) for one in items]
    voxels = [np.count_nonzero(one.mask.mask) for one in segmentation.segments]
    voxels_there = [np.count_nonzero(one.mask.mask) for one in read_dicom_seg(path).segments]
    if there != list(tracked) or voxels_there != voxels:
        raise FileFormatError(f"The segmentation {path.name} holds other segments than the report.", WRITE_ANEW)
    return [int(one.SegmentNumber) for one in items]


def _document(
    segments: Sequence[Segment],
    measures: Sequence[Measures],
    tracked: Sequence[Tracking],
    numbers: Sequence[int],
    source: DicomSource,
    seg: pydicom.Dataset,
) -> sr.EnhancedSR:
    groups = [
        group_of(segment, found, tracking, number, seg, source)
        for segment, found, tracking, number in zip(segments, measures, tracked, numbers, strict=True)
    ]
    is_ct = source.slices[0].get("Modality", "") == "CT"
    report = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=_program()),
        procedure_reported=codes.SCT.ComputedTomography if is_ct else codes.SCT.Imaging,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    images = stand_ins(source)
    document = sr.EnhancedSR(
        evidence=[*images, seg],
        content=report,
        series_instance_uid=new_uid(),
        series_number=series_number(source, REPORT_SERIES),
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        is_final=False,  # preliminary: nobody has verified it
        is_verified=False,
        series_description="Measurements of segments",
        specific_character_set="ISO_IR 192",
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    document.ManufacturerModelName = MODEL_NAME
    document.SoftwareVersions = SOFTWARE_VERSION
    give_names_back(document, source)
    return document


def _program() -> sr.ObserverContext:
    """Who observed: this program."""
    return sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=uid_for("device", MANUFACTURER, MODEL_NAME, SOFTWARE_VERSION),
            name=MODEL_NAME,
            manufacturer_name=MANUFACTURER,
            model_name=MODEL_NAME,
        ),
    )


def _encoded(dataset: pydicom.Dataset) -> bytes:
    file = io.BytesIO()
    pydicom.dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def _check_numbers(content: bytes, dataset: pydicom.Dataset, path: Path) -> None:
    """Read the encoded document and compare all values and references with those that were to be written."""
    found = pydicom.dcmread(io.BytesIO(content))
    if list(_values(found)) != list(_values(dataset)):
        raise FileFormatError(f"The report {path.name} did not read back as it was written.", "Write it again.")


def _values(item: pydicom.Dataset) -> Iterator[str]:
    for one in item.get("ContentSequence", ()):
        for measured_value in one.get("MeasuredValueSequence", ()):
            yield f"{one.ConceptNameCodeSequence[0].CodeValue} {measured_value.NumericValue}"
        for reference in one.get("ReferencedSOPSequence", ()):
            yield f"{reference.ReferencedSOPInstanceUID} {reference.get('ReferencedSegmentNumber', '')}"
        yield from _values(one)
