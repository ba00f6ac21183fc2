"""How a segment came about, in the tags of a segment."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.files.segmentations import Segment
from VISTA3DSegmentLib.prompts import Box, Click, Text
from VISTA3DSegmentLib.provenance import (
    LONGEST_PAUSE_SECONDS,
    TAG,
    UNKNOWN,
    Algorithm,
    ModelUsed,
    Provenance,
    provenance_of,
)

MADE = Provenance(
    Algorithm.SEMIAUTOMATIC, "segvol", "segvol-starter", "0.2", "ab" * 32, "vista3dsegment 1", 'a "cyst" | left',
    1, 2, 3, 4, 12.5, "2026-11-27T01:02:03Z", "2026-11-27T01:05:00Z",
)  # fmt: skip


def test_provenance_comes_back_from_the_tag_of_a_segment() -> None:
    segment = Segment("cyst", MaskCrop((0, 0, 0), np.ones((1, 1, 1), np.bool_)), (1, 2, 3), tags={TAG: MADE.to_tag()})
    assert provenance_of(segment.tags) == MADE


def test_a_tag_of_a_later_version_is_read_as_far_as_it_is_known() -> None:
    assert provenance_of({TAG: '{"algorithm":"AUTOMATIC","mood":"good"}'}) == Provenance(Algorithm.AUTOMATIC)


def test_what_is_no_provenance_is_none() -> None:
    for text in ("", "no json", "[]"):
        assert provenance_of({TAG: text}) is None
    assert provenance_of({}) is None


def test_values_of_another_kind_are_left_out() -> None:
    assert provenance_of({TAG: '{"algorithm":"WITCHCRAFT","model":"m"}'}) == UNKNOWN
    found = provenance_of({TAG: '{"algorithm":"AUTOMATIC","positive":"many","seconds":3,"text":7,"negative":true}'})
    assert found == Provenance(Algorithm.AUTOMATIC, seconds=3)


def at(seconds: float) -> datetime:
    return datetime(2026, 11, 27, 12, 0, tzinfo=timezone.utc) + timedelta(seconds=seconds)


def test_pauses_are_no_time_spent() -> None:
    made = UNKNOWN.acted(at(0), at(10)).acted(at(10), at(10_000)).acted(at(10_000), at(10_005))
    assert made.seconds == 10 + LONGEST_PAUSE_SECONDS + 5
    assert (made.created, made.changed) == ("2026-11-27T12:00:10.000+00:00", "2026-11-27T14:46:45.000+00:00")


def test_a_clock_that_was_set_back_takes_no_time_away() -> None:
    assert UNKNOWN.acted(at(0), at(7)).acted(at(7), at(2)).seconds == 7


VISTA = ModelUsed("vista3d", "starter", "1", "cd" * 32)


def test_what_a_model_did_alone_is_automatic_and_what_a_person_said_beside_it_semiautomatic() -> None:
    alone = UNKNOWN.answered(VISTA, at(0))
    assert alone.counting(()).algorithm is Algorithm.AUTOMATIC
    for prompt in (Click((0, 0, 0)), Text("liver"), Box((0, 0, 0), (1, 1, 1))):
        assert alone.counting((prompt,)).algorithm is Algorithm.SEMIAUTOMATIC
    assert alone.acted(at(0), at(1), edited=True).counting(()).algorithm is Algorithm.SEMIAUTOMATIC
    assert UNKNOWN.acted(at(0), at(1), edited=True).counting(()).algorithm is Algorithm.MANUAL


def test_prompts_are_counted_once_each() -> None:
    first = UNKNOWN.counting((Text("liver"), Click((0, 0, 0)), Click((1, 0, 0), False)))
    both = first.counting((Box((0, 0, 0), (1, 1, 1)), Click((0, 0, 0))))
    assert (both.text, both.boxes, both.positive, both.negative, both.clicks) == ("liver", 1, 2, 1, 3)


FOREIGN = Provenance(Algorithm.AUTOMATIC, model="TotalSegmentator", version="2.4", software="Viewer 3")


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_what_another_program_said_stays_as_it_was_said(algorithm: Algorithm) -> None:
    foreign = replace(FOREIGN, algorithm=algorithm)
    assert foreign.counting(()) == foreign


def test_a_person_makes_the_work_of_another_program_semiautomatic_and_leaves_handwork_handwork() -> None:
    edited = FOREIGN.acted(at(0), at(0), edited=True).counting(())
    assert (edited.algorithm, edited.model, edited.version) == (Algorithm.SEMIAUTOMATIC, "TotalSegmentator", "2.4")
    by_hand = replace(FOREIGN, algorithm=Algorithm.MANUAL).acted(at(0), at(0), edited=True).counting(())
    assert by_hand.algorithm is Algorithm.MANUAL


def test_a_model_that_goes_on_with_the_work_of_another_program_does_not_hide_it() -> None:
    found = FOREIGN.answered(VISTA, at(0)).answered(VISTA, at(1)).counting((Click((0, 0, 0)),))
    assert (found.model, found.corrects) == ("starter", "TotalSegmentator 2.4")
    assert found.algorithm is Algorithm.SEMIAUTOMATIC


@pytest.mark.parametrize("number", ["NaN", "1e999", "-1", "9" * 400])
def test_numbers_that_count_nothing_are_left_out(number: str) -> None:
    found = provenance_of({TAG: f'{{"algorithm":"AUTOMATIC","model":"m","seconds":{number},"edits":{number}}}'})
    assert found == Provenance(Algorithm.AUTOMATIC, model="m")


def test_text_that_cannot_be_written_is_left_out_and_nesting_without_end_is_nothing() -> None:
    found = provenance_of({TAG: '{"algorithm":"AUTOMATIC","engine":"x","model":"\\ud800"}'})
    assert found == Provenance(Algorithm.AUTOMATIC, "x")
    assert provenance_of({TAG: "[" * 100_000}) is None
