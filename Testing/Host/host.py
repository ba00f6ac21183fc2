"""A strict stand-in for the Qt side of desktop Slicer, on PySide6 and slicer-core.

``start()`` makes ``qt``, ``ctk`` and what desktop Slicer adds to ``slicer``; then a scripted module can be loaded,
pressed and photographed without Slicer:

    import host
    host.start()
    host.load_module("VISTA3DSegment/VISTA3DSegment.py")
    host.finish_startup()
    widget = host.open_module("VISTA3DSegment")
    host.click(widget.ui.applyButton)
    host.wait_until(lambda: widget.ui.progressBar.visible)
    host.screenshot(widget.parent, "panel.png", dark=True)

What desktop Slicer lacks raises a sentence. Which Slicer is played: ``start(qt=5, slicer_version=(5, 12))`` or
the environment, STANDIN_QT, STANDIN_SLICER and STANDIN_PYTORCH.
"""

from __future__ import annotations

from typing import Any

from standin import messages as _messages
from standin.border import errors
from standin.gestures import click, click_cell, press_key, process_events, shortcut, type_text, wait_until
from standin.loader import leave_module, load, open_module, unload
from standin.pictures import screenshot
from standin.session import end, finish_startup, is_started, start
from standin.slice_gestures import place_point, press_in_slice

load_module = load
messages = _messages.shown
answers = _messages.answers

__all__ = [
    "answers",
    "click",
    "click_cell",
    "end",
    "errors",
    "finish_startup",
    "is_started",
    "leave_module",
    "load_module",
    "messages",
    "open_module",
    "place_point",
    "press_in_slice",
    "press_key",
    "process_events",
    "raised",
    "screenshot",
    "set_testing",
    "shortcut",
    "start",
    "type_text",
    "unload",
    "wait_until",
]


def set_testing(testing: bool) -> None:
    """Set what ``slicer.app.testingEnabled()`` says; without it a dialog that nobody answers raises."""
    _messages.testing = testing


def raised() -> list[Any]:
    """Return what slots and callbacks raised since the last call, and forget it."""
    found = list(errors)
    errors.clear()
    return found
