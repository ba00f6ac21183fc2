"""What is asked of an engine elsewhere, and what comes back. A request carries all that its answer depends on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from ..edits import Edit, MaskCrop
from ..engine import Progress
from ..errors import SegmentationError
from ..prompts import Box, Prompts, Structure
from ..provenance import ModelUsed
from ..volume import Volume

RequestId: TypeAlias = int


@dataclass(frozen=True)
class SegmentRequest:
    """Segment classes automatically; see ``engine.Opened.segment``."""

    classes: tuple[int, ...]
    region: Box | None = None


@dataclass(frozen=True, eq=False)
class RefineRequest:
    """Make or correct one structure by prompts; see ``engine.Opened.refine``.

    ``engine`` says which answers, where there are several: a name of ``Ready.engines``, or "" for the first.
    """

    structure: Structure
    prompts: Prompts
    base: MaskCrop | None = None
    region: Box | None = None
    engine: str = ""
    reach_mm: float | None = None


Request: TypeAlias = SegmentRequest | RefineRequest


@dataclass(frozen=True)
class Ready:
    """The engine is there and has the volume.

    Args:
        engine: model and backend, in words.
        identity: of model and precision: same identity, same answers.
        classes: what it can segment automatically.
        notices: what the person should know before trusting a mask.
        engines: names of those that it stands for, the one that answers when none is named first; none: it is one.
        texts: structures that can be named to it in words; it may take others.
    """

    engine: str
    identity: str
    classes: tuple[int, ...] = ()
    notices: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Started:
    """A worker has begun with a request. Between it and its client only."""

    id: RequestId


@dataclass(frozen=True)
class Progressed:
    """A request is so far."""

    id: RequestId
    progress: Progress


@dataclass(frozen=True, eq=False)
class Answered:
    """A mask: of one class of an automatic request (``class_id``), or of a request by prompts (None); and whose."""

    id: RequestId
    edit: Edit
    class_id: int | None = None
    by: ModelUsed | None = None


@dataclass(frozen=True)
class Finished:
    """A request is done: nothing more comes of it."""

    id: RequestId


@dataclass(frozen=True, eq=False)
class Failed:
    """A request ended without an answer, by an error or because it was cancelled (``errors.Cancelled``)."""

    id: RequestId
    error: SegmentationError


@dataclass(frozen=True)
class Restarted:
    """The worker was lost and started again; open requests are repeated. One line for the person."""

    why: str


@dataclass(frozen=True, eq=False)
class Broken:
    """There is no engine, and there will be none until somebody acts; every request has failed."""

    error: SegmentationError


Event: TypeAlias = Ready | Progressed | Answered | Finished | Failed | Restarted | Broken


class Client(Protocol):
    """An engine somewhere, asked without waiting. All calls return at once and come from one thread.

    Who made a client closes it. It serves one volume after the other, and one user at a time.
    """

    def open(self, volume: Volume) -> None:
        """Make a volume ready; ``Ready`` follows.

        Requests on the volume before are cancelled; what happened before and was not pumped is forgotten.
        """
        ...

    def submit(self, request: Request) -> RequestId:
        """Ask. The newest request by prompts goes first, also before an automatic one that is under way."""
        ...

    def cancel(self, request_id: RequestId) -> None:
        """No longer wanted: no answer follows, but a ``Failed`` with ``Cancelled``, unless it had finished."""
        ...

    def pump(self) -> list[Event]:
        """What happened since the last call. Nothing is handed over anywhere else."""
        ...

    def close(self) -> None:
        """End the engine."""
        ...
