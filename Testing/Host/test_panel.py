"""The panel on the stand-in, with a fake engine: every button, and what goes wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import numpy as np
import pytest
from fake_engine import LIVER, RIGHT_KIDNEY, SPLEEN
from panel_bench import MODULE, Bench
from scene_world import painted
from VISTA3DSegmentLib.models import store
from VISTA3DSegmentLib.models.header import METADATA_KEY
from VISTA3DSegmentLib.models.identity import digest_of
from VISTA3DSegmentLib.resources import resource

IN_LIVER, IN_SPLEEN, ELSEWHERE = (6.0, 8.0, 6.0), (18.0, 16.0, 13.0), (2.0, 2.0, 2.0)
"""RAS; the scan's grid is that of the world."""


# ---------------------------------------------------------------------- opening


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
    bench.host.wait_until(lambda: bench.ml(), seconds=10)
    assert bench.ui.runWidget.visible
    assert not bench.ui.modelSelector.enabled
    bench.ui.cancelButton.click()
    bench.settle()
    assert "Cancelled" in bench.said
    assert bench.ui.segmentButton.visible
    assert bench.ui.modelSelector.enabled


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


# ---------------------------------------------------------------------- names and boxes


def test_a_structure_is_found_by_its_name_and_corrected_by_clicks_and_all_of_it_undone(bench: Bench) -> None:
    bench.open()
    bench.find("liver")
    whole = bench.ml()["liver"]
    assert whole == pytest.approx(0.28)
    assert bench.ui.structureEdit.text == ""
    assert bench.ui.targetLabel.text == "Chosen: liver"
    assert bench.prompts() == ["“liver”"]
    assert len(bench.engines[0].others["segvol"].asked) == 1, "SegVol has answered"
    bench.press("removeButton")
    bench.place(IN_LIVER)
    assert bench.ml()["liver"] < whole
    assert "are part of it now: the next ones correct" in bench.said
    assert [asked[1] for asked in bench.engines[0].asked] != [], "VISTA3D has answered"
    assert bench.prompts() == ["\N{MINUS SIGN}  R 6.0  A 8.0  S 6.0 mm"]
    bench.press("beforeButton")
    assert bench.workspace.shows_before
    bench.press("beforeButton")
    bench.press("undoButton")
    assert bench.ml()["liver"] == whole
    assert bench.prompts() == ["“liver”"]
    bench.press("undoButton")
    assert bench.ml() == {}, "it was begun with its name"
    for _ in range(2):
        bench.press("redoButton")
    assert 0 < bench.ml()["liver"] < whole


def test_the_views_go_to_what_was_found_and_until_then_the_panel_says_that_it_looks(bench: Bench) -> None:
    import slicer

    bench.open()
    bench.host.type_text(bench.ui.structureEdit, "spleen")
    bench.ui.findButton.click()
    assert bench.said == "Looking for the spleen. Esc takes it back."
    bench.settle()
    assert "Looking" not in bench.said
    red = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed")
    assert 12 <= red.GetSliceToRAS().GetElement(2, 3) <= 15


def test_what_was_sought_by_its_name_can_be_taken_back_before_it_is_found(bench: Bench) -> None:
    bench.open()
    bench.host.type_text(bench.ui.structureEdit, "spleen")
    bench.ui.findButton.click()
    bench.ui.undoButton.click()
    assert "Looking" not in bench.said
    bench.settle()
    assert bench.ml() == {}
    bench.press("redoButton")
    assert bench.ml()["spleen"] > 0


def test_a_name_can_be_completed_also_by_a_synonym_and_found_by_its_button(bench: Bench) -> None:
    bench.open()
    completer = bench.ui.structureEdit.completer()
    offered = completer.model()
    names = [offered.data(offered.index(row, 0)) for row in range(offered.rowCount())]
    assert names[:4] == ["left kidney", "liver", "right kidney", "spleen"], "what SegVol's model knows comes first"
    assert "hepatic tumor" in names, "and what else VISTA3D's model knows"
    assert "hepar" in names
    bench.host.type_text(bench.ui.structureEdit, "Hepar")
    bench.press("findButton")
    assert bench.ml()["liver"] > 0
    assert bench.prompts() == ["“liver”"], "the model is asked with the word that it was trained with"


def test_what_is_good_to_know_of_asking_by_name_is_said_while_it_is_typed(bench: Bench) -> None:
    from VISTA3DSegmentLib.workspace import guidance

    bench.open()
    assert bench.ui.guidanceLabel.text == guidance.BEST
    bench.host.type_text(bench.ui.structureEdit, "left kidney")
    assert "Left and right are unreliable" in bench.ui.guidanceLabel.text
    bench.ui.structureEdit.clear()
    bench.host.type_text(bench.ui.structureEdit, "liver tumor")
    assert "Lesions are found poorly" in bench.ui.guidanceLabel.text
    bench.ui.structureEdit.clear()
    bench.press("boxButton")
    assert "loose box" in bench.ui.guidanceLabel.text
    assert all(sentence in bench.ui.findButton.toolTip for sentence in guidance.ALL)


def test_words_that_nobody_knows_are_refused_in_a_sentence_and_the_panel_goes_on(bench: Bench) -> None:
    bench.open()
    bench.find("gizzard")
    assert "knows no gizzard" in bench.said
    assert "Looking" not in bench.said
    assert bench.ml() == {}
    assert not bench.ui.undoButton.enabled
    assert bench.ui.structureEdit.text == "gizzard", "to be written otherwise, or to be begun by clicks"
    bench.press("structureButton")
    assert set(bench.ml()) == {"gizzard"}
    bench.press("undoButton")
    bench.find("")
    assert bench.ml() == {}
    assert "wrong" not in bench.said
    bench.find("spleen")
    assert bench.ml()["spleen"] > 0


def test_a_box_that_is_drawn_is_segmented_dragged_deleted_and_undone(bench: Bench) -> None:
    import slicer

    bench.open()
    bench.press("boxButton")
    assert bench.ui.boxButton.checked
    assert "opposite" in bench.said
    bench.draw((5.0, 7.0, 5.0))
    assert bench.ml() == {}, "one corner is no box"
    assert bench.ui.boxButton.checked
    bench.place((9.0, 11.0, 9.0))
    bench.draw_mode_ends()
    assert not bench.ui.boxButton.checked
    drawn = bench.ml()["Lesion 1"]
    assert drawn > 0
    assert [line[0] for line in bench.prompts()] == ["\N{WHITE SQUARE}"]
    bench.ui.promptList.setCurrentRow(0)
    red = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed")
    assert red.GetSliceToRAS().GetElement(2, 3) == pytest.approx(7.0), "the list goes to its middle"
    assert "Only a click" in bench.ui.flipButton.toolTip
    assert bench.ui.regionSelector.nodeCount() == 0, "it is no region of the person's own"
    (region,) = bench.workspace.annotator.boxes.nodes.values()
    region.SetSizeWorld(8, 4, 4)
    bench.settle()
    assert bench.ml()["Lesion 1"] > drawn
    bench.ui.promptList.setCurrentRow(0)
    bench.press("deletePromptButton")
    assert bench.prompts() == []
    assert bench.ml()["Lesion 1"] == 0
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode") == 0
    bench.press("undoButton")
    bench.press("undoButton")
    assert bench.ml()["Lesion 1"] == drawn


def test_a_name_and_a_box_of_the_same_structure_are_listed_and_deleted_one_by_one(bench: Bench) -> None:
    bench.open()
    bench.find("liver")
    whole = bench.ml()["liver"]
    bench.press("boxButton")
    bench.draw((2.0, 2.0, 2.0), (4.0, 4.0, 3.0))
    assert [line[0] for line in bench.prompts()] == ["“", "\N{WHITE SQUARE}"]
    assert bench.ml()["liver"] > whole
    bench.ui.promptList.setCurrentRow(1)
    assert not bench.ui.flipButton.enabled
    bench.press("deletePromptButton")
    assert bench.prompts() == ["“liver”"]
    assert bench.ml()["liver"] == whole
    bench.ui.promptList.setCurrentRow(0)
    bench.press("deletePromptButton")
    assert bench.prompts() == []
    assert bench.ml()["liver"] == 0
    bench.press("undoButton")
    assert bench.prompts() == ["“liver”"]
    assert bench.ml()["liver"] == whole


def test_the_mouse_draws_or_clicks_and_nothing_is_left_of_a_box_that_was_given_up(bench: Bench) -> None:
    import slicer

    def left() -> int:
        return int(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode"))

    bench.open()
    logic = slicer.app.applicationLogic()
    interaction, selection = logic.GetInteractionNode(), logic.GetSelectionNode()
    before = selection.GetActivePlaceNodeID()
    bench.press("addButton")
    bench.press("boxButton")
    assert (bench.ui.addButton.checked, bench.ui.boxButton.checked) == (False, True)
    bench.draw((5.0, 7.0, 5.0))
    bench.press("addButton")
    assert (bench.ui.addButton.checked, bench.ui.boxButton.checked, left()) == (True, False, 0)
    bench.press("boxButton")
    interaction.SetCurrentInteractionMode(interaction.ViewTransform)  # the host's own button
    bench.settle()
    assert (bench.ui.boxButton.checked, left()) == (False, 0)
    bench.press("boxButton")
    bench.press("boxButton")
    assert (bench.ui.boxButton.checked, left()) == (False, 0)
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform
    assert selection.GetActivePlaceNodeID() == before
    bench.press("boxButton")
    bench.host.leave_module()
    assert left() == 0
    bench.open()
    bench.press("boxButton")
    slicer.mrmlScene.RemoveNode(slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode"))
    bench.settle()
    assert left() == 0
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform


def test_keys_begin_a_name_and_a_box_and_escape_ends_it(bench: Bench) -> None:
    import slicer

    bench.open()
    viewport = slicer.app.layoutManager().viewport()
    viewport.show()
    bench.ui.correctCollapsibleButton.collapsed = True
    bench.host.shortcut(viewport, "T")
    assert not bench.ui.correctCollapsibleButton.collapsed
    focus = bench.ui.structureEdit._native.window().focusWidget()
    assert focus is bench.ui.structureEdit._native
    bench.host.type_text(bench.ui.structureEdit, "tb")
    assert bench.ui.structureEdit.text == "tb", "letters can still be typed"
    assert not bench.ui.boxButton.checked
    bench.ui.structureEdit.clear()
    bench.find("liver")
    assert viewport._native.window().focusWidget() is viewport._native, "keys are heard at once when a name was taken"
    bench.host.shortcut(viewport, "B")
    bench.settle()
    assert bench.ui.boxButton.checked
    bench.host.shortcut(viewport, "Esc")
    bench.settle()
    assert not bench.ui.boxButton.checked
    bench.host.shortcut(viewport, "B")
    bench.host.shortcut(viewport, "B")
    bench.settle()
    assert not bench.ui.boxButton.checked


def test_who_answers_clicks_and_who_answers_names_can_be_chosen_and_is_remembered(bench: Bench) -> None:
    bench.open()
    assert (bench.ui.clicksBySelector.currentText, bench.ui.textsBySelector.currentText) == ("VISTA3D", "SegVol")
    _select(bench.ui.clicksBySelector, "SegVol")
    _select(bench.ui.textsBySelector, "VISTA3D")
    bench.settle()
    assert "VISTA3D finds by name" in bench.ui.guidanceLabel.text
    vista3d, segvol = bench.engines[0], bench.engines[0].others["segvol"]
    bench.press("lesionButton")
    bench.place(IN_LIVER)
    assert (len(vista3d.asked), len(segvol.asked)) == (0, 1)
    bench.find("spleen")
    assert (len(vista3d.asked), len(segvol.asked)) == (1, 1)
    assert bench.ml()["spleen"] > 0
    bench.host.leave_module()
    bench.host.unload("VISTA3DSegment")
    bench.host.load_module(MODULE)
    bench.open()
    assert (bench.ui.clicksBySelector.currentText, bench.ui.textsBySelector.currentText) == ("SegVol", "VISTA3D")
    bench.press("lesionButton")
    bench.place(ELSEWHERE)
    assert len(bench.engines[-1].others["segvol"].asked) == 1


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


# ---------------------------------------------------------------------- scenes, scans, segmentations


def test_another_scan_comes_with_its_own_segmentation(bench: Bench) -> None:
    import slicer

    bench.open()
    bench.segment(LIVER)
    first = bench.ui.segmentationSelector.currentNode()
    other = bench.add_scan(np.where(painted() == 10 * SPLEEN, 10 * SPLEEN, 0).astype(np.int16), "other")
    bench.ui.volumeSelector.setCurrentNode(other)
    bench.settle()
    assert bench.ml() == {}
    assert bench.ui.segmentationSelector.currentNode() is not first
    bench.ui.volumeSelector.setCurrentNode(slicer.mrmlScene.GetFirstNodeByName("CT"))
    bench.settle()
    assert bench.ui.segmentationSelector.currentNode() is first
    assert list(bench.ml()) == ["liver"]
    assert len(bench.engines) == 1, "one engine serves all scans"


def test_a_second_segmentation_of_a_scan_begins_empty(bench: Bench) -> None:
    bench.open()
    bench.segment(LIVER)
    first = bench.ui.segmentationSelector.currentNode()
    bench.ui.segmentationSelector.setCurrentNode(None)
    bench.settle()
    assert bench.ui.segmentationSelector.currentNode() not in (None, first)
    assert bench.ml() == {}
    bench.ui.segmentationSelector.setCurrentNode(first)
    bench.settle()
    assert list(bench.ml()) == ["liver"]


def test_a_scan_that_is_refused_leaves_the_one_that_is_open_and_usable(bench: Bench) -> None:
    import slicer

    bench.open()
    bench.segment(LIVER)
    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    bench.ui.volumeSelector.setCurrentNode(empty)
    bench.settle()
    assert "no voxels" in bench.said
    assert bench.ui.volumeSelector.currentNode().GetName() == "CT"
    bench.press("removeButton")
    bench.place(IN_LIVER)
    assert bench.ml()["liver"] < 0.28


def test_a_scene_that_is_loaded_while_the_module_is_shown_is_opened(bench: Bench, tmp_path: Path) -> None:
    import slicer

    bench.open()
    bench.segment(LIVER)
    bench.choose("liver")
    path = tmp_path / "scene.mrb"
    assert slicer.util.saveScene(str(path))
    slicer.mrmlScene.Clear(0)
    bench.settle()
    assert bench.ml() == {}
    assert "Load a scan" in bench.said
    slicer.util.loadScene(str(path))
    bench.host.wait_until(lambda: bench.workspace.volume is not None, seconds=5)
    bench.settle()
    assert bench.ml() == {"liver": pytest.approx(0.28)}
    assert bench.ui.volumeSelector.currentNode().GetName() == "CT"
    assert bench.panel._organs.checked == (LIVER,)


def test_the_same_scan_loaded_twice_is_two_scans(bench: Bench) -> None:
    import slicer

    bench.open()
    bench.segment(LIVER)
    bench.ui.volumeSelector.setCurrentNode(bench.add_scan(name="again"))
    bench.settle()
    assert bench.ml() == {}
    assert "back" not in bench.said
    first = slicer.mrmlScene.GetFirstNodeByName("CT segmentation")
    assert not first.GetDisplayNode().GetVisibility()
    bench.ui.volumeSelector.setCurrentNode(slicer.mrmlScene.GetFirstNodeByName("CT"))
    bench.settle()
    assert list(bench.ml()) == ["liver"]
    assert first.GetDisplayNode().GetVisibility()


def test_clicks_and_boxes_of_the_scan_that_was_left_do_not_lie_on_the_next(bench: Bench) -> None:
    import slicer

    bench.open()
    bench.segment(LIVER)
    bench.workspace.annotator.click((2, 2, 2), positive=False)
    bench.workspace.annotator.box((2, 2, 2), (9, 9, 9))
    bench.settle()
    left = bench.workspace.annotator.prompt_nodes
    assert len(left) == 3
    bench.ui.volumeSelector.setCurrentNode(bench.add_scan(painted() + 1, name="another patient"))
    bench.settle()
    assert [bool(node.GetDisplayNode().GetVisibility()) for node in left] == [False] * 3
    assert all(node.GetDisplayNode().GetVisibility() for node in bench.workspace.annotator.markups.nodes.values())
    bench.ui.volumeSelector.setCurrentNode(slicer.mrmlScene.GetFirstNodeByName("CT"))
    bench.settle()
    assert [bool(node.GetDisplayNode().GetVisibility()) for node in left[:2]] == [True] * 2, "they are here again"


def test_a_long_sentence_does_not_widen_the_panel(bench: Bench) -> None:
    bench.open()
    width = bench.ui.VISTA3DSegment.minimumSizeHint.width()
    bench.panel._say("Not found in this scan: " + ", ".join(f"structure {n}" for n in range(60)) + ".")
    bench.settle()
    assert bench.ui.VISTA3DSegment.minimumSizeHint.width() == width


@pytest.mark.parametrize("kind", ["vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode"])
def test_a_node_that_is_taken_out_of_the_scene_ends_the_annotation_and_its_clicks(bench: Bench, kind: str) -> None:
    import slicer

    bench.open()
    bench.segment(LIVER)
    bench.press("addButton")
    slicer.mrmlScene.RemoveNode(slicer.mrmlScene.GetFirstNodeByClass(kind))
    bench.settle()
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform
    assert "was removed" in bench.said
    assert bench.ui.volumeSelector.currentNode() is None, "no other scan is chosen that nobody has asked for"
    if kind == "vtkMRMLScalarVolumeNode":
        assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode") == 0


def test_a_scan_that_was_moved_is_opened_again_by_the_next_press(bench: Bench) -> None:
    import slicer

    bench.open()
    bench.segment(LIVER)
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = transform.GetMatrixTransformToParent().NewInstance()
    matrix.SetElement(0, 3, 1.0)
    transform.SetMatrixTransformToParent(matrix)
    for node in (bench.ui.volumeSelector.currentNode(), bench.ui.segmentationSelector.currentNode()):
        node.SetAndObserveTransformNodeID(transform.GetID())
    bench.settle()
    assert "has to be opened again" in bench.said
    bench.press("lesionButton")
    assert not bench.workspace.annotator.complaint
    bench.place(IN_LIVER)
    assert bench.ml()["Lesion 1"] > 0, bench.said


def test_who_opens_a_moved_scan_from_elsewhere_gets_it_opened_again(bench: Bench) -> None:
    import slicer

    bench.open()
    bench.segment(LIVER)
    annotator = bench.workspace.annotator
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = transform.GetMatrixTransformToParent().NewInstance()
    matrix.SetElement(0, 3, 1.0)
    transform.SetMatrixTransformToParent(matrix)
    annotator.volume_node.SetAndObserveTransformNodeID(transform.GetID())
    bench.settle()
    bench.panel.annotate(annotator.volume_node, annotator.segmentation_node)
    assert bench.workspace.annotator is not annotator
    assert not bench.workspace.annotator.complaint


def test_when_the_module_goes_its_clock_stands_still(bench: Bench) -> None:
    bench.open()
    panel = bench.panel
    bench.host.leave_module()
    bench.host.unload("VISTA3DSegment")
    assert not panel._ticker.runs


def test_a_segment_that_another_tool_painted_is_measured_anew(bench: Bench) -> None:
    bench.open()
    bench.segment(LIVER)
    segments = bench.workspace.annotator.segments
    segment = segments.node.GetSegmentation().GetSegment(segments.ids()[0])
    image = segment.GetRepresentation("Binary labelmap")
    image.AllocateScalars(image.GetScalarType(), 1)
    image.GetPointData().GetScalars().Fill(0)
    image.Modified()
    bench.host.process_events()
    bench.settle()
    assert bench.ml()["liver"] == 0


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


# ---------------------------------------------------------------------- models and computer


def test_another_device_is_asked_for_if_steps_are_lost_and_remembered(bench: Bench) -> None:
    bench.open()
    bench.segment(LIVER)
    bench.host.set_testing(False)
    bench.host.answers.append(False)
    _select(bench.ui.deviceSelector, "cpu")
    assert len(bench.engines) == 1
    assert bench.ui.deviceSelector.currentText == "auto"
    bench.host.answers.append(True)
    _select(bench.ui.deviceSelector, "cpu")
    bench.settle()
    bench.host.set_testing(True)
    assert [choice.device for choice in bench.choices] == ["auto", "cpu"]
    assert list(bench.ml()) == ["liver"]
    bench.press("removeButton")
    bench.place(IN_LIVER)
    assert bench.ml()["liver"] < 0.28
    bench.host.leave_module()
    bench.host.unload("VISTA3DSegment")
    bench.host.load_module(MODULE)
    bench.open()
    assert bench.ui.deviceSelector.currentText == "cpu"


def test_a_model_is_added_from_a_file_chosen_and_removed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import qt
    import torch
    from safetensors.torch import load_file, save_file

    bench.open()
    own = tmp_path / "mine.safetensors"
    starter = resource("Models/starter/starter.safetensors")
    tensors = load_file(starter)
    tensors = {
        name: tensor + 0 if n else tensor + torch.ones_like(tensor) for n, (name, tensor) in enumerate(tensors.items())
    }
    from VISTA3DSegmentLib.models.header import specification_of

    save_file(tensors, own, metadata={METADATA_KEY: specification_of(starter).to_json()})
    monkeypatch.setattr(qt.QFileDialog, "getOpenFileName", lambda *_: str(own))
    bench.press("addModelButton")
    assert bench.ui.modelSelector.currentText == "mine"
    assert bench.choices[-1].model == "mine"
    assert "your own" in bench.ui.modelLabel.text
    bench.host.set_testing(False)
    bench.host.answers.append(True)
    bench.press("deleteModelButton")
    bench.host.set_testing(True)
    assert bench.choices[-1].model == "starter"
    assert all(model.name != "mine" for model in store.list_models())
    assert bench.ui.modelSelector.currentText == "starter"


def test_a_model_is_downloaded_only_after_its_licence_was_accepted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from VISTA3DSegmentLib.desktop import models_section

    started: list[str] = []

    class Fetching:
        """A download that gets half, then all."""

        ended, error = False, None

        def __init__(self, _task: Callable[..., None], name: str, python: str | None) -> None:
            started.append(name)
            self._lines = [["10 20"], ["20 20"], []]

        def poll(self) -> list[str]:
            lines = self._lines.pop(0)
            self.ended = not self._lines
            return lines

        def cancel(self) -> None: ...

    monkeypatch.setattr(models_section, "Errand", Fetching)
    bench.open()
    _select(bench.ui.modelSelector, "nv-segment-ct (not here)")
    assert "NVIDIA" in bench.ui.modelLabel.text
    assert bench.choices[-1].model == "starter", "what is not here is not used"
    bench.host.set_testing(False)
    bench.host.answers.append(False)
    bench.press("downloadButton")
    assert started == []
    assert "Licence of the weights" in bench.host.messages[-1].text
    bench.host.answers.append(True)
    bench.ui.downloadButton.click()
    bench.host.set_testing(True)
    bench.host.wait_until(lambda: not bench.ui.downloadWidget.visible, seconds=5)
    assert started == ["nv-segment-ct"]


class Published:
    """SegVol as a few bytes, known to the registry by their hash, and its vocabulary.

    Args:
        folder: in which they lie as if the person had downloaded them.
        monkeypatch: of the test.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from VISTA3DSegmentLib.models import identity, registry, vocabulary

        folder.mkdir()
        self.weights, self.vocabulary = folder / "pytorch_model.bin", folder / "merges.txt"
        self.weights.write_bytes(b"PK\x03\x04 weights of SegVol")
        self.vocabulary.write_text("\n".join(f"a b{n}" for n in range(vocabulary.PAIRS)))
        segvol = replace(
            registry.BY_NAME["segvol"],
            size_bytes=self.weights.stat().st_size,
            sha256=digest_of(self.weights).sha256,
            vocabulary=registry.PublishedVocabulary("https://example.org", self.vocabulary.stat().st_size),
        )
        models = tuple(segvol if model.name == "segvol" else model for model in registry.KNOWN_MODELS)
        for module in (registry, store, identity):
            monkeypatch.setattr(module, "KNOWN_MODELS", models)
        for module in (registry, store):
            monkeypatch.setattr(module, "BY_NAME", {model.name: model for model in models})


def test_models_of_segvol_have_a_list_of_their_own(bench: Bench) -> None:
    bench.open()
    lists = [
        [selector.itemText(row) for row in range(selector.count)]
        for selector in (bench.ui.modelSelector, bench.ui.segvolSelector)
    ]
    assert lists[1] == ["segvol-starter", "segvol (not here)"]
    assert "starter" in lists[0]
    assert not set(lists[0]) & set(lists[1])
    _select(bench.ui.segvolSelector, "segvol (not here)")
    assert "SegVol of BAAI" in bench.ui.modelLabel.text
    assert bench.ui.downloadButton.enabled
    assert len(bench.choices) == 1, "what is not here is not used"
    assert (bench.choices[0].model, bench.choices[0].segvol) == ("starter", "segvol-starter")
    bench.host.set_testing(False)
    bench.host.answers.append(False)
    bench.press("downloadButton")
    bench.host.set_testing(True)
    assert "names no licence" in bench.host.messages[-1].text, "the licence is told as it is"
    _select(bench.ui.segvolSelector, "segvol-starter")
    assert not bench.ui.downloadButton.enabled
    assert not bench.ui.deleteModelButton.enabled


@pytest.mark.parametrize("beside", [True, False])
def test_segvol_is_added_after_its_licence_with_its_vocabulary(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, beside: bool
) -> None:
    import qt

    published = Published(tmp_path / "downloads", monkeypatch)
    if not beside:
        published.vocabulary = published.vocabulary.rename(tmp_path / "words.txt")
    chosen = [published.weights, published.weights, published.vocabulary]
    monkeypatch.setattr(qt.QFileDialog, "getOpenFileName", lambda *_: str(chosen.pop(0)))
    bench.open()
    bench.host.set_testing(False)
    bench.host.answers.append(False)
    bench.press("addModelButton")
    assert "Licence of the weights: MIT" in bench.host.messages[-1].text
    assert bench.choices[-1].segvol == "segvol-starter"
    assert not store.models_folder().exists(), "who declines the licence has nothing of it"
    bench.host.answers.extend([True] if beside else [True, True])
    bench.press("addModelButton")
    bench.host.set_testing(True)
    assert bench.ui.segvolSelector.currentText == "segvol"
    assert bench.choices[-1].segvol == "segvol"
    assert bench.choices[-1].model == "starter"
    assert store.find("segvol").vocabulary is not None
    assert "without its vocabulary" not in bench.ui.modelLabel.text
    assert bench.ui.modelSelector.currentText == "starter"
    bench.host.set_testing(False)
    bench.host.answers.append(True)
    bench.press("deleteModelButton")
    bench.host.set_testing(True)
    assert bench.choices[-1].segvol == "segvol-starter"
    assert list(store.models_folder().iterdir()) == []


def test_segvol_without_its_vocabulary_says_so_and_can_still_download_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import qt

    published = Published(tmp_path / "downloads", monkeypatch)
    published.vocabulary.unlink()
    monkeypatch.setattr(qt.QFileDialog, "getOpenFileName", lambda *_: str(published.weights))
    bench.open()
    bench.host.set_testing(False)
    bench.host.answers.extend([True, False])
    bench.press("addModelButton")
    bench.host.set_testing(True)
    assert "understands any words" in bench.host.messages[-1].text
    assert "without its vocabulary" in bench.ui.modelLabel.text
    assert bench.ui.downloadButton.enabled


def test_who_does_not_want_the_other_model_keeps_the_one_that_is_used(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    published = Published(tmp_path / "downloads", monkeypatch)
    store.add(published.weights)
    bench.open()
    bench.segment(LIVER)
    bench.host.set_testing(False)
    bench.host.answers.append(False)
    _select(bench.ui.segvolSelector, "segvol")
    bench.host.set_testing(True)
    assert bench.ui.segvolSelector.currentText == "segvol-starter"
    assert "comes with VISTA3DSegment" in bench.ui.modelLabel.text
    assert len(bench.choices) == 1


@pytest.mark.parametrize("kind", ["damaged", "of VISTA3D"])
def test_a_model_of_segvol_that_cannot_be_used_does_not_keep_the_panel_away(bench: Bench, kind: str) -> None:
    import slicer

    store.models_folder().mkdir(parents=True)
    path = store.models_folder() / "broken.safetensors"
    if kind == "damaged":
        path.write_bytes(b"no weights at all")
    else:
        path.write_bytes(resource("Models/starter/starter.safetensors").read_bytes())
    slicer.app.userSettings().setValue("VISTA3DSegment/segvol", "broken")
    bench.open()
    assert bench.choices[-1].segvol == "segvol-starter"
    bench.find("liver")
    assert bench.ml()["liver"] > 0


def test_the_engine_is_started_with_both_models(monkeypatch: pytest.MonkeyPatch) -> None:
    from VISTA3DSegmentLib.desktop import engine_choice

    made: list[Any] = []
    monkeypatch.setattr(engine_choice, "ChildProcess", lambda make_engine, python: made.append((make_engine, python)))
    engine_choice.EngineChoice("mine", "cpu", "fp32", 256, "my-segvol").start("python")
    ((make_engine, python),) = made
    assert (make_engine.func.__name__, make_engine.args) == ("open_politely", ("mine", "cpu", "fp32"))
    assert make_engine.keywords == {"segvol": "my-segvol", "cache_bytes": 256 << 20}
    assert python == "python"


def test_a_damaged_model_of_the_last_time_does_not_keep_the_panel_away(bench: Bench) -> None:
    import slicer

    store.models_folder().mkdir(parents=True)
    (store.models_folder() / "broken.safetensors").write_bytes(b"no weights at all")
    (store.models_folder() / "broken.json").write_text("{")
    slicer.app.userSettings().setValue("VISTA3DSegment/model", "broken")
    bench.open()
    assert bench.choices[-1].model == "starter"
    bench.segment(LIVER)
    assert list(bench.ml()) == ["liver"]


def test_the_doctor_says_what_is_here_and_it_can_be_copied(bench: Bench) -> None:
    import qt

    bench.open()
    bench.ui.doctorButton.click()
    bench.host.wait_until(lambda: "What runs a model" in bench.ui.doctorText.plainText, seconds=60)
    assert "torch" in bench.ui.doctorText.plainText
    bench.press("copyButton")
    assert qt.QApplication.clipboard().text() == bench.ui.doctorText.plainText


# ---------------------------------------------------------------------- first start


@pytest.fixture
def bare(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A Slicer in which nothing is installed that models need."""
    from VISTA3DSegmentLib.doctor import requirements

    lacks = {"torch", "monai", "einops", "safetensors"}
    monkeypatch.setattr(requirements, "versions", lambda names: {n: None if n in lacks else "99" for n in names})
    for name in lacks:
        monkeypatch.setitem(sys.modules, name, None)
    bench.lacks = lacks  # type: ignore[attr-defined]
    return bench


def test_the_first_page_says_what_is_missing_and_gets_it_in_the_right_order(bare: Bench) -> None:
    lacks: set[str] = bare.lacks  # type: ignore[attr-defined]
    bare.open()
    assert bare.ui.setupPage.visible
    assert "torch, monai, einops, safetensors" in bare.ui.setupLabel.text
    assert "packages above" in bare.ui.segmentButton.toolTip
    assert bare.workspace.volume is None, "nothing is opened that could not be computed"
    assert not bare.ui.packagesButton.enabled
    assert "PyTorch first" in bare.ui.packagesButton.toolTip
    lacks.discard("torch")
    bare.press("torchButton")
    assert not bare.ui.torchButton.visible
    assert bare.ui.packagesButton.enabled
    lacks.clear()
    bare.host.set_testing(False)
    bare.host.answers.append(True)
    bare.press("packagesButton")
    bare.host.set_testing(True)
    assert not bare.ui.setupPage.visible
    assert bare.workspace.volume is not None


def test_who_declines_is_asked_again_and_a_failure_is_a_sentence(bare: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from slicer import packaging

    lacks: set[str] = bare.lacks  # type: ignore[attr-defined]
    lacks.discard("torch")
    bare.open()
    bare.host.set_testing(False)
    bare.host.answers.append(False)
    bare.press("packagesButton")
    assert bare.ui.setupPage.visible
    assert "wrong" not in bare.said

    def fail(*_: Any, **__: Any) -> None:
        raise CalledProcessError(1, "pip")

    monkeypatch.setattr(packaging, "pip_ensure", fail)
    bare.host.answers.append(True)
    bare.press("packagesButton")
    bare.host.set_testing(True)
    assert "could not be installed" in bare.said


def _select(selector: Any, text: str) -> None:
    """Choose a line of a combo box, as a person does."""
    row = selector.findText(text)
    assert row >= 0, text
    selector.setCurrentIndex(row)
    selector._native.activated.emit(row)
