"""``slicer.app``: the application object, on PySide6's QApplication."""

# ruff: noqa: N801, N802, N815 (the names are those of Qt and of Slicer)

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Signal

from . import choice, messages
from .natives.extensions import qSlicerCommandOptions, qSlicerExtensionsManagerModel
from .natives.io_manager import qSlicerCoreIOManager
from .natives.scripted_modules import qSlicerModuleManager
from .natives.views import qSlicerLayoutManager
from .proxies import proxy_class, proxy_for
from .table import table


class qSlicerApplication(QtWidgets.QApplication):
    """What a running Slicer offers as ``slicer.app``."""

    startupCompleted = Signal()
    mrmlSceneChanged = Signal(object)
    renderPaused = Signal(bool)
    usageEventLogged = Signal(str, str)

    def __init__(self, folder: str) -> None:
        super().__init__(["Slicer"])
        self.setApplicationName("Slicer")
        self.setOrganizationName("Stand-in")
        self.setQuitOnLastWindowClosed(False)
        self._folder = Path(folder)
        self._world: Any = None
        self._layout: qSlicerLayoutManager | None = None
        self._modules: qSlicerModuleManager | None = None
        self._extensions = qSlicerExtensionsManagerModel()
        self._options = qSlicerCommandOptions()
        self._paused = 0
        self.restarts: list[None] = []
        self.extension_dialogs: list[None] = []

    def take(self, world: Any, layout: qSlicerLayoutManager, modules: qSlicerModuleManager) -> None:
        """Take what the application consists of."""
        self._world, self._layout, self._modules = world, layout, modules
        self._files = qSlicerCoreIOManager(world.scene)

    def mrmlScene(self) -> Any:
        """Return the scene."""
        return self._world.scene

    def applicationLogic(self) -> Any:
        """Return the application logic, which knows the selection and the interaction node."""
        return self._world.application_logic

    def moduleLogic(self, name: str) -> Any:
        """Return the logic of a C++ module, or None."""
        return self._world.logics.get(name)

    def layoutManager(self) -> qSlicerLayoutManager | None:
        """Return what knows the views."""
        return self._layout

    def moduleManager(self) -> qSlicerModuleManager | None:
        """Return what knows the modules."""
        return self._modules

    def coreIOManager(self) -> qSlicerCoreIOManager:
        """Return what reads and writes files."""
        return self._files

    ioManager = coreIOManager

    def commandOptions(self) -> qSlicerCommandOptions:
        """Return how Slicer was started."""
        return self._options

    def extensionsManagerModel(self) -> qSlicerExtensionsManagerModel:
        """Return what knows the installed extensions."""
        return self._extensions

    def openExtensionsManagerDialog(self) -> None:
        """The user sees the extensions manager: it is counted in ``host.extension_dialogs``."""
        self.extension_dialogs.append(None)

    def settings(self) -> QtCore.QSettings:
        """Return the settings of this version of Slicer."""
        return self.userSettings()

    def userSettings(self) -> QtCore.QSettings:
        """Return the settings of the user."""
        if not hasattr(self, "_settings"):
            self._settings = QtCore.QSettings()
        return self._settings

    revisionUserSettings = settings

    def testingEnabled(self) -> bool:
        """Tell whether dialogs close by themselves."""
        return messages.testing

    def restart(self) -> None:
        """Slicer would start anew: it is counted in ``host.restarts``."""
        self.restarts.append(None)

    def confirmRestart(self, reason: str = "") -> None:
        """Ask whether Slicer may start anew, and do so."""
        if messages.ask("question", reason or "Restart the application?", otherwise=True):
            self.restart()

    def pauseRender(self) -> int:
        """Draw no view until as many resumeRender have come."""
        self._paused += 1
        self.renderPaused.emit(True)
        return self._paused

    def resumeRender(self) -> int:
        """Take one pauseRender back."""
        self._paused -= 1
        self.renderPaused.emit(self._paused > 0)
        return self._paused

    def setRenderPaused(self, paused: bool) -> int:
        """Pause or resume."""
        return self.pauseRender() if paused else self.resumeRender()

    def isRenderPaused(self) -> bool:
        """Tell whether no view is drawn."""
        return self._paused > 0

    def slicerHome(self) -> str:
        """Return where Slicer is installed."""
        return self._made("Slicer")

    def temporaryPath(self) -> str:
        """Return where temporary files go."""
        return self._made("tmp")

    def cachePath(self) -> str:
        """Return where downloads go."""
        return self._made("cache")

    def extensionsInstallPath(self) -> str:
        """Return where extensions go."""
        return self._made("Extensions")

    def _made(self, name: str) -> str:
        path = self._folder / name
        path.mkdir(parents=True, exist_ok=True)
        return str(path)

    def majorVersion(self) -> int:
        """Return the 5 of 5.12."""
        return choice.SLICER[0]

    def minorVersion(self) -> int:
        """Return the 12 of 5.12."""
        return choice.SLICER[1]

    mainApplicationMajorVersion, mainApplicationMinorVersion = majorVersion, minorVersion

    def mainApplicationName(self) -> str:
        """Return the name without a version."""
        return "Slicer"

    mainApplicationDisplayName = mainApplicationName

    def applicationVersion(self) -> str:  # type: ignore[override]
        """Return the version with its date."""
        return f"{choice.SLICER[0]}.{choice.SLICER[1]}.0-2026-01-01"

    def revision(self) -> str:
        """Return the revision."""
        return "34000"

    def repositoryRevision(self) -> str:
        """Return the revision of the sources."""
        return "0" * 40

    def releaseType(self) -> str:
        """Return of which kind the release is."""
        return "Stable"

    def os(self) -> str:
        """Return the operating system."""
        return "linux"

    def arch(self) -> str:
        """Return the processor's architecture."""
        return "amd64"

    def platform(self) -> str:
        """Return system and architecture."""
        return "linux-amd64"

    def documentationBaseUrl(self) -> str:
        """Return where the documentation lies."""
        return "https://slicer.readthedocs.io/en/latest/"

    def moduleDocumentationUrl(self, name: str) -> str:
        """Return where the documentation of a module lies."""
        return f"{self.documentationBaseUrl()}user_guide/modules/{name.lower()}.html"

    def isInstalled(self) -> bool:
        """Tell whether this is an installed Slicer, not a build tree."""
        return True

    def startupEnvironment(self) -> QtCore.QProcessEnvironment:
        """Return the environment in which Slicer was started."""
        return QtCore.QProcessEnvironment.systemEnvironment()

    def logUsageEvent(self, component: str, event: str) -> None:
        """Note that something was used."""
        self.usageEventLogged.emit(component, event)

    def setOverrideCursor(self, cursor: Any) -> None:  # type: ignore[override]
        """Show a cursor everywhere; Slicer's callers give its shape."""
        QtWidgets.QApplication.setOverrideCursor(cursor)


def create() -> qSlicerApplication:
    """Make the application without a screen.

    Raises:
        RuntimeError: there is another QApplication already.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    if QtCore.QCoreApplication.instance() is not None:
        raise RuntimeError("A QApplication exists already: host.start() must come before anything else of Qt.")
    folder = tempfile.mkdtemp(prefix="slicer-stand-in-")
    for scope in (QtCore.QSettings.Scope.UserScope, QtCore.QSettings.Scope.SystemScope):
        QtCore.QSettings.setPath(QtCore.QSettings.Format.IniFormat, scope, folder)
    QtCore.QSettings.setDefaultFormat(QtCore.QSettings.Format.IniFormat)
    table().setdefault("slicer.qSlicerApplication", table()["slicer.app"])
    return qSlicerApplication(folder)


def as_proxy(application: qSlicerApplication) -> Any:
    """Return ``slicer.app``."""
    return proxy_for(proxy_class(qSlicerApplication), application)
