"""The tests here need PySide6 and slicer-core; where these cannot be loaded they are skipped, saying so."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
try:
    import slicer  # noqa: F401
    from PySide6 import QtWidgets  # noqa: F401
except ImportError as reason:
    WHY = f"The stand-in for desktop Slicer needs PySide6 and slicer-core: {reason}"
else:
    WHY = ""


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Garbage is collected after a test, by the main thread, and at no other time.

    A worker of pytest-xdist reads its orders in a thread of its own. Where that thread collects, Qt objects die
    while a call of PySide6, which has let go of Python's lock, still walks over them: the worker crashes.
    """
    gc.disable()
    yield
    gc.collect()


@pytest.fixture
def started() -> Iterator[Any]:
    """The stand-in, with an empty scene and nothing said or raised; in the end everything must have been looked at."""
    if WHY:
        pytest.skip(WHY)
    import host
    import slicer

    host.start()
    host.leave_module()
    slicer.mrmlScene.Clear(0)
    host.messages.clear()
    host.answers.clear()
    host.errors.clear()
    host.set_testing(True)
    yield host
    assert host.errors == [], "A slot raised."
    assert host.answers == [], "A question was not asked."


@pytest.fixture
def bench(started: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A person before the panel of the module; see ``panel_bench``."""
    from panel_bench import bench_on

    yield from bench_on(started, tmp_path / "home", monkeypatch)
