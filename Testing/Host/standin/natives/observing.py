"""Observing VTK objects from widgets: an observation ends with its widget, as in Slicer's C++.

VTK's Python lets the garbage collector see the callbacks of an object, but not that its C++ part lives on in the scene:
a callback that only a dead widget knew is emptied, and the next event calls what is left of it, a crash. So each one is
kept here until it is removed, and holds its widget weakly.
"""

from __future__ import annotations

import weakref
from typing import Any

import shiboken6

from ..border import accepted_arguments

_kept: set[Observation] = set()


class Observation:
    """A method of a widget that is called when something happens to a VTK object."""

    def __init__(
        self, owner: Any, source: Any, event: Any, method: str, priority: float = 0.0, data: Any = None
    ) -> None:
        self.source, self.event = source, event
        held = weakref.ref(owner)

        def relay(*arguments: Any) -> None:
            living = held()
            if living is None or not shiboken6.isValid(living):
                self.remove()
                return
            called = getattr(living, method)
            limit = accepted_arguments(called)
            called(*arguments[: len(arguments) if limit is None else limit])

        if data is not None:
            relay.CallDataType = data  # type: ignore[attr-defined]
        self._relay = relay
        self.tag = source.AddObserver(event, relay, priority)
        _kept.add(self)

    def remove(self) -> None:
        """End it."""
        if self in _kept:
            _kept.discard(self)
            self.source.RemoveObserver(self.tag)


def remove_all(observations: list[Observation]) -> None:
    """End observations, and forget them."""
    for each in observations:
        each.remove()
    observations.clear()
