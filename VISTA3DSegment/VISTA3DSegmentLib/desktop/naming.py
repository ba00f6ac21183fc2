"""The field in which a structure is named, with what can be named, and what is good to know of asking by name."""

from __future__ import annotations

from typing import Any

import qt

from ..workspace import guidance
from ..workspace.asking import Asking
from ..workspace.choices import Choice
from .widgets import show_text


class Naming:
    """See the module.

    Args:
        ui: widgets of the panel.
        asking: of the workspace.
    """

    def __init__(self, ui: Any, asking: Asking) -> None:
        self._ui, self._asking = ui, asking
        self._offered: list[Choice] | None = None
        self._titles: dict[str, str] = {}
        for widget in (ui.structureEdit, ui.findButton, ui.boxButton, ui.guidanceLabel):
            widget.setToolTip("\n".join((widget.toolTip, *guidance.ALL)).strip())
        ui.structureEdit.connect("textChanged(QString)", lambda _text: self._guide())

    @property
    def name(self) -> str:
        """What is typed; of another word for something that can be named, that."""
        typed = str(self._ui.structureEdit.text).strip()
        return self._titles.get(typed.casefold(), typed)

    def show(self) -> None:
        """Show what can be named now, and what is good to know."""
        suggestions = self._asking.suggestions()
        if suggestions != self._offered:
            self._offered = suggestions
            self._offer(suggestions)
        self._guide()

    def begin(self) -> None:
        """Let the person type."""
        self._ui.correctCollapsibleButton.collapsed = False
        self._ui.structureEdit.setFocus()
        self._ui.structureEdit.selectAll()

    def clear(self) -> None:
        """Empty the field; not at once, for the list that has completed a name writes it once more."""
        qt.QTimer.singleShot(0, lambda: self._ui.structureEdit.clear())

    def give_back(self, words: str) -> None:
        """Words that were refused stand in the field again, if the person has typed no others; after ``clear``."""
        qt.QTimer.singleShot(0, lambda: self._ui.structureEdit.text or self._ui.structureEdit.setText(words))

    def _guide(self) -> None:
        show_text(self._ui.guidanceLabel, self._asking.hint(self.name))

    def _offer(self, suggestions: list[Choice]) -> None:
        titles = {choice.title: choice.title for choice in suggestions}
        synonyms = {word: choice.title for choice in suggestions for word in choice.subtitle.split(", ") if word}
        offered = titles | {word: title for word, title in synonyms.items() if word not in titles}
        self._titles = {word.casefold(): title for word, title in offered.items()}
        completer = qt.QCompleter(list(offered), self._ui.structureEdit)
        completer.setCaseSensitivity(qt.Qt.CaseInsensitive)
        completer.setFilterMode(qt.Qt.MatchContains)
        self._ui.structureEdit.setCompleter(completer)
