"""Bones, cartilage and the muscles of the trunk, as brush strokes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .phantom_body import Body, Chance, Stroke, Tissue, bone
from .phantom_shapes import Float32, Points, Shape, blend, box_of, capsule, ellipsoid, inside_wall, tube, where

_PITCHES_MM = (36, 36, 36, 35, 34, 31, 30, 29, 28, 27, 26, 25, 24, 22, 21, 20, 19, 18, 17)
"""Height of vertebra and disc from L5 up to C6."""
L5_CLASS = 33

_SHEATH_MM = 1.3
"""Thickness of the film of fat around a muscle: less than a voxel, so its grey value is half muscle."""


def vertebra_centres_mm() -> list[float]:
    """Height of the middle of each vertebral body, from L5 up."""
    centres, floor = [], 0.0
    for pitch in _PITCHES_MM:
        centres.append(floor + pitch / 2)
        floor += pitch
    return centres


def rib_head_mm(rib: int) -> float:
    """Height at which a rib (1 to 12) leaves the spine."""
    return vertebra_centres_mm()[5 + 12 - rib] + 6.0


def muscles(body: Body, chance: Chance) -> list[Stroke]:
    """Back and iliopsoas muscles, each in a thin sheath of fat; the muscle of the wall is painted with the body."""
    out: list[Stroke] = []
    bulk = chance.about(1.0, 0.1)
    for side, autochthon, iliopsoas in ((1, 105, 107), (-1, 104, 106)):
        back = [
            (side * 25.0, body.spine(s) - drop, s, width * bulk)
            for s, drop, width in (
                (-70, 22, 10), (-20, 36, 16), (40, 46, 19), (110, 46, 19), (180, 40, 16), (260, 34, 13),
                (340, 32, 12), (420, 34, 13), (500, 38, 14),
            )
        ]  # fmt: skip
        psoas = [
            (side * 27, body.spine(178) + 4, 180, 5 * bulk), (side * 36, body.spine(120) + 2, 120, 13 * bulk),
            (side * 46, body.spine(60) + 2, 60, 18 * bulk), (side * 56, -14, 10, 20 * bulk),
            (side * 74, 18, -45, 20 * bulk), (side * 96, 36, -95, 17 * bulk), (side * 112, 18, -135, 14 * bulk),
            (side * 116, -4, -165, 10 * bulk),
        ]  # fmt: skip
        fossa = _wing_shell(side, 74, 86) & crest_below(6) & inside_wall(-40)
        out += _sheathed(tube(back, stretch=(1.3, 0.95, 1.0), step_mm=20), autochthon, (Tissue.MUSCLE,))
        out += _sheathed([*tube(psoas, step_mm=14), fossa], iliopsoas)
    return out


def _sheathed(shapes: Sequence[Shape], class_id: int, over: tuple[Tissue, ...] = ()) -> list[Stroke]:
    sheath = [shape.grown(_SHEATH_MM) for shape in shapes]
    return [
        Stroke(sheath, Tissue.SHEATH, None, (Tissue.MUSCLE,)),
        Stroke(shapes, Tissue.MUSCLE, class_id, (*over, Tissue.SHEATH) if over else ()),
    ]


def pelvic_muscles(body: Body, chance: Chance) -> list[Stroke]:
    """The floor and side walls of the pelvis, the thighs below it, and the gluteal muscles of both sides."""
    ring = where(lambda p: np.square(p.r) / 58**2 + np.square(p.a - 12) / 88**2 - 1 + np.maximum(p.s + 78, 0) / 30)
    sides = box_of((-150, -110, -300), (150, 90, -58)) & inside_wall(0) & ring
    floor = (
        box_of((-150, -110, -300), (150, 85, -112))
        & where(lambda p: -114 - p.s - np.square(p.r) / 120)
        & inside_wall(0)
    )
    fossae = [ellipsoid((side * 30, -44, -140), (18, 22, 26), (0, 0, side * 20)) for side in (1, -1)]
    out = [Stroke([sides, floor], Tissue.MUSCLE, None, (Tissue.VISCERAL_FAT,)), Stroke(fossae, Tissue.FAT)]
    bulk = chance.about(1.0, 0.08)
    flesh = (Tissue.MUSCLE, Tissue.VISCERAL_FAT)
    for side, maximus, medius, minimus in ((1, 99, 101, 103), (-1, 98, 100, 102)):
        slope = [
            (side * 48, -74, -30, 18), (side * 62, -84, -70, 27), (side * 82, -74, -112, 30),
            (side * 108, -46, -150, 23), (side * 126, -28, -190, 12),
        ]  # fmt: skip
        slab = tube([(r, a, s, bulk * width) for r, a, s, width in slope], stretch=(1.5, 0.9, 1), step_mm=16)
        behind = [piece & where(lambda p: p.wall + np.float32(64)) for piece in slab]
        plump = ellipsoid((side * 108, 4, -14), (52 * bulk, 62, 62), (0, side * 14, side * -12))
        middle = _wing_shell(side, 90, 124) & plump & crest_below(4)
        small = _wing_shell(side, 90, 103) & plump & crest_below(45) & where(lambda p: p.a + 22)
        fan = tube([(side * 118, 6, -50, 22), (side * 134, -4, -105, 12)], step_mm=16)
        out += _sheathed([middle, *fan], medius, (Tissue.MUSCLE,))
        out += _sheathed([small], minimus, (Tissue.MUSCLE,))
        out += _sheathed(behind, maximus, (*flesh, Tissue.FAT))
    return out


def spine(body: Body, chance: Chance) -> list[Stroke]:
    """Vertebrae L5 to C6 with their arches, discs, canal and cord."""
    out: list[Stroke] = []
    for level, (s, pitch) in enumerate(zip(vertebra_centres_mm(), _PITCHES_MM, strict=True)):
        out += _vertebra(body, chance, level, s, pitch)
    canal = [(body.midline(s), body.spine(s) - _half_depth(s) - 8.5, s, 8.0) for s in range(-20, 580, 20)]
    out.append(Stroke(tube(canal, stretch=(1.15, 1, 1), step_mm=20), Tissue.SPINAL_FLUID, 0))
    cord = [(r, a, s, 5.2 if s < 440 else 6.0) for r, a, s, _ in canal if s >= 140]
    out.append(Stroke(tube(cord, stretch=(1.1, 1, 1), step_mm=20), Tissue.CORD, 121))
    return out


def _half_depth(s: float) -> float:
    return 17.0 - 7.5 * min(1.0, max(0.0, (s - 180) / 320))


def _vertebra(body: Body, chance: Chance, level: int, s: float, pitch: float) -> list[Stroke]:
    class_id = L5_CLASS + level
    r, a, depth = body.midline(s), body.spine(s), _half_depth(s)
    width = depth * 1.4 * chance.about(1.0, 0.03)
    height = pitch * 0.5 - (3.6 if level < 6 else 2.2)
    slope = (body.spine(s + 10) - body.spine(s - 10)) / 20
    tilt = (-57.3 * slope, 0.0, 0.0)
    outer = ellipsoid((r, a, s), (width, depth, height), tilt, boxy=True)
    disc = ellipsoid((r, a, s + pitch / 2), (width * 0.96, depth * 0.96, pitch * 0.25), tilt, boxy=True)
    back = a - depth
    ring = ellipsoid((r, back - 9, s), (18, 15, height * 0.8))
    spinous_s = s - (6 if level < 5 else 16)
    spinous = ellipsoid((r, back - 30, spinous_s), (3.5, 17, 10 if level < 5 else 8), (18 if level < 5 else 35, 0, 0))
    out = [Stroke(disc, Tissue.DISC, 0)]
    arch: list[Shape] = [ring, spinous]
    reach = 40 if level < 5 else 30
    for side in (1, -1):
        tip = (r + side * reach, back - (14 if level < 5 else 20), s + 3)
        arch.append(capsule((r + side * 12, back - 8, s + 2), tip, 5.0, 3.6))
        arch.append(ellipsoid((r + side * 17, back - 15, s - pitch * 0.42), (6.5, 7, 9)))
    out += [Stroke(shape, Tissue.CORTICAL_BONE, class_id) for shape in [*arch, outer]]
    out += [Stroke(shape.grown(-2.6), Tissue.SPONGY_BONE, class_id) for shape in [ring, *arch[2:]]]
    out.append(Stroke(outer.grown(-1.6), Tissue.SPONGY_BONE, class_id))
    return out


def ribs(body: Body, chance: Chance) -> list[Stroke]:
    """Twelve pairs of ribs, their cartilage, and the sternum between them."""
    out: list[Stroke] = []
    drop_scale = chance.about(1.0, 0.1)
    for rib in range(12, 0, -1):
        for side, first in ((1, 75), (-1, 63)):
            out += _rib(body, rib, side, first + rib - 1, drop_scale)
    front = box_of((-26, -60, 292), (26, 140, 446)) & where(lambda p: p.a - 10)
    plate = where(lambda p: 5.5 - abs(p.wall + 7.5))
    narrow = where(lambda p: (17 + 9 * (p.s > 402).astype("float32") - 5 * (p.s < 320).astype("float32")) - abs(p.r))
    sternum = front & plate & narrow
    out += [Stroke(sternum, Tissue.CORTICAL_BONE, 122), Stroke(sternum.grown(-2.2), Tissue.SPONGY_BONE, 122)]
    return out


_RIB_DROP_MM = (28, 42, 54, 64, 72, 78, 82, 84, 84, 80, 66, 42)
_RIB_END_DEGREES = (58, 60, 60, 58, 55, 50, 44, 36, 27, 15, -12, -38)
_STERNAL_S_MM = (436, 412, 392, 374, 356, 340, 322, 312, 300, 288)


def _rib(body: Body, rib: int, side: int, class_id: int, drop_scale: float) -> list[Stroke]:
    top = rib_head_mm(rib)
    end, drop = _RIB_END_DEGREES[rib - 1], _RIB_DROP_MM[rib - 1] * drop_scale
    path = [(side * 16.0, body.spine(top) - 10, top, 4.0), (side * 30.0, body.spine(top) - 22, top, 4.2)]
    start, count = -66.0, 9
    for n in range(count + 1):
        share = n / count
        r, a, s = body.on_wall(start + share * (end - start), top - 3 - drop * share**1.15, 6.0)
        path.append((side * r, a, s, 4.2 - 0.6 * share))
    pieces = tube(path, stretch=(1, 1, 1.55), step_mm=12)
    out = [bone(pieces, class_id, 1.7)]
    if rib <= 10:
        tip = path[-1]
        target = _STERNAL_S_MM[rib - 1]
        bow = body.on_wall((end + 80) / 2, tip[2] + 0.25 * (target - tip[2]), 6.0)
        meets = body.on_wall(77 if rib <= 7 else 70, target - (0 if rib <= 7 else 12), 6.0)
        gristle = [tip, (side * bow[0], bow[1], bow[2], 4.2), (side * meets[0], meets[1], meets[2], 4.4)]
        out.append(Stroke(tube(gristle, stretch=(1, 1, 1.4), step_mm=12), Tissue.CARTILAGE, 114))
    return out


def crest_below(mm: float) -> Shape:
    """What lies at least this far below the curved line of the iliac crest."""
    return where(
        lambda p: np.float32(44 - mm) - p.s - np.square(p.a + 2) * np.where(p.a > -2, 0.016, 0.0075).astype("f4")
    )


def _wing_shell(side: int, inner_mm: float, outer_mm: float) -> Shape:
    """A bowl that follows the iliac bone, between two distances from a point in front of and above it."""
    centre = (side * 28.0, 36.0, 14.0)

    def beyond(p: Points) -> Float32:
        distance = np.sqrt(np.square(p.r - centre[0]) + np.square(p.a - centre[1]) + np.square(p.s - centre[2]))
        return np.asarray(distance - np.float32(inner_mm), np.float32)

    outer = ellipsoid(centre, (outer_mm,) * 3) & box_of((-220, -120, -66), (220, 62, 60))
    return outer & where(beyond) & where(lambda p: side * p.r - np.float32(36))


def pelvis(body: Body, chance: Chance) -> list[Stroke]:
    """Sacrum, hip bones and the upper ends of the femurs."""
    sacrum = [(0, -36, -12, 17), (0, -58, -42, 14), (0, -76, -72, 11), (0, -82, -100, 7), (0, -72, -122, 4)]
    out = [bone(tube(sacrum, stretch=(2.5, 1, 1), step_mm=12), 97, 2.0)]
    holes = [
        ellipsoid((side * 17.0, body.spine(s) + 2, s), (4, 12, 4)) for s in (-24.0, -44, -64, -84) for side in (1, -1)
    ]
    out.append(Stroke(holes, Tissue.FAT, 0, (Tissue.SPONGY_BONE, Tissue.CORTICAL_BONE)))
    out.append(bone([ellipsoid((0, -36, -14), (27, 17, 13), (30, 0, 0), boxy=True)], 127, 2.0))
    for side, hip, femur in ((1, 96, 94), (-1, 95, 93)):
        out.append(_hip(side, hip))
        out += _femur(side, femur, chance)
    return out


def _hip(side: int, class_id: int) -> Stroke:
    wing = _wing_shell(side, 83.5, 91.5) & crest_below(0)
    rim = _wing_shell(side, 81.5, 95) & crest_below(0) - crest_below(9)
    socket = ellipsoid((side * 84, 14, -84), (27, 30, 32))
    shapes: list[Shape] = [
        blend(wing, socket, 12), rim,
        *tube([(side * 72, 34, -92, 10), (side * 40, 52, -98, 7), (side * 8, 54, -108, 9)]),
        *tube([(side * 78, -10, -95, 15), (side * 66, -26, -125, 15), (side * 58, -26, -148, 13)]),
        *tube([(side * 58, -18, -150, 9), (side * 36, 12, -140, 6), (side * 9, 46, -120, 8)]),
        *tube([(side * 40, -60, 8, 6), (side * 38, -62, -8, 8), (side * 46, -54, -44, 8), (side * 66, -22, -66, 10)]),
    ]  # fmt: skip
    return bone(shapes, class_id, 2.4)


def _femur(side: int, class_id: int, chance: Chance) -> list[Stroke]:
    head = (side * 94.0, 14.0, -91.0)
    out = [Stroke(ellipsoid(head, (27, 27, 27)), Tissue.CARTILAGE, 0)]
    shapes: list[Shape] = [
        ellipsoid(head, (24, 24, 24)),
        *tube([(*head, 16), (side * 128, 2, -118, 14), (side * 134, 0, -140, 18)]),
        *tube([(side * 138, -8, -112, 12), (side * 132, 2, -150, 17), (side * 128, 6, -260, 14)], step_mm=16),
    ]
    implant = chance.happens(0.04)
    out.append(bone(shapes, class_id, 2.2))
    out.append(Stroke(tube([(side * 132, 2, -160, 8), (side * 128, 6, -260, 8)], step_mm=30), Tissue.MARROW, class_id))
    if implant:
        stem = tube([(*head, 10), (side * 126, 2, -118, 8), (side * 131, 3, -150, 8), (side * 128, 6, -240, 5)])
        out.append(Stroke([ellipsoid(head, (16, 16, 16)), *stem], Tissue.METAL, class_id))
    return out


def shoulders(body: Body, chance: Chance) -> list[Stroke]:
    """Collar bones, shoulder blades and the heads of the upper arms; arms at the sides or raised."""
    out: list[Stroke] = []
    for side, humerus, scapula, clavicle in ((1, 88, 90, 92), (-1, 87, 89, 91)):
        joint = chance.near((side * 158.0, -18.0, 440.0), 5)
        blade = _blade(side, body.centre(385) - 73)
        spike = tube([(side * 66, -94, 405, 4), (side * 110, -82, 432, 5), (side * 150, -40, 462, 6)], step_mm=16)
        neck = tube([(side * 118, -52, 420, 8), (joint[0] - side * 24, joint[1] - 6, joint[2], 13)])
        bones = [blade, *spike, *neck]
        out.append(Stroke(bones, Tissue.CORTICAL_BONE, scapula))
        out.append(Stroke([bone.grown(-2.4) for bone in neck], Tissue.SPONGY_BONE, scapula))
        end = (side * 205.0, -22.0, 180.0) if body.arms_down else (side * 215.0, 10.0, 560.0)
        arm = [*tube([(*joint, 21), (*joint, 20)]), *tube([(*joint, 15), (*end, 11)], step_mm=25)]
        out.append(bone(arm, humerus, 2.8))
        collar = [
            (side * 24, 40, 438, 6.5),
            (side * 70, 44, 446, 5.5),
            (side * 112, 16, 462, 5),
            (side * 148, -10, 464, 6),
        ]
        pieces = tube(collar)
        out.append(bone(pieces, clavicle, 2.4))
    return out


def _blade(side: int, a: float) -> Shape:
    """The flat triangle of a shoulder blade: narrow below, cut off along the spine of the scapula above."""
    plate = ellipsoid((side * 98, a, 385), (52, 3.2, 72), (0, side * 14, side * 33))

    def triangle(p: Points) -> Float32:
        lateral = side * p.r - np.float32(58)
        below = np.float32(455) - p.s - np.float32(0.5) * lateral
        return np.asarray(np.minimum(below, np.float32(1.1) * lateral + p.s - np.float32(332)), np.float32)

    return plate & where(triangle)


def limbs(body: Body) -> list[Stroke]:
    """Flesh that stands out of the trunk: shoulders, arms, thighs, breasts. Skin, fat and muscle, painted first."""
    out: list[Stroke] = []
    fat = body.limb_fat_mm()
    for side in (1, -1):
        shoulder = [(side * 60, -24, 452, 40), (side * 120, -26, 440, 42), (side * 162, -18, 430, 40)]
        end = (side * 206.0, -22.0, 120.0) if body.arms_down else (side * 216.0, 8.0, 570.0)
        arm = [(side * 160, -18, 440, 42), ((side * 160 + end[0]) / 2, -18, (440 + end[2]) / 2, 38), (*end, 34)]
        thigh = [(side * 100, 0, -110, 78), (side * 105, 0, -260, 72)]
        pieces = [*tube(shoulder, step_mm=30), *tube(arm, step_mm=30), *tube(thigh, step_mm=60)]
        out.append(Stroke([piece.grown(fat + 2.5) for piece in pieces], Tissue.SKIN, None, (Tissue.AIR,)))
        out.append(Stroke([piece.grown(fat) for piece in pieces], Tissue.FAT, None, (Tissue.AIR, Tissue.SKIN)))
        out.append(Stroke(pieces, Tissue.MUSCLE, None, (Tissue.SKIN, Tissue.FAT)))
        if body.female:
            front = body.centre(330) + body.half_depth(330) + 20
            breast = ellipsoid((side * 72, front + 4, 325), (52, 26 + fat, 50))
            out.append(Stroke(breast.grown(2.5), Tissue.SKIN, None, (Tissue.AIR,)))
            out.append(Stroke(breast, Tissue.FAT, None, (Tissue.AIR, Tissue.SKIN)))
            gland = ellipsoid((side * 72, front + 12, 325), (28, 12 + 0.4 * fat, 26)).wavy(7, 22, 1.0 + side)
            out.append(Stroke(gland, Tissue.GLAND, None, (Tissue.FAT,)))
    return out
