"""Exporting and measuring as errands: done in a child process, which tells in lines of JSON what comes of it.

Each line is an object with one of these keys: ``found`` (pairs of a consequence and a sentence), ``stopped`` (for what
was found nothing is written), ``progress`` (done and total), ``written`` (names of files and folders in the folder of
the order), ``notices`` (sentences), ``rows`` (a table, its heading first).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engine import OnProgress, Progress
from ..errors import Cancelled, FileFormatError, ResourceError, SegmentationError
from ..export.formats import STEM, Form
from .errand import Say
from .parcel import Label, unpacked

if TYPE_CHECKING:
    from ..export.preflight import Finding


@dataclass(frozen=True)
class ExportOrder:
    """What a person wants exported.

    Args:
        forms: kinds of files.
        folder: where they go.
        images: files of the DICOM series of the scan; (): nothing refers to it.
        agreed: what was found earlier and the person wants nevertheless, in the sentences that were told.
        each: see ``export.exporting.Wish``.
        new_series: likewise.
    """

    forms: tuple[Form, ...]
    folder: Path
    images: tuple[Path, ...] = ()
    agreed: tuple[str, ...] = ()
    each: bool = False
    new_series: bool = False


def export_parcel(label: Label, say: Say) -> None:
    """Look at a parcel of an ``ExportOrder`` and write its files; nothing if something is refused or not agreed to.

    An earlier segmentation in it is what the report compares with.
    """
    # Here: who starts this errand does without the packages that write DICOM.
    from ..export.exporting import Wish, export, found
    from ..export.preflight import Consequence
    from ..export.source import source_of

    with unpacked(label) as parcel:
        order: ExportOrder = parcel.order
        if not order.folder.is_dir():
            raise ResourceError(f"The folder {order.folder} is not there.", "Choose another one.")
        tell = _teller(say)
        source = source_of(order.images) if order.images else None
        stem = free_stem(order.folder)
        wish = Wish(
            parcel.segmentation,
            order.forms,
            stem,
            source,
            parcel.volume,
            parcel.prior,
            each=order.each,
            new_series=order.new_series,
        )
        findings = found(wish)
        tell(found=[(finding.consequence.value, str(finding)) for finding in findings])
        asked = {str(finding) for finding in findings if finding.consequence is Consequence.ASKED}
        if _refused(findings) or not asked <= set(order.agreed):
            tell(stopped=True)
            return
        if parcel.cancel():  # short kinds do not ask while they are written
            raise Cancelled
        try:
            done = export(replace(wish, agreed=True), order.folder, _progress_teller(tell), parcel.cancel)
        except SegmentationError:
            tell(written=written_as(order.folder, stem))
            raise
        known = {finding.what for finding in findings}
        tell(written=[path.name for path in done.paths])
        tell(notices=[notice for notice in done.notices if notice not in known])


def measure_parcel(label: Label, say: Say) -> None:
    """Measure the segments of a parcel, and what changed since an earlier segmentation in it, as the report does.

    Tells the rows of its table and its notices.
    """
    from ..export.report import make_report
    from ..export.report_tables import rows_of

    with unpacked(label) as parcel:
        segments = parcel.segmentation.drawn
        if not segments:
            raise FileFormatError("There is no segment with a voxel.", "Segment something first.")
        assert parcel.volume is not None
        tell = _teller(say)
        report = make_report(
            parcel.volume,
            replace(parcel.segmentation, segments=segments),
            parcel.prior,
            pictures=False,
            progress=_progress_teller(tell),
            cancel=parcel.cancel,
        )
        tell(rows=rows_of(report))
        tell(notices=report.notices)


def free_stem(folder: Path) -> str:
    """A beginning of names under which the folder holds nothing yet: an export never replaces an earlier one."""
    number, stem = 1, STEM
    while written_as(folder, stem):
        number += 1
        stem = f"{STEM}_{number}"
    return stem


def written_as(folder: Path, stem: str) -> list[str]:
    """Names of the files and folders that were exported under a stem."""
    names = (path.name for path in folder.iterdir()) if folder.is_dir() else ()
    return sorted(name for name in names if name.startswith((f"{stem}.", f"{stem}_")))


def _refused(findings: tuple[Finding, ...]) -> bool:
    return any(finding.consequence.value == "refused" for finding in findings)


def _teller(say: Say) -> Callable[..., None]:
    def tell(**told: Any) -> None:
        say(json.dumps(told))

    return tell


def _progress_teller(tell: Callable[..., None]) -> OnProgress:
    """Tells no more often than a bar can show."""
    last = [-1]

    def told(now: Progress) -> None:
        percent = 100 * now.done // max(1, now.total)
        if percent != last[0]:
            last[0] = percent
            tell(progress=(now.done, now.total))

    return told
