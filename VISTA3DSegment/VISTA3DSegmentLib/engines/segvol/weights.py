"""Model files of SegVol: every published layout in, one strictly loaded network out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ...errors import ModelError
from ...models.header import DAMAGED_REMEDY
from ...models.segvol_specification import SegVolSpecification
from ..weight_files import checked_sha256, fill, read_tensors, without_prefix
from .network import SegVolNetwork, SegVolShape, build_network, shape_of

Tensor = torch.Tensor

PREFIXES = ("module.", "model.")
TABLE = "text_table.weight"
"""Name of the table of texts in the files that we write."""
CLIP = "text_encoder.clip_text_model."
RENAMED = {
    f"mask_decoder.transformer.layers.{layer}.mlp.lin{n}.": f"mask_decoder.transformer.layers.{layer}.mlp.linear{n}."
    for layer in range(2)
    for n in (1, 2)
}
"""SAM calls the layers of the transformer's MLP ``lin``, MONAI ``linear``."""
POSITION_IDS = f"{CLIP}text_model.embeddings.position_ids"
"""A list of 0, 1, 2 ..., which newer versions of transformers no longer write."""


@dataclass(frozen=True, eq=False)
class LoadedSegVol:
    """A network with its weights, and what it expects.

    Args:
        network: in evaluation mode, float32, on the CPU.
        shape: its widths and depths.
        specification: from the file's header, or the one that was given.
        table: (texts, width), float32: a vector for each text of the specification; None: the file has none.
        sha256: of the file: the model's identity.
    """

    network: SegVolNetwork
    shape: SegVolShape
    specification: SegVolSpecification
    table: Tensor | None
    sha256: str


def load_segvol(path: Path, published: SegVolSpecification, expected_sha256: str | None = None) -> LoadedSegVol:
    """Read a model file: ``.safetensors``, ``.bin``, ``.pt`` or ``.pth``; of the authors in any form, or ours.

    Args:
        path: the file.
        published: what a file expects that does not say so itself.
        expected_sha256: checked before the file is opened.

    Raises:
        ModelError: missing, damaged, hostile, another network, or not the expected file.
    """
    sha256 = checked_sha256(path, expected_sha256)
    tensors, found = read_tensors(path)
    if found is not None and not isinstance(found, SegVolSpecification):
        raise ModelError(f"The model file {path.name} is VISTA3D's, not SegVol's.", "Choose it as VISTA3D's model.")
    specification = found or published
    state = canonical_state(tensors)
    table = state.pop(TABLE, None)
    shape = shape_of(state, specification.window, specification.matching_axes)
    rows = 0 if table is None else len(table)
    if table is not None and tuple(table.shape) != (len(specification.texts), shape.width):
        raise ModelError(
            f"The model file {path.name} names {len(specification.texts)} texts and holds {rows}.", DAMAGED_REMEDY
        )
    with torch.device("meta"):
        network = build_network(shape)
    network = fill(network, state, path.name, "SegVol")
    return LoadedSegVol(network, shape, specification, None if table is None else table.float(), sha256)


def canonical_state(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Tensors under this package's key names, whatever version of transformers and of the authors' code wrote them."""
    state = {_renamed(name): tensor for name, tensor in without_prefix(tensors, PREFIXES).items()}
    positions = state.get(f"{CLIP}text_model.embeddings.position_embedding.weight")
    if positions is not None and POSITION_IDS not in state:
        state[POSITION_IDS] = torch.arange(len(positions))[None]
    return state


def _renamed(name: str) -> str:
    if name.startswith(CLIP) and not name.startswith(f"{CLIP}text_model."):
        name = f"{CLIP}text_model.{name.removeprefix(CLIP)}"  # transformers 5 leaves a level out
    for old, new in RENAMED.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name
