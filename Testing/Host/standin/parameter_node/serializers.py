"""How a parameter is kept in the node: each kind of type as text, MRML nodes as node references."""

from __future__ import annotations

import enum
import json
import pathlib
import types
import typing
from typing import Any

import slicer

from .validators import FloatRange, first, split

PATHS = (pathlib.Path, pathlib.PosixPath, pathlib.WindowsPath, pathlib.PurePath, pathlib.PurePosixPath)


class Kept:
    """A parameter that is kept as text."""

    def __init__(self, kind: Any, accepts: Any = None) -> None:
        self.kind, self.accepts = kind, accepts or kind

    def default(self) -> Any:
        """Return what it is before it is set."""
        return self.kind()

    def check(self, value: Any) -> None:
        """Raise where a value is of another type."""
        if value is None:
            raise ValueError("Value must not be None")
        if not isinstance(value, self.accepts):
            raise TypeError(f"Value must be of type '{self.kind}', is type '{type(value)}' value '{value}'")

    def is_in(self, node: Any, name: str) -> bool:
        """Tell whether the node has it."""
        return bool(node.HasParameter(name))

    def write(self, node: Any, name: str, value: Any) -> None:
        """Keep a value."""
        node.SetParameter(name, self.text(value))

    def read(self, node: Any, name: str) -> Any:
        """Return the value."""
        return self.value(node.GetParameter(name))

    def text(self, value: Any) -> str:
        """Return a value as text."""
        return str(value)

    def value(self, text: str) -> Any:
        """Return the value of a text."""
        return self.kind(text)


class KeptBool(Kept):
    """True or False."""

    def value(self, text: str) -> bool:
        """Return the value of a text."""
        return text == "True"


class KeptPath(Kept):
    """A path."""

    def default(self) -> Any:
        """Return the folder that is worked in, as pathlib does."""
        return self.kind()

    def text(self, value: Any) -> str:
        """Return a path as text."""
        return value.as_posix()


class KeptEnum(Kept):
    """A value of an enum, by its name."""

    def default(self) -> Any:
        """Return the first value."""
        return next(iter(self.kind))

    def text(self, value: enum.Enum) -> str:
        """Return the name."""
        return value.name

    def value(self, text: str) -> Any:
        """Return the value of that name."""
        return self.kind[text]


class KeptRange(Kept):
    """A FloatRange."""

    def text(self, value: FloatRange) -> str:
        """Return both ends as text."""
        return json.dumps([value.minimum, value.maximum])

    def value(self, text: str) -> FloatRange:
        """Return the range of a text."""
        return FloatRange(*json.loads(text))


class KeptNode(Kept):
    """A node of the scene, or None, as a node reference."""

    def default(self) -> None:
        """Return None."""

    def check(self, value: Any) -> None:
        """Raise where a node is of another class, or not in the scene."""
        if value is None:
            return
        if not isinstance(value, self.accepts):
            raise TypeError(f"Value must be of type '{self.accepts}', is type '{type(value)}' value '{value}'")
        if value.GetID() is None:
            raise ValueError("The node must be in a scene before a parameter can refer to it.")

    def is_in(self, node: Any, name: str) -> bool:
        """Tell whether the node refers to one."""
        return node.GetNodeReferenceID(name) is not None

    def write(self, node: Any, name: str, value: Any) -> None:
        """Refer to a node, or to none."""
        node.SetNodeReferenceID(name, value.GetID() if value is not None else None)

    def read(self, node: Any, name: str) -> Any:
        """Return the node that is referred to, or None."""
        return node.GetNodeReference(name)


class Observed(list):  # type: ignore[type-arg]
    """A list that is written back whenever it changes."""

    def __init__(self, values: Any, written: Any) -> None:
        super().__init__(values)
        self._written = written


def _writing(name: str) -> Any:
    def change(self: Observed, *arguments: Any) -> Any:
        result = getattr(list, name)(self, *arguments)
        self._written(list(self))
        return result

    return change


for _name in ("append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse", "__setitem__", "__delitem__"):
    setattr(Observed, _name, _writing(_name))


class KeptList(Kept):
    """A list of values of one kind: their number as text, each under its own name."""

    def __init__(self, element: Kept) -> None:
        super().__init__(list, (list, tuple))
        self.element = element

    def check(self, value: Any) -> None:
        """Raise where an element is of another type."""
        super().check(value)
        for each in value:
            self.element.check(each)

    def is_in(self, node: Any, name: str) -> bool:
        """Tell whether the node has it."""
        return bool(node.HasParameter(f"{name}.length"))

    def write(self, node: Any, name: str, value: Any) -> None:
        """Keep a list."""
        self.check(value)
        with slicer.util.NodeModify(node):
            before = int(node.GetParameter(f"{name}.length") or 0)
            for index in range(before):
                node.UnsetParameter(f"{name}.{index}")
                node.SetNodeReferenceID(f"{name}.{index}", None)
            for index, each in enumerate(value):
                self.element.write(node, f"{name}.{index}", each)
            node.SetParameter(f"{name}.length", str(len(value)))

    def read(self, node: Any, name: str) -> Observed:
        """Return the list; a change of it is kept at once."""
        length = int(node.GetParameter(f"{name}.length") or 0)
        values = [self.element.read(node, f"{name}.{index}") for index in range(length)]
        return Observed(values, lambda changed: self.write(node, name, changed))


class KeptOptional(Kept):
    """A value or None."""

    def __init__(self, inner: Kept) -> None:
        super().__init__(object)
        self.inner = inner

    def default(self) -> None:
        """Return None."""

    def check(self, value: Any) -> None:
        """Raise where a value is of another type."""
        if value is not None:
            self.inner.check(value)

    def text(self, value: Any) -> str:
        """Return a value as text, with a sign that it is one."""
        return "" if value is None else f"={self.inner.text(value)}"

    def value(self, text: str) -> Any:
        """Return the value of a text."""
        return self.inner.value(text[1:]) if text else None


class KeptDict(Kept):
    """A dictionary or a tuple of plain values."""

    def text(self, value: Any) -> str:
        """Return it as text."""
        return json.dumps(value)

    def value(self, text: str) -> Any:
        """Return the value of a text."""
        return self.kind(json.loads(text))


def is_node(kind: Any) -> bool:
    """Tell whether a type is a class of MRML nodes."""
    return isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode)


def members_of_union(kind: Any) -> tuple[Any, ...] | None:
    """Return the members of a union without None, or None for another type."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return tuple(split(each)[0] for each in typing.get_args(kind) if each is not type(None))
    return None


def keeper(kind: Any) -> Kept:
    """Return how a type is kept.

    Raises:
        TypeError: desktop Slicer keeps no parameters of that type.
    """
    kind, _ = split(kind)
    union = members_of_union(kind)
    if union and all(is_node(each) for each in union):
        return KeptNode(union[0], union)
    if union and len(union) == 1:
        return KeptOptional(keeper(union[0]))
    if kind is bool:
        return KeptBool(bool)
    if kind is int or kind is str:
        return Kept(kind)
    if kind is float:
        return Kept(float, (int, float))
    if kind in PATHS:
        return KeptPath(kind)
    if kind is FloatRange:
        return KeptRange(FloatRange)
    if is_node(kind):
        return KeptNode(kind)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return KeptEnum(kind)
    if typing.get_origin(kind) is list:
        return KeptList(keeper(typing.get_args(kind)[0]))
    if typing.get_origin(kind) in (dict, tuple):
        return KeptDict(typing.get_origin(kind))
    raise TypeError(f"Unable to create serializer for type: {kind}")


__all__ = ["Kept", "first", "is_node", "keeper", "members_of_union", "split"]
