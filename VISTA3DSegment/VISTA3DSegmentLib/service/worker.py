"""The child process: an engine that answers requests from a connection until the connection ends.

A request by prompts is answered at the next window of an automatic request that is under way; a cancelled request ends
at its next window. When the parent is gone, so is the worker.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from typing import Any, TypeAlias

import numpy as np

from ..engine import Engine, Opened
from ..errors import Cancelled, ResourceError, SegmentationError
from ..provenance import ModelUsed
from ..volume import Volume
from .codec import decode_request, encode_event
from .messages import Answered, Failed, Finished, Progressed, Ready, RefineRequest, Request, SegmentRequest, Started
from .routing import answering, ready, used

MakeEngine: TypeAlias = Callable[[], Engine]
NO_REQUEST = 0
"""Id of what belongs to no request: the opening of a volume."""


@dataclass(frozen=True)
class SharedVolume:
    """A volume in shared memory, as it is told to the worker.

    Args:
        memory: name of the shared memory.
        shape_kji: number of voxels along (k, j, i).
        dtype: numpy's name of the voxel type.
        ijk_to_ras: sixteen numbers, row by row.
        name: of the volume.
    """

    memory: str
    shape_kji: tuple[int, int, int]
    dtype: str
    ijk_to_ras: tuple[float, ...]
    name: str


@dataclass(frozen=True)
class Cancellation:
    """A request is no longer wanted."""

    id: int


class Worker:
    """Answers one message after the other.

    Args:
        make_engine: called once, here in the child.
        connection: to the parent.
    """

    def __init__(self, make_engine: MakeEngine, connection: Connection) -> None:
        self._make_engine, self._connection = make_engine, connection
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._waiting: dict[int, Request] = {}
        self._cancelled: set[int] = set()
        self._next_volume: SharedVolume | None = None
        self._engine: Engine | None = None
        self._opened: Opened | None = None
        self._memory: SharedMemory | None = None

    def run(self) -> None:
        """Answer until the parent is gone."""
        threading.Thread(target=self._read, daemon=True).start()
        while True:
            self._take(block=not self._waiting and self._next_volume is None)
            if self._next_volume is not None:
                self._open()
            elif self._waiting:
                self._answer(self._newest_by_prompts() or min(self._waiting))

    def _read(self) -> None:
        while True:
            try:
                self._inbox.put(self._connection.recv())
            except (EOFError, OSError):
                os._exit(0)  # also out of the middle of a window: nobody waits for it any more

    def _take(self, block: bool = False) -> None:
        while True:
            try:
                message = self._inbox.get(block=block)
            except queue.Empty:
                return
            block = False
            if isinstance(message, SharedVolume):
                self._next_volume = message
                self._cancelled |= set(self._waiting)
            elif isinstance(message, Cancellation):
                self._cancelled.add(message.id)
            else:
                request_id, request = decode_request(message)
                self._waiting[request_id] = request

    def _open(self) -> None:
        volume, self._next_volume = self._next_volume, None
        assert volume is not None
        try:
            self._engine = self._engine or self._make_engine()
            try:
                memory = SharedMemory(volume.memory)
            except FileNotFoundError:
                return  # the parent has another volume by now, and says so next
            array = np.ndarray(volume.shape_kji, np.dtype(volume.dtype), memory.buf)
            opened = self._engine.open(Volume(array, np.reshape(volume.ijk_to_ras, (4, 4)), volume.name))
            self._opened, self._memory = opened, memory
            self._send(ready(self._engine, opened))
        except SegmentationError as error:
            self._opened = None
            self._send(Failed(NO_REQUEST, error))

    def _answer(self, request_id: int) -> None:
        request = self._waiting.pop(request_id)
        try:
            if request_id in self._cancelled:
                raise Cancelled
            if self._opened is None:
                raise ResourceError("No scan is open in the worker.", "Open the scan again.")
            self._send(Started(request_id))
            if isinstance(request, SegmentRequest):
                self._segment(self._opened, request_id, request)
            else:
                self._refine(self._opened, request_id, request)
            self._send(Finished(request_id))
        except SegmentationError as error:
            self._send(Failed(request_id, error))
        except MemoryError:
            self._send(Failed(request_id, ResourceError("The memory ran out.", "Choose a smaller region of interest.")))

    def _segment(self, opened: Opened, request_id: int, request: SegmentRequest) -> None:
        def overtaken() -> bool:
            self._take()
            while (n := self._newest_by_prompts()) is not None and request_id not in self._cancelled:
                self._answer(n)
                self._take()
            return request_id in self._cancelled or self._next_volume is not None

        answers = opened.segment(
            request.classes,
            request.region,
            on_progress=lambda progress: self._send(Progressed(request_id, progress)),
            cancel=overtaken,
        )
        for class_id, edit in answers:
            self._send(Answered(request_id, edit, class_id, self._used()))

    def _refine(self, opened: Opened, request_id: int, request: RefineRequest) -> None:
        def cancelled() -> bool:
            self._take()
            return request_id in self._cancelled or self._next_volume is not None

        engine = answering(opened, request.engine)
        asked = request.structure, request.prompts, request.base, request.region
        edit = engine.refine(*asked, cancelled, request.reach_mm)
        self._send(Answered(request_id, edit, by=self._used(request.engine)))

    def _used(self, engine: str = "") -> ModelUsed | None:
        return None if self._engine is None else used(self._engine, engine)

    def _newest_by_prompts(self) -> int | None:
        return max((n for n, request in self._waiting.items() if isinstance(request, RefineRequest)), default=None)

    def _send(self, event: Ready | Started | Progressed | Answered | Finished | Failed) -> None:
        try:
            self._connection.send_bytes(encode_event(event))
        except OSError:
            os._exit(0)


def main(make_engine: MakeEngine, connection: Connection) -> None:
    """What the child process runs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C goes to all processes of a terminal; the parent ends this one
    Worker(make_engine, connection).run()
