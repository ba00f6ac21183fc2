"""``PyTorchUtils``: the module of the PyTorch extension, without installing anything."""

# ruff: noqa: N802, N803 (the names are those of Qt and of Slicer)

from __future__ import annotations

import sys
import types
from typing import Any

import slicer

installed = False
"""Whether torch counts as installed in Slicer."""

asked: list[dict[str, Any]] = []
"""With what ``installTorch`` was called."""

succeeds = True
"""Whether an installation succeeds; it raises where it does not."""


class PyTorchUtilsLogic:
    """What the extension offers to others."""

    @staticmethod
    def torchInstalled() -> bool:
        """Tell whether torch is installed."""
        return installed

    def installTorch(
        self,
        askConfirmation: bool = False,
        forceComputationBackend: str | None = None,
        torchVersionRequirement: str | None = None,
    ) -> Any:
        """Install torch, after asking if that is wanted; return it, or None where the user says no."""
        question = (
            "PyTorch will be downloaded and installed using light-the-torch. The process might take some minutes."
        )
        ask = askConfirmation and not slicer.app.commandOptions().testingEnabled
        if ask and not slicer.util.confirmOkCancelDisplay(question):
            return None
        asked.append({"torchVersionRequirement": torchVersionRequirement, "backend": forceComputationBackend})
        if not succeeds:
            raise RuntimeError("PyTorch could not be installed (the test wants it so)")
        globals()["installed"] = True
        return types.ModuleType("torch")

    def importTorch(self) -> Any:
        """Return torch, which is installed where it is not."""
        return types.ModuleType("torch") if installed else self.installTorch()

    @property
    def torch(self) -> Any:
        """Return torch, which is installed where it is not."""
        return self.importTorch()

    def getDevice(self) -> str:
        """Return on what torch computes."""
        return "cpu"

    @property
    def cuda(self) -> bool:
        """Tell whether torch computes on a graphics card."""
        return False


def install() -> None:
    """Put ``PyTorchUtils`` into ``sys.modules``."""
    module: Any = types.ModuleType("PyTorchUtils", __doc__)
    module.PyTorchUtilsLogic = PyTorchUtilsLogic
    sys.modules["PyTorchUtils"] = module
