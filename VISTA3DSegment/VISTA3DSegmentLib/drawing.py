"""Drawing onto an RGB array: anti-aliased lines, discs and lettering, and the PNG file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 (the library's own custom)

from .errors import ResourceError
from .lettering import Stroke, text_strokes

Rgb = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

Canvas = npt.NDArray[np.float32]
"""A picture: (rows, columns, 3), 0 to 255; pixel centres have whole coordinates. Functions here paint it in place."""

BLACK: Rgb = (0, 0, 0)
WHITE: Rgb = (255, 255, 255)


def new_canvas(width: int, height: int, color: Rgb) -> Canvas:
    """A picture of one colour, ``height`` rows and ``width`` columns of pixels."""
    canvas = np.empty((height, width, 3), dtype=np.float32)
    canvas[:] = color
    return canvas


def blend(canvas: Canvas, coverage: npt.NDArray[np.float32], color: Rgb, row: int = 0, column: int = 0) -> None:
    """Paint a colour as far as each pixel is covered.

    Args:
        canvas: painted in place.
        coverage: (rows, columns), 0 to 1; lies wholly inside the canvas.
        color: the paint.
        row: of the coverage's first pixel.
        column: likewise.
    """
    height, width = coverage.shape
    under = canvas[row : row + height, column : column + width]
    under += coverage[..., None] * (np.asarray(color, dtype=np.float32) - under)


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
    points = np.concatenate(strokes)
    reach = width / 2 + 1
    low = np.maximum(np.floor(points.min(axis=0) - reach), 0).astype(int)
    high = np.minimum(np.ceil(points.max(axis=0) + reach) + 1, canvas.shape[1::-1]).astype(int)
    if (low >= high).any():
        return
    coverage = np.zeros((high[1] - low[1], high[0] - low[0]), dtype=np.float32)
    for stroke in strokes:
        ends = stroke[1:] if len(stroke) > 1 else stroke
        for start, end in zip(stroke, ends, strict=False):
            _cover_segment(coverage, start - low, end - low, width)
    blend(canvas, coverage * np.float32(opacity), color, int(low[1]), int(low[0]))


def _cover_segment(
    coverage: npt.NDArray[np.float32], start: npt.NDArray[np.float64], end: npt.NDArray[np.float64], width: float
) -> None:
    """Raise the coverage to that of one line; it fades over one pixel at the rim."""
    reach = width / 2 + 1
    first = np.maximum(np.floor(np.minimum(start, end) - reach), 0).astype(int)
    last = np.minimum(np.ceil(np.maximum(start, end) + reach) + 1, coverage.shape[::-1]).astype(int)
    if (first >= last).any():
        return
    y, x = np.mgrid[first[1] : last[1], first[0] : last[0]].astype(np.float32)
    along = (end - start).astype(np.float32)
    from_start_x, from_start_y = x - np.float32(start[0]), y - np.float32(start[1])
    squared_length = float(along @ along)
    share = np.clip((from_start_x * along[0] + from_start_y * along[1]) / max(squared_length, 1e-9), 0, 1)
    distance = np.hypot(from_start_x - share * along[0], from_start_y - share * along[1])
    part = coverage[first[1] : last[1], first[0] : last[0]]
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
    strokes, width = text_strokes(text, height)
    placed = [np.add(stroke, (x, y)) for stroke in strokes]
    line = max(1.2, height / 8)
    if halo is not None:
        draw_strokes(canvas, placed, halo, line + 3.0, opacity=0.75)
    draw_strokes(canvas, placed, color, line)
    return width


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
