"""Takes what an errand tells, on a clock that runs only meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import SegmentationError
from ..service.errand import Errand
from .ticker import Ticker


class Waiting:
    """See the module; one errand at a time.

    Args:
        parent: the widget that it serves: it ends with it.
        told: called with each line.
        ended: called when it has ended by itself, with why it failed, or None.
    """

    def __init__(
        self, parent: Any, told: Callable[[str], None], ended: Callable[[SegmentationError | None], None]
    ) -> None:
        self._told, self._ended = told, ended
        self._errand: Errand | None = None
        self._ticker = Ticker(self._tick, parent)

    @property
    def busy(self) -> bool:
        """An errand is under way."""
        return self._errand is not None

    def wait_for(self, errand: Errand) -> None:
        """From now on hear what it tells."""
        self._errand = errand
        self._ticker.wake()

    def cancel(self) -> None:
        """Break it off, if there is one; nobody is told."""
        self._ticker.stop()
        if self._errand is not None:
            self._errand.cancel()
            self._errand = None

    def _tick(self) -> bool:
        errand = self._errand
        if errand is None:
            return False
        for line in errand.poll():
            self._told(line)
        if errand.ended:
            self._errand = None
            self._ended(errand.error)
        return not errand.ended
