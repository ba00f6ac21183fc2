"""CTK's containers that fold: ctkCollapsibleButton and ctkCollapsibleGroupBox."""

# ruff: noqa: N801, N802, N815 (the names are those of Qt and of Slicer)

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt, Signal

from .plain import keeps


@keeps(collapsedHeight=14, contentsLineWidth=1, contentsMidLineWidth=0, flat=False, contentsFrameShape=None)
class ctkCollapsibleButton(QtWidgets.QAbstractButton):
    """A button whose children are shown below it while it is checked."""

    contentsCollapsed = Signal(bool)

    def __init__(self, *arguments: Any) -> None:
        text = arguments[0] if arguments and isinstance(arguments[0], str) else ""
        super().__init__(*[a for a in arguments if isinstance(a, QtWidgets.QWidget)])
        self._collapsed = self._folding = False
        self._hidden_by_fold: list[QtWidgets.QWidget] = []
        self.setText(text)
        self.setCheckable(True)
        self.setChecked(True)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Minimum, QtWidgets.QSizePolicy.Policy.Preferred)
        self.setContentsMargins(0, self._bar_height(), 0, 0)
        self.toggled.connect(lambda checked: self._collapse(not checked))

    def collapsed(self) -> bool:
        """Tell whether the children are folded away."""
        return self._collapsed

    def setCollapsed(self, collapsed: bool) -> None:
        """Fold the children away or show them."""
        self.setChecked(not collapsed)

    def isFlat(self) -> bool:
        """Tell whether it is drawn without a frame."""
        return self.flat()

    def _bar_height(self) -> int:
        return self.fontMetrics().height() + 8

    def _collapse(self, collapsed: bool) -> None:
        if collapsed == self._collapsed:
            return
        self._collapsed = collapsed
        self.setMaximumHeight(self._bar_height() + 2 if collapsed else 16777215)
        self._show_children(not collapsed)
        self.updateGeometry()
        self.contentsCollapsed.emit(collapsed)

    def _show_children(self, shown: bool) -> None:
        self._folding = True
        if shown:
            for child in self._hidden_by_fold:
                child.removeEventFilter(self)
                child.show()
            self._hidden_by_fold = []
        for child in () if shown else self.children():
            if isinstance(child, QtWidgets.QWidget) and not child.isHidden():
                self._hidden_by_fold.append(child)
                child.hide()
                # As CTK does: not the program has hidden it, so that it is heard when the program does.
                child.setAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide, False)
                child.installEventFilter(self)
        self._folding = False

    def eventFilter(self, child: QtCore.QObject, event: QtCore.QEvent) -> bool:
        """What the program hides while it is folded away stays hidden."""
        if not self._folding and event.type() == QtCore.QEvent.Type.HideToParent and child in self._hidden_by_fold:
            self._hidden_by_fold.remove(child)
            child.removeEventFilter(self)
        return False

    def childEvent(self, event: QtCore.QChildEvent) -> None:
        """Fold away what is added while it is folded."""
        super().childEvent(event)
        child = event.child()
        if event.polished() and getattr(self, "_collapsed", False) and isinstance(child, QtWidgets.QWidget):
            self._show_children(False)

    def sizeHint(self) -> QtCore.QSize:
        """Return the size of the bar, with that of the children where they are shown."""
        bar = QtCore.QSize(self.fontMetrics().horizontalAdvance(self.text()) + 40, self._bar_height())
        layout = self.layout()
        if self._collapsed or layout is None:
            return bar
        return layout.totalSizeHint().expandedTo(bar)

    def minimumSizeHint(self) -> QtCore.QSize:
        """Return the least size."""
        layout = self.layout()
        bar = QtCore.QSize(60, self._bar_height())
        return bar if self._collapsed or layout is None else layout.totalMinimumSize().expandedTo(bar)

    def hitButton(self, position: QtCore.QPoint) -> bool:
        """Tell whether a place lies on the bar."""
        return position.y() <= self._bar_height()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Draw the bar with its arrow and its text."""
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        option.state |= QtWidgets.QStyle.StateFlag.State_Raised
        option.rect = QtCore.QRect(0, 0, self.width(), self._bar_height())
        painter.drawControl(QtWidgets.QStyle.ControlElement.CE_PushButtonBevel, option)
        arrow = QtWidgets.QStyleOption()
        arrow.initFrom(self)
        arrow.rect = QtCore.QRect(6, (self._bar_height() - 10) // 2, 10, 10)
        element = QtWidgets.QStyle.PrimitiveElement
        painter.drawPrimitive(
            element.PE_IndicatorArrowRight if self._collapsed else element.PE_IndicatorArrowDown, arrow
        )
        painter.drawText(
            option.rect.adjusted(22, 0, -4, 0),
            Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextShowMnemonic,
            self.text(),
        )


@keeps(collapsedHeight=14)
class ctkCollapsibleGroupBox(QtWidgets.QGroupBox):
    """A group box whose children are hidden while it is not checked."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._hidden_by_fold: list[QtWidgets.QWidget] = []
        self.setCheckable(True)
        self.toggled.connect(self._fold)

    def collapsed(self) -> bool:
        """Tell whether the children are folded away."""
        return not self.isChecked()

    def setCollapsed(self, collapsed: bool) -> None:
        """Fold the children away or show them."""
        self.setChecked(not collapsed)

    def _fold(self, shown: bool) -> None:
        if shown:
            for child in self._hidden_by_fold:
                child.show()
            self._hidden_by_fold = []
        else:
            children = [c for c in self.children() if isinstance(c, QtWidgets.QWidget) and not c.isHidden()]
            self._hidden_by_fold += children
            for child in children:
                child.hide()
        self.setMaximumHeight(16777215 if shown else self.fontMetrics().height() + self.collapsedHeight())
        self.updateGeometry()
