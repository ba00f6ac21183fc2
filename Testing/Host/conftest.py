"""The tests here need PySide6 and slicer-core; where these cannot be loaded they are skipped, saying so."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
collect_ignore_glob: list[str] = []
try:
    import slicer  # noqa: F401
    from PySide6 import QtWidgets  # noqa: F401
except ImportError as reason:
    collect_ignore_glob.append("test_*.py")
    WHY = f"The tests of the desktop module are skipped: {reason}"
else:
    WHY = ""


def pytest_report_header() -> list[str]:
    """Say why the tests here do not run, if they do not."""
    return [WHY] if WHY else []


@pytest.fixture
def started():
    """The stand-in, with an empty scene and nothing said or raised yet."""
    import host

    host.start()
    import slicer

    host.leave_module()
    slicer.mrmlScene.Clear(0)
    host.messages.clear()
    host.answers.clear()
    host.errors.clear()
    host.set_testing(True)
    yield host
    assert host.errors == [], "A slot raised."
    assert host.answers == [], "A question was not asked."
