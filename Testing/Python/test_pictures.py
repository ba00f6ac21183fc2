"""The picture beside a result."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
from builders import box_mask, oblique_geometry
from VISTA3DSegmentLib import pictures
from VISTA3DSegmentLib.drawing import Canvas, Rgb
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.pictures import (
    MARGIN_PX,
    MAX_LEGEND,
    NEGATIVE,
    POSITIVE,
    SOFT_TISSUE,
    automatic_window,
    best_point,
    draw,
    picture,
    shown_box,
)
from VISTA3DSegmentLib.prompts import Click
from VISTA3DSegmentLib.volume import Volume

SHAPE = (30, 40, 40)
PURPLE: Rgb = (180, 40, 220)


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A third of the size: the tests are about what is seen, not how fine."""
    monkeypatch.setattr(pictures, "WIDTH_PX", 600)
    monkeypatch.setattr(pictures, "HEIGHT_PX", 330)


def scan(spacing_ijk: tuple[float, float, float] = (2.0, 2.0, 4.0)) -> Volume:
    return Volume(np.full(SHAPE, -1000, np.int16), np.diag((*spacing_ijk, 1.0)))


def ball(centre_kji: tuple[int, int, int], radius_mm: float) -> MaskCrop:
    k, j, i = (axis - c for axis, c in zip(np.indices(SHAPE), centre_kji, strict=True))
    return MaskCrop.of((4 * k) ** 2 + (2 * j) ** 2 + (2 * i) ** 2 <= radius_mm**2)


def shown(canvas: Canvas, color: Rgb, tolerance: float = 50.0) -> npt.NDArray[np.bool_]:
    return np.asarray(np.abs(canvas - color).max(axis=2) < tolerance)


def above_legend(canvas: Canvas) -> Canvas:
    return canvas[: -MARGIN_PX - pictures.LEGEND_ROW_PX - 2]


def columns_of(seen: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last column of each group of columns that show something."""
    columns = np.flatnonzero(seen.any(axis=0))
    groups = np.split(columns, np.flatnonzero(np.diff(columns) > 12) + 1)
    return [(int(group[0]), int(group[-1])) for group in groups]


def test_a_ball_is_outlined_as_a_circle_of_the_same_size_in_all_three_slices() -> None:
    canvas = above_legend(draw(scan(), [("ball", PURPLE, ball((15, 20, 20), 26.0))]))
    seen = shown(canvas, PURPLE)
    groups = columns_of(seen)
    assert len(groups) == 3
    for first, last in groups:
        rows = np.flatnonzero(seen[:, first : last + 1].any(axis=1))
        assert last - first == pytest.approx(rows[-1] - rows[0], rel=0.1)
    widths = [last - first for first, last in groups]
    assert max(widths) == pytest.approx(min(widths), rel=0.1)


def test_the_inside_of_an_outline_stays_legible() -> None:
    canvas = above_legend(draw(scan(), [("ball", PURPLE, ball((15, 20, 20), 26.0))]))
    (first, last), *_ = columns_of(shown(canvas, PURPLE))
    rows = np.flatnonzero(shown(canvas, PURPLE)[:, first:last].any(axis=1))
    inside = canvas[(rows[0] + rows[-1]) // 2, (first + last) // 2]
    assert inside.max() < 60


def test_a_structure_on_the_patients_right_is_on_the_left_of_axial_and_coronal() -> None:
    # Index i grows to the patient's right.
    canvas = above_legend(draw(scan(), [("ball", PURPLE, ball((15, 20, 33), 10.0))], through=(66.0, 40.0, 60.0)))
    black = (canvas < 3).all(axis=2)
    (axial, _), (coronal, _), _ = columns_of(shown(canvas, PURPLE))
    widths = np.flatnonzero(black[MARGIN_PX + 60])
    left_edges = [int(run[0]) for run in np.split(widths, np.flatnonzero(np.diff(widths) > 3) + 1) if len(run) > 60]
    assert axial - left_edges[0] < 60
    assert coronal - left_edges[1] < 60


def test_the_slices_go_through_the_largest_cross_section() -> None:
    volume = scan()
    r, a, s = best_point(volume, [ball((11, 25, 14), 13.0)])
    assert (r, a, s) == pytest.approx((28.0, 50.0, 44.0))


def test_a_small_segment_counts_as_much_as_a_large_one() -> None:
    wide, narrow = box_mask(SHAPE, (0, 0, 0), (8, 40, 40)), box_mask(SHAPE, (8, 0, 0), (20, 30, 40))
    large = MaskCrop.of(wide.full(SHAPE) | narrow.full(SHAPE))
    small = box_mask(SHAPE, (16, 30, 8), (18, 32, 10))
    k = best_point(scan(), [large, small])[2] / 4
    assert 16 <= k < 18


def test_without_segments_the_middle_of_the_scan_is_shown() -> None:
    volume = Volume(np.zeros(SHAPE, np.int16), oblique_geometry())
    empty = MaskCrop((0, 0, 0), np.zeros((0, 0, 0), np.bool_))
    middle = tuple(float(n) for n in volume.ras_of((19.5, 19.5, 14.5)))
    assert best_point(volume, []) == best_point(volume, [empty]) == pytest.approx(middle)
    assert draw(volume, [("nothing", PURPLE, empty)]).shape[2] == 3


def test_a_small_structure_is_shown_with_its_surroundings_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "CONTEXT_MM", 10.0)
    low, high = shown_box(scan(), [("box", PURPLE, box_mask(SHAPE, (10, 12, 0), (15, 20, 5)))])
    np.testing.assert_allclose(low, (-1.0, 13.0, 28.0))
    np.testing.assert_allclose(high, (19.0, 49.0, 68.0))


def test_clicks_are_green_and_red_and_faint_off_the_slice() -> None:
    segment = ("ball", PURPLE, ball((15, 20, 20), 26.0))
    near = [Click((40.0, 40.0, 60.0)), Click((70.0, 40.0, 60.0), positive=False)]
    far = [Click((8.0, 8.0, 12.0))]
    canvas = draw(scan(), [segment], clicks=near, through=(40.0, 40.0, 60.0))
    assert shown(canvas, POSITIVE).sum() > 100
    assert shown(canvas, NEGATIVE).sum() > 60
    distant = draw(scan(), [segment], clicks=far, through=(40.0, 40.0, 60.0))
    assert not shown(distant, POSITIVE, 20).any()


def test_a_ct_gets_the_soft_tissue_window_and_an_mr_its_own() -> None:
    assert automatic_window(scan()) == SOFT_TISSUE
    level, width = automatic_window(Volume(np.arange(1000.0).reshape(10, 10, 10), np.eye(4)))
    assert level == pytest.approx(499.5)
    assert width == pytest.approx(979, abs=1)
    assert automatic_window(Volume(np.zeros((3, 3, 3)), np.eye(4)))[1] > 0


def test_the_window_decides_what_is_black_and_what_is_white() -> None:
    canvas = draw(Volume(np.full(SHAPE, 90, np.int16), np.eye(4)), [], window=(100.0, 40.0))
    grey = canvas[MARGIN_PX + 40 : MARGIN_PX + 60, MARGIN_PX + 40 : MARGIN_PX + 60]
    np.testing.assert_allclose(grey, 255 / 4, atol=1)


def test_a_thin_scan_is_laid_out_without_wasting_space() -> None:
    thin = Volume(np.full((4, 40, 40), -1000, np.int16), np.diag((2.0, 2.0, 4.0, 1.0)))
    canvas = draw(thin, [("plate", PURPLE, box_mask((4, 40, 40), (1, 5, 5), (3, 35, 35)))])
    assert canvas.shape[0] > 300
    assert canvas.shape[1] < 700


def test_a_scan_half_as_high_as_deep_is_larger_with_its_slices_side_by_side() -> None:
    half = Volume(np.full((20, 40, 40), 40, np.int16), np.diag((2.0, 2.0, 2.0, 1.0)))
    canvas = draw(half, [], SOFT_TISSUE, size_px=(720, 300), legend=False)
    assert canvas.shape[1] > 720


def test_a_long_legend_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    original = pictures.draw_text

    def note(canvas: Canvas, text: str, x: float, y: float, color: Rgb, height: float = 11.0) -> float:
        written.append(text)
        return original(canvas, text, x, y, color, height)

    monkeypatch.setattr(pictures, "draw_text", lambda *given, halo=None: note(*given))
    masks = [box_mask(SHAPE, (1, 1, 1), (2 + n % 7, 3, 3)) for n in range(MAX_LEGEND + 5)]
    draw(scan(), [(f"part {n}", PURPLE, mask) for n, mask in enumerate(masks)])
    assert "and 5 more" in written
    assert sum(words.startswith("part") for words in written) == MAX_LEGEND


def test_volumes_and_empty_segments_are_named_in_the_legend(monkeypatch: pytest.MonkeyPatch) -> None:
    segments = [
        ("liver", PURPLE, box_mask(SHAPE, (1, 1, 1), (11, 11, 21))),
        ("gallbladder", PURPLE, MaskCrop((0, 0, 0), np.zeros((2, 2, 2), np.bool_))),
    ]
    assert [words for _, words in pictures._legend(scan(), segments)] == ["liver 32 ml", "gallbladder (empty)"]


def test_the_picture_is_a_png_beside_the_result(tmp_path: Path) -> None:
    picture(scan(), [("ball", PURPLE, ball((15, 20, 20), 26.0))], tmp_path / "result.png")
    image = sitk.ReadImage(str(tmp_path / "result.png"))
    assert image.GetNumberOfComponentsPerPixel() == 3
    assert 500 < image.GetWidth() < 700


def test_words_do_not_cover_thin_slices_nor_one_another() -> None:
    thin = Volume(np.full((4, 40, 40), 40, np.int16), np.diag((2.0, 2.0, 4.0, 1.0)))
    canvas = draw(thin, [], SOFT_TISSUE)
    grey = shown(canvas, (127.5, 127.5, 127.5), 1.0)
    rows = np.flatnonzero(grey.mean(axis=1) > 0.5)
    slices = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    strips = np.concatenate(slices[-2:])
    assert len(slices) == 3
    for row in strips:
        columns = np.flatnonzero(grey[row])
        assert grey[row, columns[0] : columns[-1] + 1].all()
    assert not shown(canvas, pictures.LETTER)[strips].any()


def test_a_picture_whose_segments_are_named_elsewhere_has_no_legend() -> None:
    named = [("liver", PURPLE, ball((15, 20, 20), 20))]
    with_legend, without = (draw(scan(), named, SOFT_TISSUE, legend=legend) for legend in (True, False))
    assert without.shape[0] == with_legend.shape[0] - pictures.LEGEND_ROW_PX - pictures.GAP_PX
