"""The models of one system in a combo box: which of them is shown, and which are not on this computer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slicer.i18n import tr as _

from ..engines import DEFAULT_WEIGHTS
from ..models.registry import SYSTEMS, System
from ..models.store import ListedModel
from .widgets import fill


class ModelSelector:
    """See the module.

    Args:
        selector: ctkComboBox.
        system: whose models.
    """

    def __init__(self, selector: Any, system: System) -> None:
        self.selector, self._system = selector, system
        self._listed: tuple[ListedModel, ...] = ()

    @property
    def usual(self) -> str:
        """The name of the model that comes with the module."""
        return DEFAULT_WEIGHTS[self._system]

    def list(self, models: Sequence[ListedModel], used: str) -> None:
        """List those that are of the system, or of which nothing says; what was shown stays so.

        Args:
            models: all that there are.
            used: the name of the one that is used.
        """
        shown = self.shown
        self._listed = tuple(model for model in models if model.system in ("", SYSTEMS[self._system]))
        away = _("{name} (not here)")
        fill(self.selector, [model.name if model.path else away.format(name=model.name) for model in self._listed])
        if not (shown is not None and self.select(shown.name)):
            self.select(used)

    def is_here(self, name: str) -> bool:
        """Whether a model of that name is on this computer."""
        return any(model.name == name and model.path is not None for model in self._listed)

    @property
    def shown(self) -> ListedModel | None:
        """The model that the box shows."""
        row = self.selector.currentIndex
        return self._listed[row] if 0 <= row < min(len(self._listed), self.selector.count) else None

    @property
    def usable(self) -> str | None:
        """The name of the one that is shown, if it is on this computer."""
        return self.shown.name if self.shown is not None and self.shown.path is not None else None

    def select(self, name: str) -> bool:
        """Show a model; returns whether it is in the list."""
        names = [model.name for model in self._listed]
        if name in names:
            self.selector.setCurrentIndex(names.index(name))
        return name in names
