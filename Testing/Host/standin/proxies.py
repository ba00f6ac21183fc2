"""Classes and objects as Slicer's Python sees them: a proxy for each native one, with PythonQt's rules.

Each name of the table becomes an attribute of the proxy class: a Qt property (read and written without brackets), a
signal, an enum or its value, or a method. What the table lacks does not exist, however much native Qt has it.
"""

# ruff: noqa: N802 (the names are those of Qt and of Slicer)

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6 import QtCore

from . import choice, signals
from .border import guarded, proxy_of, remember, to_native, to_python
from .enums import EnumType, EnumValue, enums_of, members_of
from .table import READ_ONLY, Rows, qualified, table

REPLACED: dict[str, type] = {}
"""Native classes that stand for a class of Qt, by its name: dialogs that nobody closes, for example."""

KEYWORDS = {"raise": "raise_", "print": "print_", "None": "None_", "exec": "exec", "exec_": "exec"}


def native_class(name: str) -> type | None:
    """Return the native class behind a class of Qt, by its name."""
    for part in ("QtCore", "QtGui", "QtWidgets", "QtUiTools", "QtNetwork"):
        found = getattr(importlib.import_module(f"PySide6.{part}"), name, None)
        if found is not None:
            return found
    return None


class Property:
    """A Qt property: read and set without brackets."""

    def __init__(self, owner: str, name: str, kind: str) -> None:
        self.owner, self.name, self.writable = owner, name, not kind.endswith(READ_ONLY)

    def __get__(self, proxy: Any, cls: type) -> Any:
        if proxy is None:
            return self._on_class(cls)
        native = living(proxy, f"read the property '{self.name}'")
        for getter in (
            self.name,
            f"is{self.name[0].upper()}{self.name[1:]}",
            f"has{self.name[0].upper()}{self.name[1:]}",
        ):
            method = getattr(native, getter, None)
            if callable(method):
                return to_python(method())
        value = native.property(self.name)
        if value is None and native.metaObject().indexOfProperty(self.name) < 0:
            raise NotImplementedError(f"Slicer's {self.owner} has the property '{self.name}', the stand-in has not.")
        return to_python(value)

    def _on_class(self, cls: Any) -> Any:
        """A static function may have the name of a property, QTimer.singleShot."""
        function = getattr(cls._native_type, self.name, None)
        if callable(function) and hasattr(cls._native_type, f"is{self.name[0].upper()}{self.name[1:]}"):
            return BoundMethod(self.owner, self.name, function)
        return self

    def __set__(self, proxy: Any, value: Any) -> None:
        if not self.writable:
            raise AttributeError(f"The property '{self.name}' of {self.owner} is not writable.")
        native = living(proxy, f"set the property '{self.name}'")
        setter = getattr(native, f"set{self.name[0].upper()}{self.name[1:]}", None)
        try:
            if setter is not None:
                setter(to_native(value))
            elif not native.setProperty(self.name, to_native(value)):
                raise NotImplementedError(
                    f"Slicer's {self.owner} has the property '{self.name}', the stand-in has not."
                )
        except (TypeError, ValueError) as error:
            raise AttributeError(
                f"The property '{self.name}' of {self.owner} does not accept {value!r}: {error}"
            ) from error


class SignalAttribute:
    """A signal of a class."""

    def __init__(self, owner: str, name: str, rows: Rows) -> None:
        self.owner, self.name = owner, name
        self.signatures = [s for s in rows.signals if s.partition("(")[0] == name]

    def __get__(self, proxy: Any, cls: type) -> Any:
        if proxy is None:
            return self
        return signals.BoundSignal(living(proxy, f"use the signal '{self.name}'"), self.owner, self.signatures)

    def __set__(self, proxy: Any, value: Any) -> None:
        raise AttributeError(f"The signal '{self.name}' of {self.owner} cannot be overwritten.")


class Method:
    """A method or a static function of a class."""

    def __init__(self, owner: str, name: str, native: type) -> None:
        self.owner, self.name, self.native = owner, name, native

    def __get__(self, proxy: Any, cls: type) -> Callable[..., Any]:
        native_name = KEYWORDS.get(self.name, self.name)
        if proxy is None:
            return functools.partial(self._call_on_class, native_name)
        native = living(proxy, f"call '{self.name}'")
        overridden = native_name in getattr(type(native), "_overrides", ())
        target = functools.partial(getattr(self.native, native_name), native) if overridden else None
        target = target or getattr(native, native_name, None)
        if target is None:
            raise NotImplementedError(f"Slicer's {self.owner} has '{self.name}', the stand-in has not: add it there.")
        return BoundMethod(self.owner, self.name, target)

    def _call_on_class(self, native_name: str, *arguments: Any) -> Any:
        target = getattr(self.native, native_name, None)
        if target is None:
            raise NotImplementedError(f"Slicer's {self.owner} has '{self.name}', the stand-in has not: add it there.")
        return BoundMethod(self.owner, self.name, target)(*arguments)

    def __set__(self, proxy: Any, value: Any) -> None:
        raise AttributeError(f"The method '{self.name}' of {self.owner} cannot be overwritten.")


class BoundMethod:
    """A method of one object, ready to be called with Slicer's Python values."""

    def __init__(self, owner: str, name: str, target: Callable[..., Any]) -> None:
        self.owner, self.name, self.target = owner, name, target

    def __call__(self, *arguments: Any) -> Any:
        handed = [self._native(a) for a in arguments]
        return to_python(self.target(*handed))

    @staticmethod
    def _native(argument: Any) -> Any:
        if callable(argument) and not isinstance(argument, type | Proxy):
            return lambda *values: guarded(argument, *(to_python(v) for v in values))
        return to_native(argument)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BoundMethod) and (self.name, self.target) == (other.name, other.target)

    def __hash__(self) -> int:
        return hash((self.owner, self.name))

    def __repr__(self) -> str:
        return f"<{self.owner}.{self.name}, a method of Qt>"


class ProxyType(type):
    """The type of proxy classes: a Python class that inherits one gets a native class that calls its methods."""

    def __new__(mcs, name: str, bases: tuple[type, ...], space: dict[str, Any], **options: Any) -> ProxyType:
        cls = super().__new__(mcs, name, bases, space)
        if not options.get("from_table") and bases and bases[0] is not object:
            native = cls._native_type  # type: ignore[attr-defined]
            if native is not None:
                cls._native_type = shell(cls, native, space)
                cls._is_python_class = True
        return cls

    def __init__(cls, name: str, bases: tuple[type, ...], space: dict[str, Any], **options: Any) -> None:
        super().__init__(name, bases, space)

    def __getattr__(cls, name: str) -> Any:
        raise AttributeError(f"Slicer's {cls.__name__} has no attribute '{name}'.")


class Proxy(metaclass=ProxyType, from_table=True):
    """What is common to all proxies."""

    _native_type: type | None = None
    _is_python_class = False
    _owner = "object"
    _rows = Rows()

    def __init__(self, *arguments: Any) -> None:
        if self._native_type is None:
            raise ValueError(f"No constructors available for {self._owner}.")
        native = self._native_type(*(to_native(a) for a in arguments))
        object.__setattr__(self, "_native", native)
        if isinstance(native, QtCore.QObject):
            remember(native, self)
        if self._is_python_class:
            native._python_object = self

    def _native_of(self) -> Any:
        return self._native

    def __getattr__(self, name: str) -> Any:
        native = self.__dict__.get("_native")
        if native is None:
            raise AttributeError(f"{type(self).__name__}.__init__ of Qt was not called before '{name}' was used.")
        if isinstance(native, QtCore.QObject):
            living(self, f"read '{name}'")
            if name in ("name", "objectName"):
                return native.objectName()
            if name.encode() in [bytes(n.data()) for n in native.dynamicPropertyNames()]:
                return to_python(native.property(name))
            for child in native.children():
                if child.objectName() == name:
                    return proxy_of(child)
        wanted, lacking = choice.run_loop_names()
        hint = f" On Qt {choice.QT} a dialog is run by {wanted}()." if name == lacking else ""
        raise AttributeError(f"Slicer's {self._owner} has no attribute named '{name}'.{hint}")

    def __setattr__(self, name: str, value: Any) -> None:
        attribute = next((vars(cls)[name] for cls in type(self).__mro__ if name in vars(cls)), None)
        if hasattr(type(attribute), "__set__"):
            attribute.__set__(self, value)
            return
        if isinstance(attribute, EnumValue | EnumType):
            raise AttributeError(f"The enum '{name}' of {self._owner} cannot be overwritten.")
        native = self.__dict__.get("_native")
        if name == "name" and isinstance(native, QtCore.QObject):
            native.setObjectName(value)
        elif isinstance(native, QtCore.QObject) and name.encode() in [
            bytes(n.data()) for n in native.dynamicPropertyNames()
        ]:
            native.setProperty(name, to_native(value))
        elif self._is_python_class:
            object.__setattr__(self, name, value)
        else:
            raise AttributeError(
                f"'{name}' does not exist on Slicer's {self._owner}, and a C++ object takes no new attributes."
            )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Proxy) and (self._native is other._native or bool(self._native == other._native))

    def __hash__(self) -> int:
        return hash(self._native)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"{type(self).__name__} ({self._owner} at: {hex(id(self._native))})"

    def className(self) -> str:
        """Return the name of the class in C++."""
        native = self._native
        return native.metaObject().className() if isinstance(native, QtCore.QObject) else type(native).__name__

    def connect(self, signal: str, *target: Any) -> bool:
        """Connect ``"signal(types)"`` to a slot, or to a slot of another object named by its signature."""
        found = signals.looked_up(signal, all_signals(type(self)), self._owner)
        return signals.connect(living(self, "connect"), self._owner, found, slot_of(target))

    def disconnect(self, signal: str, *target: Any) -> bool:
        """Disconnect a slot from ``"signal(types)"``; False if it was not connected."""
        found = signals.looked_up(signal, all_signals(type(self)), self._owner)
        return signals.disconnect(living(self, "disconnect"), found, slot_of(target) if target else None)

    def delete(self) -> None:
        """Delete the object in C++ at once."""
        shiboken6.delete(living(self, "delete"))

    def help(self) -> None:
        """Print what the class has."""
        print("\n".join(sorted(n for n in dir(type(self)) if not n.startswith("_"))))

    def findChildren(self, kind: Any, name: str = "") -> tuple[Any, ...]:
        """Return the descendants of a class, given as such or by its name, with that object name if one is given."""
        native = living(self, "findChildren")
        found = [c for c in native.findChildren(QtCore.QObject) if is_a(c, kind) and name in ("", c.objectName())]
        return tuple(proxy_of(child) for child in found)

    def findChild(self, kind: Any, name: str = "") -> Any:
        """Return the first of ``findChildren``, or None."""
        found = self.findChildren(kind, name)
        return found[0] if found else None


OWN_METHODS = frozenset({"className", "connect", "disconnect", "delete", "help", "findChildren", "findChild"})


def living(proxy: Any, doing: str) -> Any:
    """Return the native object of a proxy.

    Raises:
        ValueError: Qt has deleted it.
    """
    native = proxy._native
    if not shiboken6.isValid(native):
        raise ValueError(f"Trying to {doing} on a destroyed {proxy._owner} object.")
    return native


def is_a(native: QtCore.QObject, kind: Any) -> bool:
    """Tell whether a native object is of a class, which is a proxy class or the name of a class."""
    if isinstance(kind, str):
        return any(cls.__name__ == kind for cls in type(native).__mro__) or native.inherits(kind)
    return isinstance(proxy_of(native), kind)


def slot_of(target: tuple[Any, ...]) -> Callable[..., Any]:
    """Return the slot that ``connect`` was given: a callable, or an object and the signature of its slot."""
    if len(target) == 1:
        return target[0]
    receiver, signature = target
    name = str(signature).partition("(")[0]
    return getattr(receiver, name)


def all_signals(cls: type) -> tuple[str, ...]:
    """Return the signatures of all signals of a proxy class, inherited ones too."""
    found: list[str] = []
    for base in cls.__mro__:
        found += [s for s in getattr(base, "_rows", Rows()).signals if s not in found]
    return tuple(found)


def shell(cls: type, native: type, space: dict[str, Any]) -> type:
    """Return a native class that calls the methods of a Python class where these override virtual functions of Qt."""

    def overriding(name: str) -> Callable[..., Any]:
        def virtual(self: Any, *arguments: Any) -> Any:
            proxy = getattr(self, "_python_object", None)
            if proxy is None:
                return getattr(native, name)(self, *arguments)
            return to_native(guarded(getattr(proxy, name), *(to_python(a) for a in arguments)))

        return virtual

    named = {n: overriding(n) for n, f in space.items() if callable(f) and not n.startswith("_") and hasattr(native, n)}
    overrides = frozenset(named) | getattr(native, "_overrides", frozenset())
    return type(cls.__name__, (native,), {**named, "_overrides": overrides})


@functools.cache
def proxy_class(native: type) -> ProxyType:
    """Return the proxy class for a native one: that of the class itself, or of the nearest one that Slicer has."""
    for candidate in native.__mro__:
        if candidate.__name__ in ("object", "Object"):
            break
        if qualified(candidate.__name__) in table() and "_overrides" not in vars(candidate):
            return made_for(candidate)
    raise NotImplementedError(f"Slicer's Python has no {native.__name__} that the stand-in knows of.")


@functools.cache
def made_for(native: type) -> ProxyType:
    """Make the proxy class of a native class that the table knows."""
    owner = native.__name__
    if REPLACED.get(owner, native) is not native:
        return made_for(REPLACED[owner])
    rows = table()[qualified(owner)]
    parents = [c for c in native.__mro__[1:] if qualified(c.__name__) in table() and c.__name__ != owner]
    base = made_for(parents[0]) if parents else Proxy
    space: dict[str, Any] = {"_native_type": native, "_owner": owner, "_rows": rows}
    for name in rows.names | set(rows.properties):
        attribute = attribute_for(owner, name, rows, native)
        if attribute is not None:
            space[name] = attribute
    name, lacking = choice.run_loop_names()
    if lacking in space:
        space.setdefault(name, Method(owner, name, native))
        del space[lacking]
    return ProxyType(owner, (base,), space, from_table=True)


def attribute_for(owner: str, name: str, rows: Rows, native: type) -> Any:
    """Return what a name of the table is: property, signal, enum, value or method."""
    if name in OWN_METHODS:
        return None
    if name in rows.properties:
        return Property(owner, name, rows.properties[name])
    if name in rows.signal_names:
        return SignalAttribute(owner, name, rows)
    if name in members_of(native):
        return EnumValue(members_of(native)[name])
    if name in enums_of(native):
        return EnumType(enums_of(native)[name])
    return Method(owner, name, native)


def proxy_for(cls: ProxyType, native: Any) -> Any:
    """Return a new proxy around a native object that exists."""
    proxy = cls.__new__(cls)
    object.__setattr__(proxy, "_native", native)
    return proxy
