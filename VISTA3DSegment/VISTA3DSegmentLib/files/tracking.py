"""Under which identifiers a segment is followed over files and time (PS3.3, C.8.20.4.1), in its tags."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

TRACKING_TAG = "VISTA3DSegment.Tracking"
"""Slicer's tag of a segment that came with identifiers: they are its own, and stay when it is exported again."""


@dataclass(frozen=True)
class Tracking:
    """What a segment is called over files and time.

    Args:
        identifier: in words.
        uid: unique everywhere.
    """

    identifier: str
    uid: str

    def to_tag(self) -> str:
        """For ``TRACKING_TAG``: JSON without the sign that parts Slicer's tags."""
        return json.dumps(asdict(self), separators=(",", ":")).replace("|", "\\u007c")


def tracking_in(tags: Mapping[str, str]) -> Tracking | None:
    """The identifiers with which a segment came; None: none."""
    try:
        found = json.loads(tags.get(TRACKING_TAG, "null"))
        return Tracking(str(found["identifier"]), str(found["uid"]))
    except (KeyError, RecursionError, TypeError, ValueError):
        return None
