"""Two hundred random actions of a person: the scene is the function of its prompts and bases, and can go back."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from fake_engine import LIVER, SPLEEN, FakeEngine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scene_world import SHAPE, SceneWorld, empty_scene
from VISTA3DSegmentLib.edits import NOTHING
from VISTA3DSegmentLib.errors import PromptError
from VISTA3DSegmentLib.service import ChildProcess, Client
from VISTA3DSegmentLib.session.annotation import Status

ACTIONS = 200
WAIT_SECONDS = 60.0
KINDS = (
    *("click",) * 8,
    *("drag", "delete point", "flip", "paint", "undo", "undo", "redo", "select", "new", "remove", "segment"),
    *("status", "wait", "wait", "settle", "show 3-D", "follow", "rename"),
    *("overwrite", "limit", "unlimit"),
)
RARE = ("kill the worker", "save and load", "delete segment", "save while busy and load")


@pytest.fixture(scope="module")
def worker() -> Iterator[Client]:
    client = ChildProcess(FakeEngine)
    yield client
    client.close()


class Person:
    """Does things, and knows what the scene must then hold."""

    def __init__(self, worker: Any) -> None:
        self.worker = worker
        self.world = SceneWorld(client=worker)
        self.add_editor()
        self.add_foreign()
        self.first = self.snapshot()
        self.folder = Path(tempfile.mkdtemp())

    def add_editor(self) -> None:
        """A Segment Editor as a shell makes it, and a region of interest that is not in force yet."""
        scene = self.world.scene
        for kind in ("vtkMRMLSegmentEditorNode", "vtkMRMLMarkupsROINode"):
            if scene.GetFirstNodeByClass(kind) is None:
                scene.AddNewNodeByClass(kind)
        self.world.annotator.rules.editor = scene.GetFirstNodeByClass("vtkMRMLSegmentEditorNode")
        self.world.annotator.rules.editor.SetOverwriteMode(slicer.vtkMRMLSegmentEditorNode.OverwriteNone)

    def add_foreign(self) -> None:
        """A segment that another tool made before we came."""
        segmentation = self.world.segmentation
        segmentation.AddEmptySegment("foreign", "foreign")
        mask = np.zeros(SHAPE, np.bool_)
        mask[14:18, 2:9, 3:8] = True
        self.world.paint("foreign", mask)

    def snapshot(self) -> dict[str, Any]:
        """What a person sees: segments and points."""
        world = self.world
        state: dict[str, Any] = {n: world.voxels(n).tobytes() for n in world.segmentation.GetSegmentIDs()}
        state = {n: voxels for n, voxels in state.items() if n == "foreign" or any(voxels)}
        for sign, node in world.annotator.markups.nodes.items():
            points = [node.GetNthControlPointPositionVector(n) for n in range(node.GetNumberOfControlPoints())]
            state[f"points {sign}"] = sorted(tuple(round(x, 3) for x in point) for point in points)
        return state

    def known(self) -> dict[str, Any]:
        """What an answer depends on, of every object that has a segment."""
        return {
            key: (value.structure, value.prompts, None if value.base is None else value.base.full(SHAPE).tobytes())
            for key, value in self.world.session.annotation.objects.items()
            if key in self.world.annotator.segments
        }

    def settle(self) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        self.world.annotator.pump()  # also when idle: another tool may have painted
        while not self.world.annotator.idle:
            self.world.clock.seconds += 0.05
            self.world.annotator.pump()
            if self.world.session.busy or self.world.session.running or self.world.session.ready is None:
                time.sleep(0.001)
            assert time.monotonic() < deadline, "never done"

    def check(self) -> None:
        """Every segment is what its prompts make of its base within their limits; every click has its point."""
        self.settle()
        world = self.world
        opened = FakeEngine().open(world.session.volume)
        points = set()
        for object_id, value in world.session.annotation.objects.items():
            expected = base = value.base or NOTHING
            if value.clicks:
                answer = opened.refine(value.structure, value.prompts, value.base, value.limits.region).onto(value.base)
                expected = world.annotator.rules.permitted(object_id, value.limits, base, answer)
            shown = world.voxels(object_id) if object_id in world.annotator.segments else NOTHING.full(SHAPE)
            assert np.array_equal(shown, expected.full(SHAPE)), object_id
            for placed in value.clicks:
                points.add((placed.click.positive, tuple(round(x, 3) for x in placed.click.ras)))
        shown_points = [
            (sign, tuple(round(x, 3) for x in node.GetNthControlPointPositionVector(n)))
            for sign, node in world.annotator.markups.nodes.items()
            for n in range(node.GetNumberOfControlPoints())
        ]
        assert set(shown_points) == points

    def do(self, kind: str, a: int, b: int) -> None:
        """One action; ``a`` and ``b`` decide on what."""
        world, annotator = self.world, self.world.annotator
        ids = [*world.session.annotation] or ["foreign"]
        one = ids[a % len(ids)]
        rng = np.random.default_rng((a, b))
        place = tuple(int(rng.integers(n)) for n in SHAPE)
        points = [
            (sign, n) for sign, node in annotator.markups.nodes.items() for n in range(node.GetNumberOfControlPoints())
        ]
        if kind == "click":
            world.click(place, positive=a % 3 > 0)
        elif kind == "drag" and points:
            sign, n = points[b % len(points)]
            node = annotator.markups.nodes[sign]
            node.InvokeEvent(node.PointStartInteractionEvent, n)
            for _ in range(1 + a % 3):
                if n < node.GetNumberOfControlPoints():
                    node.SetNthControlPointPositionWorld(n, *world.ras(tuple(int(rng.integers(s)) for s in SHAPE)))
                annotator.pump()
            node.InvokeEvent(node.PointEndInteractionEvent, n)
        elif kind == "delete point" and points:
            sign, n = points[b % len(points)]
            annotator.markups.nodes[sign].RemoveNthControlPoint(n)
        elif kind == "flip":
            clicks = [placed.id for value in world.session.annotation.objects.values() for placed in value.clicks]
            if clicks:
                annotator.flip(clicks[b % len(clicks)])
        elif kind == "paint" and one in annotator.segments:
            mask = world.voxels(one)
            mask[tuple(slice(at, at + 4) for at in place)] = bool(a % 4)
            world.paint(one, mask)
        elif kind == "undo":
            annotator.undo()
        elif kind == "redo":
            annotator.redo()
        elif kind == "select":
            known = [n for n in (*ids, "foreign") if n in annotator.segments or n in world.session.annotation]
            if known:
                annotator.select(known[a % len(known)])
        elif kind == "new":
            annotator.new_structure()
        elif kind == "remove" and one in world.session.annotation and one != "foreign":
            with suppress(PromptError):  # it is done
                annotator.remove(one)
        elif kind == "segment":
            annotator.segment([(LIVER, SPLEEN), (LIVER,), (SPLEEN,)][a % 3])
        elif kind == "status" and one in world.session.annotation:
            annotator.set_status(one, list(Status)[a % 3])
        elif kind == "rename" and one in annotator.segments:
            world.segmentation.GetSegment(one).SetName(f"name {a}")
        elif kind == "wait":
            world.clock.seconds += 0.05
            annotator.pump()
        elif kind == "settle":
            self.check()
        elif kind == "show 3-D":
            annotator.surfaces.show(bool(a % 2))
        elif kind == "follow":
            annotator.follows_clicks = bool(a % 2)
        elif kind == "overwrite":
            editor = annotator.rules.editor
            editor.SetOverwriteMode((editor.OverwriteAllSegments, editor.OverwriteNone)[a % 2])
        elif kind == "limit":
            roi = world.scene.GetFirstNodeByClass("vtkMRMLMarkupsROINode")
            roi.SetCenterWorld(*world.ras(place))
            roi.SetSizeWorld(10.0, 10.0, 10.0)
            annotator.roi_node = roi if a % 2 else annotator.roi_node
            annotator.rules.hu_window = (-5.0, 15.0) if b % 2 else annotator.rules.hu_window
        elif kind == "unlimit":
            annotator.roi_node = annotator.rules.hu_window = None
        elif kind == "kill the worker":
            pid = self.worker.pid
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
        elif kind == "save and load":
            self.check()
            before = self.snapshot()
            self.save_and_load()
            assert self.snapshot() == before
        elif kind == "save while busy and load":
            world.click(place, positive=a % 3 > 0)
            self.save_and_load()
            self.check()
        elif kind == "delete segment" and one in annotator.segments and one != "foreign":
            world.segmentation.RemoveSegment(one)

    def save_and_load(self) -> None:
        path = str(self.folder / f"{len(list(self.folder.iterdir()))}.mrb")
        self.world.annotator.keep()
        known = self.known()
        assert self.world.scene.WriteToMRB(path, None)
        self.world.annotator.close()
        scene = empty_scene()
        assert scene.ReadFromMRB(path, True)
        node = scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
        self.world = SceneWorld(client=self.worker, scene=scene, segmentation_node=node)
        self.add_editor()
        assert self.known() == known
        self.settle()
        self.first = self.snapshot()


@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
@given(st.integers(0, 2**32 - 1))
def test_two_hundred_random_actions(worker: Client, seed: int):
    # A seed, not a list, so that shrinking does not run for hours: the failing step is in the message.
    rng = np.random.default_rng(seed)
    person = Person(worker)
    rare = {int(n): RARE[k % len(RARE)] for k, n in enumerate(rng.choice(ACTIONS, 8, replace=False))}
    for n in range(ACTIONS):
        kind = rare.get(n, KINDS[int(rng.integers(len(KINDS)))])
        person.do(kind, int(rng.integers(1000)), int(rng.integers(1000)))
    person.check()
    for _ in range(10 * ACTIONS):
        if person.world.annotator.undo() is None:
            break
    person.settle()
    assert person.snapshot() == person.first
