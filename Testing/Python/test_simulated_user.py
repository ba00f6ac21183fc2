"""Where the simulated user clicks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from builders import box_mask, oblique_geometry
from scipy import ndimage
from VISTA3DSegmentLib.edits import NOTHING, MaskCrop
from VISTA3DSegmentLib.evaluation.simulated_user import next_click
from VISTA3DSegmentLib.prompts import Click
from VISTA3DSegmentLib.volume import Volume

SHAPE = (20, 24, 28)


def scan(shape_kji: tuple[int, int, int] = SHAPE, spacing_ijk: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Volume:
    return Volume(np.zeros(shape_kji, np.int16), np.diag((*spacing_ijk, 1.0)))


def voxel_of(click: Click | None, volume: Volume) -> tuple[int, int, int]:
    assert click is not None
    ijk = volume.ijk_of(click.ras)
    np.testing.assert_allclose(ijk, np.rint(ijk), atol=1e-6)
    i, j, k = (round(float(n)) for n in ijk)
    return k, j, i


def join(*masks: MaskCrop) -> MaskCrop:
    return MaskCrop.of(np.logical_or.reduce([mask.full(SHAPE) for mask in masks]))


def test_the_first_click_goes_to_the_middle_of_the_structure() -> None:
    click = next_click(box_mask(SHAPE, (4, 6, 8), (11, 13, 15)), NOTHING, scan())
    assert click is not None
    assert click.positive
    assert voxel_of(click, scan()) == (7, 9, 11)


def test_a_leak_gets_a_negative_click_in_its_middle() -> None:
    truth = box_mask(SHAPE, (4, 6, 2), (9, 11, 7))
    leak = box_mask(SHAPE, (4, 6, 15), (9, 11, 20))
    click = next_click(truth, join(truth, leak), scan())
    assert click is not None
    assert not click.positive
    assert voxel_of(click, scan()) == (6, 8, 17)


def test_no_mistake_means_no_click() -> None:
    truth = box_mask(SHAPE, (4, 6, 2), (9, 11, 7))
    assert next_click(truth, MaskCrop((0, 0, 0), truth.full(SHAPE)), scan()) is None
    assert next_click(NOTHING, NOTHING, scan()) is None


def test_the_larger_mistake_is_corrected_first_and_missing_parts_before_equal_leaks() -> None:
    missing, leak = box_mask(SHAPE, (4, 6, 2), (7, 9, 5)), box_mask(SHAPE, (4, 6, 15), (7, 9, 18))
    larger_leak = box_mask(SHAPE, (4, 6, 15), (7, 9, 19))
    first, second = next_click(missing, leak, scan()), next_click(missing, larger_leak, scan())
    assert first is not None
    assert second is not None
    assert (first.positive, second.positive) == (True, False)


def test_parts_that_touch_at_a_corner_are_one_mistake() -> None:
    corner_to_corner = join(box_mask(SHAPE, (2, 2, 2), (5, 5, 5)), box_mask(SHAPE, (5, 5, 5), (8, 8, 8)))
    single = box_mask(SHAPE, (12, 12, 12), (15, 15, 16))
    assert voxel_of(next_click(join(corner_to_corner, single), NOTHING, scan()), scan()) == (3, 3, 3)


def test_the_middle_is_measured_in_mm() -> None:
    thick_slices = scan(spacing_ijk=(1.0, 1.0, 4.5))
    # In voxels the cube is deepest (2 from outside), in mm the plate of one slice (4.5).
    cube_and_plate = join(box_mask(SHAPE, (2, 2, 2), (5, 5, 5)), box_mask(SHAPE, (5, 4, 4), (6, 13, 13)))
    assert voxel_of(next_click(cube_and_plate, NOTHING, thick_slices), thick_slices) == (5, 8, 8)


def test_the_edge_of_the_scan_is_not_the_edge_of_the_structure() -> None:
    cut_by_the_edge = box_mask(SHAPE, (0, 6, 6), (5, 11, 11))
    assert voxel_of(next_click(cut_by_the_edge, NOTHING, scan()), scan()) == (0, 8, 8)


def test_a_structure_that_fills_the_scan_is_clicked_in_its_middle() -> None:
    shape = (5, 5, 5)
    assert voxel_of(next_click(box_mask(shape, (0, 0, 0), shape), NOTHING, scan(shape)), scan(shape)) == (2, 2, 2)


def test_a_scan_of_one_slice_is_clicked_too() -> None:
    truth = box_mask((1, 9, 9), (0, 1, 2), (1, 6, 7))
    assert voxel_of(next_click(truth, NOTHING, scan((1, 9, 9))), scan()) == (0, 3, 4)


def test_clicks_are_world_positions_on_oblique_grids() -> None:
    volume = Volume(np.zeros(SHAPE, np.int16), oblique_geometry())
    assert voxel_of(next_click(box_mask(SHAPE, (4, 6, 8), (7, 17, 23)), NOTHING, volume), volume) == (5, 11, 15)


@pytest.mark.parametrize("seed", range(6))
def test_the_click_is_the_one_that_a_plain_search_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, result = (blobs(rng) for _ in range(2))
    volume = scan(spacing_ijk=(0.9, 1.3, 2.9))
    click = next_click(MaskCrop.of(truth), MaskCrop.of(result), volume)
    voxel, size, depth = voxel_of(click, volume), *plain_search(truth, result, (2.9, 1.3, 0.9))
    assert click is not None
    wrong = truth & ~result if click.positive else result & ~truth
    labels, _ = ndimage.label(wrong, np.ones((3, 3, 3)))
    component = labels == labels[voxel]
    assert wrong[voxel]
    assert component.sum() == size
    assert ndimage.distance_transform_edt(component, (2.9, 1.3, 0.9))[voxel] == pytest.approx(depth, rel=1e-5)


def blobs(rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    smooth = ndimage.gaussian_filter(rng.normal(size=SHAPE), 2.0)
    return np.asarray(smooth > 0.02)


def plain_search(
    truth: npt.NDArray[np.bool_], result: npt.NDArray[np.bool_], spacing_kji: tuple[float, float, float]
) -> tuple[int, float]:
    """Size and depth of the largest mistake, over the whole volume and without any shortcut."""
    components = []
    for wrong in (truth & ~result, result & ~truth):
        labels, count = ndimage.label(wrong, np.ones((3, 3, 3)))
        components += [labels == n for n in range(1, count + 1)]
    largest = max(components, key=lambda component: int(component.sum()))
    return int(largest.sum()), float(ndimage.distance_transform_edt(largest, spacing_kji).max())
