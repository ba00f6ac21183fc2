"""Codes and names that files hold, and the class of the model that they mean: so that a structure can be corrected by
clicks."""

from __future__ import annotations

import re
from functools import cache

from .. import anatomy
from ..anatomy import Kind
from ..errors import PromptError
from ..terminology import Concept, Meaning, class_meaning

Key = tuple[tuple[str, str] | None, ...]

SIGNS_OF_ENTRIES = "~^|"
"""They part Slicer's terminology entries, and those its tags; no scheme and no code has them."""


def concept_of(scheme: str, value: str, meaning: str) -> Concept | None:
    """A code as a file says it; None if it lacks a part, or could not stand in Slicer's terminology entry."""
    if not (scheme and value and meaning) or any(sign in scheme + value for sign in SIGNS_OF_ENTRIES):
        return None
    return Concept(scheme, value, meaning)


def class_with_name(name: str) -> int | None:
    """The class that a name or synonym of the table means; a number is no name, even if it is the id of a class.

    Returns:
        None if it means none, or several, as "kidney".
    """
    if re.fullmatch(anatomy.ID, name.strip()):
        return None
    try:
        return anatomy.class_called(name)
    except PromptError:
        return None


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
