"""Where SegVol's parts run: images become embeddings, prompts on an embedding become logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch

from ..choice import DTYPES, Precision
from .network import SegVolNetwork

Tensor = torch.Tensor


@dataclass(frozen=True, eq=False)
class WindowPrompts:
    """What is asked in one window.

    Args:
        points: (n, 3), float32, voxel indices (k, j, i) in the window; None: none are asked.
        labels: (n,), see ``prompt_encoder``.
        box: (6,), float32, first and last voxel; all -1: the structure is not here; None: no box.
        text: (1, width), float32; None: no text.
    """

    points: Tensor | None = None
    labels: Tensor | None = None
    box: Tensor | None = None
    text: Tensor | None = None

    def batched(self, device: torch.device | str = "cpu") -> tuple[Tensor | None, ...]:
        """Points, labels, box and text with a first axis of one, as ``PromptEncoder`` takes them."""
        points, labels, box = (None if t is None else t[None] for t in (self.points, self.labels, self.box))
        points, labels, box, text = (None if t is None else t.to(device) for t in (points, labels, box, self.text))
        return points, labels, box, text


class Backend(Protocol):
    """The network's parts on one device, in one precision. Deterministic: same input, same output."""

    description: str
    """For the person: library, device, precision."""

    def encode(self, image: Tensor) -> Tensor:
        """A window (1, k, j, i), float32, 0..1, on the CPU, as its embedding (1, width, *grid), float32, on the CPU."""
        ...

    def decode(self, embedding: Tensor, prompts: WindowPrompts) -> Tensor:
        """Logits (*4 grid), float32, on the CPU, of prompts on an embedding."""
        ...


class TorchBackend:
    """The network in PyTorch: on a CPU, a CUDA GPU, or Apple's MPS.

    Args:
        network: in evaluation mode.
        device: "cpu", "cuda", "cuda:1", "mps".
        precision: "fp32", or a half precision that autocast uses where it is safe.
    """

    def __init__(self, network: SegVolNetwork, device: str = "cpu", precision: Precision = "fp32") -> None:
        self._device, self._dtype = torch.device(device), DTYPES[precision]
        self._network = network.to(self._device)
        name = torch.cuda.get_device_name(self._device) if self._device.type == "cuda" else self._device.type.upper()
        self.description = f"PyTorch {torch.__version__}, {name}, {precision}"

    @torch.inference_mode()
    def encode(self, image: Tensor) -> Tensor:
        """See ``Backend``."""
        with self._autocast():
            return self._network.encode(image[None].to(self._device)).float().cpu()

    @torch.inference_mode()
    def decode(self, embedding: Tensor, prompts: WindowPrompts) -> Tensor:
        """See ``Backend``."""
        points, labels, box, text = prompts.batched(self._device)
        with self._autocast():
            sparse = self._network.prompt_encoder(points, labels, box, text)
            return self._network.decode(embedding.to(self._device).float(), sparse, text)[0].float().cpu()

    def _autocast(self) -> Any:
        return torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32)
