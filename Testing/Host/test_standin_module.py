"""A scripted module in the stand-in: loading, opening, pressing, closing the scene, reading the file again."""

from __future__ import annotations

from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent / "Example" / "StandInExample.py"


@pytest.fixture
def widget(started):
    """The interface of the example, open."""
    import slicer

    if not hasattr(slicer.modules, "standinexample"):
        started.load_module(EXAMPLE)
    opened = started.open_module("StandInExample")
    opened.history.clear()
    yield opened
    started.leave_module()


def test_module_is_known_by_name_and_instance(started, widget):
    import slicer

    before = slicer.modules.StandInExampleInstance.started
    started.finish_startup()
    assert slicer.modules.StandInExampleInstance.started == before + 1
    assert slicer.modules.standinexample.title == "Stand-in example"
    assert slicer.modules.StandInExampleWidget is widget
    with pytest.raises(AttributeError, match="no module of that name"):
        _ = slicer.modules.standinexampel


def test_volume_chosen_enables_the_button_and_a_press_works(started, widget):
    import slicer

    assert not widget.ui.applyButton.enabled
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    widget.ui.volumeSelector.setCurrentNode(volume)
    assert widget.logic.getParameterNode().volume is volume
    started.click(widget.ui.applyButton)
    started.wait_until(lambda: widget.ui.progressBar.value == 3)
    assert widget.history == ["apply False"]


def test_disabled_button_cannot_be_pressed(started, widget):
    with pytest.raises(AssertionError, match="is disabled"):
        started.click(widget.ui.applyButton)


def test_slot_that_raises_fails_the_press(started, widget):
    with pytest.raises(AssertionError, match="It was to fail"):
        started.click(widget.ui.failButton)


def test_typed_text_reaches_the_parameter_node(started, widget):
    widget.ui.noteLine.text = ""
    started.type_text(widget.ui.noteLine, "hello")
    assert widget.logic.getParameterNode().note == "hello"


def test_closing_the_scene_is_told_and_leaves_fresh_parameters(started, widget):
    import slicer

    widget.logic.getParameterNode().count = 7
    assert widget.ui.countBox.value == 7
    slicer.mrmlScene.Clear(0)
    assert widget.history == ["start close", "end close"]
    assert widget.ui.countBox.value == 3


def test_reload_cleans_up_and_builds_anew(started, widget):
    import slicer

    slicer.util.reloadScriptedModule("StandInExample")
    assert widget.history == ["cleanup"]
    assert slicer.modules.StandInExampleWidget is not widget


def test_leaving_calls_exit(started, widget):
    started.leave_module()
    assert widget.history == ["exit"]
