"""PyTorch's layers with the channels last in memory: the same numbers."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from engine_builders import tiny_network
from torch import nn
from VISTA3DSegmentLib.engines.vista3d.channels_last import ChannelsLastInstanceNorm, channels_first, with_channels_last


@pytest.mark.parametrize("affine", [False, True])
def test_the_norm_is_pytorchs(affine: bool) -> None:
    torch.manual_seed(1)
    plain = nn.InstanceNorm3d(5, affine=affine)
    if affine:
        nn.init.normal_(plain.weight)
        nn.init.normal_(plain.bias)
    image = 3 + torch.randn(2, 5, 34, 33, 32)
    with torch.no_grad():
        ours = ChannelsLastInstanceNorm(plain)(image.to(memory_format=torch.channels_last_3d))
        exact = deepcopy(plain).double()(image.double())
        assert (ours - exact).abs().max() <= 2 * (plain(image) - exact).abs().max() + 1e-6
    assert ours.is_contiguous(memory_format=torch.channels_last_3d)


def test_the_network_answers_as_before() -> None:
    network, image = tiny_network(), torch.rand(1, 1, 16, 16, 16)
    with torch.inference_mode():
        expected = network.image_encoder(image, with_point=True, with_label=True)
        found = with_channels_last(deepcopy(network)).image_encoder(image, with_point=True, with_label=True)
    for theirs, ours in zip(expected, found, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_features_are_turned_to_channels_first() -> None:
    features = torch.rand(1, 4, 3, 2, 5)
    turned = channels_first(features)
    torch.testing.assert_close(turned, features.permute(0, 4, 1, 2, 3))
    assert turned.is_contiguous()
