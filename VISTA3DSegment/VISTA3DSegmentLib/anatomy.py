"""The structures that VISTA3D knows: ids, names, codes, colours, and how a person's words find them.

One table, ``Resources/anatomy.csv``, holds everything; this file only reads it. Sources: the ids, kinds and groups are
NVIDIA's (``metadata.json`` of NV-Segment-CT 0.6.0); the codes are SNOMED CT as in DICOM PS3.16 and TotalSegmentator.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache

from .errors import PromptError
from .resources import resource
from .words import Nearness, Terms, likeness, nearness, terms, without_side

Rgb = tuple[int, int, int]

GENERAL_ANATOMY = "Segmentation category and type - 3D Slicer General Anatomy list"
ANATOMIC_REGIONS = "Anatomic codes - DICOM master list"
"""Names of the terminologies that come with Slicer."""

ID = r"-?[0-9]{1,9}"
"""An id as text, also one that does not exist: it deserves the sentence about ids, not the one about names."""

SMALLEST_LIKENESS = 0.8
"""A word of five letters with one of them wrong still reaches it."""

SMALLEST_LIKENESS_TO_SUGGEST = 0.6


class Kind(Enum):
    """How a class is asked for.

    Members:
        EVERYTHING: part of "segment everything"; no two of these overlap.
        SECOND_PASS: lies inside or across others (tumours, vessels, airway), so it is decided on its own.
        GROUP: a name for several classes; the model has no answer for it, its members have.
        UNSUPPORTED: has an id, but the published models were not trained on it.
    """

    EVERYTHING = "everything"
    SECOND_PASS = "second_pass"
    GROUP = "group"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class Code:
    """A concept of SNOMED CT (DICOM coding scheme designator SCT).

    Args:
        value: the code.
        meaning: its name in words.
    """

    value: str
    meaning: str


@dataclass(frozen=True)
class AnatomicalClass:
    """One row of the table.

    Args:
        id: 1 to 132, the model's number.
        name: the model's name, lower case but for vertebrae.
        kind: how it is asked for.
        parent: id of the group that it belongs to.
        special_point: its clicks carry the flag for ambiguous, nested structures.
        category: DICOM segmented property category.
        type: DICOM segmented property type; None where no single code says it.
        modifier: of the type: the side.
        region: where a lesion or vessel lies.
        region_modifier: of the region: the side.
        color: red, green, blue, 0 to 255.
        synonyms: other names, for search.
        presets: names of the presets that it is part of.
        note: why it is unsupported and what to do instead; else "".
    """

    id: int
    name: str
    kind: Kind
    parent: int | None
    special_point: bool
    category: Code
    type: Code | None
    modifier: Code | None
    region: Code | None
    region_modifier: Code | None
    color: Rgb
    synonyms: tuple[str, ...]
    presets: tuple[str, ...]
    note: str


def _words(cell: str) -> tuple[str, ...]:
    return tuple(cell.split("|")) if cell else ()


def _code(row: dict[str, str], column: str) -> Code | None:
    value = row[f"{column}_code"]
    return Code(value, row[column]) if value else None


def _read(row: dict[str, str]) -> AnatomicalClass:
    return AnatomicalClass(
        id=int(row["id"]),
        name=row["name"],
        kind=Kind(row["kind"]),
        parent=int(row["parent"]) if row["parent"] else None,
        special_point=row["point_flag"] == "special",
        category=Code(row["category_code"], row["category"]),
        type=_code(row, "type"),
        modifier=_code(row, "modifier"),
        region=_code(row, "region"),
        region_modifier=_code(row, "region_modifier"),
        color=(int(row["r"]), int(row["g"]), int(row["b"])),
        synonyms=_words(row["synonyms"]),
        presets=_words(row["presets"]),
        note=row["note"],
    )


@cache
def all_classes() -> tuple[AnatomicalClass, ...]:
    """Every row of the table, by id."""
    with resource("anatomy.csv").open(encoding="utf-8", newline="") as table:
        return tuple(_read(row) for row in csv.DictReader(table))


def _ids(kind: Kind) -> tuple[int, ...]:
    return tuple(row.id for row in all_classes() if row.kind is kind)


EVERYTHING: tuple[int, ...] = _ids(Kind.EVERYTHING)
"""The 117 classes of "segment everything"."""

SECOND_PASS: tuple[int, ...] = _ids(Kind.SECOND_PASS)
"""The 7 classes that overlap others and are segmented on their own."""

SPECIAL_POINT_CLASSES: frozenset[int] = frozenset(row.id for row in all_classes() if row.special_point)
"""Classes whose clicks carry the flag for ambiguous, nested structures: those of the training, which NVIDIA's
bundle replaces by a wrong set."""

PRESETS: Mapping[str, tuple[int, ...]] = {
    "all": EVERYTHING + SECOND_PASS,
    "everything": EVERYTHING,
    **{
        name: tuple(row.id for row in all_classes() if name in row.presets)
        for name in sorted({name for row in all_classes() for name in row.presets})
    },
}
"""Ids by preset name: everything, all (with the second pass), and those of the table."""

PRESET_SYNONYMS = {"oar": "organs-at-risk", "radiotherapy": "organs-at-risk"}


def class_of(class_id: int) -> AnatomicalClass:
    """The row of an id.

    Raises:
        PromptError: there is no such id.
    """
    rows = all_classes()
    # Booleans and fractions are no ids, although Python would find True among the integers.
    if type(class_id) is int and 1 <= class_id <= len(rows):
        return rows[class_id - 1]
    raise PromptError(f"There is no class {class_id}.", f"Choose an id from 1 to {len(rows)}, or a name.")


def supported(class_id: int) -> AnatomicalClass:
    """The row of an id that can be segmented.

    Raises:
        PromptError: there is no such id, or it is unsupported; then the sentence names it and says why.
    """
    row = class_of(class_id)
    if row.kind is Kind.UNSUPPORTED:
        raise PromptError(f"The class {row.name} ({row.id}) cannot be segmented: {row.note}.")
    return row


def members(class_id: int) -> tuple[int, ...]:
    """The classes that a group stands for, by id; of any other class, itself.

    Raises:
        PromptError: there is no such id, or it is unsupported.
    """
    if supported(class_id).kind is not Kind.GROUP:
        return (class_id,)
    return tuple(row.id for row in all_classes() if row.parent == class_id)


def expand(class_ids: Iterable[int]) -> tuple[int, ...]:
    """Ids with every group replaced by its members, each once, in the order asked for.

    Raises:
        PromptError: there is no such id, or it is unsupported.
    """
    return tuple(dict.fromkeys(member for class_id in class_ids for member in members(class_id)))


def preset(name: str) -> tuple[int, ...]:
    """The ids of a preset.

    Args:
        name: a key of ``PRESETS`` or a synonym; case, spaces, hyphens and underscores do not matter.

    Raises:
        PromptError: there is no such preset.
    """
    key = preset_key(name)
    if key not in PRESETS:
        raise PromptError(f"There is no preset {name!r}.", f"Choose one of {', '.join(PRESETS)}.")
    return PRESETS[key]


def preset_key(name: str) -> str:
    """The key of ``PRESETS`` that a person means, if there is one."""
    key = re.sub(r"[\s_-]+", "-", name.strip().lower())
    return PRESET_SYNONYMS.get(key, key)


def find(word: str) -> tuple[AnatomicalClass, ...]:
    """Classes that a person may mean, the best first; unsupported ones too, so that a list can show why they are none.

    Order of words, abbreviated sides, plural, UK or US spelling do not matter. Whole words come before beginnings of
    words; small misspellings are forgiven only where nothing else fits.

    Args:
        word: a name, a synonym, a part of one, or an id.
    """
    if re.fullmatch(ID, word.strip()):
        return tuple(row for row in all_classes() if row.id == int(word))
    query = terms(word)
    if not query:
        return ()
    ranked = [(min(nearness(query, phrase) for phrase in _phrases(row.id)), row) for row in all_classes()]
    found = sorted((rank, row.id) for rank, row in ranked if rank is not Nearness.NONE)
    return tuple(class_of(class_id) for _, class_id in found) or _misspelled(word, SMALLEST_LIKENESS)


@cache
def _phrases(class_id: int) -> tuple[Terms, ...]:
    row = class_of(class_id)
    named = [terms(name) for name in (row.name, *row.synonyms)]
    return tuple(dict.fromkeys([*named, *(without_side(phrase) for phrase in named)]))


def _misspelled(word: str, smallest_likeness: float) -> tuple[AnatomicalClass, ...]:
    query = terms(word)
    alike = [(max(likeness(query, phrase) for phrase in _phrases(row.id)), row) for row in all_classes()]
    near = sorted((-share, row.id) for share, row in alike if share >= smallest_likeness)
    return tuple(class_of(class_id) for _, class_id in near)


def parse_classes(words: str) -> tuple[int, ...]:
    """Ids of the classes that a person lists; groups stay groups (see ``expand``).

    Args:
        words: ids, names, synonyms or presets, separated by commas. A paired organ without its side means both.

    Returns:
        Each id once, in the order of the list.

    Raises:
        PromptError: a word is not known (the sentence suggests the nearest), or a class is unsupported.
    """
    wanted = [word.strip() for word in words.split(",") if word.strip()]
    if not wanted:
        raise PromptError("No class was named.", "Name at least one, as liver or 1.")
    return tuple(dict.fromkeys(class_id for word in wanted for class_id in _ids_of(word)))


def class_called(name: str) -> int | None:
    """The class that a structure's name means, in the words of ``parse_classes``; None: a new structure.

    Raises:
        PromptError: the name means several structures.
    """
    try:
        ids = expand(parse_classes(name))
    except PromptError:  # not a word of the table, or an id without an answer: both are a new structure
        return None
    if len(ids) != 1:
        raise PromptError(
            f"{name!r} means several structures: {names_of(ids)}.", "Name one; clicks are about one structure."
        )
    return ids[0]


def names_of(class_ids: Sequence[int]) -> str:
    """The names of classes, as a sentence lists them; not more than six."""
    names = [class_of(class_id).name for class_id in class_ids]
    return ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:5])} and {len(names) - 5} more structures"


def _ids_of(word: str) -> tuple[int, ...]:
    if re.fullmatch(ID, word):
        return (supported(int(word)).id,)
    meant = _called(word)
    for kinds in ((Kind.GROUP,), (Kind.EVERYTHING, Kind.SECOND_PASS)):
        # "kidney" is the group before it is either kidney. "liver tumor" is the name of a retired id and a synonym of a
        # living one: the living one is meant.
        ids = tuple(row.id for row in meant if row.kind in kinds)
        if ids:
            return ids
    if meant:
        return (supported(meant[0].id).id,)
    if preset_key(word) in PRESETS:
        return preset(word)
    raise PromptError(f"There is no class called {word!r}.", _suggestion(word))


def _called(word: str) -> list[AnatomicalClass]:
    query = terms(word)
    return [row for row in all_classes() if any(nearness(query, p) is Nearness.EXACT for p in _phrases(row.id))]


def _suggestion(word: str) -> str:
    candidates = find(word) or _misspelled(word, SMALLEST_LIKENESS_TO_SUGGEST)
    near = [f"{row.name} ({row.id})" for row in candidates if row.kind is not Kind.UNSUPPORTED][:3]
    return f"Did you mean {' or '.join(near)}?" if near else "Look it up in the list of classes."


def terminology_entry(row: AnatomicalClass, context: str = GENERAL_ANATOMY) -> str:
    """What a class is, as the terminology tag of a Slicer segment.

    Args:
        row: the class.
        context: name of the Slicer terminology in which it is shown; codes beyond that list are kept as they are.

    Returns:
        context~category~type~modifier~region context~region~region modifier, each code as SCT^value^meaning.

    Raises:
        PromptError: no single code says what the class is.
    """
    if row.type is None:
        raise PromptError(f"The class {row.name} ({row.id}) has no code of its own.", "Choose a terminology by hand.")
    codes = [row.category, row.type, row.modifier, row.region, row.region_modifier]
    category, type_, modifier, region, region_modifier = (_serialized(code) for code in codes)
    return "~".join([context, category, type_, modifier, ANATOMIC_REGIONS, region, region_modifier])


def _serialized(code: Code | None) -> str:
    return f"SCT^{code.value}^{code.meaning}" if code else "^^"
