"""Exporting and measuring: looked at and done in a process of its own, from a copy of the segments."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from ..errors import Cancelled, FileFormatError, PromptError
from ..export.formats import Form
from ..scene.earlier import segmentation_in
from ..scene.report_table import show_in_table
from ..service.child import COPY_SECONDS
from ..service.errand import Errand, Task
from ..service.export_errand import ExportOrder, export_parcel, measure_parcel
from ..service.parcel import Parcel
from ..workspace.workspace import Workspace
from .dicom_images import file_of
from .export_kinds import ExportKinds
from .ticker import Ticker
from .waiting import Waiting
from .widgets import enable, set_checked, show_text

FOLDER = "VISTA3DSegment/exportFolder"
"""Where the settings keep the one that was chosen last."""
ASKED, REFUSED = "asked", "refused"
"""Consequences of what is found, as the errand tells them."""


class ExportSection:
    """See the module.

    Args:
        ui: widgets of the panel.
        settings: QSettings of the application.
        python: the interpreter in which files are written; None: this one.
        workspace: what the person works on now.
        failed: called with an error.
    """

    def __init__(
        self,
        ui: Any,
        settings: Any,
        python: str | None,
        workspace: Callable[[], Workspace],
        failed: Callable[[Exception], None],
    ) -> None:
        self._ui, self._python, self._workspace, self._failed = ui, python, workspace, failed
        self._parcel: Parcel | None = None
        self._packing: Iterator[None] | None = None
        self._asked: tuple[str, ...] = ()
        self._sentences: list[str] = []
        self._cancelling, self._folder = False, Path()
        self._measured: Any = None
        self._waiting = Waiting(ui.VISTA3DSegment, self._told, self._ended)
        self._ticker = Ticker(self._pack, ui.VISTA3DSegment)
        self._kinds = ExportKinds(ui, settings, self._chosen)
        folder = str(settings.value(FOLDER) or "")
        ui.exportFolderButton.directory = folder if Path(folder).is_dir() and folder else str(Path.home())
        self._forget_found()
        show_text(ui.exportResultLabel, "")
        ui.exportWidget.setVisible(False)
        ui.exportEachCheckBox.connect("toggled(bool)", lambda _checked: self._chosen())
        ui.exportShownCheckBox.connect("toggled(bool)", lambda _checked: self._chosen())
        ui.exportAgreeCheckBox.connect("toggled(bool)", lambda _checked: self.show())
        ui.earlierSelector.connect("currentNodeChanged(vtkMRMLNode*)", lambda _node: self._chosen())
        ui.earlierSelector.connect("nodeAboutToBeRemoved(vtkMRMLNode*)", self._forget_earlier)
        ui.exportFolderButton.connect("directoryChanged(QString)", lambda path: settings.setValue(FOLDER, path))
        ui.exportButton.connect("clicked()", lambda: self._do(self._export))
        ui.measureButton.connect("clicked()", lambda: self._do(self._measure))
        ui.exportCancelButton.connect("clicked()", self._cancel)

    def show(self) -> None:
        """Show what can be chosen and done with what is open."""
        workspace = self._workspace()
        there = workspace.volume is not None
        self._kinds.offer(workspace.annotator.volume_node if there else None)
        closed = "" if there else _("Open a scan first.")
        busy = _("It is being done.") if self.busy else ""
        nothing = "" if self._kinds.chosen else _("Choose a kind of file.")
        unread = bool(self._asked) and not self._ui.exportAgreeCheckBox.checked
        itself = self._why_not_compared() if there else ""
        mistaken = itself if Form.REPORT in self._kinds.chosen else ""
        first = _("Read what was found first.") if unread else ""
        enable(self._ui.exportButton, closed or busy or nothing or mistaken or first)
        enable(self._ui.measureButton, closed or busy or itself)

    def close(self) -> None:
        """Break off."""
        self._packing = None
        self._ticker.stop()
        self._waiting.cancel()
        self._put_away()

    @property
    def busy(self) -> bool:
        """Something is exported or measured."""
        return self._packing is not None or self._waiting.busy

    def _chosen(self) -> None:
        """Something else is wanted: what was found before says nothing of it."""
        self._forget_found()
        self.show()

    def _forget_found(self) -> None:
        self._asked = ()
        show_text(self._ui.exportFoundLabel, "")
        set_checked(self._ui.exportAgreeCheckBox, False)
        self._ui.exportAgreeCheckBox.setVisible(False)

    def _why_not_compared(self) -> str:
        """Why what is chosen cannot be compared with; "" if it can, or nothing is."""
        chosen = self._ui.earlierSelector.currentNode()
        if chosen is None or chosen is not self._workspace().annotator.segmentation_node:
            return ""
        return str(_("Choose an earlier segmentation, not the one that is being made."))

    def _forget_earlier(self, node: Any) -> None:
        """The list of nodes would choose another one by itself."""
        if node is self._ui.earlierSelector.currentNode():
            self._ui.earlierSelector.setCurrentNode(None)

    # ------------------------------------------------------------------ doing

    def _export(self) -> None:
        folder = self._folder = Path(str(self._ui.exportFolderButton.directory))
        agreed = self._asked if self._ui.exportAgreeCheckBox.checked else ()
        each, forms = bool(self._ui.exportEachCheckBox.checked), self._kinds.chosen
        if not forms:
            raise PromptError(_("Nothing was chosen."), _("Choose a kind of file."))
        is_dicom, new_series = any(form.is_dicom for form in forms), self._kinds.new_series
        report = Form.REPORT in forms

        def order(images: tuple[Path, ...]) -> ExportOrder:
            return ExportOrder(forms, folder, images, agreed, each, new_series)

        self._begin(
            export_parcel,
            order,
            images=is_dicom and not new_series,
            voxels=report or (is_dicom and new_series),
            compared=report,
            folder=folder,
        )

    def _measure(self) -> None:
        self._begin(measure_parcel, lambda _images: None, images=False, voxels=True, compared=True, folder=None)
        self._measured = self._workspace().annotator.segmentation_node

    def _begin(
        self,
        task: Task,
        order: Callable[[tuple[Path, ...]], Any],
        *,
        images: bool,
        voxels: bool,
        compared: bool,
        folder: Path | None,
    ) -> None:
        """Start what was asked for, from the segments as they are now.

        Args:
            task: what the child does.
            order: makes its order of the files of the scan's images.
            images: whether these are needed.
            voxels: whether the scan is needed.
            compared: whether it compares with the earlier segmentation, if one is chosen.
            folder: that the child writes into, if it does.
        """
        if self.busy:
            return
        workspace = self._workspace()
        segmentation = workspace.segmentation_now(bool(self._ui.exportShownCheckBox.checked))
        volume = workspace.volume if voxels else None
        instances = self._kinds.instances if images else ()
        earlier = self._ui.earlierSelector.currentNode() if compared else None

        def packing() -> Iterator[None]:
            files = []
            for instance in instances:  # each is a question to a database
                files.append(file_of(instance))
                yield
            prior = None if earlier is None else (yield from segmentation_in(earlier))
            self._parcel = Parcel(order(_all_of(files)), segmentation, volume, prior)
            yield from self._parcel.fill()
            self._waiting.wait_for(Errand(task, self._parcel.label, python=self._python, folder=folder))

        self._sentences, self._cancelling, self._measured = [], False, None
        self._packing = packing()
        self._ticker.wake()
        self._ui.exportProgress.setMaximum(0)
        self._ui.exportWidget.setVisible(True)
        show_text(self._ui.exportResultLabel, "")
        self.show()

    def _pack(self) -> bool:
        """Go on packing for as long as nobody notices."""
        begun = time.monotonic()
        try:
            while self._packing is not None and time.monotonic() - begun < COPY_SECONDS:
                next(self._packing)
        except StopIteration:
            self._packing = None
        except Exception as error:
            self._packing = None
            self._ended(error)
        return self._packing is not None

    def _cancel(self) -> None:
        """Once: it stops where nothing is half-written. Twice, or before it has begun: at once."""
        if self._waiting.busy and not self._cancelling and self._parcel is not None:
            self._parcel.cancel()
            self._cancelling = True
        else:
            self.close()
            self._ended(Cancelled())

    # ------------------------------------------------------------------ hearing

    def _told(self, line: str) -> None:
        for what, told in json.loads(line).items():
            if what == "progress":
                self._ui.exportProgress.setMaximum(told[1])
                self._ui.exportProgress.setValue(told[0])
            elif what == "found":
                self._show_found(told)
            elif what == "rows":
                self._show_rows(told)
            elif what == "written" and told:
                written = _("Written into {folder}: {names}.")
                self._sentences.append(written.format(folder=self._folder, names=", ".join(told)))
                self._asked = ()  # it was agreed to for these files
            elif what == "stopped":
                self._sentences.append(_("Nothing was written."))
            elif what == "notices":
                self._sentences += told

    def _show_found(self, found: list[tuple[str, str]]) -> None:
        refused = any(consequence == REFUSED for consequence, _sentence in found)
        # What is refused is not asked: the person mends it, and presses Export again.
        asked = () if refused else tuple(sentence for consequence, sentence in found if consequence == ASKED)
        if not set(asked) <= set(self._asked):
            set_checked(self._ui.exportAgreeCheckBox, False)
        self._asked = asked
        show_text(self._ui.exportFoundLabel, "\n".join(sentence for _consequence, sentence in found))
        self._ui.exportAgreeCheckBox.setVisible(bool(asked))

    def _show_rows(self, rows: list[list[str]]) -> None:
        if self._measured.GetScene() is not None:  # and was not removed meanwhile
            table = show_in_table(self._measured, rows)
            self._sentences.append(
                _("The measurements are in the table {name}, see the module Tables.").format(name=table.GetName())
            )

    def _ended(self, error: Exception | None) -> None:
        self._put_away()
        if isinstance(error, Cancelled):
            self._sentences.append(_("Cancelled. No file is half-written."))
        elif error is not None:
            self._sentences.append(str(error))
            self._failed(error)
        self._ui.exportWidget.setVisible(False)
        if not self._asked:
            set_checked(self._ui.exportAgreeCheckBox, False)
            self._ui.exportAgreeCheckBox.setVisible(False)
        show_text(self._ui.exportResultLabel, "\n".join(self._sentences))
        self.show()

    def _put_away(self) -> None:
        if self._parcel is not None:
            self._parcel.release()
            self._parcel = None

    def _do(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:
            self._failed(error)


def _all_of(files: list[Path | None]) -> tuple[Path, ...]:
    """The files of a scan's images.

    Raises:
        FileFormatError: some are not known any more.
    """
    known = tuple(file for file in files if file is not None)
    if len(known) < len(files):
        raise FileFormatError(
            _("{missing} of the {count} DICOM images of the scan are not in the DICOM database any more.").format(
                missing=len(files) - len(known), count=len(files)
            ),
            _("Import the series again, and load the scan from it."),
        )
    return known
