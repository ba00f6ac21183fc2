"""The engines: what turns prompts into masks. torch and MONAI are imported when one is opened, not before."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeAlias

from ..engine import Engine
from ..errors import ModelError

Device: TypeAlias = str
"""``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``."""
Precision: TypeAlias = Literal["auto", "fp32", "bf16", "fp16"]


def open_engine(
    name: str = "vista3d",
    weights: str | Path = "starter",
    device: Device = "auto",
    precision: Precision = "auto",
    **options: Any,
) -> Engine:
    """Load a model and make it ready to open volumes.

    Args:
        name: the system; "vista3d".
        weights: a name of ``models`` or the path of a file.
        device: where to run; "auto" takes the best that is there.
        precision: "auto" takes half precision where the processor computes with it.
        options: see ``engines.vista3d.engine.Options``.

    Raises:
        ModelError: no such system, weights that are missing or damaged, a device that is not there.
    """
    if name != "vista3d":
        raise ModelError(f"There is no engine called {name}.", "Use vista3d.")
    from .vista3d.opening import open_vista3d

    return open_vista3d(weights, device, precision, **options)


def describe_backend(device: Device = "auto", precision: Precision = "auto") -> str:
    """What ``open_engine`` would run on, in words: library, device, precision."""
    from .choice import choose

    return str(choose(device, precision))
