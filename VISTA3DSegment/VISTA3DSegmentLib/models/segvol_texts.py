"""The structures that the published SegVol was trained with by name: ``Resources/SegVol/categories.json``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..resources import resource

FILE = "SegVol/categories.json"


@dataclass(frozen=True)
class SegVolText:
    """One structure that can be named.

    Args:
        name: as people call it.
        key: as the training called it.
        ids: the tokens of what the network is told of it, for who has no vocabulary to make them.
    """

    name: str
    key: str
    ids: tuple[int, ...]


@cache
def segvol_texts() -> tuple[SegVolText, ...]:
    """All of them, each name once.

    Raises:
        ResourceError: the installation lacks the file.
    """
    return read_texts(resource(FILE))


def read_texts(path: Path) -> tuple[SegVolText, ...]:
    """The texts of a file."""
    rows = json.loads(path.read_text(encoding="utf-8"))["texts"]
    return tuple(SegVolText(row["name"], row["key"], tuple(row["ids"])) for row in rows)
