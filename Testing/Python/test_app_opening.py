"""What is opened while something else is: in order, and the person works on meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("trame_slicer", reason="needs the app extra")
from fake_engine import SPLEEN, FakeEngine, specification
from scene_world import empty_scene, painted
from trame_server.state import State
from trame_server.utils.typed_state import TypedState
from VISTA3DSegmentLib.app import desk as desk_module
from VISTA3DSegmentLib.app.desk import Desk
from VISTA3DSegmentLib.app.opening import Scan
from VISTA3DSegmentLib.app.scan_workspace import ScanWorkspace
from VISTA3DSegmentLib.app.state import PageState
from VISTA3DSegmentLib.app.transfer import Inbox
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.files.segmentations import Segment, Segmentation
from VISTA3DSegmentLib.service import InProcess
from VISTA3DSegmentLib.volume import Volume
from VISTA3DSegmentLib.workspace.estimate import Estimator


class NoViews:
    """The views of a page that nobody looks at."""

    def slices(self) -> dict[str, Any]:
        return {}

    def show(self, _node: Any, _window: str) -> None:
        return


class Files:
    """Files that take as long to read as the test wants; the name tells what is in them."""

    def __init__(self) -> None:
        self.readable = {name: threading.Event() for name in ("first", "second", "spleen")}

    def read(self, path: Path, like: Volume | None, _source: object) -> Scan | Segmentation:
        assert self.readable[path.name].wait(10)
        if path.name != "spleen":
            size = 1.0 if path.name == "first" else 2.0
            return Scan(Volume(painted(), np.diag([size, size, size, 1.0])), path.name)
        assert like is not None
        segment = Segment("spleen", MaskCrop.of(painted() == 10 * SPLEEN), (1, 2, 3))
        return Segmentation(like.shape_kji, like.ijk_to_ras, (segment,))


class Bench:
    """A desk, what the page shows, and the files."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        estimator = Estimator("starter", home)
        estimator.specification = specification()
        self.workspace = ScanWorkspace(empty_scene(), lambda: InProcess(FakeEngine()), estimator, home)
        state: TypedState[PageState] = TypedState(State(), PageState)
        self.shown, self.files = state.data, Files()
        self.desk = Desk(self.workspace, NoViews(), state)  # type: ignore[arg-type]
        monkeypatch.setattr(desk_module, "read", self.files.read)

    def open(self, name: str) -> asyncio.Task[None]:
        return asyncio.create_task(self.desk.open(Path(name)))

    def names(self) -> list[str]:
        return [view.name for view in self.workspace.segments()]


def run(talk: Callable[[], Awaitable[None]]) -> None:
    # In a thread of its own: where browser tests ran before, this one's event loop is taken.
    with ThreadPoolExecutor(1) as alone:
        alone.submit(asyncio.run, talk()).result()  # type: ignore[arg-type]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_of_two_scans_the_one_asked_for_last_is_open_in_the_end_and_the_page_is_busy_until_then(bench: Bench) -> None:
    async def talk() -> None:
        first, second = bench.open("first"), bench.open("second")
        bench.files.readable["second"].set()
        await asyncio.sleep(0.2)
        assert bench.workspace.scan is None
        assert bench.shown.scan.busy
        bench.files.readable["first"].set()
        await first
        assert bench.shown.scan.name == "first"
        await second
        assert bench.shown.scan.name == "second"
        assert bench.shown.scan.busy == ""

    run(talk)


def test_segments_go_onto_the_scan_for_which_they_were_read(bench: Bench) -> None:
    async def talk() -> None:
        bench.files.readable["first"].set()
        await bench.open("first")
        spleen, second = bench.open("spleen"), bench.open("second")
        bench.files.readable["second"].set()
        await asyncio.sleep(0.2)
        bench.files.readable["spleen"].set()
        await spleen
        assert (bench.shown.scan.name, bench.names()) == ("first", ["spleen"])
        await second
        assert (bench.shown.scan.name, bench.names()) == ("second", [])
        await bench.open("first")  # its own segments are back
        assert bench.names() == ["spleen"]

    run(talk)


def test_what_ends_first_does_not_hide_what_goes_on(bench: Bench) -> None:
    async def talk() -> None:
        first = bench.open("first")
        bench.desk.tell_upload("one", 25, 300)
        assert "25 are here" in bench.shown.scan.busy
        bench.files.readable["first"].set()
        await first
        assert "25 are here" in bench.shown.scan.busy
        await bench.desk.open_upload(Inbox(), "one", 300)
        assert bench.shown.scan.busy == ""
        assert "Of 300 files 0 arrived" in bench.shown.status.message

    run(talk)


def test_a_lost_upload_frees_the_line_for_what_is_said_later(bench: Bench) -> None:
    async def talk() -> None:
        bench.desk.tell_upload("one", 25, 300)
        bench.desk.lose_upload("one")
        assert bench.shown.scan.busy == ""
        assert "Not all files arrived" in bench.shown.status.message

    run(talk)
