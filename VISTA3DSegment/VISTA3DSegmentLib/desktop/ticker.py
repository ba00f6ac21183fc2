"""The clock of the panel: it runs only while there is something to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

TICK_MS = 20


class Ticker:
    """Calls something again and again until it says that there is nothing to do.

    Args:
        tick: called on the main thread; returns whether it has to be called again.
        parent: the widget that it serves: it ends with it.
    """

    def __init__(self, tick: Callable[[], bool], parent: Any) -> None:
        self._tick = tick
        self._timer = qt.QTimer(parent)
        self._timer.setInterval(TICK_MS)
        self._timer.connect("timeout()", self._on_timeout)

    @property
    def runs(self) -> bool:
        """Whether it is running."""
        return bool(self._timer.isActive())

    def wake(self) -> None:
        """There is something to do."""
        if not self._timer.isActive():
            self._timer.start()

    def stop(self) -> None:
        """Never again, until it is woken."""
        self._timer.stop()

    def _on_timeout(self) -> None:
        if not self._tick():
            self._timer.stop()
