"""The prompts of an object as lines of a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..prompts import Ras, Text, place_words
from .annotation import AnnotatedObject, PlacedClick


@dataclass(frozen=True)
class PromptLine:
    """One prompt, as a person reads it.

    Args:
        id: of the click; "text" and "box" for those, of which an object has one.
        kind: what it is.
        words: in one line.
        ras: where it is (RAS, mm), a box its middle; None: a text is nowhere.
    """

    id: str
    kind: Literal["text", "box", "positive", "negative"]
    words: str
    ras: Ras | None = None


def prompt_lines(value: AnnotatedObject) -> tuple[PromptLine, ...]:
    """The text, the box, the clicks, in this order."""
    lines = []
    for placed in value.placed:
        if isinstance(placed, Text):
            lines.append(PromptLine("text", "text", f"“{placed.text}”"))
        elif isinstance(placed, PlacedClick):
            kind: Literal["positive", "negative"] = "positive" if placed.click.positive else "negative"
            sign = "+" if placed.click.positive else "\N{MINUS SIGN}"
            lines.append(PromptLine(placed.id, kind, f"{sign}  {_place(placed.click.ras)} mm", placed.click.ras))
        else:
            r, a, s = ((low + high) / 2 for low, high in zip(placed.ras_min, placed.ras_max, strict=True))
            sizes = (high - low for low, high in zip(placed.ras_min, placed.ras_max, strict=True))
            size = " x ".join(f"{mm:.0f}" for mm in sizes)
            lines.append(PromptLine("box", "box", f"\N{WHITE SQUARE}  {_place((r, a, s))} mm, {size} mm", (r, a, s)))
    return tuple(lines)


def _place(ras: Ras) -> str:
    return "  ".join(place_words(axis, mm) for axis, mm in enumerate(ras))
