"""``slicer.i18n``: translation, which here leaves the text as it is."""

# ruff: noqa: N802, N803 (the names are those of Qt and of Slicer)

from __future__ import annotations

import types


def tr(text: str) -> str:
    """Return the text in the user's language."""
    return text


def translate(context: str, text: str) -> str:
    """Return the text of a context in the user's language."""
    return text


def getContext(sourceFile: str) -> str:
    """Return the context of a source file: its name without ending."""
    return sourceFile.replace("\\", "/").rpartition("/")[2].removesuffix(".py")


def i18n_module() -> types.ModuleType:
    """Return what ``slicer.i18n`` is."""
    module = types.ModuleType("slicer.i18n", "Translation.")
    for function in (tr, translate, getContext):
        setattr(module, function.__name__, function)
    return module
