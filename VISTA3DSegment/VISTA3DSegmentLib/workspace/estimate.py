"""What an automatic run will cost, before it is started: windows of the network, time and memory.

The time of a window is that of the last run of the same engine (model, device, precision) on this computer, if there
was one; else it is guessed from the size of the model and said to be rough.
"""

from __future__ import annotations

import json
import math
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..durations import duration
from ..engines.grid import ModelGrid
from ..engines.vista3d.windows import sweep
from ..models import store
from ..models.registry import CT_SPECIFICATION
from ..models.specification import ModelSpecification
from ..volume import Volume

FULL_BYTES, FULL_SECONDS, FULL_MEMORY = 872_000_000, 15.0, 4.0e9
"""The full network: size of its file; a window of 128 x 128 x 128 on two cores, and its memory (measured)."""
STARTER_SECONDS, STARTER_MEMORY = 4.0, 1.2e9
"""A model of a few megabytes, likewise."""
MEASURED_CORES = 2


@dataclass(frozen=True)
class Estimate:
    """What a run will cost.

    Args:
        windows: passes of the network.
        seconds: in all.
        memory_bytes: of the engine, at its peak.
        measured: the time of a window was measured on this computer.
    """

    windows: int
    seconds: float
    memory_bytes: float
    measured: bool

    def __str__(self) -> str:
        passes = f"{self.windows} window{'' if self.windows == 1 else 's'}"
        rough = "" if self.measured else ", a rough guess before the first run"
        return f"About {duration(max(1.0, self.seconds))} ({passes}{rough}), {self.memory_bytes / 1e9:.1f} GB of memory"


class Estimator:
    """Estimates runs of one model, and learns from those that were made.

    Args:
        model: name or path.
        home: folder where what was measured is kept.

    Raises:
        ModelError: there is no such model, its file is damaged, or it is one of SegVol.
    """

    def __init__(self, model: str, home: Path) -> None:
        file = store.find(model)
        self.specification = file.for_vista3d() or CT_SPECIFICATION
        self._is_full = file.path.stat().st_size > FULL_BYTES / 2
        self._path = home / "windows.json"
        self._known = self._read()

    def estimate(self, volume: Volume, identity: str) -> Estimate:
        """What a run over a whole volume will cost.

        Args:
            volume: the scan.
            identity: of the engine (``Ready.identity``); "" while it is not there: then nothing is measured.
        """
        windows, measured = windows_of(volume, self.specification), self._known.get(identity)
        memory = (FULL_MEMORY if self._is_full else STARTER_MEMORY) + 2 * volume.array.nbytes
        seconds = measured or self._guess()
        return Estimate(windows, windows * seconds, memory, measured is not None)

    def learn(self, identity: str, seconds_of_a_window: float) -> None:
        """An engine made a run: remember how long a window took; on a full disk until the end of the program."""
        self._known = {**self._read(), identity: seconds_of_a_window}
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps(self._known), encoding="utf-8")

    def _guess(self) -> float:
        share = math.prod(self.specification.window) / 128**3
        return (FULL_SECONDS if self._is_full else STARTER_SECONDS) * share * MEASURED_CORES / (os.cpu_count() or 1)

    def _read(self) -> dict[str, float]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(key): float(value) for key, value in known.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}


def windows_of(volume: Volume, model: ModelSpecification) -> int:
    """Passes of the network over a whole volume; fewer if much of it is air."""
    whole = ModelGrid(volume, model.spacing_mm).whole
    return len(sweep(whole, whole, model.window, model.overlap))
