"""Lungs, airways, heart and the great vessels of the chest, as brush strokes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .phantom_body import Body, Chance, Stroke, Tissue
from .phantom_shapes import (
    Float32,
    Points,
    Shape,
    Vector,
    above_diaphragm,
    blend,
    box_of,
    capsule,
    ellipsoid,
    inside_wall,
    tube,
    where,
)

LUNG_CLASSES = (28, 29, 30, 31, 32)
LEFT_UPPER, LEFT_LOWER, RIGHT_UPPER, RIGHT_MIDDLE, RIGHT_LOWER = LUNG_CLASSES
LUNG_TISSUES = (Tissue.LUNG, Tissue.FISSURE, Tissue.LUNG_VESSEL, Tissue.LUNG_VESSEL_EDGE)
CARINA_S_MM = 396.0

_EDGE_MM = 0.7
"""Rim of a vessel that shares its voxels with lung: without it, thin vessels fall between the voxels' centres."""


def lungs(body: Body, chance: Chance) -> list[Stroke]:
    """The cavity above the diaphragm, cut into five lobes by their fissures, with vessels and bronchi."""
    apex = np.float32(chance.near((0, 0, 470.0), 6)[2])
    everywhere = ((-180.0, -140.0, 150.0), (180.0, 160.0, 500.0))
    rounded = where(lambda p: apex - p.s - np.maximum(np.float32(30) - p.wall, np.float32(0)))
    cavity = box_of(*everywhere) & inside_wall(1.5) & above_diaphragm(2.0) & rounded
    tilt, level = np.float32(chance.between(0.8, 1.15)), chance.between(-12, 12)
    oblique = where(lambda p: p.a * tilt + p.s - np.float32(332 + level) + 5 * np.sin(p.r * np.float32(0.05)))
    horizontal = where(lambda p: p.s - np.float32(338 + level) - np.float32(0.15) * p.a)
    above = box_of(*everywhere) & oblique
    only = (Tissue.LUNG,)
    line = box_of(*everywhere) & where(lambda p: np.float32(0.8) - np.abs(oblique.depth(p)))
    out = [
        Stroke(cavity, Tissue.LUNG, LEFT_LOWER),
        Stroke(box_of((0, -140, 150), (180, 160, 500)), None, RIGHT_LOWER, only),
        Stroke(box_of((-6, -140, 150), (6, 160, 500)), Tissue.VISCERAL_FAT, 0, only),
        Stroke(above, None, LEFT_UPPER, only, (LEFT_LOWER,)),
        Stroke(above, None, RIGHT_MIDDLE, only, (RIGHT_LOWER,)),
        Stroke(box_of(*everywhere) & horizontal, None, RIGHT_UPPER, only, (RIGHT_MIDDLE,)),
        Stroke(line, Tissue.FISSURE, None, only),
    ]
    for side in (1, -1):
        out += _vessels(body, chance, side)
    return out


def _vessels(body: Body, chance: Chance, side: int) -> list[Stroke]:
    hilum = np.array([side * 42.0, -14.0, 352.0])
    targets = _places_in_lung(body, chance, side, 110)
    nodes, parents = _tree(hilum, targets)
    leaves = np.ones(len(nodes))
    for n in range(len(nodes) - 1, 0, -1):
        leaves[parents[n]] += leaves[n]
    radii = np.clip(0.9 * leaves**0.4, 1.0, 6.5)
    pieces = []
    for n in range(1, len(nodes)):
        b, e = nodes[parents[n]], nodes[n]
        thick, thin = min(radii[parents[n]], 1.3 * radii[n]) + _EDGE_MM, radii[n] + _EDGE_MM
        pieces.append(capsule((b[0], b[1], b[2]), (e[0], e[1], e[2]), thick, thin))
    return [Stroke(pieces, Tissue.LUNG_VESSEL_EDGE, None, LUNG_TISSUES, core=Tissue.LUNG_VESSEL, core_mm=_EDGE_MM)]


def _places_in_lung(body: Body, chance: Chance, side: int, count: int) -> npt.NDArray[np.float64]:
    rng = chance.rng
    r, a, s = (rng.uniform(low, high, 1500).astype(np.float32) for low, high in ((20, 130), (-80, 90), (185, 460)))
    points = body.locate(np.float32(side) * r, a, s)
    good = (points.wall > 6) & (points.below < -5) & (np.abs(r) > 28)
    return np.stack([points.r, points.a, points.s], axis=1)[good][:count].astype(np.float64)


def _tree(
    root: npt.NDArray[np.float64], targets: npt.NDArray[np.float64]
) -> tuple[list[npt.NDArray[np.float64]], list[int]]:
    """Grow branches from the root to all targets, nearest first, each from the best node so far: short and outward."""
    nodes, parents = [root], [0]
    for target in targets[np.argsort(np.linalg.norm(targets - root, axis=1))]:
        known = np.array(nodes)
        detour = np.linalg.norm(known - root, axis=1) * 0.45
        parent = int(np.argmin(np.linalg.norm(known - target, axis=1) + detour))
        middle = 0.55 * nodes[parent] + 0.45 * target + 0.12 * (nodes[parent] - root)
        if np.linalg.norm(target - nodes[parent]) > 25:
            nodes.append(middle)
            parents.append(parent)
            parent = len(nodes) - 1
        nodes.append(target)
        parents.append(parent)
    return nodes, parents


def mediastinum(body: Body, chance: Chance) -> list[Stroke]:
    """The tissue between the lungs, without the heart: fat, airways, gullet, great vessels."""

    def half_width(p: Points) -> Float32:
        upper = np.clip((p.s - 385) / 40, 0, 1)
        behind = np.clip((-p.a - 5) / 40, 0, 1)
        return np.asarray(7 + 17 * upper + 15 * behind - np.abs(p.r + 2), np.float32)

    middle = box_of((-60, -140, 240), (60, 160, 500)) & where(half_width) & inside_wall(0)
    out = [Stroke(middle, Tissue.VISCERAL_FAT, 0, LUNG_TISSUES)]
    out += _arteries(body, chance)
    out += _veins()
    out += _airways(chance)
    gullet = [
        (-2, body.spine(s) + (22 if s > 300 else 26), s, 7.0) if s > 290 else (-14, body.spine(s) + 36, s, 7.5)
        for s in (500, 440, 390, 340, 300, 268)
    ]
    gullet.append((-28, -2, 250, 8))
    out.append(Stroke(tube(gullet, stretch=(1.25, 0.8, 1)), Tissue.BOWEL_WALL, 11))
    if chance.happens(0.5):
        out.append(Stroke(tube([(r, a, s, 2.2) for r, a, s, _ in gullet[:4]]), Tissue.GAS, 11))
    return out


def _wrapped(shapes: tuple[Shape, ...], fat_mm: float) -> list[Stroke]:
    return [Stroke([shape.grown(fat_mm) for shape in shapes], Tissue.VISCERAL_FAT, 0, LUNG_TISSUES)]


def _arteries(body: Body, chance: Chance) -> list[Stroke]:
    width = chance.about(1.0, 0.12)
    ascending = [(-4, 24, 338, 15), (16, 30, 362, 16), (18, 24, 392, 16)]
    arch = [(18, 24, 392, 16), (6, 8, 414, 14.5), (-14, -14, 416, 13.5), (-25, body.spine(396) + 26, 396, 13)]
    down = [(-25, body.spine(s) + (16 if s > 240 else 24), s, 12.5) for s in (396, 360, 320, 280, 240, 210)]
    aorta = tube([(r, a, s, w * width) for r, a, s, w in [*ascending, *arch[1:], *down[1:]]])
    out = _wrapped(aorta, 3.0)
    branches: list[tuple[int, list[tuple[float, float, float, float]]]] = [
        (109, [(10, 14, 420, 6.5), (20, 12, 440, 6), (24, 10, 456, 6)]),
        (113, [(24, 10, 456, 4), (24, 4, 520, 3.8)]),
        (112, [(-6, 0, 424, 4), (-18, 4, 460, 4), (-22, 2, 520, 3.8)]),
        (123, [(-18, -14, 424, 5), (-30, -12, 462, 5), (-80, 4, 468, 4.5), (-120, 0, 452, 4)]),
        (124, [(24, 10, 456, 5), (36, 2, 468, 5), (80, 4, 468, 4.5), (120, 0, 452, 4)]),
    ]
    for class_id, path in branches:
        out.append(Stroke(tube(path), Tissue.ARTERY, class_id))
    trunk = [(-14, 44, 338, 14), (-20, 26, 366, 14), (-18, 6, 374, 13)]
    forks = [[(-18, 6, 374, 11), (14, 2, 370, 10), (44, -8, 360, 8)], [(-18, 6, 374, 11), (-46, -16, 364, 8)]]
    pulmonary = [shape for path in (trunk, *forks) for shape in tube(path)]
    out += [*_wrapped(tuple(pulmonary), 2.5), Stroke(pulmonary, Tissue.RIGHT_HEART, 0)]
    return [*out, Stroke(aorta, Tissue.ARTERY, 6)]


def _veins() -> list[Stroke]:
    out: list[Stroke] = []
    cava = tube([(28, 20, 412, 9.5), (30, 16, 380, 10), (30, 20, 335, 10.5)], stretch=(0.9, 1.1, 1))
    out += [*_wrapped(cava, 2.0), Stroke(cava, Tissue.UPPER_VEIN, 125)]
    left = [(-62, 20, 458, 5.5), (-32, 24, 448, 6.5), (4, 32, 430, 7), (27, 22, 414, 7)]
    right = [(60, 18, 460, 5.5), (36, 18, 444, 7), (29, 20, 414, 7.5)]
    out.append(Stroke(tube(left), Tissue.UPPER_VEIN, 110))
    out.append(Stroke(tube(right), Tissue.UPPER_VEIN, 111))
    for side in (1, -1):
        for height in (318, 342):
            vein = tube([(side * 14, -2, 326, 8), (side * 32, -8, height, 6), (side * 50, -12, height - 4, 5)])
            out.append(Stroke(vein, Tissue.LEFT_HEART, 119))
    return out


def _airways(chance: Chance) -> list[Stroke]:
    width = chance.about(1.0, 0.1)
    trachea = tube([(0, 10, 520, 8.5 * width), (1, 2, 460, 8.5 * width), (2, -10, CARINA_S_MM, 8.5 * width)])
    right = tube([(2, -11, CARINA_S_MM, 7), (22, -18, 378, 6.5), (40, -20, 362, 5.5)])
    left = tube([(2, -11, CARINA_S_MM, 7), (-20, -20, 374, 6), (-42, -22, 360, 5)])
    inner = tube([(40, -20, 362, 5), (58, -26, 330, 3.5), (70, -40, 290, 2)])
    inner += tube([(-42, -22, 360, 4.8), (-58, -30, 326, 3.4), (-70, -42, 288, 2)])
    inner += tube([(40, -20, 362, 4), (64, 0, 384, 2.2)]) + tube([(-42, -22, 360, 4), (-62, 4, 384, 2.2)])
    main = [*trachea, *right, *left]
    out = [Stroke([shape.grown(1.8) for shape in main], Tissue.SOFT, 0)]
    out.append(Stroke([shape.grown(1.5) for shape in inner], Tissue.LUNG_VESSEL, None, LUNG_TISSUES))
    out.append(Stroke(inner, Tissue.AIRWAY, None))
    return [*out, Stroke(main, Tissue.AIRWAY, 57)]


def heart(chance: Chance) -> list[Stroke]:
    """The heart on the diaphragm: muscle, four chambers, the fat around it."""
    size = chance.about(1.0, 0.07)
    shift = chance.near((0.0, 0.0, 0.0), 4)

    def placed(centre: Vector, radii: Vector, tilt: Vector = (0, 0, 0)) -> Shape:
        place = tuple(c + d for c, d in zip((-14 + (centre[0] + 14) * size, centre[1], centre[2]), shift, strict=True))
        return ellipsoid((place[0], place[1], place[2]), (radii[0] * size, radii[1] * size, radii[2] * size), tilt)

    apex = placed((-38, 34, 288), (52, 38, 36), (0, 22, -28))
    base = placed((2, 20, 312), (44, 40, 40))
    whole = blend(apex, base, 20) & above_diaphragm(3.0) & inside_wall(4)
    cavities = [
        (placed((-44, 30, 290), (33, 19, 17), (0, 24, -30)), Tissue.LEFT_HEART),
        (placed((-14, 52, 290), (34, 14, 22), (0, 22, -16)), Tissue.RIGHT_HEART),
        (placed((30, 28, 310), (15, 24, 27)), Tissue.RIGHT_HEART),
        (placed((-6, -2, 326), (27, 15, 19)), Tissue.LEFT_HEART),
    ]
    out = [Stroke(whole.grown(chance.between(2, 6)), Tissue.VISCERAL_FAT, 0, LUNG_TISSUES)]
    out.append(Stroke(whole, Tissue.MYOCARDIUM, 115))
    out += [Stroke(cavity & whole.grown(-2.0), tissue, 115) for cavity, tissue in cavities]
    ear = ellipsoid((-44 + shift[0], 14 + shift[1], 336 + shift[2]), (9, 16, 9), (0, 0, 25))
    return [*out, Stroke(ear, Tissue.LEFT_HEART, 108)]
