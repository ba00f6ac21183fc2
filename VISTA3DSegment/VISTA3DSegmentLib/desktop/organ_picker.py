"""Which organs the automatic run looks for: a list to check, a search, presets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from ..workspace import choices


class OrganPicker:
    """See the module. Nothing checked means everything.

    Args:
        ui: widgets of the panel.
        changed: called when the person has checked something else.
    """

    def __init__(self, ui: Any, changed: Callable[[], None]) -> None:
        self._ui, self._changed = ui, changed
        self._offered: list[choices.Choice] = []
        ui.organList.connect("itemChanged(QListWidgetItem*)", lambda _item: self._checked())
        ui.organSearch.connect("textChanged(QString)", self._search)
        ui.clearOrgansButton.connect("clicked()", lambda: self.check(()))

    def offer(self, known: Sequence[int]) -> None:
        """Offer what a model knows; what was checked stays so.

        Args:
            known: ids of its classes.
        """
        checked = self.checked
        self._offered = choices.structures(known)
        organs = self._ui.organList
        was = organs.blockSignals(True)
        organs.clear()
        organs.addItems([choice.title for choice in self._offered])
        for row, choice in enumerate(self._offered):
            organs.item(row).setToolTip(choice.subtitle)
            organs.item(row).setCheckState(qt.Qt.Unchecked)
        organs.blockSignals(was)
        menu = qt.QMenu(self._ui.presetButton)
        for preset in choices.presets(known):
            action = menu.addAction(f"{preset.title} ({preset.subtitle})")
            action.connect("triggered()", lambda value=preset.value: self.check(choices.classes_of([value])))
        self._ui.presetButton.setMenu(menu)
        self.check(checked)

    @property
    def checked(self) -> tuple[int, ...]:
        """Ids of the classes that are checked, in the order of the list."""
        organs = self._ui.organList
        return tuple(
            int(choice.value)
            for row, choice in enumerate(self._offered)
            if organs.item(row).checkState() == qt.Qt.Checked
        )

    def check(self, class_ids: Sequence[int]) -> None:
        """Check these and no others."""
        organs, wanted = self._ui.organList, {str(class_id) for class_id in class_ids}
        was = organs.blockSignals(True)
        for row, choice in enumerate(self._offered):
            organs.item(row).setCheckState(qt.Qt.Checked if choice.value in wanted else qt.Qt.Unchecked)
        organs.blockSignals(was)
        self._checked()

    def _checked(self) -> None:
        checked = set(self.checked)
        names = [choice.title for choice in self._offered if int(choice.value) in checked]
        few = ", ".join(names[:3]) + (_(" and {count} more").format(count=len(names) - 3) if len(names) > 3 else "")
        self._ui.organsLabel.setText(few or _("Every organ"))
        self._ui.clearOrgansButton.setVisible(bool(names))
        several, one = _("Segment {count} structures"), _("Segment {name}")
        text = several.format(count=len(names)) if len(names) > 1 else one.format(name=few)
        self._ui.segmentButton.setText(text if names else _("Segment everything"))
        self._changed()

    def _search(self, text: str) -> None:
        word = text.strip().lower()
        for row, choice in enumerate(self._offered):
            found = word in choice.title.lower() or word in choice.subtitle.lower()
            self._ui.organList.item(row).setHidden(not found)
