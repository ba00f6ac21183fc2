"""Files of weights: read without running anything in them, fitted strictly into a network, written with a header."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ModelError
from ..models.header import DAMAGED_REMEDY, METADATA_KEY, Specification, specification_of

WRAPPERS = ("model", "state_dict", "network", "model_state_dict")
"""Keys under which publishers put the table of tensors in a file of a training."""


def checked_sha256(path: Path, expected_sha256: str | None) -> str:
    """A model file's SHA-256.

    Raises:
        ModelError: there is no such file, or it is not the expected one.
    """
    if not path.is_file():
        raise ModelError(f"There is no model file {path}.", "See what is there with: vista3dsegment models list.")
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    sha256 = digest.hexdigest()
    if expected_sha256 is not None and sha256 != expected_sha256:
        raise ModelError(f"The model file {path.name} is not the published one: its SHA-256 differs.", DAMAGED_REMEDY)
    return sha256


def read_tensors(path: Path) -> tuple[dict[str, Any], Specification | None]:
    """The tensors of a ``.safetensors`` or ``.pt``, ``.pth``, ``.bin`` file, and what its header says; None: nothing.

    Raises:
        ModelError: damaged, hostile, or no table of tensors.
    """
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    return _read_pickle(path), None


def without_prefix(tensors: Mapping[str, Any], prefixes: tuple[str, ...]) -> Mapping[str, Any]:
    """Tensors without the prefixes, tried in turn, that all of their names share."""
    for prefix in prefixes:
        if tensors and all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors


def fill(network: Any, state: Mapping[str, Any], name: str, system: str) -> Any:
    """Put tensors into a network that has none yet (on torch's meta device), each of its own and no other.

    Args:
        network: of torch.
        state: the tensors by the network's names.
        name: of the file.
        system: that the network is of, for messages.

    Returns:
        The network, in evaluation mode, float32, on the CPU.

    Raises:
        ModelError: a tensor is missing, unknown, of another size, or holds values that are not numbers.
    """
    import torch

    expected = network.state_dict()
    missing, unknown = sorted(expected.keys() - state.keys()), sorted(state.keys() - expected.keys())
    misshapen = sorted(key for key in expected.keys() & state.keys() if expected[key].shape != state[key].shape)
    for what, keys in (("lacks", missing), ("holds the unknown", unknown), ("has in another size", misshapen)):
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise ModelError(f"The model file {name} does not fit {system}: it {what} {keys[0]}{more}.", DAMAGED_REMEDY)
    bad = next((key for key, tensor in state.items() if not bool(torch.isfinite(tensor).all())), None)
    if bad is not None:
        raise ModelError(f"The model file {name} holds values that are not numbers, in {bad}.", DAMAGED_REMEDY)
    whole = {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in state.items()}
    network.load_state_dict(whole, assign=True)
    return network.eval().requires_grad_(False)


def save_model(state: Mapping[str, Any], specification: Specification, path: Path) -> None:
    """Write a model as safetensors with its specification in the header; the file appears complete or not at all."""
    from safetensors.torch import save_file

    partial = path.with_suffix(".part")
    tensors = {name: tensor.contiguous() for name, tensor in state.items()}
    save_file(tensors, partial, metadata={METADATA_KEY: specification.to_json()})
    partial.chmod(0o644)  # safetensors makes files that nobody else may read
    partial.replace(path)


def _read_safetensors(path: Path) -> tuple[dict[str, Any], Specification | None]:
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
