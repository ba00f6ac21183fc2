"""What a segment is, in codes: Slicer's terminology entry taken apart and put together again."""

from __future__ import annotations

from dataclasses import dataclass

from . import anatomy
from .anatomy import ANATOMIC_REGIONS, GENERAL_ANATOMY, AnatomicalClass, Code

SNOMED = "SCT"
ANATOMICAL_STRUCTURE = "123037004"
"""SNOMED CT's code for the category of organs."""


@dataclass(frozen=True)
class Concept:
    """A coded concept (DICOM PS3.16, section 8).

    Args:
        scheme: coding scheme designator, as SCT, DCM, 99LOCAL.
        value: the code.
        meaning: its name in words.
    """

    scheme: str
    value: str
    meaning: str


@dataclass(frozen=True)
class Meaning:
    """What a segment is, as DICOM's segment description and Slicer's terminology say it.

    Args:
        category: segmented property category, as Anatomical Structure.
        type: segmented property type, as Liver.
        modifier: of the type: a side.
        region: anatomic region in which it lies.
        region_modifier: of the region: a side.
    """

    category: Concept
    type: Concept
    modifier: Concept | None = None
    region: Concept | None = None
    region_modifier: Concept | None = None


TISSUE = Meaning(Concept(SNOMED, "85756007", "Tissue"), Concept(SNOMED, "85756007", "Tissue"))
"""Slicer's own word for a segment of which nobody said what it is."""

LESION = Meaning(
    Concept(SNOMED, "49755003", "Morphologically Altered Structure"), Concept(SNOMED, "52988006", "Lesion")
)
"""A lesion of which nobody said more (DICOM PS3.16, CID 7159)."""


def meaning_of(terminology: str, class_id: int | None) -> Meaning | None:
    """What a segment is.

    Args:
        terminology: Slicer's entry; "" if there is none.
        class_id: of the table of classes; None if it has none.

    Returns:
        None if neither says it, or the entry is not one.
    """
    return parse_entry(terminology) or (class_meaning(class_id) if class_id is not None else None)


def class_meaning(class_id: int) -> Meaning | None:
    """What a class of the table is; None: there is no such class, or no single code for it."""
    rows: tuple[AnatomicalClass, ...] = anatomy.all_classes()
    row = rows[class_id - 1] if 1 <= class_id <= len(rows) else None
    if row is None or row.type is None:
        return None
    modifier, region, side = (_concept(code) for code in (row.modifier, row.region, row.region_modifier))
    return Meaning(
        Concept(SNOMED, row.category.value, row.category.meaning),
        Concept(SNOMED, row.type.value, row.type.meaning),
        modifier,
        region,
        side,
    )


def _concept(code: Code | None) -> Concept | None:
    return None if code is None else Concept(SNOMED, code.value, code.meaning)


def parse_entry(terminology: str) -> Meaning | None:
    """Slicer's entry, "context~category~type~modifier~region context~region~region modifier", taken apart.

    Returns:
        None if it is not one: it lacks a category or a type.
    """
    parts = (terminology.split("~") + [""] * 7)[:7]
    category, type_, modifier, region, side = (_parsed(parts[n]) for n in (1, 2, 3, 5, 6))
    return None if category is None or type_ is None else Meaning(category, type_, modifier, region, side)


def _parsed(triplet: str) -> Concept | None:
    words = [word.strip() for word in triplet.split("^")]
    return Concept(*words) if len(words) == 3 and all(words) else None


def entry_of(meaning: Meaning) -> str:
    """Slicer's entry for what a segment is."""
    category, type_, modifier, region, side = (
        "^^" if concept is None else f"{concept.scheme}^{concept.value}^{_without_signs(concept.meaning)}"
        for concept in (meaning.category, meaning.type, meaning.modifier, meaning.region, meaning.region_modifier)
    )
    return "~".join([GENERAL_ANATOMY, category, type_, modifier, ANATOMIC_REGIONS, region, side])


def _without_signs(words: str) -> str:
    """Words without the signs that part an entry or Slicer's list of tags."""
    return words.replace("~", "-").replace("^", " ").replace("|", "/")
