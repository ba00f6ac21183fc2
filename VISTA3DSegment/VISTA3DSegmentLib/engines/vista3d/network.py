"""VISTA3D's network, of any width and depth: MONAI's classes, sized by what the weights say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import ModelError

LAST_SUPPORTED_CLASS = 132
"""A prompt class above it selects the zero-shot token (MONAI ``vista3d.py``, ``PointMappingSAM.forward``)."""


@dataclass(frozen=True)
class NetworkShape:
    """What differs between VISTA3D networks.

    Args:
        init_filters: channels of the encoder's first level; they double at each further level. VISTA3D: 48.
        feature_size: channels of the decoders' output, of the class embeddings and of the point head. VISTA3D: 48.
        blocks_down: residual blocks of each encoder level. VISTA3D: (1, 2, 2, 4, 4).
        n_classes: rows of the table of class embeddings. VISTA3D: 512.
    """

    init_filters: int = 48
    feature_size: int = 48
    blocks_down: tuple[int, ...] = (1, 2, 2, 4, 4)
    n_classes: int = 512


FULL = NetworkShape()
"""The published network: 218 million parameters."""


def build_network(shape: NetworkShape) -> Any:
    """MONAI's ``VISTA3D`` of a given shape, with random weights, on the CPU, in training mode."""
    from monai.networks.nets.segresnet_ds import SegResNetDS2
    from monai.networks.nets.vista3d import VISTA3D, ClassMappingClassify, PointMappingSAM

    encoder = SegResNetDS2(
        in_channels=1,
        blocks_down=shape.blocks_down,
        norm="instance",
        out_channels=shape.feature_size,
        init_filters=shape.init_filters,
        dsdepth=1,
    )
    point_head = PointMappingSAM(
        feature_size=shape.feature_size, n_classes=shape.n_classes, last_supported=LAST_SUPPORTED_CLASS
    )
    class_head = ClassMappingClassify(n_classes=shape.n_classes, feature_size=shape.feature_size, use_mlp=True)
    return VISTA3D(image_encoder=encoder, class_head=class_head, point_head=point_head)


def shape_of(state: Mapping[str, Any]) -> NetworkShape:
    """Read width and depth off the tensors of a state dict (MONAI >= 1.4 key names).

    Raises:
        ModelError: the tensors are not those of a VISTA3D network.
    """
    try:
        init_filters = int(state["image_encoder.encoder.conv_init.weight"].shape[0])
        n_classes, feature_size = (int(n) for n in state["class_head.class_embeddings.weight"].shape)
    except (KeyError, ValueError, IndexError) as error:
        raise ModelError(
            "The file does not hold the weights of a VISTA3D network: its first layer or class embeddings are missing.",
            "Choose the model file that NVIDIA publishes, or one that this program wrote.",
        ) from error
    blocks_down: list[int] = []
    while (blocks := _count_blocks(state, len(blocks_down))) > 0:
        blocks_down.append(blocks)
    return NetworkShape(init_filters, feature_size, tuple(blocks_down), n_classes)


def _count_blocks(state: Mapping[str, Any], level: int) -> int:
    blocks = 0
    while f"image_encoder.encoder.layers.{level}.blocks.{blocks}.conv1.weight" in state:
        blocks += 1
    return blocks
