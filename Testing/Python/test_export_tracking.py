"""Under which identifiers segments are tracked: one a segment, the same at every export, never those of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from builders import box_mask
from export_world import CLICKED, SHAPE, errors_of, scan, segment, segmentation, series_of
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.export.dicom_seg import write_dicom_seg
from VISTA3DSegmentLib.export.identifiers import tracking_of
from VISTA3DSegmentLib.export.source import DicomSource
from VISTA3DSegmentLib.export.structured_report import write_structured_report
from VISTA3DSegmentLib.files.segmentations import read_segmentation, write_segmentation
from VISTA3DSegmentLib.files.segments import Segment
from VISTA3DSegmentLib.files.tracking import TRACKING_TAG, Tracking, tracking_in

SERIES = "1.2"
MORNING, EVENING = "2026-11-27T08:00:00.000+00:00", "2026-11-27T20:00:00.000+00:00"


@pytest.fixture
def source(tmp_path: Path) -> DicomSource:
    return series_of(tmp_path / "ct")


def box(k: int, side: int = 3) -> MaskCrop:
    return box_mask(SHAPE, (k, 1, 1), (k + 1, 1 + side, 4))


def begun(at: str, mask: MaskCrop, name: str = "Structure 1") -> Segment:
    """A lesion that was begun at a time."""
    return segment(mask, name, None, replace(CLICKED, created=at))


def uids(*segments: Segment, series: str = SERIES) -> list[str]:
    return [one.uid for one in tracking_of(series, segments)]


def own(name: str, identifier: str, uid: str, k: int = 0) -> Segment:
    """A segment that came with identifiers."""
    return replace(segment(box(k), name), tags={TRACKING_TAG: Tracking(identifier, uid).to_tag()})


@pytest.mark.parametrize(
    ("names", "identifiers"),
    [
        (["lesion", "lesion", "liver"], ["lesion", "lesion (2)", "liver"]),
        (["a", "a", "a (2)"], ["a", "a (3)", "a (2)"]),
        (["a (2)", "a", "a", "a"], ["a (2)", "a", "a (3)", "a (4)"]),
    ],
)
def test_no_two_segments_have_the_same_identifiers(
    source: DicomSource, tmp_path: Path, names: Sequence[str], identifiers: Sequence[str]
) -> None:
    segments = [segment(box(k), name) for k, name in enumerate(names)]
    tracked = tracking_of(SERIES, segments)
    assert [one.identifier for one in tracked] == identifiers
    assert len({one.uid for one in tracked}) == len(names)
    found = segmentation(*segments)
    write_dicom_seg(tmp_path / "seg.dcm", found, source)
    write_structured_report(tmp_path / "sr.dcm", found, source, tmp_path / "seg.dcm", scan())
    assert errors_of(tmp_path / "seg.dcm") == errors_of(tmp_path / "sr.dcm") == []


@pytest.mark.parametrize("created", [MORNING, ""], ids=["begun here", "nobody knows when"])
def test_the_same_segment_has_the_same_identifiers_at_every_export(created: str) -> None:
    assert uids(begun(created, box(0))) == uids(begun(created, box(0)))
    assert uids(begun(created, box(0))) != uids(begun(created, box(0)), series="1.3")
    loose = MaskCrop((0, 0, 0), box(0).full(SHAPE))
    assert uids(begun(created, loose)) == uids(begun(created, box(0)))


def test_a_lesion_keeps_them_when_it_is_corrected_or_renamed_or_exported_alone() -> None:
    lesion, other = begun(MORNING, box(0)), begun(EVENING, box(3))
    changed = replace(begun(MORNING, box(0, 4)), name="Metastasis")
    assert uids(lesion) == uids(changed) == uids(other, lesion)[1:]


def test_lesions_of_two_sessions_share_none() -> None:
    assert uids(begun(MORNING, box(0))) != uids(begun(EVENING, box(0)))


def test_lesions_of_one_name_of_which_nobody_knows_when_they_were_begun_share_none() -> None:
    assert uids(begun("", box(0))) != uids(begun("", box(4)))


def test_the_copy_of_a_segment_gets_identifiers_of_its_own() -> None:
    lesion = begun(MORNING, box(0))
    assert uids(lesion, lesion)[0] == uids(lesion)[0] != uids(lesion, lesion)[1]
    came = own("lesion", "lesion A", "1.2.3.4")
    first, second = tracking_of(SERIES, [came, came])
    assert first == Tracking("lesion A", "1.2.3.4")
    assert second.identifier == "lesion"
    assert second.uid != "1.2.3.4"


def test_a_name_that_another_segment_came_with_is_not_given_again() -> None:
    tracked = tracking_of(SERIES, [segment(box(0), "lesion A"), own("x", "lesion A", "1.2.3.4", 3)])
    assert [one.identifier for one in tracked] == ["lesion A (2)", "lesion A"]


def test_identifiers_of_another_program_come_back_when_its_segmentation_is_exported_again(
    source: DicomSource, tmp_path: Path
) -> None:
    write_dicom_seg(tmp_path / "seg.dcm", segmentation(segment(box(0)), segment(box(3), "cyst", None)), source)
    dataset = pydicom.dcmread(tmp_path / "seg.dcm")
    liver, cyst = dataset.SegmentSequence
    liver.TrackingID, liver.TrackingUID = "lesion | A: \\1", "1.2.3.4"
    kept = cyst.TrackingUID
    dataset.save_as(tmp_path / "seg.dcm")
    read = read_segmentation(tmp_path / "seg.dcm", scan())
    write_segmentation(tmp_path / "a.seg.nrrd", read)
    again = read_segmentation(tmp_path / "a.seg.nrrd")
    for number, found in enumerate((read, again)):
        write_dicom_seg(tmp_path / f"{number}.dcm", found, source)
        items = pydicom.dcmread(tmp_path / f"{number}.dcm").SegmentSequence
        assert [(one.TrackingID, one.TrackingUID) for one in items] == [
            ("lesion | A: \\1", "1.2.3.4"),
            ("cyst", kept),
        ]
        assert errors_of(tmp_path / f"{number}.dcm") == []


@pytest.mark.filterwarnings("ignore:.*for VR UI")
@pytest.mark.parametrize("uid", ["", "1.2.x", "1." * 40 + "1"])
def test_identifiers_that_are_none_are_not_taken(source: DicomSource, tmp_path: Path, uid: str) -> None:
    write_dicom_seg(tmp_path / "seg.dcm", segmentation(segment(box(0))), source)
    dataset = pydicom.dcmread(tmp_path / "seg.dcm")
    dataset.SegmentSequence[0].TrackingUID = uid
    dataset.save_as(tmp_path / "seg.dcm")
    assert TRACKING_TAG not in read_segmentation(tmp_path / "seg.dcm", scan()).segments[0].tags


def test_a_damaged_tag_is_no_identifier() -> None:
    for text in ("", "{", "[]", "null", '{"identifier":"a"}', "[" * 100_000):
        assert tracking_in({TRACKING_TAG: text}) is None
