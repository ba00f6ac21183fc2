"""DICOM's unique identifiers for what is exported: the same content gets the same one, in any process."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

NAMESPACE = uuid.UUID("8fe1f672-9b0c-4e0e-a55a-f380f290acd2")
"""Of this program; drawn once at random, never to be changed: old files would get other identifiers."""


@dataclass(frozen=True)
class Tracking:
    """What a segment is called over files and time (PS3.3, C.8.20.4.1).

    Args:
        identifier: in words, unique in its segmentation.
        uid: unique everywhere.
    """

    identifier: str
    uid: str


def uid_for(*words: str) -> str:
    """The UID for some words: "2.25." and a UUID of version 5 (PS3.5, B.2). The same words give the same one."""
    # The length before each word keeps ("a", "bc") and ("ab", "c") apart.
    return f"2.25.{uuid.uuid5(NAMESPACE, ''.join(f'{len(word)}:{word}' for word in words)).int}"


def new_uid() -> str:
    """A UID that nobody ever had: of a new object or series."""
    return f"2.25.{uuid.uuid4().int}"


def tracking_of(series_uid: str, names: Sequence[str]) -> list[Tracking]:
    """Under which names the segments of a series are tracked, in a segmentation and in reports about it.

    Args:
        series_uid: Series Instance UID of the source.
        names: of the segments, in order; one that occurs again gets a number.
    """
    seen: Counter[str] = Counter()
    tracked = []
    for name in names:
        seen[name] += 1
        identifier = name if seen[name] == 1 else f"{name} ({seen[name]})"
        tracked.append(Tracking(identifier, uid_for("tracking", series_uid, identifier)))
    return tracked
