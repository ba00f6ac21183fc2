"""The last change, looked at."""

from __future__ import annotations

import pytest

pytest.importorskip("trame_slicer", reason="needs the app extra")
from scene_world import corrected
from VISTA3DSegmentLib.workspace.before_after import BeforeAfter


@pytest.mark.parametrize("visible", [True, False])
def test_a_segment_is_shown_again_only_if_it_was_shown_before(visible: bool) -> None:
    world, liver = corrected()
    before_after = BeforeAfter(world.annotator)
    world.click((4, 2, 2))
    world.settle()
    display = world.annotator.segmentation_node.GetDisplayNode()
    display.SetSegmentVisibility(liver, visible)
    assert before_after.toggle()
    assert not display.GetSegmentVisibility(liver)
    assert not before_after.toggle()
    assert bool(display.GetSegmentVisibility(liver)) is visible


def test_what_the_last_change_added_is_not_shown_over_how_it_was_before() -> None:
    world, _ = corrected()
    before_after = BeforeAfter(world.annotator)
    world.click((4, 2, 2))
    while not world.annotator.difference.fading:
        world.annotator.pump()
    overlay = world.annotator.difference.node.GetDisplayNode()
    assert overlay.GetVisibility()
    assert before_after.toggle()
    world.annotator.pump()
    assert not overlay.GetVisibility()
