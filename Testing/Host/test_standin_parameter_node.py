"""Typed parameters in the stand-in: kept in the scene, limited, tied to widgets as Slicer's are."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import pytest


class Side(enum.Enum):
    """Which side."""

    LEFT = 1
    RIGHT = 2


@pytest.fixture
def kind(started):
    """A class with parameters."""
    import slicer
    from slicer.parameterNodeWrapper import (
        Choice,
        Default,
        FloatRange,
        Minimum,
        RangeBounds,
        WithinRange,
        parameterNodeWrapper,
    )

    types = {
        "volume": slicer.vtkMRMLScalarVolumeNode | None,
        "count": Annotated[int, WithinRange(0, 10), Default(3)],
        "least": Annotated[float, Minimum(0.5)],
        "note": str,
        "live": bool,
        "side": Side,
        "names": list[str],
        "volumes": list[slicer.vtkMRMLScalarVolumeNode],
        "model": Path,
        "quality": Annotated[str, Choice(["fast", "good"]), Default("good")],
        "window": Annotated[FloatRange, RangeBounds(-1000, 1000), Default(FloatRange(-100, 200))],
        "maybe": int | None,
    }
    defaults = {"least": 1.0, "note": "nothing yet", "live": True, "side": Side.RIGHT}
    return parameterNodeWrapper(type("Parameters", (), {"__annotations__": types, **defaults}))


@pytest.fixture
def parameters(kind):
    import slicer

    return kind(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "P"))


def test_defaults_are_there_at_once(parameters):
    from slicer.parameterNodeWrapper import FloatRange

    assert (parameters.volume, parameters.count, parameters.least, parameters.note) == (None, 3, 1.0, "nothing yet")
    assert (parameters.live, parameters.side, parameters.names, parameters.quality) == (True, Side.RIGHT, [], "good")
    assert parameters.window == FloatRange(-100, 200)
    assert parameters.maybe is None


def test_values_survive_saving_and_loading_the_scene(started, parameters, kind, tmp_path):
    import slicer

    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    parameters.volume = volume
    parameters.volumes = [volume]
    parameters.count, parameters.note, parameters.live, parameters.side = 7, "a; b = ~c", False, Side.LEFT
    parameters.names = ["liver", "spleen"]
    parameters.names.append("aorta")
    parameters.model, parameters.maybe = Path("/data/model.safetensors"), 4
    assert slicer.util.saveScene(str(tmp_path / "scene.mrml"))
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "scene.mrml"))
    again = kind(slicer.mrmlScene.GetFirstNodeByName("P"))
    loaded = slicer.mrmlScene.GetFirstNodeByName("CT")
    assert again.volume is loaded
    assert list(again.volumes) == [loaded]
    assert (again.count, again.note, again.live, again.side) == (7, "a; b = ~c", False, Side.LEFT)
    assert list(again.names) == ["liver", "spleen", "aorta"]
    assert (again.model, again.maybe) == (Path("/data/model.safetensors"), 4)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("count", 11, ValueError),
        ("count", 2.5, TypeError),
        ("count", None, ValueError),
        ("least", 0.1, ValueError),
        ("note", 3, TypeError),
        ("quality", "best", ValueError),
        ("side", "LEFT", TypeError),
        ("names", [1], TypeError),
        ("volume", "CT", TypeError),
    ],
)
def test_values_that_are_not_allowed_are_refused(parameters, name, value, error):
    before = getattr(parameters, name)
    with pytest.raises(error):
        setattr(parameters, name, value)
    assert getattr(parameters, name) == before


def test_removed_node_is_none(parameters):
    import slicer

    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    parameters.volume = volume
    slicer.mrmlScene.RemoveNode(volume)
    assert parameters.volume is None


def test_changes_are_told_once_in_a_batch(parameters):
    import vtk

    heard = []
    parameters.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: heard.append(parameters.note))
    parameters.note = "one"
    before = parameters.StartModify()
    parameters.note = "two"
    parameters.count = 5
    parameters.EndModify(before)
    assert heard == ["one", "two"]


def test_unknown_type_is_refused(started):
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    with pytest.raises(Exception, match="serializer"):
        parameterNodeWrapper(type("Wrong", (), {"__annotations__": {"x": complex}}))


def widgets():
    """Return a widget for each parameter that can have one, named by the dynamic property."""
    import ctk
    import qt
    import slicer

    made = {
        "volume": slicer.qMRMLNodeComboBox(),
        "count": qt.QSpinBox(),
        "note": qt.QLineEdit(),
        "live": qt.QCheckBox(),
        "side": qt.QComboBox(),
        "quality": qt.QComboBox(),
        "model": ctk.ctkPathLineEdit(),
        "window": ctk.ctkRangeWidget(),
        "least": qt.QDoubleSpinBox(),
    }
    for name, widget in made.items():
        widget.setProperty("SlicerParameterName", name)
    made["volume"].noneEnabled = True
    made["volume"].setMRMLScene(slicer.mrmlScene)
    return type("Ui", (), {})(), made


def test_widgets_and_parameters_follow_each_other(parameters):
    import slicer
    from slicer.parameterNodeWrapper import FloatRange

    ui, made = widgets()
    vars(ui).update(made)
    tag = parameters.connectGui(ui)
    assert (ui.count.value, ui.count.maximum, ui.side.currentText, ui.quality.currentText) == (3, 10, "RIGHT", "good")
    ui.count.value = 6
    ui.live.click()
    ui.side.currentIndex = 0
    ui.window.minimumValue = -500
    ui.model.currentPath = "/data/model"
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    ui.volume.setCurrentNode(volume)
    assert (parameters.count, parameters.live, parameters.side) == (6, False, Side.LEFT)
    assert parameters.window == FloatRange(-500, 200)
    assert parameters.model == Path("/data/model")
    assert parameters.volume is volume
    parameters.note = "from code"
    assert ui.note.text == "from code"
    parameters.disconnectGui(tag)
    ui.count.value = 1
    parameters.note = "unseen"
    assert (parameters.count, ui.note.text) == (6, "from code")


@pytest.mark.parametrize(("name", "widget"), [("names", "QLineEdit"), ("note", "QPlainTextEdit"), ("count", "QLabel")])
def test_pairs_that_slicer_cannot_tie_are_refused(parameters, name, widget):
    import qt

    with pytest.raises(RuntimeError, match="Unable to create GUI connector"):
        parameters.connectParametersToGui({name: getattr(qt, widget)()})


def test_widget_for_a_parameter_that_does_not_exist_is_refused(parameters):
    import qt

    with pytest.raises(ValueError, match="Cannot find a param"):
        parameters.connectParametersToGui({"cuont": qt.QSpinBox()})
