"""From a name of weights and a wish for a device to a running engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ...errors import ModelError
from ...models import store
from ...models.registry import CT_SPECIFICATION
from ...models.specification import ModelSpecification
from ..choice import Choice, choose
from .backend import Backend, TorchBackend
from .engine import Options, Vista3DEngine
from .network import FULL
from .runner import Runner, batch_for
from .weights import LoadedModel, load_model


def open_vista3d(weights: str | Path, device: str, precision: str, **options: Any) -> Vista3DEngine:
    """See ``engines.open_engine``."""
    file = store.find(weights)
    known = file.for_vista3d()
    choice = choose(device, precision)
    model = load_model(file.path, file.sha256)
    specification = _specification(model, known, file.path.name)
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
