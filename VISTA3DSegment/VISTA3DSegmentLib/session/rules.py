"""What clicks may change: limits that the person has set, and the masks and locks of a host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from ..edits import MaskCrop
from ..prompts import Box

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
