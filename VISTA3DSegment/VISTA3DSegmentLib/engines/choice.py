"""Where a model will run: which library, device and precision."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch

from ..errors import ModelError
from .processor import processor_has_bf16

Precision: TypeAlias = Literal["fp32", "bf16", "fp16"]

DTYPES: dict[str, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def openvino_is_installed() -> bool:
    """Whether OpenVINO can be used; imports nothing."""
    return importlib.util.find_spec("openvino") is not None


@dataclass(frozen=True)
class Choice:
    """Where and how a model will run.

    Args:
        library: "torch", "openvino", or "both": PyTorch encodes windows, exactly as the reference does, and OpenVINO
            answers clicks.
        device: as torch names it.
        precision: of the computation.
    """

    library: Literal["torch", "openvino", "both"]
    device: str
    precision: Precision

    def __str__(self) -> str:
        name = {"torch": "PyTorch", "openvino": "OpenVINO", "both": "PyTorch and OpenVINO"}[self.library]
        return f"{name} on {self.device}, {self.precision}"


def choose(device: str = "auto", precision: str = "auto") -> Choice:
    """The best there is for a wish.

    On a CPU OpenVINO runs the network, where it is installed: in bfloat16 if the processor computes with it. Who asks
    for float32 wants the reference's labels: then PyTorch encodes. On GPUs PyTorch does all, in half precision.

    Raises:
        ModelError: the device is not there, or cannot compute in that precision.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    kind = device.split(":")[0]
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(kind, False):
        raise ModelError(f"This computer has no device {device} that PyTorch can use.", "Choose device auto or cpu.")
    if kind != "cpu":
        return Choice("torch", device, "fp16" if precision == "auto" else _precision(precision))
    if precision == "fp16":
        raise ModelError("CPUs do not compute in fp16.", "Choose precision auto, fp32 or bf16.")
    library: Literal["torch", "openvino", "both"] = "openvino" if openvino_is_installed() else "torch"
    if library == "openvino" and precision == "fp32":
        library = "both"
    # PyTorch's bfloat16 on CPUs is slower than its float32 unless the processor multiplies matrices in it (measured).
    best: Precision = "bf16" if library == "openvino" and processor_has_bf16() else "fp32"
    return Choice(library, device, best if precision == "auto" else _precision(precision))


def _precision(word: str) -> Precision:
    if word in ("fp32", "bf16", "fp16"):
        return word  # type: ignore[return-value]  # just checked
    raise ModelError(f"There is no precision called {word}.", "Choose auto, fp32, bf16 or fp16.")
