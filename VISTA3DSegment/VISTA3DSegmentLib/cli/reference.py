"""The reference of an evaluation: which of its segments is which structure."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..anatomy import all_classes, class_of, expand, parse_classes
from ..edits import MaskCrop
from ..errors import FileFormatError, PromptError
from ..evaluation.metrics import common_box, voxels
from ..files.segmentations import Segment

LABEL_COLUMNS = ("label", "totalsegmentator_id")
CLASS_COLUMNS = ("class_id", "vista3d_id")
NAME_COLUMNS = ("name", "totalsegmentator_name")
TASK_COLUMN = "task"


@dataclass(frozen=True, eq=False)
class Truth:
    """One structure of the reference.

    Args:
        name: what it is called in tables.
        class_id: the model's class; None if it has none.
        mask: where it is, on the scan's grid.
    """

    name: str
    class_id: int | None
    mask: MaskCrop


@dataclass(frozen=True)
class Meaning:
    """What a value of a label map stands for, by a mapping.

    Args:
        name: in the reference's own words; "" if it has none.
        class_id: the model's class; None if it has none.
    """

    name: str
    class_id: int | None


def read_mapping(path: Path, task: str | None = None) -> tuple[dict[int, Meaning], tuple[str, ...]]:
    """Read what the values of a label map stand for.

    Args:
        path: a CSV table with the columns "label" and "class_id", and if it likes "name"; or as TotalSegmentator's with
            "totalsegmentator_id", "vista3d_id", "totalsegmentator_name" and "task". No class: an empty cell.
        task: which rows of a table with a column "task"; None: those of its first task.

    Returns:
        The meaning of each value, and what the person should know about the choice.

    Raises:
        FileFormatError: no such file, not such a table, or a value stands twice in it.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileFormatError(f"The mapping {path} cannot be read ({error}).", "Give a CSV table.") from error
    if not rows:
        raise FileFormatError(f"The mapping {path.name} has no rows.", "Give a CSV table with a header.")
    label, class_id = _column(rows[0], LABEL_COLUMNS, path), _column(rows[0], CLASS_COLUMNS, path)
    name = next((column for column in NAME_COLUMNS if column in rows[0]), "")
    tasks = list(dict.fromkeys(row[TASK_COLUMN] for row in rows)) if TASK_COLUMN in rows[0] else []
    if task is not None and task not in tasks:
        known = ", ".join(tasks) or "none"
        raise FileFormatError(f"The mapping {path.name} has no task {task!r}.", f"Its tasks: {known}.")
    notices: tuple[str, ...] = ()
    if tasks:
        chosen = task or tasks[0]
        rows = [row for row in rows if row[TASK_COLUMN] == chosen]
        if task is None and len(tasks) > 1:
            notices = (f"{path.name} lists the tasks {', '.join(tasks)}; {chosen} was used. Choose with --task.",)
    meanings: dict[int, Meaning] = {}
    for row in rows:
        value = _number(row[label], path)
        if value is None or value in meanings:
            raise FileFormatError(
                f"The mapping {path.name} has {'no value' if value is None else f'the value {value} twice'} in a row.",
                f"Give each value of the column {label} once.",
            )
        meanings[value] = Meaning(row.get(name) or "", _number(row[class_id], path))
    return meanings, notices


def _column(row: Mapping[str, str], names: Sequence[str], path: Path) -> str:
    found = next((name for name in names if name in row), None)
    if found is None:
        raise FileFormatError(f"The mapping {path.name} has no column {names[0]!r}.", f"Add one: {' or '.join(names)}.")
    return found


def _number(cell: str | None, path: Path) -> int | None:
    text = (cell or "").strip()
    if not text:
        return None
    if not text.isdecimal():
        raise FileFormatError(f"The mapping {path.name} holds {text!r}, not an id.", "Give whole numbers.")
    return int(text)


def truths_of(segments: Sequence[Segment], mapping: Mapping[int, Meaning] | None) -> tuple[Truth, ...]:
    """The structures of a reference, without empty ones; segments that mean the same class are one structure."""
    truths: dict[object, Truth] = {}
    for segment in segments:
        truth = _truth(segment, mapping)
        key = truth.class_id if truth.class_id is not None else segment
        if truth.mask.mask.any():
            truths[key] = _joined(truths[key], truth) if key in truths else truth
    return tuple(truths.values())


def _joined(one: Truth, other: Truth) -> Truth:
    start, shape = common_box(one.mask, other.mask)
    return replace(one, mask=MaskCrop(start, one.mask.inside(start, shape) | other.mask.inside(start, shape)))


def _truth(segment: Segment, mapping: Mapping[int, Meaning] | None) -> Truth:
    value = segment.class_id
    if mapping is not None:
        value = value if segment.label_value is None else segment.label_value
        meaning = mapping.get(value, Meaning("", None)) if value is not None else Meaning("", None)
        name = meaning.name or segment.name
        return Truth(
            name if meaning.class_id is None else class_of(meaning.class_id).name, meaning.class_id, segment.mask
        )
    if value is None or not 1 <= value <= len(all_classes()):
        return Truth(segment.name, None, segment.mask)
    return Truth(class_of(value).name, value, segment.mask)


def chosen(truths: Sequence[Truth], structures: str | None, min_voxels: int) -> tuple[Truth, ...]:
    """Those that the person wants to evaluate, and that are large enough.

    Args:
        truths: of the reference.
        structures: names or classes, separated by commas; None: all.
        min_voxels: smaller ones are left out.

    Raises:
        PromptError: a name is not in the reference, or nothing is left.
    """
    wanted = (
        truths
        if structures is None
        else [truth for word in structures.split(",") if word.strip() for truth in _called(word.strip(), truths)]
    )
    large = tuple(truth for truth in dict.fromkeys(wanted) if voxels(truth.mask) >= min_voxels)
    if not large:
        raise PromptError(
            f"The reference has no such structure of at least {min_voxels} voxels.",
            "Lower --min-voxels or name others.",
        )
    return large


def _called(word: str, truths: Sequence[Truth]) -> list[Truth]:
    found = [truth for truth in truths if truth.name.casefold() == word.casefold()]
    if not found:
        try:
            ids = expand(parse_classes(word))
        except PromptError:
            ids = ()
        found = [truth for truth in truths if truth.class_id in ids]
    if not found:
        there = ", ".join(truth.name for truth in truths)
        raise PromptError(f"The reference has no structure {word!r}.", f"It has {there}.")
    return found
