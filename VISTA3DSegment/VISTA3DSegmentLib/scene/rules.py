"""What a click may change: masks and overwrite mode of the host's Segment Editor, and a range of grey values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import slicer

from ..edits import BoolArray, BoxKji, MaskCrop, joint_box
from ..session.rules import GreyValues, Limits
from ..volume import Volume
from .segments import Segments

NODE = slicer.vtkMRMLSegmentationNode
EDITOR = slicer.vtkMRMLSegmentEditorNode

INSIDE_ALL, INSIDE_VISIBLE = NODE.EditAllowedInsideAllSegments, NODE.EditAllowedInsideVisibleSegments
OUTSIDE_ALL, OUTSIDE_VISIBLE = NODE.EditAllowedOutsideAllSegments, NODE.EditAllowedOutsideVisibleSegments
INSIDE_ONE = NODE.EditAllowedInsideSingleSegment
OVERWRITES: dict[int, Literal["none", "visible", "all"]] = {
    EDITOR.OverwriteNone: "none",
    EDITOR.OverwriteVisibleSegments: "visible",
    EDITOR.OverwriteAllSegments: "all",
}


class EditorRules:
    """``session.rules.Rules`` as the host and the person have set them.

    Args:
        segments: of the scene.
        volume: for grey values.
        editor: vtkMRMLSegmentEditorNode whose masks and overwrite mode are honoured; None: there is none, and no other
            segment ever gives way. A new node of the host overwrites ALL other segments: who makes one for this must
            set ``OverwriteNone`` first, and leave it to the person to allow more.
    """

    hu_window: GreyValues | None
    """See ``Limits.hu_window``: of the clicks that follow."""

    def __init__(self, segments: Segments, volume: Volume, editor: Any | None) -> None:
        self.segments, self.volume, self.editor = segments, volume, editor
        self.hu_window = None

    def limits(self, object_id: str) -> Limits:
        """See ``session.rules.Rules.limits``; the region is not known here."""
        inside: tuple[str, ...] | None = None
        outside, values = tuple[str, ...](), None
        overwrites: Literal["none", "visible", "all"] = "none"
        if self.editor is not None:
            mode = self.editor.GetMaskMode()
            chosen = set(self.segments.ids() if mode in (INSIDE_ALL, OUTSIDE_ALL) else self.segments.shown())
            if mode == INSIDE_ONE:
                inside = (self.editor.GetMaskSegmentID() or "",)
            elif mode in (INSIDE_ALL, INSIDE_VISIBLE):
                inside = tuple(sorted(chosen | {object_id}))
            elif mode in (OUTSIDE_ALL, OUTSIDE_VISIBLE):
                # Outside of the others: a segment may always change where it is itself.
                outside = tuple(sorted(chosen - {object_id}))
            if self.editor.GetSourceVolumeIntensityMask():
                values = self.editor.GetSourceVolumeIntensityMaskRange()
            overwrites = OVERWRITES[self.editor.GetOverwriteMode()]
        others = [n for n in (*(inside or ()), *outside) if n != object_id and n in self.segments]
        version = max((self.segments.version(n) for n in others), default=0)
        return Limits(None, self.hu_window, values, inside, outside, overwrites, version=version)

    def permitted(self, object_id: str, limits: Limits, base: MaskCrop, answer: MaskCrop) -> MaskCrop:
        """See ``session.rules.Rules.permitted``."""
        start, shape = joint_box(base, answer)
        if not any(shape):
            return answer
        allowed = self._allowed(object_id, limits, base, (start, shape))
        if allowed is None and limits.hu_window is None:
            return answer
        before, after = base.inside(start, shape), answer.inside(start, shape)
        if allowed is not None:
            after = np.where(allowed, after, before)
        if limits.hu_window is not None:
            added = after & ~before
            after = after & (~added | self._in_window(MaskCrop(start, added), limits.hu_window))
        return MaskCrop(start, after)

    def yielding(self, object_id: str, limits: Limits, added: MaskCrop) -> tuple[str, ...]:
        """See ``session.rules.Rules.yielding``."""
        if limits.overwrites == "none":
            return ()
        candidates = self.segments.ids() if limits.overwrites == "all" else self.segments.shown()
        return tuple(
            n
            for n in self.segments.around(added.start, added.shape)
            if n in candidates
            and n != object_id
            and (self.segments.read(n).inside(added.start, added.shape) & added.mask).any()
        )

    def _allowed(self, object_id: str, limits: Limits, base: MaskCrop, box: BoxKji) -> BoolArray | None:
        """Where the Segment Editor's masks allow a change in a box; None: everywhere."""
        allowed: BoolArray | None = None
        if limits.inside is not None:
            allowed = self._union(limits.inside, object_id, base, box)
        elif limits.outside:
            allowed = ~self._union([n for n in limits.outside if n != object_id], object_id, base, box)
        if limits.hu_mask is not None:
            low, high = limits.hu_mask
            voxels = self.volume.array[MaskCrop(box[0], np.zeros(box[1], np.bool_)).slices]
            within = (voxels >= low) & (voxels <= high)
            allowed = within if allowed is None else allowed & within
        return allowed

    def _union(self, segment_ids: Iterable[str], object_id: str, base: MaskCrop, box: BoxKji) -> BoolArray:
        """The voxels of segments in a box; of the object itself those of its base, which its own clicks do not move."""
        union = np.zeros(box[1], np.bool_)
        for segment_id in segment_ids:
            if segment_id == object_id:
                union |= base.inside(*box)
            elif segment_id in self.segments:
                union |= self.segments.read(segment_id).inside(*box)
        return union

    def _in_window(self, added: MaskCrop, window: GreyValues) -> BoolArray:
        low, high = window
        tight = added.tightened()
        out = np.zeros(added.mask.shape, np.bool_)
        if not tight.mask.size:
            return out
        voxels = self.volume.array
        box = tuple(
            slice(max(0, at - 1), min(whole, at + n + 1))
            for at, n, whole in zip(tight.start, tight.mask.shape, voxels.shape, strict=True)
        )
        values = np.pad(
            voxels[box].astype(np.float32),
            [
                (int(at == 0), int(at + n == whole))
                for at, n, whole in zip(tight.start, tight.mask.shape, voxels.shape, strict=True)
            ],
            mode="edge",
        )
        own = values[1:-1, 1:-1, 1:-1]
        mean = (
            own
            + values[2:, 1:-1, 1:-1] + values[:-2, 1:-1, 1:-1]
            + values[1:-1, 2:, 1:-1] + values[1:-1, :-2, 1:-1]
            + values[1:-1, 1:-1, 2:] + values[1:-1, 1:-1, :-2]
        ) / 7  # fmt: skip
        within = ((own >= low) & (own <= high)) | ((mean >= low) & (mean <= high))
        place = tuple(
            slice(t - a, t - a + n) for t, a, n in zip(tight.start, added.start, tight.mask.shape, strict=True)
        )
        out[place] = within
        return out
