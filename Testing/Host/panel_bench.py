"""A person before the panel, on the stand-in, with a fake engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_engine import FakeEngine, specification, two_engines
from scene_world import painted
from VISTA3DSegmentLib.service import InProcess

MODULE = Path(__file__).parents[2] / "VISTA3DSegment" / "VISTA3DSegment.py"
IN_LIVER, ELSEWHERE = (6.0, 8.0, 6.0), (2.0, 2.0, 2.0)
"""RAS; the scan's grid is that of the world."""


class Bench:
    """A person before the panel.

    Args:
        host: the stand-in.
    """

    def __init__(self, host: Any) -> None:
        self.host = host
        self.engines: list[FakeEngine] = []
        self.choices: list[Any] = []

    def start_engine(self, choice: Any, _python: str | None) -> InProcess:
        """Instead of a child process."""
        self.choices.append(choice)
        self.engines.append(two_engines())
        return InProcess(self.engines[-1])

    @property
    def widget(self) -> Any:
        import slicer

        return slicer.modules.VISTA3DSegmentWidget

    @property
    def panel(self) -> Any:
        return self.widget.panel

    @property
    def ui(self) -> Any:
        return self.widget.ui

    @property
    def workspace(self) -> Any:
        return self.panel.workspace

    @property
    def said(self) -> str:
        return str(self.ui.statusLabel.text)

    def add_scan(self, array: np.ndarray | None = None, name: str = "CT") -> Any:
        import slicer
        from VISTA3DSegmentLib.scene.volumes import add_volume_node
        from VISTA3DSegmentLib.volume import Volume

        return add_volume_node(slicer.mrmlScene, Volume(painted() if array is None else array, np.eye(4)), name)

    def open(self) -> Any:
        """Go to the module, as it is for the first time."""
        self.host.open_module("VISTA3DSegment")
        for part in ("export", "advanced", "models", "doctor"):
            getattr(self.ui, f"{part}CollapsibleButton").collapsed = False
        self.settle()
        return self.widget

    def settle(self) -> None:
        self.host.wait_until(lambda: self.workspace.idle and not self.panel._ticker.runs)

    def press(self, name: str) -> None:
        self.host.click(getattr(self.ui, name))
        self.settle()

    def place(self, ras: tuple[float, float, float]) -> None:
        """Click in a view in place mode, as the host does it: into the active list."""
        import slicer

        selection = slicer.app.applicationLogic().GetSelectionNode()
        slicer.mrmlScene.GetNodeByID(selection.GetActivePlaceNodeID()).AddControlPointWorld(*ras)
        self.settle()

    def draw(self, *corners: tuple[float, float, float]) -> None:
        """Place corners of a box in a view in place mode; when both are there the host turns views again."""
        for corner in corners:
            self.place(corner)
        if len(corners) == 2:
            self.draw_mode_ends()

    def draw_mode_ends(self) -> None:
        """As the host does it when both corners of a box are placed."""
        import slicer

        interaction = slicer.app.applicationLogic().GetInteractionNode()
        interaction.SetCurrentInteractionMode(interaction.ViewTransform)
        self.settle()

    def find(self, words: str) -> None:
        """Type a name and press Enter."""
        import qt

        self.host.type_text(self.ui.structureEdit, words)
        self.host.press_key(self.ui.structureEdit, qt.Qt.Key_Return)
        self.settle()

    def prompts(self) -> list[str]:
        return [self.ui.promptList.item(row).text() for row in range(self.ui.promptList.count)]

    def segment(self, *class_ids: int) -> None:
        self.panel._organs.check(class_ids)
        self.press("segmentButton")

    def ml(self) -> dict[str, float]:
        return {view.name: view.ml for view in self.workspace.segments()}

    def choose(self, name: str) -> str:
        segment_id = next(view.id for view in self.workspace.segments() if view.name == name)
        self.ui.segmentsTable.setSelectedSegmentIDs([segment_id])
        self.settle()
        return str(segment_id)


def select(selector: Any, text: str) -> None:
    """Choose a line of a combo box, as a person does."""
    row = selector.findText(text)
    assert row >= 0, text
    selector.setCurrentIndex(row)
    selector._native.activated.emit(row)


def bench_on(host: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """The module loaded, a scan in the scene; the module is not opened yet.

    Args:
        host: the stand-in, started.
        home: of the module.
        monkeypatch: of the test.
    """
    import slicer

    monkeypatch.setenv("VISTA3DSEGMENT_HOME", str(home))
    slicer.app.userSettings().clear()
    host.load_module(MODULE)
    from VISTA3DSegmentLib.desktop import engine_choice, panel
    from VISTA3DSegmentLib.workspace.estimate import Estimator

    def estimator(model: str, home: Path) -> Estimator:
        made = Estimator(model, home)
        made.specification = specification()
        return made

    bench = Bench(host)
    monkeypatch.setattr(engine_choice.EngineChoice, "start", lambda choice, python: bench.start_engine(choice, python))
    monkeypatch.setattr(panel, "Estimator", estimator)
    bench.add_scan()
    yield bench
    host.leave_module()
    host.unload("VISTA3DSegment")
