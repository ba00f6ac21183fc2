"""SegVol's network against what the published reference computed with the same weights, and its files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name for it)
from safetensors.torch import save_file
from segvol_builders import TINY, published_state, specification, tiny_network
from shared_data import shared
from VISTA3DSegmentLib.engines.segvol.backend import TorchBackend, WindowPrompts
from VISTA3DSegmentLib.engines.segvol.network import FULL, build_network
from VISTA3DSegmentLib.engines.segvol.texts import Texts, text_tower
from VISTA3DSegmentLib.engines.segvol.weights import LoadedSegVol, load_segvol
from VISTA3DSegmentLib.engines.vista3d.weights import load_model
from VISTA3DSegmentLib.engines.weight_files import save_model
from VISTA3DSegmentLib.errors import ModelError
from VISTA3DSegmentLib.models.registry import SEGVOL_SPECIFICATION
from VISTA3DSegmentLib.models.segvol_texts import segvol_texts

Tensor = torch.Tensor

POINT = (torch.tensor([[16.0, 128, 128]]), torch.tensor([1]))
BOX = torch.tensor([5.0, 50, 60, 25, 200, 190])
NO_BOX = torch.full((6,), -1.0)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadedSegVol]:
    """The full network from a file as its authors publish it."""
    path = tmp_path_factory.mktemp("published") / "pytorch_model.bin"
    torch.save(published_state(), path)
    yield load_segvol(path, SEGVOL_SPECIFICATION)
    path.unlink()


@pytest.fixture(scope="module")
def golden() -> Any:
    """What the reference computed."""
    return np.load(shared("reference/segvol_parity/golden_net.npz"))


@pytest.fixture(scope="module")
def embedding(published: LoadedSegVol) -> Tensor:
    """Of the kit's image."""
    image = torch.rand(1, 1, *FULL.window, generator=torch.Generator().manual_seed(1))
    return TorchBackend(published.network).encode(image[0])


def test_the_encoder_agrees_with_the_reference(embedding: Tensor, golden: Any) -> None:
    tokens = embedding.flatten(2)[0].T
    ours = tokens[torch.tensor(golden["enc_tok"]), torch.tensor(golden["enc_ch"])].numpy()
    np.testing.assert_allclose(ours, golden["enc_val"], atol=1e-4 * float(golden["enc_stats"][2]))
    assert float(tokens.std()) == pytest.approx(float(golden["enc_stats"][1]), rel=1e-4)


def test_positions_of_image_tokens_agree(published: LoadedSegVol, golden: Any) -> None:
    dense = published.network.prompt_encoder.dense_positions()[0]
    ours = dense[:, [0, 3, 7], [0, 5, 15], [1, 9, 15]].detach().numpy()
    np.testing.assert_allclose(ours, golden["dense_pe_sample"], atol=1e-4)


def test_the_text_tower_agrees_on_tokens_that_come_with_the_package(published: LoadedSegVol, golden: Any) -> None:
    ids = {text.name: text.ids for text in segvol_texts() if text.key == text.name}  # the kit asks by these names
    words = Texts(None, tuple(ids), ids, text_tower(published.network))
    known = [n for n, name in enumerate(golden["text_names"].tolist()) if name in ids]
    assert len(known) >= 3
    for name, expected in zip(golden["text_names"][known].tolist(), golden["text_emb"][known], strict=True):
        np.testing.assert_allclose(words.vector(name)[0].numpy(), expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("asked", ["text", "point", "box", "box_empty", "text_box"])
def test_the_decoder_agrees(published: LoadedSegVol, embedding: Tensor, golden: Any, asked: str) -> None:
    text = torch.tensor(golden["text_emb"][golden["text_names"].tolist().index("liver")])[None]
    points = POINT if asked == "point" else (None, None)
    box = NO_BOX if asked == "box_empty" else BOX if "box" in asked else None
    prompts = WindowPrompts(*points, box, text if "text" in asked else None)
    logits = TorchBackend(published.network).decode(embedding, prompts)
    fine = F.interpolate(logits[None, None], FULL.window, mode="trilinear", align_corners=False).flatten()
    scale = max(1.0, float(golden[f"stat_{asked}"][1]))
    np.testing.assert_allclose(fine[golden["vox"]].numpy(), golden[f"logit_{asked}"], atol=1e-4 * scale)
    assert float((fine > 0).float().mean()) == pytest.approx(float(golden[f"stat_{asked}"][2]), abs=1e-4)


def test_negative_points_and_padding_have_tokens_of_their_own(published: LoadedSegVol) -> None:
    encoder = published.network.prompt_encoder
    points = torch.tensor([[[16.0, 128, 128], [4, 7, 9], [-1, -1, -1]]])
    tokens = encoder(points, torch.tensor([[1, 0, -1]]))[0]
    directions = encoder.pe_layer.positional_encoding_gaussian_matrix.double()

    def position(k: float, j: float, i: float) -> Tensor:
        shares = torch.tensor([(k + 0.5) / 256, (j + 0.5) / 32, (i + 0.5) / 256], dtype=torch.float64)
        angles = 2 * torch.pi * (2 * shares - 1) @ directions
        return torch.cat([angles.sin(), angles.cos()])

    embeddings = [embedding.weight[0].double() for embedding in encoder.point_embeddings]
    nothing = encoder.not_a_point_embed.weight[0].double()
    expected = [position(16, 128, 128) + embeddings[1], position(4, 7, 9) + embeddings[0], nothing, nothing]
    torch.testing.assert_close(tokens.double(), torch.stack(expected), atol=1e-4, rtol=0)


def test_another_axis_order_of_prompts_would_be_noticed(
    published: LoadedSegVol, embedding: Tensor, golden: Any
) -> None:
    encoder = published.network.prompt_encoder
    encoder._matching = True
    try:
        logits = TorchBackend(published.network).decode(embedding, WindowPrompts(*POINT))
    finally:
        encoder._matching = False
    fine = F.interpolate(logits[None, None], FULL.window, mode="trilinear", align_corners=False).flatten()
    assert np.abs(fine[golden["vox"]].numpy() - golden["logit_point"]).max() > 0.1


# ---------------------------------------------------------------------- files


def test_the_full_network_has_the_published_475_tensors() -> None:
    plain = [name.removeprefix("model.") for name in published_names()]
    names = {name.replace(".mlp.lin1.", ".mlp.linear1.").replace(".mlp.lin2.", ".mlp.linear2.") for name in plain}
    with torch.device("meta"):
        ours = build_network(FULL).state_dict()
    assert set(ours) == names
    assert len(ours) == 475


def published_names() -> list[str]:
    """Of the published file."""
    return list(json.loads(shared("reference/segvol_parity/state_dict_keys.json").read_text())["keys"])


def tiny_state() -> dict[str, Tensor]:
    """The tiny network under the authors' names."""
    return {
        f"model.{name}".replace("mlp.linear", "mlp.lin")
        if "mask_decoder.transformer" in name
        else f"model.{name}": value
        for name, value in tiny_network().state_dict().items()
    }


LAYOUTS = {
    "as published": lambda state: state,
    "of a training": lambda state: {
        "model": {name.replace("model.", "module.", 1): value for name, value in state.items()},
        "epoch": torch.tensor(3),
    },
    "of another training": lambda state: {"model_state_dict": state},
    "without the list of positions": lambda state: {k: v for k, v in state.items() if "position_ids" not in k},
    "of transformers 5": lambda state: {
        name.replace("clip_text_model.text_model.", "clip_text_model."): value
        for name, value in state.items()
        if "position_ids" not in name
    },
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_published_layout_is_read(tmp_path: Path, layout: str) -> None:
    torch.save(LAYOUTS[layout](tiny_state()), tmp_path / "model.bin")
    loaded = load_segvol(tmp_path / "model.bin", specification())
    assert_same(loaded)


def test_a_safetensors_file_without_our_header_is_read(tmp_path: Path) -> None:
    save_file(tiny_state(), tmp_path / "model.safetensors")
    assert_same(load_segvol(tmp_path / "model.safetensors", specification()))


def assert_same(loaded: LoadedSegVol) -> None:
    """It is the tiny network."""
    assert loaded.specification == specification()
    ours = loaded.network.state_dict()
    assert all(torch.equal(value, ours[name]) for name, value in tiny_network().state_dict().items())


def test_a_file_of_ours_says_what_it_expects_and_names_its_texts(tmp_path: Path) -> None:
    expects = specification(spacing_mm=(3.0, 3.0, 3.0), resizing="area", matching_axes=True)
    state = {n: v for n, v in tiny_network().state_dict().items() if not n.startswith("text_encoder.")}
    table = torch.rand(2, TINY.width)
    save_model({**state, "text_table.weight": table}, expects, tmp_path / "own.safetensors")
    loaded = load_segvol(tmp_path / "own.safetensors", SEGVOL_SPECIFICATION)
    assert loaded.specification == expects
    assert loaded.table is not None
    assert torch.equal(loaded.table, table)
    assert text_tower(loaded.network) is None


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda state: {k: v for k, v in state.items() if "iou_token" not in k}, "lacks mask_decoder.iou_token"),
        (lambda state: state | {"model.more": torch.zeros(1)}, "unknown more"),
        (lambda state: state | {"model.mask_decoder.iou_token.weight": torch.zeros(1, 7)}, "another size"),
        (lambda state: state | {"model.mask_decoder.iou_token.weight": torch.full((1, 64), torch.nan)}, "not numbers"),
        (lambda state: {"model.image_encoder.norm.weight": torch.zeros(3)}, "not hold the weights of a SegVol network"),
        (lambda state: {"model.a": "text"}, "does not hold a table of tensors"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, damage: Any, sentence: str) -> None:
    torch.save(damage(tiny_state()), tmp_path / "model.bin")
    with pytest.raises(ModelError, match=sentence):
        load_segvol(tmp_path / "model.bin", specification())


def test_a_table_with_other_rows_than_texts_is_refused(tmp_path: Path) -> None:
    state = {n: v for n, v in tiny_network().state_dict().items() if not n.startswith("text_encoder.")}
    save_model({**state, "text_table.weight": torch.rand(3, TINY.width)}, specification(), tmp_path / "m.safetensors")
    with pytest.raises(ModelError, match="names 2 texts and holds 3"):
        load_segvol(tmp_path / "m.safetensors", specification())


def test_files_of_the_two_systems_are_not_mistaken_for_each_other(tmp_path: Path) -> None:
    state = {n: v for n, v in tiny_network().state_dict().items() if not n.startswith("text_encoder.")}
    save_model(state, replace(specification(), texts=()), tmp_path / "segvol.safetensors")
    with pytest.raises(ModelError, match="SegVol"):
        load_model(tmp_path / "segvol.safetensors")


def test_half_precision_files_compute_in_full(tmp_path: Path) -> None:
    halves = {n: v.half() if v.is_floating_point() else v for n, v in tiny_state().items()}
    torch.save(halves, tmp_path / "model.bin")
    network = load_segvol(tmp_path / "model.bin", specification()).network
    assert {tensor.dtype for tensor in network.state_dict().values()} == {torch.float32, torch.int64}
