"""A signal: whoever is connected is called. It keeps Qt, trame and MRML out of what they listen to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Signal(Generic[Value]):
    """Calls its listeners in the order in which they connected."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Value], None]] = []

    def connect(self, listener: Callable[[Value], None]) -> Callable[[], None]:
        """Add a listener; returns what disconnects it."""
        self._listeners.append(listener)

        def disconnect() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return disconnect

    def emit(self, value: Value) -> None:
        """Call every listener that was connected when the call began."""
        for listener in tuple(self._listeners):
            listener(value)
