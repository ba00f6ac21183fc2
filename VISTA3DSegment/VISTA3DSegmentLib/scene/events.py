"""Observers of VTK objects that can all be taken away again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Observers:
    """What one of ours listens to."""

    def __init__(self) -> None:
        self._tags: list[tuple[Any, int]] = []

    def add(self, thing: Any, event: int | str, callback: Callable[[], None]) -> None:
        """Call back at an event of a VTK object."""
        self._tags.append((thing, thing.AddObserver(event, lambda *_: callback())))

    def add_with_index(self, thing: Any, event: int | str, callback: Callable[[int], None]) -> None:
        """Call back with the number that comes with the event (of a control point)."""
        import vtk

        def called(_caller: Any, _event: str, index: int) -> None:
            callback(index)

        called.CallDataType = vtk.VTK_INT  # type: ignore[attr-defined]
        self._tags.append((thing, thing.AddObserver(event, called)))

    def clear(self) -> None:
        """Listen to nothing any more."""
        for thing, tag in self._tags:
            thing.RemoveObserver(tag)
        self._tags.clear()
