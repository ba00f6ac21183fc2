"""DICOM segmentations of other programs become right segments, or a clear refusal."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
from builders import oblique_geometry, ras_geometry
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless
from seg_builder import code, deflated, described, segmentation_dataset, written
from shared_data import shared
from VISTA3DSegmentLib import anatomy
from VISTA3DSegmentLib.errors import FileFormatError, SegmentationError, VolumeError
from VISTA3DSegmentLib.files import dicom_seg
from VISTA3DSegmentLib.files.dicom_seg import read_dicom_seg
from VISTA3DSegmentLib.files.scan_identity import ScanIdentifiers
from VISTA3DSegmentLib.files.segmentations import Segmentation, identifiers_for, read_segmentation
from VISTA3DSegmentLib.files.segments import Segment
from VISTA3DSegmentLib.provenance import Algorithm, provenance_of
from VISTA3DSegmentLib.terminology import meaning_of
from VISTA3DSegmentLib.volume import Volume

RANDOM = np.random.default_rng(7)
PACKED = ("_deflate", "_j2k", "_rle")
LIVERS = ["liver", "liver_expb", "liver_nonbyte_aligned"]
LIVERS += [f"{name}{packed}" for name in ("liver", "liver_nonbyte_aligned") for packed in PACKED]


def plane(shape: tuple[int, int] = (5, 7)) -> np.ndarray:
    return RANDOM.random(shape) > 0.5


def along_z(*heights_mm: float) -> list[tuple[float, float, float]]:
    return [(-10.0, -20.0, height) for height in heights_mm]


def read(dataset: Dataset, folder: Path, like: Volume | None = None) -> Segmentation:
    return read_dicom_seg(written(dataset, folder / "a.dcm"), like)


def full(segment: Segment, segmentation: Segmentation) -> Any:
    return segment.mask.full(segmentation.shape_kji)


def liver(*planes: Any, **changes: Any) -> Dataset:
    return segmentation_dataset([described(1, "Liver")], [(1, *one) for one in planes], **changes)


# --- files of other programs


@pytest.mark.parametrize("name", LIVERS)
def test_liver_is_the_same_however_its_voxels_are_packed(name: str) -> None:
    expected = sitk.ReadImage(str(shared("data/dcmqi/liver_seg.nrrd")))
    found = read_dicom_seg(shared(f"data/pydicom_liver_seg/{name}.dcm"))
    (segment,) = found.segments
    rows = 510 if "nonbyte" in name else 512
    mask = sitk.GetArrayFromImage(expected) == 1
    assert mask.sum() == mask[:, :rows, :rows].sum(), "the cropped file has lost nothing of the liver"
    np.testing.assert_array_equal(full(segment, found), mask[:, :rows, :rows])
    np.testing.assert_allclose(found.ijk_to_ras, ras_geometry(expected), atol=1e-5)
    assert (segment.name, segment.class_id, segment.color) == ("Liver", 1, (221, 130, 101))
    meaning = meaning_of(segment.terminology, None)
    assert meaning is not None
    assert (meaning.type.scheme, meaning.type.value) == ("SCT", "10200004"), "the old scheme's T-62000 is renewed"
    provenance = provenance_of(segment.tags)
    assert provenance is not None
    assert (provenance.algorithm, provenance.model) == (Algorithm.SEMIAUTOMATIC, "SlicerEditor")
    assert found.notices == ()


def test_overlapping_segments_keep_all_their_voxels() -> None:
    found = read_dicom_seg(shared("data/dcmqi/partial_overlaps.dcm"))
    layers = [
        sitk.GetArrayFromImage(sitk.ReadImage(str(shared(f"data/dcmqi/partial_overlaps-{n}.nrrd")))) for n in (1, 2, 3)
    ]
    assert [segment.name for segment in found.segments][:3] == ["GREEN", "ORANGE", "PURPLE"]
    for number, segment in enumerate(found.segments, 1):
        expected = np.any([layer == number for layer in layers], axis=0)
        np.testing.assert_array_equal(full(segment, found), expected)


@pytest.mark.parametrize("name", ["23x38x3", "24x38x3"])
def test_row_that_ends_within_a_byte_is_read(name: str) -> None:
    expected = sitk.ReadImage(str(shared(f"data/dcmqi/{name}/nrrd/label.nrrd")))
    found = read_dicom_seg(shared(f"data/dcmqi/{name}/seg/label.seg"))
    np.testing.assert_array_equal(full(found.segments[0], found), sitk.GetArrayFromImage(expected) == 1)
    np.testing.assert_allclose(found.ijk_to_ras, ras_geometry(expected), atol=1e-4)


@pytest.mark.parametrize("name", ["ppv5", "noppv"])
def test_planes_that_a_label_map_does_not_store_are_empty_and_background_is_no_segment(name: str) -> None:
    expected = sitk.ReadImage(str(shared(f"data/dcmqi/sparse_labelmap_{name}_seg.nrrd")))
    found = read_dicom_seg(shared(f"data/dcmqi/sparse-labelmap-{name}.dcm"))
    (segment,) = found.segments
    assert segment.name == "Liver"
    np.testing.assert_array_equal(full(segment, found), sitk.GetArrayFromImage(expected) == 1)
    np.testing.assert_allclose(found.ijk_to_ras, ras_geometry(expected), atol=1e-4)


@pytest.mark.parametrize(
    "name", ["binary", "binary_fractional", "binary_overlap", "binary_single_frame", "true_fractional"]
)
def test_highdicoms_files_are_read_as_dcmqi_reads_them(name: str, tmp_path: Path) -> None:
    path = shared(f"data/highdicom/seg_image_ct_{name}.dcm")
    found = read_dicom_seg(path)
    if "fractional" in name:  # dcmqi refuses those; the binary file was made of the same voxels
        other = read_dicom_seg(shared("data/highdicom/seg_image_ct_binary.dcm"))
        np.testing.assert_array_equal(full(found.segments[0], found), full(other.segments[0], other))
        assert "one half" in found.notices[0]
        return
    program = Path(sys.executable).with_name("segimage2itkimage")
    if not program.exists():
        pytest.skip("needs dcmqi's segimage2itkimage")
    arguments = ["--inputDICOM", path, "--outputDirectory", tmp_path, "-t", "nrrd"]
    subprocess.run([program, *arguments], check=True, capture_output=True, timeout=60)
    for number, segment in enumerate(found.segments, 1):
        image = sitk.ReadImage(str(tmp_path / f"{number}.nrrd"))
        expected = sitk.GetArrayFromImage(image) > 0
        np.testing.assert_array_equal(full(segment, found), expected)
        np.testing.assert_allclose(found.ijk_to_ras, ras_geometry(image), atol=1e-4)


@pytest.mark.parametrize("name", ["control_labelmap", "control_labelmap_palette_color"])
def test_segmentation_of_a_slide_is_refused(name: str) -> None:
    with pytest.raises(FileFormatError, match="slide"):
        read_dicom_seg(shared(f"data/highdicom/seg_image_sm_{name}.dcm"))


def test_scan_is_no_segmentation() -> None:
    path = shared("data/highdicom/ct_image.dcm")
    for read_it in (read_dicom_seg, read_segmentation):
        with pytest.raises(FileFormatError, match="no segmentation"):
            read_it(path)


def test_segmentation_lands_on_the_scan_it_belongs_to() -> None:
    from VISTA3DSegmentLib.files.volumes import read_volume

    scan = read_volume(shared("data/dcmqi/ct-3slice")).volume
    path, series = shared("data/dcmqi/liver.dcm"), shared("data/dcmqi/ct-3slice")
    placed = read_segmentation(path, scan, identifiers_for(path, next(series.iterdir())))
    assert placed.notices == ()
    assert 30 < np.median(scan.array[placed.segments[0].mask.slices][placed.segments[0].mask.mask]) < 70, "soft tissue"


def test_other_frame_of_reference_is_refused_unless_the_series_is_named(tmp_path: Path) -> None:
    dataset = liver((along_z(0.0)[0], plane()), FrameOfReferenceUID="1.2.3")
    path = written(dataset, tmp_path / "a.dcm")
    for known in (None, ScanIdentifiers("1.2.3", "9.1")):
        assert read_dicom_seg(path, None, known).segments
    with pytest.raises(VolumeError, match="another frame of reference"):
        read_dicom_seg(path, None, ScanIdentifiers("1.2.99", "9.1"))
    dataset.ReferencedSeriesSequence = [Dataset()]
    dataset.ReferencedSeriesSequence[0].SeriesInstanceUID = "9.1"
    path = written(dataset, tmp_path / "b.dcm")
    assert read_dicom_seg(path, None, ScanIdentifiers("1.2.99", "9.1")).segments


# --- lattices


def test_sparse_planes_lie_on_the_lattice_that_the_file_states(tmp_path: Path) -> None:
    top, bottom = plane(), plane()
    positions = along_z(10.0, 17.5)
    found = read(liver((positions[1], top), (positions[0], bottom), between_mm=2.5), tmp_path)
    assert found.shape_kji == (4, 5, 7)
    mask = full(found.segments[0], found)
    np.testing.assert_array_equal(mask[0], bottom)
    np.testing.assert_array_equal(mask[3], top)
    assert not mask[1:3].any()
    expected = [[-1, 0, 0, 10], [0, -2, 0, 20], [0, 0, 2.5, 10], [0, 0, 0, 1]]
    np.testing.assert_allclose(found.ijk_to_ras, expected, atol=1e-9)


def test_distance_of_slices_comes_from_positions_not_from_thickness_or_a_wrong_statement(tmp_path: Path) -> None:
    positions = along_z(0.0, 2.0, 4.0)
    found = read(liver(*((one, plane()) for one in positions), thickness_mm=3.0, between_mm=3.0), tmp_path)
    assert found.shape_kji[0] == 3
    assert found.ijk_to_ras[2, 2] == pytest.approx(2.0)


def test_planes_without_a_common_distance_get_half_of_the_smallest(tmp_path: Path) -> None:
    found = read(liver(*((one, plane()) for one in along_z(0.0, 5.0, 12.5))), tmp_path)
    assert found.ijk_to_ras[2, 2] == pytest.approx(2.5)
    assert found.shape_kji[0] == 6


def test_sparse_planes_do_not_thicken_on_a_scan_of_finer_slices(tmp_path: Path) -> None:
    scan = Volume(
        np.zeros((9, 5, 7), np.int16), np.array([[-1.0, 0, 0, 10], [0, -2, 0, 20], [0, 0, 2.5, 0], [0, 0, 0, 1]])
    )
    first, second = plane(), plane()
    positions = along_z(5.0, 15.0)
    path = written(liver((positions[0], first), (positions[1], second)), tmp_path / "a.dcm")
    placed = read_segmentation(path, like=scan)
    mask = full(placed.segments[0], placed)
    assert list(np.flatnonzero(mask.any(axis=(1, 2)))) == [2, 6]
    np.testing.assert_array_equal(mask[2], first)


def test_oblique_lattice_with_planes_in_any_order_is_right(tmp_path: Path) -> None:
    geometry = np.diag((-1.0, -1.0, 1.0, 1.0)) @ oblique_geometry()
    row, column = geometry[:3, 0] / 0.7, geometry[:3, 1] / 0.9
    masks = [plane() for _ in range(4)]
    positions = [geometry[:3, 3] + k * geometry[:3, 2] for k in range(4)]
    order = [2, 0, 3, 1]
    found = read(
        liver(*((positions[k], masks[k]) for k in order), orientation=[*row, *column], spacing_ji_mm=(0.9, 0.7)),
        tmp_path,
    )
    np.testing.assert_allclose(found.ijk_to_ras, oblique_geometry(), atol=1e-5)
    np.testing.assert_array_equal(full(found.segments[0], found), np.stack(masks))


def test_single_plane_is_as_thick_as_the_file_says_and_the_person_is_told(tmp_path: Path) -> None:
    found = read(liver((along_z(4.0)[0], plane())), tmp_path)
    assert found.ijk_to_ras[2, 2] == pytest.approx(3.0)
    assert "single plane" in found.notices[0]
    silent = read(liver((along_z(4.0)[0], plane()), thickness_mm=None), tmp_path)
    assert "1.00 mm" in silent.notices[0]


@pytest.mark.parametrize(
    ("positions", "words"),
    [
        (along_z(0.0, 2.0, 5.3, 7.1), "unevenly spaced"),
        ([(-10.0, -20.0, 0.0), (-10.0, -18.0, 3.0), (-10.0, -20.0, 6.0)], "sideways"),
        ([(-10.0, -20.0 + 2 * n, 3.0 * n) for n in range(4)], "right angles"),
    ],
)
def test_planes_that_are_no_lattice_are_refused(tmp_path: Path, positions: Any, words: str) -> None:
    with pytest.raises(VolumeError, match=words):
        read(liver(*((one, plane()) for one in positions)), tmp_path)


# --- voxels


def test_fraction_of_one_half_belongs_to_the_segment(tmp_path: Path) -> None:
    values = np.array([[0, 49, 50], [51, 100, 99]], np.uint8)
    found = read(
        liver((along_z(0.0)[0], values), kind="FRACTIONAL", bits=8, MaximumFractionalValue=100, thickness_mm=2),
        tmp_path,
    )
    np.testing.assert_array_equal(full(found.segments[0], found)[0], values >= 50)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("packed", ["plain", "deflated"])
def test_label_map_of_many_segments_is_taken_apart(tmp_path: Path, bits: int, packed: str) -> None:
    large = 40_000 if bits == 16 else 200
    labels = [RANDOM.choice([0, 3, large], (5, 7)) for _ in range(3)]
    syntax = {"pack": deflated, "syntax": "1.2.840.10008.1.2.8.1"} if packed == "deflated" else {}
    dataset = segmentation_dataset(
        [described(3, "a"), described(large, "b"), described(9, "never there")],
        [(0, position, values) for position, values in zip(along_z(0, 2, 4), labels, strict=True)],
        kind="LABELMAP",
        bits=bits,
        **syntax,
    )
    found = read(dataset, tmp_path)
    assert [segment.name for segment in found.segments] == ["a", "b", "never there"]
    for segment, value in zip(found.segments, (3, large, 9), strict=True):
        np.testing.assert_array_equal(full(segment, found), np.stack(labels) == value)


def test_run_lengths_of_sixteen_bits_are_read(tmp_path: Path) -> None:
    values = np.array([[0, 300], [300, 2]], np.uint16)

    def pack(frame: bytes) -> bytes:
        planes = [bytes([3]) + bytes(part) + b"\0" for part in (frame[1::2], frame[0::2])]
        offsets = [2, 64, 64 + len(planes[0])] + [0] * 13
        return np.array(offsets, "<u4").tobytes() + b"".join(planes)

    dataset = segmentation_dataset(
        [described(300, "a"), described(2, "b")],
        [(0, along_z(0.0)[0], values)],
        kind="LABELMAP",
        bits=16,
        pack=pack,
        syntax=RLELossless,
    )
    found = read(dataset, tmp_path)
    for segment, value in zip(found.segments, (300, 2), strict=True):
        np.testing.assert_array_equal(full(segment, found)[0], values == value)


def test_frames_of_several_segments_in_one_plane_stay_apart(tmp_path: Path) -> None:
    one, other = plane(), plane()
    (position,) = along_z(1.0)
    dataset = segmentation_dataset(
        [described(1, "a"), described(2, "b"), described(5, "empty")], [(2, position, other), (1, position, one)]
    )
    found = read(dataset, tmp_path)
    np.testing.assert_array_equal(full(found.segments[0], found)[0], one)
    np.testing.assert_array_equal(full(found.segments[1], found)[0], other)
    assert found.segments[2].mask.mask.size == 0


# --- what segments are


def test_codes_with_side_and_region_find_their_class(tmp_path: Path) -> None:
    kidney, cyst = code("64033007", "Kidney"), code("367643001", "Cyst")
    kidney.SegmentedPropertyTypeModifierCodeSequence = [code("7771000", "Left")]
    row = anatomy.class_of(anatomy.parse_classes("left kidney cyst")[0])
    assert row.type is not None
    assert row.region is not None
    assert row.region_modifier is not None
    cyst = code(row.type.value, row.type.meaning)
    region = code(row.region.value, row.region.meaning)
    region.AnatomicRegionModifierSequence = [code(row.region_modifier.value, row.region_modifier.meaning)]
    descriptions = [
        described(1, "LK", kidney),
        described(2, "C", cyst, AnatomicRegionSequence=[region]),
        described(3, "K", code("64033007", "Kidney")),
        described(4, "?", code("85756007", "Tissue")),
    ]
    (position,) = along_z(1.0)
    found = read(segmentation_dataset(descriptions, [(1, position, plane())]), tmp_path).segments
    assert [segment.class_id for segment in found] == [14, row.id, None, None]
    assert [bool(segment.terminology) for segment in found] == [True, True, True, False]
    meaning = meaning_of(found[1].terminology, None)
    assert meaning is not None
    assert meaning.region_modifier is not None
    assert meaning.region_modifier.meaning == row.region_modifier.meaning


def test_segment_without_label_is_called_what_its_codes_say(tmp_path: Path) -> None:
    descriptions = [described(1, ""), described(2, " ", code("85756007", "Tissue"))]
    found = read(segmentation_dataset(descriptions, [(1, along_z(1.0)[0], plane())]), tmp_path).segments
    assert [segment.name for segment in found] == ["Liver", "Segment 2"]


# --- damaged and hostile files


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Rows": 60000, "Columns": 60000}, "declares"),
        ({"NumberOfFrames": 3}, "frames"),
        ({"Rows": 10}, "truncated"),
        ({"SegmentationType": "SURFACE"}, "not read"),
        ({"BitsAllocated": 3}, "cannot be real"),
        ({"SharedFunctionalGroupsSequence": []}, "damaged"),
    ],
)
def test_file_that_contradicts_itself_is_refused(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    positions = along_z(0.0, 2.0)
    with pytest.raises(FileFormatError, match=words):
        read(liver(*((one, plane()) for one in positions), **change), tmp_path)


def test_voxels_of_a_segment_that_is_not_described_are_not_lost_silently(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="segment 2"):
        read(segmentation_dataset([described(1, "a")], [(2, along_z(0.0)[0], plane())]), tmp_path)


def test_planes_a_kilometre_apart_are_refused_before_anything_is_allocated(tmp_path: Path) -> None:
    masks = [np.ones((2000, 2000), np.bool_)] * 3
    positions = along_z(0.0, 1.0, 1e6)
    with pytest.raises(FileFormatError, match="more than can be real"):
        read(liver(*zip(positions, masks, strict=True)), tmp_path)


def test_file_that_inflates_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicom_seg, "MAX_INFLATED_BYTES", 2**21)
    dataset = liver((along_z(0.0)[0], plane()), syntax=DeflatedExplicitVRLittleEndian)
    assert read(dataset, tmp_path).segments
    path = tmp_path / "a.dcm"
    start = dicom_seg.BEFORE_META + int(pydicom.filereader.read_file_meta_info(path).FileMetaInformationGroupLength)
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    path.write_bytes(path.read_bytes()[:start] + packer.compress(bytes(2**23)) + packer.flush())
    with pytest.raises(FileFormatError, match="inflates"):
        read_dicom_seg(path)


@pytest.mark.parametrize("part", [0.2, 0.6, 0.9, 0.99])
def test_truncated_file_is_refused(tmp_path: Path, part: float) -> None:
    path = written(liver(*((one, plane((40, 41))) for one in along_z(0, 1, 2))), tmp_path / "a.dcm")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(SegmentationError):
        read_dicom_seg(path)


def test_big_endian_words_of_bits_are_turned(tmp_path: Path) -> None:
    mask = plane((4, 8))
    dataset = liver((along_z(0.0)[0], mask), syntax=ExplicitVRBigEndian)
    dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
    dataset["PixelData"].VR = "OW"
    path = tmp_path / "a.dcm"
    dataset.save_as(path, enforce_file_format=True, implicit_vr=False, little_endian=False)
    found = read_dicom_seg(path)
    np.testing.assert_array_equal(full(found.segments[0], found)[0], mask)


# --- folders


def test_only_segmentation_of_a_folder_is_read_and_several_are_named(tmp_path: Path) -> None:
    (tmp_path / "series").mkdir()
    (tmp_path / "readme.txt").write_text("not DICOM")
    written(liver((along_z(0.0)[0], plane())), tmp_path / "series" / "a.dcm")
    assert read_segmentation(tmp_path).segments[0].name == "Liver"
    written(liver((along_z(0.0)[0], plane())), tmp_path / "b.dcm")
    with pytest.raises(FileFormatError, match=r"2 segmentations: b\.dcm, a\.dcm"):
        read_segmentation(tmp_path)


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_wrong_bytes_anywhere_end_in_a_sentence_or_in_segments(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    whole = written(liver(*((one, plane()) for one in along_z(0, 1, 2))), tmp_path / "a.dcm").read_bytes()
    damaged = tmp_path / "b.dcm"
    outcomes = set()
    for _ in range(300):
        content = bytearray(whole)
        for at in rng.integers(132, len(whole), 4):
            content[at] = rng.integers(256)
        damaged.write_bytes(content)
        try:
            read_dicom_seg(damaged)
            outcomes.add("segments")
        except SegmentationError:
            outcomes.add("sentence")
    assert outcomes == {"segments", "sentence"}


def test_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="does not exist"):
        read_segmentation(tmp_path / "a.dcm")
