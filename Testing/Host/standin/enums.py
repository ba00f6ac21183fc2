"""Enum values and enum types as PythonQt shows them: integers at class level; scoped as well where Qt is 6."""

from __future__ import annotations

import enum
import functools
from typing import Any

from . import choice


class EnumValue(int):
    """A value of a Qt enum: an integer that remembers the native member, so that it can be handed back to Qt."""

    member: enum.Enum

    def __new__(cls, member: enum.Enum) -> EnumValue:
        value = super().__new__(cls, member.value)
        value.member = member
        return value

    def _combined(self, other: object, operator: str) -> Any:
        if isinstance(other, EnumValue) and isinstance(self.member, enum.Flag):
            result = getattr(self.member, operator)(other.member)
            if result is not NotImplemented:
                return EnumValue(result)
        return getattr(int(self), operator)(int(other)) if isinstance(other, int) else NotImplemented

    def __or__(self, other: object) -> Any:
        return self._combined(other, "__or__")

    def __and__(self, other: object) -> Any:
        return self._combined(other, "__and__")

    def __xor__(self, other: object) -> Any:
        return self._combined(other, "__xor__")

    def __invert__(self) -> Any:
        return EnumValue(~self.member) if isinstance(self.member, enum.Flag) else ~int(self)

    def __hash__(self) -> int:
        return hash(int(self))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int) and int(self) == int(other)

    def __repr__(self) -> str:
        return f"{self.member.name} ({int(self)})"


class EnumType:
    """An enum of a Qt class, ``qt.QSizePolicy.Policy``: makes a value of an integer; holds its values where Qt is 6."""

    def __init__(self, native: type[enum.Enum]) -> None:
        self._native = native

    def __call__(self, value: int) -> EnumValue:
        return EnumValue(self._native(int(value)))

    def __getattr__(self, name: str) -> EnumValue:
        member = self._native.__members__.get(name)
        if member is None or choice.QT == 5:
            raise AttributeError(
                f"The enum {self._native.__name__} has no attribute '{name}' in Slicer on Qt {choice.QT}"
                f"{': its values are attributes of the class around it' if member is not None else ''}."
            )
        return EnumValue(member)


@functools.cache
def enums_of(native: type) -> dict[str, type[enum.Enum]]:
    """Return the enums that a native Qt class declares or inherits, by name."""
    return {
        name: value
        for name in dir(native)
        if isinstance(value := getattr(native, name, None), type) and issubclass(value, enum.Enum)
    }


@functools.cache
def members_of(native: type) -> dict[str, enum.Enum]:
    """Return the values of all enums of a native Qt class, by their own name: ``AlignLeft``, ``Expanding``."""
    return {name: value for kind in enums_of(native).values() for name, value in kind.__members__.items()}
