"""An engine in a child process: started once, kept warm, started again when it dies.

No thread and no waiting here: whoever owns the client calls ``pump`` from its own loop (in desktop Slicer a thread
stands still while the event loop is idle). torch is imported in the child only.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from multiprocessing.shared_memory import SharedMemory

from ..errors import Cancelled, ResourceError, SegmentationError
from ..volume import Volume
from . import spawning, worker
from .codec import decode_event, encode_request
from .messages import (
    Answered,
    Broken,
    Event,
    Failed,
    Finished,
    Progressed,
    Ready,
    Request,
    RequestId,
    Restarted,
    Started,
)
from .shared_memory import copied, room_for

PATIENCE_SECONDS = 300.0
"""A window of the full network takes up to a minute on two slow cores; a worker that is silent for longer hangs."""
COPY_SECONDS = 0.01
"""Of ``open`` and every ``pump``, for as long as the volume is being copied."""
MOST_TRIES = 2
"""A request of which a worker dies twice is given up."""


@dataclass
class _Open:
    """A request that has not ended, and how many workers died of it."""

    request: Request
    losses: int = 0


class ChildProcess:
    """A client whose engine runs in a child process.

    Args:
        make_engine: called in the child; a function that can be imported there (or a ``functools.partial`` of one).
        patience_seconds: a worker that has something to do and is silent for so long is ended and started again.
        python: the interpreter to run; None: this one. In desktop Slicer: PythonSlicer.
    """

    def __init__(
        self, make_engine: worker.MakeEngine, patience_seconds: float = PATIENCE_SECONDS, python: str | None = None
    ) -> None:
        self._make_engine, self._patience = make_engine, patience_seconds
        self._python = python
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._memory: SharedMemory | None = None
        self._volume: worker.SharedVolume | None = None
        self._open: dict[RequestId, _Open] = {}
        self._last_id = worker.NO_REQUEST
        self._started: RequestId | None = None
        self._opening = False
        self._broken: SegmentationError | None = None
        self._copying: Iterator[None] | None = None
        self._losses_while_opening = 0
        self._heard = 0.0
        self._events: list[Event] = []

    @property
    def pid(self) -> int | None:
        """The worker's process id; None: there is no worker."""
        return self._process.pid if self._process is not None else None

    # ------------------------------------------------------------------ asking

    def open(self, volume: Volume) -> None:
        """See ``Client.open``. A large volume is copied by the next calls of ``pump``."""
        self._events.clear()
        for request_id in list(self._open):
            self.cancel(request_id)
        self._release_memory()
        self._memory = room_for(volume.array.nbytes)
        self._copying = copied(volume.array, self._memory)
        self._volume = worker.SharedVolume(
            self._memory.name,
            volume.shape_kji,
            volume.array.dtype.str,
            tuple(float(value) for value in volume.ijk_to_ras.ravel()),
            volume.name,
        )
        self._losses_while_opening, self._broken = 0, None
        if self._process is None:
            self._start()
        self._opening = True
        self._copy()

    def submit(self, request: Request) -> RequestId:
        """See ``Client.submit``."""
        self._last_id += 1
        self._open[self._last_id] = _Open(request)
        if self._process is None:
            why = self._broken or ResourceError("No scan is open.", "Open a scan first.")
            self._end(Failed(self._last_id, why))
        else:
            self._heard = time.monotonic()
            if self._copying is None:
                self._send(encode_request(self._last_id, request))
        return self._last_id

    def cancel(self, request_id: RequestId) -> None:
        """See ``Client.cancel``. The worker stops at its next window; whatever it still says of it is dropped."""
        if request_id in self._open:
            self._send(worker.Cancellation(request_id))
            self._end(Failed(request_id, Cancelled()))

    def close(self) -> None:
        """See ``Client.close``."""
        self._open.clear()
        self._stop()
        self._release_memory()
        self._volume = None

    # ------------------------------------------------------------------ hearing

    def pump(self) -> list[Event]:
        """See ``Client.pump``."""
        self._copy()
        self._receive()
        if self._process is not None:
            if not self._process.is_alive():
                self._lost(_why_it_ended(self._process.exitcode))
            elif (self._open or self._opening) and time.monotonic() - self._heard > self._patience:
                self._lost(f"The worker did not answer for {self._patience:.0f} seconds")
        events, self._events = self._events, []
        return events

    def _copy(self) -> None:
        """Go on putting the volume into shared memory; when all of it is there the worker is told."""
        if self._copying is None:
            return
        begun = self._heard = time.monotonic()
        for _ in self._copying:
            if time.monotonic() - begun > COPY_SECONDS:
                return
        self._copying = None
        self._tell_everything()

    def _receive(self) -> None:
        while self._connection is not None:
            try:
                if not self._connection.poll():
                    return
                event = decode_event(self._connection.recv_bytes())
            except (EOFError, OSError):
                return  # pump notices that the process has ended
            except SegmentationError as error:
                self._lost(error.what)
                return
            self._heard = time.monotonic()
            self._take(event)

    def _take(self, event: Event | Started) -> None:
        if isinstance(event, Ready):
            self._opening, self._losses_while_opening = False, 0
            self._events.append(event)
        elif isinstance(event, Failed) and event.id == worker.NO_REQUEST:
            self._give_up(event.error)
        elif isinstance(event, Started):
            self._started = event.id
        elif isinstance(event, Finished | Failed):
            if event.id in self._open:
                self._end(event)
        elif isinstance(event, Answered | Progressed) and event.id in self._open:
            self._events.append(event)

    def _end(self, event: Finished | Failed) -> None:
        del self._open[event.id]
        self._events.append(event)

    # ------------------------------------------------------------------ the process

    def _start(self) -> None:
        ours, theirs = multiprocessing.Pipe()
        self._process = spawning.start(self._python, worker.main, (self._make_engine, theirs), "VISTA3DSegment worker")
        theirs.close()
        self._connection = ours

    def _tell_everything(self) -> None:
        self._opening, self._heard = True, time.monotonic()
        self._send(self._volume)
        for request_id, waiting in self._open.items():
            self._send(encode_request(request_id, waiting.request))

    def _send(self, message: object) -> None:
        if self._connection is None:
            return
        with suppress(OSError):  # the worker is gone: pump notices, and everything is sent again
            self._connection.send(message)

    def _lost(self, why: str) -> None:
        self._stop()
        culprit, self._started = self._started, None
        if culprit in self._open:
            self._open[culprit].losses += 1
            if self._open[culprit].losses >= MOST_TRIES:
                remedy = "Choose a smaller region of interest, a smaller model, or another device."
                self._end(Failed(culprit, ResourceError(f"{why}, twice on the same request.", remedy)))
        if self._opening:
            self._losses_while_opening += 1
            if self._losses_while_opening >= MOST_TRIES:
                self._give_up(ResourceError(f"{why}, twice while it opened the scan.", "See: vista3dsegment doctor."))
                return
        self._events.append(Restarted(f"{why}. It was started again; nothing is lost."))
        self._start()
        if self._copying is None:
            self._tell_everything()

    def _give_up(self, error: SegmentationError) -> None:
        self._opening, self._broken = False, error
        for request_id in list(self._open):
            self._end(Failed(request_id, error))
        self._stop()
        self._events.append(Broken(error))

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _release_memory(self) -> None:
        self._copying = None
        if self._memory is not None:
            self._memory.close()
            self._memory.unlink()
            self._memory = None


def _why_it_ended(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"The worker was ended by the system (signal {-exit_code}), perhaps because the memory ran out"
    return f"The worker ended unexpectedly (exit status {exit_code})"
