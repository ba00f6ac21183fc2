"""SegVol's parts give the same in PyTorch and in OpenVINO, and the engine on either."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from segvol_builders import TINY, specification, tiny_network
from VISTA3DSegmentLib.engines import open_engine
from VISTA3DSegmentLib.engines.choice import Precision, openvino_is_installed
from VISTA3DSegmentLib.engines.segvol.backend import TorchBackend, WindowPrompts
from VISTA3DSegmentLib.engines.segvol.openvino_backend import OpenVinoBackend
from VISTA3DSegmentLib.engines.weight_files import save_model
from VISTA3DSegmentLib.errors import ModelError
from VISTA3DSegmentLib.prompts import Click, Structure, Text
from VISTA3DSegmentLib.volume import Volume

Tensor = torch.Tensor

needs_openvino = pytest.mark.skipif(not openvino_is_installed(), reason="needs OpenVINO: pip install '.[cpu]'")
IMAGE = torch.rand(1, *TINY.window, generator=torch.Generator().manual_seed(3))
TEXT = torch.randn(1, TINY.width, generator=torch.Generator().manual_seed(4))
POINTS, LABELS = torch.tensor([[3.0, 9, 12], [10, 20, 2], [-1, -1, -1]]), torch.tensor([1, 0, -1])
BOX = torch.tensor([2.0, 4, 5, 11, 25, 30])
PROMPTS = {
    "text": WindowPrompts(text=TEXT),
    "points": WindowPrompts(POINTS, LABELS),
    "box": WindowPrompts(box=BOX),
    "points and box": WindowPrompts(POINTS, LABELS, BOX),
    "text and box": WindowPrompts(box=BOX, text=TEXT),
    "text and points": WindowPrompts(POINTS, LABELS, text=TEXT),
}
TOLERANCE: dict[Precision, float] = {"fp32": 1e-4, "bf16": 0.1}
"""As a share of the largest value."""


@needs_openvino
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_encoder_agrees(precision: Precision) -> None:
    expected = TorchBackend(tiny_network()).encode(IMAGE)
    found = OpenVinoBackend(tiny_network(), precision).encode(IMAGE)
    assert found.shape == expected.shape == (1, TINY.width, *TINY.grid)
    assert float((found - expected).abs().max()) <= TOLERANCE[precision] * float(expected.abs().max())


@needs_openvino
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("asked", PROMPTS)
def test_the_decoder_agrees(precision: Precision, asked: str) -> None:
    exact = TorchBackend(tiny_network())
    embedding = exact.encode(IMAGE)
    expected = exact.decode(embedding, PROMPTS[asked])
    found = OpenVinoBackend(tiny_network(), precision).decode(embedding, PROMPTS[asked])
    assert found.shape == expected.shape == tuple(4 * n for n in TINY.grid)
    assert float((found - expected).abs().max()) <= TOLERANCE[precision] * float(expected.abs().max())


@needs_openvino
def test_an_answer_is_the_callers_own() -> None:
    backend = OpenVinoBackend(tiny_network(), "fp32")
    first = backend.encode(IMAGE)
    kept = first.clone()
    backend.encode(1 - IMAGE)
    assert torch.equal(first, kept)


@needs_openvino
def test_a_precision_that_a_cpu_lacks_is_refused() -> None:
    with pytest.raises(ModelError, match="does not compute in fp16"):
        OpenVinoBackend(tiny_network(), "fp16")


def test_prompts_on_one_embedding_do_not_depend_on_those_before() -> None:
    backend = TorchBackend(tiny_network())
    embedding = backend.encode(IMAGE)
    alone = backend.decode(embedding, PROMPTS["box"])
    for prompts in PROMPTS.values():
        backend.decode(embedding, prompts)
    assert torch.equal(backend.decode(embedding, PROMPTS["box"]), alone)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_model_file_is_opened_and_asked(tmp_path: Path, precision: Precision) -> None:
    state = {n: v for n, v in tiny_network().state_dict().items() if not n.startswith("text_encoder.")}
    save_model({**state, "text_table.weight": torch.rand(2, TINY.width)}, specification(), tmp_path / "m.safetensors")
    engine = open_engine("segvol", tmp_path / "m.safetensors", "cpu", precision)
    volume = Volume(np.random.default_rng(0).integers(-900, 900, (20, 40, 40), np.int16), np.eye(4))
    opened = engine.open(volume)
    prompts = (Text("bright"), Click((20.0, 20.0, 10.0)))
    first, again = (opened.refine(Structure("thing"), prompts) for _ in range(2))
    assert engine.name == "segvol"
    np.testing.assert_array_equal(first.mask, again.mask)
    assert (first.start, first.added) == (again.start, again.added)
