"""The last change, looked at: the structure as it was before it, and again as it is."""

from __future__ import annotations

from typing import Any

from ..edits import MaskCrop
from ..scene.annotator import SceneAnnotator
from ..scene.nodes import new_overlay, remove_with_display
from ..scene.segments import Segments
from ..session.session import ObjectChanged

BEFORE = "before"


class BeforeAfter:
    """Shows the structure that changed last as it was before, in a segmentation of its own that is not saved.

    Args:
        annotator: of the scan.
    """

    def __init__(self, annotator: SceneAnnotator) -> None:
        self._annotator = annotator
        self._last: tuple[str, MaskCrop] | None = None
        self._node: Any | None = None
        self._was_visible = True
        self.shown = False
        annotator.session.changed.connect(self._note)

    def toggle(self) -> bool:
        """Show the other of the two; returns whether it is the earlier one."""
        if self.shown:
            self.show_after()
        elif self._last is not None:
            self._show_before(*self._last)
        return self.shown

    def show_after(self) -> None:
        """Show it as it is."""
        if self.shown and self._last is not None and self._node is not None:
            self._node.GetDisplayNode().SetVisibility(False)
            display = self._annotator.segmentation_node.GetDisplayNode()
            display.SetSegmentVisibility(self._last[0], self._was_visible)
        self.shown = False

    def close(self) -> None:
        """Leave the scene."""
        self.show_after()
        if self._node is not None:
            remove_with_display(self._node)
            self._node = None

    def _note(self, change: ObjectChanged) -> None:
        if change.before is not None and change.after is not None and change.before.mask is not change.after.mask:
            self.show_after()
            self._last = (change.object_id, change.before.mask)
        elif change.after is None and self._last is not None and change.object_id == self._last[0]:
            self.show_after()
            self._last = None

    def _show_before(self, object_id: str, mask: MaskCrop) -> None:
        if self._node is None:
            transform_id = self._annotator.volume_node.GetTransformNodeID()
            self._node = new_overlay(self._annotator.scene, "Before the last change", transform_id)
        segments = Segments(self._node, self._annotator.segments.lattice)
        if BEFORE in segments:
            segments.remove(BEFORE)
        segments.create(BEFORE, BEFORE, self._annotator.segments.color(object_id))
        segments.write(BEFORE, mask)
        self._annotator.difference.hide()
        display = self._annotator.segmentation_node.GetDisplayNode()
        self._was_visible = bool(display.GetSegmentVisibility(object_id))
        display.SetSegmentVisibility(object_id, False)
        self._node.GetDisplayNode().SetVisibility(True)
        self.shown = True
