"""A report that people read: made from a scan and its segments, written as a page, a table and JSON."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from ..engine import Cancel, OnProgress
from ..engines.reporting import Reporter
from ..files.placing import placed_on
from ..files.segments import Segmentation
from ..pictures import NamedSegment, Window, automatic_window, draw
from ..provenance import SOFTWARE, current_time
from ..volume import Volume
from .byte_files import write_bytes
from .changes import changes_since
from .front_view import front_view
from .image_bytes import jpeg_bytes
from .lesion_views import lesion_view
from .lesions import Lesions, doubts, lesions_of
from .measures import measured
from .prior import OF_EARLIER
from .report_page import page_of
from .report_tables import as_json, rows_of
from .report_values import Pictures, Report, SegmentReport

PICTURE_PX = (720, 300)
"""Width and height that the three slices of a segment fill: legible across an A4 page."""

MOST_LESION_VIEWS = 40
"""Of more lesions the first are shown."""


def make_report(
    volume: Volume,
    segmentation: Segmentation,
    prior: Segmentation | None = None,
    *,
    pictures: bool = True,
    progress: OnProgress | None = None,
    cancel: Cancel | None = None,
) -> Report:
    """Measure all segments of a scan.

    Args:
        volume: the scan.
        segmentation: its segments, on any grid that shares its space.
        prior: an earlier segmentation of the same patient, to compare with.
        pictures: whether they are drawn: the page needs them, the tables do not.
        progress: told after each segment that was measured, and after each picture.
        cancel: asked before each.

    Raises:
        VolumeError: segmentation and scan share no space. Cancelled.
    """
    reporter = Reporter(len(segmentation.segments) * (2 if pictures else 1), progress, cancel)
    placed = placed_on(segmentation, volume)
    measures = []
    for segment in placed.segments:
        reporter.check()
        measures.append(measured(segment.mask, volume))
        reporter.done()
    lesions = lesions_of(placed, volume, cancel=cancel)
    changes = None if prior is None else changes_since(prior, placed, lesions, volume, cancel)
    differences = [None] * len(measures) if changes is None else changes.volume_ml
    names_before = [""] * len(measures) if changes is None else changes.names_before
    return Report(
        scan=volume.name,
        made=current_time().isoformat(timespec="seconds"),
        software=SOFTWARE,
        unit="HU" if volume.looks_like_hounsfield else "",
        shape_kji=volume.shape_kji,
        spacing_mm=volume.spacing_mm,
        segments=tuple(
            SegmentReport.of(segment, found, change, before)
            for segment, found, change, before in zip(placed.segments, measures, differences, names_before, strict=True)
        ),
        lesions=lesions,
        changes=changes,
        pictures=_pictures(volume, placed, lesions, reporter, cancel) if pictures else None,
        notices=(*placed.notices, *doubts(placed), *_notices_of(prior), *(() if changes is None else changes.notices)),
    )


def _notices_of(prior: Segmentation | None) -> tuple[str, ...]:
    notices = () if prior is None else (*prior.notices, *doubts(prior))
    return tuple(OF_EARLIER.format(notice) for notice in notices)


def _pictures(
    volume: Volume, segmentation: Segmentation, lesions: Lesions, reporter: Reporter, cancel: Cancel | None
) -> Pictures:
    window = automatic_window(volume)
    named = [(one.name, one.color, one.mask) for one in segmentation.segments]
    drawn = []
    for one in named:
        reporter.check()
        drawn.append(_outlined(volume, one, window) if one[2].mask.any() else b"")
        reporter.done()
    close = tuple(
        jpeg_bytes(lesion_view(volume, one.mask, one.measures.diameters, window))
        for one in lesions.found[:MOST_LESION_VIEWS]
        if one.measures.diameters is not None
    )
    return Pictures(jpeg_bytes(front_view(volume, named, cancel)), tuple(drawn), close)


def _outlined(volume: Volume, segment: NamedSegment, window: Window) -> bytes:
    return jpeg_bytes(draw(volume, [segment], window, size_px=PICTURE_PX, legend=False))  # its name stands above


def write_html(path: Path, report: Report) -> None:
    """Write one page that holds everything: no other file, no address of another place.

    Raises:
        ResourceError: the file cannot be written.
    """
    write_bytes(path, [page_of(report).encode()])


def write_json(path: Path, report: Report) -> None:
    """Write all values of a report for programs; names of numbers end in their unit.

    Raises:
        ResourceError: the file cannot be written.
    """
    text = json.dumps(as_json(report), indent=1, ensure_ascii=False, allow_nan=False)
    write_bytes(path, [f"{text}\n".encode()])


def write_csv(path: Path, report: Report) -> None:
    """Write a table for spreadsheets: a row for each segment, then one for each lesion.

    Raises:
        ResourceError: the file cannot be written.
    """
    table = io.StringIO()
    csv.writer(table, lineterminator="\r\n").writerows(rows_of(report))  # RFC 4180
    # With the mark of byte order: spreadsheets take a table without it for another encoding.
    write_bytes(path, [table.getvalue().encode("utf-8-sig")])
