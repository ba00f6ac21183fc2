"""The mouse in slice views: a click where it goes down and up again is a click on the organ, a drag changes the grey
values; a marker is the host's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ..prompts import Ras
from ..scene.events import BEFORE_THE_HOST
from ..scene.picking import ras_of

CLICK_PIXELS = 4
"""A hand that trembles by less means a click, not a drag."""


class SliceView(Protocol):
    """What of trame-slicer's slice view is needed."""

    def interactor(self) -> Any:
        """vtkRenderWindowInteractor."""
        ...

    def get_view_node(self) -> Any:
        """vtkMRMLSliceNode."""
        ...


class ClickTool:
    """Listens to the mouse of one slice view.

    Args:
        view: slice view.
        is_taken: whether the mouse is the host's: it has a marker in its hand, has moved a box, or draws one.
        is_over_box: whether a box is under the mouse, so that a drag is meant for it. A click there is one on the
            organ: the handles of a small box cover all of it.
        clicked: called with the position (RAS of the world, mm), and whether ctrl was held.
        dragged: called with how far the mouse has gone since the last call, to the right and up, in pixels; not with
            ctrl or shift, which are the host's.
    """

    def __init__(
        self,
        view: SliceView,
        is_taken: Callable[[], bool],
        is_over_box: Callable[[], bool],
        clicked: Callable[[Ras, bool], None],
        dragged: Callable[[int, int], None],
    ) -> None:
        self._view, self._is_taken, self._is_over_box = view, is_taken, is_over_box
        self._clicked, self._dragged = clicked, dragged
        self._may_drag = False
        self._pressed_at: tuple[int, int] | None = None
        self._dragged_to: tuple[int, int] | None = None
        interactor = view.interactor()
        interactor.AddObserver("LeftButtonPressEvent", self._press, BEFORE_THE_HOST)
        interactor.AddObserver("MouseMoveEvent", self._move, BEFORE_THE_HOST)
        interactor.AddObserver("LeftButtonReleaseEvent", self._release, BEFORE_THE_HOST)

    def _press(self, interactor: Any, _event: str) -> None:
        self._pressed_at = None if self._is_taken() else interactor.GetEventPosition()
        self._dragged_to = None
        self._may_drag = not (self._is_over_box() or interactor.GetControlKey() or interactor.GetShiftKey())

    def _move(self, interactor: Any, _event: str) -> None:
        if self._pressed_at is None or not self._may_drag or self._is_taken():
            return
        at = interactor.GetEventPosition()
        if self._dragged_to is None and is_near(at, self._pressed_at):
            return
        before, self._dragged_to = self._dragged_to or self._pressed_at, at
        self._dragged(at[0] - before[0], at[1] - before[1])

    def _release(self, interactor: Any, _event: str) -> None:
        pressed_at, self._pressed_at = self._pressed_at, None
        at = interactor.GetEventPosition()
        if pressed_at is None or self._dragged_to is not None or self._is_taken():
            return
        if is_near(at, pressed_at):
            self._clicked(ras_of(self._view.get_view_node(), at), bool(interactor.GetControlKey()))


def is_near(at: tuple[int, int], pressed_at: tuple[int, int]) -> bool:
    """Whether a mouse that was pressed at one pixel and is at another has only trembled."""
    return max(abs(a - b) for a, b in zip(at, pressed_at, strict=True)) <= CLICK_PIXELS
