"""Structured reports: other programs read the same numbers, codes and references from them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from builders import box_mask
from export_world import CLICKED, DRAWN, LIVER, errors_of, scan, segment, segmentation, series_of
from VISTA3DSegmentLib.edits import NOTHING
from VISTA3DSegmentLib.errors import Cancelled, FileFormatError
from VISTA3DSegmentLib.export.dicom_seg import write_dicom_seg
from VISTA3DSegmentLib.export.measures import measured
from VISTA3DSegmentLib.export.source import DicomSource
from VISTA3DSegmentLib.export.structured_report import write_structured_report
from VISTA3DSegmentLib.files.segments import Segmentation
from VISTA3DSegmentLib.volume import Volume


@dataclass(frozen=True)
class World:
    """A scan as a DICOM series, its segments, and both as DICOM."""

    folder: Path
    source: DicomSource
    segments: Segmentation
    seg: Path

    def write(self, volume: Volume | None = None, segments: Segmentation | None = None, **words: Any) -> Path:
        path = self.folder / "report.dcm"
        write_structured_report(path, segments or self.segments, self.source, self.seg, volume, **words)
        return path


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> DicomSource:
    return series_of(tmp_path_factory.mktemp("series"))


@pytest.fixture
def world(tmp_path: Path, series: DicomSource) -> World:
    return world_of(tmp_path, series, segmentation())


def world_of(folder: Path, source: DicomSource, segments: Segmentation, **words: Any) -> World:
    write_dicom_seg(folder / "seg.dcm", segments, source, **words)
    return World(folder, source, segments, folder / "seg.dcm")


def read_by_dcmqi(path: Path) -> list[dict[str, Any]]:
    """The measurement groups of a report as dcmqi reads them."""
    out = path.with_suffix(".json")
    program = Path(sys.executable).with_name("tid1500reader")
    command = [str(program), "--inputDICOM", str(path), "--outputMetadata", str(out)]
    subprocess.run(command, capture_output=True, check=True)
    return list(json.loads(out.read_text(encoding="utf-8"))["Measurements"])


def numbers_of(group: dict[str, Any]) -> dict[tuple[str, str], tuple[float, str]]:
    """Value and unit by quantity and derivation."""
    return {
        (item["quantity"]["CodeMeaning"], item.get("derivationModifier", {}).get("CodeMeaning", "")): (
            float(item["value"]),
            item["units"]["CodeValue"],
        )
        for item in group["measurementItems"]
    }


def test_dcmqi_reads_the_numbers_that_were_measured(world: World) -> None:
    groups = read_by_dcmqi(world.write(scan()))
    assert len(groups) == 2
    for group, one in zip(groups, world.segments.segments, strict=True):
        found, expected = numbers_of(group), measured(one.mask, scan())
        hu = "[hnsf'U]"
        attenuation = "Attenuation Coefficient"
        assert found == {
            ("Volume", ""): (pytest.approx(expected.volume_ml, rel=1e-6), "cm3"),
            ("Long axis", ""): (pytest.approx(expected.diameters.longest.length_mm, rel=1e-6), "mm"),
            ("Short axis", ""): (pytest.approx(expected.diameters.perpendicular.length_mm, rel=1e-6), "mm"),
            (attenuation, "Mean"): (pytest.approx(expected.grey.mean, rel=1e-6), hu),
            (attenuation, "Standard Deviation"): (pytest.approx(expected.grey.sd, rel=1e-6), hu),
            (attenuation, "Minimum"): (expected.grey.minimum, hu),
            (attenuation, "Median"): (pytest.approx(expected.grey.median), hu),
            (attenuation, "Maximum"): (expected.grey.maximum, hu),
        }


def test_dcmqi_reads_what_was_measured_and_where(world: World) -> None:
    organ, cyst = read_by_dcmqi(world.write(scan()))
    assert (organ["Finding"]["CodeValue"], organ["FindingSite"]["CodeValue"]) == ("10200004", "10200004")
    assert cyst["Finding"] == {"CodeMeaning": "Cyst", "CodeValue": "367643001", "CodingSchemeDesignator": "SCT"}
    assert (cyst["FindingSite"]["CodeMeaning"], cyst["Laterality"]["CodeMeaning"]) == ("Kidney", "Left")


def test_groups_refer_to_the_segments_and_are_tracked_as_they_are(world: World) -> None:
    seg = pydicom.dcmread(world.seg)
    for group, item in zip(read_by_dcmqi(world.write(scan())), seg.SegmentSequence, strict=True):
        assert group["segmentationSOPInstanceUID"] == seg.SOPInstanceUID
        assert group["ReferencedSegment"] == item.SegmentNumber
        assert group["SourceSeriesForImageSegmentation"] == world.source.series_uid
        assert group["TrackingIdentifier"] == item.TrackingID
        assert group["TrackingUniqueIdentifier"] == item.TrackingUID


def test_the_algorithm_says_what_measured_and_what_segmented(world: World) -> None:
    algorithm = read_by_dcmqi(world.write(scan()))[0]["measurementAlgorithmIdentification"]
    assert algorithm["AlgorithmName"] == "VISTA3DSegment"
    assert algorithm["AlgorithmParameters"] == [f"segmented by vista3d starter 0.1, weights SHA-256 {CLICKED.sha256}"]


def test_no_model_is_claimed_for_what_a_person_drew(tmp_path: Path, series: DicomSource) -> None:
    drawn = segment(box_mask(scan().shape_kji, (1, 1, 1), (3, 4, 5)), provenance=DRAWN)
    world = world_of(tmp_path, series, segmentation(drawn))
    algorithm = read_by_dcmqi(world.write(scan()))[0]["measurementAlgorithmIdentification"]
    assert "AlgorithmParameters" not in algorithm


def test_a_report_is_valid_dicom(world: World) -> None:
    assert errors_of(world.write(scan())) == []
    assert errors_of(world.write()) == []


def test_a_report_belongs_to_the_patient_and_study_of_the_source(world: World) -> None:
    report, first = pydicom.dcmread(world.write(scan())), world.source.slices[0]
    for keyword in ("PatientID", "PatientName", "PatientBirthDate", "StudyInstanceUID", "AccessionNumber"):
        assert report[keyword].value == first.get(keyword, ""), keyword
    referred = {
        str(image.ReferencedSOPInstanceUID)
        for study in (
            *report.CurrentRequestedProcedureEvidenceSequence,
            *report.get("PertinentOtherEvidenceSequence", ()),
        )
        for one in study.ReferencedSeriesSequence
        for image in one.ReferencedSOPSequence
    }
    assert referred == {str(one.SOPInstanceUID) for one in (pydicom.dcmread(world.seg), *world.source.slices)}
    assert (report.CompletionFlag, report.VerificationFlag, report.PreliminaryFlag) == (
        "COMPLETE", "UNVERIFIED", "PRELIMINARY",
    )  # fmt: skip


def test_a_report_beside_a_label_map_refers_to_its_segments(tmp_path: Path, series: DicomSource) -> None:
    shape = scan().shape_kji
    apart = segmentation(
        segment(box_mask(shape, (1, 2, 3), (5, 7, 6))), segment(box_mask(shape, (1, 2, 7), (3, 5, 9)), "Milz ü", 3)
    )
    world = world_of(tmp_path, series, apart, labelmap=True)
    groups = read_by_dcmqi(world.write(scan()))
    assert [(group["ReferencedSegment"], group["TrackingIdentifier"]) for group in groups] == [
        (1, "liver"),
        (2, "Milz ü"),
    ]


def test_the_scan_may_have_its_axes_in_another_order(world: World) -> None:
    volume = scan()
    flipped = volume.ijk_to_ras.copy()
    flipped[:3, 3] += flipped[:3, 0] * (volume.shape_kji[2] - 1)
    flipped[:3, 0] *= -1
    groups = read_by_dcmqi(world.write(Volume(volume.array[:, :, ::-1], flipped)))
    expected = measured(world.segments.segments[0].mask, volume)
    assert numbers_of(groups[0])["Attenuation Coefficient", "Mean"][0] == pytest.approx(expected.grey.mean)


def test_without_the_scan_there_are_no_grey_values_and_it_is_told(world: World) -> None:
    path = world.folder / "report.dcm"
    notices = write_structured_report(path, world.segments, world.source, world.seg)
    assert "no grey values" in notices[0]
    assert set(numbers_of(read_by_dcmqi(path)[0])) == {("Volume", ""), ("Long axis", ""), ("Short axis", "")}


def test_empty_segments_are_left_out_and_named(tmp_path: Path, series: DicomSource) -> None:
    first, second = segmentation().segments
    world = world_of(tmp_path, series, segmentation(first, segment(NOTHING, "spleen", 3), second))
    notices = write_structured_report(tmp_path / "report.dcm", world.segments, series, world.seg, scan())
    assert notices == ("Empty segments are not in the report: spleen.",)
    groups = read_by_dcmqi(tmp_path / "report.dcm")
    assert [group["TrackingIdentifier"] for group in groups] == ["liver", "left cyst"]


@pytest.mark.parametrize("other", ["renamed", "edited"])
def test_a_report_of_other_segments_than_the_dicom_segmentation_is_refused(world: World, other: str) -> None:
    first, second = world.segments.segments
    changed = (
        replace(first, name="other")
        if other == "renamed"
        else segment(box_mask(scan().shape_kji, (1, 2, 3), (5, 7, 8)))
    )
    with pytest.raises(FileFormatError, match="holds other segments"):
        world.write(scan(), segmentation(changed, second))


def test_a_segmentation_of_another_series_is_refused(world: World, tmp_path: Path) -> None:
    moved = scan().ijk_to_ras.copy()
    other = series_of(tmp_path / "other", Volume(scan().array + 1, moved))
    with pytest.raises(FileFormatError, match="of another series"):
        write_structured_report(tmp_path / "r.dcm", world.segments, other, world.seg, scan())


def test_what_is_no_dicom_segmentation_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no DICOM")
    for path, words in ((tmp_path / "text", "cannot be read"), (tmp_path / "missing", "cannot be read"),
                        (world.write(scan()), "is no DICOM segmentation")):  # fmt: skip
        with pytest.raises(FileFormatError, match=words):
            write_structured_report(tmp_path / "r.dcm", world.segments, world.source, path, scan())


def test_cancelling_leaves_the_file_that_was_there(world: World) -> None:
    (world.folder / "report.dcm").write_text("old")
    with pytest.raises(Cancelled):
        world.write(scan(), cancel=lambda: True)
    assert (world.folder / "report.dcm").read_text() == "old"
    assert not list(world.folder.glob("*.partial"))


def test_progress_comes_to_its_end(world: World) -> None:
    told: list[Any] = []
    world.write(scan(), progress=told.append)
    assert (told[-1].done, told[-1].total) == (2, 2)


def test_values_fit_the_short_text_of_numbers(tmp_path: Path, series: DicomSource) -> None:
    rng = np.random.default_rng(1)
    volume = Volume(rng.normal(-300, 1000 / 3, scan().shape_kji), scan().ijk_to_ras)
    world = world_of(
        tmp_path, series, segmentation(segment(box_mask(volume.shape_kji, (1, 1, 1), (6, 8, 10)), class_id=LIVER))
    )
    numbers = [one for one in pydicom.dcmread(world.write(volume)).iterall() if one.keyword == "NumericValue"]
    assert len(numbers) == 8
    assert all(len(str(one.value.original_string)) <= 16 for one in numbers)
    assert errors_of(world.folder / "report.dcm") == []
