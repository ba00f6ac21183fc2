"""The stand-in plays other Slicers too: each in a process of its own, since a process has one application."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)
HERE = Path(__file__).parent


def run(code: str, **environment: str) -> str:
    """Run Python code in a process with the stand-in, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(HERE)!r})\nimport host\n{code}"],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_qt_6_has_exec_and_scoped_enums():
    code = """
host.start(qt=6)
import qt
dialog = qt.QDialog()
print(hasattr(dialog, "exec"), hasattr(dialog, "exec_"))
print(qt.QSizePolicy.Policy.Expanding == qt.QSizePolicy.Expanding)
"""
    assert run(code).split() == ["True", "False", "True"]


def test_slicer_5_10_has_no_packaging():
    code = """
host.start()
import slicer, SampleData
print(slicer.app.minorVersion, hasattr(slicer, "packaging"))
print(hasattr(SampleData.SampleDataLogic, "registerCustomSampleDataCategory"))
slicer.util.pip_install("monai>=1.4")
from standin import installs
print(installs.calls[0][1])
"""
    assert run(code, STANDIN_SLICER="5.10").split() == ["10", "False", "False", "monai>=1.4"]


def test_slicer_without_the_pytorch_extension():
    code = """
host.start(pytorch=False)
try:
    import PyTorchUtils
except ImportError as error:
    print(error.name)
"""
    assert run(code).split() == ["PyTorchUtils"]


def test_example_works_on_qt_6():
    code = f"""
host.start(qt=6)
host.load_module({str(HERE / "Example" / "StandInExample.py")!r})
host.finish_startup()
widget = host.open_module("StandInExample")
import slicer
slicer.modules.StandInExampleInstance.runTest()
slicer.util.selectModule("StandInExample")
host.end()
print(widget.history)
"""
    assert "cleanup" in run(code)


def test_one_process_plays_one_slicer():
    code = """
host.start(qt=5)
try:
    host.start(qt=6)
except RuntimeError as error:
    print(error)
"""
    assert "plays Slicer" in run(code)
