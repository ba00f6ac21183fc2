"""The host's mode in which the mouse places clicks."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("slicer", reason="needs the scene extra")
import slicer
from VISTA3DSegmentLib.scene.place_mode import PlaceMode


class Application:
    """A scene with the nodes of an application, and two lists of points."""

    def __init__(self) -> None:
        self.scene = slicer.vtkMRMLScene()
        self.interaction = self.scene.AddNewNodeByClass("vtkMRMLInteractionNode")
        self.selection = self.scene.AddNewNodeByClass("vtkMRMLSelectionNode")
        self.lists = {sign: self.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode") for sign in (True, False)}
        self.mode = PlaceMode(self.interaction, self.selection, self.lists)
        self.told: list[bool | None] = []
        self.mode.changed.connect(self.told.append)

    def other_tool(self) -> Any:
        node = self.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "ruler")
        self.selection.SetActivePlaceNodeID(node.GetID())
        self.interaction.SetCurrentInteractionMode(self.interaction.Place)
        return node


@pytest.mark.parametrize("positive", [True, False])
def test_the_mouse_places_points_of_one_list_until_it_is_stopped(positive: bool) -> None:
    host = Application()
    host.mode.start(positive)
    assert host.mode.sign is positive
    assert host.interaction.GetCurrentInteractionMode() == host.interaction.Place
    assert host.interaction.GetPlaceModePersistence()
    assert host.selection.GetActivePlaceNodeID() == host.lists[positive].GetID()
    host.mode.stop()
    assert host.mode.sign is None
    assert host.interaction.GetCurrentInteractionMode() == host.interaction.ViewTransform
    assert host.told == [positive, None]


def test_from_adding_to_removing_is_one_step() -> None:
    host = Application()
    host.mode.start(True)
    host.mode.start(False)
    assert host.told == [True, False]


def test_another_tool_that_takes_the_mouse_keeps_it() -> None:
    host = Application()
    host.mode.start(True)
    node = host.other_tool()
    assert host.mode.sign is None
    host.mode.close()
    assert host.selection.GetActivePlaceNodeID() == node.GetID()
    assert host.interaction.GetCurrentInteractionMode() == host.interaction.Place


def test_when_it_is_closed_the_mouse_is_free_and_nothing_is_told_any_more() -> None:
    host = Application()
    host.mode.start(True)
    host.mode.close()
    assert host.interaction.GetCurrentInteractionMode() == host.interaction.ViewTransform
    told = list(host.told)
    host.interaction.SetCurrentInteractionMode(host.interaction.Place)
    assert host.told == told


def test_a_list_of_ours_that_another_module_makes_active_takes_no_point() -> None:
    host = Application()
    host.selection.SetActivePlaceNodeID(host.lists[False].GetID())
    host.interaction.SetCurrentInteractionMode(host.interaction.Place)
    assert host.mode.sign is None
    assert host.selection.GetActivePlaceNodeID() is None


def test_after_the_mode_was_ended_by_the_hosts_own_button_our_lists_are_not_active() -> None:
    host = Application()
    host.mode.start(True)
    host.interaction.SetCurrentInteractionMode(host.interaction.ViewTransform)
    assert host.mode.sign is None
    assert host.selection.GetActivePlaceNodeID() is None
    host.mode.start(False)
    assert host.mode.sign is False
