"""Which model runs where: a choice of this computer's, kept in the application's settings and not in the scene."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from ..engines import DEFAULT_WEIGHTS
from ..service import ChildProcess
from ..workspace.polite import open_politely

GROUP = "VISTA3DSegment"
MIB = 1 << 20


@dataclass(frozen=True)
class EngineChoice:
    """See the module.

    Args:
        model: name of the weights of VISTA3D.
        device: where they run.
        precision: of the computation.
        memory_mb: budget of what is kept of the scan for fast clicks, in MiB.
        segvol: name of the weights of SegVol.
    """

    model: str = DEFAULT_WEIGHTS["vista3d"]
    device: str = "auto"
    precision: str = "auto"
    memory_mb: int = 2048
    segvol: str = DEFAULT_WEIGHTS["segvol"]

    @classmethod
    def read(cls, settings: Any) -> EngineChoice:
        """The choice that was made last.

        Args:
            settings: QSettings of the application.
        """
        usual = cls()
        return cls(
            str(settings.value(f"{GROUP}/model", usual.model)),
            str(settings.value(f"{GROUP}/device", usual.device)),
            str(settings.value(f"{GROUP}/precision", usual.precision)),
            int(settings.value(f"{GROUP}/memoryMB", usual.memory_mb)),
            str(settings.value(f"{GROUP}/segvol", usual.segvol)),
        )

    def write(self, settings: Any) -> None:
        """Keep the choice for the next time."""
        settings.setValue(f"{GROUP}/model", self.model)
        settings.setValue(f"{GROUP}/device", self.device)
        settings.setValue(f"{GROUP}/precision", self.precision)
        settings.setValue(f"{GROUP}/memoryMB", self.memory_mb)
        settings.setValue(f"{GROUP}/segvol", self.segvol)

    def start(self, python: str | None) -> ChildProcess:
        """Start an engine in a process of its own.

        Args:
            python: the interpreter to run; None: this one.
        """
        make_engine = partial(
            open_politely,
            self.model,
            self.device,
            self.precision,  # type: ignore[arg-type]  # a precision that is none is refused there, with a sentence
            segvol=self.segvol,
            cache_bytes=self.memory_mb * MIB,
        )
        return ChildProcess(make_engine, python=python)
