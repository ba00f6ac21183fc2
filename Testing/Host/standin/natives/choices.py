"""CTK's buttons, boxes and lines."""

# ruff: noqa: N801, N802, N815 (the names are those of Qt and of Slicer)

from __future__ import annotations

import enum
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt, Signal

from .plain import keeps


class ScrollEffect(enum.IntEnum):
    """When the wheel of the mouse changes a ctkComboBox."""

    NeverScroll = 0
    AlwaysScroll = 1
    ScrollWithFocus = 2
    ScrollWithNoVScrollBar = 3


@keeps(defaultText="", forceDefault=False, elideMode=None, scrollWheelEffect=None)
class ctkComboBox(QtWidgets.QComboBox):
    """A combo box with a text for when nothing is chosen."""

    ScrollEffect = ScrollEffect
    returnRelease = Signal()

    def changed(self, name: str) -> None:
        """Show the default text where nothing is chosen."""
        if name == "defaultText":
            self.setPlaceholderText(self.defaultText())

    def currentUserDataAsString(self) -> str:
        """Return the chosen item's data as text."""
        return str(self.currentData() or "")

    def setCurrentUserDataAsString(self, text: str) -> None:
        """Choose the item with that data."""
        self.setCurrentIndex(next((i for i in range(self.count()) if str(self.itemData(i)) == text), -1))


class ctkCheckBox(QtWidgets.QCheckBox):
    """A check box that may have its own picture."""

    stateChanged = Signal(int)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.checkStateChanged.connect(lambda state: self.stateChanged.emit(state.value))


class ctkMenuButton(QtWidgets.QPushButton):
    """A push button with an arrow beside it that opens its menu; a press on the rest is a click."""

    def setMenu(self, menu: QtWidgets.QMenu) -> None:
        """Set the menu of the arrow."""
        self._menu = menu

    def menu(self) -> QtWidgets.QMenu | None:
        """Return the menu of the arrow."""
        return getattr(self, "_menu", None)

    def showMenu(self) -> None:
        """Open the menu."""
        menu = self.menu()
        if menu is not None:
            menu.popup(self.mapToGlobal(QtCore.QPoint(0, self.height())))

    def sizeHint(self) -> QtCore.QSize:
        """Return the size with the arrow."""
        return super().sizeHint() + QtCore.QSize(18, 0)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Draw the button and the arrow."""
        super().paintEvent(event)
        painter = QtWidgets.QStylePainter(self)
        arrow = QtWidgets.QStyleOption()
        arrow.initFrom(self)
        arrow.rect = QtCore.QRect(self.width() - 16, (self.height() - 10) // 2, 10, 10)
        painter.drawPrimitive(QtWidgets.QStyle.PrimitiveElement.PE_IndicatorArrowDown, arrow)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        """Open the menu where the arrow is pressed."""
        if self.menu() is not None and event.position().x() > self.width() - 20:
            self.showMenu()
        else:
            super().mousePressEvent(event)


@keeps(buttonTextAlignment=None, indicatorAlignment=None, checkBoxUserCheckable=True)
class ctkCheckablePushButton(QtWidgets.QPushButton):
    """A push button with a check box on it."""

    checkBoxToggled = Signal(bool)
    checkStateChanged = Signal(int)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._state = Qt.CheckState.Unchecked
        self._controls_button, self._controls_toggle = True, False

    def checkState(self) -> Qt.CheckState:
        """Return the state of the check box."""
        return self._state

    def setCheckState(self, state: Qt.CheckState) -> None:
        """Set the state of the check box."""
        if state != self._state:
            self._state = state
            self.checkStateChanged.emit(state.value)
            self.checkBoxToggled.emit(state == Qt.CheckState.Checked)

    def checkBoxControlsButton(self) -> bool:
        """Tell whether the button is disabled while the check box is not checked."""
        return self._controls_button

    def setCheckBoxControlsButton(self, controls: bool) -> None:
        """Set whether the button is disabled while the check box is not checked."""
        self._controls_button = controls

    def checkBoxControlsButtonToggleState(self) -> bool:
        """Tell whether a checked check box makes a toggle button of it."""
        return self._controls_toggle

    def setCheckBoxControlsButtonToggleState(self, controls: bool) -> None:
        """Set whether a checked check box makes a toggle button of it."""
        self._controls_toggle = controls


@keeps(showSearchIcon=False)
class ctkSearchBox(QtWidgets.QLineEdit):
    """A line in which one types what is sought, with a cross that empties it."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setClearButtonEnabled(True)
        self.setPlaceholderText("Search...")


@keeps(displayColorName=True, dialogOptions=None)
class ctkColorPickerButton(QtWidgets.QPushButton):
    """A button that shows a colour."""

    colorChanged = Signal(QtGui.QColor)
    colorNameChanged = Signal(str)

    def __init__(self, *arguments: Any) -> None:
        colours = [a for a in arguments if isinstance(a, QtGui.QColor)]
        super().__init__(*[a for a in arguments if not isinstance(a, QtGui.QColor)])
        self._color = colours[0] if colours else QtGui.QColor(0, 0, 0)
        self._name = ""

    def color(self) -> QtGui.QColor:
        """Return the colour."""
        return self._color

    def setColor(self, color: QtGui.QColor) -> None:
        """Set the colour."""
        if color != self._color:
            self._color = color
            swatch = QtGui.QPixmap(self.iconSize())
            swatch.fill(color)
            self.setIcon(swatch)
            self.colorChanged.emit(color)

    def colorName(self) -> str:
        """Return the name of the colour."""
        return self._name

    def setColorName(self, name: str) -> None:
        """Set the name of the colour."""
        self._name = name
