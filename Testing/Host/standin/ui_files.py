"""Loading .ui files: widgets of Qt by Qt itself, those of CTK and Slicer by the stand-in's own, everything checked.

Qt would pass over what it does not know: a class becomes a plain QWidget, a misspelt property a dynamic one, a wrong
connection a line on the console. Here each of them raises, with the file and the widget.
"""

# ruff: noqa: N802 (the names are those of Qt and of Slicer)

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtUiTools, QtWidgets

from . import signals
from .border import proxy_of
from .enums import EnumValue, members_of
from .natives import widgets
from .proxies import Property, all_signals, made_for
from .table import known, normalised, qualified, table

UNKNOWN = "if it has, run make_table.py or add it to beyond.json"


class UiFileError(RuntimeError):
    """A .ui file names what desktop Slicer does not have."""


class QUiLoader(QtUiTools.QUiLoader):
    """Qt's loader, which makes CTK's and Slicer's widgets as the designer plugins of these do."""

    def createWidget(self, class_name: str, parent: Any = None, name: str = "") -> QtWidgets.QWidget:
        """Make a widget by the name of its class."""
        own = widgets().get(class_name)
        if own is None:
            return super().createWidget(class_name, parent, name)
        widget = own(parent) if parent is not None else own()
        widget.setObjectName(name)
        return widget

    def load(self, source: Any, parent: Any = None) -> QtWidgets.QWidget:
        """Load a file that is open, or by its path.

        Raises:
            UiFileError: the file names a class, property, signal or slot that desktop Slicer lacks.
        """
        if isinstance(source, QtCore.QFile):
            name, content = source.fileName(), bytes(source.readAll().data())
        else:
            name, content = str(source), Path(source).read_bytes()
        if not content:
            raise UiFileError(f"{name}: nothing could be read; was the file opened?")
        root = ElementTree.fromstring(content)
        check(root, name)
        later = take_out(root)
        connections = take_connections(root)
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(root))
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        widget = super().load(buffer, parent)
        if widget is None:
            raise UiFileError(f"{name}: Qt could not load it: {self.errorString()}")
        for object_name, properties in later:
            set_properties(find(widget, object_name, name), properties)
        for connection in connections:
            make_connection(widget, connection, name)
        return widget


def check(root: ElementTree.Element, name: str) -> None:
    """Raise a sentence for a widget's class or property that desktop Slicer lacks."""
    for node in root.iter("widget"):
        class_name = str(node.get("class"))
        where = f"{name}: {class_name} '{node.get('name')}'"
        if class_name[0] in "qc" and class_name not in widgets():
            reason = (
                "the stand-in has not: add it there" if known(class_name) else f"desktop Slicer has not ({UNKNOWN})"
            )
            raise UiFileError(f"{where}: a class that {reason}.")
        native = widgets().get(class_name) or getattr(QtWidgets, class_name, None)
        if native is None:
            raise UiFileError(f"{where}: Qt has no such class.")
        for entry in node.findall("property"):
            label = str(entry.get("name"))
            if entry.get("stdset") == "0" or not known(class_name):
                continue
            if property_of(native, label) is None and label not in ("objectName",):
                raise UiFileError(f"{where} has no property '{label}' in desktop Slicer.")


def property_of(native: type, label: str) -> Property | None:
    """Return the property of a class's proxy, or None."""
    found = getattr(made_for(native), label, None) if label in dir(made_for(native)) else None
    return found if isinstance(found, Property) else None


def take_out(root: ElementTree.Element) -> list[tuple[str, list[ElementTree.Element]]]:
    """Remove from the file, and return, the properties that only the stand-in's own widgets know, by object name."""
    later = []
    for node in root.iter("widget"):
        own = widgets().get(str(node.get("class")))
        if own is None:
            continue
        native = next(c for c in own.__mro__ if c.__module__.startswith("PySide6"))
        plain = native.staticMetaObject
        entries = [
            e
            for e in node.findall("property")
            if e.get("stdset") != "0" and plain.indexOfProperty(str(e.get("name"))) < 0
        ]
        for entry in entries:
            node.remove(entry)
        if entries:
            later.append((str(node.get("name")), entries))
    return later


def take_connections(root: ElementTree.Element) -> list[ElementTree.Element]:
    """Remove the connections from the file, and return them."""
    found = []
    for group in root.findall("connections"):
        found += group.findall("connection")
        root.remove(group)
    return found


def find(widget: QtWidgets.QWidget, object_name: str, name: str) -> Any:
    """Return the object of that name in a loaded file."""
    found = widget if widget.objectName() == object_name else widget.findChild(QtCore.QObject, object_name)
    if found is None:
        raise UiFileError(f"{name}: there is no object '{object_name}'.")
    return found


def set_properties(native: Any, entries: list[ElementTree.Element]) -> None:
    """Set properties of a widget of the stand-in as Slicer's Python would."""
    proxy = proxy_of(native)
    for entry in entries:
        setattr(proxy, str(entry.get("name")), value_of(entry[0], type(native)))


def value_of(node: ElementTree.Element, native: type) -> Any:
    """Return the value that a property has in a file."""
    text = node.text or ""
    if node.tag == "bool":
        return text.strip() == "true"
    if node.tag == "number":
        return int(text)
    if node.tag in ("double", "float"):
        return float(text)
    if node.tag == "stringlist":
        return [child.text or "" for child in node.findall("string")]
    if node.tag in ("enum", "set"):
        return enum_of(text, native)
    if node.tag == "color":
        return proxy_of(QtGui_QColor(*(int(node.findtext(part, "0")) for part in ("red", "green", "blue"))))
    return text


def QtGui_QColor(*parts: int) -> Any:
    """Return a colour."""
    from PySide6 import QtGui

    return QtGui.QColor(*parts)


def enum_of(text: str, native: type) -> Any:
    """Return the value of ``A::B`` or ``A::B|A::C``: of the widget's own class, or of the class that the name gives."""
    combined: Any = None
    for part in text.split("|"):
        scope, _, label = part.rpartition("::")
        owner = native
        if label not in members_of(native):
            owner = QtCore.Qt if scope.startswith("Qt") else getattr(QtWidgets, scope.split("::")[0], native)
        if label not in members_of(owner):
            raise UiFileError(f"There is no enum value '{part}'.")
        value = EnumValue(members_of(owner)[label])
        combined = value if combined is None else combined | value
    return combined


def make_connection(widget: QtWidgets.QWidget, node: ElementTree.Element, name: str) -> None:
    """Connect a signal to a slot as the file says, both looked up in the table."""
    sender, receiver = (find(widget, node.findtext(tag, ""), name) for tag in ("sender", "receiver"))
    signal, slot = node.findtext("signal", ""), node.findtext("slot", "")
    source, target = proxy_of(sender), proxy_of(receiver)
    try:
        found = signals.looked_up(signal, all_signals(type(source)), source.className())
    except ValueError as error:
        raise UiFileError(f"{name}: {error}") from error
    slots = {normalised(s) for cls in type(target).__mro__ for s in slots_of(cls.__name__)}
    if normalised(slot) not in slots:
        raise UiFileError(f"{name}: {target.className()} '{receiver.objectName()}' has no slot '{slot}'.")
    signals.connect(sender, source.className(), found, getattr(target, slot.partition("(")[0]))


def slots_of(class_name: str) -> tuple[str, ...]:
    """Return the slots of a class, as signatures."""
    rows = table().get(qualified(class_name))
    return rows.slots if rows is not None else ()
