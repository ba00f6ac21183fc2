"""A picture of click sessions: Dice against the number of clicks, a line for each structure and one for their mean.

The lines begin at the base that was mended, or at the first click where there was none.
"""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..drawing import WHITE, Canvas, Rgb, draw_disc, draw_line, draw_text, new_canvas, write_png
from ..errors import PromptError
from ..lettering import text_width
from .clicks import GOOD_DICE, ClickCurve
from .table import mean_dice

PLOT_WIDTH, PLOT_HEIGHT = 760, 500
LEFT, TOP, BOTTOM, RIGHT = 70, 56, 60, 28
TEXT_PX, ROW_PX = 10.0, 20
INK: Rgb = (45, 48, 56)
FAINT_INK: Rgb = (150, 155, 165)
GRID: Rgb = (228, 230, 234)
MEAN_COLOR: Rgb = (20, 20, 24)
GOLDEN_ANGLE = 0.381966
"""Of the circle of hues: however many colours are taken, neighbours differ."""


def curve_picture(
    curves: Sequence[ClickCurve], path: Path, title: str = "", colors: Mapping[str, Rgb] | None = None
) -> None:
    """Write a PNG with the chart.

    Args:
        curves: sessions of the same length, at least one.
        path: of the PNG; replaced if it exists.
        title: above the chart.
        colors: by the structure's name; the others get one of their own.

    Raises:
        PromptError: there is no session.
        ResourceError: the file cannot be written.
    """
    if not curves:
        raise PromptError("No structure was evaluated, so there is no curve to draw.", "Check the reference's names.")
    write_png(draw_curves(curves, title, colors or {}), path)


def draw_curves(curves: Sequence[ClickCurve], title: str, colors: Mapping[str, Rgb]) -> Canvas:
    """The picture that ``curve_picture`` writes, as an array (rows, columns, 3), 0 to 255."""
    last = len(curves[0].scores) - 1
    first = 0 if last == 0 or any(curve.scores[0].dice > 0 for curve in curves) else 1
    ranked = sorted(curves, key=lambda curve: -curve.scores[-1].dice)
    lines = [
        (curve.name, [score.dice for score in curve.scores[first:]], colors.get(curve.name, _own_color(n)))
        for n, curve in enumerate(ranked)
    ]
    mean = [mean_dice(curves, count) for count in range(first, last + 1)]
    legend = [("mean", mean, MEAN_COLOR)] * (len(curves) > 1) + lines
    names_width = int(max(text_width(f"{name}  0.00", TEXT_PX) for name, _, _ in legend)) + 44
    height = TOP + BOTTOM + max(PLOT_HEIGHT, len(legend) * ROW_PX)
    canvas = new_canvas(LEFT + PLOT_WIDTH + RIGHT + names_width, height, WHITE)
    plot_height = height - TOP - BOTTOM
    _axes(canvas, range(first, last + 1), plot_height, title)
    for _, dice, color in lines:
        _line(canvas, dice, color, 1.6, plot_height, opacity=0.85)
    if len(curves) > 1:
        _line(canvas, mean, MEAN_COLOR, 3.6, plot_height)
    _legend(canvas, legend)
    return canvas


def _own_color(n: int) -> Rgb:
    r, g, b = colorsys.hsv_to_rgb((n * GOLDEN_ANGLE) % 1, 0.75, (0.85, 0.65)[n % 2])
    return round(255 * r), round(255 * g), round(255 * b)


def _axes(canvas: Canvas, clicks: range, plot_height: int, title: str) -> None:
    right, base = LEFT + PLOT_WIDTH, TOP + plot_height
    draw_text(canvas, title or "Dice by number of clicks", LEFT, 20, INK, 14.0)
    for tenth in range(0, 11, 2):
        y = _y(tenth / 10, plot_height)
        draw_line(canvas, [(LEFT, y), (right, y)], GRID, 1.0)
        draw_text(canvas, f"{tenth / 10:.1f}", LEFT - 34, y - TEXT_PX / 2, INK, TEXT_PX)
    good = _y(GOOD_DICE, plot_height)
    for dash in range(LEFT, right, 12):
        draw_line(canvas, [(dash, good), (dash + 5, good)], FAINT_INK, 1.2)
    draw_text(canvas, f"{GOOD_DICE:.1f}", LEFT - 34, good - TEXT_PX / 2, FAINT_INK, TEXT_PX)
    for place in range(0, len(clicks), -(-len(clicks) // 12)):
        x = _x(place, len(clicks))
        draw_line(canvas, [(x, base), (x, base + 5)], INK, 1.2)
        label = str(clicks[place])
        draw_text(canvas, label, x - text_width(label, TEXT_PX) / 2, base + 11, INK, TEXT_PX)
    draw_line(canvas, [(LEFT, TOP), (LEFT, base), (right, base)], INK, 1.4)
    draw_text(canvas, "clicks", right - text_width("clicks", TEXT_PX), base + 32, INK, TEXT_PX)
    draw_text(canvas, "Dice", LEFT - 52, TOP - 28, INK, TEXT_PX)


def _line(
    canvas: Canvas, dice: Sequence[float], color: Rgb, width: float, plot_height: int, opacity: float = 1.0
) -> None:
    points = [(_x(place, len(dice)), _y(value, plot_height)) for place, value in enumerate(dice)]
    draw_line(canvas, points, color, width, opacity)
    for x, y in points:
        draw_disc(canvas, x, y, width + 0.6, color, opacity)


def _legend(canvas: Canvas, legend: Sequence[tuple[str, Sequence[float], Rgb]]) -> None:
    x = LEFT + PLOT_WIDTH + RIGHT
    for row, (name, dice, color) in enumerate(legend):
        y = TOP + row * ROW_PX
        draw_line(canvas, [(x, y + TEXT_PX / 2), (x + 18, y + TEXT_PX / 2)], color, 3.0)
        draw_text(canvas, f"{name}  {dice[-1]:.2f}", x + 26, y, INK, TEXT_PX)


def _x(place: int, places: int) -> float:
    # Half a step is left free at both ends, so that points do not lie on the axis.
    return LEFT + PLOT_WIDTH * (place + 0.5) / places


def _y(dice: float, plot_height: int) -> float:
    return TOP + plot_height * (1 - dice)
