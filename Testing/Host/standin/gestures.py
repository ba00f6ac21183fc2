"""What a user of a test does: press, type, wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from .border import errors, to_native


def native_widget(widget: Any) -> Any:
    """Return the native widget of a proxy, or of the Python object of a module's interface."""
    if not hasattr(type(widget), "_native_of") and hasattr(widget, "parent"):
        widget = widget.parent
    return to_native(widget)


def process_events() -> None:
    """Let the event loop do what is due, deletions too."""
    QtCore.QCoreApplication.processEvents()
    QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete.value)


def raise_errors(before: int) -> None:
    """Raise what slots raised meanwhile: a test must not pass over it."""
    if len(errors) > before:
        error = errors[before]
        del errors[before:]
        raise AssertionError(f"A slot raised {type(error).__name__}: {error}") from error


def click(widget: Any, position: tuple[int, int] | None = None) -> None:
    """Press a widget with the left button of the mouse, in its middle or elsewhere.

    Raises:
        AssertionError: a user could not press it, because it is hidden or disabled; or what it called raised.
    """
    native, before = native_widget(widget), len(errors)
    if not native.isVisible():
        raise AssertionError(f"{native.metaObject().className()} '{native.objectName()}' is not visible.")
    if not native.isEnabled():
        raise AssertionError(f"{native.metaObject().className()} '{native.objectName()}' is disabled.")
    place = QtCore.QPoint(*position) if position else place_of(native)
    QTest.mouseClick(native, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    process_events()
    raise_errors(before)


def place_of(native: QtWidgets.QWidget) -> QtCore.QPoint:
    """Return where a user would press a widget: in its middle; a check box on its box, a foldable one on its bar."""
    if isinstance(native, QtWidgets.QCheckBox | QtWidgets.QRadioButton):
        return QtCore.QPoint(8, native.height() // 2)
    if native.metaObject().className().startswith("ctkCollapsible"):
        return QtCore.QPoint(10, 8)
    return native.rect().center()


def click_cell(table: Any, row: int, column: int) -> None:
    """Press a cell of a table view."""
    native, before = native_widget(table), len(errors)
    place = native.visualRect(native.model().index(row, column)).center()
    QTest.mouseClick(native.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    process_events()
    raise_errors(before)


def type_text(widget: Any, text: str) -> None:
    """Type into a widget."""
    native, before = native_widget(widget), len(errors)
    QTest.keyClicks(native.focusProxy() or native, text)
    process_events()
    raise_errors(before)


def press_key(widget: Any, key: Any, modifiers: Any = Qt.KeyboardModifier.NoModifier) -> None:
    """Press a key while a widget has the focus: ``qt.Qt.Key_Return``."""
    native, before = native_widget(widget), len(errors)
    QTest.keyClick(native, to_native(key), to_native(modifiers))
    process_events()
    raise_errors(before)


def shortcut(widget: Any, keys: str) -> None:
    """Press a combination, ``"Ctrl+Z"``, as its QShortcut within the window of a widget would get it."""
    native, before = native_widget(widget), len(errors)
    window = native.window()
    window.activateWindow()
    native.setFocus()
    process_events()
    combination = QtGui.QKeySequence(keys)[0]
    QTest.keyClick(native, combination.key(), combination.keyboardModifiers())
    process_events()
    raise_errors(before)


PATIENCE_SECONDS = 180.0
"""A child imports what writes DICOM, perhaps on a busy machine."""


def wait_until(condition: Callable[[], Any], seconds: float = PATIENCE_SECONDS, why: str = "") -> None:
    """Run the event loop until a condition holds.

    Raises:
        AssertionError: it does not hold in time, or a slot raised.
    """
    before, end = len(errors), time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{why or 'What was waited for'} did not happen within {seconds:g} s.")
        loop = QtCore.QEventLoop()
        QtCore.QTimer.singleShot(10, loop.quit)
        loop.exec()
        raise_errors(before)
