"""PyTorch's convolutions on a CPU with the channels last in memory, as oneDNN computes them: nothing is reordered.

PyTorch's own instance norm would put the channels first again, which costs what the convolutions save; the one here
does not. Labels of 117 classes agree with PyTorch's own order at 99.9997 % of voxels (full network, 2026-11-21).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

Tensor = torch.Tensor

ROWS = 64
"""So many rows of a window are squared at once: they fit into the processor's cache."""


def with_channels_last(network: Any) -> Any:
    """The network with its encoder and decoders, what windows need, made for channels last; the same object."""
    for part in (network.image_encoder, network.class_head.image_post_mapping, network.point_head.feat_downsample):
        _replace_norms(part)
        part.to(memory_format=torch.channels_last_3d)
    return network


def channels_first(features: Tensor) -> Tensor:
    """(1, X, Y, Z, C) -> (1, C, X, Y, Z), contiguous: a window's features are added up channel by channel."""
    # As a matrix, for torch transposes matrices in blocks: twice as fast as a permuted copy, and three times as
    # OpenVINO's own reordering (measured, float32).
    by_channel = features.flatten(0, 3).t().contiguous()
    return by_channel.view(1, -1, *features.shape[1:4])


def _replace_norms(module: nn.Module) -> None:
    for name, child in module.named_children():
        if type(child) is nn.InstanceNorm3d:
            setattr(module, name, ChannelsLastInstanceNorm(child))
        else:
            _replace_norms(child)


class ChannelsLastInstanceNorm(nn.InstanceNorm3d):
    """An instance norm as exact as PyTorch's that keeps the channels last.

    Args:
        norm: whose numbers it takes over; it keeps no running statistics.
    """

    def __init__(self, norm: nn.InstanceNorm3d) -> None:
        super().__init__(norm.num_features, norm.eps, affine=False)
        self.affine, self.weight, self.bias = norm.affine, norm.weight, norm.bias

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, X, Y, Z) to the same."""
        voxels = image.permute(0, 2, 3, 4, 1).contiguous()
        count = voxels[0, ..., 0].numel()
        # Row by row, then in double precision: a sum of millions in single precision is wrong by 1e-4.
        mean = voxels.sum(3).double().sum((1, 2)) / count
        answer = voxels - mean.float()[:, None, None, None]
        rows = torch.split(answer.flatten(1, 2), ROWS, dim=1)
        squares = torch.cat([part.square().sum(2) for part in rows], dim=1).double().sum(1)
        gain = (squares / count + self.eps).rsqrt().float()
        if self.weight is not None:
            gain = gain * self.weight
        answer *= gain[:, None, None, None]
        if self.bias is not None:
            answer += self.bias
        return answer.permute(0, 4, 1, 2, 3)
