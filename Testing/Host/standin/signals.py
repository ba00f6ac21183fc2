"""Signals and slots as PythonQt offers them: by signature, ``connect("clicked(bool)", slot)``, or by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6 import QtCore

from .border import accepted_arguments, address, guarded, to_native, to_python
from .table import normalised


@dataclass(eq=False)
class Connection:
    """A slot that listens to a signal, with the function through which Qt reaches it."""

    signature: str
    slot: Callable[..., Any]
    relay: Callable[..., None]
    source: Any


_connections: dict[int, list[Connection]] = {}


RELAYS: tuple[Callable[[Callable[..., None]], Callable[..., None]], ...] = (
    lambda call: lambda: call(),
    lambda call: lambda a: call(a),
    lambda call: lambda a, b: call(a, b),
    lambda call: lambda a, b, c: call(a, b, c),
    lambda call: lambda a, b, c, d: call(a, b, c, d),
)
"""Functions with as many arguments as a signal: by their number native Qt decides which overload it calls them with."""


def arguments_of(signature: str) -> list[str]:
    """Return the types of a signature's arguments."""
    inner = signature.partition("(")[2].removesuffix(")")
    return inner.split(",") if inner else []


def source_of(native: QtCore.QObject, signature: str, owner: str) -> Any:
    """Return the native signal that stands for a signature of the table."""
    name = signature.partition("(")[0]
    source = getattr(native, name, None)
    if source is None or not hasattr(source, "emit"):
        raise NotImplementedError(f"Slicer's {owner} has the signal {signature}, the stand-in has not: add it there.")
    return source


def connect(native: QtCore.QObject, owner: str, signature: str, slot: Callable[..., Any]) -> bool:
    """Connect a slot; it gets as many of the signal's arguments as it takes."""
    if not callable(slot):
        raise TypeError(f"{slot!r} cannot be connected to {owner}::{signature}: it cannot be called.")
    kinds = arguments_of(signature)
    source = source_of(native, signature, owner)

    def hand_over(*values: Any) -> None:
        handed = [bool(v) if kind == "bool" else to_python(v) for kind, v in zip(kinds, values, strict=False)]
        limit = accepted_arguments(slot)
        guarded(slot, *handed[: len(handed) if limit is None else limit])

    relay = RELAYS[len(kinds)](hand_over)
    source.connect(relay)
    key = address(native)
    if key not in _connections:
        native.destroyed.connect(lambda *_: _connections.pop(key, None))
    listeners = _connections.setdefault(key, [])
    listeners.append(Connection(signature, slot, relay, source))
    return True


def disconnect(native: QtCore.QObject, signature: str, slot: Callable[..., Any] | None) -> bool:
    """Disconnect one connection of the slot (all of the signal without a slot); False where there is none."""
    listeners = _connections.get(address(native), [])
    fitting = [c for c in listeners if c.signature == signature and (slot is None or c.slot == slot)]
    for connection in fitting if slot is None else fitting[:1]:
        connection.source.disconnect(connection.relay)
        listeners.remove(connection)
    return bool(fitting)


def looked_up(signature: str, signals: tuple[str, ...], owner: str) -> str:
    """Return the signal of the table that a full signature names.

    Raises:
        ValueError: the class has no such signal, or the signature lacks its brackets.
    """
    wanted = normalised(signature) if "(" in signature else signature
    for candidate in signals:
        if normalised(candidate) == wanted:
            return candidate
    raise ValueError(f"Slicer's {owner} has no signal '{signature}'. It has: {', '.join(sorted(signals)) or 'none'}.")


class BoundSignal:
    """A signal of one object, ``button.clicked``: connect, disconnect, and emit by calling it, as in PythonQt."""

    def __init__(self, native: QtCore.QObject, owner: str, signatures: list[str]) -> None:
        self._native = native
        self._owner = owner
        self._signature = max(signatures, key=lambda s: (len(arguments_of(s)), "*" in s, len(s)))

    def connect(self, slot: Callable[..., Any]) -> bool:
        """Connect a function, a method or another signal."""
        return connect(self._native, self._owner, self._signature, slot)

    def disconnect(self, slot: Callable[..., Any] | None = None) -> bool:
        """Disconnect a slot, or all of them."""
        return disconnect(self._native, self._signature, slot)

    def emit(self, *arguments: Any) -> None:
        """Emit the signal."""
        source_of(self._native, self._signature, self._owner).emit(*(to_native(a) for a in arguments))

    __call__ = emit
