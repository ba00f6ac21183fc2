"""A piece of work that is done once in a child process, and tells meanwhile how it goes; nobody waits for it.

For what is no request to an engine: a download, a check-up. As with the worker there is no thread here: whoever owns
the errand calls ``poll`` from its own loop.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeAlias

from ..errors import Cancelled, ResourceError, SegmentationError
from ..files.atomic import remove_partials
from . import spawning

Say: TypeAlias = Callable[[str], None]
Task: TypeAlias = Callable[..., None]
"""A function that can be imported in the child; it is given the arguments, and last what it tells with."""


class Errand:
    """A task that was started.

    Args:
        task: what is done.
        arguments: given to it.
        python: the interpreter to run; None: this one. In desktop Slicer: PythonSlicer.
        folder: that it writes into, if any: what it leaves half-written there when it is ended is removed.
    """

    def __init__(self, task: Task, *arguments: Any, python: str | None = None, folder: Path | None = None) -> None:
        self._folder, self._pid = folder, 0
        self._connection, theirs = multiprocessing.Pipe(duplex=False)
        self._process = spawning.start(python, _child, (task, arguments, theirs), "VISTA3DSegment errand")
        theirs.close()
        self._is_done = self.ended = False
        self.error: SegmentationError | None = None

    def poll(self) -> list[str]:
        """What it has told since it was asked last. Once it ``ended``, ``error`` says why it failed, if it did.

        It ends when its process has: whoever waited for that would wait for as long as Python takes to leave.
        """
        told = list[str]()
        try:
            while not self._is_done and self._connection.poll():
                message = self._connection.recv()
                if isinstance(message, str):
                    told.append(message)
                elif isinstance(message, int):
                    self._pid = message
                else:
                    self._is_done, self.error = True, message
        except (EOFError, OSError):
            self._is_done = True
            self.error = ResourceError("The helper process ended unexpectedly, perhaps because the memory ran out.")
        if self._is_done and not self.ended and not self._process.is_alive():
            self._end()
        return told

    def cancel(self) -> None:
        """Stop it."""
        if not self.ended:
            self._process.kill()
            self._process.join()
            self.poll()  # perhaps nobody has heard yet which process it was
            self._is_done, self.error = True, Cancelled()
            if not self.ended:
                self._end()

    def _end(self) -> None:
        self.ended = True
        self._process.join()
        self._connection.close()
        if self._folder is not None and self._pid:
            remove_partials(self._folder, self._pid)


def _child(task: Task, arguments: tuple[Any, ...], connection: Connection) -> None:
    try:
        connection.send(os.getpid())  # what was started may only have started this one in its turn
        task(*arguments, connection.send)
    except SegmentationError as error:
        connection.send(error)
    except BrokenPipeError:
        os._exit(0)  # whoever asked has gone
    else:
        connection.send(None)
