"""An engine in this process, behind the same client as one elsewhere: for scripts and tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..edits import Edit
from ..engine import Engine, Opened
from ..errors import Cancelled, ResourceError, SegmentationError
from ..volume import Volume
from .messages import (
    Answered,
    Event,
    Failed,
    Finished,
    Progressed,
    RefineRequest,
    Request,
    RequestId,
    SegmentRequest,
)
from .routing import answering, ready, used


@dataclass
class _Running:
    id: RequestId
    answers: Iterator[tuple[int | None, Edit]]
    engine: str


class InProcess:
    """A client whose ``pump`` does the work: one class of an automatic request, or one request by prompts, a call.

    Args:
        engine: what answers.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._opened: Opened | None = None
        self._waiting: dict[RequestId, Request] = {}
        self._running: list[_Running] = []
        self._events: list[Event] = []
        self._last_id = 0

    def open(self, volume: Volume) -> None:
        """See ``Client.open``."""
        self._events.clear()
        for request_id in [*self._waiting, *(running.id for running in self._running)]:
            self.cancel(request_id)
        self._opened = self._engine.open(volume)
        self._events.append(ready(self._engine, self._opened))

    def submit(self, request: Request) -> RequestId:
        """See ``Client.submit``."""
        self._last_id += 1
        self._waiting[self._last_id] = request
        return self._last_id

    def cancel(self, request_id: RequestId) -> None:
        """See ``Client.cancel``."""
        known = self._waiting.pop(request_id, None) is not None
        for running in [running for running in self._running if running.id == request_id]:
            self._running.remove(running)
            known = True
        if known:
            self._events.append(Failed(request_id, Cancelled()))

    def pump(self) -> list[Event]:
        """See ``Client.pump``."""
        if self._opened is not None:
            self._work(self._opened)
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        """See ``Client.close``."""
        self._waiting.clear()
        self._running.clear()
        self._opened = None

    def _work(self, opened: Opened) -> None:
        by_prompts = [n for n, request in self._waiting.items() if isinstance(request, RefineRequest)]
        if by_prompts:
            request_id = by_prompts[-1]
        elif self._running:
            request_id = self._running[-1].id
        elif self._waiting:
            request_id = next(iter(self._waiting))
        else:
            return
        request = self._waiting.pop(request_id, None)
        if request is not None:
            engine = request.engine if isinstance(request, RefineRequest) else ""
            self._running.append(_Running(request_id, self._answers(opened, request_id, request), engine))
        self._advance(self._running[-1])

    def _advance(self, running: _Running) -> None:
        try:
            class_id, edit = next(running.answers)
            self._events.append(Answered(running.id, edit, class_id, used(self._engine, running.engine)))
            return
        except StopIteration:
            self._events.append(Finished(running.id))
        except SegmentationError as error:
            self._events.append(Failed(running.id, error))
        except MemoryError:
            self._events.append(Failed(running.id, ResourceError("The memory ran out.", "Choose a smaller region.")))
        self._running.remove(running)

    def _answers(self, opened: Opened, request_id: RequestId, request: Request) -> Iterator[tuple[int | None, Edit]]:
        if isinstance(request, SegmentRequest):
            yield from opened.segment(
                request.classes,
                request.region,
                on_progress=lambda progress: self._events.append(Progressed(request_id, progress)),
            )
        else:
            engine = answering(opened, request.engine)
            asked = request.structure, request.prompts, request.base, request.region
            yield None, engine.refine(*asked, reach_mm=request.reach_mm)
