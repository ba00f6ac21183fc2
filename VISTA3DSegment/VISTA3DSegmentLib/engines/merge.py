"""What clicks change: the paper's algorithm 1, on one labelling of the whole touched region.

The reference rewrites the connected components of the difference between the base and the answer to the clicks that
carry a click: positive clicks add components of the answer, negative clicks remove components of the base that the
answer lacks. The same is done here once for all windows, with the component nearest to each click, for clicks anywhere
in the region, its first and last planes included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .components import BoolArray, Index3, Slices, components_with, is_near, neighbourhood

NEAREST = 3
"""However small the error that it lies in, a click changes up to so many grid points around it."""


@dataclass(frozen=True, eq=False)
class Merge:
    """What clicks change in a region.

    Args:
        added: bool, voxels that join the object.
        removed: bool, voxels that leave it.
        idle: indices of the clicks that were not obeyed: positive ones with no answer near them, negative ones where
            the answer stays positive.
    """

    added: BoolArray
    removed: BoolArray
    idle: tuple[int, ...]


def merge(
    base: BoolArray, answer: BoolArray, clicks: Sequence[tuple[Index3, bool]], reach: float | None = None
) -> Merge:
    """Components of the difference between base and answer that carry a click.

    Args:
        base: bool, the object before, in a region of the grid.
        answer: bool, what the point head says in that region.
        clicks: (index in the region, positive), all inside it.
        reach: a click changes nothing farther away than so many times its depth in its component (and always
            ``NEAREST`` points around it), if there is a base to correct: a person clicks in the middle of what is
            wrong. None: whole components, as the reference.
    """
    missing, wrong = answer & ~base, base & ~answer
    # A click on the object rewrites the whole answer that it touches; a click beside it only what is new.
    candidates = {True: answer if any(base[at] for at, _ in clicks) else missing, False: wrong}
    # A negative click where neither base nor answer is positive has nothing to remove: the network obeyed it.
    idle = [n for n, (at, sign) in enumerate(clicks) if not is_near(candidates[sign], at) and (sign or answer[at])]
    if reach is None or not base.any():
        chosen = {
            sign: components_with(mask, [at for at, s in clicks if s is sign]) for sign, mask in candidates.items()
        }
        return Merge(chosen[True] & ~base, chosen[False], tuple(idle))
    added, removed = np.zeros_like(base), np.zeros_like(base)
    for at, positive in clicks:
        box, part = _around(at, missing if positive else wrong, reach)
        (added if positive else removed)[box] |= part
    return Merge(added, removed, tuple(idle))


def _around(at: Index3, difference: BoolArray, reach: float) -> tuple[Slices, BoolArray]:
    """The part of a difference near a click in it, in one piece: a box, and the part in it.

    Only the box is looked at: a window holds two million voxels, and there may be dozens of clicks.
    """
    radius = max(NEAREST, reach * _depth(at, difference))
    box, squares = neighbourhood(at, int(radius), difference.shape)
    here: Index3 = tuple(index - part.start for index, part in zip(at, box, strict=True))
    return box, components_with(difference[box] & (squares <= radius**2), [here])


def _depth(at: Index3, mask: BoolArray) -> float:
    """The distance in voxels from a click to the nearest voxel outside a mask; if there is none, the longest."""
    half, longest = NEAREST, max(mask.shape)
    while True:
        box, squares = neighbourhood(at, half, mask.shape)
        depth = float(np.sqrt(squares.min(where=~mask[box], initial=longest**2)))
        if depth <= half or half >= longest:  # the box holds the whole ball of its half width
            return depth
        half *= 2
