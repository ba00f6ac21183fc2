"""The clicks of the chosen segment, as a list: to go to one, flip it or delete it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from slicer.i18n import tr as _

from ..prompts import Ras
from ..session.annotation import PlacedClick
from .widgets import enable, fill


class ClickList:
    """See the module.

    Args:
        ui: widgets of the panel.
        go_to: called with the position of the click that the person has chosen.
        flip: called with the id of a click.
        delete: likewise.
    """

    def __init__(
        self, ui: Any, go_to: Callable[[Ras], None], flip: Callable[[str], None], delete: Callable[[str], None]
    ) -> None:
        self._ui, self._go_to = ui, go_to
        self._clicks: tuple[PlacedClick, ...] = ()
        ui.clickList.connect("currentRowChanged(int)", self._chosen)
        ui.flipButton.connect("clicked()", lambda: self._with_chosen(flip))
        ui.deleteClickButton.connect("clicked()", lambda: self._with_chosen(delete))
        self.show(())

    def show(self, clicks: Sequence[PlacedClick]) -> None:
        """Show clicks; the one that was chosen stays chosen."""
        chosen = self._current
        if tuple(clicks) != self._clicks:
            self._clicks = tuple(clicks)
            fill(self._ui.clickList, [_line(placed) for placed in clicks])
            row = next((row for row, placed in enumerate(clicks) if chosen and placed.id == chosen.id), -1)
            was = self._ui.clickList.blockSignals(True)
            self._ui.clickList.setCurrentRow(row)
            self._ui.clickList.blockSignals(was)
        self._update()

    @property
    def _current(self) -> PlacedClick | None:
        row = self._ui.clickList.currentRow
        return self._clicks[row] if 0 <= row < len(self._clicks) else None

    def _chosen(self, _row: int) -> None:
        self._update()
        if self._current is not None:
            self._go_to(self._current.click.ras)

    def _with_chosen(self, action: Callable[[str], None]) -> None:
        if self._current is not None:
            action(self._current.id)

    def _update(self) -> None:
        why_not = "" if self._current is not None else _("Choose a click in the list first.")
        enable(self._ui.flipButton, why_not)
        enable(self._ui.deleteClickButton, why_not)


def _line(placed: PlacedClick) -> str:
    r, a, s = placed.click.ras
    sides = [("R" if r >= 0 else "L", r), ("A" if a >= 0 else "P", a), ("S" if s >= 0 else "I", s)]
    sign = "+" if placed.click.positive else "\N{MINUS SIGN}"
    return f"{sign}  " + "  ".join(f"{side} {abs(mm):.1f}" for side, mm in sides) + " mm"
