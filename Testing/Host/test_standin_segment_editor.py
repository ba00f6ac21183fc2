"""An effect of the Segment Editor written in Python, in an editor over a real scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

SOURCE = str(Path(__file__).parent / "Example" / "StandInExampleEffectLib" / "SegmentEditorEffect.py")


@pytest.fixture
def editor(started):
    """An editor with a volume and an empty segment, and the effect of the example active."""
    import slicer

    effect = slicer.qSlicerSegmentEditorScriptedEffect(None)
    effect.setPythonSource(SOURCE)
    effect.self().register()
    volume = slicer.util.addVolumeFromArray(np.zeros((4, 5, 6), np.int16), name="CT")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Organs")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    node.GetSegmentation().AddEmptySegment("liver", "Liver")
    widget = slicer.qMRMLSegmentEditorWidget()
    widget.setMRMLScene(slicer.mrmlScene)
    widget.setMRMLSegmentEditorNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode"))
    widget.setSegmentationNode(node)
    widget.setSourceVolumeNode(volume)
    widget.setCurrentSegmentID("liver")
    widget.setMaximumNumberOfUndoStates(5)
    widget.setActiveEffectByName("Mark")
    yield widget
    widget.setActiveEffectByName("")


def voxels(editor) -> int:
    """Return how many voxels the segment has."""
    import slicer

    array = slicer.util.arrayFromSegmentBinaryLabelmap(editor.segmentationNode(), "liver", editor.sourceVolumeNode())
    return int(array.sum())


def test_editor_has_a_copy_of_the_registered_effect(editor):
    import slicer

    assert editor.availableEffectNames() == ("Mark",)
    registered = slicer.qSlicerSegmentEditorEffectFactory.instance().registeredEffects()[0]
    assert editor.activeEffect().name == registered.name
    assert editor.activeEffect() != registered
    assert editor.activeEffect().self().history == ["activate"]


def test_press_in_a_slice_reaches_the_effect_and_marks(started, editor):
    started.press_in_slice("Red", (2.0, 3.0, 0.0))
    history = editor.activeEffect().self().history
    assert len([entry for entry in history if entry.startswith("press")]) == 1
    pressed = [float(value) for value in history[-1].removeprefix("press ").strip("[]").split(",")]
    assert np.allclose(pressed, (2.0, 3.0, 0.0), atol=1.0)
    assert voxels(editor) == 1


def test_undo_and_redo(started, editor):
    started.press_in_slice("Red", (2.0, 3.0, 0.0))
    editor.undo()
    assert voxels(editor) == 0
    editor.redo()
    assert voxels(editor) == 1


def test_keys_undo_only_where_they_are_installed(started, editor):
    import qt

    window = qt.QWidget()
    line = qt.QPushButton("x", window)
    window.show()
    editor.installKeyboardShortcuts(window)
    started.press_in_slice("Red", (2.0, 3.0, 0.0))
    started.shortcut(line, "Ctrl+Z")
    assert voxels(editor) == 0
    editor.uninstallKeyboardShortcuts()
    editor.redo()
    started.shortcut(line, "Ctrl+Z")
    assert voxels(editor) == 1


def test_parameters_are_shown_and_taken(editor):
    effect = editor.activeEffect()
    assert effect.self().sizeBox.value == 2
    effect.self().sizeBox.value = 5
    assert effect.parameter("Size") == "5"
    editor.mrmlSegmentEditorNode().SetAttribute("Mark.Size", "7")
    editor.mrmlSegmentEditorNode().InvokeEvent(editor.mrmlSegmentEditorNode().EffectParameterModified)
    assert effect.self().sizeBox.value == 7


def test_effect_ends_when_points_are_placed(editor):
    import slicer

    effect = editor.activeEffect()
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    interaction.SetCurrentInteractionMode(interaction.Place)
    assert editor.activeEffect() is None
    assert effect.self().history[-1] == "deactivate"
    interaction.SetCurrentInteractionMode(interaction.ViewTransform)


def test_press_is_heard_no_more_when_the_effect_has_ended(started, editor):
    effect = editor.activeEffect()
    editor.setActiveEffectByName("")
    started.press_in_slice("Red", (2.0, 3.0, 0.0))
    assert effect.self().history[-1] == "deactivate"


def test_answer_that_is_no_bool_is_an_error(started, editor):
    effect = editor.activeEffect()
    effect.self().processInteractionEvents = lambda *_: None
    with pytest.raises(AssertionError, match="must return a bool"):
        started.press_in_slice("Red", (2.0, 3.0, 0.0))
    started.raised()


def test_property_that_an_effect_lacks_is_refused(editor):
    with pytest.raises(AttributeError, match="titel"):
        editor.activeEffect().titel = "x"


def test_file_without_the_class_of_its_name_is_refused(started, tmp_path):
    import slicer

    path = tmp_path / "OtherLib" / "SegmentEditorOther.py"
    path.parent.mkdir()
    path.write_text("class SegmentEditorEffect:\n    pass\n", encoding="utf-8")
    with pytest.raises(RuntimeError, match="SegmentEditorOtherEffect was not found"):
        slicer.qSlicerSegmentEditorScriptedEffect(None).setPythonSource(str(path))
