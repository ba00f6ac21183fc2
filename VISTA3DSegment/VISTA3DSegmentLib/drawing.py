"""Drawing onto an RGB array: anti-aliased lines, discs and lettering, and the PNG file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 (the library's own custom)

from .errors import ResourceError
from .lettering import Stroke, letter_strokes, placed_letters

Rgb = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

Canvas = npt.NDArray[np.float32]
"""A picture: (rows, columns, 3), 0 to 255; pixel centres have whole coordinates. Functions here paint it in place."""

Plane = npt.NDArray[np.float32]
"""One value for each pixel: (rows, columns)."""

BLACK: Rgb = (0, 0, 0)
WHITE: Rgb = (255, 255, 255)


def new_canvas(width: int, height: int, color: Rgb) -> Canvas:
    """A picture of one colour, ``height`` rows and ``width`` columns of pixels."""
    canvas = np.empty((height, width, 3), dtype=np.float32)
    canvas[:] = color
    return canvas


def blend(canvas: Canvas, coverage: Plane, color: Rgb, row: int = 0, column: int = 0) -> None:
    """Paint a colour as far as each pixel is covered.

    Args:
        canvas: painted in place; what lies outside is left out.
        coverage: (rows, columns), 0 to 1.
        color: the paint.
        row: of the coverage's first pixel.
        column: likewise.
    """
    top, left = max(0, -row), max(0, -column)
    seen = coverage[top : max(0, canvas.shape[0] - row), left : max(0, canvas.shape[1] - column)]
    under = canvas[row + top :, column + left :][: seen.shape[0], : seen.shape[1]]
    under += seen[..., None] * (np.asarray(color, dtype=np.float32) - under)


def draw_strokes(canvas: Canvas, strokes: Sequence[Stroke], color: Rgb, width: float, opacity: float = 1.0) -> None:
    """Draw polylines with round ends and joints; where they cross each other they do not grow darker.

    Args:
        canvas: painted in place; what lies outside is left out.
        strokes: each (points, 2): x and y in pixels.
        color: of the lines.
        width: in pixels.
        opacity: 0 to 1.
    """
    if not strokes:
        return
    coverage, column, row = cover(strokes, width)
    blend(canvas, coverage * np.float32(opacity), color, row, column)


def cover(strokes: Sequence[Stroke], width: float) -> tuple[Plane, int, int]:
    """How far polylines of a width cover each pixel: (rows, columns), 0 to 1, and the column and row of its corner."""
    points = np.concatenate(strokes)
    reach = width / 2 + 1
    low, high = np.floor(points.min(axis=0) - reach), np.ceil(points.max(axis=0) + reach) + 1
    columns, rows = (int(n) for n in high - low)
    coverage = np.zeros((rows, columns), dtype=np.float32)
    for stroke in strokes:
        ends = stroke[1:] if len(stroke) > 1 else stroke
        for start, end in zip(stroke, ends, strict=False):
            _cover_segment(coverage, start - low, end - low, width)
    return coverage, int(low[0]), int(low[1])


def _cover_segment(coverage: Plane, start: npt.NDArray[np.float64], end: npt.NDArray[np.float64], width: float) -> None:
    """Raise the coverage to that of one line; it fades over one pixel at the rim."""
    (x0, y0), (x1, y1) = start.tolist(), end.tolist()
    reach = width / 2 + 1
    columns = slice(max(0, math.floor(min(x0, x1) - reach)), math.ceil(max(x0, x1) + reach) + 1)
    rows = slice(max(0, math.floor(min(y0, y1) - reach)), math.ceil(max(y0, y1) + reach) + 1)
    part = coverage[rows, columns]
    x = np.arange(columns.start, columns.start + part.shape[1], dtype=np.float32) - x0
    y = (np.arange(rows.start, rows.start + part.shape[0], dtype=np.float32) - y0)[:, None]
    dx, dy = x1 - x0, y1 - y0
    share = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-9), 0, 1)
    distance = np.hypot(x - share * dx, y - share * dy)
    np.maximum(part, np.clip(width / 2 + 0.5 - distance, 0, 1), out=part)


def draw_line(
    canvas: Canvas, points: Sequence[tuple[float, float]], color: Rgb, width: float, opacity: float = 1.0
) -> None:
    """Draw one polyline through points (x, y), in pixels."""
    draw_strokes(canvas, [np.asarray(points, dtype=np.float64)], color, width, opacity)


def draw_disc(canvas: Canvas, x: float, y: float, radius: float, color: Rgb, opacity: float = 1.0) -> None:
    """Draw a filled disc: centre and radius in pixels."""
    draw_line(canvas, [(x, y), (x, y)], color, 2 * radius, opacity)


def fill_box(canvas: Canvas, x: float, y: float, width: float, height: float, color: Rgb) -> None:
    """Fill a rectangle; its corner and sides are in pixels and are rounded to whole ones."""
    rows = slice(max(0, round(y)), max(0, round(y + height)))
    canvas[rows, max(0, round(x)) : max(0, round(x + width))] = color


def draw_text(
    canvas: Canvas, text: str, x: float, y: float, color: Rgb, height: float = 11.0, halo: Rgb | None = None
) -> float:
    """Write a line of text.

    Args:
        canvas: painted in place.
        text: what to write.
        x: of the left end, in pixels.
        y: of the capitals' top, in pixels.
        color: of the letters.
        height: of a capital, in pixels.
        halo: a second colour behind the letters, which keeps them legible on any image.

    Returns:
        The width of the line in pixels.
    """
    letters, width = placed_letters(text, height)
    line = max(1.2, height / 8)
    passes = [(color, line, 1.0)] if halo is None else [(halo, line + 3.0, 0.75), (color, line, 1.0)]
    for paint, thickness, opacity in passes:
        for letter, offset in letters:
            _draw_letter(canvas, letter, x + offset, y, paint, height, thickness, opacity)
    return width


def _draw_letter(
    canvas: Canvas, letter: str, x: float, y: float, color: Rgb, height: float, thickness: float, opacity: float
) -> None:
    quarters = round(x * 4)
    coverage, column, row = _letter_cover(letter, height, thickness, (quarters % 4) / 4)
    blend(canvas, coverage * np.float32(opacity), color, row + round(y), column + quarters // 4)


@lru_cache(maxsize=2048)
def _letter_cover(letter: str, height: float, thickness: float, shift: float) -> tuple[Plane, int, int]:
    # Letters are placed to a quarter of a pixel, so that a legend of a hundred names is drawn from a few dozen of them.
    return cover([np.add(stroke, (shift, 0.0)) for stroke in letter_strokes(letter, height)], thickness)


def write_png(canvas: Canvas, path: Path) -> None:
    """Write a picture as PNG; an existing file is replaced.

    Raises:
        ResourceError: the file cannot be written.
    """
    pixels = np.clip(np.rint(canvas), 0, 255).astype(np.uint8)
    try:
        sitk.WriteImage(sitk.GetImageFromArray(pixels, isVector=True), str(path), imageIO="PNGImageIO")
    except RuntimeError as error:
        raise ResourceError(
            f"The picture {path} could not be written.", "Check that its folder exists, is writable and has space."
        ) from error
