"""Which Slicer the stand-in plays: decided once, by ``host.start``, before anything of it is used."""

from __future__ import annotations

import os

QT = int(os.environ.get("STANDIN_QT", "5"))
"""The major version of Qt that the played Slicer was built with, 5 or 6."""

SLICER = tuple(int(part) for part in os.environ.get("STANDIN_SLICER", "5.12").split("."))
"""The played version of Slicer; below (5, 12) there is no ``slicer.packaging``."""

PYTORCH_EXTENSION = os.environ.get("STANDIN_PYTORCH", "1") != "0"
"""Whether the PyTorch extension is installed, so that ``import PyTorchUtils`` works."""


def run_loop_names() -> tuple[str, str]:
    """Return the name under which a dialog is run in the played Slicer, and the one that it lacks."""
    return ("exec_", "exec") if QT == 5 else ("exec", "exec_")
