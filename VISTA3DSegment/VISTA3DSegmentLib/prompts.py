"""What a person tells an engine: clicks, boxes, words, and the structure they mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

from .errors import PromptError

Ras: TypeAlias = tuple[float, float, float]
"""A position in the patient: right, anterior, superior, in mm."""
SIDES = ("R", "L"), ("A", "P"), ("S", "I")
"""Of the patient, where the RAS axes lead, and across."""


def place_words(axis: int, mm: float) -> str:
    """How a place along a RAS axis is told, as in "I 300.0"."""
    return f"{SIDES[axis][int(mm < 0)]} {abs(mm):.1f}"


def _finite(ras: Ras, what: str) -> Ras:
    if len(ras) != 3 or not all(math.isfinite(value) for value in ras):
        raise PromptError(f"The {what} has no valid position: {ras}.", "Place it again.")
    r, a, s = ras
    return float(r), float(a), float(s)


@dataclass(frozen=True)
class Click:
    """A point prompt.

    Args:
        ras: world position in mm (RAS); engines round it once.
        positive: True for "this belongs to the structure", False for "this does not".
    """

    ras: Ras
    positive: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "ras", _finite(self.ras, "click"))


@dataclass(frozen=True)
class Box:
    """A box prompt, or a region of interest: axis-aligned in RAS, in mm.

    Args:
        ras_min: the corner with the smallest coordinates.
        ras_max: the corner with the largest coordinates.
    """

    ras_min: Ras
    ras_max: Ras

    def __post_init__(self) -> None:
        object.__setattr__(self, "ras_min", _finite(self.ras_min, "box"))
        object.__setattr__(self, "ras_max", _finite(self.ras_max, "box"))
        if any(low >= high for low, high in zip(self.ras_min, self.ras_max, strict=True)):
            raise PromptError("The box has no extent along an axis.", "Draw it again with three different sides.")


@dataclass(frozen=True)
class Text:
    """A text prompt: the structure in words."""

    text: str

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise PromptError("The text prompt is empty.", "Name the structure.")


Prompt: TypeAlias = Click | Box | Text
Prompts: TypeAlias = tuple[Prompt, ...]
"""All prompts of one structure, in the order in which they were given."""


@dataclass(frozen=True)
class Structure:
    """One structure being segmented: the design's *object*.

    Args:
        name: what the person calls it.
        class_id: the id of the model's class, or None for a new structure that clicks alone describe (zero-shot).
    """

    name: str
    class_id: int | None = None


def clicks_of(prompts: Prompts) -> tuple[Click, ...]:
    """The point prompts among all prompts, in their order."""
    return tuple(prompt for prompt in prompts if isinstance(prompt, Click))


def boxes_of(prompts: Prompts) -> tuple[Box, ...]:
    """The boxes among all prompts, in their order."""
    return tuple(prompt for prompt in prompts if isinstance(prompt, Box))


def texts_of(prompts: Prompts) -> tuple[Text, ...]:
    """The text prompts among all prompts, in their order."""
    return tuple(prompt for prompt in prompts if isinstance(prompt, Text))
