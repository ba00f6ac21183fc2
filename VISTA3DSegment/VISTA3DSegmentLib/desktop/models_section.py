"""The models: which one is used, where it runs, and how to get another one: from a file, or after its licence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import Cancelled, SegmentationError
from ..models import registry, store
from ..models.fetching import fetch
from ..models.registry import System
from ..models.store import ListedModel
from ..service.errand import Errand
from .adding_models import accepts, add_from_file
from .engine_choice import EngineChoice
from .model_selector import ModelSelector
from .waiting import Waiting
from .widgets import enable, show_text


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
        self._models: dict[System, ModelSelector] = {
            "vista3d": ModelSelector(ui.modelSelector, "vista3d"),
            "segvol": ModelSelector(ui.segvolSelector, "segvol"),
        }
        self._looked_at: System = "vista3d"
        self._fetched = ""
        self._waiting = Waiting(ui.VISTA3DSegment, self._show_progress, self._downloaded)
        self._show_choice()
        self.list()
        ui.downloadWidget.setVisible(False)
        for system, models in self._models.items():
            models.selector.connect("activated(int)", lambda _row, system=system: self._model_selected(system))
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
        listed = store.list_models()
        for system, models in self._models.items():
            models.list(listed, self._used[system])
            if not models.is_here(self._used[system]):
                self.fall_back(system)
        self._describe()

    def fall_back(self, system: System) -> None:
        """The model of a system that is chosen cannot be used: the one that comes with the module takes its place."""
        models = self._models[system]
        if system == "vista3d":
            self.choice = replace(self.choice, model=models.usual)
        else:
            self.choice = replace(self.choice, segvol=models.usual)
        models.select(models.usual)
        self._describe()

    def allow(self, why_not: str) -> None:
        """Let the person choose another engine, or say why they cannot now.

        Args:
            why_not: a sentence; "": they can.
        """
        ui = self._ui
        for widget in (
            ui.modelSelector, ui.segvolSelector, ui.deviceSelector, ui.precisionSelector, ui.memorySpinBox
        ):  # fmt: skip
            enable(widget, why_not)

    def close(self) -> None:
        """Break a download off; it goes on from there another time."""
        self._waiting.cancel()
        self._ui.downloadWidget.setVisible(False)
        self._describe()

    # ------------------------------------------------------------------ what is shown

    @property
    def _shown(self) -> ListedModel | None:
        """The model that was looked at last."""
        return self._models[self._looked_at].shown

    @property
    def _used(self) -> dict[System, str]:
        return {"vista3d": self.choice.model, "segvol": self.choice.segvol}

    def _show_choice(self) -> None:
        for system, models in self._models.items():
            if models.usable is not None:  # one that is not here is shown to be downloaded
                models.select(self._used[system])
        for selector, wanted in (
            (self._ui.deviceSelector, self.choice.device), (self._ui.precisionSelector, self.choice.precision)
        ):  # fmt: skip
            selector.setCurrentIndex(max(0, selector.findText(wanted)))
        self._ui.memorySpinBox.setValue(self.choice.memory_mb)

    def _describe(self) -> None:
        model = self._shown
        known = model.known if model is not None else None
        file = model.file if model is not None else None
        parts = [known.title, _("for {modality}").format(modality=known.modality), known.licence.name] if known else []
        lacks_words = file is not None and file.lacks_vocabulary
        if lacks_words:
            parts.append(_("without its vocabulary: it understands only the words that it was trained with"))
        show_text(self._ui.modelLabel, "; ".join(parts) if parts else _("A model of your own."))
        busy = _("A download is under way.") if self._waiting.busy else ""
        nowhere = _("It is published nowhere.") if known is None or known.url is None else ""
        whole = _("It is here already.") if file is not None and not lacks_words else ""
        enable(self._ui.downloadButton, busy or whole or nowhere)
        part = _("It is a part of this module.") if known is not None and known.url is None else ""
        enable(self._ui.deleteModelButton, part or ("" if file is not None else _("It is not here.")))

    # ------------------------------------------------------------------ what the person does

    def _model_selected(self, system: System) -> None:
        self._looked_at = system
        self._describe()
        if self._models[system].usable is not None:
            self._wish()

    def _wish(self) -> None:
        wanted = EngineChoice(
            self._models["vista3d"].usable or self.choice.model,
            str(self._ui.deviceSelector.currentText),
            str(self._ui.precisionSelector.currentText),
            int(self._ui.memorySpinBox.value),
            self._models["segvol"].usable or self.choice.segvol,
        )
        if wanted != self.choice and self._chosen(wanted):
            self.choice = wanted
            wanted.write(self._settings)
        self._show_choice()
        self._describe()

    def _add(self) -> None:
        added = add_from_file(self._ui.addModelButton, self._settings)
        if added is not None:
            self.list()
            self._use(added.path.stem, added.system or "vista3d")

    def _use(self, name: str, system: System) -> None:
        self._models[system].select(name)
        if name == self._used[system]:
            self._chosen(self.choice)  # it is opened again: its vocabulary may have come
        self._model_selected(system)

    def _download(self) -> None:
        model = self._shown
        question = _("Download it and accept this licence?")
        if model is None or model.known is None or not accepts(model.known, question, self._settings):
            return
        self._fetched = model.name
        self._waiting.wait_for(Errand(fetch, model.name, python=self._python))
        self._ui.downloadProgress.setValue(0)
        self._ui.downloadWidget.setVisible(True)
        self._describe()

    def _delete(self) -> None:
        system, model = self._looked_at, self._shown
        if model is not None and slicer.util.confirmOkCancelDisplay(
            _("Remove the file of the model {name} from this computer?").format(name=model.name)
        ):
            if model.name == self._used[system]:  # nobody may read the file that is removed
                self._use(self._models[system].usual, system)
            if model.name != self._used[system]:
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
            self._use(self._fetched, registry.known(self._fetched).architecture)
        elif not isinstance(error, Cancelled):
            self._failed(error)

    def _do(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:
            self._failed(error)
