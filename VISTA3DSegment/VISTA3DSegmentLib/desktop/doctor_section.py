"""The doctor: what this computer has and what is missing, found out in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from ..doctor.checkup import tell_report
from ..errors import SegmentationError
from ..service.errand import Errand
from .waiting import Waiting


class DoctorSection:
    """See the module.

    Args:
        ui: widgets of the panel.
        python: the interpreter in which models run; None: this one.
        failed: called with an error.
    """

    def __init__(self, ui: Any, python: str | None, failed: Callable[[Exception], None]) -> None:
        self._ui, self._python, self._failed = ui, python, failed
        self._waiting = Waiting(ui.VISTA3DSegment, ui.doctorText.setPlainText, self._ended)
        ui.doctorButton.connect("clicked()", self.examine)
        ui.copyButton.connect("clicked()", self._copy)

    def examine(self) -> None:
        """Find out; it takes some seconds, since torch is imported there."""
        if not self._waiting.busy:
            self._ui.doctorText.setPlainText(_("Looking..."))
            self._waiting.wait_for(Errand(tell_report, python=self._python))

    def close(self) -> None:
        """Break off."""
        self._waiting.cancel()

    def _ended(self, error: SegmentationError | None) -> None:
        if error is not None:
            self._ui.doctorText.setPlainText(str(error))
            self._failed(error)

    def _copy(self) -> None:
        qt.QApplication.clipboard().setText(self._ui.doctorText.plainText)
