"""The network's parts as OpenVINO graphs, built directly from the torch modules' weights.

On CPUs OpenVINO's convolutions keep the channels last. A graph that hands over arrays in that order saves reorderings,
one of which costs more than a click in float32 (measured: 1.1 s for 48 x 128^3). Hence ``CHANNELS_LAST`` at borders:
(1, X, Y, Z, C).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import openvino
import torch
from openvino import opset13 as op

from ..openvino_layers import (
    Node,
    as_numpy,
    computed,
    element_type,
    ints,
    layer,
    stored,
    transposed,
    two_way_transformer,
)

Shape: TypeAlias = Sequence[int]

CHANNELS_FIRST, CHANNELS_LAST = (0, 4, 1, 2, 3), (0, 2, 3, 4, 1)
"""Orders of axes for ``transpose``: from the other one."""


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
    outputs, x = [], layer(encoder.conv_init, image)
    for level in encoder.layers:
        x = layer(level["blocks"], x)
        outputs.append(stored(transposed(x, CHANNELS_LAST), storage))
        x = layer(level["downsample"], x)
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
    inputs = [op.parameter(list(shape), element_type(storage)) for shape in skips]
    x, *finer = [transposed(computed(node, storage), CHANNELS_FIRST) for node in reversed(inputs)]
    for level, skip in zip(levels, finer, strict=True):
        x = op.add(layer(level["upsample"], x), skip)
        x = layer(level["head"], layer(level["blocks"], x))
    x = layer(head, x)
    return openvino.Model([stored(transposed(x, CHANNELS_LAST), storage)], inputs, "decoder")


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
    features = op.parameter([1, *low, channels], element_type(storage))
    tokens = op.parameter([-1, channels], openvino.Type.f32)
    image = op.reshape(computed(features, storage), ints(low[0], low[1] * low[2], channels), False)
    place = op.constant(as_numpy(head.pe_layer(tuple(low)).flatten(2).permute(1, 2, 0)))
    answers, image = two_way_transformer(head.transformer, image, place, tokens)
    image = transposed(op.reshape(image, ints(1, *low, channels), False), CHANNELS_FIRST)
    for part in head.output_upscaling[:3]:
        image = layer(part, image)
    mask_vector = op.slice(answers, ints(0), ints(1), ints(1), ints(0))
    mlp = head.output_hypernetworks_mlps
    for index, part in enumerate(mlp.layers):
        mask_vector = layer(part, mask_vector if index == 0 else op.relu(mask_vector))
    logits = _folded_convolution(head.output_upscaling[3], mask_vector, image)
    logits = op.reshape(logits, ints(*(2 * side for side in low)), False)
    return openvino.Model([logits], [features, tokens], "click")


def _folded_convolution(convolution: Any, mask_vector: Node, image: Node) -> Node:
    """The convolution C -> C and the dot product with the mask vector, as one convolution C -> 1 in two steps.

    A convolution with one output channel uses one lane of a processor's sixteen. So the first step convolves along X
    only and keeps the nine taps of Y and Z as output channels; the second adds these up, each shifted to its place: two
    to three times faster (measured).
    """
    weight, bias = convolution.weight, convolution.bias
    out, into = weight.shape[:2]
    by_tap = as_numpy(weight.permute(0, 3, 4, 1, 2).reshape(out, -1))  # (o, i, x, y, z) -> (o, y, z, i, x)
    kernels = op.reshape(op.matmul(mask_vector, by_tap, False, False), ints(9, into, 3, 1, 1), False)
    taps = op.convolution(image, kernels, [1] * 3, [1, 0, 0], [1, 0, 0], [1] * 3)
    shifts = np.eye(9, dtype=np.float32).reshape(1, 9, 1, 3, 3)
    logits = op.convolution(taps, shifts, [1] * 3, [0, 1, 1], [0, 1, 1], [1] * 3)
    constant = op.matmul(mask_vector, as_numpy(bias.reshape(-1, 1)), False, False)
    return op.add(logits, op.reshape(constant, ints(1, 1, 1, 1, 1), False))
