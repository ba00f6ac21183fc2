"""Every published layout of the weights is read, strictly, and nothing in a file is ever run."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from engine_builders import SHAPE, specification, tiny_network
from safetensors.torch import save_file
from shared_data import shared
from VISTA3DSegmentLib.engines.vista3d import weights
from VISTA3DSegmentLib.engines.vista3d.network import FULL, NetworkShape, build_network, shape_of
from VISTA3DSegmentLib.engines.vista3d.weights import canonical_state, load_model
from VISTA3DSegmentLib.engines.weight_files import save_model
from VISTA3DSegmentLib.errors import ModelError

State = dict[str, Any]


def state() -> State:
    return dict(tiny_network().state_dict())


def prefixed(prefix: str) -> State:
    return {prefix + name: tensor for name, tensor in state().items()}


def of_monai_1_3() -> State:
    """The research network: other names in the transformer, and parts that nothing uses."""
    old = {name.replace(".mlp.linear", ".mlp.lin"): tensor for name, tensor in state().items()}
    assert len(old.keys() - state().keys()) == 8
    dead = "point_head.output_add_hypernetworks_mlps"
    return old | {"weight_mapper.0.weight": torch.zeros(3, 3), f"{dead}.0.layers.0.weight": torch.zeros(8, 8)}


LAYOUTS: dict[str, Callable[[], Any]] = {
    "raw": state,
    "with the prefix of Hugging Face": lambda: prefixed("network."),
    "with the prefix of data-parallel training": lambda: prefixed("module."),
    "with two prefixes": lambda: prefixed("module.network."),
    "of MONAI 1.3": of_monai_1_3,
    "of MONAI 1.3 with a prefix": lambda: {f"module.{name}": tensor for name, tensor in of_monai_1_3().items()},
    "in half precision": lambda: {name: tensor.half() for name, tensor in state().items()},
}
WRAPPED: dict[str, Callable[[], Any]] = {
    "wrapped as model": lambda: {"model": state()},
    "wrapped as state_dict, beside other things": lambda: {"epoch": 3, "state_dict": state(), "lr": 1e-5},
    "wrapped as network": lambda: {"network": prefixed("network.")},
}


def assert_is_the_network(network: Any) -> None:
    assert not network.training
    expected = state()
    assert network.state_dict().keys() == expected.keys()
    for name, tensor in network.state_dict().items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, expected[name], atol=2e-3, rtol=0)  # half precision's rounding


@pytest.mark.parametrize("layout", LAYOUTS | WRAPPED)
def test_a_pt_file_is_read(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "model.pt"
    torch.save((LAYOUTS | WRAPPED)[layout](), path)
    model = load_model(path)
    assert_is_the_network(model.network)
    assert model.shape == SHAPE
    assert model.specification is None
    assert model.sha256 == sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_safetensors_file_is_read(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "model.safetensors"
    save_file({name: tensor.clone() for name, tensor in LAYOUTS[layout]().items()}, path)
    assert_is_the_network(load_model(path).network)


def test_what_is_saved_comes_back_with_its_specification(tmp_path: Path) -> None:
    path = tmp_path / "ours.safetensors"
    save_model(state(), specification(blending="gaussian"), path)
    model = load_model(path)
    assert_is_the_network(model.network)
    assert model.specification == specification(blending="gaussian")
    assert [file.name for file in tmp_path.iterdir()] == ["ours.safetensors"]


def test_the_loaded_network_answers_as_the_saved_one(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save(of_monai_1_3(), path)
    image = torch.rand(1, 1, 8, 8, 8)
    with torch.inference_mode():
        answers = [
            network(image, class_vector=torch.tensor([[1], [3]]))
            for network in (load_model(path).network, tiny_network())
        ]
    torch.testing.assert_close(answers[0], answers[1], atol=0, rtol=0)


# ---------------------------------------------------------------------- what is refused


ONE = "point_head.mask_tokens.weight"


@pytest.mark.parametrize(
    ("spoilt", "complaint"),
    [
        (lambda: {name: tensor for name, tensor in state().items() if name != ONE}, f"lacks {ONE}"),
        (lambda: state() | {"decoder.extra": torch.zeros(1)}, "unknown decoder.extra"),
        (lambda: state() | {ONE: torch.zeros(1, 9)}, f"another size {ONE}"),
        (lambda: state() | {ONE: torch.full((1, 8), float("nan"))}, f"not numbers, in {ONE}"),
        (lambda: state() | {ONE: torch.full((1, 8), float("inf"))}, f"not numbers, in {ONE}"),
        (
            lambda: {f"strange.{name}": tensor for name, tensor in state().items()},
            "does not hold the weights of a VISTA3D",
        ),
        (dict, "does not hold the weights of a VISTA3D"),
        (lambda: {"state_dict": [1, 2]}, "table of tensors"),
        (lambda: [torch.zeros(1)], "table of tensors"),
        (lambda: state() | {"image_encoder.encoder.conv_init.weight": torch.tensor(1.0)}, "VISTA3D"),
    ],
    ids=["missing", "extra", "misshapen", "NaN", "infinite", "other prefix", "empty", "list inside", "list", "scalar"],
)
def test_a_file_that_does_not_fit_is_refused_with_the_reason(
    tmp_path: Path, spoilt: Callable[[], Any], complaint: str
) -> None:
    path = tmp_path / "model.pt"
    torch.save(spoilt(), path)
    with pytest.raises(ModelError, match=complaint):
        load_model(path)


class Malicious:
    """What an attacker pickles: something that acts when it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"echo run > {self.mark}",)


@pytest.mark.parametrize("legacy", [False, True], ids=["inside torch's archive", "a bare pickle"])
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
def test_code_in_a_file_is_not_run(tmp_path: Path, suffix: str, legacy: bool) -> None:
    mark, path = tmp_path / "mark", tmp_path / f"model{suffix}"
    content = state() | {"surprise": Malicious(mark)}
    if legacy:
        path.write_bytes(pickle.dumps(Malicious(mark), protocol=2))
    else:
        torch.save(content, path)
    assert not mark.exists()
    with pytest.raises(ModelError):
        load_model(path)
    assert not mark.exists()


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.999])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_truncated_file_is_called_damaged(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"model{suffix}"
    if suffix == ".pt":
        torch.save(state(), path)
    else:
        save_model(state(), specification(), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept if kept >= 1 else kept * len(content))])
    with pytest.raises(ModelError, match="damaged"):
        load_model(path)


def test_a_bundles_json_or_archive_is_not_a_model(tmp_path: Path) -> None:
    bundle = json.dumps({"imports": ["$import os"], "network_def": {"_target_": "monai.networks.nets.vista3d132"}})
    (tmp_path / "inference.json").write_text(bundle)
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as archive:
        archive.writestr("configs/inference.json", bundle)
    for name in ("inference.json", "bundle.zip"):
        with pytest.raises(ModelError, match=name):
            load_model(tmp_path / name)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.pt"):
        load_model(tmp_path / "absent.pt")


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_file_with_another_hash_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(b"anything")

    def opened(path: Path) -> Any:
        raise AssertionError(f"opened {path}")

    monkeypatch.setattr(weights, "read_tensors", opened)
    with pytest.raises(ModelError, match="SHA-256 differs"):
        load_model(path, expected_sha256="0" * 64)
    with pytest.raises(AssertionError, match="opened"):
        load_model(path, expected_sha256=sha256(b"anything").hexdigest())


# ---------------------------------------------------------------------- width and depth


def test_the_full_network_has_the_published_keys_and_shapes() -> None:
    published = json.loads(shared("reference/vista3d_data/state_dict_keys.json").read_text())
    with torch.device("meta"):
        network = build_network(FULL)
    ours = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    assert ours == published
    assert len(ours) == 259


@pytest.mark.parametrize(
    "shape", [SHAPE, FULL, NetworkShape(16, 24, (1, 2, 2), 133), NetworkShape(8, 16, (1, 1, 1, 1), 512)]
)
def test_width_and_depth_are_read_off_the_tensors(shape: NetworkShape) -> None:
    with torch.device("meta"):
        network = build_network(shape)
    assert shape_of(canonical_state(network.state_dict())) == shape
