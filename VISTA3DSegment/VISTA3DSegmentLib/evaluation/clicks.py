"""How a segmentation gets better click by click, with a simulated user."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..edits import NOTHING, Edit, MaskCrop
from ..errors import PromptError
from ..prompts import Prompts, Structure
from ..volume import Volume
from .metrics import dice, nsd, volume_ml
from .simulated_user import next_click

CLICKS = (1, 3, 5, 10)
"""After how many clicks a result is reported."""

GOOD_DICE = 0.90
"""Clicks-to-90 (NoC@90) counts the clicks until this is reached."""

TOLERANCE_MM = 3.0
"""Of the NSD, unless asked otherwise: about two voxels of the 1.5 mm grid on which the model works."""


class Refiner(Protocol):
    """What a session needs of an opened engine; the classical methods offer it too."""

    @property
    def volume(self) -> Volume:
        """The scan."""
        ...

    def refine(self, structure: Structure, prompts: Prompts, base: MaskCrop | None = None) -> Edit:
        """The change that all prompts so far make to the base."""
        ...


@dataclass(frozen=True)
class Score:
    """How good the result was at one moment of a session.

    Args:
        clicks: given so far.
        dice: 0 to 1.
        nsd: 0 to 1, at the session's tolerance.
        seconds: what the engine took for the last click; 0 for the base and where no click was needed any more.
    """

    clicks: int
    dice: float
    nsd: float
    seconds: float


@dataclass(frozen=True)
class ClickCurve:
    """A session with one structure.

    Args:
        name: of the structure.
        reference_ml: its true volume.
        scores: before the first click, after the first, and so on to the last; ``scores[n].clicks == n``.
        prompts: the clicks that were given; fewer than scores if nothing was wrong any more.
        tolerance_mm: of the NSD.
    """

    name: str
    reference_ml: float
    scores: tuple[Score, ...]
    prompts: Prompts
    tolerance_mm: float

    @property
    def clicks_to_90(self) -> int | None:
        """NoC@90: the clicks after which Dice first was 0.90 or more (0: before any); None if it never was."""
        return next((score.clicks for score in self.scores if score.dice >= GOOD_DICE), None)

    @property
    def seconds_per_click(self) -> float:
        """Mean over the clicks that were given; 0 if none was needed."""
        seconds = [score.seconds for score in self.scores[1 : len(self.prompts) + 1]]
        return sum(seconds) / len(seconds) if seconds else 0.0


def click_session(
    opened: Refiner,
    structure: Structure,
    truth: MaskCrop,
    clicks: Sequence[int] = CLICKS,
    base: MaskCrop | None = None,
    tolerance_mm: float = TOLERANCE_MM,
) -> ClickCurve:
    """Let the simulated user correct one structure, up to the largest number of clicks.

    Each request carries all prompts so far and the original base, as the contract of engines demands, and every result
    counts as it is: a click that made it worse is not taken back. When nothing is wrong any more, the last score holds.

    Args:
        opened: an engine with the volume, or a classical method.
        structure: what is asked for.
        truth: the reference, on the volume's grid.
        clicks: numbers of clicks of interest; the largest ends the session.
        base: what the clicks correct; None: nothing (or, for a class, what the engine finds by itself).
        tolerance_mm: of the NSD.

    Returns:
        The score before any click and after each one.

    Raises:
        PromptError: the reference is empty, or no number of clicks is positive. Whatever the engine raises.
    """
    if not truth.mask.any():
        raise PromptError(f"The reference of {structure.name} is empty.", "Evaluate a structure that the scan shows.")
    if max(clicks, default=0) < 1:
        raise PromptError("No number of clicks was given.", "Ask for at least one, as 1,3,5,10.")
    volume, result = opened.volume, base or NOTHING
    prompts: Prompts = ()
    scores = [_score(0, truth, result, volume, tolerance_mm, 0.0)]
    for count in range(1, max(clicks) + 1):
        click = next_click(truth, result, volume)
        if click is None:
            scores.append(Score(count, scores[-1].dice, scores[-1].nsd, 0.0))
            continue
        prompts = (*prompts, click)
        began = time.perf_counter()
        edit = opened.refine(structure, prompts, base)
        seconds = time.perf_counter() - began
        result = edit.onto(base)
        scores.append(_score(count, truth, result, volume, tolerance_mm, seconds))
    return ClickCurve(structure.name, volume_ml(truth, volume), tuple(scores), prompts, tolerance_mm)


def _score(
    clicks: int, truth: MaskCrop, result: MaskCrop, volume: Volume, tolerance_mm: float, seconds: float
) -> Score:
    surface = nsd(truth, result, volume.spacing_mm, tolerance_mm)
    return Score(clicks, dice(truth, result), surface, seconds)
