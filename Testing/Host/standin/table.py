"""What desktop Slicer has: the names, properties and signals of its classes, from ``api.json`` and ``beyond.json``."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
READ_ONLY = " (read only)"


@dataclass(frozen=True)
class Rows:
    """What one class answers in Slicer: names, Qt properties with types, signals and slots as signatures."""

    names: frozenset[str] = frozenset()
    properties: dict[str, str] = field(default_factory=dict)
    signals: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()

    def __or__(self, other: Rows) -> Rows:
        return Rows(
            self.names | other.names,
            self.properties | other.properties,
            self.signals + tuple(s for s in other.signals if s not in self.signals),
            self.slots + tuple(s for s in other.slots if s not in self.slots),
        )

    @property
    def signal_names(self) -> frozenset[str]:
        """The names of the signals, without arguments."""
        return frozenset(signature.partition("(")[0] for signature in self.signals)


@functools.cache
def table() -> dict[str, Rows]:
    """Return the rows by class: ``qt.QLabel``, ``ctk.ctkComboBox``, ``slicer.qMRMLWidget``, ``slicer.app``."""
    rows: dict[str, Rows] = {}
    for name in ("api.json", "beyond.json"):
        for cls, entry in json.loads((HERE / name).read_text(encoding="utf-8")).items():
            if cls.startswith("_"):
                continue
            entry = entry if isinstance(entry, dict) else {"python": entry}
            read = Rows(
                frozenset(entry.get("python", ())),
                dict(entry.get("properties", {})),
                tuple(entry.get("signals", ())),
                tuple(entry.get("slots", ())),
            )
            rows[cls] = rows.get(cls, Rows()) | read
    return rows


def qualified(class_name: str) -> str:
    """Return under which name the table knows a Qt class: ``ctkComboBox`` -> ``ctk.ctkComboBox``."""
    return {"q": "slicer.", "c": "ctk.", "Q": "qt."}.get(class_name[0], "?") + class_name


def known(class_name: str) -> bool:
    """Tell whether desktop Slicer has a class of that name."""
    return qualified(class_name) in table()


def normalised(signature: str) -> str:
    """Return a signature as Qt compares it: no blanks, ``const`` and ``&`` of arguments dropped."""
    name, _, arguments = signature.partition("(")
    arguments = arguments.rstrip().removesuffix(")")
    plain = [
        " ".join(a.replace("const ", "").replace("&", "").split()).replace(" *", "*") for a in arguments.split(",")
    ]
    return f"{name.strip()}({','.join(a for a in plain if a)})"
