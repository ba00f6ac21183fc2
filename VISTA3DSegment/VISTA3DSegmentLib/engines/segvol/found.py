"""The windows' answers put together, and where they end because nobody looked further."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ..blending import tent
from ..grid import Region
from .views import to_grid_axes

Tensor = torch.Tensor

NOT_HERE = -10.0
"""Logit where no window was worth a look."""
SIDES = (("left", "right"), ("back", "front"), ("feet", "head"))
"""Where the grid's axes R, A and S begin and end in the patient."""


@dataclass(frozen=True, eq=False)
class Found:
    """An answer on the grid.

    Args:
        region: where.
        logits: (R, A, S), float32, of the region; negative everywhere else.
        known: (R, A, S), bool: what was looked at, or coarsely seen to hold nothing.
    """

    region: Region
    logits: Tensor
    known: Tensor


def blended(windows: Sequence[Region], crop: Region, answer: Callable[[Region], Tensor | None]) -> Found:
    """The windows' logits together, each weighted by the distance to its faces, so that no seam shows.

    Args:
        windows: at full resolution.
        crop: the image; what windows have beyond it is dropped.
        answer: a window's logits (k, j, i) at full resolution; None: nothing of the structure is there.
    """
    low = [max(crop.low[n], min(w.low[n] for w in windows)) for n in range(3)]
    high = [min(crop.high[n], max(w.high[n] for w in windows)) for n in range(3)]
    union = Region((low[0], low[1], low[2]), (high[0], high[1], high[2]))
    # k, j, i as the network's answers: other axes are slow to add to
    total, weights = torch.zeros(union.shape[::-1]), torch.zeros(union.shape[::-1])
    for window in windows:
        logits = answer(window)
        here, there = _places(window, union)
        weight = _weight(window, union)
        weights[here] += weight
        if logits is not None:
            total[here] += (logits[there] - NOT_HERE) * weight
    known = weights > 0
    return Found(union, to_grid_axes(total.div_(weights.clamp_(min=1.0)).add_(NOT_HERE)), to_grid_axes(known))


def narrowed(found: Found) -> Found | None:
    """The part of an answer that holds what is positive, one point wider; None: nothing is."""
    positive = found.logits > 0
    low, high = [], []
    for axis in range(3):
        others = [n for n in range(3) if n != axis]
        used = torch.nonzero(positive.any(others[1]).any(others[0]))
        if not len(used):
            return None
        low.append(max(0, int(used[0]) - 1))
        high.append(min(positive.shape[axis], int(used[-1]) + 2))
    first, last = (np.add(found.region.low, ends).tolist() for ends in (low, high))
    r, a, s = (slice(*ends) for ends in zip(low, high, strict=True))
    region = Region((first[0], first[1], first[2]), (last[0], last[1], last[2]))
    return Found(region, found.logits[r, a, s], found.known[r, a, s])


def open_ends(found: Found, crop: Region) -> dict[str, npt.NDArray[np.int64]]:
    """Where an answer is positive beside a part of the image that was not looked at.

    Args:
        found: the answer.
        crop: the image; at its ends nothing goes on.

    Returns:
        For each side of the patient the grid points (n, 3; R, A, S) beyond which, that way, nothing is known.
    """
    positive, ends = found.logits > 0, {}
    for axis, names in enumerate(SIDES):
        known = found.known.movedim(axis, 0)
        before, after = (
            torch.full_like(known[:1], at_end)
            for at_end in (found.region.low[axis] == crop.low[axis], found.region.high[axis] == crop.high[axis])
        )
        below, above = torch.cat([before, known[:-1]]), torch.cat([known[1:], after])
        for name, seen in zip(names, (below, above), strict=True):
            points = torch.nonzero(positive & ~seen.movedim(0, axis)).numpy()
            ends[name] = points + np.array(found.region.low)
    return ends


def _places(window: Region, union: Region) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where a window lies in the union, and the part of the window that does: slices (k, j, i)."""
    inside = window.clipped_to(union)
    return _seen_from(union, inside), _seen_from(window, inside)


def _seen_from(outer: Region, inner: Region) -> tuple[slice, ...]:
    r, a, s = zip(outer.low, outer.high, inner.low, inner.high, strict=True)
    k = slice(s[2] - s[0], s[3] - s[0])
    j, i = (slice(high - last, high - first) for _, high, first, last in (a, r))
    return k, j, i


def _weight(window: Region, union: Region) -> Tensor:
    """How much each voxel of a window counts, (k, j, i), where it lies in the union."""
    _, there = _places(window, union)
    k, j, i = (torch.from_numpy(along[part]) for along, part in zip(tent(window.shape)[::-1], there, strict=True))
    return k[:, None, None] * j[None, :, None] * i[None, None, :]
