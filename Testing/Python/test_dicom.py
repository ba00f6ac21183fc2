"""DICOM series: the right one, in the right place, and every fault of geometry by its name."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
from builders import ras_geometry
from dicom_builder import JPEG_LS, RLE, along_z, plane, rle_frame, slice_bytes, write_series
from real_scans import real_scan
from shared_data import shared
from VISTA3DSegmentLib.errors import FileFormatError, VolumeError
from VISTA3DSegmentLib.files.volumes import list_series, read_volume

JPEG_LS_FRAME = base64.b64decode(
    "/9j/9wALEAAGAAgBAREA//gADQH//wASAEMBFABA/9oACAEBAAAAADm8BoCQFAUAgEAgbACAIAgEAgEAIGwCAgICAgIAgXAQEBAgQIAgmBAgQIECAQPAgQIE"
    "CBAA/9kA"
)
"""7 j - 3 i + 924 as 6 x 8 pixels, made once with CharLS."""


def refusal(folder: Path, series_uid: str | None = None) -> str:
    """What a person is told about a series that is refused as a volume."""
    with pytest.raises(VolumeError) as caught:
        read_volume(folder, series_uid)
    assert caught.value.remedy
    return caught.value.what


def itk_series(folder: Path) -> sitk.Image:
    return sitk.ReadImage(sitk.ImageSeriesReader().GetGDCMSeriesFileNames(str(folder)))


SOUND = {
    "ct_dicom/series": ((20, 512, 512), 2.0),
    "crlm_ct_1004/series": ((41, 512, 512), 5.0),
    "dcmqi/ct-3slice": ((3, 512, 512), 1.0),
    "dcmqi/23x38x3/image": ((3, 38, 23), 2.5),
    "dcmqi/24x38x3/image": ((3, 38, 24), 2.5),
    "sarcoma/STS_001/CT/dicom/image": ((59, 202, 198), 3.27),
    "sarcoma/STS_001/MR_T1/dicom/image": ((59, 158, 174), 3.27),
    "sarcoma/STS_004/CT/dicom/image": ((85, 183, 173), 3.27),
    "sarcoma/STS_004/MR_T1/dicom/image": ((60, 127, 128), 3.27),
    "rt_utils/mock_data": ((2, 512, 512), 5.0),
    "rt_utils/oriented_data": ((3, 50, 100), 4.5),
    "dicom_geometry/d2n_compressed": ((4, 256, 256), 1.0),
    "dicom_geometry/d2n_compressed_j2k": ((4, 256, 256), 1.0),
}


@pytest.mark.parametrize("folder", SOUND)
def test_series_of_real_scanners_has_its_size_and_slice_distance(folder: str) -> None:
    shape_kji, distance_mm = SOUND[folder]
    volume = real_scan(folder)
    assert volume.shape_kji == shape_kji
    assert volume.spacing_mm[2] == pytest.approx(distance_mm, abs=1e-3)


@pytest.mark.parametrize("folder", ["dcmqi/ct-3slice", "rt_utils/oriented_data", "dicom_geometry/d2n_compressed/001"])
def test_series_has_the_voxels_and_the_place_that_itk_gives_it(folder: str) -> None:
    volume = real_scan(folder)
    itk = itk_series(shared(f"data/{folder}"))
    np.testing.assert_allclose(volume.ijk_to_ras, ras_geometry(itk), atol=1e-3)
    np.testing.assert_allclose(volume.array, sitk.GetArrayViewFromImage(itk), rtol=1e-6)


def test_feet_first_patient_is_the_right_way_up_and_round() -> None:
    volume = real_scan("crlm_ct_1004/series")
    i, j = np.meshgrid(*(np.arange(length) for length in reversed(volume.shape_kji[1:])))
    right = volume.ijk_to_ras[0, 0] * i + volume.ijk_to_ras[0, 3]
    anterior = volume.ijk_to_ras[1, 1] * j + volume.ijk_to_ras[1, 3]
    inside = np.hypot(right, anterior) < 120
    lung = [float((axial[inside] < -600).mean()) for axial in volume.array]
    head_end = lung if volume.ijk_to_ras[2, 2] > 0 else lung[::-1]
    assert np.mean(head_end[-5:]) > 2 * np.mean(head_end[:20]), "the lungs lie above the abdomen"
    spine = volume.array > 350
    assert np.broadcast_to(anterior, spine.shape)[spine].mean() < -25, "the spine lies behind"
    enhanced = (volume.array[20:] > 90) & (volume.array[20:] < 150)
    assert (enhanced & (right > 40)).sum() > 1.3 * (enhanced & (right < -40)).sum(), "the liver lies on the right"


def test_hounsfield_units_are_whole_and_compact() -> None:
    volume = real_scan("ct_dicom/series")
    assert volume.array.dtype == np.int16
    assert np.percentile(volume.array, 1) == pytest.approx(-1000, abs=30)
    assert volume.name == "CT series (20 images)"


def test_fractional_values_become_single_precision() -> None:
    assert real_scan("rt_utils/oriented_data").array.dtype == np.float32


@pytest.mark.parametrize(
    ("folder", "sentences"),
    [
        ("ge_gantry_tilt", ["tilted by 18.5 degrees", "unevenly spaced: 1.08 to 7.00 mm"]),
        ("d2n_gantrytilting", ["tilted by 14.0 degrees"]),
        ("d2n_sliceincrement", ["Slices are missing: 1 between S 28.1 mm and S 38.1 mm"]),
        ("d2n_notavolume", ["All its 4 images lie at the same place"]),
    ],
)
def test_real_fault_of_geometry_is_named(folder: str, sentences: list[str]) -> None:
    told = refusal(shared(f"data/dicom_geometry/{folder}"))
    assert all(sentence in told for sentence in sentences), told


def test_file_of_a_segmentation_is_no_scan() -> None:
    with pytest.raises(FileFormatError, match=r"liver\.dcm holds no DICOM image"):
        read_volume(shared("data/dcmqi/liver.dcm"))


def test_single_slice_is_refused() -> None:
    assert "single slice" in refusal(shared("data/rt_utils/one_slice_data"))


def test_multi_frame_image_is_refused() -> None:
    assert "multi-frame" in refusal(shared("data/dcmqi/23x38x3/multiframe"))


def test_segmentations_and_contours_are_no_scans() -> None:
    for folder in ("dcmqi/23x38x3/seg", "rt_utils/empty"):
        with pytest.raises(FileFormatError, match="no DICOM image"):
            read_volume(shared(f"data/{folder}"))


def test_slices_are_sorted_by_place_and_not_by_name(tmp_path: Path) -> None:
    volume = read_volume(write_series(tmp_path, along_z(9, 3, 6))).volume
    np.testing.assert_array_equal(volume.array, np.stack([plane(1), plane(2), plane(0)]).astype(int) - 1024)
    assert volume.spacing_mm == (1.0, 2.0, 3.0)
    np.testing.assert_allclose(volume.ras_of((0, 0, 0)), (10, 20, 3))
    assert volume.name == "CT series 7 (3 images)"


def test_each_slice_has_its_own_rescaling(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(slice_bytes(plane(0), (0, 0, 0), rescale=(1, -1024)))
    (tmp_path / "b").write_bytes(slice_bytes(plane(0), (0, 0, 5), rescale=(0.5, -10)))
    array = read_volume(tmp_path).volume.array
    np.testing.assert_allclose(array, np.stack([plane(0) - 1024.0, plane(0) * 0.5 - 10]))


# GDCM refuses RLE that is larger than the pixels, as it is where the RLE header outweighs them.
@pytest.mark.parametrize(("syntax", "shape"), [(RLE, (16, 16)), (JPEG_LS, (6, 8))])
def test_compressed_slices_are_read(tmp_path: Path, syntax: str, shape: tuple[int, int]) -> None:
    j, i = np.mgrid[: shape[0], : shape[1]]
    pixels = (7 * j - 3 * i + 924).astype(np.uint16)
    packed = rle_frame(pixels) if syntax == RLE else JPEG_LS_FRAME
    for n in range(2):
        (tmp_path / str(n)).write_bytes(slice_bytes(pixels, (0, 0, n), syntax=syntax, packed=packed))
    np.testing.assert_array_equal(read_volume(tmp_path).volume.array[1], pixels.astype(int) - 1024)


@pytest.mark.parametrize(
    ("heights", "sentence"),
    [
        ((0, 2, 4, 10, 12), "missing: 2 between S 4.0 mm and S 10.0 mm"),
        ((0, 2, 4, 8, 10, 14), "1 between S 4.0 mm and S 8.0 mm; 1 between S 10.0 mm and S 14.0 mm"),
        ((0, 2, 4, 6, 9), "unevenly spaced: 2.00 to 3.00 mm"),
        ((0, 2, 2, 4), "duplicates: 1 of its 4 images"),
        ((5,), "single slice"),
    ],
)
def test_gaps_and_duplicates_are_named(tmp_path: Path, heights: tuple[float, ...], sentence: str) -> None:
    assert sentence in refusal(write_series(tmp_path, along_z(*heights)))


def test_gap_between_sagittal_slices_is_named_by_their_place_in_the_patient(tmp_path: Path) -> None:
    positions = [(left_mm, 0, 0) for left_mm in (0, 2, 4, 8)]
    told = refusal(write_series(tmp_path, positions, orientation=(0, 1, 0, 0, 0, -1)))
    assert "1 between L 8.0 mm and L 4.0 mm" in told


def test_rounded_positions_are_even_enough(tmp_path: Path) -> None:
    # 0.625 mm slices whose positions were written with one decimal.
    heights = [round(0.625 * n, 1) for n in range(30)]
    assert read_volume(write_series(tmp_path, along_z(*heights))).volume.spacing_mm[2] == pytest.approx(
        0.625, abs=0.003
    )


def test_one_missing_slice_among_many_is_found(tmp_path: Path) -> None:
    heights = [n for n in range(60) if n != 58]
    assert "1 between S 57.0 mm and S 59.0 mm" in refusal(write_series(tmp_path, along_z(*heights)))


def test_sideways_shift_is_named(tmp_path: Path) -> None:
    positions = [(0, 0, 0), (3, 0, 2), (0, 0, 4)]
    assert "shifted sideways against each other by up to 3.0 mm" in refusal(write_series(tmp_path, positions))


def test_tilt_of_sagittal_slices_is_named(tmp_path: Path) -> None:
    positions = [(2 * n, 0.5 * n, 0) for n in range(4)]
    assert "tilted by 14.0 degrees" in refusal(write_series(tmp_path, positions, orientation=(0, 1, 0, 0, 0, -1)))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"image_type": "ORIGINAL\\PRIMARY\\LOCALIZER"}, "localizers"),
        ({"pixel_spacing": "0\\1"}, "do not say where they lie"),
        ({"pixel_spacing": "nan\\1"}, "do not say where they lie"),
        ({"orientation": (1, 0, 0, 1, 0, 0)}, "not at right angles"),
        ({"orientation": (1, 0, 0, 0.02, 0.9998, 0)}, "not at right angles"),
    ],
)
def test_images_without_sound_geometry_are_refused(tmp_path: Path, changes: dict[str, object], sentence: str) -> None:
    folder = write_series(tmp_path, along_z(0, 2, 4), **changes)
    assert sentence in refusal(folder)
    assert sentence in list_series(folder)[0].problem


def test_images_without_position_are_refused(tmp_path: Path) -> None:
    for n in range(2):
        (tmp_path / str(n)).write_bytes(slice_bytes(plane(n), None))
    assert "do not say where they lie" in refusal(tmp_path)


def test_of_several_series_the_longest_volume_is_read_and_told(tmp_path: Path) -> None:
    write_series(tmp_path, along_z(0, 2, 4), "a", series="1.1", number="1")
    write_series(tmp_path / "deeper", along_z(0, 2, 4, 6), "b", series="1.2", number="2")
    write_series(tmp_path, along_z(0, 2, 4, 9, 10), "c", series="1.3", number="3")
    read = read_volume(tmp_path)
    assert read.volume.name == "CT series 2 (4 images)"
    (notice,) = read.notices
    assert "CT series 2 (4 images) is read" in notice
    assert "CT series 1 (3 images)" in notice
    assert "CT series 3 (5 images): Its slices are unevenly spaced" in notice
    assert [one.number for one in list_series(tmp_path)] == ["1", "2", "3"]


@pytest.mark.parametrize("whose", [{"study": "1.77"}, {"patient": "PID4711"}])
def test_of_series_of_several_studies_or_patients_none_is_taken_unasked(
    tmp_path: Path, whose: dict[str, object]
) -> None:
    write_series(tmp_path, along_z(0, 2, 4), "a", series="1.1", number="1", patient="PID1")
    other = {"patient": "PID1", **whose}
    write_series(tmp_path, along_z(0, 2, 4, 6), "b", series="1.2", number="2", modality="MR", **other)
    write_series(tmp_path, along_z(5), "c", series="1.3", number="3", **other)
    with pytest.raises(FileFormatError, match="of 2 studies or patients") as caught:
        read_volume(tmp_path)
    for there in ("CT series 1 (3 images), UID 1.1;", "UID 1.2;", "UID 1.3 (no volume)", "line also: --series"):
        assert there in str(caught.value)
    assert "PID4711" not in str(caught.value)
    assert read_volume(tmp_path, "1.1").volume.name == "CT series 1 (3 images)"
    assert read_volume(tmp_path / "b00_0").volume.name == "MR series 2 (4 images)"


def test_what_is_no_volume_and_who_does_not_say_its_patient_make_no_other_study(tmp_path: Path) -> None:
    write_series(tmp_path, along_z(0, 2, 4), "a", series="1.1", patient="PID1")
    write_series(tmp_path, along_z(0, 2), "b", series="1.2")
    write_series(tmp_path, along_z(5), "c", series="1.3", study="1.77", patient="PID2")
    assert read_volume(tmp_path).volume.array.shape[0] == 3


def test_who_must_choose_is_told_the_uids(tmp_path: Path) -> None:
    write_series(tmp_path, along_z(0, 2, 4), "a", series="1.1")
    write_series(tmp_path, along_z(0, 2, 4, 6), "b", series="1.2")
    (notice,) = read_volume(tmp_path).notices
    assert "CT series 7 (3 images), UID 1.1: a volume too, of no more slices. Choose the folder that holds" in notice
    with pytest.raises(FileFormatError, match=r"Choose one of these:\n  CT series 7 \(3 images\), UID 1\.1;\n  CT"):
        read_volume(tmp_path, "9.9")


def test_many_series_are_not_all_named(tmp_path: Path) -> None:
    for n in range(25):
        write_series(tmp_path, along_z(0, 2), f"s{n}", series=f"1.{n}", study=f"3.{n}")
    with pytest.raises(FileFormatError, match=";\n  and 5 more"):
        read_volume(tmp_path)


def test_series_without_a_uid_are_told_as_such(tmp_path: Path) -> None:
    write_series(tmp_path, along_z(0, 2, 4), series="")
    with pytest.raises(FileFormatError, match=r"Choose one of these:\n  CT series 7 \(3 images\), without a UID"):
        read_volume(tmp_path, "9.9")


def test_a_file_that_is_no_dicom_has_no_series_to_choose(tmp_path: Path) -> None:
    write_series(tmp_path, along_z(0, 2, 4))
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((3, 4, 5), np.int16)), tmp_path / "scan.nii.gz")
    with pytest.raises(FileFormatError, match=r"scan\.nii\.gz is no DICOM: .* Leave out --series"):
        read_volume(tmp_path / "scan.nii.gz", "1.2.3")


def test_a_series_can_be_picked_by_its_uid_or_by_one_of_its_files(tmp_path: Path) -> None:
    write_series(tmp_path, along_z(0, 2, 4), "a", series="1.1", number="1")
    write_series(tmp_path, along_z(0, 2, 4, 6), "b", series="1.2", number="2")
    by_uid = read_volume(tmp_path, "1.1")
    assert (by_uid.volume.name, by_uid.notices) == ("CT series 1 (3 images)", ())
    assert read_volume(tmp_path / "a00_0").volume.name == "CT series 1 (3 images)"
    with pytest.raises(FileFormatError, match="no series with the UID"):
        read_volume(tmp_path, "9.9")


def test_a_series_that_was_picked_is_not_replaced_by_another(tmp_path: Path) -> None:
    write_series(tmp_path, along_z(0, 2, 4), "a", series="1.1")
    write_series(tmp_path, along_z(0, 2, 9), "b", series="1.2")
    assert "unevenly spaced" in refusal(tmp_path, "1.2")


def test_a_scout_of_another_orientation_in_the_series_is_left_out_and_told(tmp_path: Path) -> None:
    write_series(tmp_path, along_z(0, 2, 4))
    write_series(tmp_path, [(0, 0, 0)], "scout", orientation=(1, 0, 0, 0, 0, -1))
    read = read_volume(tmp_path)
    assert read.volume.shape_kji == (3, 6, 8)
    assert "single slice" in read.notices[0]


def test_copies_of_a_file_are_left_out_and_told(tmp_path: Path) -> None:
    write_series(tmp_path, along_z(0, 2, 4))
    write_series(tmp_path / "copy", along_z(0, 2, 4))
    read = read_volume(tmp_path)
    assert read.volume.shape_kji == (3, 6, 8)
    assert "3 files are copies" in read.notices[0]


def test_one_instance_uid_for_all_images_does_not_lose_them(tmp_path: Path) -> None:
    assert read_volume(write_series(tmp_path, along_z(0, 2, 4), instance="1.5")).volume.shape_kji == (3, 6, 8)


@pytest.mark.parametrize("kept", [0.5, 0.95])
def test_damaged_image_is_named_and_not_passed_over(tmp_path: Path, kept: float) -> None:
    write_series(tmp_path, along_z(0, 2, 4, 6))
    last = sorted(tmp_path.iterdir())[-1]
    last.write_bytes(last.read_bytes()[: int(last.stat().st_size * kept)])
    with pytest.raises(FileFormatError, match=f"{last.name} is truncated, damaged, or compressed"):
        read_volume(tmp_path)


def test_other_files_in_the_folder_do_not_disturb(tmp_path: Path) -> None:
    write_series(tmp_path, along_z(0, 2, 4))
    (tmp_path / "notes.txt").write_text("not DICOM")
    (tmp_path / "empty").touch()
    assert read_volume(tmp_path).volume.shape_kji == (3, 6, 8)
