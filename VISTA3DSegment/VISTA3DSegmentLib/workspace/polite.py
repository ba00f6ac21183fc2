"""An engine that leaves the processor to the page when both want it: views turn smoothly while an organ is computed."""

from __future__ import annotations

import os

from ..engine import Engine
from ..engines import open_engine

STEPS_BEHIND = 10
"""Of the system's priorities: the engine takes whatever the page does not use."""


def open_politely(model: str, device: str) -> Engine:
    """Called in the engine's own process: put it behind the page's, and load a model there.

    Args:
        model: name or path of the weights.
        device: where to compute.

    Raises:
        ModelError: see ``engines.open_engine``.
    """
    if hasattr(os, "nice"):  # Windows has other words for it
        os.nice(STEPS_BEHIND)
    return open_engine(weights=model, device=device)
