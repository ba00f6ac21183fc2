"""The panel on the stand-in, with a fake engine: opened and left, organs segmented and corrected by clicks."""

from __future__ import annotations

import sys

import pytest
from fake_engine import LIVER, RIGHT_KIDNEY, SPLEEN
from panel_bench import ELSEWHERE, IN_LIVER, Bench

# ---------------------------------------------------------------------- opening and leaving


def test_nothing_is_made_in_the_scene_before_the_module_is_opened(bench: Bench) -> None:
    import slicer

    _ = slicer.modules.vista3dsegment.widgetRepresentation()
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    bench.open()
    assert bench.ui.volumeSelector.currentNode().GetName() == "CT"
    assert bench.ui.segmentationSelector.currentNode().GetName() == "CT segmentation"
    assert "28 x 24 x 20 voxels" in bench.ui.scanLabel.text
    assert not bench.ui.setupPage.visible


def test_a_label_map_is_not_taken_for_the_scan(bench: Bench) -> None:
    import slicer

    slicer.mrmlScene.Clear(0)
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    bench.open()
    assert bench.ui.volumeSelector.currentNode() is None
    assert bench.workspace.volume is None
    assert "Load a scan" in bench.said
    bench.add_scan(name="later")
    bench.ui.volumeSelector.setCurrentNode(slicer.mrmlScene.GetFirstNodeByName("later"))
    bench.settle()
    assert bench.workspace.volume is not None


def test_buttons_that_cannot_be_used_say_why(bench: Bench) -> None:
    import slicer

    slicer.mrmlScene.Clear(0)
    bench.open()
    for name, why in (
        ("segmentButton", "Open a scan first."),
        ("addButton", "No scan is open."),
        ("undoButton", "Nothing was done yet."),
        ("deleteSegmentButton", "Choose a segment"),
        ("flipButton", "Choose a line"),
        ("findButton", "No scan is open."),
        ("boxButton", "No scan is open."),
    ):
        assert not getattr(bench.ui, name).enabled, name
        assert why in getattr(bench.ui, name).toolTip, name


def test_a_long_sentence_does_not_widen_the_panel(bench: Bench) -> None:
    bench.open()
    width = bench.ui.VISTA3DSegment.minimumSizeHint.width()
    bench.panel._say("Not found in this scan: " + ", ".join(f"structure {n}" for n in range(60)) + ".")
    bench.settle()
    assert bench.ui.VISTA3DSegment.minimumSizeHint.width() == width


def test_when_the_module_goes_its_clock_stands_still(bench: Bench) -> None:
    bench.open()
    panel = bench.panel
    bench.host.leave_module()
    bench.host.unload("VISTA3DSegment")
    assert not panel._ticker.runs


def test_the_reloaded_module_goes_on_and_its_package_is_new(bench: Bench) -> None:
    widget = bench.open()
    bench.segment(LIVER)
    package = sys.modules["VISTA3DSegmentLib.scene.annotator"]
    kept = dict(sys.modules)
    try:
        widget.onReload()
        assert sys.modules["VISTA3DSegmentLib.scene.annotator"] is not package
        assert bench.widget is not widget
        assert bench.panel._shortcuts is not None
        assert widget.panel is None
    finally:
        bench.host.leave_module()
        bench.host.unload("VISTA3DSegment")
        sys.modules.update({name: module for name, module in kept.items() if name.startswith("VISTA3DSegmentLib")})


# ---------------------------------------------------------------------- segmenting


def test_organs_are_found_named_and_measured(bench: Bench) -> None:
    bench.open()
    bench.segment(LIVER, SPLEEN)
    assert bench.ml() == {"liver": pytest.approx(0.28), "spleen": pytest.approx(0.12)}
    table = bench.ui.segmentsTable
    model = table.model()
    column = model.columnCount() - 1
    assert [model.data(model.index(row, column)) for row in range(model.rowCount())] == ["0.3", "0.1"]
    assert [asked for asked in bench.engines[0].asked if asked] != []


def test_search_finds_names_and_synonyms_and_presets_check_organs(bench: Bench) -> None:
    bench.open()
    organs = bench.ui.organList
    bench.host.type_text(bench.ui.organSearch, "hepar")
    assert [organs.item(n).text() for n in range(organs.count) if not organs.item(n).isHidden()] == ["liver"]
    bench.ui.organSearch.text = ""
    assert bench.ui.segmentButton.text == "Segment everything"
    actions = {action.text.split(" (")[0]: action for action in bench.ui.presetButton.menu().actions()}
    actions["abdomen"].trigger()
    assert set(bench.panel._organs.checked) == {LIVER, SPLEEN, RIGHT_KIDNEY}
    assert bench.ui.segmentButton.text == "Segment 3 structures"
    bench.press("clearOrgansButton")
    assert bench.panel._organs.checked == ()


def test_a_run_can_be_cancelled_and_what_arrived_stays(bench: Bench) -> None:
    bench.open()
    bench.panel._organs.check((LIVER, SPLEEN, RIGHT_KIDNEY))
    bench.ui.segmentButton.click()
    assert bench.said == "Looking for the structures. Esc cancels."
    bench.host.wait_until(lambda: bench.ml())
    assert bench.ui.runWidget.visible
    assert not bench.ui.estimateLabel.visible, "what is left is told"
    assert not bench.ui.modelSelector.enabled
    bench.ui.cancelButton.click()
    bench.settle()
    assert "Cancelled" in bench.said
    assert bench.ui.segmentButton.visible
    assert bench.ui.modelSelector.enabled


def test_what_was_said_goes_when_the_person_goes_on(bench: Bench) -> None:
    bench.open()
    bench.segment(LIVER)
    bench.press("addButton")
    for go_on in (lambda: bench.place(IN_LIVER), lambda: bench.press("undoButton"), lambda: bench.find("spleen")):
        bench.workspace.said.emit("The clicks changed nothing in liver.")
        bench.settle()
        assert "changed nothing" in bench.said
        go_on()
        assert "changed nothing" not in bench.said


def test_surfaces_can_be_switched_off_and_on(bench: Bench) -> None:
    bench.open()
    bench.segment(LIVER)
    segmentation = bench.workspace.annotator.segmentation_node.GetSegmentation()
    assert segmentation.ContainsRepresentation("Closed surface")
    bench.press("show3DButton")
    assert not segmentation.ContainsRepresentation("Closed surface")
    bench.press("show3DButton")
    assert segmentation.ContainsRepresentation("Closed surface")


def test_start_afresh_asks_and_then_forgets(bench: Bench) -> None:
    bench.open()
    bench.segment(LIVER)
    bench.host.set_testing(False)
    bench.host.answers.append(False)
    bench.press("afreshButton")
    assert list(bench.ml()) == ["liver"]
    bench.host.answers.append(True)
    bench.press("afreshButton")
    bench.host.set_testing(True)
    assert bench.ml() == {}
    assert bench.ui.segmentationSelector.nodeCount() == 1


# ---------------------------------------------------------------------- correcting


def test_a_click_corrects_the_organ_under_it_or_the_chosen_one(bench: Bench) -> None:
    bench.open()
    bench.segment(LIVER, SPLEEN)
    bench.choose("spleen")
    before = bench.ml()
    bench.press("removeButton")
    bench.place(IN_LIVER)
    assert bench.ml()["liver"] < before["liver"]
    assert bench.ml()["spleen"] == before["spleen"]
    assert "Chosen: liver" in bench.ui.targetLabel.text
    bench.choose("spleen")
    bench.ui.followsCheckBox.checked = False
    bench.settle()
    liver = bench.ml()["liver"]
    bench.press("addButton")
    bench.place(ELSEWHERE)
    assert bench.ml()["spleen"] > before["spleen"]
    assert bench.ml()["liver"] == liver
    assert "click to voxels" in bench.ui.latencyLabel.text


def test_a_click_can_be_gone_to_flipped_and_deleted_in_the_list(bench: Bench) -> None:
    import slicer

    bench.open()
    bench.host.type_text(bench.ui.structureEdit, "cyst")
    bench.press("structureButton")
    assert bench.ui.structureEdit.text == ""
    bench.place(IN_LIVER)
    assert [bench.ui.promptList.item(0).text()] == ["+  R 6.0  A 8.0  S 6.0 mm"]
    bench.ui.promptList.setCurrentRow(0)
    red = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed")
    assert red.GetSliceToRAS().GetElement(2, 3) == pytest.approx(6.0)
    ml = bench.ml()["cyst"]
    assert ml > 0
    bench.press("flipButton")
    assert bench.ml()["cyst"] == 0
    assert bench.ui.promptList.item(0).text().startswith("\N{MINUS SIGN}")
    bench.ui.promptList.setCurrentRow(0)
    bench.press("deletePromptButton")
    assert bench.ui.promptList.count == 0
    bench.press("undoButton")
    bench.press("undoButton")
    assert bench.ml()["cyst"] == ml
    assert "(undone)" in bench.ui.historyList.item(0).text()
    bench.press("redoButton")
    assert bench.ml()["cyst"] == 0


def test_before_after_accept_and_reject(bench: Bench) -> None:
    bench.open()
    bench.segment(LIVER)
    ml = bench.ml()["liver"]
    bench.press("removeButton")
    bench.place(IN_LIVER)
    bench.press("beforeButton")
    assert bench.workspace.shows_before
    bench.press("beforeButton")
    bench.press("rejectButton")
    assert bench.ml()["liver"] == ml
    bench.place(IN_LIVER)
    bench.press("acceptButton")
    bench.press("rejectButton")
    assert bench.ml()["liver"] == ml, "reject takes the last change back, also one that was looked at"


def test_add_and_remove_are_one_mode_that_a_second_press_ends(bench: Bench) -> None:
    bench.open()
    bench.press("addButton")
    assert (bench.ui.addButton.checked, bench.ui.removeButton.checked) == (True, False)
    assert "Esc ends it" in bench.said
    bench.press("removeButton")
    assert (bench.ui.addButton.checked, bench.ui.removeButton.checked) == (False, True)
    bench.press("removeButton")
    assert (bench.ui.addButton.checked, bench.ui.removeButton.checked) == (False, False)


def test_keys_work_in_the_views_and_letters_can_still_be_typed(bench: Bench) -> None:
    import slicer

    bench.open()
    viewport = slicer.app.layoutManager().viewport()
    viewport.show()
    bench.host.shortcut(viewport, "A")
    bench.settle()
    assert bench.ui.addButton.checked
    bench.host.shortcut(viewport, "Esc")
    bench.settle()
    assert not bench.ui.addButton.checked
    bench.host.shortcut(viewport, "N")
    bench.settle()
    bench.place(IN_LIVER)
    assert "Lesion 1" in bench.ml()
    bench.host.shortcut(bench.ui.VISTA3DSegment, "Ctrl+Z")
    bench.settle()
    assert bench.ml()["Lesion 1"] == 0
    bench.host.type_text(bench.ui.organSearch, "and")
    assert bench.ui.organSearch.text == "and"
    bench.host.leave_module()
    assert bench.panel._shortcuts is None


def test_limits_of_the_panel_hold_for_clicks(bench: Bench) -> None:
    import slicer

    bench.open()
    bench.press("lesionButton")
    bench.ui.reachSpinBox.value = 1.0
    bench.ui.limitReachCheckBox.checked = True
    bench.place(IN_LIVER)
    assert 0 < bench.ml()["Lesion 1"] <= 0.0071, "the voxel and its neighbours at 1 mm"
    bench.ui.limitReachCheckBox.checked = False
    bench.press("lesionButton")
    bench.ui.valuesRange.setValues(0, 5)
    bench.ui.limitValuesCheckBox.checked = True
    bench.place((10.0, 8.0, 6.0))
    assert bench.ml()["Lesion 2"] == 0, "the liver has 10"
    bench.ui.limitValuesCheckBox.checked = False
    region = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "box")
    region.SetCenterWorld(6, 8, 6)
    region.SetSizeWorld(1, 1, 1)
    bench.ui.regionSelector.setCurrentNode(region)
    bench.press("lesionButton")
    bench.place(IN_LIVER)
    assert bench.workspace.annotator.limits("").region is not None


def test_the_chosen_segment_is_deleted_and_comes_back(bench: Bench) -> None:
    bench.open()
    bench.segment(LIVER, SPLEEN)
    bench.choose("spleen")
    bench.press("deleteSegmentButton")
    assert list(bench.ml()) == ["liver"]
    bench.press("undoButton")
    assert sorted(bench.ml()) == ["liver", "spleen"]
