"""How a segment came about: which model, which prompts, when; it travels with the segment in every kind of file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, fields, replace
from datetime import datetime, timezone
from enum import Enum
from typing import Any

from . import __version__
from .prompts import Box, Click, Prompts, Text

TAG = "VISTA3DSegment.Provenance"
"""Slicer's tag of a segment that holds it, as JSON."""


SOFTWARE = f"vista3dsegment {__version__}"
LONGEST_PAUSE_SECONDS = 60.0
"""A person who does nothing for longer is not at work on the segment; so much of the pause counts."""
LARGEST_NUMBER = 2**31 - 1
"""A tag that counts more clicks or seconds is damaged."""


@dataclass(frozen=True)
class ModelUsed:
    """What answered.

    Args:
        engine: vista3d, segvol.
        model: name of its weights.
        version: of the weights.
        sha256: of the weights' file.
    """

    engine: str
    model: str = ""
    version: str = ""
    sha256: str = ""


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
        engine: vista3d, segvol; "" if none of ours.
        model: name of its weights; of an algorithm of another program, its name.
        version: of the weights, or of that algorithm.
        sha256: of the weights' file.
        software: name and version of the program.
        text: by which it was asked for; "": none.
        boxes: how many boxes were drawn.
        positive: clicks that added.
        negative: clicks that removed.
        edits: changes with other tools, by hand.
        seconds: of a person's time: for each prompt and each change by hand, since what they did before, on
            whatever segment; without pauses.
        created: when it was begun, ISO 8601 in UTC; "": not known.
        changed: when a person last changed it, likewise; "": never, or not known.
        family: of another program's algorithm, as a code "scheme^value^meaning"; "": not known, or an engine of ours.
        corrects: name and version of another program's algorithm whose result our engine went on with; "": none.
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
    seconds: float = 0.0
    created: str = ""
    changed: str = ""
    family: str = ""
    corrects: str = ""

    @property
    def clicks(self) -> int:
        """How many."""
        return self.positive + self.negative

    def acted(self, since: datetime, now: datetime, edited: bool = False) -> Provenance:
        """After a person did something to the segment.

        Args:
            since: when they had ended what they did before, to whatever segment; with its time zone.
            now: when.
            edited: with another tool, not by a prompt.
        """
        seconds = self.seconds + min(max((now - since).total_seconds(), 0.0), LONGEST_PAUSE_SECONDS)
        at = _stamp(now)
        return replace(self, seconds=seconds, created=self.created or at, changed=at, edits=self.edits + edited)

    def answered(self, by: ModelUsed | None, now: datetime) -> Provenance:
        """After a model made its voxels anew."""
        if by is None:
            return self
        return replace(
            self,
            engine=by.engine,
            model=by.model,
            version=by.version,
            sha256=by.sha256,
            family="",
            corrects=self.corrects if self.engine else f"{self.model} {self.version}".strip(),
            software=SOFTWARE,
            created=self.created or _stamp(now),
        )

    def counting(self, prompts: Prompts) -> Provenance:
        """With prompts that are part of the segment, and the kind of algorithm that follows from all of them."""
        clicks = [prompt.positive for prompt in prompts if isinstance(prompt, Click)]
        text = next((prompt.text for prompt in prompts if isinstance(prompt, Text)), self.text)
        boxes = self.boxes + sum(isinstance(prompt, Box) for prompt in prompts)
        counted = replace(
            self,
            text=text,
            boxes=boxes,
            positive=self.positive + sum(clicks),
            negative=self.negative + len(clicks) - sum(clicks),
        )
        told = bool(counted.clicks or counted.boxes or counted.text or counted.edits)
        # What another program made has no engine of ours; it is what its file says, until a person changes it.
        if not counted.engine and self.algorithm is Algorithm.MANUAL:
            algorithm = Algorithm.MANUAL
        elif told or self.algorithm is Algorithm.SEMIAUTOMATIC:
            algorithm = Algorithm.SEMIAUTOMATIC
        else:
            algorithm = Algorithm.AUTOMATIC
        return replace(counted, algorithm=algorithm)

    def to_json(self) -> dict[str, Any]:
        """For a report."""
        return asdict(self) | {"algorithm": self.algorithm.value}

    def to_tag(self) -> str:
        """For ``TAG``: JSON without the sign that parts Slicer's tags."""
        return json.dumps(self.to_json(), separators=(",", ":")).replace("|", "\\u007c")


UNKNOWN = Provenance()
"""Nothing is known of how a segment came about."""

NOT_RECORDED = Provenance(Algorithm.SEMIAUTOMATIC)
"""Of voxels that came from elsewhere and do not say how: neither a person's nor a model's work may be claimed."""


def current_time() -> datetime:
    """Now, with its time zone."""
    return datetime.now(timezone.utc)


def provenance_from(found: Any) -> Provenance:
    """What ``to_json`` said, as far as it is known here; an empty one for what is nothing of the kind."""
    try:
        algorithm = Algorithm(found["algorithm"])
    except (KeyError, ValueError, TypeError):
        return UNKNOWN
    known = {field.name: found[field.name] for field in fields(Provenance) if _fits(field, found.get(field.name))}
    return replace(Provenance(algorithm), **known)


def _fits(field: Field[Any], value: Any) -> bool:
    if isinstance(field.default, str):
        return isinstance(value, str) and _is_text(value)
    kinds = (int, float) if isinstance(field.default, float) else int
    # Not a number compares to none.
    return isinstance(value, kinds) and not isinstance(value, bool) and 0 <= value <= LARGEST_NUMBER


def _is_text(text: str) -> bool:
    """Whether it can be written: JSON may hold halves of signs."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def provenance_of(tags: Mapping[str, str]) -> Provenance | None:
    """What the tags of a segment say; None: nothing."""
    try:
        found = json.loads(tags.get(TAG, "null"))
    except (ValueError, RecursionError):
        return None
    return provenance_from(found) if isinstance(found, dict) else None


def provenance_tag(provenance: Provenance) -> dict[str, str]:
    """The tag of a segment that says how it came about; none if nothing is known of it."""
    return {} if provenance == UNKNOWN else {TAG: provenance.to_tag()}


def _stamp(now: datetime) -> str:
    return now.astimezone(timezone.utc).isoformat(timespec="milliseconds")
