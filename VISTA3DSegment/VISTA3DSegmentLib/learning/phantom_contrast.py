"""Images painted from labels with random contrast, so that a network learns shapes instead of grey values.

Idea: SynthSeg (Billot et al., Medical Image Analysis 86, 2023).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .phantom_appearance import blurred, correlated_noise
from .phantom_shapes import Float32


def randomise_contrast(
    labels: npt.NDArray[np.integer[Any]],
    seed: int,
    *,
    smoothing_voxels: tuple[float, float] = (0.3, 1.1),
    noise: tuple[float, float] = (0.0, 0.06),
    bias: float = 0.25,
) -> Float32:
    """Paint labels with random grey values.

    Each label gets a mean and an unevenness at random; then a slow change of brightness across the image, a random
    resolution (blur, at times much along one axis) and noise are added.

    Args:
        labels: axes (k, j, i) or any other order; 0 and up, where 0 is painted as one label among the others.
        seed: the same seed gives the same image.
        smoothing_voxels: range of the blur's standard deviation.
        noise: range of the noise's standard deviation.
        bias: largest relative change of brightness.

    Returns:
        float32, same shape, from 0 to 1.
    """
    rng = np.random.default_rng(seed)
    count = int(labels.max()) + 1
    means = rng.uniform(0.0, 1.0, count).astype(np.float32)
    if rng.random() < 0.5:
        means[0] = 0.0
    spread = rng.uniform(0.0, 0.07, count).astype(np.float32)
    image = means[labels]
    image += spread[labels] * correlated_noise(labels.shape, int(rng.integers(1, 4)), rng)
    sigma = rng.uniform(*smoothing_voxels, size=3)
    if rng.random() < 0.3:
        sigma[int(rng.integers(0, 3))] *= rng.uniform(1.5, 3.0)
    image = blurred(image, (float(sigma[0]), float(sigma[1]), float(sigma[2])))
    slow = correlated_noise(labels.shape, max(8, max(labels.shape) // 3), rng)
    image *= np.exp(np.float32(rng.uniform(0, bias)) * np.clip(slow, -1, 1))
    image += np.float32(rng.uniform(*noise)) * correlated_noise(labels.shape, int(rng.integers(1, 3)), rng)
    return np.clip(image ** np.float32(np.exp(rng.normal(0, 0.2))) if image.min() >= 0 else image, 0, 1)
