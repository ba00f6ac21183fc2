"""What desktop Slicer loads when the module is opened needs nothing that the first start has still to install."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "VISTA3DSegment"
LATE = ("torch", "monai", "einops", "safetensors", "pydicom", "highdicom")
PARTS = (
    "workspace.workspace", "service.export_errand", "service.parcel", "scene.annotator", "scene.report_table",
    "files.segmentations", "export.formats",
)  # fmt: skip
PROGRAM = """
import importlib, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {late}: raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
importlib.import_module("VISTA3DSegmentLib.{part}")
"""


@pytest.mark.parametrize("part", PARTS)
def test_it_is_loaded_without_the_packages_that_come_later(part: str) -> None:
    pytest.importorskip("slicer", reason="needs the scene extra")
    program = PROGRAM.format(late=set(LATE), part=part)
    done = subprocess.run([sys.executable, "-c", program], cwd=PACKAGE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
