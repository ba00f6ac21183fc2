"""The contract between everything that asks for masks and everything that computes them.

A mask is a pure function of (volume, engine, structure, prompts, base). An engine owns caches only, so a request can be
repeated, cancelled, superseded or sent to another process at any time, and the answer is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from .edits import Edit, MaskCrop
from .prompts import Box, Prompts, Structure
from .volume import Volume


@dataclass(frozen=True)
class Progress:
    """How far a request is.

    Args:
        done: windows (network passes) finished.
        total: windows in all.
        seconds_left: estimate from the windows measured so far; None before the first is done.
    """

    done: int
    total: int
    seconds_left: float | None = None


OnProgress: TypeAlias = Callable[[Progress], None]
Cancel: TypeAlias = Callable[[], bool]
"""Asked before every window: True ends the request with ``Cancelled``; nothing is left half-done."""


class Opened(Protocol):
    """An engine with a volume: what can be asked of it."""

    @property
    def volume(self) -> Volume:
        """What it was opened with."""
        ...

    def segment(
        self,
        classes: Sequence[int],
        region: Box | None = None,
        on_progress: OnProgress | None = None,
        cancel: Cancel | None = None,
    ) -> Iterator[tuple[int, Edit]]:
        """Segment classes automatically.

        Args:
            classes: ids of ``anatomy``; groups are expanded to their members by the caller or yield their union.
            region: only inside this box (RAS, mm); None: the whole volume.
            on_progress: called after each window.
            cancel: asked before each window.

        Yields:
            (class id, Edit against an empty base), in the order in which they are finished; each class once, a class
            that is not in the scan with an ``empty_reason``.

        Raises:
            PromptError: a class the model does not know. Cancelled. ResourceError.
        """
        ...

    def refine(
        self,
        structure: Structure,
        prompts: Prompts,
        base: MaskCrop | None = None,
        region: Box | None = None,
        cancel: Cancel | None = None,
        reach_mm: float | None = None,
    ) -> Edit:
        """Correct one structure by prompts.

        Args:
            structure: a class of the model, or a new structure.
            prompts: all prompts of the structure so far.
            base: the mask that the prompts correct, on the volume's grid. None: for a class its automatic result where
                the prompts lie; for a new structure nothing.
            region: voxels outside this box (RAS, mm) are left alone.
            cancel: asked before each window.
            reach_mm: a click changes nothing farther from it than this; None: wherever the model finds it right.

        Returns:
            The change against the base. Same arguments, same answer, bit by bit.

        Raises:
            PromptError: no click, or a click outside the volume. Cancelled. ResourceError.
        """
        ...


class Engine(Protocol):
    """Something that segments volumes."""

    @property
    def name(self) -> str:
        """For messages."""
        ...

    def open(self, volume: Volume) -> Opened:
        """Make a volume ready to be asked about; cheap, nothing is computed yet."""
        ...
