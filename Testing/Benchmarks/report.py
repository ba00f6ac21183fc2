"""What every benchmark prints: a table, then one JSON object; exit status 1 when a bar is missed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass
class Report:
    """The figures of one benchmark.

    Args:
        name: of the benchmark.
        title: of its table.
        columns: of its table.
    """

    name: str
    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    bars: dict[str, dict[str, Any]] = field(default_factory=dict)

    def row(self, *cells: object) -> None:
        """Add a line to the table; numbers are shown with three digits that matter."""
        self.rows.append([f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in cells])

    def bar(self, what: str, value: float, bar: float, at_least: bool = True) -> None:
        """A figure that an issue bounds."""
        holds = value >= bar if at_least else value <= bar
        self.bars[what] = {"value": value, "bar": bar, "holds": bool(holds)}

    def finish(self) -> int:
        """Print everything; the exit status."""
        table = Table(*self.columns, title=self.title)
        for row in self.rows:
            table.add_row(*row)
        Console(width=150).print(table)
        for what, bar in self.bars.items():
            print(f"{'holds' if bar['holds'] else 'FALLS SHORT'}: {what}: {bar['value']:.4g} (bar {bar['bar']:.4g})")
        print(json.dumps({"name": self.name, "figures": self.figures, "bars": self.bars}))
        return 0 if all(bar["holds"] for bar in self.bars.values()) else 1


def measure(script: str, *arguments: object) -> dict[str, Any]:
    """Run one side in a process of its own, so that its peak memory is its own; its last line is JSON."""
    command = [sys.executable, script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def shared(relative: str) -> Path:
    """A file of the project's shared data; ends the benchmark with a sentence where there is none."""
    path = Path(__file__).resolve().parents[3] / "shared" / relative
    if not path.exists():
        raise SystemExit(f"This benchmark needs the project's shared data: {relative}")
    return path
