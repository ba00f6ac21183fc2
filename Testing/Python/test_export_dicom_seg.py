"""DICOM segmentations that are written: what other programs read in them, and what is refused."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from builders import box_mask
from dicom_builder import along_z, write_series
from export_world import (
    CLICKED,
    DRAWN,
    LEFT_KIDNEY_CYST,
    LIVER,
    RIGHT_KIDNEY_CYST,
    SHAPE,
    errors_of,
    read_by_dcmqi,
    scan,
    segment,
    segmentation,
    series_of,
    voxels,
)
from pydicom.uid import ImplicitVRLittleEndian
from shared_data import shared
from VISTA3DSegmentLib import anatomy
from VISTA3DSegmentLib.edits import NOTHING, MaskCrop
from VISTA3DSegmentLib.engine import Progress
from VISTA3DSegmentLib.errors import Cancelled, FileFormatError, ResourceError, VolumeError
from VISTA3DSegmentLib.export import dicom_seg
from VISTA3DSegmentLib.export.dicom_seg import write_dicom_seg
from VISTA3DSegmentLib.export.label_tables import write_label_map
from VISTA3DSegmentLib.export.rtstruct import write_rtstruct
from VISTA3DSegmentLib.export.source import DicomSource, read_source
from VISTA3DSegmentLib.export.structured_report import write_structured_report
from VISTA3DSegmentLib.files.dicom_private import CLASS_ID, CREATOR, GROUP, NAME, PROVENANCE
from VISTA3DSegmentLib.files.dicom_seg import read_dicom_seg
from VISTA3DSegmentLib.files.segmentations import read_segmentation, write_segmentation
from VISTA3DSegmentLib.files.segments import Segmentation
from VISTA3DSegmentLib.provenance import Algorithm, Provenance, provenance_of
from VISTA3DSegmentLib.terminology import class_meaning
from VISTA3DSegmentLib.volume import Volume

BOTH = pytest.mark.parametrize("labelmap", [False, True], ids=["binary", "label map"])


@pytest.fixture
def source(tmp_path: Path) -> DicomSource:
    return series_of(tmp_path / "ct")


def one_box(start: Sequence[int] = (1, 2, 3), end: Sequence[int] = (5, 7, 9)) -> MaskCrop:
    return box_mask(SHAPE, start, end)


def two_apart() -> Segmentation:
    return segmentation(segment(one_box()), segment(one_box((0, 0, 0), (1, 2, 3)), "spleen", 3))


@BOTH
def test_dcmqi_reads_every_voxel_where_it_is(source: DicomSource, tmp_path: Path, labelmap: bool) -> None:
    found = two_apart()
    assert write_dicom_seg(tmp_path / "seg.dcm", found, source, labelmap=labelmap) == ()
    other = read_by_dcmqi(tmp_path / "seg.dcm", source, tmp_path / "read")
    for number, mask in enumerate(voxels(found, source), 1):
        np.testing.assert_array_equal(other.masks[number], mask)


def test_a_shift_by_one_slice_would_be_seen_by_dcmqi(source: DicomSource, tmp_path: Path) -> None:
    write_dicom_seg(tmp_path / "seg.dcm", two_apart(), source)
    dataset = pydicom.dcmread(tmp_path / "seg.dcm")
    step = np.subtract(source.positions_lps[1], source.positions_lps[0])
    for item in dataset.PerFrameFunctionalGroupsSequence:
        plane = item.PlanePositionSequence[0]
        plane.ImagePositionPatient = [f"{x:.10g}" for x in np.add(plane.ImagePositionPatient, step)]
    dataset.save_as(tmp_path / "shifted.dcm")
    other = read_by_dcmqi(tmp_path / "shifted.dcm", source, tmp_path / "read")
    assert not np.array_equal(other.masks[1], voxels(two_apart(), source)[0])


def test_dciodvfy_finds_no_error(source: DicomSource, tmp_path: Path) -> None:
    write_dicom_seg(tmp_path / "seg.dcm", segmentation(), source, description="Liver and cyst")
    assert errors_of(tmp_path / "seg.dcm") == []


def test_a_missing_code_would_be_found_by_dciodvfy(source: DicomSource, tmp_path: Path) -> None:
    write_dicom_seg(tmp_path / "seg.dcm", segmentation(), source)
    dataset = pydicom.dcmread(tmp_path / "seg.dcm")
    del dataset.SegmentSequence[0].SegmentedPropertyTypeCodeSequence
    dataset.save_as(tmp_path / "seg.dcm")
    assert any("SegmentedPropertyTypeCodeSequence" in line for line in errors_of(tmp_path / "seg.dcm"))


def test_overlapping_segments_keep_their_voxels(source: DicomSource, tmp_path: Path) -> None:
    found = segmentation()
    write_dicom_seg(tmp_path / "seg.dcm", found, source)
    other = read_by_dcmqi(tmp_path / "seg.dcm", source, tmp_path / "read")
    organ, lesion = voxels(found, source)
    assert (organ & lesion).any()
    np.testing.assert_array_equal(other.masks[1], organ)
    np.testing.assert_array_equal(other.masks[2], lesion)
    assert pydicom.dcmread(tmp_path / "seg.dcm").SegmentsOverlap == "YES"


def test_segments_apart_are_said_not_to_overlap(source: DicomSource, tmp_path: Path) -> None:
    write_dicom_seg(tmp_path / "seg.dcm", two_apart(), source)
    assert pydicom.dcmread(tmp_path / "seg.dcm").SegmentsOverlap == "NO"


def test_a_label_map_refuses_overlaps_and_names_them(source: DicomSource, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="liver and left cyst overlap"):
        write_dicom_seg(tmp_path / "seg.dcm", segmentation(), source, labelmap=True)
    assert not (tmp_path / "seg.dcm").exists()


@BOTH
@pytest.mark.parametrize(
    ("start", "end"),
    [((0, 0, 0), (1, 1, 1)), ((6, 8, 10), (7, 9, 11)), ((3, 0, 0), (4, 9, 11)), ((0, 0, 0), (7, 9, 11))],
    ids=["first voxel", "last voxel", "one slice", "everything"],
)
def test_the_smallest_and_the_largest_segment_survive(
    source: DicomSource, tmp_path: Path, labelmap: bool, start: tuple[int, ...], end: tuple[int, ...]
) -> None:
    found = segmentation(segment(one_box(start, end)))
    write_dicom_seg(tmp_path / "seg.dcm", found, source, labelmap=labelmap)
    other = read_by_dcmqi(tmp_path / "seg.dcm", source, tmp_path / "read")
    np.testing.assert_array_equal(other.masks[1], voxels(found, source)[0])
    assert labelmap or errors_of(tmp_path / "seg.dcm") == []


def test_many_segments_of_one_voxel_are_told_apart(source: DicomSource, tmp_path: Path) -> None:
    places = [(n % 7, (n // 7) % 9, n % 11) for n in range(117)]
    segments = [segment(one_box(at, np.add(at, 1)), f"segment {n}") for n, at in enumerate(places)]
    found = segmentation(*segments)
    write_dicom_seg(tmp_path / "seg.dcm", found, source)
    again = voxels(read_dicom_seg(tmp_path / "seg.dcm"), source)
    for mask, expected in zip(again, voxels(found, source), strict=True):
        np.testing.assert_array_equal(mask, expected)
    assert errors_of(tmp_path / "seg.dcm") == []


def test_an_empty_segment_is_left_out_and_told(source: DicomSource, tmp_path: Path) -> None:
    found = segmentation(segment(NOTHING, "spleen", 3), segment(one_box()))
    assert write_dicom_seg(tmp_path / "seg.dcm", found, source) == ("Empty segments were left out: spleen.",)
    assert [one.SegmentLabel for one in pydicom.dcmread(tmp_path / "seg.dcm").SegmentSequence] == ["liver"]


def test_nothing_at_all_is_refused(source: DicomSource, tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match="every segment is empty"):
        write_dicom_seg(tmp_path / "seg.dcm", segmentation(segment(NOTHING)), source)


def codes_by_dcmqi(item: dict[str, dict[str, str]]) -> dict[str, str]:
    """The codes that dcmqi reads, by what they are of."""
    return {
        key.removesuffix("Sequence"): value["CodeValue"]
        for key, value in item.items()
        if key.endswith("Sequence") and isinstance(value, dict)
    }


def test_dcmqi_reads_the_codes_of_every_class(tmp_path: Path) -> None:
    coded = [row for row in anatomy.all_classes() if row.type is not None]
    volume = scan((7, 9, 22), np.diag((1.0, 1.0, 1.0, 1.0)))
    source = series_of(tmp_path / "ct", volume)
    places = [(n % 7, (n // 7) % 9, n % 22) for n in range(len(coded))]
    found = segmentation(
        *(
            segment(box_mask(volume.shape_kji, at, np.add(at, 1)), row.name, row.id)
            for row, at in zip(coded, places, strict=True)
        ),
        volume=volume,
    )
    write_dicom_seg(tmp_path / "seg.dcm", found, source)
    other = read_by_dcmqi(tmp_path / "seg.dcm", source, tmp_path / "read")
    keys = ("SegmentedPropertyCategoryCode", "SegmentedPropertyTypeCode", "SegmentedPropertyTypeModifierCode",
            "AnatomicRegion", "AnatomicRegionModifier")  # fmt: skip
    for number, row in enumerate(coded, 1):
        meaning = class_meaning(row.id)
        assert meaning is not None
        concepts = (meaning.category, meaning.type, meaning.modifier, meaning.region, meaning.region_modifier)
        expected = {key: one.value for key, one in zip(keys, concepts, strict=True) if one is not None}
        assert codes_by_dcmqi(other.items[number]) == expected, row.name


def test_cysts_of_both_kidneys_differ_by_their_side(source: DicomSource, tmp_path: Path) -> None:
    found = segmentation(
        segment(one_box(), "a", LEFT_KIDNEY_CYST), segment(one_box((0, 0, 0), (1, 1, 1)), "b", RIGHT_KIDNEY_CYST)
    )
    write_dicom_seg(tmp_path / "seg.dcm", found, source)
    items = pydicom.dcmread(tmp_path / "seg.dcm").SegmentSequence
    sides = [one.AnatomicRegionSequence[0].AnatomicRegionModifierSequence[0].CodeMeaning for one in items]
    assert sides == ["Left", "Right"]


def test_a_segment_without_codes_becomes_a_tissue_and_is_told(source: DicomSource, tmp_path: Path) -> None:
    notices = write_dicom_seg(tmp_path / "seg.dcm", segmentation(segment(one_box(), "thing", None)), source)
    assert 'exported as "Tissue": thing' in " ".join(notices)
    item = pydicom.dcmread(tmp_path / "seg.dcm").SegmentSequence[0]
    assert item.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Tissue"
    assert errors_of(tmp_path / "seg.dcm") == []


def test_the_algorithm_is_named_as_it_was(source: DicomSource, tmp_path: Path) -> None:
    segments = (
        segment(one_box()),
        segment(one_box((0, 0, 0), (1, 1, 1)), "by hand", provenance=DRAWN),
        segment(one_box((6, 0, 0), (7, 1, 1)), "found", provenance=None),
    )
    notices = write_dicom_seg(tmp_path / "seg.dcm", segmentation(*segments), source)
    clicked, drawn, unknown = pydicom.dcmread(tmp_path / "seg.dcm").SegmentSequence
    algorithm = clicked.SegmentationAlgorithmIdentificationSequence[0]
    assert (clicked.SegmentAlgorithmType, algorithm.AlgorithmName) == ("SEMIAUTOMATIC", "vista3d starter")
    assert algorithm.AlgorithmVersion == "0.1"
    assert "ab" * 32 in algorithm.AlgorithmParameters
    assert clicked.SegmentDescription == "3 positive clicks, 1 negative click"
    assert drawn.SegmentAlgorithmType == "MANUAL"
    assert "SegmentAlgorithmName" not in drawn
    assert (unknown.SegmentAlgorithmType, unknown.SegmentAlgorithmName) == ("SEMIAUTOMATIC", "not recorded")
    assert notices == ("It is not recorded how these segments were made; they are marked as semi-automatic: found.",)
    assert errors_of(tmp_path / "seg.dcm") == []


FAMILY = "DCM^123109^Artificial Intelligence"


@BOTH
@pytest.mark.parametrize(
    ("made", "name"),
    [
        (Provenance(Algorithm.SEMIAUTOMATIC), "not recorded"),
        (Provenance(Algorithm.AUTOMATIC), "not recorded"),
        (Provenance(Algorithm.AUTOMATIC, model="Threshold"), "Threshold"),
        (Provenance(Algorithm.AUTOMATIC, model="TotalSegmentator", version="2.4"), "TotalSegmentator 2.4"),
        (Provenance(Algorithm.AUTOMATIC, family=FAMILY), "not recorded"),
        (Provenance(Algorithm.AUTOMATIC, model="nnU-Net", version="2", family="DCM^123106^Watershed"), "nnU-Net"),
    ],
)
def test_of_the_algorithm_of_another_program_nothing_is_claimed_but_what_was_said(
    source: DicomSource, tmp_path: Path, labelmap: bool, made: Provenance, name: str
) -> None:
    found = segmentation(segment(one_box(), provenance=made))
    write_dicom_seg(tmp_path / "seg.dcm", found, source, labelmap=labelmap)
    write_rtstruct(tmp_path / "rt.dcm", found, source)
    item = pydicom.dcmread(tmp_path / "seg.dcm").SegmentSequence[-1]
    assert (item.SegmentAlgorithmType, item.SegmentAlgorithmName) == (made.algorithm.value, name)
    families = [
        "^".join((code.CodingSchemeDesignator, code.CodeValue, code.CodeMeaning))
        for one in item.get("SegmentationAlgorithmIdentificationSequence", ())
        for code in one.AlgorithmFamilyCodeSequence
    ]
    assert families == ([made.family] if made.family else [])
    assert errors_of(tmp_path / "rt.dcm") == []
    assert labelmap or errors_of(tmp_path / "seg.dcm") == []


def test_a_segmentation_of_another_program_says_the_same_of_its_algorithm_when_it_is_written_again(
    source: DicomSource, tmp_path: Path
) -> None:
    write_dicom_seg(tmp_path / "seg.dcm", segmentation(segment(one_box())), source)
    dataset = pydicom.dcmread(tmp_path / "seg.dcm")
    (item,) = dataset.SegmentSequence
    item.remove_private_tags()
    algorithm = item.SegmentationAlgorithmIdentificationSequence[0]
    item.SegmentAlgorithmType = "AUTOMATIC"
    item.SegmentAlgorithmName = algorithm.AlgorithmName = "Watershed of somebody"
    algorithm.AlgorithmVersion = "4.5"
    family = algorithm.AlgorithmFamilyCodeSequence[0]
    family.CodeValue, family.CodeMeaning = "123106", "Watershed"
    dataset.save_as(tmp_path / "foreign.dcm")
    write_dicom_seg(tmp_path / "again.dcm", read_dicom_seg(tmp_path / "foreign.dcm"), source)
    (again,) = pydicom.dcmread(tmp_path / "again.dcm").SegmentSequence
    assert (again.SegmentAlgorithmType, again.SegmentAlgorithmName) == ("AUTOMATIC", "Watershed of somebody")
    identified = again.SegmentationAlgorithmIdentificationSequence[0]
    assert (identified.AlgorithmVersion, identified.AlgorithmFamilyCodeSequence[0].CodeValue) == ("4.5", "123106")


def test_a_segment_whose_algorithm_type_is_unknown_is_nobodys_work(source: DicomSource, tmp_path: Path) -> None:
    write_dicom_seg(tmp_path / "seg.dcm", segmentation(segment(one_box())), source)
    dataset = pydicom.dcmread(tmp_path / "seg.dcm")
    (item,) = dataset.SegmentSequence
    item.remove_private_tags()
    item.SegmentAlgorithmType = "WITCHCRAFT"
    dataset.save_as(tmp_path / "seg.dcm")
    assert provenance_of(read_dicom_seg(tmp_path / "seg.dcm").segments[0].tags) is None


@BOTH
@pytest.mark.parametrize("name", ["liver ", " liver", "liver\t", "liver\xa0", "\nliver\r\n", "liver\0", "liver\x1f"])
def test_what_a_name_has_at_its_ends_stands_in_no_way(
    source: DicomSource, tmp_path: Path, labelmap: bool, name: str
) -> None:
    found = segmentation(segment(one_box(), name), segment(one_box((0, 0, 0), (1, 1, 1)), "spleen", 3))
    write_dicom_seg(tmp_path / "seg.dcm", found, source, labelmap=labelmap)
    write_rtstruct(tmp_path / "rt.dcm", found, source)
    write_structured_report(tmp_path / "sr.dcm", found, source, tmp_path / "seg.dcm", scan())
    write_segmentation(tmp_path / "a.seg.nrrd", found)
    write_label_map(tmp_path / "a.nii.gz", found)
    for file in ("seg.dcm", "rt.dcm", "a.seg.nrrd", "a.nii.gz"):
        assert [one.name for one in read_segmentation(tmp_path / file, scan()).segments] == ["liver", "spleen"], file


@BOTH
def test_our_own_reader_gets_everything_back(source: DicomSource, tmp_path: Path, labelmap: bool) -> None:
    name = "lésion 肝 with a name that is longer than the sixty-four characters of a label"
    found = segmentation(segment(one_box(), name, None), segment(one_box((0, 0, 0), (1, 1, 1)), provenance=DRAWN))
    write_dicom_seg(tmp_path / "seg.dcm", found, source, labelmap=labelmap)
    again = read_dicom_seg(tmp_path / "seg.dcm")
    assert [one.name for one in again.segments] == [name, "liver"]
    assert [one.class_id for one in again.segments] == [None, LIVER]
    assert [provenance_of(one.tags) for one in again.segments] == [CLICKED, DRAWN]
    for one, expected in zip(again.segments, found.segments, strict=True):
        np.testing.assert_allclose(one.color, expected.color, atol=1)
    for mask, expected in zip(voxels(again, source), voxels(found, source), strict=True):
        np.testing.assert_array_equal(mask, expected)


@BOTH
@pytest.mark.parametrize(("name", "label"), [("x" * 200, "x" * 64), ("a\\b", "a/b")])
def test_a_name_that_dicom_cannot_hold_is_told(
    source: DicomSource, tmp_path: Path, labelmap: bool, name: str, label: str
) -> None:
    notices = write_dicom_seg(tmp_path / "seg.dcm", segmentation(segment(one_box(), name)), source, labelmap=labelmap)
    assert notices == (f"Names that DICOM cannot hold were shortened or changed: {name}.",)
    (item,) = [one for one in pydicom.dcmread(tmp_path / "seg.dcm").SegmentSequence if one.SegmentNumber]
    assert item.SegmentLabel == label
    assert read_dicom_seg(tmp_path / "seg.dcm").segments[0].name == name


def test_nonsense_in_our_private_elements_is_passed_over(source: DicomSource, tmp_path: Path) -> None:
    write_dicom_seg(tmp_path / "seg.dcm", segmentation(segment(one_box())), source)
    dataset = pydicom.dcmread(tmp_path / "seg.dcm")
    block = dataset.SegmentSequence[0].private_block(GROUP, CREATOR)
    for element, value in ((PROVENANCE, b"{"), (CLASS_ID, b"99999999"), (NAME, b" ")):
        block.add_new(element, "UN", value)
    dataset.save_as(tmp_path / "seg.dcm")
    (again,) = read_dicom_seg(tmp_path / "seg.dcm").segments
    provenance = provenance_of(again.tags)
    assert (again.name, again.class_id) == ("liver", LIVER)
    assert provenance is not None
    assert provenance.model == "vista3d starter"


def test_our_private_elements_survive_programs_that_do_not_know_them(source: DicomSource, tmp_path: Path) -> None:
    write_dicom_seg(tmp_path / "seg.dcm", segmentation(segment(one_box(), "lésion", 132)), source)
    dataset = pydicom.dcmread(tmp_path / "seg.dcm")
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian  # kinds of private values are lost in it
    dataset.save_as(tmp_path / "implicit.dcm")
    (again,) = read_dicom_seg(tmp_path / "implicit.dcm").segments
    assert (again.name, again.class_id, provenance_of(again.tags)) == ("lésion", 132, CLICKED)


def test_it_refers_to_the_images_of_the_patient(source: DicomSource, tmp_path: Path) -> None:
    write_dicom_seg(tmp_path / "seg.dcm", segmentation(), source)
    written, image = pydicom.dcmread(tmp_path / "seg.dcm"), source.slices[0]
    for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert written[keyword].value == image[keyword].value
    series = written.ReferencedSeriesSequence[0]
    assert series.SeriesInstanceUID == source.series_uid != written.SeriesInstanceUID
    named = {str(one.ReferencedSOPInstanceUID) for one in series.ReferencedInstanceSequence}
    assert named == {str(one.SOPInstanceUID) for one in source.slices}
    for frame in written.PerFrameFunctionalGroupsSequence:
        uid = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        (slice_,) = [one for one in source.slices if one.SOPInstanceUID == uid]
        assert frame.PlanePositionSequence[0].ImagePositionPatient == slice_.ImagePositionPatient


def test_the_distance_of_slices_is_that_of_their_places(source: DicomSource, tmp_path: Path) -> None:
    for one in source.slices:
        one.SliceThickness = one.SpacingBetweenSlices = "5"
    write_dicom_seg(tmp_path / "seg.dcm", segmentation(), source)
    measures = pydicom.dcmread(tmp_path / "seg.dcm").SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert float(measures.SpacingBetweenSlices) == pytest.approx(2.5)
    assert float(source.slices[0].SliceThickness) == 5


def test_names_in_other_scripts_are_kept(source: DicomSource, tmp_path: Path) -> None:
    for file in (tmp_path / "ct").iterdir():
        one = pydicom.dcmread(file)
        one.SpecificCharacterSet, one.PatientName = "ISO_IR 100", "Müller^Jörg"
        code = pydicom.Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "1", "99X", "Schädel"
        one.ProcedureCodeSequence = [code]
        one.save_as(file)
    write_dicom_seg(tmp_path / "seg.dcm", segmentation(segment(one_box(), "肝")), read_source(tmp_path / "ct"))
    written = pydicom.dcmread(tmp_path / "seg.dcm")
    assert (str(written.PatientName), written.SegmentSequence[0].SegmentLabel) == ("Müller^Jörg", "肝")
    assert written.ProcedureCodeSequence[0].CodeMeaning == "Schädel"
    assert errors_of(tmp_path / "seg.dcm") == []


def test_headers_that_highdicom_refuses_are_refused_without_telling_them(source: DicomSource, tmp_path: Path) -> None:
    for one in source.slices:
        one.PatientSex = "W"
    with pytest.raises(FileFormatError, match="headers of the DICOM series") as caught:
        write_dicom_seg(tmp_path / "seg.dcm", segmentation(), source)
    assert caught.value.__cause__ is None


def test_headers_that_say_little_are_enough(tmp_path: Path) -> None:
    source = read_source(write_series(tmp_path / "sparse", along_z(0, 2, 4)))
    assert "frame of reference" in " ".join(source.repairs)
    found = segmentation(segment(box_mask((3, 6, 8), (1, 2, 3), (3, 4, 5))), volume=source.lattice)
    write_dicom_seg(tmp_path / "seg.dcm", found, source)
    assert errors_of(tmp_path / "seg.dcm") == []
    other = read_by_dcmqi(tmp_path / "seg.dcm", source, tmp_path / "read")
    np.testing.assert_array_equal(other.masks[1], voxels(found, source)[0])


def test_long_codes_and_names_of_schemes_are_valid(source: DicomSource, tmp_path: Path) -> None:
    entry = "x~SCT^123037004^Anatomical Structure~99MyOwnCodingScheme^a-code-of-many-letters^Thing~^^~y~^^~^^"
    one = replace(segment(one_box(), "thing", None), terminology=entry)
    assert write_dicom_seg(tmp_path / "seg.dcm", segmentation(one), source) == ()
    code = pydicom.dcmread(tmp_path / "seg.dcm").SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0]
    assert (code.LongCodeValue, code.CodingSchemeDesignator) == ("a-code-of-many-letters", "99MyOwnCodingSch")
    assert errors_of(tmp_path / "seg.dcm") == []


def test_no_warning_tells_the_name_of_the_patient(source: DicomSource, tmp_path: Path) -> None:
    for one in source.slices:
        one.PatientName = "Secret"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_dicom_seg(tmp_path / "seg.dcm", segmentation(), source)
    assert str(pydicom.dcmread(tmp_path / "seg.dcm").PatientName) == "Secret"


def test_two_exports_are_two_objects_that_track_the_same_segments(source: DicomSource, tmp_path: Path) -> None:
    for name in ("a.dcm", "b.dcm"):
        write_dicom_seg(tmp_path / name, segmentation(), source)
    one, other = (pydicom.dcmread(tmp_path / name) for name in ("a.dcm", "b.dcm"))
    assert one.SOPInstanceUID != other.SOPInstanceUID
    tracked = [[item.TrackingUID for item in written.SegmentSequence] for written in (one, other)]
    assert tracked[0] == tracked[1]
    assert len(set(tracked[0])) == 2


def test_another_scan_is_refused(source: DicomSource, tmp_path: Path) -> None:
    far = np.array(scan().ijk_to_ras)
    far[:3, 3] += 1000
    with pytest.raises(VolumeError, match="another patient"):
        write_dicom_seg(tmp_path / "seg.dcm", replace(segmentation(), ijk_to_ras=far), source)


def test_progress_reaches_the_end(source: DicomSource, tmp_path: Path) -> None:
    told: list[Progress] = []
    write_dicom_seg(tmp_path / "seg.dcm", segmentation(), source, progress=told.append)
    assert told[-1].done == told[-1].total == len(told) == 2 * (4 + 1)


@BOTH
def test_cancelling_leaves_the_old_file_and_nothing_else(source: DicomSource, tmp_path: Path, labelmap: bool) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "seg.dcm").write_text("old")
    asked: list[None] = []

    def after_two() -> bool:
        asked.append(None)
        return len(asked) > 1

    with pytest.raises(Cancelled):
        write_dicom_seg(folder / "seg.dcm", two_apart(), source, labelmap=labelmap, cancel=after_two)
    assert [(one.name, one.read_text()) for one in folder.iterdir()] == [("seg.dcm", "old")]


def test_a_folder_that_is_not_there_is_refused(source: DicomSource, tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="could not be written"):
        write_dicom_seg(tmp_path / "missing" / "seg.dcm", segmentation(), source)


@BOTH
@pytest.mark.parametrize("by_slices", [1.0, 0.3])
def test_frames_that_come_out_elsewhere_are_caught_before_the_old_file_goes(
    source: DicomSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labelmap: bool, by_slices: float
) -> None:
    (tmp_path / "seg.dcm").write_text("old")
    original = dicom_seg.pydicom.dcmwrite
    step = by_slices * (source.positions_lps[1] - source.positions_lps[0])

    def worse(file: object, dataset: pydicom.Dataset, **options: object) -> None:
        # Frames of one place share their item.
        items = [frame.PlanePositionSequence[0] for frame in dataset.PerFrameFunctionalGroupsSequence]
        for plane in {id(one): one for one in items}.values():
            plane.ImagePositionPatient = [f"{x:.10g}" for x in np.add(plane.ImagePositionPatient, step)]
        original(file, dataset, **options)

    monkeypatch.setattr(dicom_seg.pydicom, "dcmwrite", worse)
    with pytest.raises(FileFormatError, match="did not read back"):
        write_dicom_seg(tmp_path / "seg.dcm", two_apart(), source, labelmap=labelmap)
    assert (tmp_path / "seg.dcm").read_text() == "old"


def test_bits_that_come_out_wrong_are_caught(
    source: DicomSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = dicom_seg.packed
    monkeypatch.setattr(dicom_seg, "packed", lambda planes: (part[:-1] + b"\xff" for part in good(planes)))
    with pytest.raises(FileFormatError, match="did not read back"):
        write_dicom_seg(tmp_path / "seg.dcm", two_apart(), source)


SLOW_WRITER = """
import sys, time
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from export_world import segmentation
from VISTA3DSegmentLib.export.dicom_seg import write_dicom_seg
from VISTA3DSegmentLib.export.rtstruct import write_rtstruct
from VISTA3DSegmentLib.export.source import read_source

def told(progress):
    print(progress.done, flush=True)
    time.sleep(600 if progress.done > 1 else 0)

write_dicom_seg(Path(sys.argv[1]) / "seg.dcm", segmentation(), read_source(Path(sys.argv[2])), progress=told)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_process_killed_half_way_leaves_the_old_file(source: DicomSource, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "seg.dcm").write_text("old")
    command = [sys.executable, "-c", SLOW_WRITER, str(folder), str(tmp_path / "ct"), *sys.path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline().strip() == "1"
        time.sleep(0.1)
        writer.send_signal(signal.SIGKILL)
    assert (folder / "seg.dcm").read_text() == "old"
    write_dicom_seg(folder / "seg.dcm", segmentation(), source)
    assert len(voxels(read_dicom_seg(folder / "seg.dcm"), source)) == 2


def ellipsoid(shape_kji: tuple[int, int, int], centre: float, radius: float) -> MaskCrop:
    """A body in the middle of each axis, at a part of its length."""
    axes = np.ogrid[tuple(slice(0, n) for n in shape_kji)]
    distances = [((axis / n - centre) / radius) ** 2 for axis, n in zip(axes, shape_kji, strict=True)]
    return MaskCrop.of(np.asarray(sum(distances[1:], distances[0]) <= 1))


@pytest.mark.filterwarnings("ignore:The value length")
@pytest.mark.parametrize(
    "name", ["crlm_ct_1004/series", "ct_dicom/series", "sarcoma/STS_001/CT", "sarcoma/STS_001/MR_T1"]
)
def test_real_series_are_exported_for(name: str, tmp_path: Path) -> None:
    source = read_source(shared(f"data/{name}"))
    shape = source.shape_kji
    lattice: Volume = source.lattice
    bodies = (segment(ellipsoid(shape, 0.5, 0.3)), segment(ellipsoid(shape, 0.6, 0.1), "tumour", None))
    found = segmentation(*bodies, volume=lattice)
    write_dicom_seg(tmp_path / "seg.dcm", found, source)
    assert errors_of(tmp_path / "seg.dcm") == []
    other = read_by_dcmqi(tmp_path / "seg.dcm", source, tmp_path / "read")
    for number, mask in enumerate(voxels(found, source), 1):
        np.testing.assert_array_equal(other.masks[number], mask)
