"""Which engine answers a prompt, and what a new prompt makes of those before it.

A mask is the answer of one engine to all prompts of its object. So a prompt joins those before it where the same engine
answers under the same limits; else what they made is what the new one corrects, and they are prompts no more. Begin an
organ by a word with one engine and correct it by clicks with another: that is one history.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from ..errors import PromptError
from .annotation import AnnotatedObject, Placed
from .rules import Limits


class StillComputing(PromptError):  # noqa: N818 (it is no fault)
    """Another engine has still to answer the prompts before it."""


@dataclass(frozen=True)
class Answering:
    """The engines that answer prompts, by their kind: names of ``service.Ready.engines``; "": the first.

    Args:
        clicks: answers clicks.
        texts: answers texts.
        boxes: answers boxes.
    """

    clicks: str = ""
    texts: str = "segvol"
    boxes: str = "segvol"


def joined(
    value: AnnotatedObject, engine: str, limits: Limits, unanswered: Collection[Placed]
) -> tuple[AnnotatedObject, str]:
    """An object as a new prompt finds it.

    Args:
        value: the object.
        engine: that answers the new prompt.
        limits: that hold for it.
        unanswered: prompts of the object that are not in its mask yet.

    Returns:
        The object; and why prompts have become part of its base, in a sentence, if they have.

    Raises:
        StillComputing: see there.
    """
    name, why = value.structure.name, ""
    if engine != value.engine and unanswered:
        raise StillComputing(f"{name} is still being computed by another engine.", "Wait for its answer, or undo it.")
    if any(placed not in unanswered for placed in value.placed):
        if engine != value.engine:
            why = f"The earlier prompts of {name} are part of it now: the next ones correct what they made."
        elif limits != value.limits:
            why = f"Other limits hold now: the earlier prompts of {name} are part of it."
    if why:
        value = value.settled(value.mask, unanswered)
    return replace(value, engine=engine, limits=limits), why
