"""A 3 x 3 x 3 convolution to one channel, as one matrix product and 27 shifted sums.

Convolution libraries are made for many output channels; with one, PyTorch on a CPU falls back to a path that is several
times slower.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import torch

Tensor = torch.Tensor

SHIFTS = tuple(product(range(3), repeat=3))


class ConvolutionToOne(torch.autograd.Function):
    """``out[b] = sum_c image[b, c] * kernel[b, c]``, zero padding, each object with its own kernel.

    image: (B, C, X, Y, Z); kernel: (B, C, 3, 3, 3); out: (B, X, Y, Z), float32.
    """

    @staticmethod
    def forward(ctx: Any, image: Tensor, kernel: Tensor) -> Tensor:
        """See the class."""
        ctx.save_for_backward(image, kernel)
        count, _, *size = image.shape
        taps = torch.bmm(kernel.flatten(2).transpose(1, 2), image.flatten(2)).view(count, 27, *size)
        padded = torch.zeros(count, *(side + 2 for side in size), device=image.device)
        for n, (x, y, z) in enumerate(SHIFTS):
            # Output voxel o takes input voxel o + shift - 1: input voxel i adds to o = i + 1 - shift.
            padded[:, 2 - x : 2 - x + size[0], 2 - y : 2 - y + size[1], 2 - z : 2 - z + size[2]] += taps[:, n]
        return padded[:, 1:-1, 1:-1, 1:-1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        image, kernel = ctx.saved_tensors
        count, channels, *size = image.shape
        padded = torch.nn.functional.pad(gradients[0].to(image.dtype), (1,) * 6)
        taps = torch.empty(count, 27, *size, dtype=image.dtype, device=image.device)
        for n, (x, y, z) in enumerate(SHIFTS):
            taps[:, n] = padded[:, 2 - x : 2 - x + size[0], 2 - y : 2 - y + size[1], 2 - z : 2 - z + size[2]]
        for_image = torch.bmm(kernel.flatten(2), taps.flatten(2)).view(image.shape)
        for_kernel = torch.bmm(image.flatten(2), taps.flatten(2).transpose(1, 2)).view(count, channels, 3, 3, 3)
        return for_image, for_kernel
