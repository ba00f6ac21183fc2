"""Zoom-out-zoom-in: the whole scan coarsely, then windows at full resolution where the structure is.

What is asked in each view follows what SegVol was trained with: text, points, a box, or two of these. Text together
with both others was never trained, so it is left out then. Where a window is asked by points or by text alone, the box
of the coarse answer in it says which part of the structure is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name for it)

from ...volume import FloatArray
from ..blending import tent
from ..grid import Region
from .backend import WindowPrompts
from .prompt_encoder import NEGATIVE, POSITIVE
from .views import View, to_grid_axes, zoom_in

Tensor = torch.Tensor
BoolArray = npt.NDArray[np.bool_]

NOT_HERE = -10.0
"""Logit where no window was worth a look."""


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
    def spatial(self) -> bool:
        """They say where."""
        return self.box is not None or len(self.points) > 0

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


@dataclass(frozen=True, eq=False)
class Found:
    """An answer on the grid.

    Args:
        region: where.
        logits: (R, A, S), float32, of the region; negative everywhere else.
    """

    region: Region
    logits: Tensor


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


def asked_region(
    prompts: GridPrompts, view: View, mask: BoolArray, cells: tuple[int, ...], crop: Region
) -> Region | None:
    """What zooming in must cover: the coarse answer with a margin, the box and the positive points.

    Args:
        prompts: all prompts.
        view: the whole scan.
        mask: the coarse answer (k, j, i), of the window's size.
        cells: how many logits along (k, j, i) it was made of: it can be off by one of them.
        crop: the image.

    Returns:
        None if nothing says where to look.
    """
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
    if not lows:
        return None
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


def blended(windows: Sequence[Region], crop: Region, answer: Callable[[Region], Tensor | None]) -> Found:
    """The windows' logits together, each weighted by the distance to its faces, so that no seam shows.

    Args:
        windows: at full resolution: all of a lattice.
        crop: the image; what windows have beyond it is dropped.
        answer: a window's logits (k, j, i) at full resolution; None: nothing of the structure is there.
    """
    low = [max(crop.low[n], min(w.low[n] for w in windows)) for n in range(3)]
    high = [min(crop.high[n], max(w.high[n] for w in windows)) for n in range(3)]
    union = Region((low[0], low[1], low[2]), (high[0], high[1], high[2]))
    total = torch.zeros(union.shape[::-1])  # k, j, i as the network's answers: other axes are slow to add to
    for window in windows:
        logits = answer(window)
        if logits is not None:
            here, there = _places(window, union)
            total[here] += (logits[there] - NOT_HERE) * _product(_weights(window, union))
    for axis, sums in enumerate(_weight_sums(windows, union)):
        shape = [1, 1, 1]
        shape[axis] = -1
        total /= torch.from_numpy(sums).view(shape)
    return Found(union, to_grid_axes(total + NOT_HERE))


def _places(window: Region, union: Region) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where a window lies in the union, and the part of the window that does: slices (k, j, i)."""
    inside = window.clipped_to(union)
    return _seen_from(union, inside), _seen_from(window, inside)


def _seen_from(outer: Region, inner: Region) -> tuple[slice, ...]:
    r, a, s = zip(outer.low, outer.high, inner.low, inner.high, strict=True)
    k = slice(s[2] - s[0], s[3] - s[0])
    j, i = (slice(high - last, high - first) for _, high, first, last in (a, r))
    return k, j, i


def _weights(window: Region, union: Region) -> list[npt.NDArray[np.float32]]:
    """A window's weights along (k, j, i), where it lies in the union."""
    _, there = _places(window, union)
    return [weights[part] for weights, part in zip(tent(window.shape)[::-1], there, strict=True)]


def _product(weights: Sequence[npt.NDArray[np.float32]]) -> Tensor:
    k, j, i = (torch.from_numpy(one) for one in weights)
    return k[:, None, None] * j[None, :, None] * i[None, None, :]


def _weight_sums(windows: Sequence[Region], union: Region) -> list[npt.NDArray[np.float32]]:
    """What the weights of a lattice's windows add up to, along (k, j, i): their product is that of all windows."""
    sums = []
    for axis in range(3):
        along = np.zeros(union.shape[2 - axis], np.float32)
        different = {(w.low[2 - axis], w.high[2 - axis]): w for w in windows}
        for window in different.values():
            here, _ = _places(window, union)
            along[here[axis]] += _weights(window, union)[axis]
        sums.append(along)
    return sums


def windows_for(asked: Region, crop: Region, window_kji: tuple[int, int, int], overlap: float) -> list[Region]:
    """The windows at full resolution that cover a region, axes R, A, S."""
    k, j, i = window_kji
    return zoom_in(asked, crop, (i, j, k), overlap)
