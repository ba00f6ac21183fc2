"""CTK's and MRML's widgets for numbers: spin boxes, sliders and ranges of floating-point values."""

# ruff: noqa: N801, N802, N815 (the names are those of Qt and of Slicer)

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Qt, Signal

from .plain import keeps


@keeps(invertedControls=False)
class ctkDoubleSpinBox(QtWidgets.QWidget):
    """A widget around a spin box; it is no QDoubleSpinBox itself."""

    valueChanged = Signal(float)
    decimalsChanged = Signal(int)
    editingFinished = Signal()

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.spin = QtWidgets.QDoubleSpinBox(self)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.spin)
        self.spin.valueChanged.connect(self.valueChanged)
        self.spin.editingFinished.connect(self.editingFinished)
        self.setFocusProxy(self.spin)

    def setDecimals(self, decimals: int) -> None:
        """Set how many decimals are shown."""
        if decimals != self.spin.decimals():
            self.spin.setDecimals(decimals)
            self.decimalsChanged.emit(decimals)

    def setMinimum(self, value: float) -> None:
        """Set the least value; infinity is allowed."""
        self.spin.setMinimum(max(value, -1e15))

    def setMaximum(self, value: float) -> None:
        """Set the greatest value; infinity is allowed."""
        self.spin.setMaximum(min(value, 1e15))

    def __getattr__(self, name: str) -> Any:
        forwarded = {"value", "setValue", "minimum", "maximum", "decimals", "singleStep", "setSingleStep", "prefix"}
        forwarded |= {"setPrefix", "suffix", "setSuffix", "isReadOnly", "setReadOnly", "alignment", "setAlignment"}
        forwarded |= {"cleanText", "hasFrame", "setFrame", "stepUp", "stepDown"}
        if name in forwarded:
            return getattr(self.spin, name)
        raise AttributeError(name)


@keeps(quantity="")
class qMRMLSpinBox(ctkDoubleSpinBox):
    """A spin box whose unit comes from the scene; here the unit is not applied."""

    def setMRMLScene(self, scene: Any) -> None:
        """Take the scene whose units count."""
        self._scene = scene


@keeps(tickInterval=0.0, tracking=True, spinBoxVisible=True, popupSlider=False, invertedAppearance=False, pageStep=10.0)
class ctkSliderWidget(QtWidgets.QWidget):
    """A slider and a spin box that show the same value."""

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)
    decimalsChanged = Signal(int)
    STEPS = 10000

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.slider = QtWidgets.QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(0, self.STEPS)
        self.spin = QtWidgets.QDoubleSpinBox(self)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.slider)
        layout.addWidget(self.spin)
        self.slider.valueChanged.connect(self._on_slider)
        self.spin.valueChanged.connect(self._on_spin)

    def _on_slider(self, step: int) -> None:
        low, high = self.spin.minimum(), self.spin.maximum()
        if step != self._step_of(self.spin.value()):
            self.spin.setValue(low + (high - low) * step / self.STEPS)

    def _on_spin(self, value: float) -> None:
        blocked = self.slider.blockSignals(True)
        self.slider.setValue(self._step_of(value))
        self.slider.blockSignals(blocked)
        self.valueChanged.emit(value)

    def _step_of(self, value: float) -> int:
        low, high = self.spin.minimum(), self.spin.maximum()
        return round((value - low) / (high - low) * self.STEPS) if high > low else 0

    def reset(self) -> None:
        """Set the value to zero, or to the end nearest to it."""
        self.spin.setValue(0.0)

    def changed(self, name: str) -> None:
        """Show or hide the spin box."""
        if name == "spinBoxVisible":
            self.spin.setVisible(self.spinBoxVisible())

    def setMinimum(self, value: float) -> None:
        """Set the least value."""
        self.spin.setMinimum(value)

    def setMaximum(self, value: float) -> None:
        """Set the greatest value."""
        self.spin.setMaximum(value)

    def __getattr__(self, name: str) -> Any:
        forwarded = {
            "value",
            "setValue",
            "minimum",
            "maximum",
            "decimals",
            "setDecimals",
            "singleStep",
            "setSingleStep",
        }
        if name in forwarded | {"prefix", "setPrefix", "suffix", "setSuffix"}:
            return getattr(self.spin, name)
        raise AttributeError(name)


@keeps(quantity="")
class qMRMLSliderWidget(ctkSliderWidget):
    """A slider whose unit comes from the scene; here the unit is not applied."""

    def setMRMLScene(self, scene: Any) -> None:
        """Take the scene whose units count."""
        self._scene = scene


@keeps(tracking=True, symmetricMoves=False, autoSpinBoxWidth=True, tickInterval=0.0)
class ctkRangeWidget(QtWidgets.QWidget):
    """Two values, a least and a greatest one, within bounds."""

    valuesChanged = Signal(float, float)
    minimumValueChanged = Signal(float)
    maximumValueChanged = Signal(float)
    minimumValueIsChanging = Signal(float)
    maximumValueIsChanging = Signal(float)
    rangeChanged = Signal(float, float)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._low, self._high = 0.0, 99.0
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.low_spin, self.high_spin = QtWidgets.QDoubleSpinBox(self), QtWidgets.QDoubleSpinBox(self)
        self.bar = RangeBar(self)
        for widget, stretch in ((self.low_spin, 0), (self.bar, 1), (self.high_spin, 0)):
            layout.addWidget(widget, stretch)
        self.setRange(0.0, 99.0)
        self.low_spin.valueChanged.connect(lambda value: self.setMinimumValue(value))
        self.high_spin.valueChanged.connect(lambda value: self.setMaximumValue(value))
        self.setValues(0.0, 99.0)

    def minimumValue(self) -> float:
        """Return the lesser value."""
        return self._low

    def maximumValue(self) -> float:
        """Return the greater value."""
        return self._high

    def setMinimumValue(self, value: float) -> None:
        """Set the lesser value; the greater one follows where it must."""
        self.setValues(value, max(value, self._high))

    def setMaximumValue(self, value: float) -> None:
        """Set the greater value; the lesser one follows where it must."""
        self.setValues(min(value, self._low), value)

    def setValues(self, low: float, high: float) -> None:
        """Set both values, kept within the bounds."""
        low, high = (float(min(max(v, self.minimum()), self.maximum())) for v in sorted((low, high)))
        before = self._low, self._high
        self._low, self._high = low, high
        for spin, value in ((self.low_spin, low), (self.high_spin, high)):
            blocked = spin.blockSignals(True)
            spin.setValue(value)
            spin.blockSignals(blocked)
        self.bar.update()
        if low != before[0]:
            self.minimumValueChanged.emit(low)
        if high != before[1]:
            self.maximumValueChanged.emit(high)
        if (low, high) != before:
            self.valuesChanged.emit(low, high)

    def setRange(self, least: float, greatest: float) -> None:
        """Set the bounds of both values."""
        self.low_spin.setRange(least, greatest)
        self.high_spin.setRange(least, greatest)
        self.rangeChanged.emit(least, greatest)
        self.setValues(self._low, self._high)

    def minimum(self) -> float:
        """Return the lower bound."""
        return self.low_spin.minimum()

    def maximum(self) -> float:
        """Return the upper bound."""
        return self.low_spin.maximum()

    def setMinimum(self, least: float) -> None:
        """Set the lower bound."""
        self.setRange(least, max(least, self.maximum()))

    def setMaximum(self, greatest: float) -> None:
        """Set the upper bound."""
        self.setRange(min(greatest, self.minimum()), greatest)

    def reset(self) -> None:
        """Open the range to its bounds."""
        self.setValues(self.minimum(), self.maximum())

    def __getattr__(self, name: str) -> Any:
        if name in ("decimals", "singleStep", "prefix", "suffix"):
            return getattr(self.low_spin, name)
        if name in ("setDecimals", "setSingleStep", "setPrefix", "setSuffix"):
            return lambda value: [getattr(spin, name)(value) for spin in (self.low_spin, self.high_spin)] and None
        raise AttributeError(name)


class RangeBar(QtWidgets.QWidget):
    """The picture of a range between its spin boxes."""

    def paintEvent(self, event: Any) -> None:
        """Draw the groove and the part between the values."""
        owner: Any = self.parent()
        painter = QtWidgets.QStylePainter(self)
        groove = self.rect().adjusted(2, self.height() // 2 - 2, -2, 0)
        groove.setHeight(4)
        painter.fillRect(groove, self.palette().mid())
        span = owner.maximum() - owner.minimum() or 1.0
        left, right = ((v - owner.minimum()) / span for v in (owner.minimumValue(), owner.maximumValue()))
        part = QtCore.QRectF(groove)
        part.setLeft(groove.left() + left * groove.width())
        part.setRight(groove.left() + right * groove.width())
        painter.fillRect(part, self.palette().highlight())

    def sizeHint(self) -> QtCore.QSize:
        """Return the size of a slider."""
        return QtCore.QSize(80, 20)


@keeps(quantity="")
class qMRMLRangeWidget(ctkRangeWidget):
    """A range whose unit comes from the scene; here the unit is not applied."""

    def setMRMLScene(self, scene: Any) -> None:
        """Take the scene whose units count."""
        self._scene = scene


@keeps(handleToolTip="", tickInterval=0.0, tracking=True, singleStep=1.0, pageStep=10.0)
class ctkDoubleSlider(QtWidgets.QWidget):
    """A slider of floating-point values."""

    valueChanged = Signal(float)
    sliderMoved = Signal(float)
    sliderPressed = Signal()
    sliderReleased = Signal()
    rangeChanged = Signal(float, float)
    STEPS = 10000

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*[a for a in arguments if isinstance(a, QtWidgets.QWidget)])
        orientation = next((a for a in arguments if isinstance(a, Qt.Orientation)), Qt.Orientation.Vertical)
        self._low, self._high, self._value = 0.0, 99.0, 0.0
        self.slider = QtWidgets.QSlider(orientation, self)
        self.slider.setRange(0, self.STEPS)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.slider)
        self.slider.valueChanged.connect(
            lambda step: self._take(self._low + (self._high - self._low) * step / self.STEPS, False)
        )

    def _take(self, value: float, move: bool) -> None:
        value = min(max(value, self._low), self._high)
        changed, self._value = value != self._value, value
        if move:
            blocked = self.slider.blockSignals(True)
            self.slider.setValue(round((value - self._low) / ((self._high - self._low) or 1) * self.STEPS))
            self.slider.blockSignals(blocked)
        if changed:
            self.valueChanged.emit(value)

    def value(self) -> float:
        """Return the value."""
        return self._value

    def setValue(self, value: float) -> None:
        """Set the value, kept within the bounds."""
        self._take(value, True)

    def minimum(self) -> float:
        """Return the lower bound."""
        return self._low

    def maximum(self) -> float:
        """Return the upper bound."""
        return self._high

    def setMinimum(self, value: float) -> None:
        """Set the lower bound."""
        self._low = value
        self._take(self._value, True)

    def setMaximum(self, value: float) -> None:
        """Set the upper bound."""
        self._high = value
        self._take(self._value, True)

    def orientation(self) -> Qt.Orientation:
        """Return which way it lies."""
        return self.slider.orientation()

    def setOrientation(self, orientation: Qt.Orientation) -> None:
        """Set which way it lies."""
        self.slider.setOrientation(orientation)
