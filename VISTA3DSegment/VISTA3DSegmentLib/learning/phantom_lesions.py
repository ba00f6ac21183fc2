"""Tumours, cysts and bone lesions: shapes that overlap their organ and change how it looks, not what it is called."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .phantom_abdomen import LEFT_KIDNEY, LIVER, RIGHT_KIDNEY
from .phantom_body import Body, Chance, Tissue
from .phantom_shapes import Shape, ellipsoid
from .phantom_skeleton import L5_CLASS, vertebra_centres_mm
from .phantom_thorax import LUNG_CLASSES


@dataclass(frozen=True, eq=False)
class LesionPlan:
    """A lesion before it meets the voxels.

    Args:
        name: as in the class table. shape: where it would grow. organs: classes it stays within.
        tissues: from the rim inwards, each 3 mm deeper than the one before.
        exophytic: it may bulge out of its organ into fat.
    """

    name: str
    shape: Shape
    organs: tuple[int, ...]
    tissues: tuple[Tissue, ...]
    exophytic: bool = False


def plan_lesions(body: Body, chance: Chance) -> list[LesionPlan]:
    """The lesions of one body: mostly a few, at times none."""
    out: list[LesionPlan] = []
    if chance.happens(0.6):
        out += [_hepatic(chance) for _ in range(int(chance.rng.integers(1, 5)))]
    if chance.happens(0.5):
        out += [_pulmonary(body, chance) for _ in range(int(chance.rng.integers(1, 4)))]
    for side, name, organ in ((1, "right kidney cyst", RIGHT_KIDNEY), (-1, "left kidney cyst", LEFT_KIDNEY)):
        if chance.happens(0.35):
            out.append(_cyst(body, chance, side, name, organ))
    if chance.happens(0.4):
        out += [_bone(body, chance) for _ in range(int(chance.rng.integers(1, 3)))]
    return out


def _lump(chance: Chance, centre: tuple[float, float, float], radius: float) -> Shape:
    return ellipsoid(centre, chance.sized((radius,) * 3, 0.15)).wavy(0.18 * radius, 2.2 * radius, chance.between(0, 6))


def _hepatic(chance: Chance) -> LesionPlan:
    angle, away = chance.between(0, 6.28), chance.between(0, 48)
    centre = (84 + away * float(np.cos(angle)), 16 + 1.2 * away * float(np.sin(angle)), chance.between(160, 262))
    radius = float(np.clip(np.exp(chance.rng.normal(np.log(11), 0.5)), 5, 32))
    necrotic = radius > 16 and chance.happens(0.5)
    tissues = (Tissue.TUMOUR, Tissue.TUMOUR, Tissue.NECROSIS) if necrotic else (Tissue.TUMOUR,)
    return LesionPlan("hepatic tumor", _lump(chance, centre, radius), (LIVER,), tissues)


def _pulmonary(body: Body, chance: Chance) -> LesionPlan:
    side = 1 if chance.happens(0.5) else -1
    s = chance.between(240, 440)
    r, a, _ = body.on_wall(chance.between(-65, 65), s, -chance.between(2, 45))
    radius = float(np.clip(np.exp(chance.rng.normal(np.log(9), 0.5)), 4, 28))
    return LesionPlan("lung tumor", _lump(chance, (side * r, a, s), radius), LUNG_CLASSES, (Tissue.LUNG_TUMOUR,))


def _cyst(body: Body, chance: Chance, side: int, name: str, organ: int) -> LesionPlan:
    s = (128.0 if side > 0 else 144.0) + chance.between(-40, 40)
    angle = chance.between(-1.2, 1.2)
    centre = (side * (60 + 22 * float(np.cos(angle))), body.spine(s) + 2 + 24 * float(np.sin(angle)), s)
    radius = float(np.clip(np.exp(chance.rng.normal(np.log(11), 0.5)), 5, 34))
    return LesionPlan(name, ellipsoid(centre, chance.sized((radius,) * 3, 0.08)), (organ,), (Tissue.CYST,), True)


def _bone(body: Body, chance: Chance) -> LesionPlan:
    tissue = Tissue.LYTIC if chance.happens(0.5) else Tissue.SCLEROTIC
    radius = chance.between(5, 13)
    if chance.happens(0.65):
        level = int(chance.rng.integers(0, 15))
        s = vertebra_centres_mm()[level] + chance.between(-6, 6)
        centre = (body.midline(s) + chance.between(-12, 12), body.spine(s) + chance.between(-8, 8), s)
        return LesionPlan("bone lesion", _lump(chance, centre, radius), (L5_CLASS + level,), (tissue,))
    side, hip = (1, 96) if chance.happens(0.5) else (-1, 95)
    centre = chance.near((side * 86.0, 8.0, -80.0), 10)
    return LesionPlan("bone lesion", _lump(chance, centre, radius), (hip,), (tissue,))
