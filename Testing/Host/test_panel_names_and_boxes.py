"""Structures found by their names and by boxes, in the panel on the stand-in."""

from __future__ import annotations

import pytest
from panel_bench import ELSEWHERE, IN_LIVER, MODULE, Bench, select


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
    select(bench.ui.clicksBySelector, "SegVol")
    select(bench.ui.textsBySelector, "VISTA3D")
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
