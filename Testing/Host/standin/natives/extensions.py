"""How Slicer was started (qSlicerCommandOptions); which extensions are installed (qSlicerExtensionsManagerModel)."""

# ruff: noqa: N801, N802, N815 (the names are those of Qt and of Slicer)

from __future__ import annotations

from PySide6 import QtCore
from PySide6.QtCore import Signal

from .. import messages
from .plain import keeps


@keeps(interactive=True)
class qSlicerExtensionsManagerModel(QtCore.QObject):
    """Installs nothing; what was asked for is in ``wanted``, and counts as installed where the test says so."""

    extensionInstalled = Signal(str)
    extensionUninstalled = Signal(str)
    modelUpdated = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.installed: list[str] = []
        self.wanted: list[str] = []
        self.succeeds = True

    def installedExtensions(self) -> list[str]:
        """Return the names of the installed extensions."""
        return list(self.installed)

    def isExtensionInstalled(self, name: str) -> bool:
        """Tell whether an extension is installed."""
        return name in self.installed

    isExtensionEnabled = isExtensionInstalled

    def installExtensionFromServer(self, name: str, restart: bool = True, update: bool = False) -> bool:
        """Note which extension is wanted; it is installed if ``succeeds`` says so."""
        self.wanted.append(name)
        if self.succeeds:
            self.installed.append(name)
            self.extensionInstalled.emit(name)
        return self.succeeds

    def downloadAndInstallExtensionByName(self, name: str, dependencies: bool = True, wait: bool = False) -> bool:
        """Note which extension is wanted; it is installed if ``succeeds`` says so."""
        return self.installExtensionFromServer(name)


@keeps(runPythonAndExit=False)
class qSlicerCommandOptions(QtCore.QObject):
    """The command line."""

    def testingEnabled(self) -> bool:
        """Tell whether Slicer was started with ``--testing``."""
        return messages.testing
