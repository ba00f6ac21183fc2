"""What would make an export wrong or refused: said before anything is written, so that nothing is lost in silence."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..errors import VolumeError
from ..files.placing import CUT, LOST, has_same_voxels, moved_mm, placed_on, shares_space
from ..files.segments import Segmentation
from ..terminology import meaning_of
from ..volume import Volume
from .changes import NO_SHARED_SPACE
from .formats import TITLES, Form
from .lesions import doubts, is_unknown
from .prior import OF_EARLIER, OTHER_PATIENT
from .source import DicomSource, matched
from .wording import UNCODED, listed

STATUS_TAG = "Segmentation.Status"
"""Slicer's tag of a segment for how far the person is with it."""
STATUSES = {"notstarted": "not started", "inprogress": "draft", "flagged": "flagged", "completed": "done"}
"""Its values, in the words of the page."""
UNFINISHED = ("inprogress", "flagged")
"""Those that say that a segment was begun and not accepted."""


class Consequence(Enum):
    """What follows from something that was found.

    Members:
        REPAIRED: the export mends it, and says so.
        ASKED: the export is made only if the person agrees.
        REFUSED: the export cannot be made.
    """

    REPAIRED = "repaired"
    ASKED = "asked"
    REFUSED = "refused"


@dataclass(frozen=True)
class Finding:
    """Something that the person should know before exporting.

    Args:
        consequence: what follows.
        what: in a sentence.
        remedy: what can be done, in a sentence; "": nothing need be.
    """

    consequence: Consequence
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}".strip()


def preflight(
    segmentation: Segmentation,
    forms: Collection[Form],
    source: DicomSource | None,
    new_series_of: Volume | None = None,
    prior: Segmentation | None = None,
    scan: Volume | None = None,
) -> tuple[Finding, ...]:
    """Look at a segmentation before it is exported.

    Args:
        segmentation: what is to be exported.
        forms: as what.
        source: the DICOM series of the scan; None: there is none.
        new_series_of: the scan, where a series is made of it before; None: none is made.
        prior: an earlier segmentation, with which a report compares; None: there is none.
        scan: on which it compares; None: it is not known.

    Returns:
        What was found, the worst first; none: all is well.
    """
    found = [
        *_about_nothing(segmentation),
        *_about_source(segmentation, [form for form in forms if form.is_dicom], source, new_series_of),
        *_about_overlaps(segmentation, [form for form in forms if form.is_label_map]),
        *_about_drafts(segmentation),
        *(_about_report(segmentation, prior, scan) if Form.REPORT in forms else ()),
        *_about_codes(segmentation, [form for form in forms if form.needs_codes]),
    ]
    order = (Consequence.REFUSED, Consequence.ASKED, Consequence.REPAIRED)
    return tuple(sorted(found, key=lambda finding: order.index(finding.consequence)))


def _about_nothing(segmentation: Segmentation) -> Iterator[Finding]:
    some = segmentation.drawn
    empty = [segment.name for segment in segmentation.segments if segment not in some]
    if not some:
        yield Finding(Consequence.REFUSED, "There is no segment with a voxel.", "Segment something first.")
    elif empty:
        yield Finding(Consequence.REPAIRED, f"Empty segments are left out: {listed(empty)}.")


def _about_source(
    segmentation: Segmentation, forms: Collection[Form], source: DicomSource | None, new_series_of: Volume | None
) -> Iterator[Finding]:
    lattice = new_series_of if source is None else source.lattice
    if not forms:
        return
    if lattice is None:
        names = listed([TITLES[form] for form in forms])
        yield Finding(
            Consequence.REFUSED,
            f"The scan did not come from a DICOM series that is known here, but this refers to one: {names}.",
            "Give the folder of the series, or have the scan written as a new DICOM series, or choose NIfTI (at the "
            "command line: --source, or --scan with --new-series, or --to nifti).",
        )
        return
    for repair in () if source is None else source.repairs:
        yield Finding(Consequence.REPAIRED, repair)
    try:
        placed = placed_on(segmentation, lattice) if source is None else matched(segmentation, source, resample=True)
    except VolumeError as error:
        yield Finding(Consequence.REFUSED, error.what, error.remedy)
        return
    if not has_same_voxels(segmentation, lattice):
        reason = (
            "The segments have other voxels than the scan"
            if source is None
            else "The scan was resampled or moved since it was read from its DICOM series"
        )
        yield Finding(
            Consequence.ASKED,
            f"{reason}, so the segments would be resampled: borders move by up to half a voxel, thin structures may "
            "fray.",
        )
    if mm := moved_mm(segmentation, lattice):
        yield Finding(
            Consequence.ASKED,
            f"The segmentation is as large as the {'scan' if source is None else 'DICOM series'}, but lies {mm:.1f} mm "
            "beside it: one of them was moved, and the segments would lie on other voxels than those they were made "
            "on.",
            "Undo the move, or give what belongs together.",
        )
    for notice in placed.notices:
        if notice.startswith((CUT, LOST)):
            yield Finding(Consequence.ASKED, notice)


def _about_overlaps(segmentation: Segmentation, forms: Collection[Form]) -> Iterator[Finding]:
    pairs = overlaps(segmentation) if forms else ()
    if pairs:
        remedies = (
            ("choose DICOM Segmentation instead of the DICOM label map", Form.DICOM_LABELMAP in forms),
            ("choose .seg.nrrd or one file for each segment", any(not form.is_dicom for form in forms)),
        )
        words = ", and ".join(remedy for remedy, applies in remedies if applies)
        yield Finding(
            Consequence.REFUSED,
            f"A label map holds one structure per voxel, but these overlap: "
            f"{listed([f'{one} and {other}' for one, other in pairs])}. It is about: "
            f"{listed([TITLES[form] for form in forms])}.",
            f"{words[0].upper()}{words[1:]}.",
        )


def overlaps(segmentation: Segmentation) -> tuple[tuple[str, str], ...]:
    """Names of segments that share voxels: each segment with the last of those before it that it overlaps."""
    segments = segmentation.segments
    owners = np.zeros(segmentation.shape_kji, np.uint16)
    pairs = []
    for number, segment in enumerate(segments, 1):
        inside, mask = owners[segment.mask.slices], segment.mask.mask
        if there := int(inside[mask].max(initial=0)):
            pairs.append((segments[there - 1].name, segment.name))
        inside[mask] = number
    return tuple(pairs)


def _about_drafts(segmentation: Segmentation) -> Iterator[Finding]:
    for status in UNFINISHED:
        names = [one.name for one in segmentation.drawn if one.tags.get(STATUS_TAG) == status]
        if names:
            said = f"Not accepted yet ({STATUSES[status]}): {listed(names)}."
            yield Finding(Consequence.ASKED, said, "Look at them and set them to Done.")


def _about_report(segmentation: Segmentation, prior: Segmentation | None, scan: Volume | None) -> Iterator[Finding]:
    for doubt in doubts(segmentation):
        yield Finding(Consequence.REPAIRED, doubt)
    if prior is None:
        return
    if OTHER_PATIENT in prior.notices:
        yield Finding(Consequence.ASKED, OF_EARLIER.format(OTHER_PATIENT), "Choose one of this patient.")
    if scan is not None and not shares_space(prior, scan):
        yield Finding(
            Consequence.ASKED, NO_SHARED_SPACE, "Check that it is of this patient and of this part of the body."
        )
    unknown = [one.name for one in prior.drawn if is_unknown(one)]
    if unknown:
        yield Finding(
            Consequence.ASKED,
            f"The earlier segmentation does not say what its values mean: {listed(unknown)}. Its volumes would be "
            "compared by these names alone, its lesions not at all.",
            "Give the label map with its table beside it.",
        )


def _about_codes(segmentation: Segmentation, forms: Collection[Form]) -> Iterator[Finding]:
    names = [
        segment.name for segment in segmentation.drawn if meaning_of(segment.terminology, segment.class_id) is None
    ]
    if forms and names:
        yield Finding(
            Consequence.REPAIRED,
            UNCODED.format(listed(names)),
            "Set their terminology to say more.",
        )
