"""SegVol's mask decoder: prompts and image look at each other, then the first mask token answers for every voxel."""

from __future__ import annotations

import torch
from monai.networks.nets.vista3d import MLP, TwoWayTransformer
from torch import nn

Tensor = torch.Tensor
Index3 = tuple[int, int, int]

LAYERS, HEADS, HEAD_LAYERS = 2, 8, 3
FIRST_MASK = 1
"""Place of the mask token that answers; before it stands the token of the untrained quality."""


class MaskDecoder(nn.Module):
    """Turns an image's embedding and the prompts' tokens into mask logits.

    Args:
        width: channels of a token.
        grid: tokens of one pass, axes (k, j, i).
        mlp: hidden channels of the transformer.
        masks: mask tokens; only the first was trained.
        iou_width: hidden channels of the head that would guess how good the masks are; it was never trained.
    """

    def __init__(self, width: int, grid: Index3, mlp: int, masks: int, iou_width: int) -> None:
        super().__init__()
        self.transformer = TwoWayTransformer(LAYERS, width, HEADS, mlp)
        self.iou_token = nn.Embedding(1, width)
        self.mask_tokens = nn.Embedding(masks, width)
        half, fine = width // 4, width // 8
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose3d(width, half, 2, 2),
            nn.LayerNorm((half, *(2 * n for n in grid))),
            nn.GELU(),
            nn.ConvTranspose3d(half, fine, 2, 2),
            nn.GELU(),
        )
        self.output_hypernetworks_mlps = nn.ModuleList([MLP(width, width, fine, HEAD_LAYERS) for _ in range(masks)])
        self.iou_prediction_head = MLP(width, iou_width, masks, HEAD_LAYERS)
        self.txt_align_upscaled_embedding = nn.Linear(width, fine)

    def forward(self, embedding: Tensor, positions: Tensor, sparse: Tensor, text: Tensor | None) -> Tensor:
        """Logits of the first mask.

        Args:
            embedding: (1, width, *grid), with what stands for "no mask" added.
            positions: (1, width, *grid).
            sparse: (B, tokens, width).
            text: (B, width), or None.

        Returns:
            (B, *4 grid).
        """
        tokens = self.tokens(sparse)
        source = embedding.expand(len(sparse), -1, -1, -1, -1)
        queries, keys = self.transformer(source, positions.expand_as(source), tokens)
        voxels = self.output_upscaling(keys.transpose(1, 2).reshape(source.shape))
        weights = self.output_hypernetworks_mlps[0](queries[:, FIRST_MASK]) + self.said(text)
        return torch.einsum("bc,bckji->bkji", weights, voxels)

    def tokens(self, sparse: Tensor) -> Tensor:
        """The decoder's own tokens and those of the prompts: (B, tokens, width)."""
        own = torch.cat([self.iou_token.weight, self.mask_tokens.weight])
        return torch.cat([own.expand(len(sparse), -1, -1), sparse], 1)

    def said(self, text: Tensor | None) -> Tensor:
        """What a text (B, width) adds to the mask's weights: (B, width / 8); zeros (1, width / 8) without one."""
        if text is None:
            return self.txt_align_upscaled_embedding.bias.new_zeros(1, self.txt_align_upscaled_embedding.out_features)
        return self.txt_align_upscaled_embedding(text)
