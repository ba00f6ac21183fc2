"""What a request tells while it runs, and how it is stopped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..engine import Cancel, OnProgress, Progress
from ..errors import Cancelled


@dataclass
class Stopwatch:
    """Time by stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add what happens inside to a stage."""
        started = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started


class Reporter:
    """Counts windows, estimates what is left, and stops when asked to."""

    def __init__(self, total: int, on_progress: OnProgress | None, cancel: Cancel | None) -> None:
        self._total, self._on_progress, self._cancel = total, on_progress, cancel
        self._done, self._started = 0, time.perf_counter()

    def check(self) -> None:
        """Stop here if that is wanted.

        Raises:
            Cancelled: it is.
        """
        check(self._cancel)

    def done(self) -> None:
        """A window is finished."""
        self._done += 1
        if self._on_progress is not None:
            each = (time.perf_counter() - self._started) / self._done
            self._on_progress(Progress(self._done, self._total, each * (self._total - self._done)))


def check(cancel: Cancel | None) -> None:
    """Raises ``Cancelled`` if that is wanted."""
    if cancel is not None and cancel():
        raise Cancelled
