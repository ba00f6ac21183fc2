"""The table of names is what the running Slicer said, and everything that the module names is in it."""

from __future__ import annotations

import ast
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import make_table
import pytest
from standin.table import normalised, qualified, table

FOLDERS = (make_table.ROOT / "VISTA3DSegment", make_table.HERE / "Example")
CODE = [path for path in make_table.files(".py", FOLDERS) if "qt" in path.read_text(encoding="utf-8")]
UI = list(make_table.files(".ui", FOLDERS))


def all_names(kind: str) -> set[str]:
    """Return the signals, or the properties, of all classes in the table."""
    return {
        normalised(entry) if kind == "signals" else entry for rows in table().values() for entry in getattr(rows, kind)
    }


def test_table_is_what_the_program_writes():
    if make_table.reference() is None:
        pytest.skip("The table of the running Slicer is not beside this working copy.")
    assert make_table.TABLE.read_text(encoding="utf-8") == make_table.made()


def test_what_was_added_by_hand_says_what_proves_it():
    beyond = json.loads((make_table.HERE / "beyond.json").read_text(encoding="utf-8"))
    without = [name for name, rows in beyond.items() if not name.startswith("_") and not rows.get("source")]
    assert without == []


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.name)
def test_classes_in_code_are_those_of_slicer(path):
    unknown = make_table.names_in_code(path.read_text(encoding="utf-8")) - set(table())
    assert unknown == set(), f"{path.name} names what desktop Slicer has not, as far as the tables know."


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.name)
def test_signals_in_code_are_those_of_slicer(path):
    signals = {
        node.args[0].value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("connect", "disconnect")
        and len(node.args) == 2
        and isinstance(node.args[0], ast.Constant)
    }
    assert {s for s in signals if normalised(str(s)) not in all_names("signals")} == set()


@pytest.mark.parametrize("path", UI, ids=lambda path: path.name)
def test_ui_file_names_only_what_slicer_has(started, path):
    from standin.ui_files import check, slots_of

    root = ElementTree.parse(path).getroot()
    check(root, path.name)
    for connection in root.iter("connection"):
        assert normalised(connection.findtext("signal", "")) in all_names("signals")
        assert any(
            normalised(connection.findtext("slot", "")) == normalised(slot)
            for node in root.iter("widget")
            for slot in slots_of(str(node.get("class")))
        )


def test_qualified_names_tell_the_module():
    assert [qualified(name) for name in ("QLabel", "ctkComboBox", "qMRMLWidget")] == [
        "qt.QLabel",
        "ctk.ctkComboBox",
        "slicer.qMRMLWidget",
    ]


def test_selection_leaves_out_what_a_widget_has_from_qwidget():
    base = {"python": ["show", "hide"], "properties": {"enabled": "bool"}, "signals": [], "slots": []}
    label = {"python": ["hide", "show", "text"], "properties": {"enabled": "bool", "text": "QString"}}
    whole = {"_about": "", "qt.QWidget": base, "qt.QObject": {"python": ["x"]}, "qt.QLabel": label}
    assert make_table.select(whole, ["qt.QLabel"])["qt.QLabel"] == {
        "python": ["text"],
        "properties": {"text": "QString"},
    }


def test_program_finds_classes_in_code_and_ui(tmp_path):
    assert make_table.names_in_code("import qt\nqt.QLabel()\nslicer.qMRMLWidget\nslicer.vtkMRMLNode") == {
        "qt.QLabel",
        "slicer.qMRMLWidget",
    }
    ui = Path(tmp_path / "x.ui")
    ui.write_text('<ui><widget class="ctkComboBox"/><layout class="QVBoxLayout"/></ui>', encoding="utf-8")
    assert make_table.names_in_ui(ui) == {"ctk.ctkComboBox", "qt.QVBoxLayout"}
