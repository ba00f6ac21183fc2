"""Dice, normalised surface distance and volume, on shapes whose values are known."""

from __future__ import annotations

import numpy as np
import pytest
from builders import box_mask, oblique_geometry
from VISTA3DSegmentLib.edits import NOTHING, MaskCrop
from VISTA3DSegmentLib.errors import VolumeError
from VISTA3DSegmentLib.evaluation.metrics import common_box, dice, nsd, surface_area_mm2, volume_ml
from VISTA3DSegmentLib.volume import Volume

SHAPE = (40, 40, 44)
UNIT = (1.0, 1.0, 1.0)


def sphere(
    radius_mm: float,
    centre_ijk_mm: tuple[float, float, float],
    spacing_ijk_mm: tuple[float, float, float],
    shape_kji: tuple[int, int, int],
) -> MaskCrop:
    k, j, i = np.indices(shape_kji)
    (x, y, z), (dx, dy, dz) = centre_ijk_mm, spacing_ijk_mm
    return MaskCrop.of((i * dx - x) ** 2 + (j * dy - y) ** 2 + (k * dz - z) ** 2 <= radius_mm**2)


def test_dice_of_half_overlapping_boxes_is_one_half() -> None:
    a = box_mask(SHAPE, (5, 5, 5), (15, 15, 15))
    b = box_mask(SHAPE, (5, 5, 10), (15, 15, 20))
    assert dice(a, b) == dice(b, a) == 0.5


def test_dice_does_not_depend_on_how_tight_the_crops_are() -> None:
    a = box_mask(SHAPE, (5, 5, 5), (15, 15, 15))
    assert dice(a, MaskCrop((0, 0, 0), a.full(SHAPE))) == 1.0


@pytest.mark.parametrize("metric", ["dice", "nsd"])
def test_two_empty_masks_agree_and_one_empty_mask_does_not(metric: str) -> None:
    full = box_mask(SHAPE, (5, 5, 5), (9, 9, 9))
    zeros = MaskCrop((3, 3, 3), np.zeros((4, 4, 4), np.bool_))

    def agreement(a: MaskCrop, b: MaskCrop) -> float:
        return dice(a, b) if metric == "dice" else nsd(a, b, UNIT, 1.0)

    assert agreement(NOTHING, zeros) == 1.0
    assert agreement(NOTHING, full) == agreement(full, zeros) == 0.0


def test_nsd_of_a_shifted_cube_is_the_share_of_its_faces_that_stays_close() -> None:
    side, shift, tolerance = 40, 6, 3
    shape = (side + 2, side + 2, side + shift + 2)
    a = box_mask(shape, (1, 1, 1), (1 + side, 1 + side, 1 + side))
    b = box_mask(shape, (1, 1, 1 + shift), (1 + side, 1 + side, 1 + side + shift))
    # The four faces along the shift stay close but for a strip; of the two across it, one has a rim that is close.
    along = 4 * side * (side - (shift - tolerance))
    across = side**2 - (side - 2 * tolerance) ** 2
    assert nsd(a, b, UNIT, tolerance) == pytest.approx((along + across) / (6 * side**2), abs=0.02)
    assert nsd(a, b, UNIT, shift) == 1.0


def test_nsd_of_concentric_spheres_jumps_at_their_distance() -> None:
    small, large = (sphere(radius, (20, 20, 20), UNIT, SHAPE) for radius in (11.0, 15.0))
    # Surfaces are known to about a voxel.
    assert nsd(small, large, UNIT, 2.5) < 0.02
    assert nsd(small, large, UNIT, 5.0) == 1.0


def test_nsd_of_shifted_spheres_is_right_in_mm_on_an_anisotropic_grid() -> None:
    spacing, shape, radius, shift, tolerance = (0.4, 0.5, 0.8), (60, 96, 140), 18.0, 8.0, 3.0
    a = sphere(radius, (24.0, 24.0, 24.0), spacing, shape)
    b = sphere(radius, (24.0 + shift, 24.0, 24.0), spacing, shape)

    def share_within(mm: float) -> float:
        # A point of one sphere, seen at an angle from the shift, is near the other where the cosine is between these.
        low, high = ((radius**2 + shift**2 - (radius + t) ** 2) / (2 * radius * shift) for t in (mm, -mm))
        return (high - low) / 2

    # Surfaces are known to about a voxel; the other one is the nearer for it.
    assert share_within(tolerance) - 0.01 < nsd(a, b, spacing, tolerance) < share_within(tolerance + max(spacing))


def test_nsd_counts_area_and_not_surface_voxels() -> None:
    spacing = (1.0, 1.0, 5.0)
    a = box_mask((12, 34, 34), (3, 5, 5), (7, 29, 29))
    b = box_mask((12, 34, 34), (3, 5, 5), (8, 29, 29))
    # Only the upper face, 24 x 24 mm, has moved, by 5 mm; its rim is within 1 mm of the walls of the other box.
    walls, lid = 4 * 24 * 20, 24 * 24
    share_of_a = (walls + lid + (24**2 - 22**2)) / (walls + 2 * lid)
    taller_walls = 4 * 24 * 25
    share_of_b = (walls + 4 * 24 * 1 + lid) / (taller_walls + 2 * lid)
    areas = walls + 2 * lid, taller_walls + 2 * lid
    expected = (share_of_a * areas[0] + share_of_b * areas[1]) / sum(areas)
    assert nsd(a, b, spacing, 1.0) == pytest.approx(expected, abs=0.03)


def test_the_surface_of_a_sphere_has_the_area_of_a_sphere() -> None:
    ball = sphere(14.0, (20, 20, 20), UNIT, SHAPE)
    assert surface_area_mm2(ball.mask, UNIT).sum() == pytest.approx(4 * np.pi * 14**2, rel=0.07)


def test_a_negative_tolerance_is_refused() -> None:
    with pytest.raises(VolumeError, match="tolerance of -1 mm"):
        nsd(NOTHING, NOTHING, UNIT, -1)


def test_volume_is_in_millilitres_on_any_grid() -> None:
    volume = Volume(np.zeros((5, 6, 7), np.int16), oblique_geometry((0.5, 2.0, 4.0)))
    assert volume_ml(box_mask((5, 6, 7), (0, 0, 0), (5, 5, 4)), volume) == pytest.approx(0.4)


def test_the_common_box_is_tight_and_ignores_empty_masks() -> None:
    a, b = box_mask(SHAPE, (5, 6, 7), (9, 9, 9)), box_mask(SHAPE, (1, 20, 8), (3, 22, 30))
    assert common_box(MaskCrop((0, 0, 0), a.full(SHAPE)), b) == ((1, 6, 7), (8, 16, 23))
    assert common_box(a, NOTHING) == ((5, 6, 7), (4, 3, 2))
    assert common_box(NOTHING, NOTHING) == ((0, 0, 0), (0, 0, 0))
