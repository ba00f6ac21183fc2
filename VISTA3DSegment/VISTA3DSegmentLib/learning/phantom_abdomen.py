"""The organs and vessels below the diaphragm, as brush strokes. Painted later = lies in front where two meet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .phantom_body import Body, Chance, Stroke, Tissue
from .phantom_shapes import Vector, below_diaphragm, blend, box_of, ellipsoid, inside_wall, tube, where

LIVER, SPLEEN, PANCREAS, STOMACH, DUODENUM, GALLBLADDER = 1, 3, 4, 12, 13, 10
RIGHT_KIDNEY, LEFT_KIDNEY, BLADDER, COLON, SMALL_BOWEL, PROSTATE = 5, 14, 15, 62, 19, 118
AORTA, VENA_CAVA, PORTAL_VEIN = 6, 7, 17


def liver(chance: Chance) -> list[Stroke]:
    """Right and left lobe as one wedge under the dome, with its veins."""
    size = chance.about(1.0, 0.06)
    right = ellipsoid(chance.near((84, 16, 208), 3), chance.sized((66 * size, 82 * size, 84 * size)), (0, 12, 0))
    tip = ellipsoid(chance.near((102, 12, 160), 5), chance.sized((36, 56, 52)))
    left = ellipsoid(chance.near((-4, 54, 234), 4), chance.sized((82, 44, 38)), (-8, -14, 8))
    caudate = ellipsoid((20, 8, 214), (22, 22, 24))
    whole = blend(blend(right, tip, 24), blend(left, caudate, 12), 26).wavy(2.5, 70, chance.between(0, 6))
    hollow = ellipsoid(chance.near((0, 16, 140), 5), chance.sized((58, 66, 62))).wavy(5, 60, chance.between(0, 6))
    cleft = ellipsoid(chance.near((6, 82, 214), 3), (3.5, 22, 24), (0, 0, -14))
    shape = ((whole - hollow) - cleft) & below_diaphragm(2.0) & inside_wall(chance.between(2.0, 5.0))
    out = [Stroke(shape, Tissue.LIVER, LIVER)]
    only = (Tissue.LIVER,)
    for tips in ((96, -14, 222), (78, 52, 218), (-14, 58, 232), (70, -30, 190)):
        vein = tube([(24, 16, 262, 5), (24 + 0.5 * (tips[0] - 24), 18 + 0.4 * (tips[1] - 16), 246, 4), (*tips, 2)])
        out.append(Stroke(vein, Tissue.HEPATIC_VEIN, None, only))
    for path in (
        [(34, 26, 206, 6), (66, 22, 208, 5), (100, 8, 200, 3), (118, 6, 186, 2)],
        [(66, 22, 208, 4.5), (86, 44, 214, 3), (98, 62, 206, 2)],
        [(66, 22, 208, 4), (90, -18, 212, 3), (100, -34, 224, 2)],
        [(34, 26, 206, 5.5), (10, 44, 224, 4.5), (-18, 58, 236, 3), (-40, 54, 240, 2)],
    ):
        out.append(Stroke(tube(path), Tissue.PORTAL_VEIN, None, only))
    return out


def gallbladder(chance: Chance) -> list[Stroke]:
    """A pear under the liver; missing in one of eight."""
    if chance.happens(0.12):
        return []
    fundus = chance.near((58, 66, 160), 5)
    neck = (44.0, 36.0, 188.0)
    width = chance.about(13.0, 0.2)
    pear = tube([(*fundus, width), (*_between(fundus, neck, 0.55), width * 0.8), (*neck, 4)], step_mm=8)
    return [
        Stroke([p.grown(1.6) for p in pear], Tissue.BOWEL_WALL, GALLBLADDER),
        Stroke(pear, Tissue.BILE, GALLBLADDER),
    ]


def _between(first: Vector, second: Vector, share: float) -> Vector:
    r, a, s = (f + share * (g - f) for f, g in zip(first, second, strict=True))
    return r, a, s


def spleen(chance: Chance) -> list[Stroke]:
    """A crescent between diaphragm, kidney and stomach."""
    centre = chance.near((-100, -18, 212), 5)
    outer = ellipsoid(centre, chance.sized((44, 54, 54), 0.12), (18, 0, -14))
    hollow = ellipsoid((centre[0] + 52, centre[1] + 30, centre[2] - 2), (34, 46, 60))
    shape = (outer - hollow).wavy(1.5, 50, 2.0) & below_diaphragm(2.0) & inside_wall(chance.between(2, 5))
    return [Stroke(shape, Tissue.SPLEEN, SPLEEN)]


def kidneys(body: Body, chance: Chance) -> list[Stroke]:
    """Both kidneys with cortex, pyramids and sinus, the adrenal glands above; one kidney is missing at times."""
    out: list[Stroke] = []
    missing = int(chance.rng.integers(0, 2)) if chance.happens(0.05) else -1
    for n, (side, class_id, adrenal, s) in enumerate(((1, RIGHT_KIDNEY, 8, 128.0), (-1, LEFT_KIDNEY, 9, 144.0))):
        r, a, s = chance.near((side * 60.0, body.spine(s) + 2, s), 4)
        if n != missing:
            out += _kidney(chance, side, class_id, (r, a, s))
        out += _adrenal(body, chance, side, adrenal)
    return out


def _kidney(chance: Chance, side: int, class_id: int, centre: Vector) -> list[Stroke]:
    r, a, s = centre
    tilt = (12.0, side * 12.0, side * -30.0)
    radii = chance.sized((25, 29, 55), 0.1)
    bean = ellipsoid(centre, radii, tilt).wavy(1.2, 30, chance.between(0, 6))
    hilum = ellipsoid((r - side * 25, a + 12, s), (15, 15, 16), tilt)
    sinus = ellipsoid((r - side * 10, a + 5, s), (10, 11, 27), tilt)
    kidney = bean - hilum
    capsule_fat = bean.grown(chance.between(2, 9))
    out = [Stroke(capsule_fat, Tissue.VISCERAL_FAT, 0, (Tissue.MUSCLE,)), Stroke(kidney, Tissue.CORTEX, class_id)]
    pyramids = kidney.grown(-6.5).wavy(5.0, 24, chance.between(0, 6))
    out.append(Stroke(pyramids & kidney, Tissue.MEDULLA, None, (Tissue.CORTEX,)))
    out.append(Stroke(sinus & bean, Tissue.VISCERAL_FAT, 0))
    pelvis = tube(
        [(r - side * 6, a + 4, s, 4.5), (r - side * 22, a + 12, s - 4, 5), (r - side * 26, a + 12, s - 30, 2.5)]
    )
    out.append(Stroke(pelvis, Tissue.RENAL_PELVIS, 0))
    ureter = [
        (r - side * 26, a + 12, s - 30, 2.2),
        (side * 36, 8, 60, 2.0),
        (side * 42, 10, 0, 2.0),
        (side * 40, -10, -60, 2.0),
    ]
    return [*out, Stroke(tube(ureter, step_mm=15), Tissue.RENAL_PELVIS, 0)]


def _adrenal(body: Body, chance: Chance, side: int, class_id: int) -> list[Stroke]:
    s = 192.0 if side > 0 else 196.0
    r, a, s = chance.near((side * (30 if side > 0 else 36), body.spine(s) + (30 if side > 0 else 34), s), 2.5)
    back = (r + side * 3, a - 14, s - 4, 2.4)
    limbs = [(r, a, s, 3.2), back], [(r, a, s, 3.0), (r + side * 12, a - 12, s - 8, 2.2)]
    fat = ellipsoid((r + side * 3, a - 6, s), (16, 18, 18))
    out = [Stroke(fat, Tissue.VISCERAL_FAT, 0, (Tissue.LIVER, Tissue.SPLEEN))]
    for limb in limbs:
        out.append(Stroke(tube(limb, stretch=(1, 1, 2.4)), Tissue.ADRENAL, class_id))
    return out


def stomach(chance: Chance) -> list[Stroke]:
    """A bent bag: fundus under the left dome, antrum across the midline; fluid or food below, gas on top."""
    fill = chance.between(0.7, 1.2)
    path = [
        (-62, -4, 250, 30 * fill), (-66, 16, 226, 35 * fill), (-68, 42, 198, 31 * fill), (-50, 66, 172, 26 * fill),
        (-20, 74, 158, 22 * fill), (10, 66, 160, 16 * fill), (32, 50, 168, 9),
    ]  # fmt: skip
    bag = tuple(piece & inside_wall(5) & below_diaphragm(3) for piece in tube(chance.along(path, 4), step_mm=9))
    neck = tube([(-28, -2, 250, 7), (-44, 0, 246, 9)])
    wall = chance.between(3.0, 6.0)
    content = [Tissue.FLUID, Tissue.FOOD, Tissue.CONTRAST_FLUID][int(chance.rng.choice(3, p=[0.5, 0.35, 0.15]))]
    level = chance.between(20, 75)
    gas = where(lambda p: p.a - np.float32(level))
    lumen = [piece.grown(-wall) for piece in bag]
    out = [Stroke([*neck, *bag], Tissue.BOWEL_WALL, STOMACH), Stroke(lumen, content, STOMACH)]
    return [*out, Stroke([piece & gas for piece in lumen], Tissue.GAS, STOMACH)]


def pancreas_and_duodenum(chance: Chance) -> list[Stroke]:
    """The C of the duodenum around the head of the pancreas, whose tail reaches the spleen; behind it the vein."""
    shift = chance.between(-12, 12)
    loop = [
        (31, 49, 168, 10), (46, 40, 164, 12), (52, 24, 146, 12), (50, 18, 118, 12), (38, 20, 98, 11), (8, 24, 92, 11),
        (-18, 26, 100, 11), (-26, 34, 122, 11),
    ]  # fmt: skip
    bowel = tube(chance.along(loop, 2.5))
    out = [Stroke(bowel, Tissue.BOWEL_WALL, DUODENUM)]
    content = Tissue.GAS if chance.happens(0.2) else Tissue.FLUID
    out.append(Stroke([piece.grown(-3.5) for piece in bowel[1::2]], content, DUODENUM))
    size = chance.about(1.0, 0.15)
    gland = [
        (30, 26, 122, 9 * size), (30, 28, 140, 13 * size), (18, 34, 154, 10 * size), (-6, 36, 164, 9 * size),
        (-34, 24, 176 + shift / 2, 10 * size), (-62, 2, 190 + shift, 9.5 * size), (-76, -10, 196 + shift, 7 * size),
    ]  # fmt: skip
    pieces = tube(chance.along(gland, 2.5), stretch=(1, 0.9, 1.25))
    phase = chance.between(0, 6)
    out.append(Stroke([piece.wavy(2.4, 15, phase) for piece in pieces], Tissue.PANCREAS, PANCREAS))
    splenic = [(10, 22, 160, 5), (-10, 22, 168, 4.5), (-36, 10, 178 + shift / 2, 4.2), (-64, -10, 194 + shift, 3.8)]
    portal = [(10, 22, 158, 6), (20, 24, 182, 6.5), (34, 26, 206, 6.5)]
    out.append(Stroke(tube(splenic), Tissue.PORTAL_VEIN, PORTAL_VEIN))
    out.append(Stroke(tube(portal), Tissue.PORTAL_VEIN, PORTAL_VEIN))
    return [*out, Stroke(tube([(10, 28, 158, 5), (10, 36, 130, 5), (8, 44, 70, 4)]), Tissue.PORTAL_VEIN, 0)]


def great_vessels(body: Body, chance: Chance) -> list[Stroke]:
    """Aorta and vena cava below the diaphragm, their forks, and the first branches."""
    width = chance.about(1.0, 0.12)
    out: list[Stroke] = []
    right, left = (
        [(side * 12 + 2, body.spine(46) + 25, 42, 7), (side * 34, body.spine(0) + 32, 0, 6.5), (side * 58, -4, -45, 6),
         (side * 78, 40, -85, 5.5), (side * 84, 62, -120, 5.5), (side * 88, 58, -170, 5)]
        for side in (1, -1)
    )  # fmt: skip
    veins = [
        [(side * 8 + 14, body.spine(36) + 25, 34, 8.5), (side * 30 + 6, -14, -4, 8), (side * 54, -14, -48, 7.5),
         (side * 70, 32, -88, 7), (side * 74, 58, -120, 6.5), (side * 76, 48, -170, 6)]
        for side in (1, -1)
    ]  # fmt: skip
    for path, class_id in zip(veins, (61, 60), strict=True):
        out.append(Stroke(tube(path), Tissue.ILIAC_VEIN, class_id))
    cava = [(19, body.spine(36) + 26, 34, 9.5), (20, body.spine(100) + 28, 100, 10),
            (22, body.spine(170) + 32, 170, 10.5),
            (24, 10, 214, 12), (25, 12, 250, 12.5), (28, 20, 278, 13)]  # fmt: skip
    out.append(
        Stroke(tube([(r, a, s, w * width) for r, a, s, w in cava], stretch=(1.15, 0.9, 1)), Tissue.VENA_CAVA, VENA_CAVA)
    )
    trunk = [(-18, body.spine(210) + 26, 212, 12), (-13, body.spine(178) + 30, 178, 11),
             (-9, body.spine(120) + 29, 120, 9.5),
             (-6, body.spine(80) + 28, 80, 9), (-3, body.spine(46) + 26, 42, 8.5)]  # fmt: skip
    for side, height in ((1, 132), (-1, 140)):
        renal_vein = [
            (16 if side > 0 else 8, body.spine(140) + 40, 140, 4.5),
            (side * 34, 10, height, 4.5),
            (side * 44, 0, height, 4),
        ]
        renal_artery = [
            (-8, body.spine(144) + 28, 144, 3.2),
            (side * 30, 0, height + 3, 2.8),
            (side * 46, -6, height + 2, 2.5),
        ]
        out += [Stroke(tube(renal_vein), Tissue.VENA_CAVA, 0), Stroke(tube(renal_artery), Tissue.ARTERY, 0)]
    celiac = tube([(-12, body.spine(178) + 30, 178, 4), (-10, 30, 180, 3.5), (20, 34, 188, 2.8)])
    celiac += tube([(-10, 30, 180, 3), (-40, 16, 186, 2.8), (-66, 0, 198, 2.4)])
    mesenteric = tube([(-10, body.spine(164) + 30, 164, 4), (-6, 34, 146, 3.8), (-4, 44, 80, 3.2)])
    out.append(Stroke([*celiac, *mesenteric], Tissue.ARTERY, 0))
    for path, class_id in ((right, 59), (left, 58)):
        out.append(Stroke(tube(path), Tissue.ARTERY, class_id))
    aorta = tube([(r, a, s, w * width) for r, a, s, w in trunk])
    out.append(Stroke(aorta, Tissue.ARTERY, AORTA))
    if chance.happens(0.4):
        out += _plaques(chance, trunk, width)
    return out


def _plaques(chance: Chance, trunk: Sequence[Sequence[float]], width: float) -> list[Stroke]:
    out = []
    for _ in range(int(chance.rng.integers(2, 8))):
        share = chance.between(0, len(trunk) - 1.01)
        n = int(share)
        r, a, s, radius = (b + (share - n) * (e - b) for b, e in zip(trunk[n], trunk[n + 1], strict=True))
        angle = chance.between(0, 6.3)
        place = (r + radius * width * float(np.cos(angle)) * 0.92, a + radius * width * float(np.sin(angle)) * 0.92, s)
        out.append(Stroke(ellipsoid(place, (2.2, 2.2, 4)), Tissue.CALCIUM, None, (Tissue.ARTERY,)))
    return out


def colon(body: Body, chance: Chance) -> list[Stroke]:
    """The frame from caecum to rectum, with haustra, gas and stool."""
    side = body.half_width(60) - 26
    path = [
        (side - 12, 30, -8, 20), (side - 4, 20, 20, 24), (side, 8, 65, 22), (side - 4, 8, 108, 21), (82, 40, 132, 20),
        (45, 82, 122, 19), (0, 92, 104, 18), (-46, 84, 124, 18), (-88, 40, 158, 18), (-108, -2, 186, 18),
        (-side - 2, -16, 150, 14), (-side, -14, 90, 13), (-side + 2, 0, 40, 13), (-side + 14, 20, -10, 13),
        (-66, 42, -34, 14), (-30, 44, -46, 14), (4, 22, -40, 14), (14, -10, -48, 14), (2, -40, -68, 16),
        (0, -50, -92, 19),
        (0, -42, -116, 15), (0, -30, -138, 9),
    ]  # fmt: skip
    nodes = chance.along(path, 6)
    wall = chance.between(1.8, 3.0)
    pieces = [piece.wavy(2.2, 26, 1.0) & inside_wall(1.0) for piece in tube(nodes, step_mm=9)]
    out = [Stroke(pieces, Tissue.BOWEL_WALL, COLON)]
    run: Tissue = Tissue.STOOL
    for piece in pieces:
        if chance.happens(0.25):
            run = [Tissue.STOOL, Tissue.GAS, Tissue.FLUID][int(chance.rng.choice(3, p=[0.5, 0.38, 0.12]))]
        out.append(Stroke(piece.grown(-wall), run, COLON))
    return out


def small_bowel(chance: Chance) -> list[Stroke]:
    """Loops that fill what is left of the abdomen, in front of the spine, row above row."""
    out: list[Stroke] = []
    wall = chance.between(1.6, 2.8)
    only = (Tissue.VISCERAL_FAT,)
    filled = chance.between(0.7, 1.05)
    for layer, depth in enumerate((42.0, 68.0, 90.0)):
        path: list[tuple[float, ...]] = []
        for row in range(9):
            s = 128 - row * 23 - layer * 8
            half = 74 - 22 * (layer == 0) - 18 * max(0, row - 6)
            columns = np.linspace(-half, half, 6)[:: (-1) ** row]
            for n, r in enumerate(columns):
                rise = 9 * (-1) ** n
                path.append(
                    (*chance.near((float(r), depth + 5 * (-1) ** n, s + rise), 5), 11.5 * filled * chance.about(1, 0.1))
                )
        pieces = tube(path, step_mm=11)
        keep = [piece & inside_wall(3) for piece in pieces]
        out.append(Stroke(keep, Tissue.BOWEL_WALL, SMALL_BOWEL, only))
        content: Tissue = Tissue.FLUID
        for piece in keep:
            if chance.happens(0.12):
                content = [Tissue.FLUID, Tissue.GAS, Tissue.FOOD, Tissue.CONTRAST_FLUID][
                    int(chance.rng.choice(4, p=[0.5, 0.16, 0.22, 0.12]))
                ]
            out.append(Stroke(piece.grown(-wall), content, None, (), (SMALL_BOWEL,)))
    return out


def pelvic_organs(body: Body, chance: Chance) -> list[Stroke]:
    """Bladder, and prostate or uterus."""
    fill = chance.between(0.6, 1.15)
    centre = chance.near((0, 32, -104 + 18 * fill), 3)
    vesica = ellipsoid(centre, (40 * fill, 32 * fill, 32 * fill)) & box_of((-90, -60, -140), (90, 110, 20))
    out: list[Stroke] = []
    if body.female:
        uterus = ellipsoid(chance.near((0, 0, -62), 4), chance.sized((24, 20, 34), 0.12), (40, 0, 0))
        out.append(Stroke(uterus, Tissue.SOFT, 0))
    else:
        out.append(Stroke(ellipsoid((0, 18, -134), chance.sized((23, 18, 17), 0.15)), Tissue.GLAND, PROSTATE))
    return [*out, Stroke(vesica, Tissue.BOWEL_WALL, BLADDER), Stroke(vesica.grown(-2.8), Tissue.URINE, BLADDER)]
