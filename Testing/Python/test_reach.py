"""A click that changes nothing far from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("slicer", reason="needs the scene extra")
from hypothesis import given, settings
from hypothesis import strategies as st
from scene_world import empty_scene, painted
from VISTA3DSegmentLib.edits import NOTHING, MaskCrop
from VISTA3DSegmentLib.prompts import Click
from VISTA3DSegmentLib.session.rules import Limits, within_reach
from VISTA3DSegmentLib.volume import Volume

SPACING = np.diag([0.5, 2.0, 3.0, 1.0])


@settings(deadline=None)
@given(
    at=st.tuples(*[st.floats(-30, 60, allow_nan=False)] * 3),
    reach=st.floats(1, 40, allow_nan=False),
)
def test_exactly_the_voxels_near_a_click_are_changed(at: tuple[float, float, float], reach: float) -> None:
    volume = Volume(np.zeros((12, 14, 30), np.int16), SPACING)
    whole = MaskCrop.of(np.ones(volume.shape_kji, np.bool_))
    found = within_reach(volume, [Click(at)], reach, NOTHING, whole).full(volume.shape_kji)
    k, j, i = np.indices(volume.shape_kji)
    squared = (0.5 * i - at[0]) ** 2 + (2.0 * j - at[1]) ** 2 + (3.0 * k - at[2]) ** 2
    sure = np.abs(squared - reach**2) > 1e-6
    assert (found == (squared <= reach**2))[sure].all()


def test_what_the_base_holds_far_away_stays_and_is_not_grown() -> None:
    volume = Volume(np.zeros((4, 4, 20), np.int16), np.eye(4))
    base = np.zeros(volume.shape_kji, np.bool_)
    base[:, :, 15:18] = True
    answer = np.zeros(volume.shape_kji, np.bool_)
    answer[:, :, 0:12] = True
    found = within_reach(volume, [Click((1, 1, 1))], 5.0, MaskCrop.of(base), MaskCrop.of(answer))
    full = found.full(volume.shape_kji)
    assert full[1, 1, 1:7].all()
    assert not full[1, 1, 7:15].any()
    assert full[:, :, 15:18].all()


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
