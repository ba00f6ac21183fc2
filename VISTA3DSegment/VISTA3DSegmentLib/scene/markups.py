"""Prompts as control points: two lists of a scene, positive and negative, whose points belong to objects.

What a person does to the points becomes calls of a ``Listener``; what the annotation says becomes points. Points are
known by their id, never by their number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import slicer

from ..prompts import Click, Ras
from .events import Observers

MARKUPS = slicer.vtkMRMLMarkupsNode
GREEN, RED = (0.1, 0.9, 0.2), (0.95, 0.15, 0.15)
NAMES = {True: "Positive clicks", False: "Negative clicks"}

SAME_PLACE_MM = 1e-4
"""A point that moved by less has not moved: files keep a few decimals."""


class Listener(Protocol):
    """Who is told what the person did to the points. Positions are RAS of the world, in mm."""

    def placed(self, point: Point, ras: Ras) -> None:
        """A new point."""
        ...

    def moved(self, click_id: str, ras: Ras, dragging: bool) -> None:
        """A point is elsewhere; while dragging more will follow."""
        ...

    def removed(self, click_id: str) -> None:
        """A point is gone."""
        ...


Point = tuple[bool, str]
"""A control point: whether it is in the positive list, and its id there."""


class PromptMarkups:
    """The two lists.

    Args:
        scene: vtkMRMLScene.
        listener: who is told.
        nodes: the lists (positive, negative) if the scene holds them already.
        transform_id: id of the transform node under which new lists are put, or None.
    """

    def __init__(
        self, scene: Any, listener: Listener, nodes: tuple[Any, Any] | None = None, transform_id: str | None = None
    ) -> None:
        self._listener = listener
        self.nodes: dict[bool, Any] = (
            {sign: _new_list(scene, sign, transform_id) for sign in (True, False)}
            if nodes is None
            else {True: nodes[0], False: nodes[1]}
        )
        self._clicks: dict[Point, str] = {}
        self._ras: dict[Point, Ras] = {}
        self._dragged: Point | None = None
        self._quiet = False
        self._observers = Observers()
        for sign, node in self.nodes.items():
            self._observe(sign, node)

    def close(self) -> None:
        """Listen no more; the lists stay."""
        self._observers.clear()

    @property
    def dragging(self) -> bool:
        """The person holds a point."""
        return self._dragged is not None

    def bind(self, point: Point, click_id: str) -> None:
        """From now on a point stands for a click."""
        self._clicks[point] = click_id
        ras = self._position(point)
        if ras is not None:
            self._ras[point] = ras

    def point_of(self, click_id: str) -> Point | None:
        """The point that stands for a click."""
        return next((point for point, known in self._clicks.items() if known == click_id), None)

    def show(self, click_id: str, click: Click, description: str) -> None:
        """Make sure that a click has a point in the right list and place."""
        point = self.point_of(click_id)
        if point is not None and point[0] != click.positive:
            self.hide(click_id)
            point = None
        quiet, self._quiet = self._quiet, True
        try:
            if point is None:
                node = self.nodes[click.positive]
                index = node.AddControlPointWorld(*click.ras)
                node.SetNthControlPointDescription(index, description)
                point = (click.positive, node.GetNthControlPointID(index))
                self._clicks[point] = click_id
            else:
                known = self._position(point)
                if known is None or _apart(known, click.ras):
                    node = self.nodes[point[0]]
                    node.SetNthControlPointPositionWorld(node.GetControlPointIndexByID(point[1]), *click.ras)
            self._ras[point] = click.ras
        finally:
            self._quiet = quiet

    def hide(self, click_id: str) -> None:
        """Take away the point of a click, if there is one."""
        point = self.point_of(click_id)
        if point is not None:
            self.drop(point)

    def drop(self, point: Point) -> None:
        """Take away a point, whether or not it stands for a click."""
        self._clicks.pop(point, None)
        self._ras.pop(point, None)
        if self._dragged == point:
            self._dragged = None
        quiet, self._quiet = self._quiet, True
        try:
            index = self.nodes[point[0]].GetControlPointIndexByID(point[1])
            if index >= 0:
                self.nodes[point[0]].RemoveNthControlPoint(index)
        finally:
            self._quiet = quiet

    def describe(self, point: Point, description: str) -> None:
        """Write at a point what it belongs to."""
        index = self.nodes[point[0]].GetControlPointIndexByID(point[1])
        self.nodes[point[0]].SetNthControlPointDescription(index, description)

    def strays(self) -> list[Point]:
        """Points that stand for no click."""
        return [point for point in self.positions() if point not in self._clicks]

    def clicks(self) -> Mapping[Point, str]:
        """Which click each point stands for."""
        return dict(self._clicks)

    def positions(self) -> dict[Point, Ras]:
        """Where every point is that was placed (RAS of the world, mm)."""
        return {point: ras for sign in self.nodes for point, ras in self._defined(sign)}

    def _observe(self, sign: bool, node: Any) -> None:
        for event in (
            MARKUPS.PointPositionDefinedEvent,
            MARKUPS.PointModifiedEvent,
            MARKUPS.PointRemovedEvent,
            MARKUPS.PointPositionUndefinedEvent,
        ):
            self._observers.add(node, event, lambda sign=sign: self._reconcile(sign))  # type: ignore[misc]
        self._observers.add_with_index(node, MARKUPS.PointStartInteractionEvent, lambda n: self._take_up(sign, n))
        self._observers.add(node, MARKUPS.PointEndInteractionEvent, self._let_go)

    def _take_up(self, sign: bool, index: int | None) -> None:
        if index is None:  # the host's mouse tells no number with the event
            index = self.nodes[sign].GetDisplayNode().GetActiveControlPoint()
        point = (sign, self.nodes[sign].GetNthControlPointID(index))
        self._dragged = point if point in self._clicks else None

    def _let_go(self) -> None:
        point, self._dragged = self._dragged, None
        ras = None if point is None else self._position(point)
        if point is not None and ras is not None:
            self._ras[point] = ras
            self._listener.moved(self._clicks[point], ras, False)

    def _reconcile(self, sign: bool) -> None:
        """Compare a list with what is known of it: one way to see every change, in whatever order it is told."""
        if self._quiet:
            return
        there = dict(self._defined(sign))
        for point in [point for point in self._clicks if point[0] == sign and point not in there]:
            click_id = self._clicks.pop(point)
            self._ras.pop(point, None)
            if self._dragged == point:
                self._dragged = None
            self._listener.removed(click_id)
        for point, ras in there.items():
            if self._position(point) is None:
                continue  # gone by what the one before brought about
            if point not in self._clicks:
                self._listener.placed(point, ras)
            elif point not in self._ras or _apart(ras, self._ras[point]):
                self._ras[point] = ras
                self._listener.moved(self._clicks[point], ras, self._dragged == point)

    def _defined(self, sign: bool) -> Iterator[tuple[Point, Ras]]:
        node = self.nodes[sign]
        for index in range(node.GetNumberOfControlPoints()):
            # The point under the mouse, not placed yet, is a preview and no click.
            if node.GetNthControlPointPositionStatus(index) == MARKUPS.PositionDefined:
                yield (sign, node.GetNthControlPointID(index)), _world(node, index)

    def _position(self, point: Point) -> Ras | None:
        node = self.nodes[point[0]]
        index = node.GetControlPointIndexByID(point[1])
        return _world(node, index) if index >= 0 else None


def _world(node: Any, index: int) -> Ras:
    ras = [0.0, 0.0, 0.0]
    node.GetNthControlPointPositionWorld(index, ras)
    return ras[0], ras[1], ras[2]


def _apart(a: Ras, b: Ras) -> bool:
    return bool(np.abs(np.subtract(a, b)).max() > SAME_PLACE_MM)


def _new_list(scene: Any, positive: bool, transform_id: str | None) -> Any:
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", NAMES[positive])
    node.SetHideFromEditors(True)  # they are the annotation's, and in no list of the person's own points
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    color = GREEN if positive else RED
    display.SetColor(*color)
    display.SetSelectedColor(*color)
    display.SetPointLabelsVisibility(False)
    display.SetPropertiesLabelVisibility(False)
    display.SetSnapMode(display.SnapModeUnconstrained)
    display.SetGlyphTypeFromString("Sphere3D" if positive else "ThickCross2D")
    node.SetAndObserveTransformNodeID(transform_id)
    return node
