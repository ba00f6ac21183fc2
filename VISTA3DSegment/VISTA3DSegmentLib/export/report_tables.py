"""A report for programs: rows of a table, and values for JSON. Names of numbers end in their unit."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .changes import Change, LesionChange
from .diameters import AxialDiameters
from .lesions import Lesion
from .measures import PERCENTILES, GreyValues, Measures
from .report_values import DISCLAIMER, Report, SegmentReport, made_by, meaning_in_words

FORMULA_SIGNS = ("=", "+", "-", "@", "\t")
"""A spreadsheet takes a cell that begins with one of these for a formula (OWASP, "CSV injection")."""

COLUMNS = (
    "kind", "number", "name", "name_before", "meaning", "organ", "volume_ml", "volume_before_ml",
    "volume_change_percent", "surface_cm2",
    "mean", "sd", "minimum", *(f"percentile_{n}" for n in PERCENTILES), "maximum",
    "longest_axial_mm", "perpendicular_mm", "box_r_mm", "box_a_mm", "box_s_mm", "parts", "voxels", "cut_at",
    "status", "made", "model", "version", "weights_sha256", "text", "boxes", "positive_clicks", "negative_clicks",
    "edits_by_hand", "person_seconds", "course", "unit_of_grey_values",
)  # fmt: skip


def rows_of(report: Report) -> list[list[str]]:
    """The table, its heading first: a row for each segment, then one for each lesion."""
    rows = [_segment(n, one) for n, one in enumerate(report.segments, 1)]
    rows += [_lesion(one, report) for one in report.lesions.found]
    unit = {"unit_of_grey_values": report.unit}
    return [list(COLUMNS), *([_cell((row | unit).get(column)) for column in COLUMNS] for row in rows)]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA_SIGNS) else text


def _segment(number: int, one: SegmentReport) -> dict[str, Any]:
    row = {
        "kind": "segment",
        "number": number,
        "name": one.name,
        "name_before": one.name_before,
        "meaning": meaning_in_words(one.meaning),
        "status": one.status,
        "made": made_by(one.provenance),
        **_numbers(one.measures),
        **_volume_change(one.change),
    }
    if one.provenance is not None:
        made = one.provenance
        row |= {"model": made.model, "version": made.version, "weights_sha256": made.sha256, "text": made.text}
        row |= {"boxes": made.boxes, "positive_clicks": made.positive, "negative_clicks": made.negative}
        row |= {"edits_by_hand": made.edits, "person_seconds": made.seconds}
    return row


def _lesion(one: Lesion, report: Report) -> dict[str, Any]:
    changes = () if report.changes is None else report.changes.lesions
    change = next((change for change in changes if one.number in change.now), None)
    row = {"kind": "lesion", "number": one.number, "name": one.segment, "organ": one.organ, **_numbers(one.measures)}
    if change is None:
        return row
    # The volume of several lesions that became one another says nothing about one of them.
    alone = len(change.now) == len(change.before) == 1
    row |= {"course": change.course.value, "name_before": ", ".join(dict.fromkeys(change.names_before))}
    return row | (_volume_change(change.volume_ml) if alone else {})


def _volume_change(change: Change | None) -> dict[str, Any]:
    return {} if change is None else {"volume_before_ml": change.before, "volume_change_percent": change.percent}


def _numbers(measures: Measures) -> dict[str, Any]:
    found: dict[str, Any] = {"volume_ml": measures.volume_ml, "voxels": measures.voxels, "parts": measures.parts}
    found |= {"surface_cm2": measures.surface_cm2, "cut_at": ", ".join(measures.cut_at)}
    if measures.box_mm is not None:
        found |= dict(zip(("box_r_mm", "box_a_mm", "box_s_mm"), measures.box_mm, strict=True))
    if measures.diameters is not None:
        found["longest_axial_mm"] = measures.diameters.longest.length_mm
        found["perpendicular_mm"] = measures.diameters.perpendicular.length_mm
    return found | _grey(measures.grey)


def _grey(grey: GreyValues | None) -> dict[str, float]:
    if grey is None:
        return {}
    spread = {f"percentile_{n}": value for n, value in zip(PERCENTILES, grey.percentiles, strict=True)}
    return {"mean": grey.mean, "sd": grey.sd, "minimum": grey.minimum, "maximum": grey.maximum, **spread}


def as_json(report: Report) -> dict[str, Any]:
    """All values of a report but its pictures, for ``json``."""
    return {
        "notice": DISCLAIMER,
        "made": report.made,
        "software": report.software,
        "scan": report.scan,
        "unit_of_grey_values": report.unit,
        "shape_kji": list(report.shape_kji),
        "spacing_ijk_mm": list(report.spacing_mm),
        "notices": list(report.notices),
        "segments": [_segment_values(one) for one in report.segments],
        "lesions": [_lesion_values(one) for one in report.lesions.found],
        "lesions_left_out": report.lesions.left_out,
        "specks_left_out": report.lesions.specks,
        "changes": None if report.changes is None else _changes(report),
    }


def _segment_values(one: SegmentReport) -> dict[str, Any]:
    return {
        "name": one.name,
        "color_rgb": list(one.color),
        "class_id": one.class_id,
        "meaning": None if one.meaning is None else asdict(one.meaning),
        "is_lesion": one.is_lesion,
        "status": one.status,
        "remarks": list(one.remarks),
        "measures": _measures(one.measures),
        "provenance": None if one.provenance is None else one.provenance.to_json(),
        "volume_change": _change(one.change, "ml"),
        "name_before": one.name_before,
    }


def _measures(measures: Measures) -> dict[str, Any]:
    return {
        "voxels": measures.voxels,
        "volume_ml": measures.volume_ml,
        "surface_cm2": measures.surface_cm2,
        "grey_values": None if measures.grey is None else _grey(measures.grey),
        "box_low_ras_mm": measures.low_ras,
        "box_high_ras_mm": measures.high_ras,
        "axial_diameters": _diameters(measures.diameters),
        "cut_at": list(measures.cut_at),
        "parts": measures.parts,
        "largest_part_voxels": measures.largest_part,
    }


def _diameters(diameters: AxialDiameters | None) -> dict[str, Any] | None:
    if diameters is None:
        return None
    return {
        name: {"length_mm": one.length_mm, "ends_ras_mm": one.ends_ras}
        for name, one in (("longest", diameters.longest), ("perpendicular", diameters.perpendicular))
    }


def _lesion_values(one: Lesion) -> dict[str, Any]:
    return {
        "number": one.number,
        "segment": one.segment,
        "organ": one.organ,
        "distance_from_organ_mm": one.distance_mm,
        "centre_ras_mm": one.centre_ras,
        "measures": _measures(one.measures),
    }


def _changes(report: Report) -> dict[str, Any]:
    assert report.changes is not None
    return {
        "gone": [{"name": name, "volume_ml": volume} for name, volume in report.changes.gone],
        "lesions": [_lesion_change(one) for one in report.changes.lesions],
    }


def _lesion_change(one: LesionChange) -> dict[str, Any]:
    return {
        "course": one.course.value,
        "now": list(one.now),
        "before": list(one.before),
        "names_before": list(one.names_before),
        "place": one.place,
        "volume": _change(one.volume_ml, "ml"),
        "longest_axial": _change(one.longest_mm, "mm"),
    }


def _change(change: Change | None, unit: str) -> dict[str, float | None] | None:
    if change is None:
        return None
    return {f"before_{unit}": change.before, f"now_{unit}": change.now, "percent": change.percent}
