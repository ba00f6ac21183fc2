"""The network in OpenVINO answers as the one in PyTorch does."""

from __future__ import annotations

import gc
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from VISTA3DSegmentLib.engines import processor
from VISTA3DSegmentLib.engines.choice import Precision, openvino_is_installed
from VISTA3DSegmentLib.engines.vista3d.backend import Backend, TorchBackend
from VISTA3DSegmentLib.engines.vista3d.network import NetworkShape, build_network
from VISTA3DSegmentLib.engines.vista3d.openvino_backend import OpenVinoBackend
from VISTA3DSegmentLib.engines.vista3d.point_head import NEGATIVE, POSITIVE, SPECIAL
from VISTA3DSegmentLib.errors import ModelError

needs_openvino = pytest.mark.skipif(not openvino_is_installed(), reason="needs OpenVINO: pip install '.[cpu]'")

Tensor = torch.Tensor
Window = tuple[int, int, int]

SMALL = NetworkShape(init_filters=16, feature_size=32, blocks_down=(1, 2, 2, 4), n_classes=256)
ODD = NetworkShape(init_filters=8, feature_size=24, blocks_down=(2, 1, 3), n_classes=140)
CASES = [(SMALL, (64, 64, 48)), (ODD, (20, 36, 28))]
CLASSES = (1, 3, 23, 132)


def network(shape: NetworkShape) -> Any:
    """A random network in which no parameter is at its default, so that a forgotten one shows."""
    torch.manual_seed(0)
    built = build_network(shape).eval().requires_grad_(False)
    for name, parameter in built.named_parameters():
        if parameter.dim() == 1:
            parameter.copy_((1.0 if "norm" in name and "weight" in name else 0.0) + 0.2 * torch.randn(parameter.shape))
    return built


def image(window: Window, count: int = 1) -> Tensor:
    return torch.rand(count, 1, *window, generator=torch.Generator().manual_seed(1))


def clicks(window: Window, count: int) -> tuple[Tensor, Tensor]:
    """Points (N, 3) and labels (N,) of every kind, the window's first and last voxel among them."""
    points = torch.rand(count, 3, generator=torch.Generator().manual_seed(2)) * torch.tensor(window).float()
    points[0], points[-1] = 0.0, torch.tensor(window).float() - 1
    kinds = torch.tensor([POSITIVE, NEGATIVE, POSITIVE + SPECIAL, NEGATIVE + SPECIAL])
    return points.floor(), kinds[torch.arange(count) % 4]


def difference(answer: Tensor | None, expected: Tensor | None) -> float:
    """Largest difference, relative to the largest expected value."""
    assert answer is not None
    assert expected is not None
    assert answer.shape == expected.shape
    return float((answer.float() - expected).abs().max() / expected.abs().max())


def agreement(answer: Tensor, expected: Tensor) -> float:
    return float((answer == expected).float().mean())


def pair(shape: NetworkShape, precision: Precision) -> tuple[Backend, Backend]:
    built = network(shape)
    return OpenVinoBackend(built, precision), TorchBackend(built)


@pytest.fixture(scope="module", params=CASES, ids=["small", "odd"])
def exact(request: pytest.FixtureRequest) -> tuple[Backend, Backend, Window]:
    shape, window = request.param
    return *pair(shape, "fp32"), window


@pytest.fixture(scope="module")
def quick() -> tuple[Backend, Backend, Window]:
    return *pair(ODD, "fp32"), CASES[1][1]


@needs_openvino
@pytest.mark.parametrize(("classes", "for_clicks"), [(True, False), (False, True), (True, True)])
def test_float32_features_are_torchs(exact: Any, classes: bool, for_clicks: bool) -> None:
    ours, torchs, window = exact
    features, low = ours.encode(image(window), classes, for_clicks)
    expected_features, expected_low = torchs.encode(image(window), classes, for_clicks)
    assert (features is not None, low is not None) == (classes, for_clicks)
    if classes:
        assert difference(features, expected_features) < 1e-4
    if for_clicks:
        assert difference(low, expected_low) < 1e-4


@needs_openvino
@pytest.mark.parametrize("count", [1, 3, 8])
@pytest.mark.parametrize("zero_shot", [False, True])
def test_float32_clicks_are_torchs(exact: Any, count: int, zero_shot: bool) -> None:
    ours, torchs, window = exact
    low = torchs.encode(image(window), False, True)[1]
    points, labels = clicks(window, count)
    answer = ours.click_logits(low, points, labels, zero_shot)
    assert answer.dtype == torch.float32
    assert difference(answer, torchs.click_logits(low, points, labels, zero_shot)) < 1e-4


@needs_openvino
def test_class_vectors_are_torchs(quick: Any) -> None:
    ours, torchs, _ = quick
    torch.testing.assert_close(ours.class_vectors(CLASSES), torchs.class_vectors(CLASSES))


@needs_openvino
def test_several_windows_at_once_are_answered_each_for_itself(quick: Any) -> None:
    ours, _, window = quick
    images = image(window, 2)
    together = ours.encode(images, True, True)
    for n in range(2):
        alone = ours.encode(images[n : n + 1], True, True)
        assert all(torch.equal(whole[n : n + 1], one) for whole, one in zip(together, alone, strict=True))


@needs_openvino
def test_an_answer_stays_as_it_is_when_the_next_is_computed(quick: Any) -> None:
    ours, _, window = quick
    first, second = image(window, 2).split(1)
    features, low = ours.encode(first, True, True)
    logits = ours.click_logits(low, *clicks(window, 1), False)
    kept = [tensor.clone() for tensor in (features, low, logits)]
    other = ours.encode(second, True, True)[1]
    ours.click_logits(other, *clicks(window, 2), True)
    assert all(torch.equal(now, then) for now, then in zip((features, low, logits), kept, strict=True))
    assert not torch.equal(low, other)


@needs_openvino
def test_cached_features_may_come_in_any_precision_and_layout(quick: Any) -> None:
    ours, _, window = quick
    low = ours.encode(image(window), False, True)[1].half()
    answers = [ours.click_logits(form, *clicks(window, 2), False) for form in (low, low.contiguous().float())]
    assert torch.equal(*answers)


@needs_openvino
def test_bfloat16_labels_agree() -> None:
    ours, torchs = pair(SMALL, "bf16")
    window = CASES[0][1]
    features, low = ours.encode(image(window), True, True)
    expected_features, expected_low = torchs.encode(image(window), True, True)
    assert features is not None
    assert expected_features is not None
    assert features.dtype == torch.bfloat16
    for vector in torchs.class_vectors(CLASSES):
        labels, expected = (torch.einsum("c,cxyz", vector, f[0].float()) > 0 for f in (features, expected_features))
        assert agreement(labels, expected) >= 0.99
    points, labels = clicks(window, 3)
    answer = ours.click_logits(low, points, labels, False)
    expected = torchs.click_logits(expected_low, points, labels, False)
    assert 0 < agreement(expected > 0, torch.ones_like(expected) > 0) < 1
    assert agreement(answer > 0, expected > 0) >= 0.99


@needs_openvino
def test_in_bfloat16_the_float32_weights_may_be_dropped() -> None:
    built = network(ODD)
    weight = weakref.ref(built.image_encoder.encoder.conv_init.weight)
    ours = OpenVinoBackend(built, "bf16")
    del built
    gc.collect()
    assert weight() is None
    features, low = ours.encode(image(CASES[1][1]), True, True)
    assert features is not None
    assert low is not None


@needs_openvino
def test_description_names_library_and_precision() -> None:
    description = OpenVinoBackend(network(ODD), "bf16").description
    assert "OpenVINO" in description
    assert "bf16" in description


@needs_openvino
def test_half_precision_that_cpus_lack_is_refused() -> None:
    with pytest.raises(ModelError, match="fp16"):
        OpenVinoBackend(network(ODD), "fp16")


def test_missing_openvino_is_said_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ModelError, match=r"vista3dsegment\[cpu\]"):
        OpenVinoBackend(None)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu avx512f avx512_bf16", True), ("fpu amx_bf16 amx_tile", True), ("fpu avx512f avx512_vnni", False)],
)
def test_bfloat16_is_read_off_linuxs_flags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, expected: bool
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nmodel name\t: avx512_bf16 in name only\nflags\t\t: {flags}\n")
    monkeypatch.setattr(processor, "CPUINFO", cpuinfo)
    monkeypatch.setitem(sys.modules, "openvino", None)
    processor.processor_has_bf16.cache_clear()
    assert processor.processor_has_bf16() is expected
    processor.processor_has_bf16.cache_clear()


def test_a_computer_that_does_not_say_has_no_bfloat16(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "absent")
    monkeypatch.setitem(sys.modules, "openvino", None)
    processor.processor_has_bf16.cache_clear()
    assert not processor.processor_has_bf16()
    processor.processor_has_bf16.cache_clear()
