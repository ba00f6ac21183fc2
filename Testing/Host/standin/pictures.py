"""Pictures of widgets, light or dark, as Slicer's own styles show them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6 import QtGui, QtWidgets

from .gestures import native_widget, process_events

LIGHT = {"window": "#f0f0f0", "base": "#ffffff", "alternate": "#f7f7f7", "text": "#000000", "faint": "#808080"}
DARK = {"window": "#353535", "base": "#2a2a2a", "alternate": "#424242", "text": "#f0f0f0", "faint": "#7f7f7f"}


def palette(dark: bool) -> QtGui.QPalette:
    """Return the colours of the light or the dark style."""
    named = DARK if dark else LIGHT
    made = QtGui.QPalette()
    role, group = QtGui.QPalette.ColorRole, QtGui.QPalette.ColorGroup
    for key, roles in {
        "window": (role.Window, role.Button),
        "base": (role.Base, role.ToolTipBase),
        "alternate": (role.AlternateBase,),
        "text": (role.WindowText, role.Text, role.ButtonText, role.ToolTipText),
    }.items():
        for each in roles:
            made.setColor(each, QtGui.QColor(named[key]))
    for each in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(group.Disabled, each, QtGui.QColor(named["faint"]))
    made.setColor(role.PlaceholderText, QtGui.QColor(named["faint"]))
    made.setColor(role.Highlight, QtGui.QColor("#2a82da"))
    made.setColor(role.HighlightedText, QtGui.QColor("#ffffff"))
    made.setColor(role.Link, QtGui.QColor("#2a82da" if dark else "#0000ff"))
    return made


def use_style(dark: bool) -> None:
    """Dress the application."""
    QtWidgets.QApplication.setStyle("Fusion")
    QtWidgets.QApplication.setPalette(palette(dark))


def screenshot(widget: Any, path: str | Path, dark: bool = False, width: int | None = None) -> Path:
    """Write a picture of a widget and return its path; the folder is made where it is absent."""
    native = native_widget(widget)
    use_style(dark)
    if width is not None:
        native.resize(width, max(native.sizeHint().height(), native.heightForWidth(width)))
    process_events()
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not native.grab().save(str(target)):
        raise OSError(f"The picture could not be written to {target}.")
    return target
