"""SegVol's prompts as tokens: points, a box, a text; and the positions that they are compared with.

A position becomes sines and cosines of random directions, which the weights hold. The published network was trained
with an inconsistency that must be kept for its weights: a token of the image at (k, j, i) has the position (j, k, i),
each as a share of the window, a prompt the position (k, j, i), divided by the window's extents along (j, k, i). With
``matching_axes`` both are (k, j, i) as shares of the window.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

Tensor = torch.Tensor
Index3 = tuple[int, int, int]

NEGATIVE, POSITIVE, PADDING = 0, 1, -1
"""Labels of points. One padding point stands behind the points where there is no box."""
BOX_LOW, BOX_HIGH = 2, 3


class PromptEncoder(nn.Module):
    """Turns prompts into tokens.

    Args:
        width: channels of a token.
        window: voxels of one pass, axes (k, j, i).
        grid: tokens of one pass, axes (k, j, i).
        matching_axes: whether prompts and image tokens use the same axes; not so in the published network.
    """

    def __init__(self, width: int, window: Index3, grid: Index3, matching_axes: bool) -> None:
        super().__init__()
        self.pe_layer = RandomDirections(width // 2)
        self.point_embeddings: Any = nn.ModuleList([nn.Embedding(1, width) for _ in range(4)])
        self.not_a_point_embed = nn.Embedding(1, width)
        self.no_mask_embed = nn.Embedding(1, width)
        # Masks as prompts: a part of the published file that cannot run, for it has two dimensions. Loaded, never used.
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, 4, 2, 2), nn.GroupNorm(1, 4), nn.GELU(),
            nn.Conv2d(4, 16, 2, 2), nn.GroupNorm(1, 16), nn.GELU(), nn.Conv2d(16, width, 1),
        )  # fmt: skip
        self._window, self._grid, self._matching = window, grid, matching_axes

    def forward(
        self,
        points: Tensor | None = None,
        labels: Tensor | None = None,
        boxes: Tensor | None = None,
        text: Tensor | None = None,
    ) -> Tensor:
        """Tokens of the prompts, in this order: points, padding, low and high corner of the box, text.

        Args:
            points: (B, N, 3), voxel indices (k, j, i) in the window, may be fractional.
            labels: (B, N), NEGATIVE, POSITIVE or PADDING.
            boxes: (B, 6): first and last voxel (k, j, i; k, j, i); all -1: the structure is not in this window.
            text: (B, width), from the text tower or a table.

        Returns:
            (B, tokens, width).
        """
        tokens = []
        if points is not None and labels is not None:
            coordinates = points + 0.5
            if boxes is None:
                coordinates = torch.cat([coordinates, coordinates.new_zeros(len(points), 1, 3)], 1)
                labels = torch.cat([labels, labels.new_full((len(labels), 1), PADDING)], 1)
            tokens.append(self._points(coordinates, labels))
        if boxes is not None:
            corners = self._encode(boxes.view(-1, 2, 3) + 0.5)
            tokens.append(corners + torch.stack([self.point_embeddings[n].weight[0] for n in (BOX_LOW, BOX_HIGH)]))
        if text is not None:
            tokens.append(text[:, None])
        return torch.cat(tokens, 1)

    def dense_positions(self) -> Tensor:
        """The positions of the image's tokens: (1, width, *grid)."""
        k, j, i = ((torch.arange(n, device=self.pe_layer.device) + 0.5) / n for n in self._grid)
        shares = torch.meshgrid(k, j, i, indexing="ij")
        order = (0, 1, 2) if self._matching else (1, 0, 2)
        return self.pe_layer(torch.stack([shares[n] for n in order], -1)).permute(3, 0, 1, 2)[None]

    def _encode(self, coordinates: Tensor) -> Tensor:
        k, j, i = self._window
        extents = (k, j, i) if self._matching else (j, k, i)
        return self.pe_layer(coordinates / torch.tensor(extents, device=coordinates.device))

    def _points(self, coordinates: Tensor, labels: Tensor) -> Tensor:
        positions = self._encode(coordinates)
        padding = (labels == PADDING)[..., None]
        tokens = torch.where(padding, self.not_a_point_embed.weight, positions)
        for label in (NEGATIVE, POSITIVE):
            tokens = tokens + (labels == label)[..., None] * self.point_embeddings[label].weight
        return tokens


class RandomDirections(nn.Module):
    """Positions, as shares of the window, become sines and cosines along random directions (Tancik et al. 2020)."""

    def __init__(self, half_width: int) -> None:
        super().__init__()
        self.positional_encoding_gaussian_matrix: Tensor
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(3, half_width))

    @property
    def device(self) -> torch.device:
        """Where its numbers are."""
        return self.positional_encoding_gaussian_matrix.device

    def forward(self, shares: Tensor) -> Tensor:
        """(..., 3) as (..., 2 half_width); in float32 whatever the rest computes in: the angles are large."""
        with torch.autocast(shares.device.type, enabled=False):
            angles = 2 * math.pi * ((2 * shares.float() - 1) @ self.positional_encoding_gaussian_matrix.float())
            return torch.cat([angles.sin(), angles.cos()], -1)
