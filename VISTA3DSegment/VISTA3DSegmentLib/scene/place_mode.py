"""The host's mode in which the mouse places points: on for one of the two lists of clicks, or off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import slicer
import vtk

from ..session.signals import Signal
from .events import Observers

POINT_CLASS = "vtkMRMLMarkupsFiducialNode"


class PlaceMode:
    """See the module.

    Args:
        interaction_node: vtkMRMLInteractionNode of the application.
        selection_node: vtkMRMLSelectionNode of the application.
        lists: the positive (True) and the negative one.
    """

    def __init__(self, interaction_node: Any, selection_node: Any, lists: Mapping[bool, Any]) -> None:
        self._interaction, self._selection, self._lists = interaction_node, selection_node, dict(lists)
        self.changed: Signal[bool | None] = Signal()
        self._before: tuple[str | None, str | None] = None, None
        self._started = self._changing = False
        self._told = self.sign
        self._observers = Observers()
        event = slicer.vtkMRMLInteractionNode.InteractionModeChangedEvent
        self._observers.add(interaction_node, event, self._look)
        self._observers.add(selection_node, vtk.vtkCommand.ModifiedEvent, self._look)

    @property
    def sign(self) -> bool | None:
        """What the next click in a view will be: True positive, False negative, None no click of ours."""
        if self._interaction.GetCurrentInteractionMode() != self._interaction.Place:
            return None
        active = self._selection.GetActivePlaceNodeID()
        return next((sign for sign, node in self._lists.items() if active and node.GetID() == active), None)

    def start(self, positive: bool) -> None:
        """From now on the mouse places points of one list, until it is stopped."""
        selection, interaction = self._selection, self._interaction
        if not self._started:
            self._before = selection.GetActivePlaceNodeClassName(), selection.GetActivePlaceNodeID()
        self._changing = True
        selection.SetReferenceActivePlaceNodeClassName(POINT_CLASS)
        selection.SetActivePlaceNodeID(self._lists[positive].GetID())
        interaction.SetPlaceModePersistence(1)
        interaction.SetCurrentInteractionMode(interaction.Place)
        self._changing, self._started = False, True
        self._look()

    def stop(self) -> None:
        """The mouse is what it was; if another tool has it meanwhile, it keeps it."""
        if self.sign is not None:
            self._interaction.SetPlaceModePersistence(0)
            self._interaction.SetCurrentInteractionMode(self._interaction.ViewTransform)
        self._started = False
        self._let_go()

    def _let_go(self) -> None:
        """A point that is placed later, by another tool, must not become a click: our lists are not the active one."""
        if self._selection.GetActivePlaceNodeID() in {node.GetID() for node in self._lists.values()}:
            class_name, node_id = self._before
            self._selection.SetReferenceActivePlaceNodeClassName(class_name or POINT_CLASS)
            self._selection.SetActivePlaceNodeID(node_id)

    def close(self) -> None:
        """Stop, and listen no more."""
        self.stop()
        self._observers.clear()

    def _look(self) -> None:
        if self._changing:
            return
        if self._started and self._interaction.GetCurrentInteractionMode() != self._interaction.Place:
            self._started = False  # the person has ended it, by the host's own button
        if not self._started:
            self._let_go()
        if self.sign is not self._told:
            self._told = self.sign
            self.changed.emit(self._told)
