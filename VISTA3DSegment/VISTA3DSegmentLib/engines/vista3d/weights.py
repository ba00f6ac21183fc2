"""Model files: every published layout in, one strictly loaded network out; and the form in which we write them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ModelError
from ...models.specification import DAMAGED_REMEDY, METADATA_KEY, ModelSpecification, specification_of
from .network import NetworkShape, build_network, shape_of

WRAPPERS = ("model", "state_dict", "network")
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
    if not path.is_file():
        raise ModelError(f"There is no model file {path}.", "See what is there with: vista3dsegment models list.")
    sha256 = _sha256_of(path)
    if expected_sha256 is not None and sha256 != expected_sha256:
        raise ModelError(f"The model file {path.name} is not the published one: its SHA-256 differs.", DAMAGED_REMEDY)
    if path.suffix == ".safetensors":
        tensors, specification = _read_safetensors(path)
    else:
        tensors, specification = _read_pickle(path), None
    state = canonical_state(tensors)
    shape = shape_of(state)
    return LoadedModel(_filled(shape, state, path.name), shape, specification, sha256)


def save_model(state: Mapping[str, Any], specification: ModelSpecification, path: Path) -> None:
    """Write a model as safetensors with its specification in the header; the file appears complete or not at all."""
    from safetensors.torch import save_file

    partial = path.with_suffix(".part")
    tensors = {name: tensor.contiguous() for name, tensor in state.items()}
    save_file(tensors, partial, metadata={METADATA_KEY: specification.to_json()})
    partial.chmod(0o644)  # safetensors makes files that nobody else may read
    partial.replace(path)


def canonical_state(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Tensors under the key names of MONAI 1.4 and later, without the dead parts of the research network."""
    names = list(tensors)
    for prefix in PREFIXES:
        if names and all(name.startswith(prefix) for name in names):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
            names = list(tensors)
    return {_renamed(name): tensor for name, tensor in tensors.items() if not name.startswith(DEAD)}


def _renamed(name: str) -> str:
    for old, new in RENAMED.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name


def _sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()


def _read_safetensors(path: Path) -> tuple[dict[str, Any], ModelSpecification | None]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    specification = specification_of(path)
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"The model file {path.name} is damaged ({error}).", DAMAGED_REMEDY) from error
    return tensors, specification


def _read_pickle(path: Path) -> dict[str, Any]:
    import pickle

    import torch

    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"The model file {path.name} is damaged, or holds more than weights and was not run.", DAMAGED_REMEDY
        ) from error
    for wrapper in WRAPPERS:
        if isinstance(loaded, dict) and isinstance(loaded.get(wrapper), dict):
            loaded = loaded[wrapper]
            break
    if not isinstance(loaded, dict) or not all(isinstance(value, torch.Tensor) for value in loaded.values()):
        raise ModelError(f"The model file {path.name} does not hold a table of tensors.", DAMAGED_REMEDY)
    return loaded


def _filled(shape: NetworkShape, state: dict[str, Any], name: str) -> Any:
    import torch

    with torch.device("meta"):
        network = build_network(shape)
    expected = network.state_dict()
    missing, unknown = sorted(expected.keys() - state.keys()), sorted(state.keys() - expected.keys())
    misshapen = sorted(key for key in expected.keys() & state.keys() if expected[key].shape != state[key].shape)
    for what, keys in (("lacks", missing), ("holds the unknown", unknown), ("has in another size", misshapen)):
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise ModelError(f"The model file {name} does not fit VISTA3D: it {what} {keys[0]}{more}.", DAMAGED_REMEDY)
    bad = next((key for key, tensor in state.items() if not bool(torch.isfinite(tensor).all())), None)
    if bad is not None:
        raise ModelError(f"The model file {name} holds values that are not numbers, in {bad}.", DAMAGED_REMEDY)
    network.load_state_dict({key: tensor.float() for key, tensor in state.items()}, assign=True)
    return network.eval().requires_grad_(False)
