"""From a mask to closed contours: one planar polygon for each connected part of a slice, its holes joined by keyholes.

The contours run along the borders of the voxels. So every voxel centre is half a voxel away from them, on the right
side whatever the reader's rule, and the area inside is exactly that of the voxels. In a slice, voxels that only touch
at a corner are parts of their own.

A hole is joined to the contour round it by a channel without width (PS3.3, C.8.8.6.3) that runs between two rows of
voxels, where no voxel centre lies.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ..edits import BoolArray, MaskCrop
from ..volume import FloatArray

IndexArray = npt.NDArray[np.int64]


def contours_of(crop: MaskCrop) -> Iterator[tuple[int, list[FloatArray]]]:
    """The contours of a mask, slice by slice.

    Args:
        crop: its box may be larger than its voxels.

    Yields:
        (k, polygons) of every slice with voxels, in order; each polygon (n, 2) is the (i, j) of its corners, as voxel
        index of the volume, so all end in .5; the first corner is not repeated at the end.
    """
    first_k, first_j, first_i = crop.start
    first = np.array([first_i - 0.5, first_j - 0.5])
    for k, plane in enumerate(crop.mask):
        polygons = polygons_of(plane)
        if polygons:
            yield first_k + k, [polygon + first for polygon in polygons]


def polygons_of(plane: BoolArray) -> list[FloatArray]:
    """The contours of one slice.

    Args:
        plane: bool, axes (j, i).

    Returns:
        Polygons (n, 2) of whole numbers (i, j): (0, 0) is the outer corner of the first voxel.
    """
    corners = _Corners(plane)
    following, outer, holes = corners.linked()
    corners.open_keyholes(following, holes)
    return [corners.along(following, start) for start in outer]


class _Corners:
    """The corners of a slice's borders, and how they hang together.

    Corners are numbered row by row. Those of one row are joined in pairs by horizontal borders, those of one column by
    vertical ones. Where two voxels touch at a corner only, two corners lie at one place, the one with the border to
    the left first.
    """

    def __init__(self, plane: BoolArray) -> None:
        padded = np.pad(plane, 1)
        above, below = padded[:-1], padded[1:]
        upper_left, upper_right, lower_left, lower_right = above[:, :-1], above[:, 1:], below[:, :-1], below[:, 1:]
        touch_falling = upper_left & lower_right & ~upper_right & ~lower_left
        touch_rising = upper_right & lower_left & ~upper_left & ~lower_right
        is_corner = upper_left ^ upper_right ^ lower_left ^ lower_right | touch_falling | touch_rising
        j, i = np.nonzero(is_corner)
        double = (touch_falling | touch_rising)[j, i]
        repeats = 1 + double.astype(np.int64)
        second = np.zeros(int(repeats.sum()), np.bool_)
        second[(np.cumsum(repeats) - 1)[double]] = True
        self.j: IndexArray = np.repeat(j, repeats)
        self.i: IndexArray = np.repeat(i, repeats)
        # The border of the left corner goes down where the lower left voxel is the one in the mask, else up.
        lower = second ^ touch_rising[self.j, self.i]
        column = np.lexsort((lower, self.j, self.i))
        self.tops: IndexArray = column[0::2]
        self.bottoms: IndexArray = column[1::2]
        self.below_right: BoolArray = lower_right[self.j, self.i]
        self.places: list[tuple[int, int]] = list(zip(self.i.tolist(), self.j.tolist(), strict=True))

    def linked(self) -> tuple[list[int], list[int], list[int]]:
        """For each corner the following one of its loop, and the first corner of each outer loop and of each hole.

        The first corner of a loop is its uppermost, and of these the leftmost. Outer loops and holes run in opposite
        directions.
        """
        count = len(self.i)
        across = (np.arange(count) ^ 1).tolist()
        along = np.empty(count, np.int64)
        along[self.tops], along[self.bottoms] = self.bottoms, self.tops
        down = along.tolist()
        is_outer = self.below_right.tolist()
        following = [-1] * count
        outer: list[int] = []
        holes: list[int] = []
        for start in range(count):
            if following[start] >= 0:
                continue
            (outer if is_outer[start] else holes).append(start)
            corner, horizontal = start, is_outer[start]
            while following[corner] < 0:
                following[corner] = across[corner] if horizontal else down[corner]
                corner, horizontal = following[corner], not horizontal
        return following, outer, holes

    def open_keyholes(self, following: list[int], holes: list[int]) -> None:
        """Join each hole to the loop on its left, at the height of its first corner; ``following`` is changed.

        That loop is the one round the hole, or another hole whose first corner comes before: so none is left apart.
        """
        arrivals: dict[int, list[int]] = {}
        for hole in holes:
            arrivals.setdefault(self._border_left_of(hole), []).append(hole)
        for border, arrived in arrivals.items():
            # The voxels on its right are in the mask, and every loop keeps them so: it goes up.
            corner, end = int(self.bottoms[border]), int(self.tops[border])
            for hole in reversed(arrived):
                corner = self._insert(following, corner, hole)
            following[corner] = end

    def _border_left_of(self, hole: int) -> int:
        """The vertical border that is met first on the way to the left."""
        i, j = self.i[self.tops], self.j[hole]
        met = (self.j[self.tops] <= j) & (j <= self.j[self.bottoms]) & (i < self.i[hole])
        return int(np.where(met, i, -1).argmax())

    def _insert(self, following: list[int], begin: int, hole: int) -> int:
        """The way from ``begin`` along the border, through the channel, round the hole and back; the last corner."""
        last = hole ^ 1  # a hole is left along its first column and entered along its first row
        place, mouth = self.places[hole], (self.places[begin][0], self.places[hole][1])
        opened, closed, back = range(len(self.places), len(self.places) + 3)
        self.places += [mouth, place, mouth]
        following += [hole, back, -1]
        following[begin] = opened
        following[last] = closed
        return back

    def along(self, following: list[int], start: int) -> FloatArray:
        """The corners (n, 2) of a loop as (i, j), without those that lie where the one before them does."""
        loop = [self.places[start]]
        corner = following[start]
        while corner != start:
            if self.places[corner] != loop[-1]:
                loop.append(self.places[corner])
            corner = following[corner]
        return np.asarray(loop, np.float64)
