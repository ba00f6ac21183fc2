"""The border between Slicer's Python and native Qt: what crosses it is turned into what the other side understands."""

from __future__ import annotations

import enum
import sys
import traceback
import weakref
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6 import QtCore

from .enums import EnumValue

errors: list[BaseException] = []
"""What slots and virtual functions raised. In Slicer these only appear in the Python console; a test must look here."""

_proxies: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()


def to_native(value: Any) -> Any:
    """Return what native Qt gets for a value of Slicer's Python: proxies are opened, lists and enums converted."""
    if isinstance(value, EnumValue):
        return value.member
    native = getattr(type(value), "_native_of", None)
    if native is not None:
        return native(value)
    if isinstance(value, list | tuple):
        return [to_native(item) for item in value]
    if isinstance(value, dict):
        return {key: to_native(item) for key, item in value.items()}
    return value


def to_python(value: Any) -> Any:
    """Return what Slicer's Python gets for a native value: a proxy, an enum value, a tuple for a list."""
    if isinstance(value, enum.Enum):
        return EnumValue(value)
    if isinstance(value, list | tuple):
        return tuple(to_python(item) for item in value)
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, shiboken6.Object):
        return proxy_of(value)
    return value


def address(native: Any) -> int:
    """Return where the C++ object of a native object lies: the same for all its Python faces."""
    return int(shiboken6.getCppPointer(native)[0])


def proxy_of(native: Any) -> Any:
    """Return the proxy of a native object, the same one as long as it lives."""
    from .proxies import proxy_class, proxy_for

    own = getattr(native, "_python_object", None)
    if own is not None:
        return own
    if not isinstance(native, QtCore.QObject):
        return proxy_for(proxy_class(type(native)), native)
    key = address(native)
    found = _proxies.get(key)
    if found is None or found._native_of() is not native:
        found = proxy_for(proxy_class(type(native)), native)
        _proxies[key] = found
    return found


def remember(native: Any, proxy: Any) -> None:
    """Keep which proxy a native object was made through."""
    _proxies[address(native)] = proxy


def guarded(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a slot as PythonQt does: what it raises is printed and noted, and Qt goes on."""
    try:
        return function(*arguments)
    except (Exception, SystemExit) as error:
        errors.append(error)
        traceback.print_exception(error, file=sys.stderr)
        return None


def accepted_arguments(function: Callable[..., Any]) -> int | None:
    """Return how many arguments PythonQt hands to a slot at most, or None for all; it counts those of functions."""
    bound = hasattr(function, "__self__") and hasattr(function, "__func__")
    code = getattr(function.__func__ if bound else function, "__code__", None)
    if code is None or code.co_flags & 0x04:
        return None
    return int(code.co_argcount) - (1 if bound else 0)
