"""Which kinds of files are exported: a list to check; what cannot be made of the scan says why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from ..export.formats import TITLES, Form
from .dicom_images import file_of, instances_of
from .widgets import show_text

KINDS = "VISTA3DSegment/exportKinds"
"""Where the settings keep what was checked last."""


class ExportKinds:
    """See the module.

    Args:
        ui: widgets of the panel.
        settings: QSettings of the application.
        changed: called when the person has checked something else.
    """

    def __init__(self, ui: Any, settings: Any, changed: Callable[[], None]) -> None:
        self._ui, self._settings, self._changed = ui, settings, changed
        self.instances: tuple[str, ...] = ()
        self._has_images = False
        kinds = ui.exportList
        kinds.addItems(list(TITLES.values()))
        chosen = str(settings.value(KINDS) or Form.NIFTI.value).split()
        for row, form in enumerate(TITLES):
            kinds.item(row).setCheckState(qt.Qt.Checked if form.value in chosen else qt.Qt.Unchecked)
            self._let_choose(kinds.item(row), not form.is_dicom)
        kinds.setFixedHeight(len(TITLES) * kinds.sizeHintForRow(0) + 2 * kinds.frameWidth)  # all are in sight
        kinds.connect("itemChanged(QListWidgetItem*)", lambda _item: self._on_checked())
        ui.exportNewSeriesCheckBox.connect("toggled(bool)", lambda _checked: self._on_new_series())

    @property
    def chosen(self) -> tuple[Form, ...]:
        """The kinds that are checked and can be made."""
        return tuple(form for form in self._checked if self._possible or not form.is_dicom)

    @property
    def new_series(self) -> bool:
        """The scan has no images that are known, and the person wants it written as a new series."""
        return not self._has_images and bool(self._ui.exportNewSeriesCheckBox.checked)

    @property
    def _possible(self) -> bool:
        return self._has_images or self.new_series

    def offer(self, volume_node: Any | None) -> None:
        """Offer what can be made of a scan: DICOM objects refer to its images, and cannot be made without these.

        Args:
            volume_node: of the scan; None: none is open.
        """
        instances = () if volume_node is None else instances_of(volume_node)
        if instances != self.instances:  # else the host's database need not be asked again
            self.instances = instances
            self._has_images = bool(instances) and file_of(instances[0]) is not None
            self._let_choose_dicom()
        elsewhere = volume_node is not None and not self._has_images
        self._ui.exportNewSeriesCheckBox.setVisible(elsewhere)
        show_text(self._ui.exportSourceLabel, _no_dicom() if elsewhere else "")

    def _let_choose_dicom(self) -> None:
        kinds = self._ui.exportList
        was = kinds.blockSignals(True)
        for row, form in enumerate(TITLES):
            if form.is_dicom:
                self._let_choose(kinds.item(row), self._possible)
        kinds.blockSignals(was)

    def _on_new_series(self) -> None:
        self._let_choose_dicom()
        self._changed()

    @property
    def _checked(self) -> tuple[Form, ...]:
        kinds = self._ui.exportList
        return tuple(form for row, form in enumerate(TITLES) if kinds.item(row).checkState() == qt.Qt.Checked)

    def _let_choose(self, item: Any, possible: bool) -> None:
        usual = qt.Qt.ItemIsUserCheckable | qt.Qt.ItemIsSelectable
        item.setFlags(usual | qt.Qt.ItemIsEnabled if possible else usual)
        item.setToolTip("" if possible else _no_dicom())

    def _on_checked(self) -> None:
        self._settings.setValue(KINDS, " ".join(form.value for form in self._checked))
        self._changed()


def _no_dicom() -> str:
    return str(
        _(
            "DICOM files refer to the images of the scan: they can be made only of a scan that was loaded from the "
            "DICOM database, and whose files are still in it."
        )
    )
