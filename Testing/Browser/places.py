"""Where in the page a place of the patient is: a view shows the whole scan in its middle, as large as it fits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from browser import Person
from VISTA3DSegmentLib.volume import Volume

ACROSS = {"Axial": (0, 1), "Coronal": (0, 2), "Sagittal": (1, 2)}
"""Axes of RAS that run across a view from right to left, and upwards."""


def place_of(person: Person, volume: Volume, view: str, ras: npt.ArrayLike) -> tuple[float, float]:
    """Shares of a view's width and height, from the upper left, at which a position (RAS, mm) is drawn."""
    corners = np.array([volume.ras_of(c) for c in ((-0.5, -0.5, -0.5), tuple(n - 0.5 for n in volume.shape_kji[::-1]))])
    middle, extent = corners.mean(axis=0), np.abs(np.diff(corners, axis=0))[0]
    across, up = ACROSS[view]
    box = person.area(view)
    mm_a_pixel = max(extent[across] / box["width"], extent[up] / box["height"])
    from_middle = np.asarray(ras) - middle
    right = 0.5 - from_middle[across] / mm_a_pixel / box["width"]
    down = 0.5 - from_middle[up] / mm_a_pixel / box["height"]
    return float(right), float(down)
