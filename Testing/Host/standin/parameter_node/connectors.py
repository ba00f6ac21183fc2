"""Which widgets a parameter can be tied to, and how: those that Slicer's guiConnectors.py supports, and no others."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

import ctk
import qt
import slicer

from .serializers import PATHS, is_node, members_of_union
from .validators import (
    Choice,
    Decimals,
    FloatRange,
    Maximum,
    Minimum,
    RangeBounds,
    SingleStep,
    WithinRange,
    first,
    split,
)


class Connector:
    """A widget that shows a parameter and lets it be changed."""

    def __init__(self, widget: Any, signal: str | None, read: Callable[[], Any], write: Callable[[Any], None]) -> None:
        self.widget, self.read, self.write = widget, read, write
        self._signal, self._slot = signal, None

    def on_changed(self, slot: Callable[[], None] | None) -> None:
        """Call a function whenever the user changes the widget; None ends that."""
        if self._signal is None:
            return
        if self._slot is not None:
            getattr(self.widget, self._signal).disconnect(self._slot)
        self._slot = slot
        if slot is not None:
            getattr(self.widget, self._signal).connect(slot)


def connector(widget: Any, kind: Any) -> Connector:
    """Tie a widget to a type.

    Raises:
        RuntimeError: Slicer cannot tie these together.
    """
    plain, annotations = split(kind)
    for make in (_bool, _int, _number, _enum, _choice, _text, _range, _path, _node):
        found = make(widget, plain, annotations)
        if found is not None:
            return found
    raise RuntimeError(
        f"Unable to create GUI connector from datatype '{kind}' to widget type '{type(widget).__name__}'."
    )


def _property(widget: Any, signal: str | None, name: str, as_type: Any = None) -> Connector:
    read = (lambda: as_type(getattr(widget, name))) if as_type else (lambda: getattr(widget, name))
    return Connector(widget, signal, read, lambda value: setattr(widget, name, as_type(value) if as_type else value))


def _bool(widget: Any, kind: Any, annotations: Any) -> Connector | None:
    if kind is not bool:
        return None
    if type(widget) in (qt.QCheckBox, ctk.ctkCheckBox):
        return _property(widget, "stateChanged", "checked")
    if type(widget) in (qt.QPushButton, ctk.ctkCheckablePushButton):
        widget.checkable = True
        return _property(widget, "toggled", "checked")
    return None


def _int(widget: Any, kind: Any, annotations: Any) -> Connector | None:
    if kind is not int or type(widget) not in (qt.QSlider, qt.QSpinBox):
        return None
    low, high = bounds(annotations, -(2**31), 2**31 - 1)
    if type(widget) is qt.QSlider and (low, high) == (-(2**31), 2**31 - 1):
        raise RuntimeError("Cannot have a connection to QSlider where the int type is unbounded.")
    widget.setMinimum(low)
    widget.setMaximum(high)
    _steps(widget, annotations)
    return _property(widget, "valueChanged", "value")


def _number(widget: Any, kind: Any, annotations: Any) -> Connector | None:
    sliders = (ctk.ctkSliderWidget, slicer.qMRMLSliderWidget)
    if kind not in (int, float) or type(widget) not in (
        *sliders,
        qt.QDoubleSpinBox,
        ctk.ctkDoubleSlider,
        ctk.ctkDoubleSpinBox,
        slicer.qMRMLSpinBox,
    ):
        return None
    low, high = bounds(annotations, float("-inf"), float("inf"))
    if type(widget) in sliders and float("inf") in (-low, high):
        raise RuntimeError("Cannot have a connection to ctkSliderWidget where the float types is unbounded.")
    decimals = first(annotations, Decimals)
    if type(widget) is not ctk.ctkDoubleSlider and (kind is int or decimals is not None):
        widget.decimals = 0 if kind is int else decimals.value
    _steps(widget, annotations)
    widget.minimum, widget.maximum = low, high
    return _property(widget, "valueChanged", "value", int if kind is int else None)


def bounds(annotations: Any, low: Any, high: Any) -> tuple[Any, Any]:
    """Return the limits that annotations give."""
    within, least, most = (first(annotations, kind) for kind in (WithinRange, Minimum, Maximum))
    if within is not None:
        return within.minimum, within.maximum
    return (least.minimum if least else low), (most.maximum if most else high)


def _steps(widget: Any, annotations: Any) -> None:
    step = first(annotations, SingleStep)
    if step is not None:
        widget.singleStep = step.value


def _items(widget: Any, labelled: list[tuple[str, Any]]) -> Connector:
    blocked = widget.blockSignals(True)
    widget.clear()
    for label, _ in labelled:
        widget.addItem(label)
    widget.blockSignals(blocked)

    def write(value: Any) -> None:
        rows = [row for row, (_, each) in enumerate(labelled) if each == value]
        if not rows:
            raise ValueError(f"Unable to find value {value} in choices {[label for label, _ in labelled]}")
        widget.currentIndex = rows[0]

    return Connector(widget, "currentIndexChanged", lambda: labelled[widget.currentIndex][1], write)


def _enum(widget: Any, kind: Any, annotations: Any) -> Connector | None:
    if type(widget) not in (qt.QComboBox, ctk.ctkComboBox) or not (
        isinstance(kind, type) and issubclass(kind, enum.Enum)
    ):
        return None
    return _items(widget, [(each.label() if hasattr(each, "label") else each.name, each) for each in kind])


def _choice(widget: Any, kind: Any, annotations: Any) -> Connector | None:
    if type(widget) not in (qt.QComboBox, ctk.ctkComboBox) or kind not in (int, float, str, bool):
        return None
    choice = first(annotations, Choice)
    if choice is None:
        raise RuntimeError("Cannot have a connection to a combo box without a Choice annotation.")
    return _items(widget, [(str(each), each) for each in choice.choices])


def _text(widget: Any, kind: Any, annotations: Any) -> Connector | None:
    if kind is not str:
        return None
    if type(widget) is qt.QLineEdit:
        connected = _property(widget, "textChanged", "text")
        write = connected.write
        connected.write = lambda value: write(value) if value != widget.text else None
        return connected
    if type(widget) is qt.QLabel:
        return _property(widget, None, "text")
    if type(widget) is qt.QTextEdit:
        return Connector(widget, "textChanged", widget.toPlainText, widget.setPlainText)
    return None


def _range(widget: Any, kind: Any, annotations: Any) -> Connector | None:
    if kind is not FloatRange or type(widget) not in (ctk.ctkRangeWidget, slicer.qMRMLRangeWidget):
        return None
    limits = first(annotations, RangeBounds)
    if limits is None:
        raise RuntimeError(
            "Cannot have a connection to a range widget where the float is unbounded. Add a RangeBounds."
        )
    decimals = first(annotations, Decimals)
    if decimals is not None:
        widget.decimals = decimals.value
    _steps(widget, annotations)
    widget.setRange(limits.minimum, limits.maximum)
    return Connector(
        widget,
        "valuesChanged",
        lambda: FloatRange(widget.minimumValue, widget.maximumValue),
        lambda value: widget.setValues(value.minimum, value.maximum),
    )


def _path(widget: Any, kind: Any, annotations: Any) -> Connector | None:
    if kind not in PATHS:
        return None
    for cls, signal, name in (
        (ctk.ctkPathLineEdit, "currentPathChanged", "currentPath"),
        (ctk.ctkDirectoryButton, "directoryChanged", "directory"),
    ):
        if type(widget) is cls:
            return Connector(
                widget,
                signal,
                lambda name=name: kind(getattr(widget, name)),
                lambda value, name=name: setattr(widget, name, str(value)),
            )
    return None


def _node(widget: Any, kind: Any, annotations: Any) -> Connector | None:
    kinds = members_of_union(kind) or (kind,)
    if type(widget) is not slicer.qMRMLNodeComboBox or not all(is_node(each) for each in kinds):
        return None
    widget.nodeTypes = [each().GetClassName() for each in kinds]
    return Connector(widget, "currentNodeChanged", widget.currentNode, widget.setCurrentNode)
