"""The modules ``qt`` and ``ctk``, and the widget classes of ``slicer``, as Slicer's Python imports them."""

from __future__ import annotations

import sys
import types
from typing import Any

from PySide6 import QtCore

from .natives import dialogs, widgets
from .proxies import REPLACED, Proxy, ProxyType, made_for, native_class
from .table import table
from .ui_files import QUiLoader

REPLACED.update(
    {
        "QUiLoader": QUiLoader,
        "QMessageBox": dialogs.RecordedMessageBox,
        "QDialog": dialogs.RecordedDialog,
        "QFileDialog": dialogs.RecordedFileDialog,
        "QInputDialog": dialogs.RecordedInputDialog,
    }
)
NOT_CONSTRUCTIBLE = ("QApplication", "QCoreApplication", "QStyle")


class QtLike(types.ModuleType):
    """A module whose classes are those of the table; any other name raises a sentence."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = class_of(self.__name__, name)
        setattr(self, name, found)
        return found


def class_of(module: str, name: str) -> ProxyType:
    """Return a class of ``qt``, ``ctk`` or ``slicer`` for Slicer's Python.

    Raises:
        AttributeError: desktop Slicer has none of that name.
        NotImplementedError: it has, the stand-in has not.
    """
    if f"{module}.{name}" not in table():
        raise AttributeError(
            f"module '{module}' has no attribute '{name}': desktop Slicer has none that the tables know. "
            "If it has, run make_table.py, or add it to beyond.json with its source."
        )
    native = REPLACED.get(name) or widgets().get(name) or native_class(name)
    if native is None:
        raise NotImplementedError(
            f"Desktop Slicer has {module}.{name}, the stand-in has not: add it to standin/natives."
        )
    cls = made_for(native)
    if name in NOT_CONSTRUCTIBLE:
        cls = ProxyType(name, (cls,), {"_native_type": None, "__init__": _refuse, "_owner": name}, from_table=True)
    return cls


def _refuse(self: Any, *arguments: Any) -> None:
    raise ValueError(f"No constructors available for {type(self).__name__}: Slicer has made its application.")


def install() -> None:
    """Put ``qt`` and ``ctk`` into ``sys.modules``."""
    for name in ("qt", "ctk"):
        sys.modules.setdefault(name, QtLike(name))


def is_proxy(value: Any) -> bool:
    """Tell whether something is an object of Qt as Slicer's Python sees it."""
    return isinstance(value, Proxy)


def no_settings_of_the_user(folder: str) -> None:
    """Keep QSettings in a folder of this run."""
    QtCore.QSettings.setDefaultFormat(QtCore.QSettings.Format.IniFormat)
    for scope in (QtCore.QSettings.Scope.UserScope, QtCore.QSettings.Scope.SystemScope):
        QtCore.QSettings.setPath(QtCore.QSettings.Format.IniFormat, scope, folder)
