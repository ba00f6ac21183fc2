"""Boxes as regions of interest of a scene: one for each object that has a box.

What a person does to a region becomes calls of a ``Listener``; what the annotation says becomes regions. They lie under
the transform of the volume and are saved with the scene, each with the id of its object.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import slicer
import vtk

from ..prompts import Box
from .events import Observers
from .nodes import Rgb, box_of, nodes_of, remove_with_display, told_once
from .volumes import matrix_of, to_world

MARKUPS = slicer.vtkMRMLMarkupsNode
NODE_CLASS = "vtkMRMLMarkupsROINode"
OBJECT, SEGMENTATION = "VISTA3DSegment.object", "VISTA3DSegment.segmentation"
SAME_PLACE_MM = 1e-3
"""A region keeps its corners in single precision: one that moved by less has not moved."""
HANDLE_SCALE = 1.5
"""Of the handles, half of what the host takes: nine discs, 16 pixels wide in a page, hide what a small box holds."""
QUIET_SECONDS = 0.4
"""The host tells when the mouse takes a region's handle up and lets it go; of what else moves a region, changes belong
together until none came for so long."""


class Listener(Protocol):
    """Who is told what the person did to the regions. Boxes are RAS of the world, in mm."""

    def box_moved(self, object_id: str, box: Box, dragging: bool) -> None:
        """The region of an object is elsewhere, or of another size; while dragging more will follow."""
        ...

    def box_removed(self, object_id: str) -> None:
        """The region of an object is gone."""
        ...

    def box_drawn(self, box: Box) -> None:
        """The person has drawn a new region (see ``Boxes.draw``)."""
        ...


class Boxes:
    """The regions of one segmentation; those that the scene holds already are known by their objects' ids.

    Args:
        scene: vtkMRMLScene.
        listener: who is told.
        segmentation_node: whose objects have them.
        transform_id: id of the transform node under which new ones are put, or None.
        clock: seconds.
        stir: called when ``pump`` has something to do soon.
    """

    def __init__(
        self,
        scene: Any,
        listener: Listener,
        segmentation_node: Any,
        transform_id: str | None,
        clock: Callable[[], float],
        stir: Callable[[], None],
    ) -> None:
        self._scene, self._listener, self._clock, self._stir = scene, listener, clock, stir
        self._segmentation_node, self._transform_id = segmentation_node, transform_id
        self._nodes: dict[str, Any] = {}
        self._known: dict[str, Box | None] = {}
        self._moved_at: dict[str, float] = {}
        self._held: str | None = None
        self._observed: dict[str, Observers] = {}
        self._drawn: Any | None = None
        self._drawing = Observers()
        self._removed: Any | None = None
        self._quiet = False
        self._scene_observers = Observers()
        self._scene_observers.add_with_object(scene, slicer.vtkMRMLScene.NodeRemovedEvent, self._node_removed)
        for node in nodes_of(scene, NODE_CLASS):
            object_id = node.GetAttribute(OBJECT)
            if object_id and node.GetNodeReference(SEGMENTATION) is segmentation_node:
                self._bind(object_id, node)

    def close(self) -> None:
        """Listen no more; the regions stay, except one that is only just being drawn."""
        self._scene_observers.clear()
        for observers in self._observed.values():
            observers.clear()
        self._stop_drawing()

    @property
    def dragging(self) -> bool:
        """The person holds a region, and has moved it."""
        return self._held in self._moved_at

    @property
    def hovered(self) -> bool:
        """A region, or a handle of one, is under the mouse, and shown as such."""
        return any(node.GetDisplayNode().GetActiveComponentType() for node in self._nodes.values())

    @property
    def nodes(self) -> dict[str, Any]:
        """vtkMRMLMarkupsROINode by object id."""
        return dict(self._nodes)

    def box(self, object_id: str) -> Box | None:
        """Where the region of an object is; None: it has none, or a flat one."""
        return box_of(self._nodes[object_id]) if object_id in self._nodes else None

    def show(self, object_id: str, box: Box, name: str, color: Rgb, locked: bool = False) -> None:
        """Make sure that an object has its region, in the right place."""
        quiet, self._quiet = self._quiet, True
        try:
            if object_id not in self._nodes:
                self._bind(object_id, self._new())
            node = self._nodes[object_id]
            if _apart(box_of(node), box):
                _place(node, box)
            node.SetName(f"{name} box")
            node.SetLocked(locked)
            for paint in (node.GetDisplayNode().SetColor, node.GetDisplayNode().SetSelectedColor):
                paint(*color)
            self._known[object_id] = box_of(node)
        finally:
            self._quiet = quiet

    def hide(self, object_id: str) -> None:
        """Take away the region of an object, if there is one."""
        node = self._forget(object_id)
        if node is not None:
            self._removed = node  # it may be about itself that it was telling: it lives on until the next one goes
            remove_with_display(node)

    def draw(self) -> Any:
        """A region without a place, for the host's mode in which the mouse places markups.

        When the person has drawn it the listener is told its box, and the node goes away.
        """
        self._stop_drawing()
        node = self._drawn = self._new()
        for event in (vtk.vtkCommand.ModifiedEvent, MARKUPS.PointPositionDefinedEvent):
            self._drawing.add(node, event, self._look_at_drawing)
        return node

    @property
    def waiting(self) -> bool:
        """``pump`` has something to do."""
        return bool(self._moved_at) or self._drawn_box() is not None

    def pump(self) -> None:
        """Tell of regions that have come to rest, and of one that was drawn."""
        now = self._clock()
        for object_id, moved in tuple(self._moved_at.items()):
            if object_id != self._held and now - moved >= QUIET_SECONDS:
                self._let_go(object_id)
        box = self._drawn_box()
        if box is not None:
            self._stop_drawing()
            self._listener.box_drawn(box)

    # ------------------------------------------------------------------ inside

    def _new(self) -> Any:
        node = self._scene.AddNewNodeByClass(NODE_CLASS, "Box")
        node.SetHideFromEditors(True)  # it is the annotation's, and in no list of the person's own regions
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetPointLabelsVisibility(False)
        display.SetPropertiesLabelVisibility(False)
        display.SetFillOpacity(0.0)
        display.SetHandlesInteractive(True)
        display.SetRotationHandleVisibility(False)  # a box lies along the axes of the world
        display.SetInteractionHandleScale(HANDLE_SCALE)
        display.SetVisibility3D(False)  # there its handles, as large as in slices, hide the surface that it is about
        node.SetAndObserveTransformNodeID(self._transform_id)
        return node

    def _bind(self, object_id: str, node: Any) -> None:
        node.SetAttribute(OBJECT, object_id)
        node.SetNodeReferenceID(SEGMENTATION, self._segmentation_node.GetID())
        self._nodes[object_id], self._known[object_id] = node, box_of(node)
        observers = self._observed[object_id] = Observers()
        moved = slicer.vtkMRMLTransformableNode.TransformModifiedEvent
        for event in (vtk.vtkCommand.ModifiedEvent, MARKUPS.PointModifiedEvent, moved):
            observers.add(node, event, lambda: self._look_at(object_id))
        observers.add(node, MARKUPS.PointStartInteractionEvent, lambda: self._take_up(object_id))
        observers.add(node, MARKUPS.PointEndInteractionEvent, lambda: self._let_go(object_id))

    def _forget(self, object_id: str) -> Any | None:
        if object_id in self._observed:
            self._observed.pop(object_id).clear()
        self._known.pop(object_id, None)
        self._moved_at.pop(object_id, None)
        self._held = None if self._held == object_id else self._held
        return self._nodes.pop(object_id, None)

    def _look_at(self, object_id: str) -> None:
        box = self.box(object_id)
        if self._quiet or box is None or not _apart(self._known[object_id], box):
            return
        self._known[object_id] = box
        self._moved_at[object_id] = self._clock()
        self._listener.box_moved(object_id, box, True)

    def _take_up(self, object_id: str) -> None:
        self._held = object_id

    def _let_go(self, object_id: str) -> None:
        self._held, box = None, self.box(object_id)
        if self._moved_at.pop(object_id, None) is not None and box is not None:
            self._listener.box_moved(object_id, box, False)

    def _node_removed(self, node: Any) -> None:
        if node is self._drawn:
            self._drawing.clear()
            self._drawn = None
        for object_id in [known for known, mine in self._nodes.items() if mine is node]:
            self._forget(object_id)
            self._listener.box_removed(object_id)

    def _look_at_drawing(self) -> None:
        if self._drawn_box() is not None:
            self._stir()  # a node that is just being placed must not go away yet

    def _drawn_box(self) -> Box | None:
        """Of two corners that place a region the host leaves one point when both are there."""
        node = self._drawn
        if node is None or node.GetNumberOfControlPoints() != 1 or node.GetNumberOfDefinedControlPoints() != 1:
            return None
        return box_of(node)

    def _stop_drawing(self) -> None:
        self._drawing.clear()
        node, self._drawn = self._drawn, None
        if node is not None:
            remove_with_display(node)


def _place(node: Any, box: Box) -> None:
    """Put a region along the axes of the world, whatever transform it lies under."""
    low, high = np.array(box.ras_min), np.array(box.ras_max)
    middle = np.eye(4)
    middle[:3, 3] = (low + high) / 2
    object_to_node = np.linalg.inv(to_world(node)) @ middle
    object_to_node[:3, :3] /= np.linalg.norm(object_to_node[:3, :3], axis=0)
    with told_once(node):
        node.SetAndObserveObjectToNodeMatrix(matrix_of(object_to_node))
        node.SetSizeWorld(*(high - low))


def _apart(a: Box | None, b: Box) -> bool:
    return a is None or bool(np.abs(np.subtract((a.ras_min, a.ras_max), (b.ras_min, b.ras_max))).max() > SAME_PLACE_MM)
