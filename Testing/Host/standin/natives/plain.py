"""Properties of a native widget that are only kept: a getter and a setter for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def keeps(**defaults: Any) -> Callable[[type], type]:
    """Give a class ``name()`` and ``setName(value)`` for each keyword; ``changed(name)`` is called after a change."""

    def decorate(cls: type) -> type:
        for name, default in defaults.items():
            setattr(cls, name, _getter(name, default))
            setattr(cls, f"set{name[0].upper()}{name[1:]}", _setter(name, default))
        return cls

    return decorate


def _getter(name: str, default: Any) -> Callable[[Any], Any]:
    def getter(self: Any) -> Any:
        return self.__dict__.get(f"_kept_{name}", default)

    return getter


def _setter(name: str, default: Any) -> Callable[[Any, Any], None]:
    def setter(self: Any, value: Any) -> None:
        if default is not None and isinstance(default, bool | int | float | str):
            value = type(default)(value)
        elif isinstance(default, tuple):
            value = tuple(value)
        if getattr(self, name)() != value:
            self.__dict__[f"_kept_{name}"] = value
            changed = getattr(self, "changed", None)
            if changed is not None:
                changed(name)

    return setter
