"""The module's whole story with the starter model, on the stand-in: in the Slicer and Qt of today and of before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

STORY = Path(__file__).parent / "story.py"
PACKAGE = STORY.parents[2] / "VISTA3DSegment"
LIMIT_SECONDS = 840


@pytest.mark.parametrize(("qt", "slicer_version"), [("5", "5.13"), ("6", "5.10")])
def test_the_story_holds(tmp_path: Path, qt: str, slicer_version: str) -> None:
    environment = {
        **os.environ,
        "STANDIN_QT": qt,
        "STANDIN_SLICER": slicer_version,
        "PYTHONPATH": os.pathsep.join((str(STORY.parent), str(PACKAGE))),
    }
    done = subprocess.run(
        [sys.executable, STORY, tmp_path], env=environment, timeout=LIMIT_SECONDS, capture_output=True, text=True
    )
    told = json.loads((tmp_path / "story.json").read_text(encoding="utf-8"))["steps"]
    assert [step["step"] for step in told if not step["holds"]] == [], told[-1]["detail"]
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(told) >= 20
    assert (tmp_path / "4-corrected.png").stat().st_size > 10_000
