"""The mouse in slice views: a click where it goes down and up again is a click on the organ; a marker is the host's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from ..prompts import Ras
from ..scene.markups import PromptMarkups
from ..scene.volumes import array_of

CLICK_PIXELS = 4
"""A hand that trembles by less means a click, not a drag."""
MARKER_PIXELS = 12
"""So near to a marker the mouse means it."""
BEFORE_THE_HOST = 10.0
"""Priority of an observer: at the release of the button the host has not let go of a marker yet."""


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
        holds_marker: whether the host has a marker in its hand.
        clicked: called with the position (RAS of the world, mm), and whether ctrl was held.
    """

    def __init__(self, view: SliceView, holds_marker: Callable[[], bool], clicked: Callable[[Ras, bool], None]) -> None:
        self._view, self._holds_marker, self._clicked = view, holds_marker, clicked
        self._pressed_at: tuple[int, int] | None = None
        interactor = view.interactor()
        interactor.AddObserver("LeftButtonPressEvent", self._press, BEFORE_THE_HOST)
        interactor.AddObserver("LeftButtonReleaseEvent", self._release, BEFORE_THE_HOST)

    def _press(self, interactor: Any, _event: str) -> None:
        self._pressed_at = interactor.GetEventPosition()

    def _release(self, interactor: Any, _event: str) -> None:
        pressed_at, self._pressed_at = self._pressed_at, None
        at = interactor.GetEventPosition()
        if pressed_at is None or self._holds_marker():
            return
        if max(abs(a - b) for a, b in zip(at, pressed_at, strict=True)) <= CLICK_PIXELS:
            self._clicked(ras_of(self._view, at), bool(interactor.GetControlKey()))


def ras_of(view: SliceView, xy: tuple[int, int]) -> Ras:
    """Where in the world (RAS, mm) a pixel of a slice view is; pixels count from the lower left."""
    r, a, s, _ = array_of(view.get_view_node().GetXYToRAS()) @ (*xy, 0.0, 1.0)
    return float(r), float(a), float(s)


def marker_at(view: SliceView, xy: tuple[float, float], markups: PromptMarkups) -> str | None:
    """The id of the click whose marker is drawn at a pixel of a slice view, the nearest if there are several."""
    ras_to_xy = np.linalg.inv(array_of(view.get_view_node().GetXYToRAS()))
    clicks, positions = markups.clicks(), markups.positions()
    near: dict[str, float] = {}
    for point, click_id in clicks.items():
        if point in positions:
            x, y, slices, _ = ras_to_xy @ (*positions[point], 1.0)
            distance = float(np.hypot(x - xy[0], y - xy[1]))
            if distance <= MARKER_PIXELS and abs(slices) <= 0.5:
                near[click_id] = distance
    return min(near, key=lambda click_id: near[click_id]) if near else None
