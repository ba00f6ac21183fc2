"""Zoom-out-zoom-in: the whole scan coarsely, then windows at full resolution where the structure is.

What is asked in each view follows what SegVol was trained with: text, points, a box, or two of these. Text together
with both others was never trained, so it is left out then. Where a window is asked by points or by text alone, the box
of the coarse answer in it says which part of the structure is meant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name for it)

from ...volume import FloatArray
from ..grid import Region
from .backend import WindowPrompts
from .prompt_encoder import NEGATIVE, POSITIVE
from .views import View, windows_around, zoom_in

Tensor = torch.Tensor
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class GridPrompts:
    """The prompts on the grid.

    Args:
        text: (1, width), or None.
        box: the box's faces, two arrays (3,) of grid indices (R, A, S); None: there is none.
        points: (n, 3), grid indices (R, A, S), fractional.
        positive: (n,), bool.
    """

    text: Tensor | None
    box: tuple[FloatArray, FloatArray] | None
    points: FloatArray
    positive: BoolArray

    @property
    def used_text(self) -> Tensor | None:
        """The text, unless box and points leave it no place."""
        return None if self.box is not None and len(self.points) else self.text

    def within(self, region: Region) -> GridPrompts:
        """With points and box moved into a region of the grid where they lie outside."""
        low, high = np.array(region.low, np.float64), np.array(region.high, np.float64) - 1
        box = self.box
        if box is not None:
            first = np.clip(box[0], low - 0.5, high - 0.5)
            box = first, np.maximum(np.clip(box[1], low + 0.5, high + 0.5), first + 1)
        return GridPrompts(self.text, box, np.clip(self.points, low, high), self.positive)


def zoomed_out(view: View, prompts: GridPrompts) -> WindowPrompts:
    """What is asked of the whole scan."""
    points, labels = _points_in(view, prompts, everywhere=True)
    box = None if prompts.box is None else _as_box(view.box(*prompts.box))
    return WindowPrompts(points, labels, box, prompts.used_text)


def zoomed_in(view: View, prompts: GridPrompts, coarse: tuple[FloatArray, FloatArray] | None) -> WindowPrompts | None:
    """What is asked of a window.

    Args:
        view: the window.
        prompts: all prompts.
        coarse: faces of the box that holds the coarse answer in this window; None: it has none there.

    Returns:
        None if nothing of the structure can be there.
    """
    points, labels = _points_in(view, prompts, everywhere=False)
    text = prompts.used_text
    if prompts.box is not None:
        box = view.box(*prompts.box)
    elif coarse is not None and (text is None or points is None):
        box = view.box(*coarse)
    else:
        box = None
    if points is None and box is None:
        return None
    return WindowPrompts(points, labels, None if box is None else _as_box(box), text)


def _as_box(box: FloatArray | None) -> Tensor:
    return torch.full((6,), -1.0) if box is None else torch.from_numpy(box.astype(np.float32))


def _points_in(view: View, prompts: GridPrompts, everywhere: bool) -> tuple[Tensor | None, Tensor | None]:
    if not len(prompts.points):
        return None, None
    places = view.places(prompts.points)
    within = ((places >= -0.5) & (places <= np.array(view.window) - 0.5)).all(1)
    inside = np.flatnonzero(within | everywhere)
    if not inside.size:
        return None, None
    labels = np.where(prompts.positive[inside], POSITIVE, NEGATIVE)
    return torch.from_numpy(places[inside].astype(np.float32)), torch.from_numpy(labels)


def coarse_mask(logits: Tensor, view: View, prompts: GridPrompts) -> BoolArray:
    """Where the coarse answer is positive: bool, axes (k, j, i), of the window's size.

    Where a box was drawn nothing counts that is farther from it than a logit's cell.
    """
    fine = F.interpolate(logits[None, None], view.window, mode="trilinear", align_corners=False)[0, 0]
    mask = np.asarray(fine.numpy() > 0)
    box = None if prompts.box is None else view.box(*prompts.box)
    if box is not None:
        cell = np.array(view.window) / np.array(logits.shape)
        low, high = np.floor(box[:3] - cell).astype(int), np.ceil(box[3:] + cell).astype(int) + 1
        near = np.zeros_like(mask)
        near[tuple(slice(max(0, a), max(0, b)) for a, b in zip(low, high, strict=True))] = True
        mask &= near
    return mask


def box_of(mask: BoolArray, part: tuple[slice, slice, slice] | None = None) -> tuple[npt.NDArray[np.intp], ...] | None:
    """First and last index (k, j, i) of a mask; None: it is empty."""
    seen = mask if part is None else mask[part]
    low, high = [], []
    for axis in range(3):
        used = np.flatnonzero(seen.any(axis=tuple(n for n in range(3) if n != axis)))
        if not used.size:
            return None
        start = 0 if part is None else part[axis].start
        low.append(int(used[0]) + start)
        high.append(int(used[-1]) + start)
    return np.array(low), np.array(high)


def _asked_region(prompts: GridPrompts, view: View, mask: BoolArray, cells: tuple[int, ...], crop: Region) -> Region:
    """What zooming in must cover: the coarse answer with a margin, the box and the positive points."""
    lows, highs = [], []
    found = box_of(mask)
    if found is not None:
        low, high = view.faces(found[0], found[1])
        margin = np.array(view.region.shape) / np.array(cells)[::-1]
        lows.append(low - margin)
        highs.append(high + margin)
    if prompts.box is not None:
        lows.append(prompts.box[0])
        highs.append(prompts.box[1])
    for point in prompts.points[prompts.positive]:
        lows.append(point - 0.5)
        highs.append(point + 0.5)
    low, high = np.floor(np.min(lows, 0) + 0.5).astype(int), np.ceil(np.max(highs, 0) + 0.5).astype(int)
    return Region((int(low[0]), int(low[1]), int(low[2])), (int(high[0]), int(high[1]), int(high[2]))).clipped_to(crop)


def coarse_box_in(window: Region, view: View, mask: BoolArray) -> tuple[FloatArray, FloatArray] | None:
    """The faces, in grid indices, of the box that holds the coarse answer inside a window; None: it is not there."""
    low, high = np.array(window.low) - 0.5, np.array(window.high) - 0.5
    inside = view.box(low, high)
    if inside is None:
        return None
    first, last = np.floor(inside[:3] + 0.5).astype(int), np.ceil(inside[3:] - 0.5).astype(int)
    part = tuple(slice(int(a), max(int(a), int(b)) + 1) for a, b in zip(first, last, strict=True))
    found = box_of(mask, (part[0], part[1], part[2]))
    if found is None:
        return None
    faces = view.faces(found[0] - 1, found[1] + 1)  # a voxel more: where between two it ends, the coarse answer hides
    return np.maximum(faces[0], low), np.minimum(faces[1], high)


def windows_for(
    prompts: GridPrompts, view: View, mask: BoolArray, cells: tuple[int, ...], crop: Region, overlap: float
) -> list[Region]:
    """The windows at full resolution in which to look, axes R, A, S; none if nothing says where.

    They cover the coarse answer, the box and the positive points. If there are points only, each has a window around
    it: between them there would be nothing to ask by.

    Args:
        prompts: all prompts.
        view: the whole scan.
        mask: the coarse answer (k, j, i), of the window's size.
        cells: how many logits along (k, j, i) it was made of: it can be off by one of them.
        crop: the image.
        overlap: share of a window that it has in common with the next.
    """
    k, j, i = view.window
    if prompts.box is None and not mask.any():
        return windows_around(prompts.points[prompts.positive], crop, (i, j, k))
    asked = _asked_region(prompts, view, mask, cells, crop)
    return zoom_in(asked, crop, (i, j, k), overlap)
