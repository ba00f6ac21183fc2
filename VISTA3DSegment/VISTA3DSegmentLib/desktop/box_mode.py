"""The host's mode in which the mouse places markups, for a box: on until both corners are placed, or it is stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer

from ..scene.boxes import NODE_CLASS
from ..scene.events import Observers
from ..workspace.asking import Asking


class BoxMode:
    """See the module.

    Args:
        interaction_node: vtkMRMLInteractionNode of the application.
        selection_node: vtkMRMLSelectionNode of the application.
        asking: who gives the box to be drawn, and takes it.
        changed: called when the mouse may have begun or ended to draw; ``settle`` is to be called soon.
    """

    def __init__(self, interaction_node: Any, selection_node: Any, asking: Asking, changed: Callable[[], None]) -> None:
        self._interaction, self._selection, self._asking = interaction_node, selection_node, asking
        self._node_id: str | None = None
        self._before: tuple[str | None, str | None] = None, None
        self._observers = Observers()
        event = slicer.vtkMRMLInteractionNode.InteractionModeChangedEvent
        self._observers.add(interaction_node, event, changed)

    @property
    def on(self) -> bool:
        """The next click in a view is a corner of our box."""
        placing = self._interaction.GetCurrentInteractionMode() == self._interaction.Place
        return placing and self._node_id is not None and self._selection.GetActivePlaceNodeID() == self._node_id

    def start(self) -> None:
        """From now on the mouse draws a box.

        Raises:
            SegmentationError: no engine can be asked now.
        """
        self.stop()
        self._before = self._selection.GetActivePlaceNodeClassName(), self._selection.GetActivePlaceNodeID()
        self._node_id = self._asking.draw_box().GetID()
        self._selection.SetReferenceActivePlaceNodeClassName(NODE_CLASS)
        self._selection.SetActivePlaceNodeID(self._node_id)
        self._interaction.SetPlaceModePersistence(0)
        self._interaction.SetCurrentInteractionMode(self._interaction.Place)

    def stop(self) -> None:
        """The mouse is what it was; a box of which a corner is missing is given up."""
        if self.on:
            self._interaction.SetCurrentInteractionMode(self._interaction.ViewTransform)
        self.settle()

    def settle(self) -> None:
        """If the mouse draws no more, by whatever has ended it, leave nothing behind.

        A box of which both corners are there is to be taken before (``Workspace.pump``).
        """
        if self._node_id is None or self.on:
            return
        node_id, self._node_id = self._node_id, None
        self._asking.stop_drawing()
        if self._selection.GetActivePlaceNodeID() in (None, "", node_id):
            class_name, before_id = self._before
            self._selection.SetReferenceActivePlaceNodeClassName(class_name or NODE_CLASS)
            self._selection.SetActivePlaceNodeID(before_id)

    def close(self) -> None:
        """Stop, and listen no more."""
        self.stop()
        self._observers.clear()
