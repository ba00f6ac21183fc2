"""The models: which one is used, where it runs, and how to get another one: from a file, or after its licence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import Cancelled, SegmentationError
from ..models import store
from ..models.fetching import fetch
from ..models.registry import KnownModel
from ..models.store import ListedModel
from ..service.errand import Errand
from .engine_choice import GROUP, EngineChoice
from .waiting import Waiting
from .widgets import enable, fill, show_text


class ModelsSection:
    """See the module.

    Args:
        ui: widgets of the panel.
        settings: QSettings of the application.
        python: the interpreter in which downloads run; None: this one.
        chosen: called when another engine is wanted; returns whether it is used now.
        failed: called with an error.
    """

    def __init__(
        self,
        ui: Any,
        settings: Any,
        python: str | None,
        chosen: Callable[[EngineChoice], bool],
        failed: Callable[[Exception], None],
    ) -> None:
        self._ui, self._settings, self._python, self._chosen, self._failed = ui, settings, python, chosen, failed
        self.choice = EngineChoice.read(settings)
        self._listed: tuple[ListedModel, ...] = ()
        self._fetched = ""
        self._waiting = Waiting(ui.VISTA3DSegment, self._show_progress, self._downloaded)
        self._show_choice()
        self.list()
        ui.downloadWidget.setVisible(False)
        ui.modelSelector.connect("activated(int)", lambda _row: self._model_selected())
        for selector in (ui.deviceSelector, ui.precisionSelector):
            selector.connect("activated(int)", lambda _row: self._wish())
        ui.memorySpinBox.connect("editingFinished()", self._wish)
        ui.addModelButton.connect("clicked()", lambda: self._do(self._add))
        ui.downloadButton.connect("clicked()", lambda: self._do(self._download))
        ui.folderButton.connect("clicked()", lambda: self._do(self._open_folder))
        ui.deleteModelButton.connect("clicked()", lambda: self._do(self._delete))
        ui.stopDownloadButton.connect("clicked()", self.close)

    def list(self) -> None:
        """Read again which models there are."""
        self._listed = store.list_models()
        if all(model.name != self.choice.model or model.path is None for model in self._listed):
            self.choice = replace(self.choice, model=EngineChoice().model)
        wanted = self._shown.name if self._shown is not None else self.choice.model
        away = _("{name} (not here)")
        lines = [model.name if model.path else away.format(name=model.name) for model in self._listed]
        fill(self._ui.modelSelector, lines)
        names = {model.name for model in self._listed}
        self._select(wanted if wanted in names else self.choice.model)

    def fall_back(self) -> None:
        """The model of the choice cannot be used: the starter is chosen."""
        self.choice = replace(self.choice, model=EngineChoice().model)
        self._select(self.choice.model)

    def allow(self, why_not: str) -> None:
        """Let the person choose another engine, or say why they cannot now.

        Args:
            why_not: a sentence; "": they can.
        """
        ui = self._ui
        for widget in (ui.modelSelector, ui.deviceSelector, ui.precisionSelector, ui.memorySpinBox):
            enable(widget, why_not)

    def close(self) -> None:
        """Break a download off; it goes on from there another time."""
        self._waiting.cancel()
        self._ui.downloadWidget.setVisible(False)
        self._describe()

    # ------------------------------------------------------------------ what is shown

    @property
    def _shown(self) -> ListedModel | None:
        row = self._ui.modelSelector.currentIndex
        return self._listed[row] if 0 <= row < min(len(self._listed), self._ui.modelSelector.count) else None

    def _show_choice(self) -> None:
        for selector, wanted in (
            (self._ui.deviceSelector, self.choice.device), (self._ui.precisionSelector, self.choice.precision)
        ):  # fmt: skip
            selector.setCurrentIndex(max(0, selector.findText(wanted)))
        self._ui.memorySpinBox.setValue(self.choice.memory_mb)

    def _describe(self) -> None:
        model = self._shown
        known = model.known if model is not None else None
        here = model is not None and model.path is not None
        parts = [known.title, _("for {modality}").format(modality=known.modality), known.licence.name] if known else []
        show_text(self._ui.modelLabel, "; ".join(parts) if parts else _("A model of your own."))
        busy = _("A download is under way.") if self._waiting.busy else ""
        nowhere = _("It is published nowhere.") if known is None or known.url is None else ""
        enable(self._ui.downloadButton, busy or (_("It is here already.") if here else nowhere))
        part = _("It is a part of this module.") if known is not None and known.url is None else ""
        enable(self._ui.deleteModelButton, part or ("" if here else _("It is not here.")))

    # ------------------------------------------------------------------ what the person does

    def _model_selected(self) -> None:
        self._describe()
        if self._shown is not None and self._shown.path is not None:
            self._wish()

    def _wish(self) -> None:
        model = self._shown
        wanted = EngineChoice(
            model.name if model is not None and model.path is not None else self.choice.model,
            str(self._ui.deviceSelector.currentText),
            str(self._ui.precisionSelector.currentText),
            int(self._ui.memorySpinBox.value),
        )
        if wanted != self.choice and self._chosen(wanted):
            self.choice = wanted
            wanted.write(self._settings)
        self._show_choice()

    def _add(self) -> None:
        path = qt.QFileDialog.getOpenFileName(
            self._ui.addModelButton, _("Weights"), "", _("Weights (*.safetensors *.pt *.pth)")
        )
        if path:
            added = store.add(Path(path))
            self.list()
            self._select(added.known.name if added.known is not None else added.path.stem)
            self._model_selected()

    def _select(self, name: str) -> None:
        names = [model.name for model in self._listed]
        if name in names:
            self._ui.modelSelector.setCurrentIndex(names.index(name))
            self._describe()

    def _download(self) -> None:
        model = self._shown
        if model is None or model.known is None or not self._accepted(model.known):
            return
        self._fetched = model.name
        self._waiting.wait_for(Errand(fetch, model.name, python=self._python))
        self._ui.downloadProgress.setValue(0)
        self._ui.downloadWidget.setVisible(True)
        self._describe()

    def _accepted(self, model: KnownModel) -> bool:
        """Whether the person wants it under its licence; the acceptance is remembered."""
        key, licence = f"{GROUP}/accepted/{model.licence.name}", model.licence
        size = "" if model.size_bytes is None else f" ({model.size_bytes / 1e6:.0f} MB)"
        accepted = slicer.util.confirmOkCancelDisplay(
            _("{title}{size}, from {source}.\n\nLicence of the weights: {licence}. {summary}\n\nIts text: {url}\n\n"
              "Download it and accept this licence?").format(
                title=model.title, size=size, source=model.source, licence=licence.name, summary=licence.summary,
                url=licence.url),
            windowTitle=_("Download {name}").format(name=model.name),
        )  # fmt: skip
        if accepted:
            self._settings.setValue(key, licence.url)
        return bool(accepted)

    def _delete(self) -> None:
        model = self._shown
        if model is not None and slicer.util.confirmOkCancelDisplay(
            _("Remove the file of the model {name} from this computer?").format(name=model.name)
        ):
            if model.name == self.choice.model:  # nobody may read the file that is removed
                self._select(EngineChoice().model)
                self._wish()
            if model.name != self.choice.model:
                store.remove(model.name)
            self.list()

    def _open_folder(self) -> None:
        store.models_folder().mkdir(parents=True, exist_ok=True)
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(store.models_folder())))

    def _show_progress(self, line: str) -> None:
        done, total = (int(part) for part in line.split())
        self._ui.downloadProgress.setMaximum(100 if total else 0)
        self._ui.downloadProgress.setValue(100 * done // total if total else 0)

    def _downloaded(self, error: SegmentationError | None) -> None:
        self._ui.downloadWidget.setVisible(False)
        self.list()
        if error is None:
            self._select(self._fetched)
            self._model_selected()
        elif not isinstance(error, Cancelled):
            self._failed(error)

    def _do(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:
            self._failed(error)
