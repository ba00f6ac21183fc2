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
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 (the library's own custom)

BoolArray = npt.NDArray[np.bool_]
Index3 = tuple[int, int, int]

NEAREST = 3
"""However small the error that it lies in, a click changes up to so many grid points around it."""

REACH = 2
"""A click finds a component up to so many voxels away on each axis (MONAI's ``keep_merge_components_with_points``)."""


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
    inside = any(base[at] for at, _ in clicks)
    # A click on the object rewrites the whole answer that it touches; a click beside it only what is new.
    candidates = {True: answer if inside else answer & ~base, False: base & ~answer}
    chosen = {sign: np.zeros(base.shape, np.bool_) for sign in (True, False)}
    idle = []
    for sign in (True, False):
        mine = [(n, at) for n, (at, positive) in enumerate(clicks) if positive is sign]
        if not mine:
            continue
        components = _components(candidates[sign])
        found = {n: _nearest(components, at) for n, at in mine}
        # A negative click where neither base nor answer is positive has nothing to remove: the network obeyed it.
        idle += [n for n, at in mine if found[n] == 0 and (sign or answer[at])]
        wanted = sorted({component for component in found.values() if component})
        if wanted and (reach is None or not base.any()):
            chosen[sign] = np.isin(components, wanted)
        elif wanted:
            difference = candidates[sign] & ~base if sign else candidates[sign]
            for n, at in mine:
                if found[n]:
                    chosen[sign] |= _around(at, difference & (components == found[n]), reach or 0.0)
    return Merge(chosen[True] & ~base, chosen[False], tuple(sorted(idle)))


def components_with(mask: BoolArray, at: Sequence[Index3]) -> BoolArray:
    """The 26-connected components of a mask that hold, or are nearest to, some voxels."""
    components = _components(mask)
    wanted = sorted({_nearest(components, index) for index in at} - {0})
    return np.isin(components, wanted) if wanted else np.zeros(mask.shape, np.bool_)


def _around(at: Index3, component: BoolArray, reach: float) -> BoolArray:
    """The part of a component near a click in it, in one piece."""
    squares = sum(
        ((np.arange(n) - at[axis]) ** 2).reshape([-1 if other == axis else 1 for other in range(3)])
        for axis, n in enumerate(component.shape)
    )
    outside = np.where(component, np.iinfo(np.int64).max, squares)
    depth = float(np.sqrt(outside.min())) if not component.all() else float(max(component.shape))
    near = component & (squares <= max(NEAREST, reach * depth) ** 2)
    return components_with(near, [at])


def _components(mask: BoolArray) -> npt.NDArray[np.uint32]:
    image = sitk.GetImageFromArray(mask.view(np.uint8) if mask.flags.c_contiguous else mask.astype(np.uint8))
    label = sitk.ConnectedComponentImageFilter()
    label.SetFullyConnected(True)
    label.SetNumberOfThreads(1)  # a window is too small for more: they cost twice the time
    return sitk.GetArrayFromImage(label.Execute(image))


def _nearest(components: npt.NDArray[np.uint32], at: Index3) -> int:
    """The component at a voxel, else the nearest within ``REACH``; 0 if there is none."""
    low = [max(0, index - REACH) for index in at]
    around = components[tuple(slice(start, index + REACH + 1) for start, index in zip(low, at, strict=True))]
    where = np.argwhere(around > 0)
    if not len(where):
        return 0
    distance = ((where + np.array(low) - np.array(at)) ** 2).sum(axis=1)
    return int(around[tuple(where[int(np.argmin(distance))])])
