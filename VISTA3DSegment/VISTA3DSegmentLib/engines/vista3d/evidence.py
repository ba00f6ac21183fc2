"""What the image itself says about clicks, for models too small to know: added to the point head's logits.

A network fused with the geodesic distances of its clicks does better than either (DeepIGeoS, Wang et al. 2018;
MIDeepSeg, Luo et al. 2021). NVIDIA's models are run without.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...grey_paths import path_costs, region_around, seeds_of, squared_mm
from ..grid import Index3, Region
from .interactive import GridClick

Float32 = npt.NDArray[np.float32]

MARGIN_MM = 60.0
"""Around the positive clicks: what is farther away is left to the network."""
BALL_MM = 5.0
"""Around a click, what certainly is as it says; the click's own voxel beats the ball of another."""
ROUNDS = 4
"""Of the path search: Dice on ``ct_abdomen_pelvis_3mm`` is that of ten rounds, in half the time."""

FADE_MM = 25.0
"""A class's own answer is not believed around a click that contradicts it (standard deviation of the distance)."""


def grey_value_evidence(
    grey: Float32, window: Region, image: Region, clicks: Sequence[GridClick], spacing_mm: tuple[float, float, float]
) -> Float32:
    """Which voxels paths of little grey value change join to positive rather than to negative clicks.

    As GrowCut: the border of the region around the clicks counts as background, but not where the image ends.

    Args:
        grey: axes (R, A, S), the smoothed image in the window.
        window: its place in the grid; it may reach beyond the image.
        image: what the scan shows of the grid.
        clicks: inside the window, at least one of them positive.
        spacing_mm: of the grid.

    Returns:
        float32, of the window's shape: from -1, as near to a negative click as can be, to 1; 0 far from all, and
        everywhere if nothing is background.
    """
    points = np.array([click.at for click in clicks])
    positive = np.array([click.positive for click in clicks])
    limit = window.clipped_to(image)
    low, high = region_around(points, positive, MARGIN_MM, spacing_mm, (np.array(limit.low), np.array(limit.high)))
    background = low > image.low, high < image.high
    seeds = seeds_of(points - low, positive, BALL_MM, spacing_mm, high - low, background)
    evidence = np.zeros(grey.shape, np.float32)
    if not (seeds < 0).any():
        return evidence
    part = tuple(slice(a - o, b - o) for a, b, o in zip(low, high, window.low, strict=True))
    inside, outside = path_costs(grey[part], np.stack([seeds > 0, seeds < 0]), ROUNDS)
    # A flat image has no paths to prefer: nothing is added to 0 / 0.
    evidence[part] = (outside - inside) / np.maximum(outside + inside, 1e-3)
    return evidence


def belief(
    logits: Float32, window: Region, clicks: Sequence[GridClick], spacing_mm: tuple[float, float, float]
) -> Float32:
    """How far a class's own answer counts: 1, less around clicks that contradict it.

    Args:
        logits: axes (R, A, S), the class's in the window.
        window: its place in the grid.
        clicks: inside the window.
        spacing_mm: of the grid.

    Returns:
        float32, of the window's shape, 0 to 1.
    """
    share = np.ones(logits.shape, np.float32)
    for click in clicks:
        at: Index3 = tuple(c - low for c, low in zip(click.at, window.low, strict=True))  # type: ignore[assignment]
        if (logits[at] > 0) != click.positive:
            share *= 1 - np.exp(-squared_mm(logits.shape, at, spacing_mm) / (2 * FADE_MM**2))
    return share
