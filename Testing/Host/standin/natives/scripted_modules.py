"""Modules as Slicer sees them: qSlicerScriptedLoadableModule, the widget that holds its interface, and C++ modules."""

# ruff: noqa: N801, N802, N815 (the names are those of Qt and of Slicer)

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Signal

from .mrml_widget import qSlicerWidget
from .plain import keeps


@keeps(
    title="",
    categories=(),
    dependencies=(),
    contributors=(),
    helpText="",
    acknowledgementText="",
    hidden=False,
    path="",
    associatedNodeTypes=(),
    index=-1,
    widgetRepresentationCreationEnabled=True,
)
class qSlicerScriptedLoadableModule(QtCore.QObject):
    """A module written in Python."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__()
        self._name = name
        self._icon = QtGui.QIcon()
        self.setPath(path)
        self.make_widget: Any = None
        self._widget: Any = None

    def name(self) -> str:
        """Return the name."""
        return self._name

    def icon(self) -> QtGui.QIcon:
        """Return the icon."""
        return self._icon

    def setIcon(self, icon: QtGui.QIcon) -> None:
        """Set the icon."""
        self._icon = icon

    def logic(self) -> Any:
        """Return the C++ logic: a scripted module has one of its own only where it asks for it."""
        return None

    def widgetRepresentation(self) -> Any:
        """Return the widget with the module's interface; it is made when it is first asked for."""
        if self._widget is None and self.make_widget is not None:
            self._widget = self.make_widget()
        return self._widget

    def createNewWidgetRepresentation(self) -> Any:
        """Make another widget with the module's interface."""
        return self.make_widget()


@keeps(title="", path="", hidden=False, categories=(), dependencies=(), contributors=())
class qSlicerLoadableModule(QtCore.QObject):
    """A module written in C++."""

    def __init__(self, name: str, logic: Any) -> None:
        super().__init__()
        self._name, self._logic = name, logic
        self.setTitle(name)

    def name(self) -> str:
        """Return the name."""
        return self._name

    def logic(self) -> Any:
        """Return the logic."""
        return self._logic

    def widgetRepresentation(self) -> Any:
        """Return the widget with the module's interface: the stand-in has none of C++ modules."""
        return None


class qSlicerScriptedLoadableModuleWidget(qSlicerWidget):
    """The widget in which a Python module builds its interface."""

    def __init__(self, module: qSlicerScriptedLoadableModule, make: Any) -> None:
        super().__init__()
        QtWidgets.QVBoxLayout(self)
        self._module, self._make, self._self, self._entered = module, make, None, False

    def module(self) -> Any:
        """Return the module."""
        return self._module

    def moduleName(self) -> str:
        """Return the module's name."""
        return self._module.name()

    def self(self) -> Any:
        """Return the Python object that built the interface."""
        return self._self

    def instantiate(self) -> None:
        """Make the Python object, and let it build the interface."""
        self._self = self._make(self)
        self._self.setup()

    reload = instantiate

    def isEntered(self) -> bool:
        """Tell whether the module is the one that is shown."""
        return self._entered

    def enter(self) -> None:
        """The user comes to the module."""
        self._entered = True
        if hasattr(self._self, "enter"):
            self._self.enter()

    def exit(self) -> None:
        """The user goes to another module."""
        self._entered = False
        if hasattr(self._self, "exit"):
            self._self.exit()


class qSlicerModuleManager(QtCore.QObject):
    """What knows the modules that are loaded."""

    moduleLoaded = Signal(str)
    moduleAboutToBeUnloaded = Signal(str)

    def __init__(self, modules: dict[str, Any]) -> None:
        super().__init__()
        self._modules = modules

    def module(self, name: str) -> Any:
        """Return a module by its name, or None."""
        return next((m for m in self._modules.values() if m.name() == name), None)

    def modulesNames(self) -> list[str]:
        """Return the names of the modules."""
        return [module.name() for module in self._modules.values()]


class qSlicerModuleSelectorToolBar(QtWidgets.QToolBar):
    """The box in which the user chooses a module."""

    moduleSelected = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._selected = ""
        self.on_select: Any = None

    def selectedModule(self) -> str:
        """Return the name of the chosen module."""
        return self._selected

    def selectModule(self, name: str) -> None:
        """Choose a module by its name."""
        if name == self._selected:
            return
        self._selected = name
        if self.on_select is not None:
            self.on_select(name)
        self.moduleSelected.emit(name)


class qSlicerMainWindow(QtWidgets.QMainWindow):
    """The main window, with a panel for the module's interface."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self._selector = qSlicerModuleSelectorToolBar()
        self.addToolBar(self._selector)
        self.panel = QtWidgets.QScrollArea()
        self.panel.setWidgetResizable(True)
        self.setCentralWidget(self.panel)

    def moduleSelector(self) -> qSlicerModuleSelectorToolBar:
        """Return the box in which the user chooses a module."""
        return self._selector
