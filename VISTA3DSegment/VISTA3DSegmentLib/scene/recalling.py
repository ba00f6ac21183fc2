"""What an annotation begins with: what the scene kept of it, and what only the journal knows."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from ..edits import NOTHING
from ..errors import SegmentationError
from ..session.annotation import AnnotatedObject, Annotation
from ..session.journal import Journal
from .boxes import Boxes
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


def recalled(
    records: Records | None,
    journal: Journal | None,
    segments: Segments,
    markups: PromptMarkups,
    boxes: Boxes,
    restores: bool = True,
) -> Beginning:
    """Bring back an annotation.

    The records of a saved scene count, unless the journal leads beyond them: then what was done after saving is done
    again. Points of the scene are bound to the clicks that they stand for.

    Args:
        records: of the scene; None: it has none.
        journal: of the volume; None: there is none.
        segments: of the scene.
        markups: of the scene.
        boxes: of the scene.
        restores: without records, what the journal holds comes back; else a new one is begun.
    """
    kept, errors = _kept(records, segments, markups, boxes) if records is not None else ({}, [])
    saved = annotation = Annotation(MappingProxyType({key: found.value for key, found in kept.items()}))
    waiting = {key for key, found in kept.items() if found.waiting}
    if journal is not None:
        mark = records.mark if records is not None else ""
        newer = journal.since(mark) if kept or mark or not restores else journal.restore().objects
        as_kept = {key for key, found in kept.items() if found.as_kept}
        ids = {key: _id_for(key, value, as_kept, segments) for key, value in newer.items()}
        for key, value in newer.items():
            if value is not None or ids[key] == key:
                annotation = annotation.replaced(ids[key], value)
            waiting = waiting - {key} | ({ids[key]} if key in journal.waiting else set())
    return Beginning(saved, annotation, frozenset(waiting), tuple(errors))


def _kept(
    records: Records, segments: Segments, markups: PromptMarkups, boxes: Boxes
) -> tuple[dict[str, Recalled], list[SegmentationError]]:
    kept, errors = dict[str, Recalled](), []
    positions = markups.positions()
    for object_id in records.ids():
        mask = segments.read(object_id) if object_id in segments else NOTHING
        try:
            found = records.recall(object_id, mask, positions, boxes.box(object_id))
        except SegmentationError as error:
            records.forget(object_id)
            errors.append(error)
            continue
        if object_id not in segments and not found.value.placed:
            records.forget(object_id)
            continue
        for click_id, point in found.points.items():
            markups.bind(point, click_id)
        kept[object_id] = found
    return kept, errors


def _id_for(object_id: str, value: AnnotatedObject | None, as_kept: set[str], segments: Segments) -> str:
    """The id for what the journal knows of an object: never that of a segment that another tool made or changed."""
    while (
        object_id in segments
        and object_id not in as_kept
        and (value is None or box_of_difference(segments.read(object_id), value.mask) is not None)
    ):
        object_id += "-restored"
    return object_id
