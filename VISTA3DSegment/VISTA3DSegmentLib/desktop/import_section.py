"""Reading segments from a file onto the scan that is open, so that clicks correct them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from ..errors import PromptError, SegmentationError
from ..service.errand import Errand
from ..service.reading_errand import Reading, ReadingOrder, read_onto
from ..volume import Volume
from ..workspace.workspace import Workspace
from .dicom_images import file_of, instances_of
from .waiting import Waiting
from .widgets import enable


class ImportSection:
    """See the module.

    Args:
        ui: widgets of the panel.
        python: the interpreter in which files are read; None: this one.
        workspace: what the person works on now.
        failed: called with an error.
        wake: called when there is something new to show.
    """

    def __init__(
        self,
        ui: Any,
        python: str | None,
        workspace: Callable[[], Workspace],
        failed: Callable[[Exception], None],
        wake: Callable[[], None],
    ) -> None:
        self._ui, self._python, self._workspace, self._failed, self._wake = ui, python, workspace, failed, wake
        self._volume: Volume | None = None
        self._reading: Reading | None = None
        self._waiting = Waiting(ui.VISTA3DSegment, self._told, self._ended)
        ui.importButton.connect("clicked()", self._ask)

    def show(self) -> None:
        """Show whether something can be read."""
        closed = "" if self._workspace().volume is not None else _("Open a scan first.")
        enable(self._ui.importButton, closed or (_("A file is being read.") if self._waiting.busy else ""))

    def close(self) -> None:
        """Break off."""
        self._waiting.cancel()
        self._reading = None

    def _ask(self) -> None:
        chosen = qt.QFileDialog.getOpenFileName(
            self._ui.VISTA3DSegment,
            _("Segments"),
            "",
            _("Segments (*.dcm *.seg.nrrd *.nrrd *.nii *.nii.gz *.mha)") + ";;" + _("All files (*)"),
        )
        workspace = self._workspace()
        volume = workspace.volume
        if not chosen or volume is None or self._waiting.busy:
            return
        images = instances_of(workspace.annotator.volume_node)
        image = file_of(images[0]) if images else None
        order = ReadingOrder(Path(chosen), volume.shape_kji, volume.ijk_to_ras, image)
        self._volume, self._reading = volume, Reading(order)
        self._waiting.wait_for(Errand(read_onto, order, python=self._python))
        self._wake()

    def _told(self, line: str) -> None:
        if self._reading is not None:
            self._reading.take(line)

    def _ended(self, error: SegmentationError | None) -> None:
        reading, self._reading = self._reading, None
        try:
            if error is not None:
                raise error
            if reading is not None:
                self._add(reading)
        except Exception as reason:
            self._failed(reason)
        finally:
            self._wake()

    def _add(self, reading: Reading) -> None:
        workspace = self._workspace()
        if workspace.volume is not self._volume:
            raise PromptError(_("Another scan was opened meanwhile."), _("Read the file again, onto its own scan."))
        workspace.add(reading.segmentation)
