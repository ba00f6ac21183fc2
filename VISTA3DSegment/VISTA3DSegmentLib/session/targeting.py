"""Which object a click corrects."""

from __future__ import annotations

from collections.abc import Container

import numpy as np

from ..prompts import Click, Ras
from ..volume import Volume
from .annotation import Annotation, Status

REACH_MM = 15.0
"""A positive click farther than this from every object means the chosen one."""


def object_under(
    annotation: Annotation,
    volume: Volume,
    click: Click,
    selected: str | None,
    explicitly: bool = True,
    hidden: Container[str] = (),
) -> str | None:
    """The object that a click corrects, going by what lies under it.

    A positive click while the chosen object is still empty is about that one: the person has just begun it. Outside
    every object it grows the one whose border is nearest; a negative click shrinks the object that it lies in, the
    smallest if there are several. Wherever that says nothing the selected object is meant: it is also if it is among
    the candidates. Objects that are done are left alone, and so are those that are not seen.

    Args:
        annotation: the objects.
        volume: what they are objects of.
        click: where, and which sign.
        selected: the object that is chosen, if any.
        explicitly: the person has chosen it, or begun it. One that is chosen because an earlier click was about it does
            not keep a click inside another object from that one.
        hidden: ids of objects that the person does not see.

    Returns:
        The id of an object, or None: there is nothing near, and nothing chosen.
    """
    begun = annotation.objects.get(selected) if selected is not None and click.positive else None
    if begun is not None and not begun.mask.mask.any():
        return selected
    i, j, k = (int(value) for value in np.round(volume.ijk_of(click.ras)))
    distances = {
        object_id: _distance_mm(value.mask.start, value.mask.mask, (k, j, i), volume.spacing_mm)
        for object_id, value in annotation.objects.items()
        if value.status is not Status.DONE and (object_id == selected or object_id not in hidden)
    }
    inside = [object_id for object_id, distance in distances.items() if distance == 0]
    if inside:
        if selected in inside or (click.positive and selected is not None and explicitly):
            return selected
        return min(inside, key=lambda object_id: int(annotation[object_id].mask.mask.sum()))
    if not click.positive:
        return selected
    near = {object_id: distance for object_id, distance in distances.items() if distance <= REACH_MM}
    if not near:
        return selected
    nearest = min(near, key=lambda object_id: near[object_id])
    return selected if selected is not None and near.get(selected) == near[nearest] else nearest


def objects_at(annotation: Annotation, volume: Volume, ras: Ras) -> list[str]:
    """The ids of the objects that hold the voxel at a position (RAS, mm)."""
    i, j, k = (int(value) for value in np.round(volume.ijk_of(ras)))
    return [object_id for object_id, value in annotation.objects.items() if value.mask.holds(k, j, i)]


def _distance_mm(
    start: tuple[int, int, int],
    mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    at: tuple[int, int, int],
    spacing_ijk_mm: tuple[float, float, float],
) -> float:
    """From a voxel to the nearest one of a mask; infinite beyond the reach."""
    spacing = spacing_ijk_mm[::-1]
    low, high = [], []
    for axis in range(3):
        reach = int(REACH_MM / spacing[axis]) + 1
        low.append(max(0, at[axis] - start[axis] - reach))
        high.append(min(mask.shape[axis], at[axis] - start[axis] + reach + 1))
    if any(a >= b for a, b in zip(low, high, strict=True)):
        return float("inf")
    found = np.argwhere(mask[low[0] : high[0], low[1] : high[1], low[2] : high[2]])
    if not len(found):
        return float("inf")
    steps = (found + np.array(low) + np.array(start) - np.array(at)) * np.array(spacing)
    return float(np.sqrt((steps**2).sum(1).min()))
