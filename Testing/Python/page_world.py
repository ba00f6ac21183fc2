"""What the page shows and does, without a browser, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from fake_engine import specification
from scene_world import empty_scene, painted
from trame.app import get_server
from trame_server.utils.typed_state import TypedState
from VISTA3DSegmentLib.app.desk import Desk
from VISTA3DSegmentLib.app.opening import Scan
from VISTA3DSegmentLib.app.scan_workspace import ScanWorkspace
from VISTA3DSegmentLib.app.state import PageState
from VISTA3DSegmentLib.app.views import Views
from VISTA3DSegmentLib.service import Client
from VISTA3DSegmentLib.volume import Volume
from VISTA3DSegmentLib.workspace.estimate import Estimator


class NoViews:
    """Views of a page that nobody looks at; they remember what they were asked."""

    def __init__(self) -> None:
        self.placing: Any = None
        self.at: Any = None
        self.window = ""

    def slices(self) -> dict[str, Any]:
        return {}

    def show(self, volume_node: Any, window: str) -> None:
        self.window = window

    def set_window(self, volume_node: Any, window: str) -> None: ...

    drag_window = staticmethod(Views.drag_window)

    def jump(self, ras: Any) -> None:
        self.at = ras

    def start_placing(self, node: Any) -> None:
        self.placing = node

    def stop_placing(self) -> None:
        self.placing = None


class Page:
    """A desk with a fake engine, and what its page shows."""

    def __init__(self, home: Path, client: Client, scan: Scan | None = None) -> None:
        estimator = Estimator("starter", home)
        estimator.specification = specification()
        self.workspace = ScanWorkspace(empty_scene(), lambda: client, estimator, home)
        server = get_server(str(home), client_type="vue3")
        self.state: TypedState[PageState] = TypedState(server.state, PageState)
        self.shown = self.state.data
        self.views = NoViews()
        self.desk = Desk(self.workspace, self.views, self.state)
        self.desk._show(scan or Scan(Volume(painted(), np.eye(4)), "painted"))
        self.settle()

    def settle(self) -> None:
        for _ in range(100):
            self.desk.pump()
        self.desk.refresh()

    def type(self, name: str) -> None:
        self.shown.click.structure = name

    def structures(self) -> dict[str, int | None]:
        objects = self.workspace.annotator.session.annotation.objects.values()
        return {value.structure.name: value.structure.class_id for value in objects}

    def ml(self, name: str) -> float:
        return next(view.ml for view in self.workspace.segments() if view.name == name)
