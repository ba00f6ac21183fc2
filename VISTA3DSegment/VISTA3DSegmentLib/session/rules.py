"""What clicks may change: limits that the person has set, and the masks and locks of a host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

import numpy as np

from ..edits import MaskCrop, joint_box
from ..prompts import Box, Click
from ..volume import Volume

GreyValues = tuple[float, float]
"""The lowest and the highest."""


@dataclass(frozen=True)
class Limits:
    """What held when the prompts of an object were placed. Their answer keeps to it whenever it is asked for again.

    A prompt that is placed under other limits corrects what the earlier ones made: they are part of its base.

    Args:
        region: nothing outside it (RAS, mm) is computed or changed; None: the whole volume.
        hu_window: what a click adds has grey values in it, itself or on average with its neighbours, so that noise
            makes no holes; what it removes is not asked. None: any.
        hu_mask: voxels of other grey values are left alone; None: none are.
        inside: only voxels of these segments are changed; None: any.
        outside: no voxel of these segments is changed.
        overwrites: which other objects lose the voxels that a click adds: none, those that are visible, or all.
        reach_mm: a click changes nothing farther from it than this; None: wherever the model finds it right. It is
            nothing to texts and boxes, which say what is meant and not where it is wrong.
        version: grows when voxels of the segments ``inside`` and ``outside`` change.
    """

    region: Box | None = None
    hu_window: GreyValues | None = None
    hu_mask: GreyValues | None = None
    inside: tuple[str, ...] | None = None
    outside: tuple[str, ...] = ()
    overwrites: Literal["none", "visible", "all"] = "none"
    reach_mm: float | None = None
    version: int = 0

    def to_json(self) -> dict[str, Any]:
        """As numbers and text, for a file."""
        return asdict(self)

    @classmethod
    def from_json(cls, words: Mapping[str, Any]) -> Limits:
        """What ``to_json`` made, read again.

        Raises:
            TypeError: it is something else.
        """
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in words.items()
        }
        if known["region"] is not None:
            known["region"] = Box(tuple(known["region"]["ras_min"]), tuple(known["region"]["ras_max"]))
        return cls(**known)


UNLIMITED = Limits()


def within_reach(
    volume: Volume, clicks: Iterable[Click], reach_mm: float, base: MaskCrop, answer: MaskCrop
) -> MaskCrop:
    """The answer near the clicks, the base elsewhere.

    Args:
        volume: whose grid both are on.
        clicks: of the object.
        reach_mm: farther than this from every click nothing changes.
        base: what the clicks correct.
        answer: of the engine.
    """
    start, shape = joint_box(base, answer)
    near = np.zeros(shape, np.bool_)
    spacing_kji = np.array(volume.spacing_mm[::-1])
    for click in clicks:
        middle = volume.ijk_of(click.ras)[::-1] - start
        low = np.maximum(0, np.floor(middle - reach_mm / spacing_kji)).astype(int)
        high = np.minimum(shape, np.ceil(middle + reach_mm / spacing_kji) + 1).astype(int)
        if (low < high).all():
            axes = [
                ((np.arange(a, b) - at) * mm) ** 2 for a, b, at, mm in zip(low, high, middle, spacing_kji, strict=True)
            ]
            squared = axes[0][:, None, None] + axes[1][None, :, None] + axes[2][None, None, :]
            near[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] |= squared <= reach_mm**2
    return MaskCrop(start, np.where(near, answer.inside(start, shape), base.inside(start, shape)))


class Rules(Protocol):
    """What an answer may change, where the host has masks and locks."""

    def limits(self, object_id: str) -> Limits:
        """What holds now for a click on an object, or for an automatic run ("")."""
        ...

    def permitted(self, object_id: str, limits: Limits, base: MaskCrop, answer: MaskCrop) -> MaskCrop:
        """The answer where the limits allow the object to be changed, the base elsewhere."""
        ...

    def yielding(self, object_id: str, limits: Limits, added: MaskCrop) -> tuple[str, ...]:
        """Objects that hold some of the voxels which clicks add to this one, and lose them."""
        ...


class Anywhere:
    """Everything may be changed, and objects may overlap."""

    def limits(self, object_id: str) -> Limits:
        """See ``Rules.limits``."""
        return UNLIMITED

    def permitted(self, object_id: str, limits: Limits, base: MaskCrop, answer: MaskCrop) -> MaskCrop:
        """See ``Rules.permitted``."""
        return answer

    def yielding(self, object_id: str, limits: Limits, added: MaskCrop) -> tuple[str, ...]:
        """See ``Rules.yielding``."""
        return ()
