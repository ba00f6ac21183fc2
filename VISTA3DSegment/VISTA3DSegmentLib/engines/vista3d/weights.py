"""Model files of VISTA3D: every published layout in, one strictly loaded network out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ...errors import ModelError
from ...models.specification import ModelSpecification
from ..weight_files import checked_sha256, fill, read_tensors, without_prefix
from .network import NetworkShape, build_network, shape_of

PREFIXES = ("module.", "network.", "model.")
RENAMED = {
    f"point_head.transformer.layers.{layer}.mlp.lin{n}.": f"point_head.transformer.layers.{layer}.mlp.linear{n}."
    for layer in range(2)
    for n in (1, 2)
}
"""MONAI 1.3 called the layers of the transformer's MLP ``lin``, MONAI 1.4 and later ``linear``."""
DEAD = ("weight_mapper.", "point_head.output_add_hypernetworks_mlps.")
"""Parts of the research network that no inference uses; MONAI's network does not have them."""


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A network with its weights, and what it expects.

    Args:
        network: MONAI's ``VISTA3D`` in evaluation mode, float32, on the CPU.
        shape: its width and depth.
        specification: from the file's header; None if the file has none.
        sha256: of the file: the model's identity.
    """

    network: Any
    shape: NetworkShape
    specification: ModelSpecification | None
    sha256: str


def load_model(path: Path, expected_sha256: str | None = None) -> LoadedModel:
    """Read a model file: ``.safetensors`` or ``.pt``/``.pth``, of MONAI 1.3 or later, with or without a prefix.

    Args:
        path: the file.
        expected_sha256: checked before the file is opened.

    Raises:
        ModelError: missing, damaged, hostile, another network, or not the expected file.
    """
    sha256 = checked_sha256(path, expected_sha256)
    tensors, specification = read_tensors(path)
    if specification is not None and not isinstance(specification, ModelSpecification):
        raise ModelError(
            f"The model file {path.name} is one of SegVol, not of VISTA3D.", "Choose it as SegVol's model."
        )
    state = canonical_state(tensors)
    shape = shape_of(state)
    with torch.device("meta"):
        network = build_network(shape)
    return LoadedModel(fill(network, state, path.name, "VISTA3D"), shape, specification, sha256)


def canonical_state(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Tensors under the key names of MONAI 1.4 and later, without the dead parts of the research network."""
    plain = without_prefix(tensors, PREFIXES)
    return {_renamed(name): tensor for name, tensor in plain.items() if not name.startswith(DEAD)}


def _renamed(name: str) -> str:
    for old, new in RENAMED.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name
