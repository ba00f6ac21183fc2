"""From codes to the class of the model that they mean: so that a structure of a file can be corrected by clicks."""

from __future__ import annotations

from functools import cache

from .. import anatomy
from ..anatomy import Kind
from ..terminology import Concept, Meaning, class_meaning

Key = tuple[tuple[str, str] | None, ...]


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
