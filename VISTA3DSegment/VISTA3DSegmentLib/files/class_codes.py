"""Codes and names that files hold, and the class of the model that they mean: so that a structure can be corrected by
clicks."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from .. import anatomy
from ..anatomy import Kind
from ..errors import PromptError
from ..terminology import Concept, Meaning, class_meaning

Key = tuple[tuple[str, str] | None, ...]

NUMBERED = r"-?[A-Za-z]?[\s_.-]*[0-9]+"
"""What people call things to count them."""

SIGNS_OF_ENTRIES = "~^|"
"""They part Slicer's terminology entries, and those its tags; no scheme and no code has them."""


def concept_of(scheme: str, value: str, meaning: str) -> Concept | None:
    """A code as a file says it; None if it lacks a part, or could not stand in Slicer's terminology entry."""
    if not (scheme and value and meaning) or any(sign in scheme + value for sign in SIGNS_OF_ENTRIES):
        return None
    return Concept(scheme, value, meaning)


@lru_cache(maxsize=1024)  # to see that a name is none of the table's takes milliseconds
def classes_with_name(name: str) -> tuple[int, ...]:
    """The classes that a name means, in the table's own names and synonyms; () if it means none.

    A number is no name, even if it is the id of a class; nor is a letter with one: L1 may be a vertebra or a lesion.
    """
    if re.fullmatch(NUMBERED, name.strip()):
        return ()
    try:
        return anatomy.expand(anatomy.parse_classes(name))
    except PromptError:
        return ()


def class_with_name(name: str) -> int | None:
    """The class that a name means; None if it means none, or several, as "kidney"."""
    ids = classes_with_name(name)
    return ids[0] if len(ids) == 1 else None


def class_with_codes(meaning: Meaning) -> int | None:
    """The class, of those that a model can segment, whose type, modifier, region and side are exactly these codes.

    The category is not compared: writers put a liver among tissues, organs and anatomical structures.

    Returns:
        None if there is no such class.
    """
    return _classes().get(_key(meaning))


@cache
def _classes() -> dict[Key, int]:
    segmented = [row.id for row in anatomy.all_classes() if row.kind in (Kind.EVERYTHING, Kind.SECOND_PASS)]
    meanings = [(class_id, class_meaning(class_id)) for class_id in segmented]
    return {_key(meaning): class_id for class_id, meaning in meanings if meaning is not None}


def _key(meaning: Meaning) -> Key:
    return tuple(
        None if code is None else _code(code)
        for code in (meaning.type, meaning.modifier, meaning.region, meaning.region_modifier)
    )


def _code(concept: Concept) -> tuple[str, str]:
    return concept.scheme, concept.value
