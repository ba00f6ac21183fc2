"""The chart of Dice against clicks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
from test_table import curve
from VISTA3DSegmentLib.drawing import Canvas, Rgb
from VISTA3DSegmentLib.errors import PromptError
from VISTA3DSegmentLib.evaluation.curve_picture import LEFT, PLOT_WIDTH, curve_picture, draw_curves

RED: Rgb = (200, 10, 10)
BLUE: Rgb = (10, 10, 200)


def heights(canvas: Canvas, color: Rgb, x: int) -> npt.NDArray[np.intp]:
    """Rows in which a column shows a colour."""
    return np.flatnonzero(np.abs(canvas[:, x] - color).max(axis=1) < 60)


def test_a_better_structure_has_the_higher_line_and_lines_rise_to_the_right() -> None:
    curves = [curve("liver", [0.1, 0.3, 0.9]), curve("spleen", [0.1, 0.2, 0.3])]
    canvas = draw_curves(curves, "ct", {"liver": RED, "spleen": BLUE})
    late, early = LEFT + PLOT_WIDTH * 4 // 5, LEFT + PLOT_WIDTH // 4
    # Rows count downwards.
    assert heights(canvas, RED, late).mean() < heights(canvas, BLUE, late).mean()
    assert heights(canvas, RED, late).mean() < heights(canvas, RED, early).mean()


def test_the_mean_is_drawn_only_of_several_structures() -> None:
    def black(names: list[str]) -> int:
        canvas = draw_curves([curve(name, [0.5, 0.5]) for name in names], "", dict.fromkeys(names, RED))
        return int((canvas[:, LEFT + PLOT_WIDTH // 2] < 40).all(axis=1).sum())

    assert black(["a"]) == 0
    assert black(["a", "b"]) > 2


def test_lines_begin_at_the_base_or_else_at_the_first_click() -> None:
    def first_column(dice: list[float]) -> int:
        canvas = draw_curves([curve("liver", dice)], "", {"liver": RED})
        return int(np.flatnonzero((np.abs(canvas - RED).max(axis=2) < 60).any(axis=0))[0])

    based, unbased = first_column([0.4, 0.5, 0.6]), first_column([0.0, 0.5, 0.6])
    assert based == pytest.approx(LEFT + PLOT_WIDTH / 6, abs=4)
    assert unbased == pytest.approx(LEFT + PLOT_WIDTH / 4, abs=4)


def test_the_picture_is_a_png(tmp_path: Path) -> None:
    curve_picture([curve(f"rib {n}", [0, n / 40, n / 31]) for n in range(31)], tmp_path / "c.png")
    image = sitk.ReadImage(str(tmp_path / "c.png"))
    assert image.GetNumberOfComponentsPerPixel() == 3
    assert min(image.GetSize()) > 400


def test_nothing_to_draw_is_said(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="No structure was evaluated"):
        curve_picture([], tmp_path / "c.png")
