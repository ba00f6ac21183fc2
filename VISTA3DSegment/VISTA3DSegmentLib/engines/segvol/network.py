"""SegVol's network, of any width and depth: MONAI's ViT and two-way transformer, with SegVol's own prompts and head.

Source: Du et al., SegVol: Universal and Interactive Volumetric Medical Image Segmentation, NeurIPS 2024,
arXiv:2311.13385.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from monai.networks.nets.vit import ViT
from torch import nn

from ...errors import ModelError
from .mask_decoder import MaskDecoder
from .prompt_encoder import PromptEncoder
from .text_tower import TextEncoder

Tensor = torch.Tensor
Index3 = tuple[int, int, int]

ENCODER_HEAD_WIDTH = TEXT_HEAD_WIDTH = 64
"""Channels of an attention head in ViT-B and in CLIP: the weights do not tell how many heads share them."""


@dataclass(frozen=True)
class SegVolShape:
    """What differs between SegVol networks.

    Args:
        window: voxels of one pass, axes (k, j, i). SegVol: (32, 256, 256).
        grid: tokens of one pass, axes (k, j, i). SegVol: (8, 16, 16).
        width: channels of a token. SegVol: 768.
        blocks: of the image encoder. SegVol: 12.
        encoder_mlp: hidden channels in them. SegVol: 3072.
        decoder_mlp: hidden channels in the mask decoder's transformer. SegVol: 2048.
        masks: that the decoder could answer with; the first is used. SegVol: 4.
        iou_width: hidden channels of the head that guesses how good they are; it was never trained. SegVol: 256.
        text_width: channels of the text tower; 0: it has none, texts come from a table. SegVol: 512.
        text_blocks: of the text tower. SegVol: 12.
        text_mlp: hidden channels in them. SegVol: 2048.
        vocabulary: tokens that the text tower knows. SegVol: 49408.
        longest_text: in tokens. SegVol: 77.
        matching_axes: see ``prompt_encoder``. SegVol: False.
    """

    window: Index3 = (32, 256, 256)
    grid: Index3 = (8, 16, 16)
    width: int = 768
    blocks: int = 12
    encoder_mlp: int = 3072
    decoder_mlp: int = 2048
    masks: int = 4
    iou_width: int = 256
    text_width: int = 512
    text_blocks: int = 12
    text_mlp: int = 2048
    vocabulary: int = 49408
    longest_text: int = 77
    matching_axes: bool = False

    @property
    def patch(self) -> Index3:
        """Voxels of a token, axes (k, j, i)."""
        k, j, i = (n // tokens for n, tokens in zip(self.window, self.grid, strict=True))
        return k, j, i


FULL = SegVolShape()
"""The published network: 181 million values in 475 tensors."""


class SegVolNetwork(nn.Module):
    """The parts of SegVol, named as in the published files.

    Args:
        shape: its widths and depths.
    """

    def __init__(self, shape: SegVolShape) -> None:
        super().__init__()
        self.image_encoder = ViT(
            in_channels=1,
            img_size=shape.window,
            patch_size=shape.patch,
            hidden_size=shape.width,
            mlp_dim=shape.encoder_mlp,
            num_layers=shape.blocks,
            num_heads=shape.width // ENCODER_HEAD_WIDTH,
            proj_type="perceptron",
            pos_embed_type="learnable",
        )
        blocks: Any = self.image_encoder.blocks
        for block in blocks:
            block.attn.use_flash_attention = True  # the same sum, 2.5 times faster on a CPU; ViT does not offer it
            block.norm_cross_attn = nn.Identity()  # MONAI before 1.6 makes one for an attention that is not there
        self.prompt_encoder = PromptEncoder(shape.width, shape.window, shape.grid, shape.matching_axes)
        self.mask_decoder = MaskDecoder(shape.width, shape.grid, shape.decoder_mlp, shape.masks, shape.iou_width)
        if shape.text_width:
            self.text_encoder = TextEncoder(
                shape.text_width,
                shape.text_blocks,
                shape.text_width // TEXT_HEAD_WIDTH,
                shape.text_mlp,
                shape.vocabulary,
                shape.longest_text,
                shape.width,
            )
        self.window, self.grid, self.width = shape.window, shape.grid, shape.width

    def encode(self, images: Tensor) -> Tensor:
        """Images (B, 1, *window), 0 to 1, as embeddings (B, width, *grid)."""
        tokens, _ = self.image_encoder(images)
        return tokens.transpose(1, 2).unflatten(2, self.grid)

    def decode(self, embedding: Tensor, sparse: Tensor, text: Tensor | None) -> Tensor:
        """Mask logits of prompts on one image.

        Args:
            embedding: (1, width, *grid), from ``encode``.
            sparse: (B, tokens, width), from ``prompt_encoder``.
            text: (B, width) if the prompts hold a text.

        Returns:
            (B, *4 grid): a quarter of a token along each axis.
        """
        dense = self.prompt_encoder.no_mask_embed.weight.view(1, -1, 1, 1, 1)
        return self.mask_decoder(embedding + dense, self.prompt_encoder.dense_positions(), sparse, text)


def build_network(shape: SegVolShape) -> SegVolNetwork:
    """The network of a given shape, with random weights, on the CPU, in training mode."""
    return SegVolNetwork(shape)


def shape_of(state: Mapping[str, Any], window: Index3, matching_axes: bool) -> SegVolShape:
    """Read widths and depths off the tensors of a state dict (key names as ``canonical_state`` gives them).

    Args:
        state: the tensors.
        window: voxels of one pass; the tensors do not tell.
        matching_axes: see ``prompt_encoder``; likewise.

    Raises:
        ModelError: the tensors are not those of a SegVol network.
    """
    blocks = _count(state, "image_encoder.blocks.{}.norm1.weight")
    text = "text_encoder.clip_text_model.text_model."
    text_blocks = _count(state, text + "encoder.layers.{}.layer_norm1.weight")
    try:
        grid = state["mask_decoder.output_upscaling.1.weight"].shape[1:]
        return SegVolShape(
            window=window,
            grid=(int(grid[0]) // 2, int(grid[1]) // 2, int(grid[2]) // 2),
            width=int(state["image_encoder.norm.weight"].shape[0]),
            blocks=blocks,
            encoder_mlp=int(state["image_encoder.blocks.0.mlp.linear1.weight"].shape[0]),
            decoder_mlp=int(state["mask_decoder.transformer.layers.0.mlp.linear1.weight"].shape[0]),
            masks=int(state["mask_decoder.mask_tokens.weight"].shape[0]),
            iou_width=int(state["mask_decoder.iou_prediction_head.layers.0.weight"].shape[0]),
            text_width=int(state[text + "final_layer_norm.weight"].shape[0]) if text_blocks else 0,
            text_blocks=text_blocks,
            text_mlp=int(state[text + "encoder.layers.0.mlp.fc1.weight"].shape[0]) if text_blocks else 0,
            vocabulary=int(state[text + "embeddings.token_embedding.weight"].shape[0]) if text_blocks else 0,
            longest_text=int(state[text + "embeddings.position_embedding.weight"].shape[0]) if text_blocks else 0,
            matching_axes=matching_axes,
        )
    except (KeyError, IndexError) as error:
        raise ModelError(
            f"The file does not hold the weights of a SegVol network: {error} is missing.",
            "Choose the model file that SegVol's authors publish, or one that this program wrote.",
        ) from error


def _count(state: Mapping[str, Any], name: str) -> int:
    n = 0
    while name.format(n) in state:
        n += 1
    return n
