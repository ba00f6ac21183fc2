"""The grid, its bending, and the painting of strokes."""

from __future__ import annotations

import numpy as np
import pytest
from VISTA3DSegmentLib.learning import phantom_canvas
from VISTA3DSegmentLib.learning.phantom_body import Chance, Stroke, Tissue, make_body
from VISTA3DSegmentLib.learning.phantom_canvas import Bending, Canvas, Grid, doubled
from VISTA3DSegmentLib.learning.phantom_shapes import ellipsoid

GRID = Grid((100.0, 80.0, 40.0), (3.0, 4.0, 5.0), (20, 40, 60))


def canvas(seed: int = 0, grid: Grid = GRID) -> Canvas:
    chance = Chance(np.random.default_rng(seed))
    return Canvas(grid, make_body(chance), Bending.random(chance))


def balls(count: int = 150) -> list[Stroke]:
    """Balls of all sizes all over the grid and a little beyond."""
    rng = np.random.default_rng(7)
    places, radii = rng.uniform((-110, -110, 20), (130, 110, 150), (count, 3)), rng.uniform(4, 30, count)
    return [
        Stroke(ellipsoid((r, a, s), (radius,) * 3), Tissue.SOFT, 1 + n % 200)
        for n, ((r, a, s), radius) in enumerate(zip(places, radii, strict=True))
    ]


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_no_voxel_of_a_shape_is_missed_where_the_body_is_bent(seed, monkeypatch):
    """The small search boxes of small shapes find what boxes with a margin for the largest bending find."""
    quick = canvas(seed)
    quick.paint(balls())
    monkeypatch.setattr(phantom_canvas, "_STEEPEST", 1e6)
    careful = canvas(seed)
    careful.paint(balls())
    assert np.array_equal(quick.labels, careful.labels)
    assert len(np.unique(quick.labels)) > 60


def test_the_bending_is_smooth_and_never_larger_than_it_says():
    bending = Bending.random(Chance(np.random.default_rng(3)))
    axis = np.arange(-100, 100, 4, dtype=np.float32)
    moved = bending.at(axis, axis, axis + 200)
    assert 1 < np.abs(moved).max() <= bending.largest_mm
    assert max(float(np.abs(np.diff(moved, axis=n)).max()) for n in (1, 2, 3)) / 4 < 0.8


def test_fine_voxels_fill_the_space_of_the_coarse_ones():
    for coarse, fine in zip(GRID.axes_mm(), GRID.refined(2).axes_mm(), strict=True):
        assert np.allclose(fine.reshape(-1, 2).mean(axis=1), coarse, atol=1e-3)


def test_the_matrix_places_voxels_where_the_axes_do():
    r, a, s = GRID.axes_mm()
    assert np.allclose((GRID.ijk_to_ras @ [5, 7, 9, 1])[:3], (r[5], a[7], s[9]))


def test_a_stroke_paints_only_over_what_it_may():
    painted = canvas()
    before = painted.tissue.copy()
    painted.paint([Stroke(ellipsoid((0, 0, 90), (60, 60, 30)), Tissue.METAL, 9, (Tissue.VISCERAL_FAT,))])
    metal = painted.tissue == Tissue.METAL
    assert metal.any()
    assert (before[metal] == Tissue.VISCERAL_FAT).all()
    assert np.array_equal(painted.labels == 9, metal)


def test_the_core_of_a_bone_lies_inside_its_cortex():
    painted = canvas()
    bone = Stroke(ellipsoid((0, 0, 90), (30, 30, 30)), Tissue.CORTICAL_BONE, 9, core=Tissue.SPONGY_BONE, core_mm=8.0)
    painted.paint([bone])
    core, whole = painted.tissue == Tissue.SPONGY_BONE, painted.labels == 9
    assert 0 < core.sum() < 0.6 * whole.sum()
    assert (whole | ~core).all()


@pytest.mark.parametrize("count", [8, 9])
def test_a_doubled_field_keeps_what_is_known_and_halves_the_rest(count):
    line = np.arange(count, dtype=np.float32)
    whole = np.broadcast_to(line[:, None, None], (count, count, count)) + 2 * line[None, :, None] + 4 * line
    fine = doubled(np.ascontiguousarray(whole[::2, ::2, ::2]), (count, count, count))
    inner = (slice(0, 8 if count == 9 else 7),) * 3
    assert np.allclose(fine[inner], whole[inner])
