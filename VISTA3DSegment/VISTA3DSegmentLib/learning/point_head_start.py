"""How the point head begins: with weights from which it learns what clicks are for, and a lesson without images.

From random weights a small network did not find out in hundreds of steps that a click has a place, let alone that
voxels like the clicked one belong to it. So attention begins as likeness (queries and keys are the same projection,
values pass unchanged: "mimetic" weights, Trockman & Kolter 2023, arXiv:2305.09828), that a click may collect the
features of its place, the mask token those of the positive clicks, and the mask be what resembles them. The lesson
teaches it: regions of random features, asked for by clicks inside and beside them. Measured: Dice 0.37 after 400 steps
and 0.51 after 1,500; 0.25 after 400 with the same queries and keys only, where the loss had hardly fallen.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import torch

from ..engines.vista3d.point_head import click_logits, low_features
from .losses import dice_cross_entropy, dice_of
from .optimizer import Optimizer

Tensor = torch.Tensor

COARSEST_CODE, FINEST_CODE = 0.15, 0.8
"""Spread of the point code's random frequencies, from the first to the last. With MONAI's 1 for all, two codes stop
being alike an eighth of a window apart, and a small network did not find out that a click has a place (measured: balls
around clicks after 250 steps, Dice 0.10 against 0.41)."""
WARM_UP_STEPS, WARM_UP_RATE, SIDE, OBJECTS = 1500, 4e-3, 24, 8


def start_point_head(head: Any) -> None:
    """Set the weights of a fresh ``PointMappingSAM``, in place."""
    with torch.no_grad():
        frequencies = head.pe_layer.positional_encoding_gaussian_matrix
        frequencies.mul_(torch.from_numpy(np.geomspace(COARSEST_CODE, FINEST_CODE, frequencies.shape[1])))
        for layer in head.transformer.layers:
            _attend_to_like(layer.self_attn, likeness=1.0, passed=1.0)
            _attend_to_like(layer.cross_attn_token_to_image, likeness=1.0, passed=1.5)
            _attend_to_like(layer.cross_attn_image_to_token, likeness=1.0, passed=0.7)
            layer.mlp.linear2.weight.mul_(0.1)
        _attend_to_like(head.transformer.final_attn_token_to_image, likeness=0.7, passed=0.5)
        head.mask_tokens.weight.copy_(head.point_embeddings[1].weight)  # the mask token is like a positive click
        _pass_through(head.output_hypernetworks_mlps)
        _enlarge_unchanged(head.output_upscaling)


def _attend_to_like(attention: Any, likeness: float, passed: float) -> None:
    torch.nn.init.orthogonal_(attention.q_proj.weight, gain=likeness)
    attention.k_proj.weight.copy_(attention.q_proj.weight)
    torch.nn.init.orthogonal_(attention.v_proj.weight)
    attention.out_proj.weight.copy_(passed * attention.v_proj.weight.T)
    for projection in (attention.q_proj, attention.k_proj, attention.v_proj, attention.out_proj):
        projection.bias.zero_()


def _pass_through(mlp: Any, lift: float = 4.0, scale: float = 0.25) -> None:
    # Three layers with ReLU between: lifted above zero, the tokens (normalised: rarely below -4) pass as they are.
    for layer in mlp.layers:
        layer.weight.copy_(torch.eye(layer.weight.shape[0]) + 0.02 * torch.randn_like(layer.weight))
        layer.bias.zero_()
    mlp.layers[0].bias.fill_(lift)
    mlp.layers[-1].weight.mul_(scale)
    mlp.layers[-1].bias.copy_(-lift * mlp.layers[-1].weight.sum(1))


def _enlarge_unchanged(upscaling: Any) -> None:
    line = torch.tensor([0.5, 1.0, 0.5])  # linear interpolation to twice the size
    enlarge, smooth = upscaling[0], upscaling[3]
    same = torch.eye(enlarge.weight.shape[0])[:, :, None, None, None]
    enlarge.weight.mul_(0.2).add_(same * line[:, None, None] * line[:, None] * line)
    smooth.weight.mul_(0.2)[:, :, 1, 1, 1] += same[..., 0, 0, 0]
    enlarge.bias.zero_()
    smooth.bias.zero_()


def warm_up_point_head(head: Any, rng: np.random.Generator, steps: int = WARM_UP_STEPS) -> float:
    """Teach the head what clicks mean, on random regions of random features.

    Returns:
        mean Dice of the last hundred steps.
    """
    optimizer = Optimizer(head, gain=1.0)
    valid = torch.ones(SIDE**3)
    scores: list[float] = []
    for step in range(steps):
        rate = WARM_UP_RATE * min(1.0, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        optimizer.set_rate(rate)
        features, points, labels, truth = _regions(rng, head.class_embeddings.weight.shape[1])
        zero_shot = torch.from_numpy(rng.random(OBJECTS) < 0.5)
        with torch.autocast("cpu", torch.bfloat16):
            logits = click_logits(head, low_features(head, features), points, labels, zero_shot)
        logits = logits.flatten(1).float()
        loss = dice_cross_entropy(logits, truth, valid)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        scores.append(dice_of(logits.detach(), truth, valid).mean().item())
        if step % 100 == 99:
            line = {"head warm-up": step + 1, "loss": round(loss.item(), 3), "dice": round(np.mean(scores[-100:]), 3)}
            print(json.dumps(line), flush=True)
    return float(np.mean(scores[-100:]))


def _regions(rng: np.random.Generator, channels: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A window cut into cells, some of which look alike, and clicks on some of them.

    Returns:
        features (1, C, SIDE, SIDE, SIDE), clicks (B, N, 3), their labels (B, N), the cells asked for (B, SIDE^3).
    """
    voxels = torch.stack(torch.meshgrid(*[torch.arange(float(SIDE))] * 3, indexing="ij"), -1).view(-1, 3)
    count = int(rng.integers(6, 16))
    seeds = torch.from_numpy(rng.uniform(0, SIDE, (count, 3))).float()
    stretch = torch.from_numpy(rng.uniform(0.7, 1.3, count)).float()
    cell = ((voxels[:, None] - seeds).norm(dim=-1) * stretch).argmin(1)
    look = torch.randn(count, channels)[torch.from_numpy(rng.integers(0, max(3, 2 * count // 3), count))]
    features = look[cell].T.reshape(1, channels, SIDE, SIDE, SIDE) + 0.3 * torch.randn(1, channels, SIDE, SIDE, SIDE)
    clicks = int(rng.choice([1, 2, 3, 5]))
    points, labels, truth = torch.zeros(OBJECTS, clicks, 3), torch.ones(OBJECTS, clicks), []
    for n in range(OBJECTS):
        inside = cell == cell[int(rng.integers(len(cell)))]
        truth.append(inside.float())
        for click in range(clicks):
            labels[n, click] = float(click == 0 or rng.random() < 0.5)
            where = torch.nonzero(inside if labels[n, click] else ~inside)[:, 0]
            points[n, click] = voxels[where[int(rng.integers(len(where)))]]
    return features, points, labels, torch.stack(truth)
