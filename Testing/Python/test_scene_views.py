"""What a person sees: real slice and 3-D views drawn without a screen, before and after a click."""

from __future__ import annotations

import numpy as np
import pytest
import scene_world
from fake_engine import LIVER, SPLEEN
from scene_views import Views, save
from scene_world import SceneWorld


@pytest.fixture
def seen() -> tuple[SceneWorld, Views]:
    world = SceneWorld()
    world.annotator.segment([LIVER, SPLEEN])
    world.settle()
    for node in world.annotator.markups.nodes.values():
        node.GetDisplayNode().SetVisibility(False)  # only voxels and surfaces count here
    world.annotator.surfaces.show()
    world.settle()
    views = Views(scene_world.APPS[-1], world.volume_node)
    views.show_slice(6.0)
    views.look_at((0, 27), (0, 23), (0, 19))
    return world, views


def colored(picture: np.ndarray, color: tuple[float, float, float]) -> np.ndarray:
    """Pixels whose hue is that of a colour (2-D blends it with the scan, 3-D shades it)."""
    wanted = np.asarray(color) / np.linalg.norm(color)
    pixels = picture.astype(float)
    length = np.linalg.norm(pixels, axis=-1)
    return (pixels @ wanted > 0.985 * length) & (length > 40)


def test_the_slice_view_follows_a_click_at_once_and_undo(seen: tuple[SceneWorld, Views]):
    world, views = seen
    liver = world.session.annotation.of_class(LIVER)
    color = world.annotator.segments.color(liver)
    world.annotator.select(liver)
    before = views.draw()
    world.click((6, 14, 18))
    for _ in range(3):
        world.annotator.pump()
    world.annotator.accept()
    after = views.draw()
    save("slice_before_after", before, after)
    assert colored(after, color).sum() > 1.1 * colored(before, color).sum() > 0
    world.annotator.undo()
    world.annotator.accept()
    assert np.abs(views.draw().astype(int) - before).max() <= 2


def test_the_difference_is_seen_in_green(seen: tuple[SceneWorld, Views]):
    world, views = seen
    world.annotator.select(world.session.annotation.of_class(LIVER))
    world.click((6, 14, 18))
    for _ in range(3):
        world.annotator.pump()
    shown = views.draw()
    world.annotator.difference.hide()
    hidden = views.draw()
    save("difference_shown_hidden", shown, hidden)
    greener = (shown[..., 1].astype(int) - shown[..., 0]) - (hidden[..., 1].astype(int) - hidden[..., 0])
    assert (greener > 30).sum() > 100


def test_the_3d_view_follows_a_moment_later_and_the_other_organ_looks_the_same(seen: tuple[SceneWorld, Views]):
    world, views = seen
    liver, spleen = (world.session.annotation.of_class(n) for n in (LIVER, SPLEEN))
    world.segmentation.GetSegment(spleen).SetColor(1.0, 1.0, 0.0)  # its own is too near to the background's
    before = views.draw_space()
    world.annotator.select(liver)
    world.click((6, 14, 18))
    world.settle()
    after = views.draw_space()
    save("space_before_after", before, after)
    of_liver, of_spleen = (world.annotator.segments.color(n) for n in (liver, spleen))
    assert colored(after, of_liver).sum() > 1.02 * colored(before, of_liver).sum() > 0
    others = colored(before, of_spleen)
    assert others.sum() > 50
    assert np.abs(after[others].astype(int) - before[others]).max() <= 3
