"""Modules written in Python: loaded, opened, left and read again as Slicer does it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import slicer

from .border import proxy_of
from .natives.scripted_modules import qSlicerScriptedLoadableModule, qSlicerScriptedLoadableModuleWidget

natives: dict[str, Any] = {}
"""The native objects of the modules, by their attribute of ``slicer.modules``."""

entered: list[str] = []
"""The module that is open, if one is."""

main_windows: list[Any] = []
"""The native main window, if there is one."""


def load(path: str | Path) -> Any:
    """Load a module by its file and return ``slicer.modules.<name in small letters>``.

    Raises:
        AttributeError: the file has no class of its own name.
    """
    path = Path(path).resolve()
    name = path.stem
    source = import_file(name, path)
    native = qSlicerScriptedLoadableModule(name, str(path))
    native.make_widget = lambda: make_widget(native)
    proxy = proxy_of(native)
    if not hasattr(source, name):
        raise AttributeError(f"{path} has no class {name}: Slicer finds no module in it.")
    instance = getattr(source, name)(proxy)
    natives[name.lower()] = native
    setattr(slicer.modules, name.lower(), proxy)
    setattr(slicer.modules, f"{name}Instance", instance)
    slicer.moduleNames_of_stand_in = sorted(n.name() for n in natives.values())
    slicer.app.moduleManager()._native.moduleLoaded.emit(name)
    return proxy


def import_file(name: str, path: Path) -> Any:
    """Import a file under its name, with its folder among the places of imports."""
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    source = importlib.util.module_from_spec(spec)
    sys.modules[name] = source
    spec.loader.exec_module(source)
    return source


def make_widget(native: qSlicerScriptedLoadableModule) -> qSlicerScriptedLoadableModuleWidget:
    """Make the widget with a module's interface."""
    name = native.name()

    def make(widget: Any) -> Any:
        made = getattr(sys.modules[name], f"{name}Widget")(proxy_of(widget))
        setattr(slicer.modules, f"{name}Widget", made)
        return made

    holder = qSlicerScriptedLoadableModuleWidget(native, make)
    holder.setObjectName(f"{name}ModuleWidget")
    native._widget = native._widget or holder
    holder.setMRMLScene(slicer.mrmlScene)
    holder.instantiate()
    return holder


def open_module(name: str) -> Any:
    """Do what choosing a module in the selector does: leave the open one, enter this; return its interface."""
    native = natives.get(name.lower())
    if native is None or native.name() != name:
        raise AttributeError(f"There is no module '{name}': it is not loaded.")
    leave_module()
    holder = native.widgetRepresentation()
    if holder is None:
        return None
    window = main_window()
    if window is not None:
        window.panel.takeWidget()
        window.panel.setWidget(holder)
        window.moduleSelector()._selected = name
        window.show()
    holder.show()
    holder.enter()
    entered.append(name)
    return holder.self()


def leave_module() -> None:
    """Do what choosing another module does to the open one."""
    if entered:
        holder = natives[entered.pop().lower()].widgetRepresentation()
        holder.exit()
        holder.hide()


def main_window() -> Any:
    """Return the native main window, or None."""
    return main_windows[-1] if main_windows else None


def unload(name: str) -> None:
    """Do what closing Slicer does to a module: leave it, clean up."""
    if entered == [name]:
        leave_module()
    slicer.app.moduleManager()._native.moduleAboutToBeUnloaded.emit(name)
