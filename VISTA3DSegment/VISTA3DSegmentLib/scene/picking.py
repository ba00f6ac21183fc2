"""What lies under the mouse in a slice view."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..prompts import Ras
from .markups import PromptMarkups
from .volumes import array_of

MARKER_PIXELS = 12
"""So near to a marker the mouse means it."""


def ras_of(slice_node: Any, xy: tuple[int, int]) -> Ras:
    """Where in the world (RAS, mm) a pixel of a slice view is.

    Args:
        slice_node: vtkMRMLSliceNode of the view.
        xy: pixel, counted from the lower left.
    """
    r, a, s, _ = array_of(slice_node.GetXYToRAS()) @ (*xy, 0.0, 1.0)
    return float(r), float(a), float(s)


def marker_at(slice_node: Any, xy: tuple[float, float], markups: PromptMarkups) -> str | None:
    """The id of the click whose marker is drawn at a pixel of a slice view, the nearest if there are several.

    Args:
        slice_node: vtkMRMLSliceNode of the view.
        xy: pixel, counted from the lower left.
        markups: of the annotation.
    """
    ras_to_xy = np.linalg.inv(array_of(slice_node.GetXYToRAS()))
    clicks, positions = markups.clicks(), markups.positions()
    near: dict[str, float] = {}
    for point, click_id in clicks.items():
        if point in positions:
            x, y, slices, _ = ras_to_xy @ (*positions[point], 1.0)
            distance = float(np.hypot(x - xy[0], y - xy[1]))
            if distance <= MARKER_PIXELS and abs(slices) <= 0.5:
                near[click_id] = distance
    return min(near, key=lambda click_id: near[click_id]) if near else None
