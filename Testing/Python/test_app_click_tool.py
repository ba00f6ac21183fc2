"""The mouse in a real slice view, drawn without a screen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("trame_slicer", reason="needs the app extra")
from scene_views import Views
from scene_world import APPS, SceneWorld
from VISTA3DSegmentLib.app.click_tool import CLICK_PIXELS, ClickTool
from VISTA3DSegmentLib.scene.picking import MARKER_PIXELS, marker_at, ras_of


class Mouse:
    """A hand on the mouse of an axial view through the painted liver."""

    def __init__(self) -> None:
        self.world = SceneWorld()
        self.world.settle()
        self.views = Views(next(app for app in APPS if app.scene is self.world.scene), self.world.volume_node)
        self.view = self.views.slice
        self.views.show_slice(6.0)
        self.views.draw()
        self.clicked: list[tuple[Any, bool]] = []
        self.holds_marker = False
        self.dragged: list[tuple[int, int]] = []
        ClickTool(
            self.view,
            lambda: self.holds_marker or self.world.annotator.boxes.dragging,
            lambda: self.world.annotator.boxes.hovered,
            lambda ras, ctrl: self.clicked.append((ras, ctrl)),
            lambda right, up: self.dragged.append((right, up)),
        )

    def event(self, name: str, xy: tuple[int, int], ctrl: bool = False, shift: bool = False) -> None:
        interactor = self.view.interactor()
        interactor.SetEventInformation(*xy, int(ctrl), int(shift))
        interactor.InvokeEvent(name)

    def click(self, down: tuple[int, int], up: tuple[int, int] | None = None, ctrl: bool = False) -> None:
        self.event("LeftButtonPressEvent", down, ctrl)
        self.event("LeftButtonReleaseEvent", up or down, ctrl)


@pytest.fixture
def mouse() -> Mouse:
    return Mouse()


def test_a_click_is_where_the_slice_view_draws_it(mouse: Mouse) -> None:
    mouse.click((160, 160))
    mouse.click((180, 160), ctrl=True)
    (first, first_ctrl), (second, second_ctrl) = mouse.clicked
    assert (first_ctrl, second_ctrl) == (False, True)
    assert first[2] == pytest.approx(6.0)
    assert first[0] > second[0], "to the right of the view is the patient's left"
    assert first[1] == pytest.approx(second[1])


def test_a_trembling_hand_clicks_and_a_drag_does_not(mouse: Mouse) -> None:
    mouse.click((160, 160), (160 + CLICK_PIXELS, 160))
    assert len(mouse.clicked) == 1
    mouse.click((160, 160), (160 + CLICK_PIXELS + 1, 160))
    assert len(mouse.clicked) == 1


def test_a_drag_is_told_as_it_goes_and_is_no_click_though_it_comes_back(mouse: Mouse) -> None:
    mouse.event("LeftButtonPressEvent", (160, 160))
    for xy in ((160 + CLICK_PIXELS, 160), (170, 165), (165, 150), (161, 160)):
        mouse.event("MouseMoveEvent", xy)
    mouse.event("LeftButtonReleaseEvent", (161, 160))
    mouse.event("MouseMoveEvent", (180, 180))
    assert mouse.dragged == [(10, 5), (-5, -15), (-4, 10)]
    assert mouse.clicked == []
    mouse.click((160, 160))
    assert len(mouse.clicked) == 1


@pytest.mark.parametrize("held", ["ctrl", "shift"])
def test_a_drag_with_a_key_is_the_hosts(mouse: Mouse, held: str) -> None:
    mouse.event("LeftButtonPressEvent", (160, 160), **{held: True})
    mouse.event("MouseMoveEvent", (180, 160), **{held: True})
    assert mouse.dragged == []


def test_a_marker_in_the_hosts_hand_is_no_click(mouse: Mouse) -> None:
    mouse.holds_marker = True
    mouse.click((160, 160))
    mouse.event("LeftButtonPressEvent", (160, 160))
    mouse.event("MouseMoveEvent", (180, 160))
    assert mouse.clicked == []
    assert mouse.dragged == []


@pytest.fixture
def boxed(mouse: Mouse) -> Mouse:
    """Over the middle of a box of a lesion's size: its handles cover it."""
    corners = [ras_of(mouse.view.get_view_node(), xy) for xy in ((150, 149), (170, 171))]
    low, high = np.min(corners, 0), np.max(corners, 0)
    mouse.world.annotator.box((low[0], low[1], 2.0), (high[0], high[1], 10.0))
    mouse.world.settle()
    mouse.views.draw()
    return mouse


def sole_box(mouse: Mouse) -> Any:
    (value,) = mouse.world.session.annotation.objects.values()
    return value.box


@pytest.mark.parametrize("xy", [(160, 160), (150, 160), (160, 149), (152, 152)])
def test_a_click_on_a_handle_of_a_box_is_one_on_the_organ(boxed: Mouse, xy: tuple[int, int]) -> None:
    before = sole_box(boxed)
    boxed.event("MouseMoveEvent", xy)
    boxed.click(xy)
    boxed.world.settle()
    ((ras, _),) = boxed.clicked
    assert np.allclose(ras, ras_of(boxed.view.get_view_node(), xy))
    assert sole_box(boxed) == before
    assert not boxed.world.annotator.boxes.dragging


def test_a_drag_of_a_box_or_its_outline_changes_no_grey_values(boxed: Mouse) -> None:
    before = sole_box(boxed)
    for start in ((150, 149), (150, 160)):  # at a corner the host takes the outline, which it does not move
        for name, xy in (("MouseMove", start), ("LeftButtonPress", start), ("MouseMove", (140, 160)),
                         ("MouseMove", (130, 160)), ("LeftButtonRelease", (130, 160))):  # fmt: skip
            boxed.event(f"{name}Event", xy)
    boxed.world.settle()
    assert boxed.dragged == boxed.clicked == []
    assert sole_box(boxed) != before


def test_a_hand_that_trembles_on_a_handle_moves_the_box_and_clicks_nowhere(boxed: Mouse) -> None:
    before = sole_box(boxed)
    for name, xy in (("MouseMove", (150, 160)), ("LeftButtonPress", (150, 160)), ("MouseMove", (148, 160)),
                     ("LeftButtonRelease", (148, 160))):  # fmt: skip
        boxed.event(f"{name}Event", xy)
    boxed.world.settle()
    assert boxed.clicked == []
    assert sole_box(boxed) != before


def test_the_marker_under_the_mouse_is_found_in_its_own_slice_only(mouse: Mouse) -> None:
    annotator = mouse.world.annotator
    annotator.new_structure("cyst")
    annotator.click(ras_of(mouse.view.get_view_node(), (160, 160)))
    mouse.world.settle()
    (click_id,) = annotator.markups.clicks().values()
    assert marker_at(mouse.view.get_view_node(), (160, 160 + MARKER_PIXELS - 1), annotator.markups) == click_id
    assert marker_at(mouse.view.get_view_node(), (160, 160 + MARKER_PIXELS + 1), annotator.markups) is None
    mouse.views.show_slice(9.0)
    assert marker_at(mouse.view.get_view_node(), (160, 160), annotator.markups) is None


def test_the_host_tells_which_marker_its_mouse_holds(mouse: Mouse) -> None:
    # The host's own event carries no number; then the active control point is meant.
    annotator = mouse.world.annotator
    annotator.new_structure("cyst")
    annotator.click(ras_of(mouse.view.get_view_node(), (160, 160)))
    mouse.world.settle()
    mouse.views.draw()
    for xy in ((150, 160), (160, 160)):
        mouse.event("MouseMoveEvent", xy)
    mouse.event("LeftButtonPressEvent", (160, 160))
    assert annotator.markups.dragging
    mouse.holds_marker = True  # as the desk finds it
    for x in (165, 170, 180):
        mouse.event("MouseMoveEvent", (x, 160))
    mouse.event("LeftButtonReleaseEvent", (180, 160))
    mouse.world.settle()
    assert not annotator.markups.dragging
    assert mouse.dragged == []
    (placed,) = next(iter(annotator.session.annotation.objects.values())).clicks
    assert np.allclose(placed.click.ras, ras_of(mouse.view.get_view_node(), (180, 160)), atol=1.0)
    assert [step.name for step in annotator.session.history.done][-1] == "move click of cyst"
    assert sum(step.name.startswith("move") for step in annotator.session.history.done) == 1


def test_a_click_that_begins_while_the_host_has_the_mouse_is_none_also_if_that_ends_before_it(mouse: Mouse) -> None:
    mouse.holds_marker = True
    mouse.event("LeftButtonPressEvent", (160, 160))
    mouse.holds_marker = False  # as when the second corner of a box was placed
    mouse.event("LeftButtonReleaseEvent", (160, 160))
    assert mouse.clicked == []
