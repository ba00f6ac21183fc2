"""Boxes by the mouse in a real slice view: drawn, and dragged by their handles."""

from __future__ import annotations

import numpy as np
import pytest
import scene_world
import slicer
from scene_views import Views, save
from scene_world import SceneWorld
from VISTA3DSegmentLib.prompts import Ras
from VISTA3DSegmentLib.scene.volumes import array_of

SLICE_MM = 6.0


class Mouse:
    """A hand at a slice view."""

    def __init__(self, world: SceneWorld, views: Views) -> None:
        self._world, self._views = world, views
        self._interactor = views.slice.render_window().GetInteractor()
        node = world.scene.GetFirstNodeByClass("vtkMRMLSliceNode")
        self._ras_to_xy = np.linalg.inv(array_of(node.GetXYToRAS()))

    def move(self, ras: Ras) -> None:
        self._send("MouseMoveEvent", ras)
        self._world.clock.seconds += 1.0
        self._world.annotator.pump()
        self._views.draw()

    def press(self, ras: Ras) -> None:
        self._send("LeftButtonPressEvent", ras)

    def release(self, ras: Ras) -> None:
        self._send("LeftButtonReleaseEvent", ras)

    def pixel(self, ras: Ras) -> tuple[int, int]:
        x, y, *_ = self._ras_to_xy @ (*ras, 1.0)
        return round(x), round(y)

    def _send(self, event: str, ras: Ras) -> None:
        self._interactor.SetEventInformation(*self.pixel(ras), 0, 0)
        getattr(self._interactor, event)()


@pytest.fixture
def hand() -> tuple[SceneWorld, Views, Mouse]:
    world = SceneWorld()
    world.settle()
    views = Views(scene_world.APPS[-1], world.volume_node)
    views.show_slice(SLICE_MM)
    return world, views, Mouse(world, views)


def test_a_face_of_the_box_is_dragged_and_that_is_one_step(hand: tuple[SceneWorld, Views, Mouse]):
    world, views, mouse = hand
    lesion = world.annotator.box((5.0, 3.0, 2.0), (16.0, 13.0, 10.0))
    world.settle()
    before, steps = views.draw(), len(world.session.history.done)
    mouse.move((20.0, 8.0, SLICE_MM))
    mouse.move((16.0, 8.0, SLICE_MM))
    mouse.press((16.0, 8.0, SLICE_MM))
    for right in (17.0, 18.5, 20.0):
        mouse.move((right, 8.0, SLICE_MM))
    assert world.annotator.boxes.dragging
    assert world.voxels(lesion)[6, 8, 18], "the answer follows the hand"
    mouse.release((20.0, 8.0, SLICE_MM))
    world.settle()
    save("box_before_and_after_drag", before, views.draw())
    box = world.session.annotation[lesion].box
    assert box.ras_min == pytest.approx((5.0, 3.0, 2.0), abs=1e-3)
    assert box.ras_max == pytest.approx((20.0, 13.0, 10.0), abs=0.3)
    assert len(world.session.history.done) == steps + 1
    world.annotator.undo()
    assert world.session.annotation[lesion].box.ras_max == (16.0, 13.0, 10.0)


def test_the_handles_of_a_box_leave_to_be_seen_what_it_holds(hand: tuple[SceneWorld, Views, Mouse]):
    world, views, mouse = hand
    lesion = world.annotator.box((5.0, 3.0, 2.0), (16.0, 13.0, 10.0))
    world.settle()
    mouse.move((20.0, 8.0, SLICE_MM))
    views.look_at((5.0, 16.0), (3.0, 13.0), (2.0, 10.0))
    views.draw(), views.draw_space()
    with_box = views.draw(), views.draw_space()
    world.annotator.boxes.nodes[lesion].GetDisplayNode().SetVisibility(False)
    without = views.draw(), views.draw_space()
    save("box_handles", with_box[0], without[0])
    hidden = (with_box[0] != without[0]).any(-1)
    beyond = mouse.pixel((16.0, 8.0, SLICE_MM))[0] - np.flatnonzero(hidden.any(0))[0]
    assert 2 < beyond < 6, "half a handle, in pixels"
    assert np.array_equal(with_box[1], without[1]), "over the surface"


def test_a_box_is_drawn_by_two_clicks_in_the_hosts_mode_for_placing(hand: tuple[SceneWorld, Views, Mouse]):
    world, views, mouse = hand
    lesion = world.annotator.new_structure("cyst")
    logic = scene_world.APPS[-1].app_logic
    selection, interaction = logic.GetSelectionNode(), logic.GetInteractionNode()
    selection.SetReferenceActivePlaceNodeClassName("vtkMRMLMarkupsROINode")
    selection.SetActivePlaceNodeID(world.annotator.draw_box().GetID())
    interaction.SetPlaceModePersistence(0)
    interaction.SetCurrentInteractionMode(slicer.vtkMRMLInteractionNode.Place)
    first, second = (18.0, 4.0, SLICE_MM), (25.0, 12.0, SLICE_MM)
    for corner in (first, second):
        mouse.move(corner)
        mouse.press(corner)
        assert world.session.annotation[lesion].box is None
        mouse.release(corner)
    world.settle()
    save("box_drawn", views.draw())
    box = world.session.annotation[lesion].box
    assert box.ras_min[:2] == pytest.approx(first[:2], abs=0.2)
    assert box.ras_max[:2] == pytest.approx(second[:2], abs=0.2)
    assert box.ras_min[2] < SLICE_MM < box.ras_max[2]
    assert world.voxels(lesion)[6, 8, 20]
    assert interaction.GetCurrentInteractionMode() != slicer.vtkMRMLInteractionNode.Place
