"""A close view of a lesion in the axial plane of its longest diameter: its outline, both diameters as calipers."""

from __future__ import annotations

import numpy as np

from ..drawing import Canvas, Rgb, draw_line
from ..edits import MaskCrop
from ..pictures import Window, draw_outline
from ..slices import AXIAL, Slice, sample
from ..volume import Volume
from .diameters import AxialDiameters, Diameter

SIDE_PX = 240
SMALLEST_VIEW_MM = 60.0
"""Side of the view: enough to recognise where it is."""

CONTEXT = 2.2
"""The view is at least this many times as long as the lesion."""

LONG: Rgb = (255, 214, 60)
SHORT: Rgb = (90, 200, 255)
OUTLINE: Rgb = (240, 90, 70)
LINE_PX = 1.6
TICK_PX = 5.0


def lesion_view(volume: Volume, mask: MaskCrop, diameters: AxialDiameters, window: Window) -> Canvas:
    """Draw a lesion in grey values with its outline in red, its long axis in yellow and its short axis in blue.

    Args:
        volume: the scan.
        mask: the lesion, on its grid.
        diameters: of the lesion.
        window: level and width of the grey values.

    Returns:
        ``SIDE_PX`` rows and columns of pixels, (rows, columns, 3), 0 to 255.
    """
    side_mm = max(SMALLEST_VIEW_MM, CONTEXT * diameters.longest.length_mm)
    pixel_mm = side_mm / SIDE_PX
    centre = np.mean(diameters.longest.ends_ras, axis=0)
    r, a, s = (centre + (side_mm / 2 - pixel_mm / 2) * np.array((1.0, 1.0, 0.0))).tolist()
    where = Slice(AXIAL, (r, a, s), pixel_mm, SIDE_PX, SIDE_PX)
    whole = slice(0, SIDE_PX)
    grey = sample(volume.array, (0, 0, 0), volume, where, whole, whole, None)
    level, width = window
    canvas = np.repeat(np.clip((grey - (level - width / 2)) / width, 0, 1)[..., None] * 255, 3, axis=2)
    draw_outline(canvas, volume, mask, OUTLINE, where)
    for diameter, color in ((diameters.longest, LONG), (diameters.perpendicular, SHORT)):
        _draw_calipers(canvas, diameter, where, color)
    return np.asarray(canvas, dtype=np.float32)


def _draw_calipers(canvas: Canvas, diameter: Diameter, where: Slice, color: Rgb) -> None:
    """A line with a tick across each end."""
    start, end = (np.array(where.pixel_of(ras)[:2]) for ras in diameter.ends_ras)
    way = (end - start) / max(float(np.linalg.norm(end - start)), 1e-6)
    tick = TICK_PX * np.array((-way[1], way[0]))
    for first, last in ((start, end), (start - tick, start + tick), (end - tick, end + tick)):
        draw_line(canvas, [(first[0], first[1]), (last[0], last[1])], color, LINE_PX)
