"""Names of segments as names of files: on every system, and each once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LONGEST = 120
"""Bytes: with a number, a suffix and the name of a partial file still below the 255 that file systems allow."""
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
"""Windows takes these for devices, whatever the suffix."""


def file_names(names: Iterable[str]) -> list[str]:
    """File names without suffix, in the order of the names; those that would be the same are numbered.

    Letters and digits of every script stay; signs that some system does not allow become underscores.
    """
    taken: set[str] = set()
    return [_distinct(_safe(name), taken) for name in names]


def _safe(name: str) -> str:
    kept = re.sub(r"[^\w.+-]+", "_", unicodedata.normalize("NFC", name)).strip("._")
    kept = kept.encode()[:LONGEST].decode(errors="ignore").strip("._") or "segment"
    head, dot, rest = kept.partition(".")
    return f"{head}_{dot}{rest}" if head.casefold() in RESERVED else kept


def _distinct(name: str, taken: set[str]) -> str:
    candidate, number = name, 1
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{name}_{number}"
    taken.add(candidate.casefold())
    return candidate
