"""A simulated user: looks at a result beside the truth and clicks into the middle of the worst mistake.

Deterministic and without memory: the same truth and the same result give the same click. It does not know what the
engine will make of the click, and it does not go back to an earlier, better result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk  # noqa: N813 (the library's own custom)

from ..edits import BoolArray, MaskCrop
from ..prompts import Click
from ..volume import Volume
from .metrics import Kji, common_box, distance_mm, voxels


@dataclass(frozen=True)
class Mistake:
    """One connected region where a result is wrong.

    Args:
        missing: True if the result lacks it, False if the result has it and should not.
        component: the region, on the volume's grid.
    """

    missing: bool
    component: MaskCrop


def next_click(truth: MaskCrop, prediction: MaskCrop, volume: Volume) -> Click | None:
    """Where the simulated user clicks next.

    The click goes to the centre of the largest mistake: positive if something is missing, negative if something leaked.
    The centre is the voxel that lies deepest inside it, in mm; the edge of the volume does not count as outside,
    because a structure goes on beyond it. Among equals the lowest index (k, then j, then i) is taken, among equally
    large mistakes the missing one, then the one found first.

    Args:
        truth: what is right, on the volume's grid.
        prediction: the result so far, on the same grid.
        volume: the grid; its voxels are not looked at.

    Returns:
        A click at the centre of a voxel; None when there is no mistake.
    """
    mistake = largest_mistake(truth, prediction)
    if mistake is None:
        return None
    k, j, i = deepest_voxel(mistake.component, volume)
    r, a, s = volume.ras_of((i, j, k))
    return Click((float(r), float(a), float(s)), positive=mistake.missing)


def largest_mistake(truth: MaskCrop, prediction: MaskCrop) -> Mistake | None:
    """The largest 26-connected region that is missing or that leaked; None when there is no mistake."""
    start, shape = common_box(truth, prediction)
    right, found = truth.inside(start, shape), prediction.inside(start, shape)
    mistakes = [
        Mistake(missing, _largest_component(wrong, start))
        for missing, wrong in ((True, right & ~found), (False, found & ~right))
        if wrong.any()
    ]
    # max keeps the first among equals: the missing one.
    return max(mistakes, key=lambda mistake: voxels(mistake.component), default=None)


def _largest_component(mask: BoolArray, start: Kji) -> MaskCrop:
    # The second argument asks for 26-connected components.
    labels = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.view(np.uint8)), True))
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return MaskCrop(start, labels == sizes.argmax()).tightened()


def deepest_voxel(component: MaskCrop, volume: Volume) -> Kji:
    """The voxel (k, j, i) of a component that is farthest from everything outside it, within the volume."""
    low = np.maximum(np.subtract(component.start, 1), 0)
    high = np.minimum(np.add(component.start, component.mask.shape) + 1, volume.shape_kji)
    start, shape = (int(low[0]), int(low[1]), int(low[2])), high - low
    inside = component.inside(start, (int(shape[0]), int(shape[1]), int(shape[2])))
    if inside.all():
        # It fills the whole volume: nothing is outside but what lies beyond the edge.
        depth = distance_mm(~np.pad(inside, 1), volume.spacing_mm)[1:-1, 1:-1, 1:-1]
    else:
        depth = distance_mm(~inside, volume.spacing_mm)
    k, j, i = np.unravel_index(int(np.where(inside, depth, -1).argmax()), inside.shape)
    return int(k) + start[0], int(j) + start[1], int(i) + start[2]
