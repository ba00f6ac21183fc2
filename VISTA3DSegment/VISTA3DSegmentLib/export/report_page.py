"""The report as one page of HTML that needs nothing else and prints on A4."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ..durations import duration
from ..provenance import Provenance
from ..words import terms
from .changes import Change, Course, LesionChange
from .image_bytes import embedded
from .lesions import SPECK_SHARE, SPECK_VOXELS, Lesion
from .measures import PERCENTILES, Measures
from .report_style import STYLE
from .report_values import DISCLAIMER, Report, SegmentReport, made_by, meaning_in_words

NONE = "–"

METHODS = (
    ("Volume", "number of voxels times their size."),
    (
        "Surface",
        "Crofton's formula in 13 directions; within a few percent for rounded shapes, up to 10 % too small for boxes.",
    ),
    ("Grey values", "of all voxels of the segment; SD is that of all voxels; percentiles are interpolated linearly."),
    (
        "Long and short axis",
        "of the largest part: its longest diameter in an axial slice, and the longest one at right angles to it in the "
        "same slice, between the outlines half-way between voxels. On oblique scans they are measured across the "
        "patient's long axis.",
    ),
    ("Parts", "connected parts; voxels that share a corner are connected."),
    (
        "Lesions",
        "each part of a tumour, cyst, lesion or structure without a class. The largest part of a segment has the "
        "number in which its name ends, the others the numbers that are left, by volume. Parts of fewer than "
        f"{SPECK_VOXELS} voxels and less than {SPECK_SHARE:.0%} of the largest part are specks: they count in the "
        "volume of their segment, but are no lesions. The organ is the one with most overlap, else the nearest within "
        "10 mm. No response category is derived.",
    ),
    (
        "Working time",
        "before each prompt and each change by hand, since the one before on whatever segment, the end of an automatic "
        "run or the acceptance of another segment; a pause counts for no more than a minute.",
    ),
)


def page_of(report: Report) -> str:
    """The page, as text; whatever a person named is escaped."""
    body = [
        _head(report),
        _section("Segments", _segment_table(report)),
        _section("Lesions", _lesion_table(report)) if report.lesions.found or _lesion_changes(report) else "",
        _section("Pictures", _cards(report)) if report.pictures is not None else "",
        _section("How the segments came about", _origins(report)),
        _section("How it was measured", _terms(METHODS)),
    ]
    title = f"Segmentation report {report.scan}".strip()
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>\n'
        f"<body>{''.join(body)}</body></html>\n"
    )


def figure(value: float) -> str:
    """A number as people read it: three significant digits, of large ones all digits before the point."""
    if value == 0:
        return "0"
    return f"{value:.0f}" if abs(value) >= 99.95 else f"{value:#.3g}".rstrip(".")


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>\n"


def _terms(pairs: Iterable[tuple[str, str]]) -> str:
    return "<dl>" + "".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in pairs) + "</dl>"


def _table(heads: Sequence[tuple[str, str, bool]], rows: Iterable[Sequence[str]]) -> str:
    """A table; a head is its words, a unit, and whether the column holds numbers; cells are HTML."""
    kinds = [' class="n"' if numeric else "" for _, _, numeric in heads]
    head = "".join(
        f'<th{kind}>{escape(words)}<span class="faint">{escape(unit)}</span></th>'
        for (words, unit, _), kind in zip(heads, kinds, strict=True)
    )
    lines = (
        "<tr>" + "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(row, kinds, strict=True)) + "</tr>\n"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{''.join(lines)}</tbody></table>"


def _head(report: Report) -> str:
    k, j, i = report.shape_kji
    spacing = " × ".join(figure(step) for step in report.spacing_mm)
    empty = sum(not one.measures.voxels for one in report.segments)
    facts = [
        ("Scan", report.scan or NONE),
        ("Size", f"{i} × {j} × {k} voxels of {spacing} mm"),
        ("Segments", f"{len(report.segments)}{f', of which {empty} empty' if empty else ''}"),
        ("Lesions", str(len(report.lesions.found) + report.lesions.left_out)),
        ("Made", f"{report.made.replace('T', ' ').replace('+00:00', ' UTC')} by {report.software}"),
    ]
    for engine, model, version, digest in report.models:
        words = " ".join(word for word in (engine, model, version) if word)
        facts.append(("Model", f"{words}, SHA-256 {digest}" if digest else words))
    picture = ""
    if report.pictures is not None:
        picture = (
            f'<figure><img src="{embedded(report.pictures.front)}" alt="all segments from the front">'
            "<figcaption>All segments from the front; the patient's right is on the left.</figcaption></figure>"
        )
    notices = "".join(f"<p>{escape(notice)}</p>" for notice in report.notices)
    return (
        f"<header><h1>Segmentation report</h1>"
        f'<div class="warning"><p><strong>{escape(DISCLAIMER)}</strong></p>{notices}</div>'
        f'<div class="top"><div>{_terms(facts)}</div>{picture}</div></header>\n'
    )


def _segment_table(report: Report) -> str:
    heads = [("Segment", "", False), ("Volume", "ml", True)]
    if report.changes is not None:
        heads += [("Before", "ml", True), ("Change", "%", True)]
    grey = report.unit or "grey value"
    heads += [
        ("Surface", "cm²", True), ("Mean ± SD", grey, True), ("Median (5–95 %)", grey, True),
        ("Long × short axis", "mm", True), ("Parts", "", True), ("Remarks", "", False),
    ]  # fmt: skip
    rows = [_segment_row(one, report.changes is not None) for one in report.segments]
    gone = () if report.changes is None else report.changes.gone
    words = "; ".join(f"{name} ({figure(volume)} ml)" for name, volume in gone)
    below = f"<p>In the earlier segmentation only: {escape(words)}.</p>" if gone else ""
    return _table(heads, rows) + below


def _segment_row(one: SegmentReport, compared: bool) -> list[str]:
    measures = one.measures
    meaning = meaning_in_words(one.meaning)
    said = set(terms(one.name))
    below = "" if said.issuperset(terms(meaning)) else f'<br><span class="faint">{escape(meaning)}</span>'
    if one.name_before.casefold() not in ("", one.name.casefold()):
        below += f'<br><span class="faint">before: {escape(one.name_before)}</span>'
    name = f"{_dot(one)}{escape(one.name)}{below}"
    remarks = f'<span class="remark">{escape("; ".join(one.remarks))}</span>'
    return [name, figure(measures.volume_ml), *(_change(one.change) if compared else ()), *_figures(measures), remarks]


def _dot(one: SegmentReport) -> str:
    red, green, blue = one.color
    return f'<span class="dot" style="background:rgb({red},{green},{blue})"></span>'


def _change(change: Change | None) -> list[str]:
    if change is None:
        return [NONE, NONE]
    return [figure(change.before), NONE if change.percent is None else f"{change.percent:+.1f}"]


def _figures(measures: Measures) -> list[str]:
    """Surface, mean, median, diameters, parts."""
    if not measures.voxels:
        return [NONE] * 5
    mean = median = NONE
    if (grey := measures.grey) is not None:
        mean = f"{figure(grey.mean)} ± {figure(grey.sd)}"
        low, median_value, high = (figure(grey.percentiles[n]) for n in (0, PERCENTILES.index(50), -1))
        median = f"{median_value} ({low}…{high})"
    return [figure(measures.surface_cm2), mean, median, _axes(measures), str(measures.parts)]


def _axes(measures: Measures) -> str:
    if measures.diameters is None:
        return NONE
    return f"{measures.diameters.longest.length_mm:.1f} × {measures.diameters.perpendicular.length_mm:.1f}"


def _lesion_changes(report: Report) -> tuple[LesionChange, ...]:
    return () if report.changes is None else report.changes.lesions


def _lesion_table(report: Report) -> str:
    heads = [
        ("No.", "", True), ("Segment", "", False), ("Lies in", "", False), ("Volume", "ml", True),
        ("Long × short axis", "mm", True), ("Mean ± SD", report.unit or "grey value", True),
        ("Centre R, A, S", "mm", True),
    ]  # fmt: skip
    compared = report.changes is not None
    if compared:
        heads += [("Since the earlier segmentation", "", False)]
    course = {number: change for change in _lesion_changes(report) for number in change.now}
    rows = [
        [*_lesion_cells(one), *([escape(_course(course.get(one.number)))] if compared else [])]
        for one in report.lesions.found
    ]
    alone = [change for change in _lesion_changes(report) if not change.now]
    words = [_gone(change) for change in alone]
    below = f"<p>Earlier lesions that are not listed: {escape('; '.join(words))}.</p>" if words else ""
    if report.lesions.left_out:
        below += f"<p>{report.lesions.left_out} smaller parts are not listed.</p>"
    if report.lesions.specks:
        below += f"<p>Specks, parts of a few voxels, that are not counted as lesions: {report.lesions.specks}.</p>"
    return _table(heads, rows) + below + _lesion_views(report)


def _lesion_views(report: Report) -> str:
    if report.pictures is None:
        return ""
    views = (
        f'<figure><img src="{embedded(picture)}" alt="{escape(_lesion_name(one))} with its outline and axes">'
        f"<figcaption>{escape(_lesion_name(one))}<br>{escape(one.organ)}{', ' if one.organ else ''}"
        f"{_axes(one.measures)} mm</figcaption></figure>"
        for one, picture in zip(report.lesions.found, report.pictures.lesions, strict=False)
    )
    return f'<div class="views">{"".join(views)}</div>'


def _lesion_name(one: Lesion) -> str:
    return f"No. {one.number}: {one.segment}"


def _lesion_cells(one: Lesion) -> list[str]:
    place = one.organ or NONE
    if one.distance_mm:
        place += f" (beside it, {one.distance_mm:.0f} mm)"
    mean = _figures(one.measures)[1]
    centre = ", ".join(f"{position:.0f}" for position in one.centre_ras)
    return [
        str(one.number), escape(one.segment), escape(place), figure(one.measures.volume_ml), _axes(one.measures), mean,
        centre,
    ]  # fmt: skip


def _course(change: LesionChange | None) -> str:
    """What became of lesions, in words."""
    if change is None:
        return NONE
    numbered = zip(change.before, change.names_before, strict=True)
    before = ", ".join(f"{number} ({name})" for number, name in numbered)
    if change.course is Course.PERSISTING and change.longest_mm is not None:
        return f"was {before}: {_from_to(change.volume_ml, 'ml')}, long axis {_from_to(change.longest_mm, 'mm')}"
    if change.course in (Course.MERGED, Course.SPLIT, Course.REARRANGED):
        together = f"{_from_to(change.volume_ml, 'ml')} in all"
        return f"{change.course.value} (was {before}; now {', '.join(map(str, change.now))}): {together}"
    return f"{change.course.value}{f': {before}' if before else ''}"


def _gone(change: LesionChange) -> str:
    place = "" if change.place in change.names_before else f"{change.place}, "
    return f"{_course(change)}, {place}{figure(change.volume_ml.before)} ml"


def _from_to(change: Change, unit: str) -> str:
    percent = "" if change.percent is None else f" ({change.percent:+.0f} %)"
    return f"{figure(change.before)} → {figure(change.now)} {unit}{percent}"


def _cards(report: Report) -> str:
    assert report.pictures is not None
    cards = []
    for one, picture in zip(report.segments, report.pictures.segments, strict=True):
        if not picture:
            continue
        volume = f"{figure(one.measures.volume_ml)} ml"
        cards.append(
            f'<div class="card"><h3>{_dot(one)}{escape(one.name)} <span class="faint">{volume}</span></h3>'
            f'<img src="{embedded(picture)}" alt="outline of {escape(one.name)} on three planes"></div>\n'
        )
    return "".join(cards)


def _origins(report: Report) -> str:
    heads = [
        ("Segment", "", False), ("Made", "", False), ("Model", "", False), ("Prompts", "", False),
        ("Working time", "", True), ("Last change", "UTC", False), ("Status", "", False),
    ]  # fmt: skip
    return _table(heads, [_origin(one) for one in report.segments])


def _origin(one: SegmentReport) -> list[str]:
    made = one.provenance
    first = [f"{_dot(one)}{escape(one.name)}", made_by(made)]
    if made is None:
        return [*first, NONE, NONE, NONE, NONE, one.status or NONE]
    model = " ".join(word for word in (made.engine, made.model, made.version) if word)
    changed = (made.changed or made.created)[:16].replace("T", " ")
    time = duration(made.seconds) if made.seconds else NONE
    return [*first, escape(model) or NONE, escape(_prompts(made)) or NONE, time, escape(changed) or NONE,
            one.status or NONE]  # fmt: skip


def _prompts(made: Provenance) -> str:
    counts = {
        "box": made.boxes, "positive click": made.positive, "negative click": made.negative, "edit by hand": made.edits,
    }  # fmt: skip
    plural = {"box": "boxes", "edit by hand": "edits by hand"}
    words = [f"“{made.text}”"] if made.text else []
    words += [
        f"{count} {name if count == 1 else plural.get(name, f'{name}s')}" for name, count in counts.items() if count
    ]
    return ", ".join(words)
