"""Torch modules as nodes of OpenVINO's graphs, built directly from their weights: what both networks are made of.

OpenVINO could convert the modules by tracing them; that takes half a minute for a full network (measured), this a
second. The tests compare each graph with the modules that it stands for, so no change in MONAI passes unnoticed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import openvino
import torch
from monai.networks.blocks.dynunet_block import UnetResBlock
from monai.networks.blocks.mlp import MLPBlock
from monai.networks.blocks.unetr_block import UnetrBasicBlock
from monai.networks.nets.segresnet_ds import SegResBlock
from openvino import opset13 as op
from torch import nn

Node: TypeAlias = Any
Array = npt.NDArray[np.float32]

SPACE = (2, 3, 4)


def two_way_transformer(transformer: Any, image: Node, place: Node, tokens: Node) -> tuple[Node, Node]:
    """MONAI's ``TwoWayTransformer`` for one object.

    Args:
        transformer: the module.
        image: (planes, n, C).
        place: likewise, its positions.
        tokens: (T, C).

    Returns:
        (T, C) and (planes, n, C).
    """
    queries = tokens
    for block in transformer.layers:
        if block.skip_first_layer_pe:
            queries = _self_attention(block.self_attn, queries, queries)
        else:
            queries = op.add(queries, _self_attention(block.self_attn, op.add(queries, tokens), queries))
        queries = layer(block.norm1, queries)
        placed = op.add(image, place)
        seen = _tokens_look_at_image(block.cross_attn_token_to_image, op.add(queries, tokens), placed, image)
        queries = layer(block.norm2, op.add(queries, seen))
        queries = layer(block.norm3, op.add(queries, layer(block.mlp, queries)))
        heard = _image_looks_at_tokens(block.cross_attn_image_to_token, placed, op.add(queries, tokens), queries)
        image = layer(block.norm4, op.add(image, heard))
    attention = transformer.final_attn_token_to_image
    seen = _tokens_look_at_image(attention, op.add(queries, tokens), op.add(image, place), image)
    return layer(transformer.norm_final_attn, op.add(queries, seen)), image


def _self_attention(attention: Any, positions: Node, values: Node) -> Node:
    q, k, v = (
        _heads(attention, layer(projection, node))
        for projection, node in (
            (attention.q_proj, positions),
            (attention.k_proj, positions),
            (attention.v_proj, values),
        )
    )
    shares = op.softmax(op.multiply(op.matmul(q, k, False, True), _scale(attention)), 2)
    return layer(attention.out_proj, _joined(attention, op.matmul(shares, v, False, False)))


def _tokens_look_at_image(attention: Any, queries: Node, placed: Node, image: Node) -> Node:
    """Cross attention with few queries and very many keys: the few take over the projections of keys and values.

    q . (W_k x + b_k) = (q W_k) . x + a constant that the softmax over x does not see, and
    sum_x p(x) (W_v x + b_v) = W_v sum_x p(x) x + b_v. So no projection of the image is ever computed.
    """
    q = _heads(attention, layer(attention.q_proj, queries))
    asked = op.multiply(op.matmul(q, _by_head(attention, attention.k_proj.weight), False, False), _scale(attention))
    scores = op.matmul(_rows(asked, attention), placed, False, True)
    shares = op.exp(op.subtract(scores, op.reduce_max(scores, ints(0, 2), True)))
    seen = op.reduce_sum(op.matmul(shares, image, False, False), ints(0))
    seen = op.divide(seen, op.reshape(op.reduce_sum(shares, ints(0, 2)), ints(-1, 1), False))
    seen = op.reshape(seen, ints(attention.num_heads, -1, attention.embedding_dim), False)
    value = op.matmul(seen, _by_head(attention, attention.v_proj.weight), False, True)
    value = op.add(value, as_numpy(attention.v_proj.bias.view(attention.num_heads, 1, -1)))
    return layer(attention.out_proj, _joined(attention, value))


def _image_looks_at_tokens(attention: Any, placed: Node, positions: Node, values: Node) -> Node:
    """Cross attention with very many queries and few keys; again the few take over the projections."""
    heads, channels = attention.num_heads, attention.embedding_dim
    k = op.multiply(_heads(attention, layer(attention.k_proj, positions)), _scale(attention))
    asked = op.matmul(k, _by_head(attention, attention.q_proj.weight), False, False)
    offset = op.matmul(k, as_numpy(attention.q_proj.bias.view(heads, -1, 1)), False, False)
    scores = op.add(op.matmul(_rows(asked, attention), placed, False, True), op.reshape(offset, ints(-1, 1), False))
    planes, voxels, _ = placed.shape
    shares = op.softmax(op.reshape(scores, ints(planes, heads, -1, voxels), False), 2)
    shares = op.reshape(shares, ints(planes, -1, voxels), False)
    v = _heads(attention, layer(attention.v_proj, values))
    said = op.matmul(v, _by_head(attention, attention.out_proj.weight.T), False, False)
    heard = op.matmul(shares, op.reshape(said, ints(-1, channels), False), True, False)
    return op.add(heard, as_numpy(attention.out_proj.bias.view(1, 1, -1)))


def _heads(attention: Any, node: Node) -> Node:
    """(T, heads * width) -> (heads, T, width)."""
    width = attention.internal_dim // attention.num_heads
    return transposed(op.reshape(node, ints(-1, attention.num_heads, width), False), (1, 0, 2))


def _joined(attention: Any, node: Node) -> Node:
    """(heads, T, width) -> (T, heads * width)."""
    return op.reshape(transposed(node, (1, 0, 2)), ints(-1, attention.internal_dim), False)


def _rows(node: Node, attention: Any) -> Node:
    """(heads, T, C) -> (heads * T, C)."""
    return op.reshape(node, ints(-1, attention.embedding_dim), False)


def _by_head(attention: Any, weight: torch.Tensor) -> Array:
    """(heads * width, C) -> (heads, width, C)."""
    return as_numpy(weight.reshape(attention.num_heads, -1, attention.embedding_dim))


def _scale(attention: Any) -> Array:
    return np.array((attention.internal_dim // attention.num_heads) ** -0.5, np.float32)


def layer(module: nn.Module, x: Node) -> Node:
    """A torch module applied to a node."""
    if isinstance(module, SegResBlock):
        inner = _chain((module.norm1, module.act1, module.conv1, module.norm2, module.act2, module.conv2), x)
        return op.add(inner, x)
    if isinstance(module, UnetrBasicBlock):
        return layer(module.layer, x)
    if isinstance(module, UnetResBlock) and not module.downsample:
        inner = _chain((module.conv1, module.norm1, module.lrelu, module.conv2, module.norm2), x)
        return layer(module.lrelu, op.add(inner, x))
    if isinstance(module, nn.Sequential):
        return _chain(tuple(module), x)
    if isinstance(module, MLPBlock):
        return _chain((module.linear1, module.fn, module.linear2), x)
    return _leaf(module, x)


def _chain(modules: Sequence[Any], x: Node) -> Node:
    for module in modules:
        x = layer(module, x)
    return x


def _leaf(module: nn.Module, x: Node) -> Node:
    if isinstance(module, nn.Identity):
        return x
    if isinstance(module, nn.Conv3d):
        pads = list(module.padding)
        x = op.convolution(x, _constant(module.weight), list(module.stride), pads, pads, list(module.dilation))
        return _with_bias(x, module.bias, (1, -1, 1, 1, 1))
    if isinstance(module, nn.ConvTranspose3d):
        pads = list(module.padding)
        x = op.convolution_backprop_data(
            x,
            _constant(module.weight),
            strides=list(module.stride),
            pads_begin=pads,
            pads_end=pads,
            dilations=list(module.dilation),
            output_padding=list(module.output_padding),
        )
        return _with_bias(x, module.bias, (1, -1, 1, 1, 1))
    if isinstance(module, nn.Linear):
        return _with_bias(op.matmul(x, _constant(module.weight), False, True), module.bias, (1, -1))
    if isinstance(module, nn.InstanceNorm3d):
        return _scaled(module, _normalised(x, SPACE, module.eps), (1, -1, 1, 1, 1))
    if isinstance(module, nn.LayerNorm):
        count = len(module.normalized_shape)
        return _scaled(module, _normalised(x, tuple(range(-count, 0)), module.eps), (1, *module.normalized_shape))
    if isinstance(module, nn.LeakyReLU):
        return op.prelu(x, np.array([module.negative_slope], np.float32))
    if isinstance(module, nn.ReLU):
        return op.relu(x)
    if isinstance(module, nn.GELU) and module.approximate == "none":
        return op.gelu(x, "erf")
    raise TypeError(f"{type(module).__name__} has no graph of OpenVINO here")


def _normalised(x: Node, axes: tuple[int, ...], epsilon: float) -> Node:
    return op.mvn(x, ints(*axes), True, epsilon, "INSIDE_SQRT")


def _scaled(module: Any, x: Node, shape: tuple[int, ...]) -> Node:
    if module.weight is None:
        return x
    return _with_bias(op.multiply(x, as_numpy(module.weight.reshape(shape))), module.bias, shape)


def _with_bias(x: Node, bias: torch.Tensor | None, shape: tuple[int, ...]) -> Node:
    return x if bias is None else op.add(x, as_numpy(bias.reshape(shape)))


def _constant(weight: torch.Tensor) -> Node:
    # Shared with torch: no copy of the weights besides the one that OpenVINO packs for its kernels. What is laid out
    # otherwise must be copied, for nobody else would keep it.
    node = op.constant(shared(weight.detach().contiguous()), shared_memory=weight.is_contiguous())
    return computed(node, weight.dtype)


def shared(tensor: torch.Tensor) -> Any:
    """OpenVINO's view of a contiguous torch tensor, float32 or bfloat16; nothing is copied."""
    if tensor.dtype == torch.bfloat16:
        return openvino.Tensor(tensor.view(torch.int16).numpy(), list(tensor.shape), openvino.Type.bf16)
    return openvino.Tensor(tensor.numpy(), shared_memory=True)


def as_numpy(tensor: torch.Tensor) -> Array:
    """A torch tensor as float32."""
    return tensor.detach().float().contiguous().numpy()


def ints(*values: int) -> Node:
    """A constant of whole numbers."""
    return op.constant(np.array(values, np.int64))


def transposed(x: Node, order: tuple[int, ...]) -> Node:
    """With the axes in another order."""
    return op.transpose(x, ints(*order))


def element_type(storage: torch.dtype) -> Any:
    """OpenVINO's name of what arrays between graphs hold."""
    return openvino.Type.bf16 if storage == torch.bfloat16 else openvino.Type.f32


def computed(x: Node, storage: torch.dtype) -> Node:
    """As it is computed with, float32 (or what the precision hint makes of that)."""
    return op.convert(x, openvino.Type.f32) if storage == torch.bfloat16 else x


def stored(x: Node, storage: torch.dtype) -> Node:
    """As it is handed over."""
    return op.convert(x, openvino.Type.bf16) if storage == torch.bfloat16 else x
