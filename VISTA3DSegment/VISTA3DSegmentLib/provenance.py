"""How a segment came about: which model, which prompts, when; it travels with the segment in every kind of file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import Enum
from typing import Any

TAG = "VISTA3DSegment.Provenance"
"""Slicer's tag of a segment that holds it, as JSON."""


class Algorithm(Enum):
    """How a segment was made; the value is DICOM's Segment Algorithm Type (PS3.3, C.8.20.2)."""

    AUTOMATIC = "AUTOMATIC"
    SEMIAUTOMATIC = "SEMIAUTOMATIC"
    MANUAL = "MANUAL"


@dataclass(frozen=True)
class Provenance:
    """How a segment came about.

    Args:
        algorithm: AUTOMATIC only if no person said anything about this structure; MANUAL if no model did.
        engine: vista3d, segvol; "" if none.
        model: name of its weights.
        version: of the weights.
        sha256: of the weights' file.
        software: name and version of the program.
        text: by which it was asked for; "": none.
        boxes: how many boxes were drawn.
        positive: clicks that added.
        negative: clicks that removed.
        edits: changes that were accepted on the way, the last one included.
        seconds: of a person's time, from the first prompt to the last one, without pauses; None: not known.
        created: when it was begun, ISO 8601 in UTC; "": not known.
        changed: when it was last changed, likewise.
    """

    algorithm: Algorithm = Algorithm.MANUAL
    engine: str = ""
    model: str = ""
    version: str = ""
    sha256: str = ""
    software: str = ""
    text: str = ""
    boxes: int = 0
    positive: int = 0
    negative: int = 0
    edits: int = 0
    seconds: float | None = None
    created: str = ""
    changed: str = ""

    @property
    def clicks(self) -> int:
        """How many."""
        return self.positive + self.negative

    def to_json(self) -> dict[str, Any]:
        """For a report."""
        return asdict(self) | {"algorithm": self.algorithm.value}

    def to_tag(self) -> str:
        """For ``TAG``: JSON without the sign that parts Slicer's tags."""
        return json.dumps(self.to_json(), separators=(",", ":")).replace("|", "\\u007c")


def provenance_of(tags: Mapping[str, str]) -> Provenance | None:
    """What the tags of a segment say; None: nothing, or nothing that can be read."""
    try:
        found = json.loads(tags[TAG])
        known = {field.name: found[field.name] for field in fields(Provenance) if field.name in found}
        return Provenance(**known | {"algorithm": Algorithm(found["algorithm"])})
    except (KeyError, ValueError, TypeError):
        return None
