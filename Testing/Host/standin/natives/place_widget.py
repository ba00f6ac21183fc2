"""qSlicerMarkupsPlaceWidget: places points, through the real interaction and selection nodes and the markups logic."""

# ruff: noqa: N801, N802, N815 (the names are those of Qt and of Slicer)

from __future__ import annotations

import enum
from typing import Any

import slicer
import vtk
from PySide6 import QtGui, QtWidgets
from PySide6.QtCore import Signal

from .choices import ctkColorPickerButton
from .mrml_widget import qSlicerWidget
from .observing import Observation, remove_all
from .plain import keeps


class PlaceMultipleMarkupsType(enum.IntEnum):
    """Whether one point is placed after another."""

    ShowPlaceMultipleMarkupsOption = 0
    HidePlaceMultipleMarkupsOption = 1
    ForcePlaceSingleMarkup = 2
    ForcePlaceMultipleMarkups = 3


@keeps(
    deleteAllMarkupsOptionVisible=True,
    deleteAllControlPointsOptionVisible=True,
    unsetLastControlPointOptionVisible=True,
    unsetAllControlPointsOptionVisible=True,
)
class qSlicerMarkupsPlaceWidget(qSlicerWidget):
    """A button that is down while points are placed into the current node."""

    activeMarkupsPlaceModeChanged = Signal(bool)
    activeMarkupsFiducialPlaceModeChanged = Signal(bool)
    PlaceMultipleMarkupsType = PlaceMultipleMarkupsType

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._observed: list[Observation] = []
        self._watched: list[Observation] = []
        self._multiple = PlaceMultipleMarkupsType.ShowPlaceMultipleMarkupsOption
        self._said = self._buttons_shown = False
        self._default_color = QtGui.QColor(128, 128, 128)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._color = ctkColorPickerButton(self)
        self._place, self._delete = QtWidgets.QToolButton(self), QtWidgets.QToolButton(self)
        for widget, name in (
            (self._color, "ColorButton"),
            (self._place, "PlaceButton"),
            (self._delete, "DeleteButton"),
        ):
            widget.setObjectName(name)
            layout.addWidget(widget)
        self._color.setDisplayColorName(False)
        self._place.setText("Place")
        self._place.setCheckable(True)
        self._delete.setText("Delete")
        self._place.toggled.connect(self.setPlaceModeEnabled)
        self._delete.clicked.connect(self.deleteLastPoint)
        self._color.colorChanged.connect(self.setNodeColor)
        self.setButtonsVisible(True)
        self.updateWidget()

    def setMRMLScene(self, scene: Any) -> None:
        """Take a scene; the interaction and the selection node are its singletons."""
        super().setMRMLScene(scene)
        remove_all(self._watched)
        for node in (self.interactionNode(), self.selectionNode()):
            if node is not None:
                self._watched.append(Observation(self, node, vtk.vtkCommand.ModifiedEvent, "updateWidget"))
        interaction = self.interactionNode()
        if interaction is not None:
            event = interaction.InteractionModeChangedEvent
            self._watched.append(Observation(self, interaction, event, "updateWidget"))
        self.updateWidget()

    def interactionNode(self) -> Any:
        """Return the interaction node."""
        return self._scene.GetNodeByID("vtkMRMLInteractionNodeSingleton") if self._scene is not None else None

    def selectionNode(self) -> Any:
        """Return the selection node."""
        return self._scene.GetNodeByID("vtkMRMLSelectionNodeSingleton") if self._scene is not None else None

    @staticmethod
    def _logic() -> Any:
        return slicer.modules.markups.logic()

    def currentNode(self) -> Any:
        """Return the node into which points are placed."""
        return self._node

    currentMarkupsNode = currentMarkupsFiducialNode = currentNode

    def setCurrentNode(self, node: Any) -> None:
        """Place points into a node."""
        node = node if node is not None and node.IsA("vtkMRMLMarkupsNode") else None
        if node is self._node:
            return
        remove_all(self._observed)
        self._node = node
        if node is not None:
            for event in (
                vtk.vtkCommand.ModifiedEvent,
                node.PointAddedEvent,
                node.PointRemovedEvent,
                node.PointPositionDefinedEvent,
                slicer.vtkMRMLDisplayableNode.DisplayModifiedEvent,
            ):
                self._observed.append(Observation(self, node, event, "updateWidget"))
        self.updateWidget()

    def currentNodeActive(self) -> bool:
        """Tell whether the current node is the one into which points would be placed."""
        selection = self.selectionNode()
        if self._node is None or selection is None or self._node.GetID() is None:
            return False
        return (
            self._logic().GetActiveListID() == self._node.GetID()
            and selection.GetActivePlaceNodeClassName() == self._node.GetClassName()
        )

    def setCurrentNodeActive(self, active: bool) -> None:
        """Make the current node the one into which points are placed, or no node."""
        interaction = self.interactionNode()
        if interaction is None or self.currentNodeActive() == active:
            return
        self._logic().SetActiveList(self._node if active else None)
        if not active:
            interaction.SetCurrentInteractionMode(interaction.ViewTransform)

    def placeModeEnabled(self) -> bool:
        """Tell whether points are placed into the current node."""
        interaction = self.interactionNode()
        return self.currentNodeActive() and interaction.GetCurrentInteractionMode() == interaction.Place

    def setPlaceModeEnabled(self, enabled: bool) -> None:
        """Begin or end placing points into the current node."""
        interaction = self.interactionNode()
        if interaction is None or self._node is None:
            self.updateWidget()
            return
        if enabled:
            if not self.currentNodeActive():
                self._logic().SetActiveList(self._node)
            if self._multiple == PlaceMultipleMarkupsType.ForcePlaceSingleMarkup:
                self.setPlaceModePersistency(False)
            elif self._multiple == PlaceMultipleMarkupsType.ForcePlaceMultipleMarkups:
                self.setPlaceModePersistency(True)
            interaction.SetCurrentInteractionMode(interaction.Place)
        else:
            interaction.SetCurrentInteractionMode(interaction.ViewTransform)
        self.updateWidget()

    def placeModePersistency(self) -> bool:
        """Tell whether one point is placed after another."""
        interaction = self.interactionNode()
        return interaction is not None and interaction.GetPlaceModePersistence() == 1

    def setPlaceModePersistency(self, persistent: bool) -> None:
        """Set whether one point is placed after another."""
        interaction = self.interactionNode()
        if interaction is not None:
            interaction.SetPlaceModePersistence(int(persistent))

    def placeMultipleMarkups(self) -> PlaceMultipleMarkupsType:
        """Return whether the user may choose to place one point after another."""
        return self._multiple

    def setPlaceMultipleMarkups(self, kind: Any) -> None:
        """Set whether the user may choose to place one point after another."""
        self._multiple = PlaceMultipleMarkupsType(int(kind))

    def placeButton(self) -> QtWidgets.QToolButton:
        """Return the button that is down while points are placed."""
        return self._place

    def deleteButton(self) -> QtWidgets.QToolButton:
        """Return the button that deletes the last point."""
        return self._delete

    def buttonsVisible(self) -> bool:
        """Tell whether the buttons are shown."""
        return self._buttons_shown

    def setButtonsVisible(self, shown: bool) -> None:
        """Show or hide the buttons."""
        self._buttons_shown = shown
        for widget in (self._color, self._place, self._delete):
            widget.setVisible(shown)

    def deleteLastPoint(self) -> None:
        """Delete the point that was placed last."""
        if self._node is not None and self._node.GetNumberOfControlPoints() > 0:
            self._node.RemoveNthControlPoint(self._node.GetNumberOfControlPoints() - 1)

    deleteLastMarkup = deleteLastPoint

    def deleteAllPoints(self) -> None:
        """Delete all points."""
        if self._node is not None:
            self._node.RemoveAllControlPoints()

    deleteAllMarkups = deleteAllPoints

    def defaultNodeColor(self) -> QtGui.QColor:
        """Return the colour that is shown without a node."""
        return self._default_color

    def setDefaultNodeColor(self, color: QtGui.QColor) -> None:
        """Set the colour that is shown without a node."""
        self._default_color = color
        self.updateWidget()

    def nodeColor(self) -> QtGui.QColor:
        """Return the colour of the points."""
        return self._color.color()

    def setNodeColor(self, color: QtGui.QColor) -> None:
        """Set the colour of the points."""
        display = self._node.GetDisplayNode() if self._node is not None else None
        if display is not None:
            display.SetSelectedColor(*color.getRgbF()[:3])

    def updateWidget(self) -> None:
        """Show what the nodes say, and say when placing began or ended."""
        usable = self._node is not None and self.interactionNode() is not None
        self._color.setEnabled(usable)
        self._place.setEnabled(usable)
        self._delete.setEnabled(usable and self._node.GetNumberOfControlPoints() > 0)
        blocked = self._color.blockSignals(True)
        display = self._node.GetDisplayNode() if self._node is not None else None
        shown = QtGui.QColor.fromRgbF(*display.GetSelectedColor()) if display is not None else self._default_color
        self._color.setColor(shown)
        self._color.blockSignals(blocked)
        enabled = usable and self.placeModeEnabled()
        blocked = self._place.blockSignals(True)
        self._place.setChecked(enabled)
        self._place.blockSignals(blocked)
        if enabled != self._said:
            self._said = enabled
            self.activeMarkupsFiducialPlaceModeChanged.emit(enabled)
            self.activeMarkupsPlaceModeChanged.emit(enabled)
