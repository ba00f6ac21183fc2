"""Surfaces in the 3-D views: of the segment that changed, a moment after the last change, and only if 3-D is shown."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import slicer
import vtk

from .labelmaps import LABELMAP, SURFACE, Lattice, voxels_of
from .nodes import told_once
from .volumes import array_of

DELAY_SECONDS = 0.15
LARGEST_VOXELS = 1_500_000
"""Of a labelmap whose surface is made at full resolution: that holds the user's thread for 20 ms (measured); a liver in
a scan of 512 x 512 x 400 held it for 160. Larger ones are made from every second voxel (third, and so on) of each axis.
Files are made from the voxels, never from these surfaces."""
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
        self._made: dict[str, Any] = {}
        self._wanted = False

    @property
    def shown(self) -> bool:
        """Whether a person can see surfaces."""
        display = self._node.GetDisplayNode()
        there = self._wanted or self._node.GetSegmentation().ContainsRepresentation(SURFACE)
        return bool(there and display is not None and display.GetVisibility() and display.GetVisibility3D())

    @property
    def waiting(self) -> bool:
        """Whether a surface is out of date."""
        return bool(self._due or self._made)

    def show(self, shown: bool = True) -> None:
        """Show surfaces of all segments, one after the other as they are made, or none."""
        segmentation = self._node.GetSegmentation()
        self._wanted = shown
        if shown:
            if self._node.GetDisplayNode() is None:
                self._node.CreateDefaultDisplayNodes()
            self._node.GetDisplayNode().SetVisibility3D(True)
            now = self._clock()
            self._due = {
                segment_id: now
                for segment_id in segmentation.GetSegmentIDs()
                if segmentation.GetSegment(segment_id).GetRepresentation(SURFACE) is None
            } | self._due
        else:
            self._due.clear()
            self._made.clear()
            segmentation.RemoveRepresentation(SURFACE)

    def touch(self, segment_id: str) -> None:
        """A segment has changed."""
        self._due[segment_id] = self._clock() + DELAY_SECONDS
        self._made.pop(segment_id, None)

    def pump(self) -> tuple[str, ...]:
        """Make one surface that is due; to be called often while one is waiting. Returns whose are shown now.

        Those that are due together are shown together: a running Slicer took 2.5 s for each of 117 that came alone.
        """
        now = self._clock()
        for segment_id, due in sorted(self._due.items(), key=lambda item: item[1]):
            if due > now:
                break
            del self._due[segment_id]
            if self._make(segment_id):
                break
        return () if any(due <= now for due in self._due.values()) else self._show_made()

    def _make(self, segment_id: str) -> bool:
        segment = self._node.GetSegmentation().GetSegment(segment_id)
        if segment is None:
            return False
        if not self.shown:
            segment.RemoveRepresentation(SURFACE)  # made when 3-D is shown again
            return False
        self._made[segment_id] = self._surface_of(segment)
        return True

    def _show_made(self) -> tuple[str, ...]:
        made, self._made = self._made, {}
        segments = {segment_id: self._node.GetSegmentation().GetSegment(segment_id) for segment_id in made}
        there = {segment_id: segment for segment_id, segment in segments.items() if segment is not None}
        with told_once(self._node):
            for segment_id, segment in there.items():
                segment.AddRepresentation(SURFACE, made[segment_id])
        return tuple(there)

    def _surface_of(self, segment: Any) -> Any:
        """By the host's own conversion; how the person wants surfaces made elsewhere stays as it is set at the node."""
        scratch = slicer.vtkSegmentation()
        scratch.SetSourceRepresentationName(LABELMAP)
        scratch.CopyConversionParameters(self._node.GetSegmentation())
        for name, value in SURFACE_NETS:
            scratch.SetConversionParameter(name, value)
        copy = slicer.vtkSegment()
        copy.AddRepresentation(LABELMAP, _coarser(segment.GetRepresentation(LABELMAP), segment.GetLabelValue()))
        scratch.AddSegment(copy, "one")
        scratch.CreateRepresentation(SURFACE)
        return copy.GetRepresentation(SURFACE)


def _coarser(image: Any, label: int) -> Any:
    """One segment's labelmap, small enough that its surface is made in time."""
    voxels = voxels_of(image)
    step = 1
    while voxels.size > LARGEST_VOXELS * step**3:
        step += 1
    # Of a larger block eight voxels are looked at, so that a labelmap as large as the scan takes no longer.
    samples = sorted({step // 4, step - 1 - step // 4})
    counts = np.zeros([-(-n // step) for n in voxels.shape], np.uint8)
    for at in product(samples, repeat=3):
        part = voxels[tuple(slice(first, None, step) for first in at)] == label
        counts[tuple(slice(n) for n in part.shape)] += part
    filled = counts >= len(samples) ** 3 / 2
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    first = np.eye(4)
    first[:3, 3] = np.array(image.GetExtent()[::2]) + (step - 1) / 2  # the middle of the first block
    place = array_of(matrix) @ first @ np.diag([step, step, step, 1.0])
    return Lattice(place, filled.shape).labelmap(filled, (0, 0, 0))
