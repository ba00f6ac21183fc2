"""Widgets of CTK and of Slicer, written on PySide6. Their names are those of the originals."""

from __future__ import annotations

import functools
import importlib
from typing import Any

MODULES = (
    "collapsible",
    "numbers",
    "choices",
    "paths",
    "dialogs",
    "mrml_widget",
    "node_combo_box",
    "segments_model",
    "segments_table",
    "views",
    "scripted_modules",
    "segment_widgets",
    "extensions",
    "io_manager",
    "place_widget",
    "segment_editor_effect",
    "segment_editor_widget",
)


@functools.cache
def widgets() -> dict[str, Any]:
    """Return the native classes of the stand-in by the name of the original."""
    found: dict[str, Any] = {}
    for name in MODULES:
        module = importlib.import_module(f"{__name__}.{name}")
        found |= {
            n: c for n, c in vars(module).items() if isinstance(c, type) and n.startswith(("ctk", "qMRML", "qSlicer"))
        }
    return found
