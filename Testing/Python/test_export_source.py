"""The DICOM series that exported objects refer to: which is taken, what is refused, what is made good."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from builders import box_mask
from export_world import errors_of, scan, segment, segmentation, series_of, voxels
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from shared_data import shared
from VISTA3DSegmentLib.errors import FileFormatError, VolumeError
from VISTA3DSegmentLib.export.dicom_seg import write_dicom_seg
from VISTA3DSegmentLib.export.formats import Form
from VISTA3DSegmentLib.export.identifiers import new_uid, uid_for
from VISTA3DSegmentLib.export.preflight import preflight
from VISTA3DSegmentLib.export.rtstruct import write_rtstruct
from VISTA3DSegmentLib.export.source import DicomSource, matched, read_source
from VISTA3DSegmentLib.export.structured_report import write_structured_report
from VISTA3DSegmentLib.files.dicom import read_dicom
from VISTA3DSegmentLib.files.usual_order import in_usual_order
from VISTA3DSegmentLib.volume import Volume


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    series_of(tmp_path / "ct")
    return tmp_path / "ct"


def change(file: Path, edit: Callable[[pydicom.Dataset], object]) -> None:
    dataset = pydicom.dcmread(file)
    edit(dataset)
    dataset.save_as(file)


def test_slice_k_of_the_source_is_slice_k_of_the_volume(folder: Path) -> None:
    for number, file in enumerate(sorted(folder.iterdir())):
        file.rename(folder / f"{(number * 5) % 7}.dcm")
    source, volume = read_source(folder), read_dicom(folder).volume
    assert source.shape_kji == volume.shape_kji
    np.testing.assert_allclose(source.ijk_to_ras, volume.ijk_to_ras)
    assert [int(one.InstanceNumber) for one in source.slices] == [1, 2, 3, 4, 5, 6, 7]
    assert "PixelData" not in source.slices[0]


def test_one_file_of_the_series_stands_for_it(folder: Path) -> None:
    assert read_source(folder / "00003.dcm").series_uid == read_source(folder).series_uid


def test_another_series_beside_it_is_told(folder: Path) -> None:
    other = series_of(folder / "other", scan((3, 9, 11)))
    with pytest.raises(FileFormatError, match="of 2 studies or patients"):
        read_source(folder)
    for file in folder.glob("*.dcm"):
        change(file, lambda one: setattr(one, "StudyInstanceUID", other.study_uid))
    source = read_source(folder)
    assert source.shape_kji[0] == 7
    assert "Not read: CT series 1 (3 images)" in " ".join(source.notices)


def test_missing_slices_are_refused_by_where_they_are(folder: Path) -> None:
    (folder / "00004.dcm").unlink()
    with pytest.raises(VolumeError, match="Slices are missing"):
        read_source(folder)


def test_two_images_in_one_place_are_refused(folder: Path) -> None:
    def copy(one: pydicom.Dataset) -> None:
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = "1.2.3"

    (folder / "again.dcm").write_bytes((folder / "00004.dcm").read_bytes())
    change(folder / "again.dcm", copy)
    with pytest.raises(VolumeError, match="duplicates"):
        read_source(folder)


@pytest.mark.parametrize(
    ("keyword", "value", "word"),
    [
        ("PatientID", "ANON-2", "patient"),
        ("PatientName", "Another^", "patient"),
        ("StudyInstanceUID", "1.2.3", "study"),
        ("FrameOfReferenceUID", "1.2.3", "frame of reference"),
    ],
)
def test_images_of_two_patients_studies_or_frames_are_refused(
    folder: Path, keyword: str, value: str, word: str
) -> None:
    change(folder / "00002.dcm", lambda one: setattr(one, keyword, value))
    with pytest.raises(VolumeError, match=f"mixed: they differ in their {word}"):
        read_source(folder)


def test_refusal_tells_nothing_of_the_patient(folder: Path) -> None:
    change(folder / "00002.dcm", lambda one: setattr(one, "PatientName", "Another^"))
    with pytest.raises(VolumeError) as caught:
        read_source(folder)
    assert "Another" not in str(caught.value)
    assert "ANON" not in str(caught.value)


def test_two_images_with_one_identifier_are_refused(folder: Path) -> None:
    source = read_source(folder)
    source.slices[1].SOPInstanceUID = source.slices[0].SOPInstanceUID
    with pytest.raises(VolumeError, match="same SOPInstanceUID"):
        DicomSource(source.slices)


def test_images_of_two_sizes_are_refused(folder: Path) -> None:
    source = read_source(folder)
    source.slices[1].Rows = 5
    with pytest.raises(VolumeError, match="differ in size"):
        DicomSource(source.slices)


def test_blanked_identifiers_are_made_up_the_same_every_time_and_told(folder: Path) -> None:
    for file in folder.iterdir():
        for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
            change(file, lambda one, keyword=keyword: setattr(one, keyword, ""))
    once, again = read_source(folder), read_source(folder)
    assert once.study_uid == again.study_uid != once.series_uid == again.series_uid
    assert str(once.slices[2].SOPInstanceUID) == uid_of_file(folder / "00003.dcm")
    assert "which study, series they belong" in " ".join(once.repairs)


def uid_of_file(file: Path) -> str:
    return str(pydicom.dcmread(file).file_meta.MediaStorageSOPInstanceUID)


@pytest.mark.filterwarnings("ignore:The value length")
def test_a_study_id_that_is_too_long_is_cut_and_told(folder: Path) -> None:
    for file in folder.iterdir():
        change(file, lambda one: setattr(one, "StudyID", "a study with a long name"))
    source = read_source(folder)
    assert source.slices[0].StudyID == "a study with a l"
    assert "StudyID" in " ".join(source.repairs)


@pytest.mark.filterwarnings("ignore:Invalid value for VR DA")
def test_values_that_nobody_understands_are_left_out_and_told(folder: Path) -> None:
    for file in folder.iterdir():
        change(file, lambda one: (setattr(one, "PatientSex", "W"), setattr(one, "StudyDate", "2026112")))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source = read_source(folder)
    assert not {"PatientSex", "StudyDate"} & {element.keyword for element in source.slices[0]}
    assert all(word in " ".join(source.repairs) for word in ("PatientSex", "StudyDate", "left out"))


def careless(folder: Path, **texts: bytes) -> None:
    """Write what no careful program would into every header."""

    def put(one: pydicom.Dataset) -> None:
        for keyword, text in texts.items():
            tag = Tag(keyword)
            one[tag] = RawDataElement(tag, dictionary_VR(tag), len(text), text, 0, False, True)

    for file in folder.iterdir():
        change(file, put)


@pytest.mark.parametrize(
    ("keyword", "text", "becomes"),
    [
        ("PatientAge", b"45", None),
        ("PatientSize", b"1,75", None),
        ("PatientWeight", b"70.1250000000000000 ", "70.125"),
        ("AccessionNumber", b"A" * 20, None),
        ("IssuerOfPatientID", b"H" * 70, None),
        ("PatientID", b"P" * 70, None),
        ("PatientID", b"a\x01b", None),
        ("PatientName", b"N" * 70 + b"^X", None),
        ("ReferringPhysicianName", b"N" * 70, None),
        ("EthnicGroup", b"E" * 20, None),
        ("OtherPatientIDs", b"a" * 70 + b"\\b", None),
        ("StudyDate", b"2020.01.02", "20200102"),
        ("StudyDate", b"20201399", None),
        ("PatientBirthDate", b"1950.12.31", "19501231"),
        ("StudyTime", b"12:30:00", "123000"),
        ("StudyTime", b"half past noon", None),
        ("PatientComments", b"two\r\nlines", "two\r\nlines"),
        ("SeriesNumber", b"A12 ", None),
        ("SeriesNumber", b"1\\2 ", None),
        ("SeriesNumber", b"1e400 ", None),
    ],
)
def test_careless_values_make_no_object_wrong_and_are_told_without_being_said(
    folder: Path, tmp_path: Path, keyword: str, text: bytes, becomes: str | None
) -> None:
    careless(folder, **{keyword: text})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source = read_source(folder)
        write_dicom_seg(tmp_path / "seg.dcm", segmentation(), source)
        write_rtstruct(tmp_path / "rt.dcm", segmentation(), source)
        write_structured_report(tmp_path / "sr.dcm", segmentation(), source, tmp_path / "seg.dcm", scan())
    found = source.slices[0].get(keyword)
    assert (None if found is None else str(found)) == becomes
    told = [finding.what for finding in preflight(segmentation(), [Form.DICOM_SEG], source)]
    if text.decode() != becomes:
        assert keyword in " ".join(told)
    assert text.decode() not in " ".join(told)
    for file in ("seg.dcm", "rt.dcm", "sr.dcm"):
        assert errors_of(tmp_path / file) == [], file


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("NumberOfFrames", b"ABC "),
        ("NumberOfFrames", b"1\\2 "),
        ("Rows", b"\x09\x00\x09\x00"),
        ("AcquisitionNumber", b"1e400 "),
    ],
)
def test_numbers_that_are_none_are_refused_by_file(folder: Path, keyword: str, value: bytes) -> None:
    careless(folder, **{keyword: value})
    with pytest.raises(FileFormatError, match=r"00001\.dcm is damaged, or lacks what an image must say"):
        read_source(folder)


def test_a_count_of_samples_that_is_empty_is_one(folder: Path) -> None:
    careless(folder, SamplesPerPixel=b"")
    assert read_source(folder).shape_kji == read_dicom(folder).volume.shape_kji


def test_a_patient_who_is_left_out_hides_no_mix_of_two(folder: Path) -> None:
    change(
        folder / "00002.dcm", lambda one: one.add(RawDataElement(Tag("PatientID"), "LO", 70, b"P" * 70, 0, False, True))
    )
    with pytest.raises(VolumeError, match="mixed: they differ in their patient"):
        read_source(folder)


@pytest.mark.parametrize("length", [0.999, 1.0004])
def test_directions_are_made_of_length_one_and_told(folder: Path, tmp_path: Path, length: float) -> None:
    before = read_source(folder)
    for file in folder.iterdir():
        change(
            file,
            lambda one: setattr(
                one, "ImageOrientationPatient", [f"{length * float(x):.10g}" for x in one.ImageOrientationPatient]
            ),
        )
    source = read_source(folder)
    assert "length 1" in " ".join(source.repairs)
    np.testing.assert_allclose(source.ijk_to_ras, before.ijk_to_ras, atol=1e-5)
    write_dicom_seg(tmp_path / "seg.dcm", segmentation(), source)
    write_rtstruct(tmp_path / "rt.dcm", segmentation(), source)
    assert errors_of(tmp_path / "seg.dcm") == errors_of(tmp_path / "rt.dcm") == []


def test_nothing_is_mended_in_headers_that_are_right(folder: Path) -> None:
    assert read_source(folder).repairs == ()


def test_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="no DICOM image"):
        read_source(tmp_path)


@pytest.mark.parametrize("name", ["crlm_ct_1004/series", "ct_dicom/series", "sarcoma/STS_001/CT", "dcmqi/ct-3slice"])
def test_real_series_are_sources_where_their_volume_lies(name: str) -> None:
    path = shared(f"data/{name}")
    source, volume = read_source(path), read_dicom(path).volume
    assert source.shape_kji == volume.shape_kji
    np.testing.assert_allclose(source.ijk_to_ras, volume.ijk_to_ras)


@pytest.mark.parametrize("name", ["ge_gantry_tilt", "d2n_notavolume"])
def test_real_series_that_are_no_volume_are_refused(name: str) -> None:
    with pytest.raises(VolumeError, match="not a volume"):
        read_source(shared(f"data/dicom_geometry/{name}"))


def test_masks_follow_flipped_and_swapped_axes(tmp_path: Path) -> None:
    source = series_of(tmp_path / "ct")
    volume = in_usual_order(scan())
    turned = Volume(
        np.flip(volume.array.transpose(1, 2, 0), 0),
        volume.ijk_to_ras @ [[0, 1, 0, 0], [0, 0, -1, source.shape_kji[1] - 1], [1, 0, 0, 0], [0, 0, 0, 1]],
    )
    mask = np.zeros(turned.shape_kji, np.bool_)
    mask[2, 3, 4] = True
    placed = voxels(segmentation(segment(box_mask(mask.shape, (2, 3, 4), (3, 4, 5))), volume=turned), source)[0]
    value = turned.array[2, 3, 4]
    assert volume.array[placed].tolist() == [value]


def test_a_crop_of_the_scan_is_put_back_where_it_was(tmp_path: Path) -> None:
    source, volume = series_of(tmp_path / "ct"), scan()
    shift = np.eye(4)
    shift[:3, 3] = (3, 2, 1)
    crop = Volume(volume.array[1:4, 2:6, 3:9], volume.ijk_to_ras @ shift)
    whole = voxels(segmentation(segment(box_mask(volume.shape_kji, (2, 3, 4), (3, 5, 6)))), source)[0]
    part = voxels(segmentation(segment(box_mask(crop.shape_kji, (1, 1, 1), (2, 3, 3))), volume=crop), source)[0]
    np.testing.assert_array_equal(part, whole)


def moved(by_voxels: float) -> Volume:
    volume = scan()
    matrix = volume.ijk_to_ras.copy()
    matrix[:3, 3] += by_voxels * matrix[:3, 0]
    return replace(volume, ijk_to_ras=matrix)


def test_half_a_voxel_off_is_refused_unless_resampling_is_allowed(tmp_path: Path) -> None:
    source, found = series_of(tmp_path / "ct"), segmentation(volume=moved(0.4))
    with pytest.raises(VolumeError, match="resampled or moved"):
        matched(found, source)
    assert "nearest" in " ".join(matched(found, source, resample=True).notices)


def test_a_segmentation_that_lies_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match="another scan or another patient"):
        matched(segmentation(volume=moved(1000)), series_of(tmp_path / "ct"), resample=True)


def test_identifiers_are_valid_and_of_the_words_alone() -> None:
    assert uid_for("a", "bc") == uid_for("a", "bc") != uid_for("ab", "c")
    assert new_uid() != new_uid()
    assert all(pydicom.uid.UID(uid).is_valid for uid in (uid_for("a"), new_uid()))
