"""Where the network looks: the lattice of an automatic run, the windows of clicks, and their weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from ..grid import Index3, Region

Float32 = npt.NDArray[np.float32]

CLICK_MARGIN = 3 / 16
"""A click lies well inside a window if this share of its side is between it and each face: 24 of 128 voxels."""
SNAP = 1 / 8
"""A new click window starts at a multiple of this share of its side: the next click near by finds the same window."""


@dataclass(frozen=True)
class Sweep:
    """The lattice of an automatic run, in the order in which it is walked.

    Args:
        starts: first grid points of the windows along R, A and S.
        window: their size.
    """

    starts: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    window: Index3

    def __len__(self) -> int:
        return len(self.starts[0]) * len(self.starts[1]) * len(self.starts[2])

    def level(self, s: int) -> list[Region]:
        """The windows that start at one position along S."""
        return [window_at((r, a, s), self.window) for r, a in product(self.starts[0], self.starts[1])]

    def all(self) -> list[Region]:
        """All windows, level by level."""
        return [window for s in self.starts[2] for window in self.level(s)]


def window_at(start: Index3, window: Index3) -> Region:
    """The window that starts at a grid point."""
    return Region(start, (start[0] + window[0], start[1] + window[1], start[2] + window[2]))


def sweep(asked: Region, within: Region, window: Index3, overlap: float) -> Sweep:
    """The windows that cover a region.

    Args:
        asked: grid points that need an answer.
        within: grid points that hold image; a window leaves it only where it is smaller than a window.
        window: size of a window.
        overlap: share of a window that it has in common with the next.
    """
    starts = [_starts(asked, within, window[axis], overlap, axis) for axis in range(3)]
    return Sweep((starts[0], starts[1], starts[2]), window)


def _starts(asked: Region, within: Region, side: int, overlap: float, axis: int) -> tuple[int, ...]:
    low, length = asked.low[axis], asked.shape[axis]
    if length <= side:
        return (_start_around(low + length / 2, within, side, axis),)
    # As MONAI's sliding_window_inference: equal steps, the last window shifted back inside.
    interval = max(1, int(side * (1 - overlap)))
    count = -(-(length - side) // interval) + 1
    return tuple(low + min(n * interval, length - side) for n in range(count))


def _start_around(middle: float, within: Region, side: int, axis: int, snap: int = 1) -> int:
    low, high = within.low[axis], within.high[axis]
    if high - low <= side:
        return low - (side - (high - low)) // 2  # image in the middle, as MONAI pads
    start = low + int(np.round((middle - side / 2 - low) / snap)) * snap
    return int(np.clip(start, low, high - side))


def click_windows(clicks: Sequence[Index3], within: Region, window: Index3, overlap: float) -> list[Region]:
    """The windows in which clicks are answered: a function of the clicks and the image alone, never of what is cached.

    A click that lies well inside a window that an earlier click uses, or inside one of the automatic run's, is answered
    there: it is likely encoded already. Others get a window of their own around them.
    """
    lattice = sweep(within, within, window, overlap).all()
    chosen: list[Region] = []
    for click in clicks:
        found = next((w for w in chosen if _well_inside(click, w, within)), None)
        if found is None:
            central = max(lattice, key=lambda w: _clearance(click, w, within))
            found = central if _well_inside(click, central, within) else centred_window(click, within, window)
            chosen.append(found)
    return chosen


def centred_window(click: Index3, within: Region, window: Index3, snapped: bool = True) -> Region:
    """The window around a click, inside the image where it can be."""
    start = [
        _start_around(
            click[n] + (0.5 if snapped else 0), within, window[n], n, max(1, int(window[n] * SNAP)) if snapped else 1
        )
        for n in range(3)
    ]
    return window_at((start[0], start[1], start[2]), window)


def _clearance(click: Index3, window: Region, within: Region) -> float:
    """Distance to the nearest face of a window, as a share of its side; faces at the end of the image do not count."""
    nearest = 1.0
    for n in range(3):
        side = window.high[n] - window.low[n]
        if window.low[n] > within.low[n]:
            nearest = min(nearest, (click[n] - window.low[n]) / side)
        if window.high[n] < within.high[n]:
            nearest = min(nearest, (window.high[n] - 1 - click[n]) / side)
    return nearest


def _well_inside(click: Index3, window: Region, within: Region) -> bool:
    held = all(low <= c < high for c, low, high in zip(click, window.low, window.high, strict=True))
    return held and _clearance(click, window, within) >= CLICK_MARGIN
