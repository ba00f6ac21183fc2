"""The prompts of the chosen segment, as a list: its text, its box, its clicks; to go to one, flip it or delete it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from slicer.i18n import tr as _

from ..prompts import Ras
from ..session.listing import PromptLine
from .widgets import enable, fill


class PromptList:
    """See the module.

    Args:
        ui: widgets of the panel.
        go_to: called with the position of the prompt that the person has chosen, if it has one.
        flip: called with the id of a click.
        delete: called with the id of a line.
    """

    def __init__(
        self, ui: Any, go_to: Callable[[Ras], None], flip: Callable[[str], None], delete: Callable[[str], None]
    ) -> None:
        self._ui, self._go_to = ui, go_to
        self._lines: tuple[PromptLine, ...] = ()
        ui.promptList.connect("currentRowChanged(int)", self._chosen)
        ui.flipButton.connect("clicked()", lambda: self._with_chosen(flip))
        ui.deletePromptButton.connect("clicked()", lambda: self._with_chosen(delete))
        self.show(())

    def show(self, lines: Sequence[PromptLine]) -> None:
        """Show prompts; the one that was chosen stays chosen."""
        chosen = self._current
        if tuple(lines) != self._lines:
            self._lines = tuple(lines)
            fill(self._ui.promptList, [line.words for line in lines])
            row = next((row for row, line in enumerate(lines) if chosen and line.id == chosen.id), -1)
            was = self._ui.promptList.blockSignals(True)
            self._ui.promptList.setCurrentRow(row)
            self._ui.promptList.blockSignals(was)
        self._update()

    @property
    def _current(self) -> PromptLine | None:
        row = self._ui.promptList.currentRow
        return self._lines[row] if 0 <= row < len(self._lines) else None

    def _chosen(self, _row: int) -> None:
        self._update()
        if self._current is not None and self._current.ras is not None:
            self._go_to(self._current.ras)

    def _with_chosen(self, action: Callable[[str], None]) -> None:
        if self._current is not None:
            action(self._current.id)

    def _update(self) -> None:
        line = self._current
        why_not = "" if line is not None else _("Choose a line of the list first.")
        enable(self._ui.deletePromptButton, why_not)
        sign = "" if line is None or line.kind in ("positive", "negative") else _("Only a click can be flipped.")
        enable(self._ui.flipButton, why_not or sign)
