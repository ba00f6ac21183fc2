"""Writing RT structure sets (PS3.3, A.19): the contours of every segment, for planning systems."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ImplicitVRLittleEndian

from ..edits import MaskCrop
from ..engine import Cancel, OnProgress
from ..engines.reporting import Reporter
from ..errors import FileFormatError, VolumeError
from ..files.atomic import write_atomically
from ..files.dicom_objects import STRUCTURE_SET_CLASS
from ..files.dicom_private import keep
from ..files.rt_contours import mask_of
from ..files.rtstruct import INTERPRETED_TAG, structures_in
from ..files.segments import Segment, Segmentation
from ..provenance import provenance_of
from ..terminology import ANATOMICAL_STRUCTURE, SNOMED, Meaning, meaning_of
from .equipment import (
    DEVICE_SERIAL_NUMBER,
    LONG_STRING,
    MANUFACTURER,
    MODEL_NAME,
    NAMES_CHANGED,
    SHORT_STRING,
    SHORT_TEXT,
    SOFTWARE_VERSION,
    STRUCTURE_SET_SERIES,
    fitting,
    series_number,
)
from .identifiers import new_uid
from .rt_contour_items import contour_items, decimals_for, image_planes, image_reference, plane_characteristics
from .segment_descriptions import algorithm_and_version, coded, history_of, identification_of
from .source import DicomSource, matched
from .wording import listed

LABEL = "VISTA3DSegment"
NAMES_NUMBERED = "Structures of the same name were numbered: {}."
STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"
"""Detached Study Management: retired, and still how a structure set refers to a study (PS3.3, C.8.8.5)."""

COPIED = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "OtherPatientIDs", "EthnicGroup",
    "PatientComments", "PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence",
    "PatientAge", "PatientSize", "PatientWeight", "StudyInstanceUID", "StudyDate", "StudyTime",
    "ReferringPhysicianName", "StudyID", "AccessionNumber", "StudyDescription", "FrameOfReferenceUID",
    "PositionReferenceIndicator",
)  # fmt: skip
"""What is copied of patient, study and frame of reference (PS3.3, C.7.1.1, C.7.2.1, C.7.2.2, C.7.4.1)."""

EMPTY_IF_MISSING = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "ReferringPhysicianName",
    "StudyID", "AccessionNumber", "PositionReferenceIndicator",
)  # fmt: skip
"""Those that must be there and may be empty."""

NEOPLASMS = ("108369006", "86049000", "14799000")
"""SNOMED CT: Neoplasm; Neoplasm, Primary; Neoplasm, Secondary: what the gross tumour volume of a plan consists of."""


def write_rtstruct(
    path: Path | str,
    segmentation: Segmentation,
    source: DicomSource,
    *,
    label: str = "",
    description: str = "",
    progress: OnProgress | None = None,
    cancel: Cancel | None = None,
) -> tuple[str, ...]:
    """Write an RT structure set, read it back and compare it voxel by voxel.

    Args:
        path: the file; an existing one is replaced only once the new one is whole.
        segmentation: on the voxels of the source, whatever the order of its axes; segments may overlap.
        source: the series that was segmented; patient, study and frame of reference are its.
        label: of the structure set, 16 characters at most; "": the program's name.
        description: of the series; "": a usual one.
        progress: told after each segment that was drawn or compared.
        cancel: asked before each contour and each segment that is compared; True leaves everything as it was.

    Returns:
        Sentences: which segments were left out as empty, or have shortened or numbered names.

    Raises:
        VolumeError: other voxels than the source's, or no voxel in any segment. FileFormatError: it did not read back
            the same. ResourceError: the file cannot be written. Cancelled.
    """
    path = Path(path)
    placed = matched(segmentation, source)
    segments = placed.drawn
    if not segments:
        raise VolumeError("There is nothing to export: every segment is empty.", "Segment something first.")
    reporter = Reporter(2 * len(segments), progress, cancel)
    dataset = _header(source, fitting(label, SHORT_STRING) or LABEL, fitting(description) or "Structure set")
    _add_structures(dataset, segments, source, reporter)
    written = replace(placed, segments=segments)

    def write(file: BinaryIO) -> None:
        reporter.check()
        pydicom.dcmwrite(file, dataset, enforce_file_format=True)

    write_atomically(path, write, lambda new: _compare(new, path, written, source, reporter))
    return (*placed.notices[len(segmentation.notices) :], *_notices(placed.segments))


def _notices(segments: Sequence[Segment]) -> tuple[str, ...]:
    full = [one for one in segments if one.mask.mask.any()]
    shortened = [one.name for one in full if fitting(one.name) != one.name]
    doubled = [name for one, name in zip(full, _names(full), strict=True) if one.name not in (name, *shortened)]
    found = (
        ("Empty segments were left out: {}.", [one.name for one in segments if not one.mask.mask.any()]),
        (NAMES_CHANGED, shortened),
        (NAMES_NUMBERED, doubled),
    )
    return tuple(sentence.format(listed(names)) for sentence, names in found if names)


def _names(segments: Sequence[Segment]) -> list[str]:
    """What the structures are called, each by another name: readers take two of one name for one, or refuse them."""
    taken: set[str] = set()
    names = []
    for number, segment in enumerate(segments, 1):
        name = fitting(segment.name) or f"Structure {number}"
        endings = itertools.chain([""], (f" ({n})" for n in itertools.count(2)))
        numbered = (f"{fitting(name, LONG_STRING - len(ending))}{ending}" for ending in endings)
        names.append(next(one for one in numbered if one.casefold() not in taken))
        taken.add(names[-1].casefold())
    return names


def _header(source: DicomSource, label: str, description: str) -> Dataset:
    """Everything but the structures: patient, study, series, equipment, and which images the set refers to."""
    first, now = source.slices[0], datetime.now()
    date, time = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    # Explicit value representations allow 64 KiB of coordinates a contour, which long ones exceed (PS3.3, C.8.8.6).
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dataset.SpecificCharacterSet = "ISO_IR 192"
    for keyword in COPIED:
        if keyword in first:
            dataset[keyword] = first[keyword]
    for keyword in EMPTY_IF_MISSING:
        if keyword not in dataset:
            setattr(dataset, keyword, "")
    dataset.SOPClassUID, dataset.SOPInstanceUID = STRUCTURE_SET_CLASS, new_uid()
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = date, time
    dataset.Modality, dataset.SeriesInstanceUID = "RTSTRUCT", new_uid()
    dataset.SeriesNumber = series_number(source, STRUCTURE_SET_SERIES)
    dataset.SeriesDescription, dataset.OperatorsName = description, ""
    dataset.SeriesDate, dataset.SeriesTime = date, time
    dataset.Manufacturer, dataset.ManufacturerModelName = MANUFACTURER, MODEL_NAME
    dataset.SoftwareVersions, dataset.DeviceSerialNumber = SOFTWARE_VERSION, DEVICE_SERIAL_NUMBER
    dataset.InstanceNumber = 1
    dataset.StructureSetLabel, dataset.StructureSetName = label, description
    dataset.StructureSetDate, dataset.StructureSetTime = date, time
    dataset.ReferencedFrameOfReferenceSequence = [_referenced_frame(source)]
    dataset.ApprovalStatus = "UNAPPROVED"
    return dataset


def _referenced_frame(source: DicomSource) -> Dataset:
    series, study, frame = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = source.series_uid
    series.ContourImageSequence = [image_reference(image) for image in source.slices]
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = STUDY_CLASS, source.study_uid
    study.RTReferencedSeriesSequence = [series]
    frame.FrameOfReferenceUID = source.frame_of_reference_uid
    frame.RTReferencedStudySequence = [study]
    return frame


def _add_structures(dataset: Dataset, segments: tuple[Segment, ...], source: DicomSource, reporter: Reporter) -> None:
    named, drawn, observed = [], [], []
    images, decimals = image_planes(source), decimals_for(source)
    for number, (segment, name) in enumerate(zip(segments, _names(segments), strict=True), 1):
        contours = []
        for item in contour_items(segment.mask, images, decimals):
            reporter.check()
            contours.append(item)
        roi = Dataset()
        roi.ReferencedROINumber, roi.ROIDisplayColor = number, list(segment.color)
        roi.SourcePixelPlanesCharacteristicsSequence = [plane_characteristics(source)]
        roi.ContourSequence = contours
        drawn.append(roi)
        named.append(_named(segment, name, number, source))
        observed.append(_observed(segment, number))
        reporter.done()
    dataset.StructureSetROISequence, dataset.ROIContourSequence = named, drawn
    dataset.RTROIObservationsSequence = observed


def _named(segment: Segment, name: str, number: int, source: DicomSource) -> Dataset:
    """The item of the Structure Set ROI Sequence: what a structure is called, and how it was made (C.8.8.5)."""
    item = Dataset()
    item.ROINumber, item.ReferencedFrameOfReferenceUID = number, source.frame_of_reference_uid
    item.ROIName = name
    item.ROIVolume = f"{np.count_nonzero(segment.mask.mask) * source.lattice.voxel_volume_ml:.10g}"
    provenance = provenance_of(segment.tags)
    item.ROIGenerationAlgorithm = "" if provenance is None else provenance.algorithm.value
    if provenance is not None:
        if history := history_of(provenance):
            item.ROIDescription = fitting(history, SHORT_TEXT)
        if (identification := identification_of(provenance)) is not None:
            item.ROIDerivationAlgorithmIdentificationSequence = identification
        elif made_by := algorithm_and_version(provenance):
            item.ROIGenerationDescription = made_by
    keep(item, segment)
    return item


def _observed(segment: Segment, number: int) -> Dataset:
    """The item of the RT ROI Observations Sequence: what a structure is, in codes and for planning (C.8.8.8)."""
    meaning = meaning_of(segment.terminology, segment.class_id)
    item = Dataset()
    item.ObservationNumber = item.ReferencedROINumber = number
    item.RTROIInterpretedType = segment.tags.get(INTERPRETED_TAG) or _interpreted(meaning)
    item.ROIInterpreter = ""
    if meaning is None:
        return item
    type_ = coded(meaning.type)
    if meaning.modifier is not None:
        type_.SegmentedPropertyTypeModifierCodeSequence = [coded(meaning.modifier)]
    item.SegmentedPropertyCategoryCodeSequence = [coded(meaning.category)]
    item.RTROIIdentificationCodeSequence = [type_]
    if meaning.region is not None:
        region = coded(meaning.region)
        if meaning.region_modifier is not None:
            region.AnatomicRegionModifierSequence = [coded(meaning.region_modifier)]
        item.AnatomicRegionSequence = [region]
    return item


def _interpreted(meaning: Meaning | None) -> str:
    """The type that planning systems sort structures by (C.8.8.8.1); "" where none says it."""
    if meaning is None or meaning.type.scheme != SNOMED:
        return ""
    if meaning.type.value in NEOPLASMS:
        return "GTV"
    return "ORGAN" if meaning.category.value == ANATOMICAL_STRUCTURE else ""


def _compare(written: Path, path: Path, segmentation: Segmentation, source: DicomSource, reporter: Reporter) -> None:
    """Read back what was written, under its temporary name."""
    lattice = source.lattice
    structures = structures_in(written, lattice, source.identifiers)
    good = [found.name for found, _ in structures] == [segment.name for segment in segmentation.segments]
    for segment, (_, planes) in zip(segmentation.segments, structures, strict=False):
        reporter.check()
        good = good and _same(mask_of(planes, lattice), segment.mask)
        reporter.done()
    if not good:
        raise FileFormatError(f"What was written to {path.name} did not read back the same.", "Try another disk.")


def _same(one: MaskCrop, other: MaskCrop) -> bool:
    one, other = one.tightened(), other.tightened()
    return one.start == other.start and np.array_equal(one.mask, other.mask)
