"""Ctrl-C asks the engine to stop after the window that it is in; pressed again, it stops at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ..engine import Cancel
from ..errors import Cancelled

STOPPING = b"\nStopping after this window; press Ctrl-C again to stop at once.\n"


@contextmanager
def cancel_on_interrupt() -> Iterator[Cancel]:
    """Turn Ctrl-C into a question that the engine asks before every window.

    Raises:
        Cancelled: on leaving, if it was pressed and the engine was already past its last window.
        KeyboardInterrupt: it was pressed twice.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False  # only the main thread may listen to signals
        return
    pressed = threading.Event()

    def on_interrupt(_signal: int, _frame: FrameType | None) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()
        os.write(2, STOPPING)  # print would wait for a lock that the interrupted code may hold

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed.is_set():
        raise Cancelled
