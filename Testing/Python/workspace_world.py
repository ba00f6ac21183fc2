"""A workspace with a fake engine, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from fake_engine import FakeEngine, specification
from scene_world import Clock, empty_scene, painted
from VISTA3DSegmentLib.app.opening import Scan
from VISTA3DSegmentLib.app.scan_workspace import ScanWorkspace
from VISTA3DSegmentLib.errors import SegmentationError
from VISTA3DSegmentLib.files.segmentations import Segment, read_segmentation
from VISTA3DSegmentLib.service import InProcess
from VISTA3DSegmentLib.volume import Volume
from VISTA3DSegmentLib.workspace.estimate import Estimator
from VISTA3DSegmentLib.workspace.saving import Format
from VISTA3DSegmentLib.workspace.workspace import SegmentView

IN_LIVER = (6.0, 8.0, 6.0)
"""RAS of a voxel of the painted liver; the scan's grid is that of the world."""


class Desk:
    """A workspace with a fake engine, and the clock in the test's hands."""

    def __init__(self, home: Path, array: np.ndarray | None = None, engine: FakeEngine | None = None) -> None:
        self.clock, self.home = Clock(), home
        engine = engine or FakeEngine()
        estimator = Estimator("starter", home)
        estimator.specification = specification()
        self.workspace = ScanWorkspace(empty_scene(), lambda: InProcess(engine), estimator, home, self.clock)
        self.said: list[str] = []
        self.failed: list[SegmentationError] = []
        self.workspace.said.connect(self.said.append)
        self.workspace.failed.connect(self.failed.append)
        self.show(array)

    def show(self, array: np.ndarray | None = None) -> None:
        self.workspace.show(Scan(Volume(painted() if array is None else array, np.eye(4)), "painted"))
        self.settle()

    def settle(self) -> None:
        for _ in range(500):
            self.clock.seconds += 0.1
            self.workspace.pump()
            if not self.workspace.annotator.session.busy and not self.workspace.annotator.session.running:
                return
        raise AssertionError("never done")

    def segments(self) -> dict[str, SegmentView]:
        return {view.name: view for view in self.workspace.segments()}

    def saved(self, folder: Path) -> dict[str, Segment]:
        path = self.workspace.begin_save(folder, Format.SEGMENTS)()
        return {segment.name: segment for segment in read_segmentation(path).segments}

    def voxels(self, folder: Path) -> dict[str, Any]:
        return {name: segment.mask.mask.sum() for name, segment in self.saved(folder).items()}
