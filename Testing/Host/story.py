"""The whole story of the module, told to whichever host there is: a running Slicer, or the stand-in.

    python Testing/Host/story.py FOLDER                     on the stand-in
    STORY=FOLDER Slicer --no-splash --python-script Testing/Host/story.py     in Slicer

FOLDER gets ``story.json`` (each step, whether it held, how long the application was deaf meanwhile) and screenshots:
Slicer keeps what scripts print to itself. The exit status is 1 if a step did not hold.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "VISTA3DSegment" / "VISTA3DSegment.py"
SAMPLE = MODULE.parent / "Resources" / "Samples" / "sample_ct.nrrd"
NAME = "VISTA3DSegment"
LIVER, SPLEEN = 1, 3
PATIENCE_SECONDS = 300.0
HEARTBEAT_MS = 5


class Story:
    """The person, the application, and what came of it.

    Args:
        folder: for results.
        in_slicer: the host is a running Slicer.
    """

    def __init__(self, folder: Path, in_slicer: bool) -> None:
        import qt
        import slicer

        self.folder, self.in_slicer, self.slicer, self.qt = folder, in_slicer, slicer, qt
        self.steps: list[dict[str, Any]] = []
        self._heard, self._deaf = time.monotonic(), 0.0
        self._timer = qt.QTimer()
        self._timer.setInterval(HEARTBEAT_MS)
        self._timer.connect("timeout()", self._heartbeat)
        self._timer.start()

    # ------------------------------------------------------------------ what a person can do

    @property
    def widget(self) -> Any:
        """The module's widget, as Python sees it."""
        return self.slicer.modules.vista3dsegment.widgetRepresentation().self()

    @property
    def ui(self) -> Any:
        """The widgets of the panel by name."""
        return self.widget.ui

    @property
    def workspace(self) -> Any:
        """What the person works on."""
        return self.widget.panel.workspace

    def wait_until(self, done: Callable[[], object], what: str) -> None:
        """Let the application live until something is so."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not done():
            assert time.monotonic() < end, f"{what} did not come; the panel says: {self.ui.statusLabel.text}"
            self.slicer.app.processEvents()
            time.sleep(0.002)

    def settle(self) -> None:
        """Wait until nothing is computed or drawn any more."""
        self.wait_until(lambda: self.workspace.idle and not self.widget.panel._ticker.runs, "rest")

    def wait_for_model(self) -> None:
        """Wait until the scan is open and the model loaded."""
        opened = lambda: self.workspace.volume is not None and self.workspace.annotator.session.ready  # noqa: E731
        self.wait_until(opened, "the model")
        self.settle()

    def leave(self) -> None:
        """Go to another module."""
        self.slicer.util.selectModule("Data")

    def place(self, ras: tuple[float, float, float]) -> None:
        """Click at a place, as the host does in place mode: into the active list of points."""
        selection = self.slicer.app.applicationLogic().GetSelectionNode()
        points = self.slicer.mrmlScene.GetNodeByID(selection.GetActivePlaceNodeID())
        points.AddControlPointWorld(*ras)

    def click_in_view(self, name: str, ras: tuple[float, float, float], with_ctrl: bool = False) -> None:
        """Press and release the left button at a place, in a slice view that is brought there."""
        slicer = self.slicer
        view = slicer.app.layoutManager().sliceWidget(name)
        node, interactor = view.mrmlSliceNode(), view.sliceView().interactor()
        node.JumpSliceByOffsetting(*ras)
        slicer.app.processEvents()
        ras_to_xy = slicer.vtkMRMLSliceNode().GetXYToRAS().NewInstance()
        ras_to_xy.DeepCopy(node.GetXYToRAS())
        ras_to_xy.Invert()
        x, y = (round(value) for value in ras_to_xy.MultiplyPoint([*ras, 1.0])[:2])
        for event in ("MouseMoveEvent", "LeftButtonPressEvent", "LeftButtonReleaseEvent"):
            interactor.SetEventInformation(x, y, int(with_ctrl), 0, chr(0), 0, None)
            interactor.InvokeEvent(event)
        slicer.app.processEvents()

    def draw(self, *corners: tuple[float, float, float]) -> None:
        """Place the corners of a box, as the host does in place mode; it ends when both are there."""
        for corner in corners:
            self.place(corner)
        interaction = self.slicer.app.applicationLogic().GetInteractionNode()
        interaction.SetCurrentInteractionMode(interaction.ViewTransform)

    def prompts(self) -> list[str]:
        """The lines of the list of prompts."""
        return [self.ui.promptList.item(row).text() for row in range(self.ui.promptList.count)]

    def regions(self) -> int:
        """How many boxes the scene has."""
        return int(self.slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode"))

    def voxels(self, name: str) -> Any:
        """A segment by name, on the grid of the scan."""
        segments = self.workspace.annotator.segments
        segment_id = next(n for n in segments.ids() if segments.name(n) == name)
        return segments.read(segment_id).full(self.workspace.volume.shape_kji)

    def names(self) -> list[str]:
        """The segments."""
        segments = self.workspace.annotator.segments
        return [segments.name(n) for n in segments.ids()]

    def middle(self, name: str) -> tuple[float, float, float]:
        """A place well inside a segment."""
        segments = self.workspace.annotator.segments
        return self.workspace.centre_of(next(n for n in segments.ids() if segments.name(n) == name))

    def inside(self, name: str, share: float) -> tuple[float, float, float]:
        """Another place in a segment: so much of it, slice by slice, lies before that."""
        places = self.voxels(name).nonzero()
        n = int(share * len(places[0]))
        k, j, i = (float(axis[n]) for axis in places)
        r, a, s = self.workspace.volume.ras_of((i, j, k))
        return float(r), float(a), float(s)

    def corners(self, name: str) -> list[tuple[float, float, float]]:
        """Two opposite corners of the box of a segment."""
        places = self.voxels(name).nonzero()
        found = []
        for end in (min, max):
            k, j, i = (float(end(axis)) for axis in places)
            r, a, s = self.workspace.volume.ras_of((i, j, k))
            found.append((float(r), float(a), float(s)))
        return found

    def picture(self, name: str) -> None:
        """Take a picture of the panel; in Slicer of the whole window too."""
        self.slicer.app.processEvents()
        panel = self.ui.VISTA3DSegment
        panel.grab().save(str(self.folder / f"{name}.png"))
        if self.in_slicer:
            self.slicer.util.mainWindow().grab().save(str(self.folder / f"{name}-window.png"))

    # ------------------------------------------------------------------ telling

    def tell(self, *steps: Callable[[Story], object]) -> bool:
        """Go through the steps until one does not hold."""
        for step in steps:
            self._deaf, self._heard, begun = 0.0, time.monotonic(), time.monotonic()
            entry: dict[str, Any] = {"step": step.__name__.replace("_", " ")}
            try:
                detail = step(self)
                entry |= {"holds": True, "detail": detail}
            except Exception:
                entry |= {"holds": False, "detail": traceback.format_exc()}
            entry |= {"seconds": round(time.monotonic() - begun, 2), "deaf_ms": round(1000 * self._deaf)}
            self.steps.append(entry)
            print(json.dumps(entry), flush=True)
            result = {"host": "Slicer" if self.in_slicer else "stand-in", "steps": self.steps}
            (self.folder / "story.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
            if not entry["holds"]:
                return False
        return True

    def _heartbeat(self) -> None:
        now = time.monotonic()
        self._deaf, self._heard = max(self._deaf, now - self._heard - HEARTBEAT_MS / 1000), now


# ---------------------------------------------------------------------- the steps


def a_scan_is_loaded_and_the_module_opened(story: Story) -> object:
    story.slicer.util.loadVolume(str(SAMPLE))
    story.slicer.util.selectModule(NAME)
    assert story.ui.volumeSelector.currentNode().GetName() == "sample_ct"
    assert not story.ui.setupPage.visible, story.ui.setupLabel.text
    story.wait_for_model()
    story.picture("1-opened")
    return story.ui.estimateLabel.text


def two_organs_are_found_by_search_and_press(story: Story) -> object:
    organs, search = story.ui.organList, story.ui.organSearch
    for word in ("hepar", "spleen"):
        search.setText(word)
        shown = [organs.item(row) for row in range(organs.count) if not organs.item(row).isHidden()]
        shown[0].setCheckState(story.qt.Qt.Checked)
    search.setText("")
    story.ui.segmentButton.click()
    story.wait_until(lambda: story.workspace.run and story.workspace.run.done > 1, "progress")
    assert story.ui.runWidget.visible
    story.picture("2-running")
    story.wait_until(lambda: not story.workspace.annotator.session.running, "the end of the run")
    story.settle()
    assert sorted(story.names()) == ["liver", "spleen"]
    assert story.ui.segmentsTable.segmentCount == 2
    story.picture("3-found")
    return {name: int(story.voxels(name).sum()) for name in story.names()}


def a_click_changes_its_organ_and_nothing_else(story: Story) -> object:
    liver, spleen = story.voxels("liver"), story.voxels("spleen")
    story.ui.removeButton.click()
    assert story.ui.removeButton.checked
    story.place(story.middle("liver"))
    story.settle()
    after = story.voxels("liver")
    assert after.sum() < liver.sum()
    assert (story.voxels("spleen") == spleen).all()
    assert story.ui.promptList.count == 1
    story.picture("4-corrected")
    return int(liver.sum() - after.sum())


def a_click_that_is_dragged_changes_it_again(story: Story) -> object:
    before = story.voxels("liver")
    points = story.workspace.annotator.markups.nodes[False]
    r, a, s = story.middle("liver")
    points.SetNthControlPointPositionWorld(0, r + 12, a - 8, s)
    story.settle()
    assert (story.voxels("liver") != before).any()
    return int((story.voxels("liver") != before).sum())


def undo_and_redo_go_back_and_forth_exactly(story: Story) -> object:
    story.ui.removeButton.click()
    assert not story.ui.removeButton.checked
    moved = story.voxels("liver")
    for _ in range(2):
        story.ui.undoButton.click()
        story.settle()
    whole = story.voxels("liver")
    assert whole.sum() > moved.sum()
    for _ in range(2):
        story.ui.redoButton.click()
        story.settle()
    assert (story.voxels("liver") == moved).all()
    return [story.ui.historyList.item(row).text() for row in range(story.ui.historyList.count)]


def before_and_after_can_be_compared_and_the_change_rejected(story: Story) -> object:
    story.ui.beforeButton.click()
    assert story.workspace.shows_before
    assert story.ui.beforeButton.checked
    story.ui.beforeButton.click()
    assert not story.workspace.shows_before
    story.ui.acceptButton.click()
    return story.ui.latencyLabel.text


def lesions_are_numbered_and_made_by_clicks_alone(story: Story) -> object:
    for n in (1, 2):
        story.ui.lesionButton.click()
        assert story.ui.addButton.checked
        r, a, s = story.middle("spleen")
        story.place((r, a, s + 10 * n - 15))
        story.settle()
    assert [name for name in story.names() if name.startswith("Lesion")] == ["Lesion 1", "Lesion 2"]
    story.ui.addButton.click()
    return {name: int(story.voxels(name).sum()) for name in story.names()}


def a_structure_is_begun_by_name(story: Story) -> object:
    story.ui.structureEdit.setText("gall bladder wall")
    story.ui.structureButton.click()
    story.place(story.middle("liver"))
    story.settle()
    story.ui.addButton.click()
    assert "gall bladder wall" in story.names()
    return story.names()


def a_structure_is_found_by_its_name(story: Story) -> object:
    story.ui.structureEdit.setText("right kidney")
    story.ui.findButton.click()
    story.settle()
    assert story.ui.structureEdit.text == ""
    assert story.prompts() == ["“right kidney”"]
    assert story.voxels("right kidney").any(), story.ui.statusLabel.text
    story.picture("5-by-its-name")
    return int(story.voxels("right kidney").sum())


def what_was_found_by_its_name_is_corrected_by_a_click(story: Story) -> object:
    others = {name: story.voxels(name) for name in story.names() if name != "right kidney"}
    found = story.voxels("right kidney")
    story.ui.removeButton.click()
    story.place(story.middle("right kidney"))
    story.settle()
    story.ui.removeButton.click()
    after = story.voxels("right kidney")
    assert after.sum() < found.sum(), "VISTA3D corrects what SegVol has found"
    assert all((story.voxels(name) == voxels).all() for name, voxels in others.items())
    assert len(story.prompts()) == 1, "the name is part of what the click corrects"
    return int(found.sum() - after.sum())


def a_box_is_drawn_around_a_new_structure(story: Story) -> object:
    low, high = story.corners("spleen")
    story.ui.structureEdit.setText("mass")
    story.ui.structureButton.click()
    story.ui.boxButton.click()
    assert story.ui.boxButton.checked
    assert not story.ui.addButton.checked
    story.draw(low, high)
    story.settle()
    assert not story.ui.boxButton.checked
    assert len(story.prompts()) == 1
    assert story.voxels("mass").any(), story.ui.statusLabel.text
    assert story.regions() == 1
    story.picture("6-box")
    return story.prompts()


def names_clicks_and_boxes_are_undone_and_redone_as_one_history(story: Story) -> object:
    before = {name: story.voxels(name) for name in story.names()}
    new, steps = ("right kidney", "mass"), 4  # one by its name and corrected, one begun and boxed
    for _ in range(steps):
        story.ui.undoButton.click()
        story.settle()
    assert not set(new) & set(story.names())
    assert story.regions() == 0
    assert all((story.voxels(name) == before[name]).all() for name in story.names())
    for _ in range(steps):
        story.ui.redoButton.click()
        story.settle()
    assert all((story.voxels(name) == voxels).all() for name, voxels in before.items())
    assert story.regions() == 1
    return steps


def the_chosen_segment_can_be_deleted_and_comes_back(story: Story) -> object:
    segments = story.workspace.annotator.segments
    lesion = next(n for n in segments.ids() if segments.name(n) == "Lesion 2")
    story.ui.segmentsTable.setSelectedSegmentIDs([lesion])
    assert story.workspace.annotator.selected == lesion
    story.ui.deleteSegmentButton.click()
    assert "Lesion 2" not in story.names()
    story.ui.undoButton.click()
    story.settle()
    assert "Lesion 2" in story.names()
    return story.ui.segmentsTable.segmentCount


def keys_are_heard_and_only_while_the_module_is_shown(story: Story) -> object:
    panel = story.widget.panel
    assert panel._shortcuts is not None
    story.ui.addButton.click()
    story.leave()
    assert panel._shortcuts is None
    interaction = story.slicer.app.applicationLogic().GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform
    story.slicer.util.selectModule(NAME)
    assert panel._shortcuts is not None
    return None


def a_saved_scene_brings_everything_back(story: Story) -> object:
    path = story.folder / "story.mrb"
    before = {name: story.voxels(name) for name in story.names()}
    clicks = story.workspace.annotator.markups.nodes[True].GetNumberOfControlPoints()
    boxes = list(story.workspace.annotator.boxes.nodes)
    assert story.slicer.util.saveScene(str(path))
    story.slicer.mrmlScene.Clear(0)
    assert story.workspace.volume is None
    assert story.ui.segmentsTable.segmentCount == 0
    story.slicer.util.loadScene(str(path))
    story.leave()
    story.slicer.util.selectModule(NAME)
    story.wait_until(
        lambda: story.workspace.volume is not None and story.workspace.annotator.session.ready, "the model"
    )
    story.settle()
    assert sorted(story.names()) == sorted(before)
    for name, voxels in before.items():
        assert (story.voxels(name) == voxels).all(), name
    assert story.workspace.annotator.markups.nodes[True].GetNumberOfControlPoints() == clicks
    assert list(story.workspace.annotator.boxes.nodes) == boxes
    path.unlink()
    return {"clicks": clicks, "boxes": len(boxes), "segments": len(before)}


def a_click_of_the_saved_scene_can_still_be_deleted(story: Story) -> object:
    segments = story.workspace.annotator.segments
    lesion = next(n for n in segments.ids() if segments.name(n) == "Lesion 1")
    story.ui.segmentsTable.setSelectedSegmentIDs([lesion])
    story.settle()
    assert story.ui.promptList.count == 1
    story.ui.promptList.setCurrentRow(0)
    story.ui.deletePromptButton.click()
    story.settle()
    assert not story.workspace.annotator.session.annotation[lesion].mask.mask.any()
    story.ui.undoButton.click()
    story.settle()
    assert story.workspace.annotator.session.annotation[lesion].mask.mask.any()
    return None


def the_reloaded_module_goes_on(story: Story) -> object:
    old, names = story.widget, story.names()
    story.widget.onReload()
    assert story.widget is not old
    story.leave()
    story.slicer.util.selectModule(NAME)
    story.wait_until(
        lambda: story.workspace.volume is not None and story.workspace.annotator.session.ready, "the model"
    )
    story.settle()
    assert story.names() == names
    story.ui.addButton.click()
    story.place(story.middle("spleen"))
    story.settle()
    story.ui.addButton.click()
    return None


def a_killed_engine_is_started_again_and_nothing_is_lost(story: Story) -> object:
    import signal

    names, pid = story.names(), story.workspace._client.pid
    os.kill(pid, signal.SIGKILL)
    story.ui.removeButton.click()
    story.place(story.middle("liver"))
    story.settle()
    story.ui.removeButton.click()
    assert story.workspace._client.pid != pid
    assert story.names() == names
    story.picture("7-at-the-end")
    return story.ui.statusLabel.text


def the_segment_editor_effect_corrects_within_the_editors_mask(story: Story) -> object:
    slicer, workspace = story.slicer, story.workspace
    segments = workspace.annotator.segments
    ids = {segments.name(n): n for n in segments.ids()}
    middle = story.middle("liver")
    story.leave()
    slicer.util.selectModule("SegmentEditor")
    editor = slicer.qMRMLSegmentEditorWidget()
    editor.setMRMLScene(slicer.mrmlScene)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
    node.SetOverwriteMode(node.OverwriteNone)
    editor.setMRMLSegmentEditorNode(node)
    editor.setSegmentationNode(workspace.annotator.segmentation_node)
    editor.setSourceVolumeNode(workspace.annotator.volume_node)
    editor.setCurrentSegmentID(ids["spleen"])
    editor.setActiveEffectByName("VISTA3D")
    assert editor.activeEffect().name == "VISTA3D"
    before = {name: story.voxels(name) for name in ids}
    node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedInsideSingleSegment)
    node.SetMaskSegmentID(ids["spleen"])
    story.click_in_view("Red", middle)
    story.settle()
    assert (story.voxels("spleen") == before["spleen"]).all(), "the mask allows nothing outside the spleen"
    node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere)
    story.click_in_view("Red", story.inside("spleen", 0.3), with_ctrl=True)
    story.settle()
    after = story.voxels("spleen")
    assert after.sum() < before["spleen"].sum(), workspace.annotator.session.annotation[ids["spleen"]].clicks
    assert all((story.voxels(name) == voxels).all() for name, voxels in before.items() if name != "spleen")
    editor.setActiveEffectByName("")
    assert workspace.annotator.rules.editor is None
    editor.setMRMLSegmentEditorNode(None)
    slicer.mrmlScene.RemoveNode(node)
    editor.deleteLater()
    slicer.util.selectModule(NAME)
    story.settle()
    return int(before["spleen"].sum() - after.sum())


def closing_the_scene_leaves_nothing_behind(story: Story) -> object:
    story.slicer.mrmlScene.Clear(0)
    story.slicer.app.processEvents()
    assert story.workspace.volume is None
    assert story.slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert story.slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode") == 0
    assert story.regions() == 0
    story.picture("8-empty")
    return story.ui.statusLabel.text


STEPS = (
    a_scan_is_loaded_and_the_module_opened,
    two_organs_are_found_by_search_and_press,
    a_click_changes_its_organ_and_nothing_else,
    a_click_that_is_dragged_changes_it_again,
    undo_and_redo_go_back_and_forth_exactly,
    before_and_after_can_be_compared_and_the_change_rejected,
    lesions_are_numbered_and_made_by_clicks_alone,
    a_structure_is_begun_by_name,
    a_structure_is_found_by_its_name,
    what_was_found_by_its_name_is_corrected_by_a_click,
    a_box_is_drawn_around_a_new_structure,
    names_clicks_and_boxes_are_undone_and_redone_as_one_history,
    the_chosen_segment_can_be_deleted_and_comes_back,
    keys_are_heard_and_only_while_the_module_is_shown,
    a_saved_scene_brings_everything_back,
    a_click_of_the_saved_scene_can_still_be_deleted,
    the_reloaded_module_goes_on,
    a_killed_engine_is_started_again_and_nothing_is_lost,
    the_segment_editor_effect_corrects_within_the_editors_mask,
    closing_the_scene_leaves_nothing_behind,
)


def main(folder: Path) -> int:
    """Find a host and tell it the story; returns the exit status."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / "home", ignore_errors=True)  # what an earlier story has left in journals would come back
    os.environ["VISTA3DSEGMENT_HOME"] = str(folder / "home")
    import slicer

    in_slicer = getattr(slicer, "app", None) is not None
    if not in_slicer:
        import host

        host.start()
        host.load_module(MODULE)
        host.finish_startup()
    holds = Story(folder, in_slicer).tell(*STEPS)
    if not in_slicer:
        host.end()
    return 0 if holds else 1


if __name__ == "__main__":
    if "STORY" in os.environ:  # in Slicer, where the command line is the application's
        import slicer

        slicer.util.exit(main(Path(os.environ["STORY"])))
    else:
        sys.exit(main(Path(sys.argv[1])))
