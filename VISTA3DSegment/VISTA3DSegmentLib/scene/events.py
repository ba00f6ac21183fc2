"""Observers of VTK objects that can all be taken away again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import vtk

BEFORE_THE_HOST = 10.0
"""Priority of an observer: it hears of an event before the host does."""


class Observers:
    """What one of ours listens to."""

    def __init__(self) -> None:
        self._tags: list[tuple[Any, int]] = []

    def add(self, thing: Any, event: int | str, callback: Callable[[], None]) -> None:
        """Call back at an event of a VTK object."""
        self._tags.append((thing, thing.AddObserver(event, lambda *_: callback())))

    def add_with_index(self, thing: Any, event: int | str, callback: Callable[[int | None], None]) -> None:
        """Call back with the number that comes with the event (of a control point), None if none comes."""
        self._add_with_data(thing, event, vtk.VTK_INT, callback)

    def add_with_object(self, thing: Any, event: int | str, callback: Callable[[Any], None]) -> None:
        """Call back with the object that comes with the event (a node that leaves the scene)."""
        self._add_with_data(thing, event, vtk.VTK_OBJECT, callback)

    def _add_with_data(self, thing: Any, event: int | str, kind: int, callback: Callable[[Any], None]) -> None:
        def called(_caller: Any, _event: str, value: Any = None) -> None:
            callback(value)

        called.CallDataType = kind  # type: ignore[attr-defined]
        self._tags.append((thing, thing.AddObserver(event, called)))

    def clear(self) -> None:
        """Listen to nothing any more."""
        for thing, tag in self._tags:
            thing.RemoveObserver(tag)
        self._tags.clear()
