"""Strict reading of a specification's JSON: every key must be there, known, and of its type."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from ..errors import ModelError

REMEDY = "Ask whoever made the model for a corrected file."


def refuse(wrong: bool, what: str) -> None:
    """Refuse what no image could be segmented with.

    Raises:
        ModelError: it is wrong; ``what`` says in which way.
    """
    if wrong:
        raise ModelError(f"The model's specification {what}, which is not valid.", REMEDY)


def ordered(low: float, high: float) -> bool:
    """Whether two numbers are finite and the first is smaller."""
    return math.isfinite(low) and math.isfinite(high) and low < high


def parsed(text: str) -> dict[str, Any]:
    """A JSON object."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"The model's specification is not JSON ({error}).", REMEDY) from error
    if not isinstance(document, dict):
        raise ModelError("The model's specification is not a JSON object.", REMEDY)
    return document


def take_format(document: dict[str, Any], newest: int) -> int:
    """Take the version of the JSON form out of a document.

    Raises:
        ModelError: it is none, or one that only a later version of VISTA3DSegment reads.
    """
    format_ = document.pop("format", None)
    refuse(type(format_) is not int or format_ < 1, f"has the unknown format {format_!r}")
    if format_ > newest:
        raise ModelError(
            f"The model's specification has format {format_}, but this version reads {newest}.",
            "Update VISTA3DSegment.",
        )
    return int(format_)


def only_keys(document: Mapping[str, Any], expected: set[str]) -> None:
    """Refuse a document that lacks a key or has one too many."""
    missing, unknown = sorted(expected - set(document)), sorted(set(document) - expected)
    refuse(bool(missing), f"lacks {', '.join(missing)}")
    refuse(bool(unknown), f"holds the unknown {', '.join(unknown)}")


def text_of(document: Mapping[str, Any], key: str) -> str:
    """The text under a key."""
    value = document[key]
    refuse(not isinstance(value, str), f"gives {key} as {value!r}")
    return str(value)


def truth_of(document: Mapping[str, Any], key: str) -> bool:
    """The true or false under a key."""
    value = document[key]
    refuse(not isinstance(value, bool), f"gives {key} as {value!r}")
    return bool(value)


def number_of(document: Mapping[str, Any], key: str) -> float:
    """The number under a key."""
    value = document[key]
    refuse(type(value) not in (int, float), f"gives {key} as {value!r}")
    return as_float(value, key)


def as_float(value: int | float, key: str) -> float:
    """A number of JSON as float."""
    try:
        return float(value)
    except OverflowError:  # JSON knows integers of any length
        raise ModelError(f"The model's specification gives a {key} too large for a number.", REMEDY) from None


def list_of(document: Mapping[str, Any], key: str, *types: type) -> list[Any]:
    """The list under a key, whose items are of these types."""
    values = document[key]
    # type() and not isinstance(): in Python True is an int, in a specification it is a mistake.
    valid = isinstance(values, list) and all(type(value) in types for value in values)
    refuse(not valid, f"gives {key} as {values!r}")
    return list(values)


def triple_of(values: list[Any], key: str) -> tuple[Any, Any, Any]:
    """Three values."""
    refuse(len(values) != 3, f"gives {len(values)} values as {key}")
    return values[0], values[1], values[2]
