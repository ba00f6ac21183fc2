"""The mouse in slice views while a box is drawn: two clicks are the host's way, a drag from corner to corner ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..scene.events import BEFORE_THE_HOST
from ..scene.picking import ras_of
from .click_tool import SliceView, is_near


class BoxTool:
    """Listens to the mouse of one slice view.

    The host shows the box from its first corner to the mouse, whoever has placed that corner.

    Args:
        view: slice view.
        drawn: the vtkMRMLMarkupsROINode that is being drawn; None: none is.
    """

    def __init__(self, view: SliceView, drawn: Callable[[], Any | None]) -> None:
        self._view, self._drawn = view, drawn
        self._pressed_at: tuple[int, int] | None = None
        self._dragged: Any | None = None
        interactor = view.interactor()
        interactor.AddObserver("LeftButtonPressEvent", self._press, BEFORE_THE_HOST)
        interactor.AddObserver("MouseMoveEvent", self._move, BEFORE_THE_HOST)
        interactor.AddObserver("LeftButtonReleaseEvent", self._release, BEFORE_THE_HOST)

    def _press(self, interactor: Any, _event: str) -> None:
        node = self._drawn()
        is_first = node is not None and node.GetNumberOfDefinedControlPoints() == 0
        self._pressed_at, self._dragged = interactor.GetEventPosition() if is_first else None, None

    def _move(self, interactor: Any, _event: str) -> None:
        pressed_at, node = self._pressed_at, self._drawn()
        if pressed_at is None or node is None or self._dragged is not None:
            return
        if not is_near(interactor.GetEventPosition(), pressed_at):
            self._dragged = node
            self._put(node, 0, pressed_at)

    def _release(self, interactor: Any, _event: str) -> None:
        node, self._dragged, self._pressed_at = self._dragged, None, None
        if node is not None and node is self._drawn():
            self._put(node, 1, interactor.GetEventPosition())

    def _put(self, node: Any, corner: int, at: tuple[int, int]) -> None:
        """Place a corner. Under the mouse the host may have put one already that is a preview only."""
        ras = ras_of(self._view.get_view_node(), at)
        if corner < node.GetNumberOfControlPoints():
            node.SetNthControlPointPositionWorld(corner, *ras)
        else:
            node.AddControlPointWorld(*ras)
