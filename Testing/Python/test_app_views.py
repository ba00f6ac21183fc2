"""What stands over the slice views: the sides of the patient, the place, and what is under the mouse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("trame_slicer", reason="needs the app extra")
import scene_world
from fake_engine import LIVER, SPLEEN, two_engines
from page_world import Page
from scene_views import NoScheduleRendering, SliceView, Views
from scene_world import SceneWorld, of
from VISTA3DSegmentLib.app.opening import Scan
from VISTA3DSegmentLib.app.pointer import Pointer
from VISTA3DSegmentLib.app.views import SliceWords, _tell_place
from VISTA3DSegmentLib.scene.nodes import keep_views_at_clicks
from VISTA3DSegmentLib.scene.picking import ras_of
from VISTA3DSegmentLib.scene.volumes import array_of, matrix_of
from VISTA3DSegmentLib.service import InProcess
from VISTA3DSegmentLib.volume import Volume
from VISTA3DSegmentLib.workspace import telling

AT = (220, 160)
"""A pixel far from the middle."""


@pytest.fixture
def views() -> Views:
    world = SceneWorld(ijk_to_ras=np.diag([1.0, 1.0, -1.0, 1.0]))
    return Views(scene_world.APPS[-1], world.volume_node)


def told(views: Views) -> SliceWords:
    words = SliceWords()
    _tell_place(views.slice, words)
    return words


@pytest.mark.parametrize(
    ("orientation", "sides", "place"),
    [("Axial", "RLAP", "I 8.0 mm"), ("Coronal", "RLSI", "P 8.0 mm"), ("Sagittal", "APSI", "L 8.0 mm")],
)
def test_a_slice_is_lettered_as_radiologists_hang_it(views: Views, orientation: str, sides: str, place: str) -> None:
    views.slice.set_orientation(orientation)
    views.slice.get_view_node().JumpSliceByOffsetting(-8.0, -8.0, -8.0)
    words = told(views)
    assert words.left + words.right + words.top + words.bottom == sides
    assert words.place == place


def test_letters_and_place_follow_a_slice_that_is_turned(views: Views) -> None:
    node = views.slice.get_view_node()
    upside_down = array_of(node.GetSliceToRAS()) @ np.diag([-1.0, 1.0, -1.0, 1.0])
    node.GetSliceToRAS().DeepCopy(matrix_of(upside_down))
    node.UpdateMatrices()
    views.slice.set_slice_value(8.0)  # along the slice's own axis, which leads down now
    words = told(views)
    assert (words.left, words.right, words.top, words.bottom, words.place) == ("L", "R", "A", "P", "I 8.0 mm")
    angle = np.radians(30)
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    node.SetOrientation("Axial")
    node.GetSliceToRAS().DeepCopy(matrix_of(turn @ array_of(node.GetSliceToRAS())))
    node.UpdateMatrices()
    words = told(views)
    assert (words.left, words.right, words.top, words.bottom) == ("R", "L", "AS", "PI")


def test_the_pointer_is_where_the_mouse_was_moved_and_in_the_slice_that_is_shown_now(views: Views) -> None:
    views.show_slice(-6.0)
    pointer, interactor = Pointer({"Axial": views.slice}), views.slice.interactor()
    assert pointer.place is None
    interactor.SetEventInformation(160, 160, 0, 0)
    interactor.InvokeEvent("MouseMoveEvent")
    name, first = pointer.place
    views.show_slice(-9.0)
    _, second = pointer.place
    assert name == "Axial"
    assert (first[2], second[2]) == pytest.approx((-6.0, -9.0))
    assert first[:2] == pytest.approx(second[:2])


@pytest.fixture
def page(tmp_path: Path) -> Page:
    page = Page(tmp_path, InProcess(two_engines()))
    page.workspace.annotator.segment([LIVER, SPLEEN])
    page.settle()
    return page


def under(page: Page, i: float, j: float, k: float) -> str:
    r, a, s = page.workspace.volume.ras_of((i, j, k))
    return telling.under(page.workspace, (r, a, s))


def test_what_is_under_the_mouse_is_named_with_its_grey_value(page: Page) -> None:
    assert under(page, 8, 8, 6) == f"liver  {10 * LIVER}"
    assert under(page, 8.4, 7.6, 6.4) == f"liver  {10 * LIVER}"
    assert under(page, 1, 1, 1) == "0"
    assert under(page, -2, 1, 1) == ""


def test_what_is_hidden_is_not_under_the_mouse(page: Page) -> None:
    page.workspace.set_visible(of(page.workspace.annotator, LIVER), False)
    assert under(page, 8, 8, 6) == str(10 * LIVER)


def test_grey_values_of_a_ct_are_told_in_hounsfield_units(tmp_path: Path) -> None:
    array = np.full((8, 8, 8), -1000.0, np.float32)
    array[4, 4, 4] = 61.6
    page = Page(tmp_path, InProcess(two_engines()), Scan(Volume(array, np.eye(4)), "air"))
    assert under(page, 4, 4, 4) == "62 HU"


def test_a_click_on_a_marker_moves_no_view() -> None:
    world, app = SceneWorld(), scene_world.APPS[-1]
    keep_views_at_clicks(app.scene)
    here = Views(app, world.volume_node)
    here.show_slice(6.0)
    coronal = SliceView(app.scene, app.app_logic, "Green", scheduled_render_strategy=NoScheduleRendering())
    coronal.set_orientation("Coronal")
    coronal.set_background_volume_id(world.volume_node.GetID())
    coronal.fit_view_to_content()
    world.annotator.new_structure("cyst")
    world.annotator.click(ras_of(here.slice.get_view_node(), AT))
    world.settle()
    here.draw()
    before = array_of(coronal.get_view_node().GetSliceToRAS()).copy()
    for event in ("MouseMoveEvent", "LeftButtonPressEvent", "LeftButtonReleaseEvent"):
        here.slice.interactor().SetEventInformation(*AT, 0, 0)
        here.slice.interactor().InvokeEvent(event)
    assert world.annotator.markups.dragging is False
    assert (array_of(coronal.get_view_node().GetSliceToRAS()) == before).all()
