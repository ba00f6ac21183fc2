"""How OpenVINO runs on a CPU, alike for both networks."""

from __future__ import annotations

from copy import deepcopy
from types import ModuleType
from typing import Any

import torch
from torch import nn

from ..errors import ModelError
from .choice import Precision

HINT = {"fp32": "f32", "bf16": "bf16"}
"""OpenVINO's names. The hint is always given: left alone, OpenVINO takes bfloat16 wherever the processor has it."""


def import_openvino() -> ModuleType:
    """OpenVINO.

    Raises:
        ModelError: it is not installed.
    """
    try:
        import openvino
    except ImportError as error:
        raise ModelError(
            "OpenVINO, which runs the network fast on processors, is not installed.",
            "Install it with: pip install 'vista3dsegment[cpu]'; or choose another device or precision.",
        ) from error
    return openvino


def settings_for(precision: Precision, threads: int | None) -> dict[str, Any]:
    """What a graph is compiled with.

    Args:
        precision: of the computation.
        threads: of the processor; None: as many as torch uses now.

    Raises:
        ModelError: OpenVINO does not compute in that precision.
    """
    if precision not in HINT:
        raise ModelError(f"OpenVINO does not compute in {precision} on CPUs.", "Choose precision fp32 or bf16.")
    return {
        "INFERENCE_PRECISION_HINT": HINT[precision],
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": threads or torch.get_num_threads(),
        # Pinned threads of two processes would share one core while others idle.
        "ENABLE_CPU_PINNING": False,
    }


def stored_in(dtype: torch.dtype, module: Any) -> Any:
    """The module itself, or a copy with its large tensors in half precision."""
    if dtype == torch.float32:
        return module
    large = [parameter for parameter in module.parameters() if parameter.dim() > 1]
    return deepcopy(module, {id(p): nn.Parameter(p.to(dtype), requires_grad=False) for p in large})
