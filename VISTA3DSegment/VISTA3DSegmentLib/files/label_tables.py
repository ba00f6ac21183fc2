"""Tables beside a label map, which say what its values mean: names, colours, codes.

Written and read: Slicer's colour table as comma separated values, the only one with codes (NAME.csv; Slicer's developer
guide, module Colors). Read too: Slicer's older one (NAME.ctbl) and ITK-SNAP's label descriptions (NAME.label).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..anatomy import all_classes
from ..edits import NOTHING
from ..errors import FileFormatError
from ..terminology import Concept, Meaning, entry_of, meaning_of
from .class_codes import class_with_codes, class_with_name, concept_of
from .label_maps import UNNAMED, label_color, label_values, of_no_class
from .reading import open_for_reading, stem_of
from .segments import Rgb, Segment, Segmentation

MAX_TABLE_BYTES = 2**24
VALUE, NAME, COLOR = "LabelValue", "Name", ("Color_R", "Color_G", "Color_B", "Color_A")
CODES = ("Category", "Type", "TypeModifier", "Region", "RegionModifier")
PARTS = ("CodingScheme", "CodeValue", "CodeMeaning")
CLASS_ID = "VISTA3DSegment_ClassId"
"""Our column: the class of the model; empty for a structure without one. Slicer passes over columns that it does not
know."""
COLUMNS = (VALUE, NAME, *COLOR, *(f"{code}_{part}" for code in CODES for part in PARTS), CLASS_ID)


@dataclass(frozen=True)
class LabelRow:
    """What a table says of one value.

    Args:
        name: of the structure; "" if it says none.
        color: red, green, blue, 0 to 255, if it says one.
        meaning: its codes, if there are any.
        has_class: whether the table says which class it is, or that it has none.
        class_id: the class.
    """

    name: str
    color: Rgb | None
    meaning: Meaning | None = None
    has_class: bool = False
    class_id: int | None = None


def table_text(segmentation: Segmentation) -> str:
    """The table of the label map of a segmentation, as ``label_values`` numbers it.

    A number that is no class of the model's, or of which nobody said that it is one, is a value and nothing else.
    """
    text, classes = io.StringIO(), {row.id for row in all_classes()}
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for value, segment in zip(label_values(segmentation), of_no_class(segmentation).segments, strict=True):
        meaning = meaning_of(segment.terminology, segment.class_id)
        concepts = [None] * 5 if meaning is None else _concepts(meaning)
        codes = [("", "", "") if one is None else (one.scheme, one.value, _plain(one.meaning)) for one in concepts]
        class_id = segment.class_id if segment.class_id in classes else ""
        own = (value, _plain(segment.name), *segment.color, 255)
        writer.writerow([*own, *(part for code in codes for part in code), class_id])
    return text.getvalue()


def _concepts(meaning: Meaning) -> list[Concept | None]:
    return [meaning.category, meaning.type, meaning.modifier, meaning.region, meaning.region_modifier]


def _plain(text: str) -> str:
    """On one line, without the quotation marks that Slicer's reader cannot take."""
    return " ".join(text.replace('"', "'").split())


def with_table(segmentation: Segmentation, path: Path) -> Segmentation:
    """The segments of a label map with what the table beside it says of them.

    Args:
        segmentation: its segments carry their values as class ids, as ``segmentation_of`` gives them.
        path: of the label map.

    Returns:
        Unchanged if there is no table. Segments that our own table names but that have no voxel are there, empty. A
        segment of which the table says a name only is of the class that is called so, or of none: its value may come
        from any list.
    """
    try:
        rows = _rows_beside(path)
    except (FileFormatError, ArithmeticError, TypeError, ValueError, csv.Error) as error:
        notice = f"The table beside {path.name} is damaged ({error}); names and colours are not taken from it."
        return replace(segmentation, notices=(*segmentation.notices, notice))
    if not rows:
        return segmentation
    segments = [_named(segment, rows.get(segment.class_id or 0)) for segment in segmentation.segments]
    there = {segment.class_id for segment in segmentation.segments}
    empty = [
        _named(Segment(UNNAMED.format(value), NOTHING, label_color(value), value), row)
        for value, row in rows.items()
        if row.has_class and value not in there
    ]
    unknown = [segment.name for segment in segmentation.segments if segment.class_id not in rows]
    notices = (f"The table beside {path.name} does not name {', '.join(unknown)}.",) if unknown else ()
    return replace(segmentation, segments=(*segments, *empty), notices=(*segmentation.notices, *notices))


def has_table(path: Path) -> bool:
    """Whether a table beside an image says what its values mean; a damaged one still says that they mean something."""
    return table_beside(path) is not None


def table_beside(path: Path) -> Path | None:
    """The table that says what the values of an image mean, if there is one; it may be damaged."""
    for table in _tables_beside(path):
        try:
            if _rows_in(table):
                return table
        except (FileFormatError, ArithmeticError, TypeError, ValueError, csv.Error):
            return table
    return None


def _named(segment: Segment, row: LabelRow | None) -> Segment:
    if row is None:
        return segment
    segment = replace(segment, color=row.color or segment.color)
    if row.name in ("", segment.name) and row.class_id is None and row.meaning is None:
        return segment  # not a word of what it is
    class_id = row.class_id
    if not row.has_class:
        class_id = class_with_name(row.name) if row.meaning is None else class_with_codes(row.meaning)
    is_said = row.has_class or row.meaning is not None or class_id is not None
    return replace(
        segment,
        name=row.name or segment.name,
        class_id=class_id,
        terminology="" if row.meaning is None else entry_of(row.meaning),
        label_value=None if is_said else segment.class_id,
    )


def _rows_beside(path: Path) -> Mapping[int, LabelRow]:
    return next((rows for table in _tables_beside(path) if (rows := _rows_in(table))), {})


def _tables_beside(path: Path) -> Iterator[Path]:
    """Files that may be the table of an image, the best first."""
    tables = (path.with_name(stem_of(path) + suffix) for suffix in (".csv", ".ctbl", ".label"))
    return (table for table in tables if table.is_file())


def _rows_in(table: Path) -> Mapping[int, LabelRow]:
    readers: dict[str, Callable[[str], Mapping[int, LabelRow]]] = {
        ".csv": _rows_of_csv, ".ctbl": _rows_of_ctbl, ".label": _rows_of_label_descriptions,
    }  # fmt: skip
    return readers[table.suffix](_text_of(table))


def _text_of(table: Path) -> str:
    with open_for_reading(table) as file:
        content = file.read(MAX_TABLE_BYTES + 1)
    if len(content) > MAX_TABLE_BYTES:
        raise FileFormatError(f"The table {table.name} is larger than can be real.")
    return content.decode("utf-8-sig")


def _rows_of_csv(text: str) -> dict[int, LabelRow]:
    lines = csv.DictReader(io.StringIO(text, newline=""))
    if VALUE not in (lines.fieldnames or ()):
        return {}  # a table of something else
    return {int(line[VALUE]): _row(line) for line in lines}


def _row(line: Mapping[str, str | None]) -> LabelRow:
    cells = {column: (cell or "").strip() for column, cell in line.items() if isinstance(cell, str)}
    category, type_, *others = (_concept(cells, code) for code in CODES)
    class_id = cells.get(CLASS_ID, "")
    return LabelRow(
        name=cells.get(NAME, ""),
        color=_color([cells.get(column, "") for column in COLOR[:3]]),
        meaning=None if category is None or type_ is None else Meaning(category, type_, *others),
        has_class=CLASS_ID in cells,
        class_id=int(class_id) if class_id else None,
    )


def _concept(cells: Mapping[str, str], code: str) -> Concept | None:
    scheme, value, meaning = (cells.get(f"{code}_{part}", "") for part in PARTS)
    return concept_of(scheme, value, meaning)


def _color(words: Sequence[str]) -> Rgb | None:
    if not any(words):
        return None
    red, green, blue = (min(255, max(0, round(float(word)))) for word in words)
    return red, green, blue


def _rows_of_ctbl(text: str) -> dict[int, LabelRow]:
    """Lines "value name red green blue alpha", names with underscores for spaces."""
    words = [line.split() for line in _lines(text)]
    return {
        int(value): LabelRow(name.strip("'").replace("_", " "), _color((red, green, blue)))
        for value, name, red, green, blue, *_ in words
        if int(value) > 0
    }


def _rows_of_label_descriptions(text: str) -> dict[int, LabelRow]:
    """Lines "value red green blue alpha visible mesh "name"" of ITK-SNAP."""
    found = (re.fullmatch(r'(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+\S+\s+\d\s+\d\s+"(.*)"', line) for line in _lines(text))
    return {
        int(match[1]): LabelRow(match[5], _color((match[2], match[3], match[4])))
        for match in found
        if match is not None and int(match[1]) > 0
    }


def _lines(text: str) -> Iterable[str]:
    return (line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
