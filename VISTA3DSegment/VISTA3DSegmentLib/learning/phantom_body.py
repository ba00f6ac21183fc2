"""The trunk that everything lies in: its cavity, wall, fat and skin, as functions of the height along the spine.

The standard body is measured in mm: right, anterior, superior; its origin lies between the spine and the navel, at the
height of the disc L5/S1. All figures here are rounded from textbook anatomy of an adult lying on the back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, auto

import numpy as np
import numpy.typing as npt

from .phantom_shapes import Float32, Points, Shape, Vector

LOWEST_MM, HIGHEST_MM = -400.0, 700.0
"""Range of the tables along the spine; beyond it the trunk goes on as it ends."""

SUPERELLIPSE = 2.5
"""Exponent of the cross-section of the cavity: between an ellipse and a rounded box, as a trunk is."""


class Tissue(IntEnum):
    """What a voxel is made of; finer than the classes, as one organ holds wall, contents and vessels."""

    AIR = 0
    SKIN = auto()
    FAT = auto()
    VISCERAL_FAT = auto()
    MUSCLE = auto()
    SHEATH = auto()
    LUNG = auto()
    FISSURE = auto()
    LUNG_VESSEL = auto()
    LUNG_VESSEL_EDGE = auto()
    AIRWAY = auto()
    CORTICAL_BONE = auto()
    SPONGY_BONE = auto()
    MARROW = auto()
    CARTILAGE = auto()
    DISC = auto()
    CORD = auto()
    SPINAL_FLUID = auto()
    LIVER = auto()
    HEPATIC_VEIN = auto()
    PORTAL_VEIN = auto()
    BILE = auto()
    SPLEEN = auto()
    PANCREAS = auto()
    CORTEX = auto()
    MEDULLA = auto()
    RENAL_PELVIS = auto()
    ADRENAL = auto()
    ARTERY = auto()
    VENA_CAVA = auto()
    ILIAC_VEIN = auto()
    UPPER_VEIN = auto()
    RIGHT_HEART = auto()
    LEFT_HEART = auto()
    MYOCARDIUM = auto()
    BOWEL_WALL = auto()
    FLUID = auto()
    CONTRAST_FLUID = auto()
    FOOD = auto()
    STOOL = auto()
    GAS = auto()
    URINE = auto()
    GLAND = auto()
    THYROID = auto()
    SOFT = auto()
    TUMOUR = auto()
    NECROSIS = auto()
    LUNG_TUMOUR = auto()
    CYST = auto()
    LYTIC = auto()
    SCLEROTIC = auto()
    CALCIUM = auto()
    METAL = auto()
    TABLE = auto()
    FOAM = auto()


@dataclass(frozen=True, eq=False)
class Stroke:
    """One brush stroke of the painter: the voxels inside any of the shapes become ``tissue`` of ``class_id``.

    Args:
        shapes: where; the pieces of a tube are one stroke.
        tissue: what it is made of, or None to leave that.
        class_id: id of the class table, 0 for no class, or None to leave the class.
        over: only voxels of these tissues are painted; empty = all.
        over_classes: only voxels of these classes are painted; empty = all.
        core: tissue of what lies deeper than ``core_mm`` below the surface of a piece, or None.
    """

    shapes: Shape | Sequence[Shape]
    tissue: Tissue | None
    class_id: int | None = None
    over: tuple[Tissue, ...] = ()
    over_classes: tuple[int, ...] = ()
    core: Tissue | None = None
    core_mm: float = 0.0


def bone(shapes: Sequence[Shape], class_id: int, cortex_mm: float = 2.2) -> Stroke:
    """Bone with a shell of cortex and a spongy core."""
    return Stroke(shapes, Tissue.CORTICAL_BONE, class_id, core=Tissue.SPONGY_BONE, core_mm=cortex_mm)


@dataclass(frozen=True)
class Chance:
    """Random variation around a textbook value; the same generator gives the same body."""

    rng: np.random.Generator

    def happens(self, probability: float) -> bool:
        """Whether something is so in this body."""
        return bool(self.rng.random() < probability)

    def between(self, low: float, high: float) -> float:
        """Any value of a range."""
        return float(self.rng.uniform(low, high))

    def about(self, value: float, fraction: float = 0.08) -> float:
        """A value that varies by this fraction, never by more than 2.5 times it."""
        return value * (1.0 + fraction * float(np.clip(self.rng.normal(), -2.5, 2.5)))

    def near(self, point: Vector, mm: float = 4.0) -> Vector:
        """A position that varies by so many mm along each axis."""
        offset = np.clip(self.rng.normal(size=3), -2.0, 2.0) * mm
        return point[0] + float(offset[0]), point[1] + float(offset[1]), point[2] + float(offset[2])

    def sized(self, radii: Vector, fraction: float = 0.08) -> Vector:
        """Radii that vary together, and a little each for itself."""
        common = self.about(1.0, fraction)
        r, a, s = (radius * common * self.about(1.0, fraction / 2) for radius in radii)
        return r, a, s

    def along(self, points: Sequence[Sequence[float]], mm: float = 4.0) -> list[tuple[float, ...]]:
        """A path (right, anterior, superior, radius) whose nodes and width vary."""
        width = self.about(1.0, 0.1)
        return [(*self.near((p[0], p[1], p[2]), mm), p[3] * width) for p in points]


#            s:  half width, half depth, centre, wall: front, side, back; fat: front, side, back (share of the habitus)
_PROFILE = np.array(
    [
        (-200, 120, 72, 8, 28, 48, 60, 0.6, 1.1, 1.2),
        (-100, 116, 76, 12, 22, 50, 56, 0.7, 1.1, 1.4),
        (-50, 120, 78, 18, 14, 42, 50, 0.9, 1.2, 1.3),
        (0, 126, 78, 28, 12, 30, 46, 1.0, 1.2, 1.1),
        (60, 132, 78, 32, 12, 20, 43, 1.0, 1.1, 0.9),
        (120, 137, 82, 30, 12, 18, 40, 1.0, 1.0, 0.8),
        (180, 139, 85, 26, 12, 18, 34, 0.8, 0.9, 0.7),
        (240, 139, 86, 19, 13, 20, 31, 0.6, 0.7, 0.6),
        (300, 135, 83, 9, 17, 24, 31, 0.5, 0.6, 0.6),
        (360, 123, 75, 2, 22, 32, 34, 0.5, 0.6, 0.6),
        (410, 103, 62, -6, 21, 40, 40, 0.45, 0.6, 0.6),
        (450, 74, 48, -9, 19, 50, 46, 0.4, 0.5, 0.6),
        (480, 48, 38, -6, 17, 34, 48, 0.4, 0.5, 0.6),
        (520, 36, 32, -2, 16, 22, 44, 0.4, 0.5, 0.5),
    ],
    dtype=np.float64,
)
# s, and the anterior position of the vertebral bodies' centre: lordosis below, kyphosis above.
_SPINE = np.array(
    [
        (-130, -72), (-105, -84), (-75, -80), (-40, -58), (0, -34), (36, -22), (72, -17), (108, -17), (143, -20),
        (177, -26), (208, -32), (238, -37), (267, -42), (322, -48), (372, -46), (418, -40), (461, -30), (500, -16),
        (560, -5),
    ],
    dtype=np.float64,
)  # fmt: skip

_STEP_MM = 0.5
_HEIGHTS = np.arange(LOWEST_MM, HIGHEST_MM, _STEP_MM)


@dataclass(frozen=True, eq=False)
class Body:
    """One person's trunk.

    Args:
        scale: size along (right, anterior, superior), relative to the standard body.
        tables: 9 rows of ``_PROFILE`` and the spine as the 10th, one column per ``_STEP_MM`` of height; mm.
        bend_mm: sideways displacement of the spine, one value per column.
        dome_tops_mm: height of the diaphragm's right and left dome.
        female: breasts and uterus instead of prostate.
        arms_down: arms beside the trunk.
    """

    scale: Vector
    tables: Float32
    bend_mm: Float32
    dome_tops_mm: tuple[float, float]
    female: bool
    arms_down: bool

    def _at(self, row: int, s: float) -> float:
        return float(np.interp(s, _HEIGHTS, self.tables[row]))

    def half_width(self, s: float) -> float:
        """Half width of the cavity at a height, mm."""
        return self._at(0, s)

    def half_depth(self, s: float) -> float:
        """Half depth of the cavity, front to back, mm."""
        return self._at(1, s)

    def centre(self, s: float) -> float:
        """Anterior position of the cavity's axis, mm."""
        return self._at(2, s)

    def spine(self, s: float) -> float:
        """Anterior position of the vertebral bodies' centre, mm."""
        return self._at(9, s)

    def midline(self, s: float) -> float:
        """Position to the right of the spine's axis, mm."""
        return float(np.interp(s, _HEIGHTS, self.bend_mm))

    def limb_fat_mm(self) -> float:
        """Thickness of the fat under the skin of shoulders, arms and thighs, mm."""
        return 0.6 * self._at(7, 100.0)

    def on_wall(self, degrees: float, s: float, outwards_mm: float = 0.0) -> Vector:
        """A place on the wall of the cavity: 0 degrees = right side, 90 = front, -90 = back, 180 = left side."""
        angle = np.radians(degrees)
        width, depth = self.half_width(s) + outwards_mm, self.half_depth(s) + outwards_mm
        c, d = float(np.cos(angle)), float(np.sin(angle))
        radius = (abs(c / width) ** SUPERELLIPSE + abs(d / depth) ** SUPERELLIPSE) ** (-1 / SUPERELLIPSE)
        return c * radius, self.centre(s) + d * radius, s

    def columns(self, s: Float32) -> npt.NDArray[np.intp]:
        """Column of the tables for each height."""
        index = (s - np.float32(LOWEST_MM)) * np.float32(1 / _STEP_MM)
        return np.asarray(np.clip(index, 0, len(_HEIGHTS) - 1), np.intp)

    def locate(self, r: Float32, a: Float32, s: Float32) -> Points:
        """Places, with their depth in the cavity and below the diaphragm worked out."""
        column = self.columns(s)
        ahead = a - self.tables[2][column]
        x = np.abs(r) / self.tables[0][column]
        y = np.abs(ahead) / self.tables[1][column]
        total = x * x * np.sqrt(x) + y * y * np.sqrt(y)
        rho = np.maximum(np.power(total, np.float32(1 / SUPERELLIPSE)), np.float32(1e-3))
        wall = np.sqrt(r * r + ahead * ahead) * (np.float32(1) / rho - np.float32(1))
        return Points(r, a, s, wall, self._diaphragm_s(r, a, rho) - s)

    def _diaphragm_s(self, r: Float32, a: Float32, rho: Float32) -> Float32:
        """Height of the diaphragm: two domes that fall to the rim of the ribs, deeper behind than in front."""
        right, left = self.dome_tops_mm
        middle = min(right, left) - 14.0
        front = np.clip((a - np.float32(15)) * np.float32(1 / 80), np.float32(0), np.float32(1))
        rim = np.float32(168) + np.float32(72) * front * front
        top = (
            np.float32(middle)
            + np.float32(right - middle) * _bump(r, 58.0)
            + np.float32(left - middle) * _bump(r, -62.0)
        )
        inner = np.minimum(rho, np.float32(1))
        arch = np.sqrt(np.float32(1) - inner * inner * np.sqrt(inner))
        return np.asarray(rim + (top - rim) * arch, np.float32)

    def thickness(self, points: Points, kind: str) -> Float32:
        """Thickness of the "wall" (muscle) or of the "fat" under the skin, by direction from the axis, mm."""
        first = {"wall": 3, "fat": 6}[kind]
        column = self.columns(points.s)
        ahead = points.a - self.tables[2][column]
        ahead2 = ahead * ahead
        sideways = points.r * points.r
        sideways /= sideways + ahead2 + np.float32(1e-3)
        front_or_back = np.where(ahead > 0, self.tables[first][column], self.tables[first + 2][column])
        return np.asarray(front_or_back + sideways * (self.tables[first + 1][column] - front_or_back), np.float32)


def _bump(r: Float32, centre: float) -> Float32:
    distance = (r - np.float32(centre)) * np.float32(1 / 48)
    return np.asarray(np.exp(-distance * distance), np.float32)


def make_body(chance: Chance) -> Body:
    """A random person: size, proportions, fat, a slight bend of the spine."""
    female = chance.happens(0.5)
    size = chance.about(0.95 if female else 1.02, 0.05)
    scale = (size * chance.about(1.0, 0.04), size * chance.about(1.0, 0.06), size * chance.about(1.0, 0.04))
    rows = np.array([np.interp(_HEIGHTS, _PROFILE[:, 0], row) for row in _PROFILE[:, 1:].T])
    habitus_mm = float(np.clip(np.exp(chance.rng.normal(np.log(15.0), 0.5)), 4.0, 45.0))
    rows[6:9] *= np.array([chance.about(habitus_mm, 0.2) for _ in range(3)])[:, None]
    rows[3:6] *= chance.about(0.92 if female else 1.02, 0.08)
    abdomen = np.exp(-(((_HEIGHTS - 80.0) / 110.0) ** 2))
    rows[0] *= 1.0 + chance.between(-0.05, 0.012 * min(habitus_mm, 12)) * abdomen
    bulge = chance.between(-0.12, 0.016 * min(habitus_mm, 14)) * abdomen
    rows[2] += rows[1] * bulge * 0.8
    rows[1] *= 1.0 + bulge
    smooth = np.hanning(61) / np.hanning(61).sum()
    spine = np.interp(_HEIGHTS, _SPINE[:, 0], _SPINE[:, 1])
    rows = np.array([np.convolve(np.pad(row, 30, mode="edge"), smooth, mode="valid") for row in [*rows, spine]])
    bend = chance.between(-5, 5) * np.sin(_HEIGHTS / chance.between(70, 120) + chance.between(0, 6))
    domes = (chance.between(268, 296), chance.between(258, 284))
    return Body(scale, rows.astype(np.float32), bend.astype(np.float32), domes, female, chance.happens(0.15))
