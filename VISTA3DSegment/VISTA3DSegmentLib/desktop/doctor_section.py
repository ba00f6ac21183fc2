"""The doctor: what this computer has and what is missing, found out in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from ..doctor.checkup import check_up
from ..service.errand import Errand
from .ticker import Ticker


class DoctorSection:
    """See the module.

    Args:
        ui: widgets of the panel.
        python: the interpreter in which models run; None: this one.
        failed: called with an error.
    """

    def __init__(self, ui: Any, python: str | None, failed: Callable[[Exception], None]) -> None:
        self._ui, self._python, self._failed = ui, python, failed
        self._errand: Errand | None = None
        self._ticker = Ticker(self._tick, ui.VISTA3DSegment)
        ui.doctorButton.connect("clicked()", self.examine)
        ui.copyButton.connect("clicked()", self._copy)

    def examine(self) -> None:
        """Find out; it takes some seconds, since torch is imported there."""
        if self._errand is None:
            self._ui.doctorText.setPlainText(_("Looking..."))
            self._errand = Errand(check_up, python=self._python)
            self._ticker.wake()

    def close(self) -> None:
        """Break off."""
        self._ticker.stop()
        if self._errand is not None:
            self._errand.cancel()
            self._errand = None

    def _tick(self) -> bool:
        errand = self._errand
        if errand is None:
            return False
        for report in errand.poll():
            self._ui.doctorText.setPlainText(report)
        if errand.ended:
            self._errand = None
            if errand.error is not None:
                self._ui.doctorText.setPlainText(str(errand.error))
                self._failed(errand.error)
        return not errand.ended

    def _copy(self) -> None:
        qt.QApplication.clipboard().setText(self._ui.doctorText.plainText)
