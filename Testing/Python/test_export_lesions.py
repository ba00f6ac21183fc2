"""Lesions: which they are, where they lie, and what became of them since an earlier segmentation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import box_mask
from measured_shapes import boxes, of_zeros, upright
from VISTA3DSegmentLib.anatomy import class_of, terminology_entry
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.engine import Cancel
from VISTA3DSegmentLib.errors import Cancelled
from VISTA3DSegmentLib.export.changes import Course, changes_since
from VISTA3DSegmentLib.export.lesions import doubts, is_lesion, lesions_of
from VISTA3DSegmentLib.files.segments import Segment, Segmentation
from VISTA3DSegmentLib.terminology import LESION, TISSUE, Meaning, entry_of

LIVER, SPLEEN, HEPATIC_TUMOR, LEFT_KIDNEY_CYST, RIGHT_KIDNEY_CYST = 1, 3, 26, 116, 117
VOLUME = of_zeros((20, 40, 40))


def made(name: str, *ends, class_id: int | None = None, terminology: str = "", shape=VOLUME.shape_kji) -> Segment:
    """A segment of one or more boxes."""
    mask = np.zeros(shape, np.bool_)
    for start, end in ends:
        mask |= box_mask(shape, start, end).full(shape)
    return Segment(name, MaskCrop.of(mask), (200, 50, 50), class_id, terminology)


def holding(*segments: Segment) -> Segmentation:
    return Segmentation(VOLUME.shape_kji, VOLUME.ijk_to_ras, segments)


def changes(before: Segmentation, now: Segmentation):
    return changes_since(before, now, lesions_of(now, VOLUME), VOLUME)


def courses(before: list, now: list) -> list[tuple[Course, tuple[int, ...], tuple[int, ...]]]:
    """What became of lesions that are the given boxes."""
    found = changes(holding(made("mass", *before)), holding(made("mass", *now)))
    return [(one.course, one.now, one.before) for one in found.lesions]


def box(k: int, j: int, i: int, side: int = 4):
    return (k, j, i), (k + side, j + side, i + side)


def test_tumours_cysts_and_structures_without_a_class_are_lesions():
    place = box(1, 1, 1)
    assert is_lesion(made("mass", place))
    assert is_lesion(made("hepatic tumor", place, class_id=HEPATIC_TUMOR))
    assert is_lesion(made("cyst", place, class_id=LEFT_KIDNEY_CYST))
    assert is_lesion(made("x", place, terminology=terminology_entry(class_of(HEPATIC_TUMOR))))
    assert not is_lesion(made("liver", place, class_id=LIVER))
    assert not is_lesion(made("x", place, terminology=terminology_entry(class_of(LIVER))))
    assert not is_lesion(made("prostate or uterus", place, class_id=16))


@pytest.mark.parametrize("name", ["liver", "Spleen", "left kidney", "kidneys", "lung", "vertebrae L1"])
@pytest.mark.parametrize("terminology", ["", entry_of(TISSUE)])
def test_what_is_called_as_an_organ_is_no_lesion_although_it_has_no_class(name: str, terminology: str):
    organ, mass = made(name, ((0, 0, 0), (20, 40, 40)), terminology=terminology), made("mass", box(1, 1, 1))
    (lesion,) = lesions_of(holding(organ, mass), VOLUME).found
    assert (lesion.segment, lesion.organ) == ("mass", name)


@pytest.mark.parametrize("name", ["mass", "liver tumor", "left kidney cyst", "liver met", "Label", "1", "L1", "T 2"])
def test_a_name_that_says_no_organ_leaves_it_a_lesion(name: str):
    assert is_lesion(made(name, box(1, 1, 1)))


@pytest.mark.parametrize("terminology", ["", entry_of(TISSUE)])
def test_a_value_without_a_table_is_neither_a_lesion_nor_an_organ(terminology: str):
    value, mass = made("Label 6", ((0, 0, 0), (20, 40, 40)), terminology=terminology), made("mass", box(1, 1, 1))
    (lesion,) = lesions_of(holding(value, mass), VOLUME).found
    assert (lesion.segment, lesion.organ) == ("mass", "")
    assert not is_lesion(value)


def test_what_a_report_supposes_of_segments_without_a_class_is_told():
    place = box(1, 1, 1)
    told = " ".join(doubts(holding(made("Label 6", place), made("kid", place), made("liver", place, class_id=LIVER))))
    assert "neither for organs nor for lesions: Label 6." in told
    assert "takes them for lesions: kid." in told
    assert doubts(holding(made("Lesion 1", place), made("spleen", place))) == ()


def test_values_without_a_table_are_not_matched_as_lesions():
    found = changes(holding(made("Label 6", box(1, 1, 1))), holding(made("mass", box(1, 1, 1))))
    assert [one.course for one in found.lesions] == [Course.NEW]


def test_specks_are_no_lesions_and_are_counted():
    grain, block = box(1, 1, 1, 1), ((8, 8, 8), (16, 16, 18))
    found = lesions_of(holding(made("mass", block, grain, box(1, 30, 30, 2))), VOLUME)
    assert [one.measures.voxels for one in found.found] == [640, 8]
    assert (found.specks, found.left_out) == (1, 0)
    alone = lesions_of(holding(made("mass", box(1, 1, 1, 4), grain), made("grain", box(9, 9, 9, 1))), VOLUME)
    assert [one.measures.voxels for one in alone.found] == [64, 1]


def test_a_small_part_beside_one_that_is_not_much_larger_is_a_lesion():
    found = lesions_of(holding(made("mass", box(1, 1, 1, 4), box(9, 9, 9, 1))), VOLUME)
    assert ([one.measures.voxels for one in found.found], found.specks) == ([64, 1], 0)


def test_a_lesion_of_which_a_speck_is_left_has_not_resolved_and_one_that_was_a_speck_is_not_new():
    block, lesion, speck = ((8, 8, 8), (16, 16, 18)), box(1, 30, 30, 3), box(2, 31, 31, 1)
    assert courses([block, lesion], [block, speck])[1:] == [(Course.SPECK, (), (2,))]
    assert courses([block, speck], [block, lesion])[1:] == [(Course.SPECK, (2,), ())]


def test_each_part_of_a_lesion_segment_is_a_lesion_the_largest_first():
    found = lesions_of(holding(made("mass", box(1, 1, 1, 2), box(8, 8, 8, 5), box(1, 30, 30, 3))), VOLUME)
    assert [(one.number, one.measures.voxels) for one in found.found] == [(1, 125), (2, 27), (3, 8)]
    assert found.found[0].mask.start == (8, 8, 8)
    assert found.found[0].centre_ras == pytest.approx((100 - 10, 80 - 10, -300 + 10))


def test_a_lesion_that_a_person_has_numbered_keeps_its_number_and_its_size_takes_it_to_no_other():
    small, large, grain = box(1, 1, 1, 3), box(8, 8, 8, 8), box(1, 20, 20, 2)
    segments = (
        made("Lesion 2", small, grain), made("Lesion 3", large), made("mass", box(1, 30, 30, 4)),
        made("again 3", box(9, 30, 1, 5)), made("scan 2026-11-17", box(9, 30, 9, 2)),
    )  # fmt: skip
    found = lesions_of(holding(*segments), VOLUME)
    assert [(one.number, one.segment, one.measures.voxels) for one in found.found] == [
        (1, "again 3", 125), (2, "Lesion 2", 27), (3, "Lesion 3", 512), (4, "mass", 64), (5, "Lesion 2", 8),
        (6, "scan 2026-11-17", 8),
    ]  # fmt: skip
    fewer = lesions_of(holding(*segments), VOLUME, most=2)
    assert [(one.number, one.segment) for one in fewer.found] == [(1, "again 3"), (3, "Lesion 3")]


def test_what_became_of_numbered_lesions_is_told_by_their_numbers():
    here, there = box(1, 1, 1, 3), box(8, 8, 8, 8)
    before, now = holding(made("Lesion 7", here), made("Lesion 2", there)), holding(made("met 5", there, here))
    found = changes(before, now).lesions
    assert [(one.now, one.before) for one in found] == [((1,), (7,)), ((5,), (2,))]


def test_parts_next_to_one_another_do_not_leak_into_each_other():
    shell = np.zeros((9, 9, 9), np.bool_)
    shell[:] = True
    shell[1:8, 1:8, 1:8] = False
    shell[3:6, 3:6, 3:6] = True
    volume = of_zeros(shell.shape)
    segmentation = Segmentation(shell.shape, volume.ijk_to_ras, (Segment("mass", MaskCrop.of(shell), (1, 2, 3)),))
    assert [one.measures.voxels for one in lesions_of(segmentation, volume).found] == [9**3 - 7**3, 27]


def test_a_lesion_lies_in_the_organ_with_most_overlap():
    organs = (
        made("liver", ((0, 0, 0), (20, 40, 10)), class_id=LIVER),
        made("spleen", ((0, 0, 10), (20, 40, 40)), class_id=SPLEEN),
    )
    (lesion,) = lesions_of(holding(*organs, made("mass", ((5, 5, 9), (9, 9, 14)))), VOLUME).found
    assert (lesion.organ, lesion.distance_mm) == ("spleen", 0.0)


def test_a_lesion_cut_out_of_its_organ_belongs_to_the_nearest_within_ten_millimetres():
    organs = (
        made("spleen", ((0, 0, 0), (20, 40, 3)), class_id=SPLEEN),
        made("liver", ((0, 0, 30), (20, 40, 40)), class_id=LIVER),
    )
    (lesion,) = lesions_of(holding(*organs, made("mass", ((5, 5, 19), (9, 9, 23)))), VOLUME).found
    assert (lesion.organ, lesion.distance_mm) == ("liver", pytest.approx(30 - 22))
    (far,) = lesions_of(holding(organs[0], made("mass", ((5, 5, 19), (9, 9, 23)))), VOLUME).found
    assert (far.organ, far.distance_mm) == ("", None)


def test_distance_from_an_organ_is_measured_as_the_crow_flies():
    organ = made("liver", ((0, 0, 0), (20, 10, 10)), class_id=LIVER)
    (lesion,) = lesions_of(holding(organ, made("mass", ((5, 17, 17), (9, 20, 20)))), VOLUME).found
    assert lesion.organ == ""
    (nearer,) = lesions_of(holding(organ, made("mass", ((5, 15, 15), (9, 20, 20)))), VOLUME).found
    assert nearer.distance_mm == pytest.approx(6 * 2**0.5)


def test_without_an_organ_beside_it_the_codes_say_where_a_lesion_lies():
    segments = made("t", box(1, 1, 1), class_id=HEPATIC_TUMOR), made("c", box(9, 20, 20, 3), class_id=LEFT_KIDNEY_CYST)
    assert [one.organ for one in lesions_of(holding(*segments), VOLUME).found] == ["liver", "left kidney"]


def test_more_lesions_than_anybody_reads_are_counted():
    found = lesions_of(holding(made("mass", box(1, 1, 1), box(9, 9, 9), box(1, 20, 20))), VOLUME, most=2)
    assert (len(found.found), found.left_out) == (2, 1)


def test_looking_for_lesions_can_be_cancelled():
    cancel: Cancel = lambda: True  # noqa: E731 (the shortest one)
    with pytest.raises(Cancelled):
        lesions_of(holding(made("mass", box(1, 1, 1))), VOLUME, cancel=cancel)


def test_volume_change_of_each_structure_is_that_of_its_own_grid():
    now = holding(made("liver", ((0, 0, 0), (10, 20, 20)), class_id=LIVER))
    coarse = of_zeros((10, 20, 20), upright((2, 2, 2)))
    before = boxes(coarse, {"Liver": ((0, 0, 0), (5, 10, 8))}, class_id=LIVER)
    (change,) = changes(before, now).volume_ml
    assert (change.before, change.now) == (pytest.approx(3.2), pytest.approx(4.0))
    assert (change.difference, change.percent) == (pytest.approx(0.8), pytest.approx(25))


def test_a_structure_is_found_again_by_its_codes_when_it_was_renamed():
    place = box(1, 1, 1)
    before = holding(made("Leber", place, class_id=LIVER), made("Milz", place, class_id=SPLEEN))
    found = changes(before, holding(made("liver", place, class_id=LIVER), made("new", place)))
    assert found.volume_ml[0].percent == pytest.approx(0)
    assert found.volume_ml[1] is None
    assert found.gone == (("Milz", pytest.approx(0.064)),)


def test_an_earlier_segment_without_a_voxel_was_not_there():
    place, nothing = box(1, 1, 1), ((0, 0, 0), (0, 0, 0))
    before = holding(
        made("liver", nothing, class_id=LIVER), made("spleen", nothing, class_id=SPLEEN), made("Milz", place)
    )
    found = changes(before, holding(made("liver", place, class_id=LIVER)))
    assert found.volume_ml == (None,)
    assert [name for name, _ in found.gone] == ["Milz"]


@pytest.mark.parametrize("meaning", [TISSUE, LESION])
def test_codes_that_say_no_more_than_tissue_or_lesion_make_no_two_structures_the_same(meaning: Meaning):
    entry = entry_of(meaning)
    before = holding(made("needle", box(1, 1, 1), terminology=entry))
    found = changes(before, holding(made("clip", box(9, 9, 9), terminology=entry)))
    assert found.volume_ml == (None,)
    assert [name for name, _ in found.gone] == ["needle"]


def test_two_structures_of_the_same_codes_are_not_mixed_up():
    a, b = box(1, 1, 1), box(9, 9, 9, 5)
    before = holding(made("one", a, class_id=HEPATIC_TUMOR), made("two", b, class_id=HEPATIC_TUMOR))
    found = changes(before, holding(made("two", b, class_id=HEPATIC_TUMOR), made("x", a, class_id=HEPATIC_TUMOR)))
    assert found.volume_ml[0].percent == pytest.approx(0)
    assert found.volume_ml[1].before == pytest.approx(0.064)


def test_one_of_two_alike_structures_is_not_taken_for_the_only_earlier_one():
    a, b = box(1, 1, 1), box(9, 9, 9, 5)
    before = holding(made("tumour", a, class_id=HEPATIC_TUMOR))
    found = changes(before, holding(made("x", b, class_id=HEPATIC_TUMOR), made("y", a, class_id=HEPATIC_TUMOR)))
    assert found.volume_ml == (None, None)
    assert found.gone == (("tumour", pytest.approx(0.064)),)


def test_a_lesion_that_grew_persists_and_its_diameter_is_compared():
    found = changes(holding(made("mass", box(5, 5, 5, 4))), holding(made("mass", box(4, 4, 4, 6))))
    (one,) = found.lesions
    assert (one.course, one.now, one.before) == (Course.PERSISTING, (1,), (1,))
    assert one.volume_ml.percent == pytest.approx(100 * (216 / 64 - 1))
    assert one.longest_mm.now > one.longest_mm.before > 4
    assert "not registered" in found.notices[0]


def test_new_and_resolved_lesions_are_told():
    assert courses([box(1, 1, 1)], [box(12, 30, 30)]) == [(Course.NEW, (1,), ()), (Course.RESOLVED, (), (1,))]


def test_lesions_that_became_one_have_merged_and_one_that_fell_apart_has_split():
    two, one = [box(5, 5, 5), box(5, 5, 11, 3)], [((5, 5, 5), (9, 9, 15))]
    assert courses(two, one) == [(Course.MERGED, (1,), (1, 2))]
    assert courses(one, two) == [(Course.SPLIT, (1, 2), (1,))]


def test_lesions_that_merged_and_split_at_once_are_one_group():
    before = [((5, 5, 0), (9, 9, 10)), ((5, 5, 12), (9, 9, 20))]
    now = [((5, 5, 0), (9, 9, 4)), ((5, 5, 6), (9, 9, 18))]
    assert courses(before, now) == [(Course.REARRANGED, (1, 2), (1, 2))]


def test_a_neighbour_that_shares_a_few_voxels_is_another_lesion():
    before, now = [((5, 5, 5), (9, 9, 15))], [((5, 5, 5), (9, 9, 13)), ((5, 8, 14), (9, 18, 20))]
    assert courses(before, now) == [(Course.NEW, (1,), ()), (Course.PERSISTING, (2,), (1,))]


def test_a_lesion_that_moved_with_breathing_is_the_same_one():
    assert courses([box(1, 5, 5)], [box(12, 5, 5)]) == [(Course.PERSISTING, (1,), (1,))]


def test_a_moved_lesion_of_another_organ_is_another_lesion():
    found = changes(
        holding(made("cyst", box(1, 5, 5), class_id=LEFT_KIDNEY_CYST)),
        holding(made("tumor", box(8, 5, 5), class_id=HEPATIC_TUMOR)),
    )
    assert [one.course for one in found.lesions] == [Course.NEW, Course.RESOLVED]


def of_class(name: str, class_id: int | None, *ends):
    return holding(made(name, *ends, class_id=class_id))


def test_a_cyst_of_the_kidney_where_a_tumour_of_the_liver_was_is_another_lesion():
    before, now = (box(5, 5, 5),), (box(5, 5, 5),)
    found = changes(of_class("tumor", HEPATIC_TUMOR, *before), of_class("cyst", LEFT_KIDNEY_CYST, *now))
    assert [one.course for one in found.lesions] == [Course.NEW, Course.RESOLVED]
    sides = changes(of_class("a", LEFT_KIDNEY_CYST, *before), of_class("b", RIGHT_KIDNEY_CYST, *now))
    assert [one.course for one in sides.lesions] == [Course.NEW, Course.RESOLVED]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (("mass", None), ("metastasis", None)),
        (("mass", None), ("tumor", HEPATIC_TUMOR)),
        (("tumor 1", HEPATIC_TUMOR), ("Tumor 2", HEPATIC_TUMOR)),
        (("lesion", HEPATIC_TUMOR), ("Lesion", LEFT_KIDNEY_CYST)),
    ],
    ids=["renamed", "said now where it is", "of one organ", "of one name"],
)
def test_a_lesion_in_the_same_place_is_the_same_one_unless_both_are_said_to_be_of_other_organs(before, now):
    found = changes(of_class(*before, box(5, 5, 5)), of_class(*now, box(5, 5, 5)))
    assert [one.course for one in found.lesions] == [Course.PERSISTING]


MANY = [box(k, j, i, 1) for k in range(0, 20, 4) for j in range(0, 40, 4) for i in range(0, 40, 4)]
"""500 places, each for a lesion that touches no other."""


def grown(place, side: int):
    return place[0], tuple(start + side for start in place[0])


def test_a_lesion_that_was_too_small_to_be_listed_before_is_not_new():
    before = [grown(place, 2 if n < 300 else 1) for n, place in enumerate(MANY[:350])]
    now = [grown(place, 2) for place in MANY[300:350]]
    found = changes(holding(made("mass", *before)), holding(made("mass", *now)))
    courses_now = [one.course for one in found.lesions if one.now]
    assert courses_now == 50 * [Course.PERSISTING]
    assert all(one.course is Course.RESOLVED for one in found.lesions[50:])
    assert len(found.lesions) == 50 + 200
    assert "100 changes of lesions that are too small to be listed" in " ".join(found.notices)


def test_a_lesion_that_became_too_small_to_be_listed_has_not_resolved():
    before = [grown(place, 3) for place in MANY[:10]]
    now = [grown(place, 1 if n < 10 else 2) for n, place in enumerate(MANY[:300])]
    found = changes(holding(made("mass", *before)), holding(made("mass", *now)))
    assert [one.course for one in found.lesions if one.before] == 10 * [Course.PERSISTING]


def test_more_lesions_than_are_compared_are_matched_by_overlap_alone_and_it_is_told(monkeypatch):
    monkeypatch.setattr("VISTA3DSegmentLib.export.changes.MOST_MATCHED", 20)
    before = holding(made("mass", *MANY[:20], MANY[30]))
    found = changes(before, holding(made("mass", MANY[0], grown(MANY[31], 1))))
    assert sorted(one.course.value for one in found.lesions if one.now) == ["new", "persisting"]
    assert "may be one of the others" in " ".join(found.notices)


def test_a_lesion_where_the_other_scan_does_not_reach_is_neither_new_nor_resolved():
    short = of_zeros((5, 40, 40))
    before = boxes(short, {"mass": ((1, 1, 1), (4, 4, 4))})
    found = changes(before, holding(made("mass", box(1, 1, 1, 3), box(14, 30, 30))))
    assert [one.course for one in found.lesions] == [Course.NOT_COVERED, Course.PERSISTING]


def test_a_prior_that_lies_elsewhere_is_compared_by_name_only():
    elsewhere = upright()
    elsewhere[2, 3] = 5000
    before = replace(holding(made("mass", box(1, 1, 1))), ijk_to_ras=elsewhere)
    found = changes(before, holding(made("mass", box(1, 1, 1))))
    assert found.lesions == ()
    assert found.volume_ml[0].percent == pytest.approx(0)
    assert "shares no space" in found.notices[0]
