"""What SegVol answers by text, box and points, on a backend that sees grey values: so it is known to the voxel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from segvol_builders import GreyBackend, engine_of, specification, tiny_network
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.engine import Opened
from VISTA3DSegmentLib.engines.segvol.backend import TorchBackend
from VISTA3DSegmentLib.errors import Cancelled, PromptError
from VISTA3DSegmentLib.prompts import Box, Click, Prompts, Structure, Text
from VISTA3DSegmentLib.volume import Volume

AIR, TISSUE, BRIGHT, DIM = -1000, 0, 400, 150
"""HU: 0, 0.5, 0.7 and 0.575 to the network."""
NEW = Structure("thing")
FIRST, SECOND = (slice(6, 18), slice(20, 44), slice(22, 50)), (slice(28, 34), slice(50, 60), slice(10, 18))
"""Two bright blobs, (k, j, i)."""


def scan(
    shape: tuple[int, int, int] = (40, 70, 80), axes: str = "LPS", first: tuple[slice, ...] = FIRST
) -> tuple[Volume, np.ndarray]:
    """A body in air with two bright blobs and a dim one; and the truth of the bright ones.

    Args:
        shape: (k, j, i), in LPS order before it is stored along other axes.
        axes: "LPS" as most files are; "RAS": i and j the other way.
        first: where the first blob lies.
    """
    array = np.full(shape, AIR, np.int16)
    array[1:-1, 3:-4, 2:-5] = TISSUE
    truth = np.zeros(shape, np.bool_)
    truth[first] = True
    if all(part.stop <= size - 5 for part, size in zip(SECOND, shape, strict=True)):
        truth[SECOND] = True
    array[2:5, 5:9, 5:12] = DIM
    array[truth] = BRIGHT
    matrix = np.diag([-1.0, -1.0, 2.0, 1.0])
    matrix[:3, 3] = (40.0, 30.0, -20.0)
    if axes == "RAS":
        array, truth = (np.ascontiguousarray(a[:, ::-1, ::-1]) for a in (array, truth))
        flip = np.diag([-1.0, -1.0, 1.0, 1.0])
        flip[:2, 3] = shape[2] - 1, shape[1] - 1
        matrix = matrix @ flip
    return Volume(array, matrix), truth


def box_of(volume: Volume, truth: np.ndarray, grow_mm: float = 0.0) -> Box:
    """The box around some voxels, through their outer faces."""
    crop = MaskCrop.of(truth)
    low = np.array(crop.start[::-1]) - 0.5
    corners = np.stack([volume.ras_of(tuple(c)) for c in (low, low + np.array(crop.shape[::-1]))])
    return Box(tuple(corners.min(0) - grow_mm), tuple(corners.max(0) + grow_mm))


def middle_of(volume: Volume, part: tuple[slice, ...]) -> tuple[float, float, float]:
    """RAS of the middle of a block (k, j, i) of an LPS scan."""
    k, j, i = ((one.start + one.stop) // 2 for one in part)
    r, a, s = volume.ras_of((i, j, k))
    return float(r), float(a), float(s)


def answer(opened: Opened, prompts: Prompts, base: MaskCrop | None = None, region: Box | None = None) -> np.ndarray:
    """The whole mask after prompts."""
    shape = opened.volume.shape_kji
    return opened.refine(NEW, prompts, base, region).onto(base).full(shape)


@pytest.mark.parametrize("axes", ["LPS", "RAS"])
@pytest.mark.parametrize("shape", [(40, 70, 80), (13, 40, 41), (9, 26, 27)])
def test_text_finds_every_voxel_whatever_the_size_of_the_scan(shape: tuple[int, int, int], axes: str) -> None:
    first = FIRST if shape[0] == 40 else (slice(3, 7), slice(10, 20), slice(8, 19))
    volume, truth = scan(shape, axes, first)
    np.testing.assert_array_equal(answer(engine_of().open(volume), (Text("bright"),)), truth)


def test_another_text_finds_another_structure() -> None:
    volume, truth = scan()
    found = answer(engine_of().open(volume), (Text("dim"),))
    assert found[2:5, 5:9, 5:12].all()
    assert not (found & truth).any()


def test_a_box_says_which_of_two_is_meant() -> None:
    volume, truth = scan()
    asked = np.zeros_like(truth)
    asked[SECOND] = True
    np.testing.assert_array_equal(answer(engine_of().open(volume), (box_of(volume, asked),)), asked)


def test_a_box_at_the_border_of_the_scan_is_exact() -> None:
    volume, truth = scan(first=(slice(1, 9), slice(3, 20), slice(2, 15)))
    asked = truth.copy()
    asked[SECOND] = False
    np.testing.assert_array_equal(answer(engine_of().open(volume), (box_of(volume, asked),)), asked)


def test_a_click_finds_the_piece_that_it_lies_in() -> None:
    volume, _ = scan()
    expected = np.zeros(volume.shape_kji, np.bool_)
    expected[FIRST] = True
    found = answer(engine_of().open(volume), (Click(middle_of(volume, FIRST)),))
    np.testing.assert_array_equal(found, expected)


def test_a_negative_click_counts_in_the_window_that_holds_it() -> None:
    volume, _ = scan()
    opened = engine_of().open(volume)
    wrong = Click(volume_ras(volume, 8, 22, 24), positive=False)
    found = answer(opened, (Click(middle_of(volume, FIRST)), wrong))
    assert not found[8, 22, 24]
    assert found[14, 38, 44]


def volume_ras(volume: Volume, k: int, j: int, i: int) -> tuple[float, float, float]:
    """RAS of a voxel."""
    r, a, s = volume.ras_of((i, j, k))
    return float(r), float(a), float(s)


def test_text_and_box_replace_what_was_there_and_points_alone_correct_it() -> None:
    volume, truth = scan()
    opened, wrong = engine_of().open(volume), np.zeros(volume.shape_kji, np.bool_)
    wrong[25:29, 30:40, 40:60] = True
    base = MaskCrop.of(wrong)
    np.testing.assert_array_equal(answer(opened, (Text("bright"),), base), truth)
    corrected = answer(opened, (Click(middle_of(volume, FIRST)),), base)
    expected = wrong.copy()
    expected[FIRST] = True
    np.testing.assert_array_equal(corrected, expected)


def test_nothing_outside_the_region_changes() -> None:
    volume, truth = scan()
    region = box_of(volume, np.pad(np.ones((40, 20, 80), np.bool_), ((0, 0), (25, 25), (0, 0))))
    base = MaskCrop.of(np.pad(np.ones((2, 2, 2), np.bool_), ((30, 8), (1, 67), (1, 77))))
    found = answer(engine_of().open(volume), (Text("bright"),), base, region)
    np.testing.assert_array_equal(found[:, 25:45], truth[:, 25:45])
    np.testing.assert_array_equal(found[:, :25], base.full(volume.shape_kji)[:, :25])


def test_the_same_question_has_the_same_answer_in_another_engine() -> None:
    volume, _ = scan()
    expects = specification()
    network = TorchBackend(tiny_network())
    prompts = (Text("bright"), Click(middle_of(volume, FIRST)))

    class Wide(TorchBackend):
        """The tiny network takes vectors of 64 numbers, the table of the builders has one."""

        def decode(self, embedding, prompts):  # type: ignore[no-untyped-def]
            wide = None if prompts.text is None else prompts.text.expand(1, 64)
            return network.decode(embedding, replace(prompts, text=wide))

    first = engine_of(Wide(tiny_network()), expects).open(volume)
    again = first.refine(NEW, prompts)
    fresh = (
        engine_of(Wide(tiny_network()), expects)
        .open(Volume(volume.array.copy(), volume.ijk_to_ras))
        .refine(NEW, prompts)
    )
    cached = first.refine(NEW, prompts)
    for other in (fresh, cached):
        assert other.start == again.start
        np.testing.assert_array_equal(other.mask, again.mask)


def test_a_later_prompt_encodes_nothing_again() -> None:
    volume, _ = scan()
    backend = GreyBackend()
    opened = engine_of(backend).open(volume)
    answer(opened, (Text("bright"),))
    count = len(backend.encoded)
    assert count > 1
    answer(opened, (Text("bright"), Click(middle_of(volume, FIRST))))
    assert len(backend.encoded) == count


THIN = (slice(20, 50), slice(4, 24), slice(24, 25))
"""One voxel thick, so that the whole scan, seen coarsely, does not show it; longer than a window along k."""


def thin() -> tuple[Volume, np.ndarray]:
    """A body without air and the thin structure in it, and its truth."""
    array = np.full((69, 31, 56), TISSUE, np.int16)
    array[THIN] = BRIGHT
    return Volume(array, np.diag([-1.0, -1.0, 2.0, 1.0])), array == BRIGHT


def going_on(opened: Opened, prompts: Prompts, base: MaskCrop | None = None, region: Box | None = None) -> list[str]:
    """What is said of a structure that goes on."""
    return [notice for notice in opened.refine(NEW, prompts, base, region).notices if "goes on" in notice]


def test_a_structure_longer_than_the_window_is_said_to_go_on_and_each_click_adds_to_it() -> None:
    volume, truth = thin()
    opened = engine_of().open(volume)
    clicks: Prompts = (Click(volume_ras(volume, 34, 14, 24)),)
    before = answer(opened, clicks)
    assert 0 < before.sum() < truth.sum()
    (notice,) = going_on(opened, clicks)
    assert "thing goes on towards the feet and the head" in notice
    assert "click on it there too, or draw a box around all of it" in notice
    for k, left in ((47, "the feet,"), (22, "")):
        clicks = (*clicks, Click(volume_ras(volume, k, 14, 24)))
        now = answer(opened, clicks)
        assert not (before & ~now).any(), "a click that adds takes nothing away"
        assert now.sum() > before.sum()
        said = going_on(opened, clicks)
        assert (left in said[0]) if left else not said
        before = now
    np.testing.assert_array_equal(before, truth)
    np.testing.assert_array_equal(answer(opened, (box_of(volume, truth),)), truth)


def test_what_lies_between_two_far_clicks_is_said_to_be_missing() -> None:
    volume, _ = thin()
    volume.array[5:65, 4:24, 24] = BRIGHT
    clicks = tuple(Click(volume_ras(volume, k, 14, 24)) for k in (12, 58))
    opened = engine_of().open(volume)
    assert not answer(opened, clicks)[30:40].any()
    assert "towards the feet and the head" in going_on(opened, clicks)[0]


def test_nothing_is_said_to_go_on_that_was_seen_whole_or_that_the_person_bounds() -> None:
    volume, truth = thin()
    opened, click = engine_of().open(volume), Click(volume_ras(volume, 34, 14, 24))
    around = box_of(volume, truth)
    assert going_on(opened, (click,))
    assert not going_on(opened, (around,))
    assert not going_on(opened, (around, click))
    assert not going_on(opened, (click,), MaskCrop.of(truth))
    assert not going_on(opened, (click,), region=around)
    whole, _ = scan()
    seen = engine_of().open(whole)
    for prompts in ((Text("bright"),), (Click(middle_of(whole, FIRST)),)):
        assert not going_on(seen, prompts)


def test_a_later_click_on_what_goes_on_encodes_its_own_window_only() -> None:
    volume, _ = thin()
    backend = GreyBackend()
    opened = engine_of(backend).open(volume)
    first, near, far = (Click(volume_ras(volume, k, 14, 24)) for k in (34, 36, 47))
    counts = []
    for prompts in ((first,), (first, near), (first, near, far)):
        answer(opened, prompts)
        counts.append(len(backend.encoded))
    assert counts == [2, 2, 3]


def test_text_is_left_out_where_box_and_points_are_given() -> None:
    volume, truth = scan()
    backend = GreyBackend()
    answer(engine_of(backend).open(volume), (Text("dim"), box_of(volume, truth), Click(middle_of(volume, FIRST))))
    assert all(asked.text is None for asked in backend.asked)


def test_windows_without_anything_of_the_structure_are_not_computed() -> None:
    volume, _ = scan((60, 120, 130))
    backend = GreyBackend()
    asked = np.zeros(volume.shape_kji, np.bool_)
    asked[SECOND] = True
    answer(engine_of(backend).open(volume), (box_of(volume, asked),))
    assert len(backend.encoded) == 2  # the whole scan, and one window


def test_nothing_found_says_what_to_do() -> None:
    volume, _ = scan()
    array = np.where(volume.array == BRIGHT, TISSUE, volume.array).astype(np.int16)
    edit = engine_of().open(Volume(array, volume.ijk_to_ras)).refine(NEW, (Text("bright"),))
    assert edit.added == 0
    assert "draw a tight box" in edit.empty_reason


@pytest.mark.parametrize("with_box", [False, True])
def test_a_name_or_a_box_that_finds_nothing_takes_away_nothing_and_says_so(with_box: bool) -> None:
    volume, truth = scan()
    array = np.where(volume.array == BRIGHT, TISSUE, volume.array).astype(np.int16)
    opened = engine_of().open(Volume(array, volume.ijk_to_ras))
    edit = opened.refine(NEW, (Text("bright"), *([box_of(volume, truth)] if with_box else [])), MaskCrop.of(truth))
    assert (edit.added, edit.removed) == (0, 0)
    assert "it stays as it was" in edit.empty_reason


def test_a_scan_with_one_grey_value_is_answered_with_nothing() -> None:
    edit = engine_of().open(Volume(np.full((4, 5, 6), -1000, np.int16), np.eye(4))).refine(NEW, (Text("bright"),))
    assert edit.mask.size == 0


@pytest.mark.parametrize("shape", [(9, 1, 1), (1, 9, 1), (1, 1, 9), (1, 1, 1)])
def test_a_scan_one_voxel_across_is_answered(shape: tuple[int, int, int]) -> None:
    array = np.full(shape, TISSUE, np.int16)
    array[0, 0, 0] = BRIGHT
    engine = engine_of(expects=specification(resizing="area"))
    edit = engine.open(Volume(array, np.diag([-1.0, -1.0, 2.0, 1.0]))).refine(NEW, (Text("bright"),))
    assert edit.added == 1


def test_a_point_in_the_air_around_the_body_is_no_error() -> None:
    volume, _ = scan()
    edit = engine_of().open(volume).refine(NEW, (Click(volume_ras(volume, 0, 0, 0)),))
    assert edit.added >= 0


@pytest.mark.parametrize(
    ("prompts", "sentence"),
    [
        ((), "nothing to segment from"),
        ((Click((0.0, 0.0, 900.0)),), "outside the scan"),
        ((Box((900.0, 0.0, 0.0), (950.0, 9.0, 9.0)),), "outside the scan"),
        ((Text("gibberish"),), "no words for"),
        ((Text("bright"), Text("dim")), "one text"),
        ((Click((0.0, 0.0, 0.0), positive=False),), "does not belong"),
    ],
)
def test_what_cannot_be_asked_is_refused(prompts: Prompts, sentence: str) -> None:
    volume, _ = scan()
    with pytest.raises(PromptError, match=sentence):
        engine_of().open(volume).refine(NEW, prompts)


def test_classes_are_refused_with_what_to_do_instead() -> None:
    volume, _ = scan()
    with pytest.raises(PromptError, match="finds nothing by itself"):
        list(engine_of().open(volume).segment([1]))


def test_a_request_ends_where_it_is_cancelled() -> None:
    volume, _ = scan()
    backend = GreyBackend()
    asked = iter([False, False, True])
    with pytest.raises(Cancelled):
        engine_of(backend).open(volume).refine(NEW, (Text("bright"),), cancel=lambda: next(asked))
    assert len(backend.encoded) == 2


@pytest.mark.parametrize(
    ("prompts", "notice"),
    [
        ((Text("liver tumor"),), "Lesions are found poorly"),
        ((Text("left kidney"),), "Left and right are unreliable"),
        ((Text("liver"),), None),
        ((Text("left kidney"), Click((0.0, 0.0, 0.0))), None),
    ],
)
def test_it_is_said_what_text_alone_does_poorly(prompts: Prompts, notice: str | None) -> None:
    volume, _ = scan()
    expects = specification(texts=("liver tumor", "left kidney", "liver"))
    notices = engine_of(GreyBackend(), expects).open(volume).refine(NEW, prompts).notices
    assert (notice is None) == (not notices)
    assert notice is None or notice in notices[0]


def test_an_image_that_is_no_ct_is_said_to_be_none() -> None:
    opened = engine_of().open(Volume(np.full((4, 5, 6), 7, np.int16), np.eye(4)))
    assert "made for CT" in opened.notices[0]


def test_a_model_with_a_spacing_of_its_own_answers_on_the_scans_voxels() -> None:
    volume, truth = scan()
    expects = specification(spacing_mm=(2.5, 1.3, 1.3), resizing="area")
    found = answer(engine_of(GreyBackend(), expects).open(volume), (Text("bright"),))
    assert found.shape == truth.shape
    overlap = 2 * (found & truth).sum() / (found.sum() + truth.sum())
    assert overlap > 0.93


def test_specks_are_dropped_where_the_model_says_so() -> None:
    volume, truth = scan()
    volume.array[12, 45, 30] = BRIGHT
    kept = answer(engine_of().open(volume), (Text("bright"),))
    assert kept[12, 45, 30]
    tidy = answer(engine_of(GreyBackend(), specification(smallest_piece=0.01)).open(volume), (Text("bright"),))
    assert not tidy[12, 45, 30]
    np.testing.assert_array_equal(tidy, truth)
