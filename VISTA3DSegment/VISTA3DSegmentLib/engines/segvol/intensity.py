"""Grey values to SegVol's 0..1: by the image's own foreground, what is brighter than the mean of all voxels.

The authors clip to percentiles of the foreground, subtract its mean, divide by its deviation, and stretch what they get
to 0..1: mean and deviation cancel, and the percentiles become 0 and 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...models.segvol_specification import ForegroundPercentiles
from ...models.specification import HounsfieldWindow

MOST_VALUES = 1 << 17
"""Whole numbers over a range up to this are counted instead of sorted: seconds less for a large scan."""


def grey_bounds(intensity: ForegroundPercentiles | HounsfieldWindow, array: npt.NDArray[Any]) -> tuple[float, float]:
    """The grey values that become 0 and 1.

    Args:
        intensity: fixed values, or percentiles of the image's own foreground.
        array: all voxels of the image, any axes.
    """
    if isinstance(intensity, HounsfieldWindow):
        return intensity.low, intensity.high
    low, high = _foreground_percentiles(array, (intensity.low, intensity.high))
    return low, high if high > low else low + 1.0


def _foreground_percentiles(array: npt.NDArray[Any], percentiles: tuple[float, float]) -> tuple[float, float]:
    threshold = float(array.mean(dtype=np.float64))
    if np.issubdtype(array.dtype, np.integer):
        lowest, highest = int(array.min()), int(array.max())
        if highest - lowest < MOST_VALUES:
            counts = np.zeros(highest - lowest + 1, np.int64)
            for plane in array:
                counts += np.bincount(plane.ravel().astype(np.int64) - lowest, minlength=len(counts))
            return _of_counts(counts, lowest, threshold, percentiles)
    foreground = array[array > threshold]
    if not foreground.size:  # one grey value everywhere
        return threshold, threshold
    low, high = np.percentile(foreground, percentiles)
    return float(low), float(high)


def _of_counts(
    counts: npt.NDArray[np.int64], lowest: int, threshold: float, percentiles: tuple[float, float]
) -> tuple[float, float]:
    values = np.arange(len(counts)) + lowest
    counts = np.where(values > threshold, counts, 0)
    below = np.cumsum(counts)
    if not below[-1]:
        return threshold, threshold
    found = []
    for percentile in percentiles:
        # numpy's linear rule: between the two values around (n - 1) q.
        rank = (int(below[-1]) - 1) * percentile / 100
        first, second = (int(values[np.searchsorted(below, int(n), side="right")]) for n in (rank, np.ceil(rank)))
        found.append(first + (second - first) * (rank - int(rank)))
    return found[0], found[1]
