"""A box drawn by the mouse in a real slice view of the page, by a drag from corner to corner."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("trame_slicer", reason="needs the app extra")
import scene_world
from scene_views import Views
from scene_world import SceneWorld
from VISTA3DSegmentLib.app.box_tool import BoxTool
from VISTA3DSegmentLib.app.click_tool import CLICK_PIXELS
from VISTA3DSegmentLib.prompts import Box
from VISTA3DSegmentLib.scene.picking import ras_of

FIRST, SECOND = (100, 200), (180, 120)


class Hand:
    """At the mouse of an axial view, while a box is drawn."""

    def __init__(self) -> None:
        self.world = SceneWorld()
        self.world.settle()
        self.app = next(app for app in scene_world.APPS if app.scene is self.world.scene)
        self.views = Views(self.app, self.world.volume_node)
        self.view = self.views.slice
        self.views.show_slice(6.0)
        self.views.draw()
        self.node: object | None = None
        BoxTool(self.view, lambda: self.node)

    def begin(self) -> None:
        self.node = self.world.annotator.draw_box()
        self.app.markups_logic.place_node(self.node, persistent=False)

    def event(self, name: str, xy: tuple[int, int]) -> None:
        interactor = self.view.interactor()
        interactor.SetEventInformation(*xy, 0, 0)
        interactor.InvokeEvent(name)

    def drag(self, start: tuple[int, int], *places: tuple[int, int]) -> None:
        self.event("MouseMoveEvent", start)
        self.event("LeftButtonPressEvent", start)
        for place in places:
            self.event("MouseMoveEvent", place)
        self.event("LeftButtonReleaseEvent", places[-1])

    def boxes(self) -> list[Box]:
        self.world.settle()
        found = (value.box for value in self.world.session.annotation.objects.values())
        return [box for box in found if box is not None]


@pytest.fixture
def hand() -> Hand:
    return Hand()


def test_a_drag_from_corner_to_corner_is_a_box_between_them(hand: Hand) -> None:
    hand.begin()
    hand.drag(FIRST, (120, 180), (150, 150), SECOND)
    (box,) = hand.boxes()
    corners = [ras_of(hand.view.get_view_node(), xy) for xy in (FIRST, SECOND)]
    assert np.allclose(box.ras_min[:2], np.min(corners, axis=0)[:2], atol=0.2)
    assert np.allclose(box.ras_max[:2], np.max(corners, axis=0)[:2], atol=0.2)
    assert box.ras_min[2] < 6.0 < box.ras_max[2]


def test_a_trembling_hand_has_placed_one_corner_only(hand: Hand) -> None:
    hand.begin()
    hand.drag(FIRST, (FIRST[0] + CLICK_PIXELS, FIRST[1]))
    assert hand.boxes() == []
    assert hand.world.annotator.boxes.nodes == {}


def test_a_drag_while_no_box_is_drawn_places_nothing(hand: Hand) -> None:
    hand.drag(FIRST, SECOND)
    assert hand.boxes() == []


def test_a_box_that_is_given_up_in_the_middle_of_the_drag_is_none(hand: Hand) -> None:
    hand.begin()
    hand.event("MouseMoveEvent", FIRST)
    hand.event("LeftButtonPressEvent", FIRST)
    hand.event("MouseMoveEvent", SECOND)
    hand.world.scene.RemoveNode(hand.node)
    hand.node = None
    hand.event("LeftButtonReleaseEvent", SECOND)
    assert hand.boxes() == []
