"""Several engines as one: each is asked by its name, and opened when it is first asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..edits import Edit, MaskCrop
from ..engine import Cancel, Engine, OnProgress, Opened
from ..errors import PromptError
from ..prompts import Box, Prompts, Structure
from ..volume import Volume

MakeEngine = Callable[[], Engine]


@dataclass(eq=False)
class Together:
    """Several engines. Whoever names none means the first, which is there at once.

    Args:
        first: the engine that segments classes.
        others: makes each of the others, by name.
        texts: what can be named to those that take text.
    """

    first: Engine
    others: Mapping[str, MakeEngine]
    texts: tuple[str, ...] = ()
    _made: dict[str, Engine] = field(default_factory=dict, init=False, repr=False)

    @property
    def name(self) -> str:
        """For messages: of the first."""
        return self.first.name

    @property
    def engines(self) -> tuple[str, ...]:
        """The names by which they are asked, the first one's first."""
        return self.first.name, *self.others

    @property
    def identity(self) -> str:
        """Of the first: what its answers and the time of its windows depend on."""
        return str(getattr(self.first, "identity", self.first.name))

    @property
    def specification(self) -> Any:
        """Of the first."""
        return getattr(self.first, "specification", None)

    def engine(self, name: str) -> Engine:
        """An engine by its name; made if it is asked for the first time.

        Raises:
            PromptError: there is none of that name. ModelError: it cannot be made.
        """
        if name in ("", self.first.name):
            return self.first
        if name not in self.others:
            raise PromptError(f"There is no engine called {name} here.", f"There are {', '.join(self.engines)}.")
        if name not in self._made:
            self._made[name] = self.others[name]()
        return self._made[name]

    def open(self, volume: Volume) -> OpenedTogether:
        """See ``Engine.open``."""
        return OpenedTogether(self, volume)


@dataclass(eq=False)
class OpenedTogether:
    """A volume that several engines answer about. By itself it answers as the first one does."""

    together: Together
    volume: Volume
    _opened: dict[str, Opened] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self.by("")

    @property
    def notices(self) -> tuple[str, ...]:
        """Of the first."""
        return tuple(getattr(self.by(""), "notices", ()))

    def by(self, name: str) -> Opened:
        """The volume as one of the engines has opened it.

        Args:
            name: of the engine; "": the first.

        Raises:
            PromptError: there is none of that name. ModelError: it cannot be made.
        """
        engine = self.together.engine(name)
        if engine.name not in self._opened:
            self._opened[engine.name] = engine.open(self.volume)
        return self._opened[engine.name]

    def segment(
        self,
        classes: Sequence[int],
        region: Box | None = None,
        on_progress: OnProgress | None = None,
        cancel: Cancel | None = None,
    ) -> Iterator[tuple[int, Edit]]:
        """See ``Opened.segment``."""
        return self.by("").segment(classes, region, on_progress, cancel)

    def refine(
        self,
        structure: Structure,
        prompts: Prompts,
        base: MaskCrop | None = None,
        region: Box | None = None,
        cancel: Cancel | None = None,
        reach_mm: float | None = None,
    ) -> Edit:
        """See ``Opened.refine``."""
        return self.by("").refine(structure, prompts, base, region, cancel, reach_mm)
