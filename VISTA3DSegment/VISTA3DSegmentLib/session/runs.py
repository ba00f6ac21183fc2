"""An automatic run that is under way: what its answers make of the objects, and what is said at its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from ..edits import Edit, MaskCrop, joint_box
from ..export.wording import listed
from ..prompts import Structure
from ..provenance import Provenance
from ..service import RequestId
from ..volume import Volume
from .annotation import AnnotatedObject, Annotation
from .history import Step
from .rules import Limits


@dataclass
class Run:
    """Classes that are being segmented.

    Args:
        id: of the request.
        step: that brings what arrives.
        names: by class id.
        colors: by class id.
        limits: that held when it began.
        begun: the annotation then.
        begun_at: when it began.
        missing: names of classes that are not in the scan.
        cut: names of classes that reach its border.
    """

    id: RequestId
    step: Step
    names: Mapping[int, str]
    colors: Mapping[int, tuple[float, float, float]]
    limits: Limits
    begun: Annotation
    begun_at: datetime
    missing: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)

    def is_edited(self, object_id: str, value: AnnotatedObject) -> bool:
        """Whether an object has another base than it had: voxels that the person made since the run began."""
        then = self.begun.objects.get(object_id)
        return value.base is not (None if then is None else then.base)

    def answer(self, edit: Edit, known: MaskCrop, volume: Volume) -> MaskCrop:
        """What arrives, in the region of the run; outside of it what was known."""
        answer = MaskCrop(edit.start, edit.mask)
        if self.limits.region is None:
            return answer
        outside = MaskCrop(known.start, known.mask & ~volume.voxels_inside(self.limits.region, known.slices))
        start, shape = joint_box(answer, outside)
        return MaskCrop(start, answer.inside(start, shape) | outside.inside(start, shape))

    def arrived(
        self, class_id: int, before: AnnotatedObject | None, mask: MaskCrop, made: Provenance
    ) -> AnnotatedObject:
        """The object of a class with the mask that arrived, and how that was made."""
        if before is None:
            structure = Structure(self.names[class_id], class_id)
            return AnnotatedObject(structure, self.colors[class_id], mask, mask=mask, made=made)
        if not before.placed:
            return replace(before, base=mask, mask=mask, made=made)
        # Its prompts stay: they are what the person knows better than the model, and so does the work that they were.
        then = before.made
        made = replace(made, seconds=then.seconds, created=then.created or made.created, changed=then.changed)
        return replace(before, base=mask, made=made)

    def note(self, class_id: int, mask: MaskCrop, volume: Volume) -> None:
        """Remember what has to be said of a class."""
        if touches_border(mask, volume.shape_kji):
            self.cut.append(self.names[class_id])
        if not mask.mask.any():
            self.missing.append(self.names[class_id])

    def summary(self) -> Iterator[str]:
        """What is said at the end."""
        if self.missing:
            yield f"Not found in this scan: {', '.join(self.missing)}."
        if self.cut:
            yield f"Cut at the edge of the scan: {listed(self.cut)}."


def touches_border(mask: MaskCrop, shape_kji: tuple[int, int, int]) -> bool:
    """Whether a mask reaches the first or last voxel of the volume along an axis: part of it was not scanned."""
    for axis, (first, count, whole) in enumerate(zip(mask.start, mask.mask.shape, shape_kji, strict=True)):
        planes = ([0] if first == 0 else []) + ([count - 1] if first + count == whole else [])
        if count and mask.mask.take(planes, axis).any():
            return True
    return False
