"""Whether the scan, and what lies on it, are where they were when the annotation was opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import VolumeError
from .volumes import place_of, to_world


class Places:
    """Where the nodes of an annotation were.

    Args:
        volume_node: the scan.
        others: segmentation and point lists.
    """

    def __init__(self, volume_node: Any, others: Sequence[Any]) -> None:
        self._volume_node, self._others = volume_node, tuple(others)
        self._scan_then, self._others_then = self._now()

    def complaint(self) -> str:
        """What is elsewhere or another one now, and what to do about it, in a sentence; "" if nothing is."""
        scan, others = self._now()
        if scan != self._scan_then:
            return "The scan was moved or changed: its annotation has to be opened again."
        if others != self._others_then:
            return "The segmentation or its points were put elsewhere: the annotation has to be opened again."
        return ""

    def _now(self) -> tuple[object, object]:
        try:
            return place_of(self._volume_node), tuple(to_world(node).tobytes() for node in self._others)
        except VolumeError:  # a transform that is not linear
            return None, None
