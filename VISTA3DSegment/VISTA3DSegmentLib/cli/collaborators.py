"""What the commands work with: engines and two consoles. Tests hand in their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, cast

import typer
from rich.console import Console

from ..engine import Engine
from ..engines import Precision, describe_backend, open_engine
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
    def identity(self) -> str:
        """The SHA-256 of the weights, a blank, and what runs them in words."""
        ...


def weights_of(engine: ModelEngine) -> str:
    """The SHA-256 of a model's weights."""
    return engine.identity.partition(" ")[0]


def backend_of(engine: ModelEngine) -> str:
    """What runs a model, in words: library, device, precision."""
    return engine.identity.partition(" ")[2]


class OpenEngine(Protocol):
    """``engines.open_engine`` for VISTA3D."""

    def __call__(self, weights: str, device: str = ..., precision: Precision = ...) -> ModelEngine:
        """Load a model onto a device."""
        ...


class OpenSegVol(Protocol):
    """``engines.open_engine`` for SegVol."""

    def __call__(self, weights: str, device: str = ..., precision: Precision = ...) -> Engine:
        """Load a model onto a device."""
        ...


DescribeBackend: TypeAlias = Callable[[str, Precision], str]
"""``engines.describe_backend``: what would run a model, given a device and a precision."""


def _open_engine(weights: str, device: str = "auto", precision: Precision = "auto") -> ModelEngine:
    # The contract promises less than every engine of this package offers.
    return cast(ModelEngine, open_engine("vista3d", weights=weights, device=device, precision=precision))


def _open_segvol(weights: str, device: str = "auto", precision: Precision = "auto") -> Engine:
    return open_engine("segvol", weights=weights, device=device, precision=precision)


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
        open_engine: loads a model of VISTA3D.
        open_segvol: loads a model of SegVol.
        describe_backend: says what would run one.
        out: results.
        err: progress, notices, errors.
        debug: show where in the program an error came from.
    """

    open_engine: OpenEngine = _open_engine
    open_segvol: OpenSegVol = _open_segvol
    describe_backend: DescribeBackend = describe_backend
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
