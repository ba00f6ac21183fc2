"""Surfaces in the 3-D views: of the segment that changed, a moment after the last change, and only if 3-D is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .labelmaps import SURFACE

DELAY_SECONDS = 0.15
SURFACE_NETS = (("Conversion method", "1"), ("SurfaceNets smoothing", "1"))
"""Five times as fast as the host's default, flying edges and sinc smoothing (measured)."""


class Surfaces:
    """Keeps closed surfaces in step with their segments.

    Args:
        node: vtkMRMLSegmentationNode.
        clock: seconds.
    """

    def __init__(self, node: Any, clock: Callable[[], float]) -> None:
        self._node, self._clock = node, clock
        self._due: dict[str, float] = {}
        for name, value in SURFACE_NETS:
            node.GetSegmentation().SetConversionParameter(name, value)

    @property
    def shown(self) -> bool:
        """Whether a person can see surfaces."""
        display = self._node.GetDisplayNode()
        there = self._node.GetSegmentation().ContainsRepresentation(SURFACE)
        return bool(there and display is not None and display.GetVisibility() and display.GetVisibility3D())

    @property
    def waiting(self) -> bool:
        """Whether a surface is out of date."""
        return bool(self._due)

    def show(self, shown: bool = True) -> None:
        """Show surfaces of all segments, or none."""
        segmentation = self._node.GetSegmentation()
        self._due.clear()
        if shown:
            segmentation.CreateRepresentation(SURFACE)
            self._node.GetDisplayNode().SetVisibility3D(True)
        else:
            segmentation.RemoveRepresentation(SURFACE)

    def touch(self, segment_id: str) -> None:
        """A segment has changed."""
        self._due[segment_id] = self._clock() + DELAY_SECONDS

    def pump(self) -> str | None:
        """Renew one surface that is due; to be called often while one is waiting. Returns whose."""
        now = self._clock()
        for segment_id, due in sorted(self._due.items(), key=lambda item: item[1]):
            if due > now:
                break
            del self._due[segment_id]
            if self._renew(segment_id):
                return segment_id
        return None

    def _renew(self, segment_id: str) -> bool:
        segmentation = self._node.GetSegmentation()
        segment = segmentation.GetSegment(segment_id)
        if segment is None or not segmentation.ContainsRepresentation(SURFACE):
            return False
        shown = self.shown
        segment.RemoveRepresentation(SURFACE)
        # If nobody sees it, it is made when 3-D is shown again.
        return shown and bool(segmentation.CreateRepresentation(SURFACE))
