"""A click that changes nothing far from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("slicer", reason="needs the scene extra")
from hypothesis import given, settings
from hypothesis import strategies as st
from scene_world import empty_scene, painted
from VISTA3DSegmentLib.session.rules import Limits
from VISTA3DSegmentLib.volume import Volume

A, B = (1.0, 1.0, 1.0), (12.0, 2.0, 1.0)
SPACING = np.diag([0.5, 2.0, 3.0, 1.0])


@settings(deadline=None)
@given(
    at=st.tuples(*[st.floats(-30, 60, allow_nan=False)] * 3),
    reach=st.floats(1, 40, allow_nan=False),
)
def test_exactly_the_voxels_near_a_place_are_told(at: tuple[float, float, float], reach: float) -> None:
    volume = Volume(np.zeros((12, 14, 30), np.int16), SPACING)
    part = slice(2, 11), slice(0, 14), slice(3, 30)
    found = volume.voxels_near([at], reach, part)
    k, j, i = (index[part] for index in np.indices(volume.shape_kji))
    squared = (0.5 * i - at[0]) ** 2 + (2.0 * j - at[1]) ** 2 + (3.0 * k - at[2]) ** 2
    sure = np.abs(squared - reach**2) > 1e-6
    assert (found == (squared <= reach**2))[sure].all()


def test_of_several_places_the_nearest_counts() -> None:
    volume = Volume(np.zeros((4, 4, 20), np.int16), np.eye(4))
    part = slice(0, 4), slice(0, 4), slice(0, 20)
    one, other, both = (volume.voxels_near(places, 3.0, part) for places in ([A], [B], [A, B]))
    np.testing.assert_array_equal(both, one | other)
    assert not volume.voxels_near([], 3.0, part).any()


def test_limits_of_before_the_reach_are_read_from_a_journal() -> None:
    words = Limits(reach_mm=12.0).to_json()
    assert Limits.from_json(words).reach_mm == 12.0
    del words["reach_mm"]
    assert Limits.from_json(words).reach_mm is None


def test_a_click_in_the_scene_keeps_to_its_reach(tmp_path: Path) -> None:
    from fake_engine import FakeEngine
    from scene_world import add_volume
    from VISTA3DSegmentLib.scene.annotator import SceneAnnotator
    from VISTA3DSegmentLib.service import InProcess

    scene = empty_scene()
    annotator = SceneAnnotator(scene, add_volume(scene, painted()), InProcess(FakeEngine()))
    object_id = annotator.new_structure("cyst")
    annotator.reach_mm = 2.0
    annotator.click((6.0, 8.0, 6.0))
    for _ in range(50):
        annotator.pump()
    near = annotator.segments.read(object_id).full(painted().shape)
    assert 0 < near.sum() < (painted() > 0).sum()
    assert set(np.abs(np.argwhere(near) - (6, 8, 6)).max(axis=0)) == {2}
