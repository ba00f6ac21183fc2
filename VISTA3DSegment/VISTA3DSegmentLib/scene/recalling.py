"""What an annotation begins with: what the scene kept of it, and what only the journal knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..edits import NOTHING
from ..errors import SegmentationError
from ..session.annotation import AnnotatedObject, Annotation
from ..session.journal import Journal
from .labelmaps import box_of_difference
from .markups import PromptMarkups
from .records import Recalled, Records
from .segments import Segments


@dataclass(frozen=True, eq=False)
class Beginning:
    """The annotation as it is opened.

    Args:
        saved: as the scene kept it.
        annotation: with what the journal holds beyond that; else the same.
        waiting: objects whose mask has still to be asked for.
        errors: what was damaged.
    """

    saved: Annotation
    annotation: Annotation
    waiting: frozenset[str]
    errors: tuple[SegmentationError, ...]


def recalled(records: Records | None, journal: Journal | None, segments: Segments, markups: PromptMarkups) -> Beginning:
    """Bring back an annotation.

    The records of a saved scene count, unless the journal leads beyond them: then what was done after saving is done
    again. Points of the scene are bound to the clicks that they stand for.

    Args:
        records: of the scene; None: it has none.
        journal: of the volume; None: there is none.
        segments: of the scene.
        markups: of the scene.
    """
    kept, errors = _kept(records, segments, markups) if records is not None else ({}, [])
    saved = annotation = Annotation(MappingProxyType({key: found.value for key, found in kept.items()}))
    if journal is not None:
        mark = records.mark if records is not None else ""
        newer = journal.since(mark) if kept or mark else journal.restore().objects
        annotation = _with_newer(saved, newer, {key for key, found in kept.items() if found.as_kept}, segments)
    waiting = frozenset(
        key
        for key, value in annotation.objects.items()
        # A journal tells not which click was answered last.
        if (kept[key].waiting if value is saved.objects.get(key) else value.clicks)
    )
    return Beginning(saved, annotation, waiting, tuple(errors))


def _kept(
    records: Records, segments: Segments, markups: PromptMarkups
) -> tuple[dict[str, Recalled], list[SegmentationError]]:
    kept, errors = dict[str, Recalled](), []
    positions = markups.positions()
    for object_id in records.ids():
        mask = segments.read(object_id) if object_id in segments else NOTHING
        try:
            found = records.recall(object_id, mask, positions)
        except SegmentationError as error:
            records.forget(object_id)
            errors.append(error)
            continue
        if object_id not in segments and not found.value.clicks:
            records.forget(object_id)
            continue
        for click_id, point in found.points.items():
            markups.bind(point, click_id)
        kept[object_id] = found
    return kept, errors


def _with_newer(
    saved: Annotation, newer: Mapping[str, AnnotatedObject | None], as_kept: set[str], segments: Segments
) -> Annotation:
    """No segment that another tool made or changed is overwritten: what the journal knows is put beside it."""

    def may_be_written(object_id: str, value: AnnotatedObject | None) -> bool:
        if object_id not in segments or object_id in as_kept:
            return True
        return value is not None and box_of_difference(segments.read(object_id), value.mask) is None

    for object_id, value in newer.items():
        while value is not None and not may_be_written(object_id, value):
            object_id += "-restored"
        if may_be_written(object_id, value):
            saved = saved.replaced(object_id, value)
    return saved
