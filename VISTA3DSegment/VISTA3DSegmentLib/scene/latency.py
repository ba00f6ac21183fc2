"""How long a click takes until it is seen: measured in the person's scene, not in a benchmark."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..session.signals import Signal


@dataclass(frozen=True)
class Latency:
    """How long the last click took until it was seen.

    Args:
        voxels_seconds: until the engine had answered.
        slices_seconds: until the segment was written and the 2-D views were told.
        surface_seconds: until its surface was renewed; None: 3-D is not shown, or not yet.
    """

    voxels_seconds: float
    slices_seconds: float
    surface_seconds: float | None = None


class Stopwatch:
    """Is told what happens to clicks, and says how long it took.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.measured: Signal[Latency] = Signal()
        self._clock = clock
        self._asked_at: dict[str, float] = {}
        self._pumped_at = 0.0
        self._last: tuple[str, float, Latency] | None = None

    def clicked(self, object_id: str) -> None:
        """The person clicked."""
        self._asked_at[object_id] = self._clock()

    def pumped(self) -> None:
        """The answers of the engine are about to be taken."""
        self._pumped_at = self._clock()

    def written(self, object_id: str) -> None:
        """An answer is in the scene."""
        asked = self._asked_at.pop(object_id, None)
        if asked is not None:
            latency = Latency(self._pumped_at - asked, self._clock() - asked)
            self._last = (object_id, asked, latency)
            self.measured.emit(latency)
        elif self._last is not None and self._last[0] == object_id:
            self._last = None  # something else has changed it, as a run: its surface is no more that of the click

    def surface_renewed(self, object_id: str) -> None:
        """Its surface follows."""
        if self._last is not None and self._last[0] == object_id:
            _, asked, latency = self._last
            self._last = None
            self.measured.emit(replace(latency, surface_seconds=self._clock() - asked))
