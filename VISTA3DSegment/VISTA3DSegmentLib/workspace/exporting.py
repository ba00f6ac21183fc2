"""What a person exports from what is open: the segments as they are now, for the series that they were made on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..edits import NOTHING
from ..export.exporting import Wish
from ..export.formats import STEM, Form
from ..export.source import DicomSource
from ..files.segments import Segment, clean_name
from ..scene.annotator import SceneAnnotator
from .saving import segmentation_of

BLACK = (0, 0, 0)


@dataclass(frozen=True)
class Choice:
    """What a person chose before an export.

    Args:
        forms: kinds of files.
        agreed: see ``export.exporting.Wish``.
        each: likewise.
        new_series: likewise.
        shown_only: without the segments that are hidden.
    """

    forms: tuple[Form, ...]
    agreed: bool = False
    each: bool = False
    new_series: bool = False
    shown_only: bool = False


def wish_of(annotator: SceneAnnotator, choice: Choice, source: DicomSource | None) -> Wish:
    """What is to be exported, as a value: the scene may change while it is written.

    Args:
        annotator: of what is open.
        choice: of the person.
        source: the DICOM series of the scan; None: it came from elsewhere.
    """
    annotator.keep()
    made, volume = segmentation_of(annotator, choice.shown_only), annotator.session.volume
    # Begun, and not in the scene yet: the person is told that they are left out.
    empty = [
        Segment(clean_name(value.structure.name) or object_id, NOTHING, BLACK)
        for object_id, value in annotator.session.annotation.objects.items()
        if object_id not in annotator.segments
    ]
    made = replace(made, segments=(*made.segments, *empty))
    return Wish(made, choice.forms, STEM, source, volume, None, choice.agreed, choice.each, choice.new_series)
