"""What a criterion is, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .tree import Tree, UnreadableError


@dataclass(frozen=True)
class Criterion:
    """One thing that must hold before the extension may be listed.

    Args:
        tier: of the Extensions Index that asks for it.
        title: what must hold, for the line that is printed.
        faults: finds what does not, as phrases; none: it holds.
    """

    tier: int
    title: str
    faults: Callable[[Tree], Iterable[str]]

    @property
    def name(self) -> str:
        return self.faults.__name__

    def found_in(self, tree: Tree) -> tuple[str, ...]:
        """The faults of a tree; a file that cannot be read is one."""
        try:
            return tuple(self.faults(tree))
        except UnreadableError as error:
            return (str(error),)


@dataclass(frozen=True)
class ByHand:
    """A thing that must hold and that the files alone cannot show.

    Args:
        tier: of the Extensions Index that asks for it.
        title: what a person has to look at.
    """

    tier: int
    title: str
