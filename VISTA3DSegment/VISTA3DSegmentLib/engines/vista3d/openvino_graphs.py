"""The network's parts as OpenVINO graphs, built directly from the torch modules' weights.

OpenVINO could convert the modules by tracing them; that takes half a minute for the full network (measured), this a
second. The tests compare each graph with the modules that it stands for, so no change in MONAI passes unnoticed.

On CPUs OpenVINO's convolutions keep the channels last. A graph that hands over arrays in that order saves reorderings,
one of which costs more than a click in float32 (measured: 1.1 s for 48 x 128^3). Hence ``CHANNELS_LAST`` at borders:
(1, X, Y, Z, C).
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
Shape: TypeAlias = Sequence[int]

CHANNELS_FIRST, CHANNELS_LAST = (0, 4, 1, 2, 3), (0, 2, 3, 4, 1)
"""Orders of axes for ``transpose``: from the other one."""
SPACE = (2, 3, 4)


def encoder_graph(encoder: Any, window: Shape, storage: torch.dtype) -> Any:
    """The encoder.

    Args:
        encoder: MONAI's ``SegResEncoder``.
        window: (X, Y, Z).
        storage: torch.float32 or torch.bfloat16: of the arrays between graphs.

    Returns:
        Model: image (1, 1, X, Y, Z), float32 -> one array for each level, finest first, (1, x, y, z, channels).
    """
    image = op.parameter([1, 1, *window], openvino.Type.f32)
    outputs, x = [], _layer(encoder.conv_init, image)
    for level in encoder.layers:
        x = _layer(level["blocks"], x)
        outputs.append(_stored(_transposed(x, CHANNELS_LAST), storage))
        x = _layer(level["downsample"], x)
    return openvino.Model(outputs, [image], "encoder")


def decoder_graph(levels: Any, head: Any, skips: Sequence[Shape], storage: torch.dtype) -> Any:
    """A decoder, and what follows it.

    Args:
        levels: ``up_layers`` or ``up_layers_auto`` of MONAI's ``SegResNetDS2``.
        head: ``image_post_mapping`` of the class head, or ``feat_downsample`` of the point head.
        skips: shapes of the encoder's outputs.
        storage: see ``encoder_graph``.

    Returns:
        Model: the encoder's outputs -> features, (1, x, y, z, C).
    """
    inputs = [op.parameter(list(shape), _element(storage)) for shape in skips]
    x, *finer = [_transposed(_computed(node, storage), CHANNELS_FIRST) for node in reversed(inputs)]
    for level, skip in zip(levels, finer, strict=True):
        x = op.add(_layer(level["upsample"], x), skip)
        x = _layer(level["head"], _layer(level["blocks"], x))
    x = _layer(head, x)
    return openvino.Model([_stored(_transposed(x, CHANNELS_LAST), storage)], inputs, "decoder")


def click_graph(head: Any, low: Shape, storage: torch.dtype) -> Any:
    """The point head after ``low_features``: what a click costs. Exactly ``point_head.click_logits`` for one object.

    Args:
        head: MONAI's ``PointMappingSAM``.
        low: half the window: (x, y, z).
        storage: see ``encoder_graph``.

    Returns:
        Model: features (1, x, y, z, C), tokens (T, C) float32, T is free -> logits (X, Y, Z), float32.
    """
    channels = head.mask_tokens.embedding_dim
    features = op.parameter([1, *low, channels], _element(storage))
    tokens = op.parameter([-1, channels], openvino.Type.f32)
    image = op.reshape(_computed(features, storage), _ints(low[0], low[1] * low[2], channels), False)
    place = op.constant(_numpy(head.pe_layer(tuple(low)).flatten(2).permute(1, 2, 0)))
    answers, image = _two_way_transformer(head.transformer, image, place, tokens)
    image = _transposed(op.reshape(image, _ints(1, *low, channels), False), CHANNELS_FIRST)
    for layer in head.output_upscaling[:3]:
        image = _layer(layer, image)
    mask_vector = op.slice(answers, _ints(0), _ints(1), _ints(1), _ints(0))
    mlp = head.output_hypernetworks_mlps
    for index, layer in enumerate(mlp.layers):
        mask_vector = _layer(layer, mask_vector if index == 0 else op.relu(mask_vector))
    logits = _folded_convolution(head.output_upscaling[3], mask_vector, image)
    logits = op.reshape(logits, _ints(*(2 * side for side in low)), False)
    return openvino.Model([logits], [features, tokens], "click")


def _folded_convolution(convolution: Any, mask_vector: Node, image: Node) -> Node:
    """The convolution C -> C and the dot product with the mask vector, as one convolution C -> 1 in two steps.

    A convolution with one output channel uses one lane of a processor's sixteen. So the first step convolves along X
    only and keeps the nine taps of Y and Z as output channels; the second adds these up, each shifted to its place: two
    to three times faster (measured).
    """
    weight, bias = convolution.weight, convolution.bias
    out, into = weight.shape[:2]
    by_tap = _numpy(weight.permute(0, 3, 4, 1, 2).reshape(out, -1))  # (o, i, x, y, z) -> (o, y, z, i, x)
    kernels = op.reshape(op.matmul(mask_vector, by_tap, False, False), _ints(9, into, 3, 1, 1), False)
    taps = op.convolution(image, kernels, [1] * 3, [1, 0, 0], [1, 0, 0], [1] * 3)
    shifts = np.eye(9, dtype=np.float32).reshape(1, 9, 1, 3, 3)
    logits = op.convolution(taps, shifts, [1] * 3, [0, 1, 1], [0, 1, 1], [1] * 3)
    constant = op.matmul(mask_vector, _numpy(bias.reshape(-1, 1)), False, False)
    return op.add(logits, op.reshape(constant, _ints(1, 1, 1, 1, 1), False))


def _two_way_transformer(transformer: Any, image: Node, place: Node, tokens: Node) -> tuple[Node, Node]:
    queries = tokens
    for block in transformer.layers:
        if block.skip_first_layer_pe:
            queries = _self_attention(block.self_attn, queries, queries)
        else:
            queries = op.add(queries, _self_attention(block.self_attn, op.add(queries, tokens), queries))
        queries = _layer(block.norm1, queries)
        placed = op.add(image, place)
        seen = _tokens_look_at_image(block.cross_attn_token_to_image, op.add(queries, tokens), placed, image)
        queries = _layer(block.norm2, op.add(queries, seen))
        queries = _layer(block.norm3, op.add(queries, _layer(block.mlp, queries)))
        heard = _image_looks_at_tokens(block.cross_attn_image_to_token, placed, op.add(queries, tokens), queries)
        image = _layer(block.norm4, op.add(image, heard))
    attention = transformer.final_attn_token_to_image
    seen = _tokens_look_at_image(attention, op.add(queries, tokens), op.add(image, place), image)
    return _layer(transformer.norm_final_attn, op.add(queries, seen)), image


def _self_attention(attention: Any, positions: Node, values: Node) -> Node:
    q, k, v = (
        _heads(attention, _layer(projection, node))
        for projection, node in (
            (attention.q_proj, positions),
            (attention.k_proj, positions),
            (attention.v_proj, values),
        )
    )
    shares = op.softmax(op.multiply(op.matmul(q, k, False, True), _scale(attention)), 2)
    return _layer(attention.out_proj, _joined(attention, op.matmul(shares, v, False, False)))


def _tokens_look_at_image(attention: Any, queries: Node, placed: Node, image: Node) -> Node:
    """Cross attention with few queries and very many keys: the few take over the projections of keys and values.

    q . (W_k x + b_k) = (q W_k) . x + a constant that the softmax over x does not see, and
    sum_x p(x) (W_v x + b_v) = W_v sum_x p(x) x + b_v. So no projection of the image is ever computed.
    """
    q = _heads(attention, _layer(attention.q_proj, queries))
    asked = op.multiply(op.matmul(q, _by_head(attention, attention.k_proj.weight), False, False), _scale(attention))
    scores = op.matmul(_rows(asked, attention), placed, False, True)
    shares = op.exp(op.subtract(scores, op.reduce_max(scores, _ints(0, 2), True)))
    seen = op.reduce_sum(op.matmul(shares, image, False, False), _ints(0))
    seen = op.divide(seen, op.reshape(op.reduce_sum(shares, _ints(0, 2)), _ints(-1, 1), False))
    seen = op.reshape(seen, _ints(attention.num_heads, -1, attention.embedding_dim), False)
    value = op.matmul(seen, _by_head(attention, attention.v_proj.weight), False, True)
    value = op.add(value, _numpy(attention.v_proj.bias.view(attention.num_heads, 1, -1)))
    return _layer(attention.out_proj, _joined(attention, value))


def _image_looks_at_tokens(attention: Any, placed: Node, positions: Node, values: Node) -> Node:
    """Cross attention with very many queries and few keys; again the few take over the projections."""
    heads, channels = attention.num_heads, attention.embedding_dim
    k = op.multiply(_heads(attention, _layer(attention.k_proj, positions)), _scale(attention))
    asked = op.matmul(k, _by_head(attention, attention.q_proj.weight), False, False)
    offset = op.matmul(k, _numpy(attention.q_proj.bias.view(heads, -1, 1)), False, False)
    scores = op.add(op.matmul(_rows(asked, attention), placed, False, True), op.reshape(offset, _ints(-1, 1), False))
    planes, voxels, _ = placed.shape
    shares = op.softmax(op.reshape(scores, _ints(planes, heads, -1, voxels), False), 2)
    shares = op.reshape(shares, _ints(planes, -1, voxels), False)
    v = _heads(attention, _layer(attention.v_proj, values))
    said = op.matmul(v, _by_head(attention, attention.out_proj.weight.T), False, False)
    heard = op.matmul(shares, op.reshape(said, _ints(-1, channels), False), True, False)
    return op.add(heard, _numpy(attention.out_proj.bias.view(1, 1, -1)))


def _heads(attention: Any, node: Node) -> Node:
    """(T, heads * width) -> (heads, T, width)."""
    width = attention.internal_dim // attention.num_heads
    return _transposed(op.reshape(node, _ints(-1, attention.num_heads, width), False), (1, 0, 2))


def _joined(attention: Any, node: Node) -> Node:
    """(heads, T, width) -> (T, heads * width)."""
    return op.reshape(_transposed(node, (1, 0, 2)), _ints(-1, attention.internal_dim), False)


def _rows(node: Node, attention: Any) -> Node:
    """(heads, T, C) -> (heads * T, C)."""
    return op.reshape(node, _ints(-1, attention.embedding_dim), False)


def _by_head(attention: Any, weight: torch.Tensor) -> Array:
    """(heads * width, C) -> (heads, width, C)."""
    return _numpy(weight.reshape(attention.num_heads, -1, attention.embedding_dim))


def _scale(attention: Any) -> Array:
    return np.array((attention.internal_dim // attention.num_heads) ** -0.5, np.float32)


def _layer(module: nn.Module, x: Node) -> Node:
    """A torch module applied to a node."""
    if isinstance(module, SegResBlock):
        inner = _chain((module.norm1, module.act1, module.conv1, module.norm2, module.act2, module.conv2), x)
        return op.add(inner, x)
    if isinstance(module, UnetrBasicBlock):
        return _layer(module.layer, x)
    if isinstance(module, UnetResBlock) and not module.downsample:
        inner = _chain((module.conv1, module.norm1, module.lrelu, module.conv2, module.norm2), x)
        return _layer(module.lrelu, op.add(inner, x))
    if isinstance(module, nn.Sequential):
        return _chain(tuple(module), x)
    if isinstance(module, MLPBlock):
        return _chain((module.linear1, module.fn, module.linear2), x)
    return _leaf(module, x)


def _chain(modules: Sequence[Any], x: Node) -> Node:
    for module in modules:
        x = _layer(module, x)
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
        return _scaled(module, _normalised(x, (-1,), module.eps), (1, -1))
    if isinstance(module, nn.LeakyReLU):
        return op.prelu(x, np.array([module.negative_slope], np.float32))
    if isinstance(module, nn.ReLU):
        return op.relu(x)
    if isinstance(module, nn.GELU) and module.approximate == "none":
        return op.gelu(x, "erf")
    raise TypeError(f"{type(module).__name__} is not a layer of VISTA3D")


def _normalised(x: Node, axes: tuple[int, ...], epsilon: float) -> Node:
    return op.mvn(x, _ints(*axes), True, epsilon, "INSIDE_SQRT")


def _scaled(module: Any, x: Node, shape: tuple[int, ...]) -> Node:
    if module.weight is None:
        return x
    return _with_bias(op.multiply(x, _numpy(module.weight.reshape(shape))), module.bias, shape)


def _with_bias(x: Node, bias: torch.Tensor | None, shape: tuple[int, ...]) -> Node:
    return x if bias is None else op.add(x, _numpy(bias.reshape(shape)))


def _constant(weight: torch.Tensor) -> Node:
    # Shared with torch: no copy of the weights besides the one that OpenVINO packs for its kernels. What is laid out
    # otherwise must be copied, for nobody else would keep it.
    node = op.constant(shared(weight.detach().contiguous()), shared_memory=weight.is_contiguous())
    return _computed(node, weight.dtype)


def shared(tensor: torch.Tensor) -> Any:
    """OpenVINO's view of a contiguous torch tensor, float32 or bfloat16; nothing is copied."""
    if tensor.dtype == torch.bfloat16:
        return openvino.Tensor(tensor.view(torch.int16).numpy(), list(tensor.shape), openvino.Type.bf16)
    return openvino.Tensor(tensor.numpy(), shared_memory=True)


def _numpy(tensor: torch.Tensor) -> Array:
    return tensor.detach().float().contiguous().numpy()


def _ints(*values: int) -> Node:
    return op.constant(np.array(values, np.int64))


def _transposed(x: Node, order: tuple[int, ...]) -> Node:
    return op.transpose(x, _ints(*order))


def _element(storage: torch.dtype) -> Any:
    return openvino.Type.bf16 if storage == torch.bfloat16 else openvino.Type.f32


def _computed(x: Node, storage: torch.dtype) -> Node:
    return op.convert(x, openvino.Type.f32) if storage == torch.bfloat16 else x


def _stored(x: Node, storage: torch.dtype) -> Node:
    return op.convert(x, openvino.Type.bf16) if storage == torch.bfloat16 else x
