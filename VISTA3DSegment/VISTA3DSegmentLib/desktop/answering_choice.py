"""Which system answers clicks, and which texts and boxes: a choice of this computer's, as the models are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..workspace.asking import ENGINES, Asking
from .engine_choice import GROUP
from .widgets import fill


class AnsweringChoice:
    """See the module.

    Args:
        ui: widgets of the panel.
        settings: QSettings of the application.
        asking: who is told.
        changed: called when the person has chosen another one.
    """

    def __init__(self, ui: Any, settings: Any, asking: Asking, changed: Callable[[], None]) -> None:
        self._settings, self._asking, self._changed = settings, asking, changed
        self._selectors = {"clicksBy": ui.clicksBySelector, "wordsBy": ui.textsBySelector}
        names = [engine.value for engine in ENGINES]
        for (key, selector), usual in zip(self._selectors.items(), (asking.clicks, asking.words), strict=True):
            chosen = str(settings.value(f"{GROUP}/{key}", usual))
            fill(selector, [engine.title for engine in ENGINES])
            selector.setCurrentIndex(names.index(chosen if chosen in names else usual))
            selector.connect("activated(int)", lambda _row: self._choose())
        self._tell()

    def _choose(self) -> None:
        self._tell()
        self._settings.setValue(f"{GROUP}/clicksBy", self._asking.clicks)
        self._settings.setValue(f"{GROUP}/wordsBy", self._asking.words)
        self._changed()

    def _tell(self) -> None:
        clicks, words = (ENGINES[selector.currentIndex].value for selector in self._selectors.values())
        self._asking.answer_with(clicks, words)
