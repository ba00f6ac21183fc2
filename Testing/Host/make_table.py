"""Write ``api.json``: what desktop Slicer answers about the classes that the module and the stand-in use.

The source is ``slicer_api.json``, a table that a running Slicer 5.13 wrote about itself. Taken are those of its classes
which the module's code names as ``qt.X``, ``ctk.X`` or ``slicer.qX``, those which its .ui files use, and those
which the stand-in always shows (``base_classes.txt``). Call it from the root: ``python Testing/Host/make_table.py``.
"""

from __future__ import annotations

import ast
import json
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TABLE = HERE / "api.json"
SOURCES = (ROOT / "VISTA3DSegment", HERE / "Example", HERE / "standin")
KINDS = ("python", "properties", "signals", "slots")
BASE = tuple((HERE / "base_classes.txt").read_text(encoding="utf-8").split())


def names_in_code(source: str) -> set[str]:
    """Return the classes that Python code names: ``qt.X``, ``ctk.X`` and ``slicer.qX``."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in ("qt", "ctk"):
                found.add(f"{node.value.id}.{node.attr}")
            elif node.value.id == "slicer" and node.attr.startswith(("qMRML", "qSlicer")):
                found.add(f"slicer.{node.attr}")
    return found


def names_in_ui(path: Path) -> set[str]:
    """Return the classes of the widgets and layouts in a .ui file, as the table calls them."""
    root = ElementTree.parse(path).getroot()
    return {qualified(str(node.get("class"))) for tag in ("widget", "layout") for node in root.iter(tag)}


def qualified(class_name: str) -> str:
    """Return under which name the table knows a Qt class: ``QLabel`` -> ``qt.QLabel``."""
    prefixes = {"q": "slicer.", "c": "ctk.", "Q": "qt."}
    return prefixes[class_name[0]] + class_name


def files(ending: str, folders: Iterable[Path] = SOURCES) -> Iterator[Path]:
    """Yield the files with that ending which the module and the example consist of, in a fixed order."""
    for folder in folders:
        yield from sorted(folder.rglob(f"*{ending}"))


def wanted() -> set[str]:
    """Return every class whose rows belong in the table, if the real Slicer showed it."""
    names = set(BASE)
    for path in files(".py"):
        names |= names_in_code(path.read_text(encoding="utf-8"))
    for path in files(".ui"):
        names |= names_in_ui(path)
    return names


def select(whole: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the rows of the named classes. What a class has from QWidget or QObject is said once, at these."""
    table: dict[str, Any] = {"_about": whole["_about"]}
    for name in sorted(names):
        if name not in whole:
            continue
        rows = whole[name]
        if not isinstance(rows, dict):
            table[name] = rows
            continue
        row = {kind: rows[kind] for kind in KINDS if kind in rows}
        for base in ("qt.QWidget", "qt.QObject"):
            if name not in (base, "qt.QObject") and name.startswith("qt."):
                row = without(row, whole[base])
        table[name] = row
    return table


def without(row: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    """Return ``row`` without what ``base`` has too, if everything of ``base`` is there; else ``row`` unchanged."""
    if not set(base["python"]) <= set(row.get("python", ())):
        return row
    shorter: dict[str, Any] = {}
    for kind, entries in row.items():
        if isinstance(entries, dict):
            shorter[kind] = {key: value for key, value in entries.items() if base[kind].get(key) != value}
        else:
            shorter[kind] = [entry for entry in entries if entry not in base[kind]]
    return shorter


def written(table: dict[str, Any]) -> str:
    """Return the table as JSON, one line for each kind of row, so that a change can be read in a diff."""
    lines = []
    for name, rows in table.items():
        if isinstance(rows, dict):
            inner = ",\n".join(f"  {json.dumps(kind)}: {json.dumps(entries)}" for kind, entries in rows.items())
            lines.append(f" {json.dumps(name)}: {{\n{inner}\n }}")
        else:
            lines.append(f" {json.dumps(name)}: {json.dumps(rows)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def reference() -> Path | None:
    """Return where the whole table lies, beside the working copy, or None where only the repository is there."""
    path = ROOT.parent / "shared" / "reference" / "slicer_api.json"
    return path if path.is_file() else None


def made() -> str:
    """Return what ``api.json`` must contain now."""
    path = reference()
    if path is None:
        raise FileNotFoundError("The table of the running Slicer, slicer_api.json, is not beside this working copy.")
    return written(select(json.loads(path.read_text(encoding="utf-8")), wanted()))


if __name__ == "__main__":
    TABLE.write_text(made(), encoding="utf-8")
    sys.stdout.write(f"{TABLE.name}: {len(json.loads(TABLE.read_text(encoding='utf-8'))) - 1} classes\n")
