"""What a model needs beside this package, and what of it is missing here; nothing is imported to find out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..resources import resource
from .machine import versions

FILE = "requirements.txt"
"""In ``Resources``: what a host without pip's metadata of this package has to install. A test compares it with
``pyproject.toml``."""


@dataclass(frozen=True)
class Requirement:
    """A distribution and the least version of it.

    Args:
        name: of the distribution.
        least: its version, as text.
    """

    name: str
    least: str

    def __str__(self) -> str:
        return f"{self.name}>={self.least}"

    def is_met_by(self, version: str | None) -> bool:
        """Whether that version is enough; None: it is not installed."""
        return version is not None and _numbers(version) >= _numbers(self.least)


def requirements() -> tuple[Requirement, ...]:
    """All of them, in the order in which they have to be installed."""
    lines = resource(FILE).read_text(encoding="utf-8").splitlines()
    found = (re.fullmatch(r"([\w.-]+)>=([\w.]+)", line.strip()) for line in lines)
    return tuple(Requirement(match[1], match[2]) for match in found if match)


def missing(wanted: Sequence[Requirement] | None = None) -> tuple[Requirement, ...]:
    """Those that are not installed, or too old.

    Args:
        wanted: to be looked at; None: all.
    """
    wanted = requirements() if wanted is None else wanted
    here = versions(tuple(one.name for one in wanted))
    return tuple(one for one in wanted if not one.is_met_by(here[one.name]))


def _numbers(version: str) -> tuple[int, ...]:
    """The release of a version, "2.13.0+cpu" as (2, 13, 0)."""
    release = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in release[0].split(".")) if release else ()
