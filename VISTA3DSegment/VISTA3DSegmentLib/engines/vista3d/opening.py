"""From a name of weights and a wish for a device to a running engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from ...errors import ModelError
from ...models import store
from ...models.registry import CT_SPECIFICATION
from ...models.specification import ModelSpecification
from .backend import Backend, Precision, TorchBackend
from .engine import Options, Vista3DEngine
from .network import FULL
from .runner import Runner, batch_for
from .weights import LoadedModel, load_model


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
    from ..processor import processor_has_bf16
    from .openvino_backend import openvino_is_installed

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


def open_vista3d(weights: str | Path, device: str, precision: str, **options: Any) -> Vista3DEngine:
    """See ``engines.open_engine``."""
    file = store.find(weights)
    choice = choose(device, precision)
    model = load_model(file.path, file.sha256)
    specification = _specification(model, file.known.specification if file.known else None, file.path.name)
    if "keep_half" not in options:
        options["keep_half"] = choice.precision != "fp32"
    backend, fallback = _backends(model, choice)
    batch = 1
    if choice.device.startswith("cuda"):
        free, _ = torch.cuda.mem_get_info(choice.device)
        batch = batch_for(free, specification.window, model.shape.feature_size)
    identity = f"{model.sha256} {choice}"
    return Vista3DEngine(
        Runner(backend, batch, fallback), specification, identity, Options(**options), model.shape.feature_size
    )


def _backends(model: LoadedModel, choice: Choice) -> tuple[Backend, Callable[[], Backend] | None]:
    if choice.library != "torch":
        from .openvino_backend import OpenVinoBackend

        encoder = TorchBackend(model.network) if choice.library == "both" else None
        return OpenVinoBackend(model.network, choice.precision, encoder=encoder), None
    backend = TorchBackend(model.network, choice.device, choice.precision)
    if choice.device == "cpu":
        return backend, None
    return backend, lambda: TorchBackend(model.network, "cpu", "fp32")


def _specification(model: LoadedModel, known: ModelSpecification | None, name: str) -> ModelSpecification:
    if model.specification is not None:
        return model.specification
    if known is not None:
        return known
    if model.shape == FULL:
        return CT_SPECIFICATION  # NVIDIA's CT weights under a name of the user's own
    raise ModelError(
        f"The model file {name} does not say what it expects of an image.",
        "Use a file that this program wrote, or NVIDIA's published one.",
    )
