"""How far it is: a bar where a person watches, a few plain lines where a file does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bar

from ..durations import time_left
from ..engine import OnProgress, Progress
from ..models.transfer import OnBytes

LINES = 10
"""At most so many plain lines: one for every tenth,"""
SECONDS = 10.0
"""and none sooner after another one: what is done in a moment needs none."""


@contextmanager
def shown_progress(console: Console, what: str, quiet: bool = False, unit: str = "windows") -> Iterator[OnProgress]:
    """Show how far a request is.

    Args:
        console: where to.
        what: what is being done, as "Segmenting".
        quiet: show nothing.
        unit: what is counted; "": nothing that a person knows, so percent are shown.
    """
    if quiet:
        yield lambda _: None
    elif console.is_terminal:
        with _bar(console) as bar:
            task = bar.add_task(what, total=None, count="", left="")
            yield lambda progress: bar.update(
                task,
                completed=progress.done,
                total=progress.total,
                count=_count(progress, unit),
                left=time_left(progress.seconds_left),
            )
    else:
        yield _plain_lines(console, what, unit)


def _bar(console: Console) -> Bar:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[count]}", markup=False),
        TextColumn("{task.fields[left]}", markup=False),
    )
    return Bar(*columns, console=console, transient=True)


def _count(progress: Progress, unit: str) -> str:
    if not unit:
        return f"{100 * progress.done // max(progress.total, 1)} %"
    return f"{progress.done} of {progress.total} {unit}"


def _plain_lines(console: Console, what: str, unit: str) -> OnProgress:
    tenths_shown, shown_at = 0, time.monotonic()

    def on_progress(progress: Progress) -> None:
        nonlocal tenths_shown, shown_at
        tenths, now = LINES * progress.done // max(progress.total, 1), time.monotonic()
        if tenths_shown < tenths < LINES and now >= shown_at + SECONDS:
            tenths_shown, shown_at = tenths, now
            left = time_left(progress.seconds_left)
            line = f"{what}: {_count(progress, unit)}"
            console.print(f"{line}, {left}" if left else line, soft_wrap=True)

    return on_progress


@contextmanager
def byte_progress(console: Console, what: str) -> Iterator[OnBytes]:
    """Show the bytes of a download.

    Args:
        console: where to.
        what: what is downloaded.
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    bar = Bar(*columns, console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task(what, total=None)

    def on_bytes(here: int, total: int | None) -> None:
        bar.start()  # not before the first byte: it would draw over the question about the licence
        bar.update(task, completed=here, total=total)

    try:
        yield on_bytes
    finally:
        bar.stop()
