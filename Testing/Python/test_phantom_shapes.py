"""Implicit shapes: their depth, their bounding boxes, and how they are put together."""

from __future__ import annotations

import math

import numpy as np
import pytest
from VISTA3DSegmentLib.learning.phantom_shapes import Points, Shape, blend, capsule, curve, ellipsoid, tube


def grid(half_mm: float = 60.0, step_mm: float = 2.0) -> Points:
    axis = np.arange(-half_mm, half_mm + step_mm, step_mm, dtype=np.float32)
    r, a, s = np.meshgrid(axis, axis, axis, indexing="ij")
    return Points(r, a, s, np.full_like(r, 50), np.full_like(r, -50))


def volume_mm3(shape: Shape, step_mm: float = 1.37) -> float:
    return float((shape.depth(grid(step_mm=step_mm)) > 0).sum()) * step_mm**3


def test_a_ball_knows_how_deep_a_point_lies():
    ball = ellipsoid((0, 0, 0), (20, 20, 20))
    depth = ball.depth(grid())
    middle = depth.shape[0] // 2
    assert depth[middle, middle, middle] == pytest.approx(20, abs=1e-3)
    assert depth[middle + 5, middle, middle] == pytest.approx(10, abs=1e-3)
    assert depth[middle + 15, middle, middle] == pytest.approx(-10, abs=1e-3)


def test_volumes_are_those_of_geometry():
    assert volume_mm3(ellipsoid((3, 0, 0), (30, 20, 10), (20, 30, 40))) == pytest.approx(
        4 / 3 * math.pi * 6000, rel=0.03
    )
    assert volume_mm3(capsule((-20, 0, 0), (20, 0, 0), 8, 8)) == pytest.approx(
        math.pi * 64 * 40 + 4 / 3 * math.pi * 512, rel=0.03
    )


SHAPES = {
    "tilted ellipsoid": ellipsoid((5, -8, 3), (35, 20, 8), (25, -40, 60)),
    "tilted box": ellipsoid((0, 0, 0), (25, 18, 12), (30, 10, 45), boxy=True),
    "stretched capsule": capsule((-20, -10, 5), (15, 20, -5), 4, 9, (1.5, 1, 2)),
    "blend": blend(ellipsoid((-15, 0, 0), (18, 18, 18)), ellipsoid((15, 0, 0), (18, 12, 12)), 10),
    "wavy": ellipsoid((0, 0, 0), (25, 25, 25)).wavy(4, 20, 1.0),
    "difference": ellipsoid((0, 0, 0), (25, 25, 25)) - ellipsoid((20, 0, 0), (20, 20, 20)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_nothing_of_a_shape_lies_outside_its_box(name):
    shape, points = SHAPES[name], grid()
    inside = shape.depth(points) > 0
    assert inside.any()
    for place, low, high in zip((points.r, points.a, points.s), shape.low, shape.high, strict=True):
        assert low <= place[inside].min()
        assert place[inside].max() <= high


def test_a_blend_fills_the_notch_between_two_shapes():
    one, two = ellipsoid((-15, 0, 0), (18, 18, 18)), ellipsoid((15, 0, 0), (18, 18, 18))
    assert volume_mm3(blend(one, two, 12)) > volume_mm3(one | two) * 1.02


def test_a_curve_runs_through_its_points():
    nodes = [(0, 0, 0, 5), (10, 20, 0, 6), (40, 20, 10, 3)]
    rows = curve(nodes, 3.0)
    for node in nodes:
        assert np.abs(rows - np.array(node)).max(axis=1).min() < 1e-9


def test_a_tube_has_no_gaps():
    pieces = tube([(-40, 0, 0, 5), (0, 25, 10, 5), (40, 0, 0, 5)])
    points = grid()
    inside = np.max([piece.depth(points) for piece in pieces], axis=0) > 0
    assert inside.any(axis=(1, 2))[12:-12].all()
