"""``vista3dsegment app``: what it asks of the page's server, and what it says when there is none."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from VISTA3DSegmentLib.cli import main

SERVING = "VISTA3DSegmentLib.app.serving"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the server was asked; none is started."""
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setitem(sys.modules, SERVING, SimpleNamespace(serve=lambda *arguments: asked.append(arguments[:-1])))
    return asked


def test_it_listens_on_this_computer_only_unless_told_otherwise(served: list[tuple[Any, ...]]) -> None:
    assert main(["app"]) == 0
    assert served == [(None, "starter", "auto", "127.0.0.1", 0, True, "segvol-starter")]


def test_scan_model_address_and_browser_can_be_given(served: list[tuple[Any, ...]]) -> None:
    arguments = ["app", "CT.nii.gz", "--model", "nv-segment-ct", "--host", "0.0.0.0", "--port", "8080", "--no-browser"]
    arguments += ["--segvol", "mine.bin"]
    assert main(arguments) == 0
    assert served == [(Path("CT.nii.gz"), "nv-segment-ct", "auto", "0.0.0.0", 8080, False, "mine.bin")]


def test_without_its_packages_it_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, SERVING, None)
    assert main(["app"]) == 1
    assert "vista3dsegment[app]" in capsys.readouterr().err
