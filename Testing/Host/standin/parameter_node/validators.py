"""Limits of parameters, given in ``Annotated``: ranges, choices, defaults."""

# ruff: noqa: N815 (the names are those of Qt and of Slicer)

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import Annotated, Any


class Validator:
    """A limit; raises ValueError for what lies outside."""

    def validate(self, value: Any) -> None:
        """Raise where a value is not allowed."""
        raise NotImplementedError


@dataclass
class WithinRange(Validator):
    """Between two values, both allowed."""

    minimum: float
    maximum: float

    def validate(self, value: Any) -> None:
        """Raise where a value lies outside."""
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value must be within range [{self.minimum}, {self.maximum}], is {value}")


@dataclass
class Minimum(Validator):
    """Not less than a value."""

    minimum: float

    def validate(self, value: Any) -> None:
        """Raise where a value is less."""
        if value < self.minimum:
            raise ValueError(f"Value must be at least {self.minimum}, is {value}")


@dataclass
class Maximum(Validator):
    """Not greater than a value."""

    maximum: float

    def validate(self, value: Any) -> None:
        """Raise where a value is greater."""
        if value > self.maximum:
            raise ValueError(f"Value must be at most {self.maximum}, is {value}")


@dataclass
class Choice(Validator):
    """One of some values."""

    choices: Any

    def validate(self, value: Any) -> None:
        """Raise where a value is none of them."""
        if value not in self.choices:
            raise ValueError(f"Value is {value}, but must be one of {self.choices}")


@dataclass
class Exclude(Validator):
    """None of some values."""

    excludedValues: Any

    def validate(self, value: Any) -> None:
        """Raise where a value is one of them."""
        if value in self.excludedValues:
            raise ValueError(f"Value is {value}, but must not be one of {self.excludedValues}")


@dataclass
class RangeBounds(Validator):
    """The bounds of a FloatRange."""

    minimum: float
    maximum: float

    def validate(self, value: Any) -> None:
        """Raise where a range leaves them."""
        if value.minimum < self.minimum or value.maximum > self.maximum:
            raise ValueError(f"Range must be within [{self.minimum}, {self.maximum}], is {value}")


class NotNone(Validator):
    """Something."""

    def validate(self, value: Any) -> None:
        """Raise where a value is None."""
        if value is None:
            raise ValueError("Value must not be None")


@dataclass
class IsInstance(Validator):
    """Of a type."""

    classtype: Any

    def validate(self, value: Any) -> None:
        """Raise where a value is of another type."""
        if value is not None and not isinstance(value, self.classtype):
            raise TypeError(f"Value must be of type '{self.classtype}', is type '{type(value)}' value '{value}'")


class Default:
    """What a parameter is before it is set."""

    def __init__(self, value: Any = None, *, generator: Any = None) -> None:
        self._value, self._generator = value, generator

    @property
    def value(self) -> Any:
        """The value, made anew where a generator was given."""
        return self._generator() if self._generator else self._value


@dataclass
class Decimals:
    """How many decimals a widget shows."""

    value: int


@dataclass
class SingleStep:
    """How far one step of a widget goes."""

    value: float


@dataclass
class Label:
    """What a parameter is called in an interface that is made for it."""

    value: str


@dataclass
class FloatRange:
    """Two values, the first not greater than the second."""

    minimum: float = 0.0
    maximum: float = 0.0

    def __post_init__(self) -> None:
        if not self.minimum <= self.maximum:
            raise ValueError(f"FloatRange must have minimum <= maximum: {self.minimum} <= {self.maximum}")


def split(annotated: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return a type without its annotations, and these."""
    arguments = typing.get_args(Annotated[annotated, "end"])
    return arguments[0], arguments[1:-1]


def first(annotations: Any, kind: type) -> Any:
    """Return the first annotation of a kind, or None."""
    return next((each for each in annotations if isinstance(each, kind)), None)
