"""How much each voxel of a window's answer counts where windows overlap."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..models.specification import Blending
from .grid import Index3

Float32 = npt.NDArray[np.float32]


def importance(window: Index3, blending: Blending) -> Float32:
    """Weight of each voxel of a window's answer: float32, axes (R, A, S), of the window's size.

    Args:
        window: its size.
        blending: "constant": 1; "gaussian": sigma of one eighth of the side, at least 0.001, as MONAI's
            ``compute_importance_map``.
    """
    if blending == "constant":
        return np.ones(window, np.float32)
    r, a, s = (np.exp(-0.5 * ((np.arange(side) - (side - 1) / 2) / (side / 8)) ** 2) for side in window)
    # The product has the lower bound, not each axis: corners weigh as much as the middles of the faces.
    return np.asarray(np.maximum(r[:, None, None] * a[None, :, None] * s[None, None, :], 1e-3), np.float32)


def tent(window: Index3) -> tuple[Float32, Float32, Float32]:
    """Weight that falls evenly from a window's middle to its faces: how click windows are stitched."""
    weights = [np.minimum(np.arange(1, side + 1), np.arange(side, 0, -1)).astype(np.float32) for side in window]
    return weights[0], weights[1], weights[2]
