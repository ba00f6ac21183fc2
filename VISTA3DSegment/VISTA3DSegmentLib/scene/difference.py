"""What the last action changed, voxels added and removed, as a fading overlay that is neither saved nor exported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..edits import MaskCrop, box_of_change
from .labelmaps import Lattice
from .nodes import new_overlay, remove_with_display, told_once
from .segments import Segments

ADDED, REMOVED = "added", "removed"
COLORS = {ADDED: (0.2, 1.0, 0.3), REMOVED: (1.0, 0.25, 0.2)}
SHOWN_SECONDS, FADE_SECONDS = 1.0, 2.0
STEPS = 4
"""Opacities while fading: every one of them is a rendering."""


class Difference:
    """The overlay, a segmentation node of its own.

    Args:
        scene: vtkMRMLScene.
        lattice: of the volume.
        transform_id: id of the transform node above the volume, or None.
        clock: seconds.
    """

    def __init__(self, scene: Any, lattice: Lattice, transform_id: str | None, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.node = new_overlay(scene, "Last change", transform_id)
        self._segments = Segments(self.node, lattice)
        for name, color in COLORS.items():
            self._segments.create(name, name, color)
        self._since: float | None = None
        self._step = STEPS

    @property
    def fading(self) -> bool:
        """Whether the overlay is there and on its way out."""
        return self._since is not None

    def show(self, before: MaskCrop, after: MaskCrop) -> None:
        """Show what an action changed, given the segment before and after it."""
        start, shape = box_of_change(before, after)
        old, new = before.inside(start, shape), after.inside(start, shape)
        self._segments.write(ADDED, MaskCrop(start, new & ~old))
        self._segments.write(REMOVED, MaskCrop(start, old & ~new))
        self._since = self._clock()
        self._become(STEPS)

    def hide(self) -> None:
        """Take the overlay away."""
        self._since = None
        self._become(0)

    def pump(self) -> None:
        """Fade a little; to be called often while ``fading``."""
        if self._since is not None:
            left = 1 - (self._clock() - self._since - SHOWN_SECONDS) / FADE_SECONDS
            self._become(max(0, min(STEPS, int(left * STEPS))))
            if left <= 0:
                self._since = None

    def close(self) -> None:
        """Leave the scene."""
        remove_with_display(self.node)

    def _become(self, step: int) -> None:
        if step != self._step or (step > 0) != bool(self.node.GetDisplayNode().GetVisibility()):
            display = self.node.GetDisplayNode()
            with told_once(display):
                display.SetOpacity(step / STEPS)
                display.SetVisibility(step > 0)
            self._step = step
