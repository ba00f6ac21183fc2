"""What the commands work with: an engine and two consoles. Tests hand in their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import typer
from rich.console import Console

from ..engine import Engine
from ..models.specification import ModelSpecification

PIPE_WIDTH = 120
"""Columns of a table that goes into a file or pipe, where rich would assume a narrow terminal."""


class ModelEngine(Engine, Protocol):
    """An engine that says which model it runs, and on what."""

    @property
    def specification(self) -> ModelSpecification:
        """What the model expects and answers."""
        ...

    @property
    def sha256(self) -> str:
        """Of the file of weights: the model's identity."""
        ...

    @property
    def backend(self) -> str:
        """What runs it, in words: library, device, precision."""
        ...


class OpenEngine(Protocol):
    """``engines.open_engine``."""

    def __call__(self, name: str = ..., weights: str = ..., device: str = ..., precision: str = ...) -> ModelEngine:
        """Load a model onto a device."""
        ...


DescribeBackend: TypeAlias = Callable[[str, str], str]
"""``engines.describe_backend``: what would run a model, given a device and a precision."""


def _open_engine(
    name: str = "vista3d", weights: str = "starter", device: str = "auto", precision: str = "auto"
) -> ModelEngine:
    from ..engines import open_engine  # torch: seconds to import, and "classes" does not need it

    return open_engine(name, weights=weights, device=device, precision=precision)


def _describe_backend(device: str, precision: str) -> str:
    from ..engines import describe_backend

    return describe_backend(device, precision)


def _console(*, stderr: bool) -> Console:
    # Names of files and structures are text: no markup, no emoji, no colouring of what looks like a number.
    console = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console


@dataclass(frozen=True)
class Collaborators:
    """What every command gets.

    Args:
        open_engine: loads a model.
        describe_backend: says what would run one.
        out: results.
        err: progress, notices, errors.
        debug: show where in the program an error came from.
    """

    open_engine: OpenEngine = _open_engine
    describe_backend: DescribeBackend = _describe_backend
    out: Console = field(default_factory=lambda: _console(stderr=False))
    err: Console = field(default_factory=lambda: _console(stderr=True))
    debug: bool = False

    def say(self, sentence: str) -> None:
        """A result, in one line however long it is."""
        self.out.print(sentence, soft_wrap=True)

    def note(self, sentence: str) -> None:
        """Something beside the result, in one line however long it is."""
        self.err.print(sentence, soft_wrap=True)


def collaborators_of(context: typer.Context) -> Collaborators:
    """What ``main`` was given."""
    given = context.obj
    assert isinstance(given, Collaborators)
    return given
