"""An engine that leaves the processor to the shell when both want it: views turn smoothly while it computes."""

from __future__ import annotations

import os
from typing import Any

from ..engine import Engine
from ..engines import Precision, open_engine

STEPS_BEHIND = 10
"""Of the system's priorities: the engine takes whatever the shell does not use."""


def open_politely(model: str, device: str, precision: Precision = "auto", **options: Any) -> Engine:
    """Called in the engine's own process: put it behind the person's, and load a model there.

    Args:
        model: name or path of the weights.
        device: where to compute.
        precision: see ``engines.open_engine``.
        options: likewise.

    Raises:
        ModelError: see ``engines.open_engine``.
    """
    if hasattr(os, "nice"):  # Windows has other words for it
        os.nice(STEPS_BEHIND)
    return open_engine(weights=model, device=device, precision=precision, **options)
