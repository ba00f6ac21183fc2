"""Where the network's parts run: windows become features, clicks become logits; nothing here knows of volumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch

from ..choice import DTYPES, Precision
from .channels_last import channels_first, with_channels_last
from .point_head import click_logits, low_features

Tensor = torch.Tensor


class Backend(Protocol):
    """The network's parts on one device, in one precision. Deterministic: same input, same output."""

    description: str
    """For the person: library, device, precision."""
    device: torch.device
    """Where its tensors are."""

    def encode(self, images: Tensor, classes: bool, clicks: bool) -> tuple[Tensor | None, Tensor | None]:
        """Run the encoder once, and the decoders that are asked for.

        Args:
            images: (n, 1, X, Y, Z), float32, 0..1, on the CPU.
            classes: whether the features of the class head are wanted.
            clicks: whether the features of the point head are wanted.

        Returns:
            ((n, C, X, Y, Z), (n, C, X/2, Y/2, Z/2)), float32 or half precision, on ``device``; None for what was not
            asked for. A class's logits are the dot product of its vector with the former.
        """
        ...

    def class_vectors(self, ids: Sequence[int]) -> Tensor:
        """(len(ids), C), float32, on ``device``."""
        ...

    def click_logits(self, low: Tensor, points: Tensor, labels: Tensor, zero_shot: bool) -> Tensor:
        """Logits of one object in one window.

        Args:
            low: (1, C, X/2, Y/2, Z/2), from ``encode``.
            points: (N, 3), float32, window voxel indices.
            labels: (N,), see ``point_head``.
            zero_shot: a new structure instead of one of the model's classes.

        Returns:
            (X, Y, Z), float32, on ``device``.
        """
        ...


class TorchBackend:
    """The network in PyTorch: on a CPU, a CUDA GPU, or Apple's MPS.

    Args:
        network: MONAI's ``VISTA3D`` in evaluation mode; its memory is laid out anew.
        device: "cpu", "cuda", "cuda:1", "mps".
        precision: "fp32", or a half precision that autocast uses where it is safe.
    """

    def __init__(self, network: Any, device: str = "cpu", precision: Precision = "fp32") -> None:
        self.device = torch.device(device)
        self.description = f"PyTorch {torch.__version__}, {_device_name(self.device)}, {precision}"
        self._dtype = DTYPES[precision]
        if self.device.type == "cpu":
            self._network = with_channels_last(network.to(self.device))
        else:
            layout = torch.channels_last_3d if self.device.type == "cuda" else torch.preserve_format
            self._network = network.to(self.device, memory_format=layout)

    @torch.inference_mode()
    def encode(self, images: Tensor, classes: bool, clicks: bool) -> tuple[Tensor | None, Tensor | None]:
        """See ``Backend``."""
        with self._autocast():
            for_clicks, for_classes = self._network.image_encoder(
                images.to(self.device), with_point=clicks, with_label=classes
            )
            low = low_features(self._network.point_head, for_clicks) if clicks else None
            del for_clicks
            features = self._network.class_head.image_post_mapping(for_classes) if classes else None
        if features is not None and self.device.type == "cpu":
            features = torch.cat([channels_first(item[None].permute(0, 2, 3, 4, 1)) for item in features])
        return features, low

    @torch.inference_mode()
    def class_vectors(self, ids: Sequence[int]) -> Tensor:
        """See ``Backend``."""
        head = self._network.class_head
        vectors = head.class_embeddings(torch.tensor(list(ids), device=self.device)[:, None])
        return (head.mlp(vectors) if head.use_mlp else vectors)[:, 0]

    @torch.inference_mode()
    def click_logits(self, low: Tensor, points: Tensor, labels: Tensor, zero_shot: bool) -> Tensor:
        """See ``Backend``."""
        with self._autocast():
            logits = click_logits(
                self._network.point_head,
                low.to(self.device, self._dtype),
                points[None].to(self.device),
                labels[None].to(self.device),
                torch.tensor([zero_shot], device=self.device),
            )
        return logits[0].float()

    def _autocast(self) -> Any:
        return torch.autocast(self.device.type, self._dtype, enabled=self._dtype != torch.float32)


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()
