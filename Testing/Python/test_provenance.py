"""How a segment came about, in the tags of a segment."""

from __future__ import annotations

import numpy as np
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.files.segmentations import Segment
from VISTA3DSegmentLib.provenance import TAG, Algorithm, Provenance, provenance_of

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
    for text in ("", "no json", "[]", '{"algorithm":"WITCHCRAFT"}', "{}"):
        assert provenance_of({TAG: text}) is None
    assert provenance_of({}) is None
