"""Grey values to the network's 0..1."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...models.specification import HounsfieldWindow, Intensity

Float32 = npt.NDArray[np.float32]


def bounds_of(intensity: Intensity, values: npt.NDArray[Any]) -> tuple[float, float]:
    """The grey values that become 0 and 1.

    Args:
        intensity: fixed values, or percentiles of the image's own.
        values: the image's values, where percentiles are asked for.
    """
    if isinstance(intensity, HounsfieldWindow):
        return intensity.low, intensity.high
    low, high = np.percentile(values, (intensity.low, intensity.high))
    return float(low), float(high) if high > low else float(low) + 1.0


def scale_between(values: Float32, low: float, high: float) -> Float32:
    """``low`` becomes 0, ``high`` becomes 1, values beyond are clipped (MONAI's ``ScaleIntensityRange``)."""
    return np.clip((values - np.float32(low)) / np.float32(high - low), 0.0, 1.0)


def scale(values: Float32, intensity: Intensity) -> Float32:
    """A whole image scaled by itself."""
    return scale_between(values, *bounds_of(intensity, values))
