"""The point head cut in two, with its last step folded, is MONAI's."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from engine_builders import SHAPE, tiny_network
from VISTA3DSegmentLib.engines.vista3d.network import NetworkShape, build_network
from VISTA3DSegmentLib.engines.vista3d.point_head import NEGATIVE, POSITIVE, SPECIAL, click_logits, low_features

Tensor = torch.Tensor
WINDOW = (16, 12, 20)
POINTS = torch.tensor(
    [[[0.0, 0.0, 0.0], [15.0, 11.0, 19.0], [7.0, 3.0, 12.0]], [[1.0, 2.0, 3.0], [8.0, 8.0, 8.0], [5.0, 11.0, 0.0]]]
)
SUPPORTED, ZERO_SHOT = 3, 133


@pytest.fixture(scope="module")
def head() -> Any:
    head = tiny_network().point_head
    for embedding in (head.special_class_embed, head.zeroshot_embed, head.supported_embed):
        assert embedding.weight.abs().sum() > 0  # random, so that a forgotten one shows
    return head


@pytest.fixture(scope="module")
def features() -> Tensor:
    return torch.randn(1, SHAPE.feature_size, *WINDOW, generator=torch.Generator().manual_seed(3))


def ours(head: Any, features: Tensor, points: Tensor, labels: Tensor, zero_shot: list[bool]) -> Tensor:
    with torch.inference_mode():
        return click_logits(head, low_features(head, features), points, labels, torch.tensor(zero_shot))


def monais(head: Any, features: Tensor, points: Tensor, labels: Tensor, classes: list[int] | None) -> Tensor:
    with torch.inference_mode():
        vector = None if classes is None else torch.tensor(classes)[:, None]
        return torch.as_tensor(head(features.clone(), points, labels, class_vector=vector))[:, 0]


@pytest.mark.parametrize("classes", [(SUPPORTED, SUPPORTED), (ZERO_SHOT, ZERO_SHOT), (SUPPORTED, ZERO_SHOT)])
@pytest.mark.parametrize("flag", [0, SPECIAL])
def test_logits_are_monais(head: Any, features: Tensor, classes: tuple[int, int], flag: int) -> None:
    labels = torch.tensor([[POSITIVE, NEGATIVE, POSITIVE], [NEGATIVE, NEGATIVE, POSITIVE]]) + flag
    expected = monais(head, features, POINTS, labels, list(classes))
    zero_shot = [class_id == ZERO_SHOT for class_id in classes]
    torch.testing.assert_close(ours(head, features, POINTS, labels, zero_shot), expected, atol=1e-5, rtol=0)


def test_a_prompt_without_class_is_monais_supported_one(head: Any, features: Tensor) -> None:
    labels = torch.tensor([[POSITIVE, NEGATIVE, POSITIVE]])
    expected = monais(head, features, POINTS[:1], labels, None)
    torch.testing.assert_close(ours(head, features, POINTS[:1], labels, [False]), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("labels", "zero_shot"),
    [([0, 1, 1], False), ([3, 2, 3], False), ([1, 0, 1], True)],
    ids=["another sign", "the special flag", "a new structure"],
)
def test_the_answer_depends_on(head: Any, features: Tensor, labels: list[int], zero_shot: bool) -> None:
    plain = ours(head, features, POINTS[:1], torch.tensor([[1, 0, 1]]), [False])
    other = ours(head, features, POINTS[:1], torch.tensor([labels]), [zero_shot])
    assert (plain - other).abs().max() > 1e-3


def test_one_object_alone_is_answered_as_among_others(head: Any, features: Tensor) -> None:
    labels = torch.tensor([[1, 0, 1], [1, 1, 0]])
    both = ours(head, features, POINTS, labels, [False, True])
    alone = ours(head, features, POINTS[1:], labels[1:], [True])
    torch.testing.assert_close(both[1:], alone, atol=1e-5, rtol=0)


def test_a_network_of_other_width_is_folded_as_exactly() -> None:
    torch.manual_seed(1)
    head = build_network(NetworkShape(8, 16, (1, 1), 140)).eval().point_head
    features = torch.randn(1, 16, 8, 8, 8)
    labels = torch.tensor([[1, 1, 0]])
    expected = monais(head, features, POINTS[:1] % 8, labels, [SUPPORTED])
    torch.testing.assert_close(ours(head, features, POINTS[:1] % 8, labels, [False]), expected, atol=1e-5, rtol=0)
