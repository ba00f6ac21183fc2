"""An engine that leaves the processor to the shell when both want it: views turn smoothly while it computes."""

from __future__ import annotations

import os
from typing import Any

from ..engine import Engine
from ..engines import DEFAULT_WEIGHTS, Precision, open_together

STEPS_BEHIND = 10
"""Of the system's priorities: the engine takes whatever the shell does not use."""


def open_politely(
    model: str, device: str, precision: Precision = "auto", segvol: str = DEFAULT_WEIGHTS["segvol"], **options: Any
) -> Engine:
    """Called in the engine's own process: put it behind the person's, and load a model there.

    Args:
        model: name or path of VISTA3D's weights.
        device: where to compute.
        precision: see ``engines.open_together``.
        segvol: name or path of SegVol's weights, which are loaded when it is first asked.
        options: see ``engines.open_together``.

    Raises:
        ModelError: see ``engines.open_together``.
    """
    if hasattr(os, "nice"):  # Windows has other words for it
        os.nice(STEPS_BEHIND)
    return open_together(model, segvol, device, precision, **options)
