"""A picture of a result: axial, coronal and sagittal slices with coloured outlines, as a radiologist expects them.

The patient's right is on the image's left, anterior and superior are up, and distances are true in every direction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .drawing import (
    BLACK,
    WHITE,
    Canvas,
    Rgb,
    blend,
    draw_disc,
    draw_strokes,
    draw_text,
    fill_box,
    new_canvas,
    write_png,
)
from .edits import MaskCrop
from .lettering import text_width
from .prompts import Click, Ras, place_words
from .slices import VIEWS, Plane, Slice, View, corners, sample
from .volume import Volume

NamedSegment = tuple[str, Rgb, MaskCrop]
"""What is drawn: a name for the legend, a colour, and the mask on the volume's grid."""

Window = tuple[float, float]
"""Level and width of the grey values that are shown, as on a workstation."""

SOFT_TISSUE: Window = (40.0, 400.0)
"""HU: the usual window of abdomen and mediastinum."""

WIDTH_PX, HEIGHT_PX = 1500, 820
"""What the slices together should fill: small scans are enlarged, large ones reduced."""

CONTEXT_MM = 60.0
"""How much of the scan is shown round the segments: enough to recognise where in the body they lie."""

CLICK_DEPTH_MM = 4.0
"""A click within this distance of the shown plane is drawn full, a deeper one faint."""

OUTLINE_PX = 1.8
TINT = 0.14
BACKGROUND: Rgb = (18, 18, 22)
LETTER: Rgb = (240, 225, 130)
CAPTION: Rgb = (200, 200, 205)
POSITIVE: Rgb = (60, 220, 90)
NEGATIVE: Rgb = (245, 70, 70)
MARGIN_PX, GAP_PX, LEGEND_PX, LEGEND_ROW_PX, MAX_LEGEND = 12, 10, 10.0, 21, 75
LETTER_PX, HEAD_PX = 14.0, 22
"""Height of the letters that say where the patient lies, and of a line above a slice that has no room for words."""


def picture(
    volume: Volume,
    segments: Sequence[NamedSegment],
    path: Path,
    window: Window | None = None,
    clicks: Sequence[Click] = (),
    through: Ras | None = None,
) -> None:
    """Write a PNG of three slices with outlines, legend and clicks.

    Args:
        volume: the scan.
        segments: what is outlined; an empty mask is named as such in the legend.
        path: of the PNG; replaced if it exists.
        window: level and width; None: 40/400 HU for a CT, else from the 1st to the 99th percentile.
        clicks: marked in green (positive) and red (negative), faint where they lie off the slice.
        through: RAS in mm of the point where the slices meet; None: where the segments' cross-sections are largest.

    Raises:
        ResourceError: the file cannot be written.
    """
    write_png(draw(volume, segments, window, clicks, through), path)


def draw(
    volume: Volume,
    segments: Sequence[NamedSegment],
    window: Window | None = None,
    clicks: Sequence[Click] = (),
    through: Ras | None = None,
    size_px: tuple[int, int] | None = None,
    legend: bool = True,
) -> Canvas:
    """The picture that ``picture`` writes, as an array (rows, columns, 3), 0 to 255.

    ``size_px`` is the width and height that the slices together should fill; None: those of a page of its own.
    Without ``legend`` nothing names the segments.
    """
    centre = best_point(volume, [mask for _, _, mask in segments]) if through is None else through
    low, high = shown_box(volume, segments, clicks)
    extent = high - low
    # Slices of a thin scan are larger above each other, others side by side.
    pixel_mm, stacked = min((_pixel_mm(extent, way, size_px or (WIDTH_PX, HEIGHT_PX)), way) for way in (False, True))
    slices = [_slice(view, low, high, centre, pixel_mm) for view in VIEWS]
    level, width = automatic_window(volume) if window is None else window
    panels = [_panel(volume, segments, one, (level, width), clicks) for one in slices]
    return _compose(panels, stacked, _legend(volume, segments) if legend else [])


def automatic_window(volume: Volume) -> Window:
    """Level and width that show this scan well: soft tissue for a CT (told by its air), else from percentiles."""
    sample = volume.array[tuple(slice(None, None, max(1, n // 64)) for n in volume.shape_kji)].astype(np.float64)
    low, high = np.percentile(sample, (1, 99))
    if sample.min() < -200:
        return SOFT_TISSUE
    return float(low + high) / 2, float(max(high - low, 1e-6))


def best_point(volume: Volume, masks: Iterable[MaskCrop]) -> Ras:
    """The RAS position whose three slices show the most: each segment has one vote, its cross-section there.

    Small segments count as much as large ones, so that a lesion is not lost beside the liver; without any segment it is
    the volume's centre.
    """
    votes = [np.zeros(count) for count in volume.shape_kji]
    for crop in masks:
        if not crop.mask.any():
            continue
        for axis, vote in enumerate(votes):
            area = crop.mask.sum(axis=tuple(other for other in range(3) if other != axis))
            vote[crop.slices[axis]] += area / area.max()
    k, j, i = (_middle_of_best(vote) if vote.any() else (vote.size - 1) / 2 for vote in votes)
    r, a, s = volume.ras_of((i, j, k))
    return float(r), float(a), float(s)


def _middle_of_best(vote: npt.NDArray[np.float64]) -> float:
    best = np.flatnonzero(vote >= vote.max() - 1e-9)
    return float(best[len(best) // 2])


def shown_box(
    volume: Volume, segments: Sequence[NamedSegment], clicks: Sequence[Click] = ()
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """What is shown: the segments and clicks with context, within the scan; lowest and highest corner, RAS mm."""
    scan = corners(volume, (0, 0, 0), volume.shape_kji)
    held = [corners(volume, crop.start, crop.mask.shape) for _, _, crop in segments if crop.mask.any()]
    if not held:
        return scan.min(axis=0), scan.max(axis=0)
    wanted = np.concatenate([*held, *(np.array([click.ras]) for click in clicks)])
    low = np.maximum(wanted.min(axis=0) - CONTEXT_MM, scan.min(axis=0))
    high = np.minimum(wanted.max(axis=0) + CONTEXT_MM, scan.max(axis=0))
    return low, high


def _pixel_mm(extent: npt.NDArray[np.float64], stacked: bool, size_px: tuple[int, int]) -> float:
    """The pixel that lets the three slices fill the picture, side by side or (thin scans) above each other."""
    r, a, s = extent
    width, height = size_px
    if stacked:
        return float(max(max(r, a) / width, (a + 2 * s) / height))
    return float(max((2 * r + a) / width, max(a, s) / height))


def _slice(
    view: View, low: npt.NDArray[np.float64], high: npt.NDArray[np.float64], centre: Ras, pixel_mm: float
) -> Slice:
    extent = high - low
    width, height = (max(1, round(float(abs(np.asarray(way)) @ extent) / pixel_mm)) for way in (view.right, view.down))
    # Both image directions run against R, A, S: the first pixel is half a pixel inside the highest corner.
    origin = high - pixel_mm / 2
    origin[view.normal] = centre[view.normal]
    return Slice(view, (float(origin[0]), float(origin[1]), float(origin[2])), pixel_mm, width, height)


def _panel(
    volume: Volume, segments: Sequence[NamedSegment], where: Slice, window: Window, clicks: Sequence[Click]
) -> Canvas:
    level, width = window
    grey = sample(volume.array, (0, 0, 0), volume, where, slice(0, where.height), slice(0, where.width), None)
    grey = np.clip((grey - (level - width / 2)) / width, 0, 1) * 255
    canvas = np.repeat(grey[..., None], 3, axis=2).astype(np.float32)
    for _, color, crop in segments:
        draw_outline(canvas, volume, crop, color, where)
    normal = where.view.normal
    caption = f"{where.view.name}  {place_words(normal, where.origin[normal])} mm"
    is_thin = where.height <= 5 * LETTER_PX
    # The letter at the bottom stands in the middle.
    has_room = not is_thin and 16 + text_width(caption, LEGEND_PX) < where.width / 2 - LETTER_PX / 3
    if not is_thin:
        _letters(canvas, where)
    if has_room:
        draw_text(canvas, caption, 8, where.height - 18, CAPTION, LEGEND_PX, halo=BLACK)
    for click in clicks:
        _mark(canvas, click, where)
    return canvas if has_room else _under_head(canvas, where, caption, is_thin)


def draw_outline(canvas: Canvas, volume: Volume, crop: MaskCrop, color: Rgb, where: Slice) -> None:
    """Outline a mask of the volume's grid where a slice meets it, and tint what is inside."""
    box = _seen_box(volume, crop, where)
    if box is None:
        return
    rows, columns = box
    share = _smooth(sample(crop.mask, crop.start, volume, where, rows, columns, 0.0))
    slope = np.hypot(*np.gradient(share)) if min(share.shape) > 1 else np.ones_like(share)
    distance_px = np.abs(share - 0.5) / np.maximum(slope, 1e-3)
    line = np.clip(OUTLINE_PX / 2 + 0.5 - distance_px, 0, 1) * (slope > 0.02)
    blend(canvas, np.clip((share - 0.5) * 4 + 0.5, 0, 1) * np.float32(TINT), color, rows.start, columns.start)
    blend(canvas, line.astype(np.float32), color, rows.start, columns.start)


def _seen_box(volume: Volume, crop: MaskCrop, where: Slice) -> tuple[slice, slice] | None:
    """Rows and columns of the slice where a segment may be seen; None if the slice misses it."""
    if not crop.mask.any():
        return None
    # One voxel more than the crop: the outline lies half a voxel outside it.
    start, shape = [n - 1 for n in crop.start], [n + 2 for n in crop.mask.shape]
    outer = corners(volume, start, shape)
    across = outer[:, where.view.normal]
    if not across.min() <= where.origin[where.view.normal] <= across.max():
        return None
    seen = np.array([where.pixel_of((r, a, s))[:2] for r, a, s in outer])
    low = np.maximum(np.floor(seen.min(axis=0)) - 2, 0).astype(int)
    high = np.minimum(np.ceil(seen.max(axis=0)) + 3, (where.width, where.height)).astype(int)
    if (low >= high).any():
        return None
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))


def _smooth(plane: Plane) -> Plane:
    """Blur by about a pixel: otherwise the outline of a mask finer than the picture is a staircase."""
    for axis in range(2):
        widths = [(1, 1) if axis == other else (0, 0) for other in range(2)]
        padded = np.pad(plane, widths, mode="edge")
        low, middle, high = (np.take(padded, np.arange(plane.shape[axis]) + n, axis=axis) for n in range(3))
        plane = ((low + 2 * middle + high) / 4).astype(np.float32)
    return plane


def _letters(canvas: Canvas, where: Slice) -> None:
    left, right, top, bottom = where.view.letters
    middle_x, middle_y = where.width / 2 - LETTER_PX / 3, where.height / 2 - LETTER_PX / 2
    right_x, bottom_y = where.width - 7 - text_width(right, LETTER_PX), where.height - 7 - LETTER_PX
    places = (left, 7, middle_y), (right, right_x, middle_y), (top, middle_x, 7), (bottom, middle_x, bottom_y)
    for letter, x, y in places:
        draw_text(canvas, letter, x, y, LETTER, LETTER_PX, halo=BLACK)


def _under_head(canvas: Canvas, where: Slice, caption: str, lettered: bool) -> Canvas:
    """A slice under a line with its caption, and, where they would cover it, the letters of its left and right."""
    left, right = where.view.letters[:2]
    indent = 2 * LETTER_PX if lettered else 0.0
    width = max(where.width, int(np.ceil(text_width(caption, LEGEND_PX) + 2 * indent)))
    out = new_canvas(width, HEAD_PX + where.height, BACKGROUND)
    out[HEAD_PX:, : where.width] = canvas
    draw_text(out, caption, indent, 6, CAPTION, LEGEND_PX)
    if lettered:
        draw_text(out, left, 2, 3, LETTER, LETTER_PX)
        draw_text(out, right, width - 2 - text_width(right, LETTER_PX), 3, LETTER, LETTER_PX)
    return out


def _mark(canvas: Canvas, click: Click, where: Slice) -> None:
    x, y, depth_mm = where.pixel_of(click.ras)
    opacity = 1.0 if depth_mm <= CLICK_DEPTH_MM else 0.3
    draw_disc(canvas, x, y, 7.5, BLACK, 0.6 * opacity)
    draw_disc(canvas, x, y, 6.5, POSITIVE if click.positive else NEGATIVE, opacity)
    bars = [np.array([(x - 3.0, y), (x + 3.0, y)])]
    if click.positive:
        bars.append(np.array([(x, y - 3.0), (x, y + 3.0)]))
    draw_strokes(canvas, bars, WHITE, 2.0, opacity)


def _legend(volume: Volume, segments: Sequence[NamedSegment]) -> list[tuple[Rgb, str]]:
    """Colour and words of each segment; a long list is cut, the largest segments stay."""
    voxels = [int(np.count_nonzero(crop.mask)) for _, _, crop in segments]
    kept = sorted(sorted(range(len(segments)), key=lambda n: -voxels[n])[:MAX_LEGEND])
    entries = [(segments[n][1], _words(segments[n][0], voxels[n] * volume.voxel_volume_ml)) for n in kept]
    if len(kept) < len(segments):
        entries.append((BACKGROUND, f"and {len(segments) - len(kept)} more"))
    return entries


def _words(name: str, volume_ml: float) -> str:
    if volume_ml == 0:
        return f"{name} (empty)"
    return f"{name} {volume_ml:.0f} ml" if volume_ml >= 10 else f"{name} {volume_ml:.2g} ml"


def _compose(panels: list[Canvas], stacked: bool, legend: list[tuple[Rgb, str]]) -> Canvas:
    """The slices on one background; the legend in columns beside them if they are stacked, else in rows below."""
    steps = [(0, panel.shape[0] + GAP_PX) if stacked else (panel.shape[1] + GAP_PX, 0) for panel in panels]
    places = [(sum(x for x, _ in steps[:n]), sum(y for _, y in steps[:n])) for n in range(len(panels))]
    width = max(x + panel.shape[1] for (x, _), panel in zip(places, panels, strict=True))
    height = max(y + panel.shape[0] for (_, y), panel in zip(places, panels, strict=True))
    column = 20 + int(max((text_width(words, LEGEND_PX) for _, words in legend), default=0)) + 18
    per_row = max(1, width // column)
    if stacked:
        per_row = -(-len(legend) * LEGEND_ROW_PX // height)
    spots = [(n % per_row * column, n // per_row * LEGEND_ROW_PX) for n in range(len(legend))]
    legend_x, legend_y = (width + 2 * GAP_PX, 0) if stacked else (0, height + GAP_PX)
    right = max([width, *(legend_x + x + column for x, _ in spots)])
    bottom = max([height, *(legend_y + y + LEGEND_ROW_PX for _, y in spots)])
    canvas = new_canvas(right + 2 * MARGIN_PX, bottom + 2 * MARGIN_PX, BACKGROUND)
    for (x, y), panel in zip(places, panels, strict=True):
        canvas[MARGIN_PX + y :, MARGIN_PX + x :][: panel.shape[0], : panel.shape[1]] = panel
    for (color, words), (x, y) in zip(legend, spots, strict=True):
        left, top = MARGIN_PX + legend_x + x, MARGIN_PX + legend_y + y
        fill_box(canvas, left, top + 3, 14, 12, color)
        draw_text(canvas, words, left + 20, top + 4, CAPTION, LEGEND_PX)
    return canvas
