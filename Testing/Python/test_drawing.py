"""Lines, discs, letters and the PNG file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
from VISTA3DSegmentLib.drawing import BLACK, WHITE, draw_disc, draw_line, draw_text, fill_box, new_canvas, write_png
from VISTA3DSegmentLib.errors import ResourceError
from VISTA3DSegmentLib.lettering import letter_strokes, placed_letters, text_width


def test_a_disc_has_its_area_and_a_smooth_rim() -> None:
    canvas = new_canvas(60, 50, BLACK)
    draw_disc(canvas, 30.3, 20.7, 12.0, WHITE)
    assert canvas[..., 0].sum() / 255 == pytest.approx(np.pi * 12**2, rel=0.01)
    assert ((canvas > 20) & (canvas < 235)).any()


def test_a_line_is_as_wide_as_asked_in_any_direction() -> None:
    for end in ((50.0, 10.0), (10.0, 50.0), (38.3, 38.3)):
        canvas = new_canvas(64, 64, BLACK)
        draw_line(canvas, [(10.0, 10.0), end], WHITE, 3.0)
        length = float(np.hypot(end[0] - 10, end[1] - 10))
        assert canvas[..., 0].sum() / 255 == pytest.approx(3 * length + np.pi * 1.5**2, rel=0.02)


def test_drawing_beyond_the_picture_is_cut_off() -> None:
    canvas = new_canvas(20, 20, BLACK)
    draw_line(canvas, [(-50.0, 10.0), (90.0, 10.0)], WHITE, 2.0)
    draw_disc(canvas, 200.0, 200.0, 5.0, WHITE)
    fill_box(canvas, 15, -5, 50, 8, WHITE)
    draw_text(canvas, "far away", -300, -300, WHITE)
    assert (canvas[10, :, 0] > 200).all()
    assert canvas[15].max() == 0


def test_letters_differ_and_stand_on_their_line() -> None:
    images = {}
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-/%":
        canvas = new_canvas(40, 40, BLACK)
        draw_text(canvas, letter, 5, 5, WHITE, 20.0)
        images[letter] = canvas[..., 0]
        assert canvas[:3].max() == 0
    letters = list(images)
    for n, first in enumerate(letters):
        for second in letters[n + 1 :]:
            assert np.abs(images[first] - images[second]).sum() > 255 * 8, (first, second)


def test_accents_are_dropped_and_unknown_characters_show_as_boxes() -> None:
    assert text_width("Körper", 10.0) == text_width("Korper", 10.0)
    assert text_width("脾", 10.0) > 0


def test_text_is_as_wide_as_it_says() -> None:
    letters, width = placed_letters("left kidney", 11.0)
    assert "".join(letter for letter, _ in letters) == "leftkidney"
    last, x = letters[-1]
    assert x + max(float(stroke[:, 0].max()) for stroke in letter_strokes(last, 11.0)) == pytest.approx(width)
    assert text_width("", 11.0) == 0
    assert text_width("left kidney", 11.0) > text_width("leftkidney", 11.0)


def test_text_is_placed_to_a_fraction_of_a_pixel() -> None:
    def middle(x: float) -> float:
        canvas = new_canvas(60, 30, BLACK)
        draw_text(canvas, "k", x, 8, WHITE)
        return float((canvas[..., 0].sum(axis=0) * np.arange(60)).sum() / canvas[..., 0].sum())

    assert middle(5.5) - middle(5.0) == pytest.approx(0.5, abs=0.05)


def test_a_png_holds_what_was_drawn(tmp_path: Path) -> None:
    canvas = new_canvas(7, 5, (10, 20, 30))
    canvas[1, 2] = (255.4, -3.0, 99.6)
    write_png(canvas, tmp_path / "bild ü.png")
    pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "bild ü.png")))
    assert pixels.shape == (5, 7, 3)
    assert pixels[0, 0].tolist() == [10, 20, 30]
    assert pixels[1, 2].tolist() == [255, 0, 100]


def test_a_picture_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"picture .* could not be written"):
        write_png(new_canvas(4, 4, BLACK), tmp_path / "missing" / "p.png")
