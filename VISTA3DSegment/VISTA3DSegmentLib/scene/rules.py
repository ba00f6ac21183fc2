"""What a click may change: masks and overwrite mode of the host's Segment Editor, and a range of grey values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import slicer

from ..edits import BoolArray, MaskCrop, joint_box
from ..volume import Volume
from .segments import Segments

NODE = slicer.vtkMRMLSegmentationNode
EDITOR = slicer.vtkMRMLSegmentEditorNode

INSIDE_ALL, INSIDE_VISIBLE = NODE.EditAllowedInsideAllSegments, NODE.EditAllowedInsideVisibleSegments
OUTSIDE_ALL, OUTSIDE_VISIBLE = NODE.EditAllowedOutsideAllSegments, NODE.EditAllowedOutsideVisibleSegments
INSIDE_ONE = NODE.EditAllowedInsideSingleSegment


class EditorRules:
    """``session.Rules`` as the host and the person have set them.

    Args:
        segments: of the scene.
        volume: for grey values.
        editor: vtkMRMLSegmentEditorNode whose masks and overwrite mode are honoured; None: there is none, and no other
            segment ever gives way.
        is_protected: whether a segment keeps its voxels whatever the mode.
    """

    hu_window: tuple[float, float] | None
    """What a click adds must have grey values in this range, itself or on average with its neighbours, so that noise
    makes no holes. What it removes is not asked."""

    def __init__(
        self, segments: Segments, volume: Volume, editor: Any | None, is_protected: Callable[[str], bool]
    ) -> None:
        self.segments, self.volume, self.editor = segments, volume, editor
        self.hu_window = None
        self._is_protected = is_protected

    def permitted(self, object_id: str, base: MaskCrop, answer: MaskCrop) -> MaskCrop:
        """See ``session.Rules.permitted``."""
        start, shape = joint_box(base, answer)
        if not any(shape):
            return answer
        allowed = self._allowed(object_id, start, shape)
        if allowed is None and self.hu_window is None:
            return answer
        before, after = base.inside(start, shape), answer.inside(start, shape)
        if allowed is not None:
            after = np.where(allowed, after, before)
        if self.hu_window is not None:
            added = after & ~before
            after = after & (~added | self._in_window(MaskCrop(start, added)))
        return MaskCrop(start, after)

    def yielding(self, object_id: str) -> tuple[str, ...]:
        """See ``session.Rules.yielding``."""
        mode = EDITOR.OverwriteNone if self.editor is None else self.editor.GetOverwriteMode()
        if mode == EDITOR.OverwriteNone:
            return ()
        candidates = self.segments.ids() if mode == EDITOR.OverwriteAllSegments else self._visible()
        return tuple(n for n in candidates if n != object_id and not self._is_protected(n))

    def _allowed(self, object_id: str, start: tuple[int, int, int], shape: tuple[int, int, int]) -> BoolArray | None:
        """Where the Segment Editor's masks allow a change in a box; None: everywhere."""
        if self.editor is None:
            return None
        allowed: BoolArray | None = None
        mode = self.editor.GetMaskMode()
        if mode == INSIDE_ONE:
            chosen = self.editor.GetMaskSegmentID()
            allowed = self._union([chosen] if chosen in self.segments else [], start, shape)
        elif mode in (INSIDE_ALL, OUTSIDE_ALL, INSIDE_VISIBLE, OUTSIDE_VISIBLE):
            chosen = self.segments.ids() if mode in (INSIDE_ALL, OUTSIDE_ALL) else self._visible()
            outside = mode in (OUTSIDE_ALL, OUTSIDE_VISIBLE)
            # Outside of the others: a segment may always change where it is itself.
            allowed = self._union([n for n in chosen if not (outside and n == object_id)], start, shape)
            allowed = ~allowed if outside else allowed
        if self.editor.GetSourceVolumeIntensityMask():
            low, high = self.editor.GetSourceVolumeIntensityMaskRange()
            voxels = self.volume.array[MaskCrop(start, np.zeros(shape, np.bool_)).slices]
            within = (voxels >= low) & (voxels <= high)
            allowed = within if allowed is None else allowed & within
        return allowed

    def _union(self, segment_ids: Iterable[str], start: tuple[int, int, int], shape: tuple[int, int, int]) -> BoolArray:
        union = np.zeros(shape, np.bool_)
        for segment_id in segment_ids:
            union |= self.segments.read(segment_id).inside(start, shape)
        return union

    def _visible(self) -> tuple[str, ...]:
        display = self.segments.node.GetDisplayNode()
        return tuple(n for n in self.segments.ids() if display is None or display.GetSegmentVisibility(n))

    def _in_window(self, added: MaskCrop) -> BoolArray:
        assert self.hu_window is not None
        low, high = self.hu_window
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
