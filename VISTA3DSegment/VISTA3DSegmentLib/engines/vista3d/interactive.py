"""One answer to clicks: from windows of logits to the voxels of one structure that change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name for it)

from ...edits import MaskCrop
from ..blending import tent
from ..grid import Box3, Index3, ModelGrid, Region
from ..merge import Merge
from ..native import interpolate

Tensor = torch.Tensor
BoolArray = npt.NDArray[np.bool_]

ANCHOR_GRID = 32
"""An anchor is looked for on so many points along an axis, at least."""


@dataclass(frozen=True)
class GridClick:
    """A click on the model's grid.

    Args:
        at: grid point, axes R, A, S.
        positive: belongs to the structure.
    """

    at: Index3
    positive: bool

    def inside(self, region: Region) -> bool:
        """Whether it lies in a region, its first and last planes included."""
        return all(low <= c < high for c, low, high in zip(self.at, region.low, region.high, strict=True))


@dataclass(frozen=True, eq=False)
class Chance:
    """Probability of the structure, blended from windows.

    Args:
        region: where it lies in the grid.
        values: (R, A, S), float32, 0..1; 0 where no window is.
        known: (R, A, S), bool: covered by a window.
    """

    region: Region
    values: Tensor
    known: BoolArray


def union_of(windows: Sequence[Region], whole: Region) -> Region:
    """The smallest region of the grid that holds all windows."""
    low = [max(whole.low[n], min(w.low[n] for w in windows)) for n in range(3)]
    high = [min(whole.high[n], max(w.high[n] for w in windows)) for n in range(3)]
    return Region((low[0], low[1], low[2]), (high[0], high[1], high[2]))


def stitch(windows: Sequence[Region], union: Region, logits_of: Callable[[Region], Tensor]) -> Chance:
    """Blend the windows' probabilities, each weighted by the distance to its faces, so that no seam shows.

    Args:
        windows: their places in the grid; they may reach beyond it.
        union: the region to fill.
        logits_of: a window's logits (X, Y, Z).
    """
    total, weights = torch.zeros(union.shape), torch.zeros(union.shape)
    for window in windows:
        logits = logits_of(window).float().cpu()
        here, there = [], []
        for n in range(3):
            low, high = max(union.low[n], window.low[n]), min(union.high[n], window.high[n])
            here.append(slice(low - union.low[n], high - union.low[n]))
            there.append(slice(low - window.low[n], high - window.low[n]))
        r, a, s = (torch.from_numpy(w[part]) for w, part in zip(tent(window.shape), there, strict=True))
        weight = r[:, None, None] * a[None, :, None] * s[None, None, :]
        total[tuple(here)] += torch.sigmoid(logits[tuple(there)]) * weight
        weights[tuple(here)] += weight
    known = weights > 0
    return Chance(union, torch.where(known, total / weights.clamp(min=1e-9), 0.0), known.numpy())


def anchor(clicks: Sequence[GridClick], window: Region, union: Region, base: BoolArray) -> list[GridClick]:
    """A positive click that says which structure negative clicks mean, where they are alone in a window.

    The point head is not told the class, and was never trained with negative clicks only: from them alone it could not
    know what is to be cut, and would take away all of the base. The anchor lies where the base is thick and the
    negative clicks are far. It shapes the answer; it adds nothing by itself.

    Args:
        clicks: the person's, inside the window.
        window: its place in the grid; it may reach beyond it.
        union: the region of the grid that the base covers.
        base: bool, axes (R, A, S), the structure before.

    Returns:
        one click; none if there is a positive one, or no base in the window.
    """
    part = window.clipped_to(union)
    inside = base[tuple(slice(a - o, b - o) for a, b, o in zip(part.low, part.high, union.low, strict=True))]
    if any(click.positive for click in clicks) or not inside.any():
        return []
    crop = MaskCrop.of(inside)
    step = max(1, max(crop.mask.shape) // ANCHOR_GRID)
    while not (coarse := crop.mask[::step, ::step, ::step]).any():  # so thin that no point of the grid lies in it
        step //= 2
    padded = np.pad(coarse, 1).astype(np.uint8)
    depth = sitk.GetArrayFromImage(
        sitk.SignedMaurerDistanceMap(sitk.GetImageFromArray(padded), insideIsPositive=True, squaredDistance=False)
    )[1:-1, 1:-1, 1:-1]
    places = np.stack(np.meshgrid(*[np.arange(n) for n in coarse.shape], indexing="ij"), -1) * step
    places += np.add(part.low, crop.start)
    far = np.min([np.linalg.norm(places - click.at, axis=-1) for click in clicks], axis=0)
    score = np.where(coarse, np.minimum(depth * step, far / 2), -1.0)
    best = places[np.unravel_index(int(np.argmax(score)), coarse.shape)]
    return [GridClick((int(best[0]), int(best[1]), int(best[2])), True)]


def native_change(
    grid: ModelGrid, chance: Chance, base: BoolArray, change: Merge, box: Box3, base_native: BoolArray
) -> BoolArray:
    """The structure in a box of the volume after a change that was decided on the grid.

    Inside the changed components the interpolated probability decides voxel by voxel; everywhere else the base's own
    voxels stay.

    Args:
        grid: the model's grid.
        chance: the answer to the clicks.
        base: the structure before, on the grid, in the chance's region.
        change: components that join or leave.
        box: slices (k, j, i) of the volume.
        base_native: the structure before, in the box.

    Returns:
        bool, axes (k, j, i), of the box's shape.
    """
    result = base_native.copy()
    answer = chance.values.numpy() > 0.5
    others = {True: answer & ~base & ~change.added, False: base & ~answer & ~change.removed}
    for joins, component in ((True, change.added), (False, change.removed)):
        if not component.any():
            continue
        # One grid point more on every side, so that the border falls where the probability says, not where the grid
        # does.
        part = _region_around(component, chance.region)
        inside = tuple(slice(a - o, b - o) for a, b, o in zip(part.low, part.high, chance.region.low, strict=True))
        zone = _grown(component[inside])
        native = _clipped(grid.native_box(part), box)
        near = interpolate(zone, grid, part, native).numpy() >= 0.5
        if others[joins][inside].any():
            near &= _nearer(grid, component[inside], others[joins][inside], part, native)
        likely = interpolate(chance.values[inside], grid, part, native).numpy() > 0.5
        place = tuple(slice(n.start - b.start, n.stop - b.start) for n, b in zip(native, box, strict=True))
        if joins:
            result[place] |= near & likely
        else:
            result[place] &= ~(near & ~likely)
    return result


def _nearer(grid: ModelGrid, component: BoolArray, others: BoolArray, part: Region, native: Box3) -> BoolArray:
    """Voxels that belong to a component rather than to the others, from which one grid point may part it."""
    mine, theirs = (
        interpolate(torch.from_numpy(mask).float(), grid, part, native).numpy() for mask in (component, others)
    )
    return np.asarray(mine >= theirs)


def _clipped(box: Box3, limit: Box3) -> Box3:
    parts = []
    for part, allowed in zip(box, limit, strict=True):
        start = min(max(part.start, allowed.start), allowed.stop)
        parts.append(slice(start, max(start, min(part.stop, allowed.stop))))
    return parts[0], parts[1], parts[2]


def _grown(mask: BoolArray) -> Tensor:
    """1 in a mask and in the voxels that touch it, 0 elsewhere; float32."""
    return F.max_pool3d(torch.from_numpy(mask).float()[None, None], 3, stride=1, padding=1)[0, 0]


def _region_around(mask: BoolArray, region: Region) -> Region:
    """The part of a region that holds a mask in it and the points that touch it."""
    crop = MaskCrop.of(mask)
    low = [max(start - 1, 0) + origin for start, origin in zip(crop.start, region.low, strict=True)]
    ends = zip(crop.start, crop.mask.shape, region.low, region.high, strict=True)
    high = [min(start + count + 1 + origin, limit) for start, count, origin, limit in ends]
    return Region((low[0], low[1], low[2]), (high[0], high[1], high[2]))
