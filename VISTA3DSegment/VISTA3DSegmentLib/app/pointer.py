"""Where the mouse is in the slice views."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..prompts import Ras
from ..scene.events import BEFORE_THE_HOST
from ..scene.picking import ras_of
from .click_tool import SliceView


class Pointer:
    """Follows the mouse over slice views.

    Args:
        views: by name.
    """

    def __init__(self, views: Mapping[str, SliceView]) -> None:
        self._views = views
        self._at: tuple[str, tuple[int, int]] | None = None
        for name, view in views.items():
            view.interactor().AddObserver("MouseMoveEvent", partial(self._move, name), BEFORE_THE_HOST)

    def _move(self, name: str, interactor: Any, _event: str) -> None:
        self._at = name, interactor.GetEventPosition()

    @property
    def place(self) -> tuple[str, Ras] | None:
        """The name of the view and the position (RAS of the world, mm) that the mouse was over last; it may have left
        the view since. None: it was over none yet."""
        if self._at is None:
            return None
        name, at = self._at
        return name, ras_of(self._views[name].get_view_node(), at)
