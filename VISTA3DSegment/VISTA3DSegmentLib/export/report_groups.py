"""The measurement group of a segment in a structured report (PS3.16, TID 1411)."""

from __future__ import annotations

from collections.abc import Iterator

import pydicom
from highdicom import sr
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from ..files.segments import Segment
from ..files.tracking import Tracking
from ..provenance import Algorithm, provenance_of
from ..terminology import ANATOMICAL_STRUCTURE, TISSUE, Meaning, meaning_of
from .equipment import MODEL_NAME, SOFTWARE_VERSION
from .measures import GreyValues, Measures
from .segment_descriptions import code_of
from .source import DicomSource

CUBIC_CENTIMETRE = codes.UCUM.CubicCentimeter
"""Of the units for volumes (CID 7462) the one that is a millilitre."""

DIGITS = 7
"""Significant digits of a value: the text form of a number has no more than 16 characters (PS3.5, 6.2)."""


def group_of(
    segment: Segment, measures: Measures, tracking: Tracking, number: int, seg: pydicom.Dataset, source: DicomSource
) -> sr.VolumetricROIMeasurementsAndQualitativeEvaluations:
    """The group of a segment.

    Args:
        segment: what was measured.
        measures: in numbers.
        tracking: identifiers of the segment.
        number: of the segment in the DICOM segmentation.
        seg: the DICOM segmentation.
        source: the series that was segmented.
    """
    meaning = meaning_of(segment.terminology, segment.class_id) or TISSUE
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(tracking.uid, tracking.identifier),
        referenced_segment=sr.ReferencedSegment(
            seg.SOPClassUID,
            seg.SOPInstanceUID,
            number,
            source_series=sr.SourceSeriesForSegmentation(source.series_uid),
        ),
        finding_category=code_of(meaning.category),
        finding_type=code_of(meaning.type),
        finding_sites=_sites(meaning),
        algorithm_id=_algorithm(segment),
        measurements=list(_measurements(measures)),
    )


def _sites(meaning: Meaning) -> list[sr.FindingSite] | None:
    """Where it lies: the region that the codes name; of an organ, itself with its side."""
    if meaning.region is not None:
        side = meaning.region_modifier
        return [sr.FindingSite(code_of(meaning.region), None if side is None else code_of(side))]
    if meaning.category.value == ANATOMICAL_STRUCTURE:
        side = meaning.modifier
        return [sr.FindingSite(code_of(meaning.type), None if side is None else code_of(side))]
    return None


def _algorithm(segment: Segment) -> sr.AlgorithmIdentification:
    """What measured, and, as its parameter, what segmented: one text, as dcmqi shows the first one only."""
    provenance = provenance_of(segment.tags)
    parameters = None
    if provenance is not None and provenance.algorithm is not Algorithm.MANUAL:
        words = " ".join(word for word in (provenance.engine, provenance.model, provenance.version) if word)
        weights = f", weights SHA-256 {provenance.sha256}" if provenance.sha256 else ""
        parameters = [f"segmented by {words}{weights}"] if words else None
    return sr.AlgorithmIdentification(MODEL_NAME, SOFTWARE_VERSION, parameters)


def _measurements(measures: Measures) -> Iterator[sr.Measurement]:
    yield _measurement(codes.SCT.Volume, measures.volume_ml, CUBIC_CENTIMETRE)
    if measures.diameters is not None:
        yield _measurement(codes.SCT.LongAxis, measures.diameters.longest.length_mm, codes.UCUM.Millimeter)
        yield _measurement(codes.SCT.ShortAxis, measures.diameters.perpendicular.length_mm, codes.UCUM.Millimeter)
    if measures.grey is not None:
        for derivation, value in _derived(measures.grey):
            yield _measurement(codes.DCM.AttenuationCoefficient, value, codes.UCUM.HounsfieldUnit, derivation)


def _derived(grey: GreyValues) -> tuple[tuple[Code, float], ...]:
    return (
        (codes.SCT.Mean, grey.mean),
        (codes.SCT.StandardDeviation, grey.sd),
        (codes.SCT.Minimum, grey.minimum),
        (codes.SCT.Median, grey.median),
        (codes.SCT.Maximum, grey.maximum),
    )


def _measurement(name: Code, value: float, unit: Code, derivation: Code | None = None) -> sr.Measurement:
    return sr.Measurement(name=name, value=_rounded(value), unit=unit, derivation=derivation)


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
