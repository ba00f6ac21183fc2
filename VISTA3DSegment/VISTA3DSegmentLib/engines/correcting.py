"""Clicks that correct a base one after the other: what Add and Remove promise, whichever engine answers.

The network hears all clicks so far, and each further one moves its answer also where nobody clicked: what an earlier
negative click had removed came back with the next one, tens of thousands of voxels of a liver. So of the answer to the
first n clicks counts what the n-th asks for: after Add nothing that the clicks before had made is gone, after Remove
nothing is more than they had left, and beyond its own reach all is as they had left it. It stays a pure function of
the prompts, for the answers to the first clicks are. They are kept: a click more on one of several structures costs one
answer, and a click that is taken back none.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from ..edits import Edit, MaskCrop, joint_box
from ..prompts import Click, Prompts, clicks_of
from ..volume import Volume
from .cache import FeatureCache
from .native import as_edit, box_at
from .reporting import Stopwatch


def corrected(
    volume: Volume,
    steps: Sequence[Prompts],
    base: MaskCrop,
    reach_mm: float | None,
    answer: Callable[[Prompts], Edit],
    cache: FeatureCache,
    key: Hashable,
    watch: Stopwatch,
    reason: str,
) -> Edit:
    """What prompts make of a base, click by click.

    Args:
        volume: whose grid all is on.
        steps: the prompts as they were with the first clicks only, and so on; each but the first has one click more
            than the one before it.
        base: what they correct.
        reach_mm: a click changes nothing farther from it than this; None: wherever the engine finds it right.
        answer: what an engine makes of the base by the prompts of a step, heard together.
        cache: where what each step has made is kept.
        key: everything that it depends on but the prompts.
        watch: of the answers.
        reason: said if the base is as it was.

    Returns:
        The change against the base; its seconds are those of the answers that were not kept.
    """

    def made(step: Prompts, before: Edit | None) -> Edit:
        now, click = answer(step), clicks_of(step)[-1]
        return now if before is None else as_the_click_says(volume, click, now, before, base, reach_mm, reason)

    edit: Edit | None = None
    for step in steps:
        edit = cache.get((key, step), partial(made, step, edit))
    assert edit is not None
    return replace(edit, seconds=dict(watch.seconds))


def click_by_click(prompts: Prompts) -> list[Prompts]:
    """The prompts as they were with the first click only, with the first two, and so on; the last is all of them.

    Args:
        prompts: at least one click. What is no click is in each.
    """
    places = [n for n, prompt in enumerate(prompts) if isinstance(prompt, Click)]
    return [tuple(p for n, p in enumerate(prompts) if n <= last or not isinstance(p, Click)) for last in places]


def as_the_click_says(
    volume: Volume, click: Click, answer: Edit, before: Edit, base: MaskCrop, reach_mm: float | None, reason: str
) -> Edit:
    """What a click makes of what those before it had made.

    Args:
        volume: whose grid all is on.
        click: it only adds if it is positive; else it only removes.
        answer: to all clicks, against the base.
        before: what those before it had made of the base.
        base: what all of them correct.
        reach_mm: farther than this from the click nothing changes; None: anything may.
        reason: said if the base is as it was.

    Returns:
        The change against the base.
    """
    start, shape = joint_box(MaskCrop(answer.start, answer.mask), MaskCrop(before.start, before.mask))
    old = base.inside(start, shape)
    now, then = (edit.onto(MaskCrop(start, old)).inside(start, shape) for edit in (answer, before))
    box = box_at(start, shape)
    result = now | then if click.positive else now & then
    if reach_mm is not None:
        result = np.where(volume.voxels_near([click.ras], reach_mm, box), result, then)
    return as_edit(result, old, box, dict(answer.seconds), reason, answer.notices)
