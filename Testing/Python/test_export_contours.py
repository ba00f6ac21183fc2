"""Contours of a mask, and the voxels inside contours: each is the inverse of the other."""

from __future__ import annotations

import numpy as np
import pytest
from VISTA3DSegmentLib.edits import BoolArray, MaskCrop
from VISTA3DSegmentLib.export.contours import contours_of, polygons_of
from VISTA3DSegmentLib.files.polygons import inside_polygons
from VISTA3DSegmentLib.volume import FloatArray


def plane(*rows: str) -> BoolArray:
    """A slice drawn in signs: # is a voxel of the mask."""
    return np.asarray([[sign == "#" for sign in row] for row in rows], np.bool_)


def area(polygon: FloatArray) -> float:
    """The area inside a polygon, negative if it runs the other way (shoelace formula)."""
    i, j = polygon.T
    return float((i * np.roll(j, -1) - j * np.roll(i, -1)).sum() / 2)


def filled(polygons: list[FloatArray], shape_ji: tuple[int, int]) -> BoolArray:
    return inside_polygons([polygon - 0.5 for polygon in polygons], shape_ji)


def test_one_voxel_is_a_square_round_its_centre() -> None:
    crop = MaskCrop((7, 2, 5), np.ones((1, 1, 1), np.bool_))
    ((k, (polygon,)),) = contours_of(crop)
    assert k == 7
    assert polygon.tolist() == [[4.5, 1.5], [5.5, 1.5], [5.5, 2.5], [4.5, 2.5]]


def test_slices_without_voxels_have_no_contours() -> None:
    mask = np.zeros((4, 3, 3), np.bool_)
    mask[[1, 3], 1, 1] = True
    assert [k for k, _ in contours_of(MaskCrop((10, 0, 0), mask))] == [11, 13]


def test_straight_borders_have_corners_only_at_their_ends() -> None:
    assert [len(polygon) for polygon in polygons_of(np.ones((30, 40), np.bool_))] == [4]


def test_branches_are_contours_of_their_own() -> None:
    assert len(polygons_of(plane("##.##", "##.##", "#####"))) == 1
    assert len(polygons_of(plane("##.##", "##.##"))) == 2


def test_voxels_that_touch_at_a_corner_are_contours_of_their_own() -> None:
    assert [area(polygon) for polygon in polygons_of(plane("#.", ".#"))] == [1.0, 1.0]
    assert [area(polygon) for polygon in polygons_of(plane(".#", "#."))] == [1.0, 1.0]


def test_hole_is_joined_to_the_contour_round_it_by_a_channel_without_width() -> None:
    drawn = plane("#####", "#####", "##.##", "#####")
    (polygon,) = polygons_of(drawn)
    assert area(polygon) == drawn.sum()
    # In at the left border between the second and the third row, round the hole, and back the same way.
    assert polygon.tolist() == [[0, 0], [5, 0], [5, 4], [0, 4], [0, 2], [2, 2], [2, 3], [3, 3], [3, 2], [2, 2], [0, 2]]


def test_channels_of_several_holes_are_reached_one_after_the_other() -> None:
    """Else the contour would go back and forth along the border."""
    drawn = plane("#####", "###.#", "#####", "##.##", "#.###", "#####")
    (polygon,) = polygons_of(drawn)
    borders = 2 * (5 + 6) + 4 + 8  # round all, the single hole, the two that touch at a corner
    channels = 2 * (3 + 2)
    assert np.abs(polygon - np.roll(polygon, -1, axis=0)).sum() == borders + channels


def test_island_in_a_hole_is_a_contour_of_its_own() -> None:
    drawn = plane("#####", "#...#", "#.#.#", "#...#", "#####")
    assert sorted(area(polygon) for polygon in polygons_of(drawn)) == [1.0, 16.0]


@pytest.mark.parametrize(
    "rows",
    [
        ("#######", "#.#.#.#", "#######"),  # channels through other holes
        ("#####", "###.#", "#####", "##.##", "#.###", "#####"),  # several on one border
        ("####", "#..#", "#.##", "####"),
        ("###.", "#.##", "####"),  # a hole that touches the outside at a corner
        (".####", "##..#", "#.#.#", "#####"),
    ],
)
def test_holes_of_any_arrangement_stay_holes(rows: tuple[str, ...]) -> None:
    drawn = plane(*rows)
    polygons = polygons_of(drawn)
    assert sum(area(polygon) for polygon in polygons) == drawn.sum()
    assert np.array_equal(filled(polygons, drawn.shape), drawn)


@pytest.mark.parametrize("density", [0.2, 0.5, 0.8, 0.95])
def test_noise_comes_back_voxel_by_voxel(density: float) -> None:
    chance = np.random.default_rng(4)
    for _ in range(40):
        drawn = chance.random(chance.integers(1, 20, 2)) < density
        polygons = polygons_of(drawn)
        assert np.array_equal(filled(polygons, drawn.shape), drawn)
        # Whoever joins contours instead of taking every second one gets the same.
        joined = [filled([polygon], drawn.shape) for polygon in polygons]
        assert np.array_equal(np.any([np.zeros_like(drawn), *joined], axis=0), drawn)


def test_contours_that_are_moved_by_less_than_half_a_voxel_hold_the_same_voxels() -> None:
    drawn = plane("#####", "#...#", "#.#.#", "#####")
    shift = np.array([0.4, -0.3])
    moved = [polygon + shift for polygon in polygons_of(drawn)]
    assert np.array_equal(filled(moved, drawn.shape), drawn)


def test_contour_inside_another_is_a_hole() -> None:
    outer = np.array([[0.5, 0.5], [5.5, 0.5], [5.5, 5.5], [0.5, 5.5]])
    inner = outer / 2 + 1.0  # 1.25 to 3.75
    assert inside_polygons([outer], (8, 8)).sum() == 25
    assert inside_polygons([outer, inner], (8, 8)).sum() == 25 - 4


def test_voxels_on_the_line_belong_to_the_structure() -> None:
    on_centres = np.array([[1.0, 1.0], [4.0, 1.0], [4.0, 3.0], [1.0, 3.0]])
    for rounding in (0.0, 0.004, -0.004):
        found = inside_polygons([on_centres + rounding], (6, 6))
        assert np.array_equal(np.argwhere(found), [(j, i) for j in (1, 2, 3) for i in (1, 2, 3, 4)])
    assert inside_polygons([np.array([[2.0, 2.0]])], (4, 4)).sum() == 1
    assert inside_polygons([np.array([[0.0, 0.0], [3.0, 3.0]])], (4, 4)).sum() == 4


def test_contours_beyond_the_slice_are_cut_at_its_edge_however_far_they_go() -> None:
    huge = np.array([[-1e9, -1e9], [1e9, -1e9], [1e9, 2.5], [-1e9, 2.5]])
    found = inside_polygons([huge], (6, 4))
    assert found[:3].all()
    assert not found[3:].any()
    assert not inside_polygons([huge - (3e9, 0)], (6, 4)).any()


def test_no_contour_holds_no_voxel() -> None:
    assert not inside_polygons([], (3, 3)).any()
