"""SegVol's parts as OpenVINO graphs, built directly from the torch modules' weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino
from openvino import opset13 as op

from ..openvino_layers import Node, as_numpy, ints, layer, transposed, two_way_transformer
from .mask_decoder import FIRST_MASK
from .prompt_encoder import PromptEncoder

Index3 = tuple[int, int, int]


def encoder_graph(encoder: Any, window: Index3, grid: Index3) -> Any:
    """The image encoder.

    Args:
        encoder: MONAI's ``ViT`` with patches by a perceptron.
        window: (k, j, i).
        grid: tokens along (k, j, i).

    Returns:
        Model: image (1, 1, k, j, i), float32 -> embedding (1, width, *grid), float32.
    """
    image = op.parameter([1, 1, *window], openvino.Type.f32)
    sides = [n for tokens, size in zip(grid, window, strict=True) for n in (tokens, size // tokens)]
    tokens = transposed(op.reshape(image, ints(*sides), False), (0, 2, 4, 1, 3, 5))
    embedding = encoder.patch_embedding
    x = layer(embedding.patch_embeddings[1], op.reshape(tokens, ints(int(np.prod(grid)), -1), False))
    x = op.add(x, as_numpy(embedding.position_embeddings[0]))
    for block in encoder.blocks:
        x = op.add(x, _attention(block.attn, layer(block.norm1, x)))
        x = op.add(x, layer(block.mlp, layer(block.norm2, x)))
    x = transposed(layer(encoder.norm, x), (1, 0))
    return openvino.Model([op.reshape(x, ints(1, -1, *grid), False)], [image], "encoder")


def _attention(attention: Any, x: Node) -> Node:
    heads, width = attention.num_heads, attention.dim_head
    qkv = op.reshape(layer(attention.qkv, x), ints(-1, 3, heads, width), False)
    q, k, v = (op.gather(transposed(qkv, (1, 2, 0, 3)), ints(n), ints(0)) for n in range(3))
    seen = op.scaled_dot_product_attention(q, k, v, causal=False)
    seen = transposed(op.reshape(seen, ints(heads, -1, width), False), (1, 0, 2))
    return layer(attention.out_proj, op.reshape(seen, ints(-1, heads * width), False))


def decoder_graph(decoder: Any, prompts: PromptEncoder, grid: Index3, width: int) -> Any:
    """The mask decoder.

    Args:
        decoder: ``MaskDecoder``.
        prompts: the prompt encoder, for the positions of the image's tokens and what stands for "no mask".
        grid: tokens along (k, j, i).
        width: channels of a token.

    Returns:
        Model: embedding (1, width, *grid), tokens (T, width), what the text adds to the mask's weights (1, width / 8)
        -> logits (*4 grid), all float32.
    """
    k, j, i = grid
    embedding = op.parameter([1, width, *grid], openvino.Type.f32)
    tokens = op.parameter([-1, width], openvino.Type.f32)
    said = op.parameter([1, width // 8], openvino.Type.f32)
    image = op.add(embedding, as_numpy(prompts.no_mask_embed.weight.view(1, -1, 1, 1, 1)))
    image = transposed(op.reshape(image, ints(width, k, j * i), False), (1, 2, 0))
    place = op.constant(as_numpy(prompts.dense_positions()[0].reshape(width, k, j * i).permute(1, 2, 0)))
    answers, image = two_way_transformer(decoder.transformer, image, place, tokens)
    voxels = op.reshape(transposed(image, (2, 0, 1)), ints(1, width, *grid), False)
    voxels = layer(decoder.output_upscaling, voxels)
    weights = op.slice(answers, ints(FIRST_MASK), ints(FIRST_MASK + 1), ints(1), ints(0))
    for index, part in enumerate(decoder.output_hypernetworks_mlps[0].layers):
        weights = layer(part, weights if index == 0 else op.relu(weights))
    fine = ints(width // 8, 64 * k * j * i)
    logits = op.matmul(op.add(weights, said), op.reshape(voxels, fine, False), False, False)
    return openvino.Model([op.reshape(logits, ints(4 * k, 4 * j, 4 * i), False)], [embedding, tokens, said], "decoder")
