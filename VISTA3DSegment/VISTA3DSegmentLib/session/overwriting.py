"""Overwriting: what prompts take from other objects, where the person allows it.

What the prompts of an object add to its base is taken from the objects that yield. How much that was is kept with the
taker, and given back before the next answer takes anew: a prompt that is moved, changed or deleted leaves nothing
behind. While one is dragged nothing is taken. When the prompts have become part of the taker's base, what they took is
its own for good.

For an object that yields, it is as if the person had edited it with another tool: what is left is what its prompts
correct from now on. All of it belongs to the step of the prompt, and is undone and redone with it, voxel by voxel.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..edits import NOTHING, MaskCrop, box_of_change, joint_box
from .annotation import AnnotatedObject, Annotation, Status


def added_by_prompts(value: AnnotatedObject) -> MaskCrop:
    """The voxels of an object that its base has not."""
    base = NOTHING if value.base is None else value.base
    start, shape = box_of_change(base, value.mask)
    return MaskCrop(start, value.mask.inside(start, shape) & ~base.inside(start, shape))


def exchanged(
    annotation: Annotation, object_id: str, added: MaskCrop, yielding: Iterable[str]
) -> tuple[dict[str, MaskCrop], dict[str, MaskCrop]]:
    """Give back what an object's prompts took, and take anew. An object that is done neither loses nor gets anything.

    Args:
        annotation: the objects.
        object_id: the taker.
        added: what it takes.
        yielding: who loses it, besides those who did before.

    Returns:
        What it has taken now, by object id, and the masks of the objects that are different by it.
    """
    before, took, masks = annotation[object_id].took, dict[str, MaskCrop](), dict[str, MaskCrop]()
    for other_id in dict.fromkeys((*before, *yielding)):
        other = annotation.objects.get(other_id)
        if other is None:
            continue
        given = before.get(other_id, NOTHING)
        lost = given
        if other.status is not Status.DONE:
            held = other.mask.inside(added.start, added.shape) | given.inside(added.start, added.shape)
            lost = MaskCrop(added.start, added.mask & held).tightened()
            box = joint_box(given, lost)  # the rest of a whole organ is not looked at
            now = other.mask.inside(*box)
            then = (now | given.inside(*box)) & ~lost.inside(*box)
            if (then != now).any():
                masks[other_id] = other.mask.replaced(box[0], then)
        if lost.mask.size:
            took[other_id] = lost
    return took, masks
