"""``slicer.modules``: the modules by their name in small letters, and the objects that scripted modules leave there."""

from __future__ import annotations

import types
from typing import Any

from .border import proxy_of
from .natives.scripted_modules import qSlicerLoadableModule
from .table import table


class Modules(types.ModuleType):
    """Has the modules that are loaded; any other name raises a sentence."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        known = name in table()["slicer.modules"].names
        reason = "desktop Slicer has it, the stand-in has not" if known else "no module of that name is loaded"
        raise AttributeError(f"slicer.modules has no attribute '{name}': {reason}.")


def fill(modules: Modules, logics: dict[str, Any]) -> dict[str, Any]:
    """Add the C++ modules whose logics there are; return their native objects by attribute."""
    natives = {}
    for name, logic in logics.items():
        if name.lower() in table()["slicer.modules"].names:
            natives[name.lower()] = qSlicerLoadableModule(name, logic)
    natives["segmenteditor"] = qSlicerLoadableModule("SegmentEditor", None)
    natives["sampledata"] = qSlicerLoadableModule("SampleData", None)
    for attribute, native in natives.items():
        setattr(modules, attribute, proxy_of(native))
    return natives
