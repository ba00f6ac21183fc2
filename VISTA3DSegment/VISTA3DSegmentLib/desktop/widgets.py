"""What the parts of the panel do with any widget."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

TIP = "VISTA3DSegmentTip"


def enable(widget: Any, why_not: str) -> None:
    """Enable a widget, or disable it and say why in its tooltip.

    Args:
        widget: any.
        why_not: a sentence; "": it can be used.
    """
    if widget.property(TIP) is None:
        widget.setProperty(TIP, widget.toolTip)
    widget.setEnabled(not why_not)
    widget.setToolTip(why_not or widget.property(TIP))


def show_text(label: Any, text: str) -> None:
    """Show a text, or nothing at all if there is none."""
    label.setText(text)
    label.setVisible(bool(text))


def set_checked(button: Any, checked: bool) -> None:
    """Check a button as if nobody had pressed it."""
    was = button.blockSignals(True)
    button.setChecked(checked)
    button.blockSignals(was)


def fill(list_widget: Any, lines: Iterable[str]) -> None:
    """Put lines into a list, which tells nobody."""
    was = list_widget.blockSignals(True)
    list_widget.clear()
    list_widget.addItems(list(lines))
    list_widget.blockSignals(was)
