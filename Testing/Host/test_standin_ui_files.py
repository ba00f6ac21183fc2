"""A .ui file that names what desktop Slicer lacks is refused; one that does not is loaded as Slicer loads it."""

from __future__ import annotations

import pytest

WIDGET = '<widget class="{kind}" name="top">{inside}</widget>'


@pytest.fixture
def load(started, tmp_path):
    """Load a .ui file with one widget."""
    import slicer

    def load_ui(kind: str, inside: str = "", after: str = ""):
        path = tmp_path / "panel.ui"
        path.write_text(f'<ui version="4.0">{WIDGET.format(kind=kind, inside=inside)}{after}</ui>', encoding="utf-8")
        return slicer.util.loadUI(str(path))

    return load_ui


def prop(name: str, value: str, fixed: str = "") -> str:
    """Return a property in a .ui file."""
    return f'<property name="{name}"{fixed}>{value}</property>'


def test_properties_of_slicers_widgets_are_set(load):
    inside = prop("nodeTypes", "<stringlist><string>vtkMRMLModelNode</string></stringlist>")
    box = load(
        "qMRMLNodeComboBox", inside + prop("noneEnabled", "<bool>true</bool>") + prop("toolTip", "<string>Hi</string>")
    )
    assert (box.nodeTypes, box.noneEnabled, box.toolTip) == (("vtkMRMLModelNode",), True, "Hi")


def test_enum_of_slicers_widget_is_set(load):
    value = "<enum>qSlicerMarkupsPlaceWidget::ForcePlaceMultipleMarkups</enum>"
    import slicer

    widget = load("qSlicerMarkupsPlaceWidget", prop("placeMultipleMarkups", value))
    assert widget.placeMultipleMarkups == slicer.qSlicerMarkupsPlaceWidget.ForcePlaceMultipleMarkups


def test_dynamic_property_is_kept(load):
    widget = load("QLabel", prop("SlicerParameterName", "<string>note</string>", ' stdset="0"'))
    assert widget.SlicerParameterName == "note"


def test_child_widgets_are_variables(load):
    import slicer

    inside = '<layout class="QVBoxLayout" name="rows"><item><widget class="QLabel" name="shown"/></item></layout>'
    ui = slicer.util.childWidgetVariables(load("qMRMLWidget", inside))
    assert ui.shown.className() == "QLabel"


@pytest.mark.parametrize(
    ("kind", "inside", "reason"),
    [
        ("qMRMLNodeComboBoks", "", "a class that desktop Slicer has not"),
        ("QLabell", "", "Qt has no such class"),
        ("qMRMLNodeComboBox", prop("noneEnable", "<bool>true</bool>"), "no property 'noneEnable'"),
        ("QLabel", prop("txt", "<string>x</string>"), "no property 'txt'"),
        ("qSlicerMarkupsPlaceWidget", prop("placeMultipleMarkups", "<enum>X::Always</enum>"), "no enum value"),
    ],
)
def test_what_slicer_lacks_is_refused(load, kind, inside, reason):
    with pytest.raises(Exception, match=reason):
        load(kind, inside)


@pytest.mark.parametrize(
    ("signal", "slot", "reason"),
    [
        ("mrmlSceneChanged(vtkMRMLScene)", "setMRMLScene(vtkMRMLScene*)", "no signal"),
        ("mrmlSceneChanged(vtkMRMLScene*)", "setScene(vtkMRMLScene*)", "no slot"),
    ],
)
def test_connection_that_slicer_cannot_make_is_refused(load, signal, slot, reason):
    after = (
        f"<connections><connection><sender>top</sender><signal>{signal}</signal>"
        f"<receiver>top</receiver><slot>{slot}</slot></connection></connections>"
    )
    with pytest.raises(Exception, match=reason):
        load("qMRMLWidget", after=after)


def test_scene_is_handed_on_by_the_connections(load):
    import slicer

    inside = (
        '<layout class="QVBoxLayout" name="rows"><item><widget class="qMRMLNodeComboBox" name="box"/></item></layout>'
    )
    after = (
        "<connections><connection><sender>top</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>"
        "<receiver>box</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot></connection></connections>"
    )
    top = load("qMRMLWidget", inside, after)
    assert not top.box.enabled
    top.setMRMLScene(slicer.mrmlScene)
    assert top.box.enabled
    assert top.box.mrmlScene() is slicer.mrmlScene
