"""Implicit shapes: how deep points lie inside an ellipsoid, a tube, a blend. Lengths in mm of the standard body.

A shape knows its bounding box and answers, for many points at once, how deep they lie inside (positive) or outside
(negative). The depth is exact for balls and capsules and roughly in mm for the rest: enough to paint and blend.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Vector: TypeAlias = tuple[float, float, float]
"""A position or extent along (right, anterior, superior), in mm."""

FAR_MM = 1e4


@dataclass(frozen=True, eq=False)
class Points:
    """Places in the standard body, as arrays of one shape.

    Args:
        r, a, s: position to the right, anterior and superior, mm.
        wall: depth inside the wall of the trunk's cavity, along the ray from its axis, mm; negative in and beyond it.
        below: height under the diaphragm, mm; negative above it.
    """

    r: Float32
    a: Float32
    s: Float32
    wall: Float32
    below: Float32

    def within(self, box: tuple[slice, slice, slice]) -> Points:
        """The points of a box, without a copy."""
        return Points(self.r[box], self.a[box], self.s[box], self.wall[box], self.below[box])


Depth = Callable[[Points], npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Shape:
    """A region of space: ``depth`` is positive inside; nothing of it lies outside the box from ``low`` to ``high``."""

    low: Vector
    high: Vector
    depth: Depth

    def __and__(self, other: Shape) -> Shape:
        return Shape(
            _each(max, self.low, other.low),
            _each(min, self.high, other.high),
            lambda points: np.minimum(self.depth(points), other.depth(points)),
        )

    def __or__(self, other: Shape) -> Shape:
        return Shape(
            _each(min, self.low, other.low),
            _each(max, self.high, other.high),
            lambda points: np.maximum(self.depth(points), other.depth(points)),
        )

    def __sub__(self, other: Shape) -> Shape:
        return Shape(self.low, self.high, lambda points: np.minimum(self.depth(points), -other.depth(points)))

    def grown(self, mm: float) -> Shape:
        """The shape with its surface moved outwards (or inwards, if negative)."""
        low, high = self.low, self.high
        return Shape(
            (low[0] - mm, low[1] - mm, low[2] - mm),
            (high[0] + mm, high[1] + mm, high[2] + mm),
            lambda points: self.depth(points) + np.float32(mm),
        )

    def wavy(self, mm: float, wavelength_mm: float, phase: float) -> Shape:
        """The shape with a surface that bulges in and out by up to ``mm``: lobules, haustra, uneven tumours."""
        wave = np.float32(2 * math.pi / wavelength_mm)

        def depth(points: Points) -> Float32:
            ripple = np.sin(points.r * wave + np.float32(phase)) + np.sin(points.a * wave + np.float32(2.1 * phase))
            ripple += np.sin(points.s * wave + np.float32(3.7 * phase)) + np.sin(
                (points.r + points.a - points.s) * (wave * np.float32(0.73)) + np.float32(5.3 * phase)
            )
            return np.asarray(self.depth(points) + ripple * np.float32(mm / 3), np.float32)

        box = self.grown(1.4 * mm)
        return Shape(box.low, box.high, depth)


def _each(choose: Callable[[float, float], float], first: Vector, second: Vector) -> Vector:
    return choose(first[0], second[0]), choose(first[1], second[1]), choose(first[2], second[2])


def where(depth: Depth) -> Shape:
    """An unbounded region, to be intersected with a bounded shape."""
    return Shape((-FAR_MM, -FAR_MM, -FAR_MM), (FAR_MM, FAR_MM, FAR_MM), depth)


def box_of(low: Vector, high: Vector) -> Shape:
    """The box between two corners."""

    def depth(points: Points) -> Float32:
        inside = np.minimum(points.r - np.float32(low[0]), np.float32(high[0]) - points.r)
        inside = np.minimum(inside, np.minimum(points.a - np.float32(low[1]), np.float32(high[1]) - points.a))
        inside = np.minimum(inside, np.minimum(points.s - np.float32(low[2]), np.float32(high[2]) - points.s))
        return np.asarray(inside, np.float32)

    return Shape(low, high, depth)


def inside_wall(mm: float) -> Shape:
    """What lies at least this deep inside the wall of the trunk's cavity."""
    return where(lambda points: points.wall - np.float32(mm))


def below_diaphragm(mm: float) -> Shape:
    """What lies at least this far below the diaphragm."""
    return where(lambda points: points.below - np.float32(mm))


def above_diaphragm(mm: float) -> Shape:
    """What lies at least this far above the diaphragm."""
    return where(lambda points: -points.below - np.float32(mm))


def blend(first: Shape, second: Shape, mm: float) -> Shape:
    """The union of two shapes with a smooth fillet of about ``mm`` where they meet."""
    union = (first | second).grown(mm / 4)

    def depth(points: Points) -> Float32:
        one, two = first.depth(points), second.depth(points)
        overlap = np.maximum(np.float32(mm) - np.abs(one - two), np.float32(0))
        return np.asarray(np.maximum(one, two) + overlap * overlap * np.float32(0.25 / mm), np.float32)

    return Shape(union.low, union.high, depth)


def ellipsoid(centre: Vector, radii: Vector, tilt_degrees: Vector = (0.0, 0.0, 0.0), boxy: bool = False) -> Shape:
    """An ellipsoid, or a superellipsoid of the fourth power.

    Args:
        centre: its middle.
        radii: half axes before the tilt.
        tilt_degrees: rotation about the right, anterior and superior axes, in this order.
        boxy: flat faces and rounded edges, as a vertebral body has.
    """
    turn = _rotation(tilt_degrees)
    rows = (turn.T / np.array(radii)[:, None]).astype(np.float32)
    corner = np.abs(turn) @ np.array(radii) if boxy else np.sqrt((turn**2) @ np.square(radii))
    scale = np.float32(min(radii) if boxy else 0.5 * (min(radii) + sorted(radii)[1]))

    def depth(points: Points) -> Float32:
        r, a, s = (p - np.float32(c) for p, c in zip((points.r, points.a, points.s), centre, strict=True))
        total = np.zeros_like(r)
        for row in rows:
            along = r * row[0]
            along += a * row[1]
            along += s * row[2]
            along *= along
            if boxy:
                along *= along
            total += along
        radius = np.sqrt(total)
        return np.asarray((np.float32(1) - (np.sqrt(radius) if boxy else radius)) * scale, np.float32)

    low, high = np.array(centre) - corner, np.array(centre) + corner
    return Shape((low[0], low[1], low[2]), (high[0], high[1], high[2]), depth)


def _rotation(degrees: Vector) -> npt.NDArray[np.float64]:
    (cr, ca, cs), (sr, sa, ss) = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    about_r = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    about_a = np.array([[ca, 0, sa], [0, 1, 0], [-sa, 0, ca]])
    about_s = np.array([[cs, -ss, 0], [ss, cs, 0], [0, 0, 1]])
    return np.asarray(about_s @ about_a @ about_r, dtype=np.float64)


def capsule(start: Vector, end: Vector, radius_start: float, radius_end: float, stretch: Vector = (1, 1, 1)) -> Shape:
    """A straight, tapered piece of tube with round ends; ``stretch`` widens its cross-section along an axis."""
    first = [np.float32(p / wide) for p, wide in zip(start, stretch, strict=True)]
    axis = [(q - p) / wide for p, q, wide in zip(start, end, stretch, strict=True)]
    length2 = max(sum(x * x for x in axis), 1e-6)
    unit = [np.float32(x / length2) for x in axis]
    span = [np.float32(x) for x in axis]
    inverse = [np.float32(1 / wide) for wide in stretch]
    taper, thick = np.float32(radius_end - radius_start), np.float32(radius_start)

    def depth(points: Points) -> Float32:
        r = points.r * inverse[0] - first[0]
        a = points.a * inverse[1] - first[1]
        s = points.s * inverse[2] - first[2]
        along = np.clip(r * unit[0] + a * unit[1] + s * unit[2], np.float32(0), np.float32(1))
        r -= along * span[0]
        a -= along * span[1]
        s -= along * span[2]
        distance = np.sqrt(r * r + a * a + s * s)
        return np.asarray(along * taper + thick - distance, dtype=np.float32)

    reach = max(radius_start, radius_end)
    low, high = _each(min, start, end), _each(max, start, end)
    r, a, s = (wide * reach for wide in stretch)
    return Shape((low[0] - r, low[1] - a, low[2] - s), (high[0] + r, high[1] + a, high[2] + s), depth)


def curve(points: Sequence[Sequence[float]], step_mm: float = 10.0) -> npt.NDArray[np.float64]:
    """A smooth curve through all points (Catmull-Rom), sampled about every ``step_mm``: one row per sample.

    Columns beyond the first three (a radius, say) are carried along.
    """
    nodes = np.array(points, dtype=np.float64)
    padded = np.vstack([2 * nodes[0] - nodes[1], nodes, 2 * nodes[-1] - nodes[-2]])
    pieces = []
    for before, first, second, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        count = max(1, math.ceil(float(np.linalg.norm(second[:3] - first[:3])) / step_mm))
        t = (np.arange(count) / count)[:, None]
        bend = (-before + 3 * first - 3 * second + after) * t**3 + (2 * before - 5 * first + 4 * second - after) * t**2
        pieces.append(first + 0.5 * ((second - before) * t + bend))
    return np.vstack([*pieces, nodes[-1:]])


def tube(points: Sequence[Sequence[float]], stretch: Vector = (1, 1, 1), step_mm: float = 10.0) -> tuple[Shape, ...]:
    """A bent, tapered tube as a row of capsules.

    Args:
        points: rows (right, anterior, superior, radius), in mm; the tube runs smoothly through them.
        stretch: widens the cross-section along an axis.
        step_mm: length of one capsule.
    """
    rows = curve(points, step_mm)
    rows[:, 3] = np.maximum(rows[:, 3], 0.5)
    return tuple(
        capsule((b[0], b[1], b[2]), (e[0], e[1], e[2]), b[3], e[3], stretch) for b, e in itertools.pairwise(rows)
    )
