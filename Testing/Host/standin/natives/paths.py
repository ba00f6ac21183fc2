"""CTK's widgets for files and folders."""

# ruff: noqa: N801, N802, N815 (the names are those of Qt and of Slicer)

from __future__ import annotations

import enum
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Signal

from .plain import keeps

Filters = QtCore.QDir.Filter


class Option(enum.IntFlag):
    """How the file dialog behaves."""

    ShowDirsOnly = 1
    DontResolveSymlinks = 2
    DontConfirmOverwrite = 4
    DontUseNativeDialog = 16
    ReadOnly = 32
    HideNameFilterDetails = 64


@keeps(label="", settingKey="", nameFilters=(), minimumContentsLength=0, filters=None, options=None)
class ctkPathLineEdit(QtWidgets.QWidget):
    """A line with a path, a history and a button that opens a file dialog."""

    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)
    Filters = Filters
    Option = Option

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*[a for a in arguments if isinstance(a, QtWidgets.QWidget)])
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._combo = QtWidgets.QComboBox(self)
        self._combo.setEditable(True)
        self._browse = QtWidgets.QToolButton(self)
        self._browse.setText("...")
        layout.addWidget(self._combo, 1)
        layout.addWidget(self._browse)
        self._valid: bool | None = None
        self._combo.editTextChanged.connect(self._on_text)
        self._browse.clicked.connect(self.browse)
        self.setFocusProxy(self._combo)

    def comboBox(self) -> QtWidgets.QComboBox:
        """Return the line with its history."""
        return self._combo

    def currentPath(self) -> str:
        """Return the path."""
        return self._combo.currentText()

    def setCurrentPath(self, path: str) -> None:
        """Set the path."""
        if path != self.currentPath():
            self._combo.setEditText(path)

    def _on_text(self, path: str) -> None:
        self.currentPathChanged.emit(path)
        valid = bool(path) and Path(path).exists()
        if valid != self._valid:
            self._valid = valid
            self.validInputChanged.emit(valid)

    def addCurrentPathToHistory(self) -> None:
        """Keep the path in the list and in the settings."""
        path = self.currentPath()
        if path and self._combo.findText(path) < 0:
            blocked = self._combo.blockSignals(True)
            self._combo.insertItem(0, path)
            self._combo.setEditText(path)
            self._combo.blockSignals(blocked)
        if self.settingKey():
            paths = [self._combo.itemText(i) for i in range(self._combo.count())]
            QtCore.QSettings().setValue(f"ctkPathLineEdit/{self.settingKey()}", paths)

    def retrieveHistory(self) -> None:
        """Fill the list from the settings."""
        paths = QtCore.QSettings().value(f"ctkPathLineEdit/{self.settingKey()}") or []
        self._combo.addItems([paths] if isinstance(paths, str) else list(paths))

    def browse(self) -> None:
        """Open the file dialog."""
        from .dialogs import ask_for_path

        path = ask_for_path(self, self.label() or "Select a file", self.nameFilters())
        if path:
            self.setCurrentPath(path)
            self.addCurrentPathToHistory()

    def showBrowseButton(self) -> bool:
        """Tell whether the button is shown."""
        return not self._browse.isHidden()

    def setShowBrowseButton(self, shown: bool) -> None:
        """Show or hide the button."""
        self._browse.setVisible(shown)

    def showHistoryButton(self) -> bool:
        """Tell whether the history is shown."""
        return bool(getattr(self, "_history", True))

    def setShowHistoryButton(self, shown: bool) -> None:
        """Show or hide the history."""
        self._history = shown

    def sizeAdjustPolicy(self) -> Any:
        """Return how its width follows the text."""
        return self._combo.sizeAdjustPolicy()

    def setSizeAdjustPolicy(self, policy: Any) -> None:
        """Set how its width follows the text."""
        self._combo.setSizeAdjustPolicy(policy)


@keeps(caption="", acceptMode=None, elideMode=None, options=None)
class ctkDirectoryButton(QtWidgets.QWidget):
    """A button that shows a folder and opens a dialog to choose another."""

    directoryChanged = Signal(str)
    directorySelected = Signal(str)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*[a for a in arguments if isinstance(a, QtWidgets.QWidget)])
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._button = QtWidgets.QPushButton(self)
        layout.addWidget(self._button)
        self._button.clicked.connect(self.browse)
        self._directory = str(Path.cwd())
        self._button.setText(self._directory)

    def directory(self) -> str:
        """Return the folder."""
        return self._directory

    def setDirectory(self, directory: str) -> None:
        """Set the folder."""
        if directory != self._directory:
            self._directory = directory
            self._button.setText(directory)
            self.directoryChanged.emit(directory)

    def browse(self) -> None:
        """Open the dialog."""
        from .dialogs import ask_for_path

        path = ask_for_path(self, self.caption() or "Select a folder", ())
        if path:
            self.setDirectory(path)
            self.directorySelected.emit(path)
