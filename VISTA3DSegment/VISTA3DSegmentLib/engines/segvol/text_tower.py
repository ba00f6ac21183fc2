"""The text tower: CLIP's (ViT-B/32), and the layer that brings it to the width of the other tokens.

Source: Radford et al., Learning Transferable Visual Models From Natural Language Supervision, 2021 (arXiv:2103.00020).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name for it)
from torch import nn

Tensor = torch.Tensor


class TextEncoder(nn.Module):
    """Token ids become one vector of the prompts' width.

    Args:
        width: channels. blocks: of the transformer. heads: of each. mlp: hidden channels.
        vocabulary: how many tokens there are; the last ends a text.
        longest: tokens of the longest text.
        out_width: channels of the answer.
    """

    def __init__(
        self, width: int, blocks: int, heads: int, mlp: int, vocabulary: int, longest: int, out_width: int
    ) -> None:
        super().__init__()
        # Two shells without a purpose of their own: the names of the published file.
        self.clip_text_model = nn.ModuleDict(
            {"text_model": _TextTransformer(width, blocks, heads, mlp, vocabulary, longest)}
        )
        self.dim_align = nn.Linear(width, out_width)

    def forward(self, ids: Tensor) -> Tensor:
        """(B, tokens), int64, each with its end token, as (B, out_width)."""
        return self.dim_align(self.clip_text_model["text_model"](ids))


class _TextTransformer(nn.Module):
    def __init__(self, width: int, blocks: int, heads: int, mlp: int, vocabulary: int, longest: int) -> None:
        super().__init__()
        self.embeddings = _Embeddings(width, vocabulary, longest)
        self.encoder: Any = nn.ModuleDict({"layers": nn.ModuleList([_Block(width, heads, mlp) for _ in range(blocks)])})
        self.final_layer_norm = nn.LayerNorm(width)
        self._end = vocabulary - 1

    def forward(self, ids: Tensor) -> Tensor:
        hidden = self.embeddings(ids)
        for block in self.encoder["layers"]:
            hidden = block(hidden)
        first_end = (ids == self._end).int().argmax(1)
        return self.final_layer_norm(hidden)[torch.arange(len(ids), device=ids.device), first_end]


class _Embeddings(nn.Module):
    def __init__(self, width: int, vocabulary: int, longest: int) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(vocabulary, width)
        self.position_embedding = nn.Embedding(longest, width)
        self.register_buffer("position_ids", torch.arange(longest)[None])

    def forward(self, ids: Tensor) -> Tensor:
        return self.token_embedding(ids) + self.position_embedding.weight[: ids.shape[1]]


class _Block(nn.Module):
    def __init__(self, width: int, heads: int, mlp: int) -> None:
        super().__init__()
        self.self_attn = _CausalAttention(width, heads)
        self.layer_norm1 = nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, mlp), "fc2": nn.Linear(mlp, width)})
        self.layer_norm2 = nn.LayerNorm(width)

    def forward(self, hidden: Tensor) -> Tensor:
        hidden = hidden + self.self_attn(self.layer_norm1(hidden))
        inner = self.mlp["fc1"](self.layer_norm2(hidden))
        return hidden + self.mlp["fc2"](inner * torch.sigmoid(1.702 * inner))  # CLIP's fast form of GELU


class _CausalAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.q_proj, self.k_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.v_proj, self.out_proj = nn.Linear(width, width), nn.Linear(width, width)
        self._heads = heads

    def forward(self, hidden: Tensor) -> Tensor:
        q, k, v = (
            projection(hidden).unflatten(2, (self._heads, -1)).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        answer = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out_proj(answer.transpose(1, 2).flatten(2))
