"""Segmentations go to files and come back: names, colours, codes and every voxel."""

from __future__ import annotations

import errno
import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
from builders import box_mask, gradient, itk_image, oblique_geometry, ras_geometry
from real_scans import real_scan
from shared_data import shared
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.errors import FileFormatError, ResourceError, VolumeError
from VISTA3DSegmentLib.files import atomic
from VISTA3DSegmentLib.files.label_maps import label_values, of_no_class
from VISTA3DSegmentLib.files.segmentations import Segment, Segmentation, read_segmentation, write_segmentation
from VISTA3DSegmentLib.volume import Volume

SHAPE = (4, 5, 6)
LIVER_CODE = (
    "Segmentation category and type - 3D Slicer General Anatomy list~SCT^123037004^Anatomical Structure~"
    "SCT^10200004^Liver~^^~Anatomic codes - DICOM master list~^^~^^"
)
LIVER = Segment(
    "Leber \\neu\nGröße",
    box_mask(SHAPE, (0, 0, 0), (2, 3, 4)),
    (221, 130, 101),
    class_id=1,
    terminology=LIVER_CODE,
    tags={"Segmentation.Status": "inprogress"},
)
SPLEEN = Segment("spleen", box_mask(SHAPE, (2, 3, 4), (4, 5, 6)), (157, 108, 162), class_id=3)
TUMOUR = Segment("tumour", box_mask(SHAPE, (1, 1, 1), (2, 2, 3)), (144, 238, 144))
EMPTY = Segment("empty", MaskCrop.of(np.zeros(SHAPE, np.bool_)), (0, 0, 255), class_id=26)
LABEL_MAPS = ["a.nii", "a.nii.gz", "a.nrrd", "a.mha"]


def of(*segments: Segment) -> Segmentation:
    return Segmentation(SHAPE, oblique_geometry(), segments)


def full(segment: Segment) -> Any:
    return segment.mask.full(SHAPE)


def test_everything_comes_back_from_a_seg_nrrd(tmp_path: Path) -> None:
    write_segmentation(tmp_path / "a.seg.nrrd", of(LIVER, SPLEEN, TUMOUR, EMPTY))
    read = read_segmentation(tmp_path / "a.seg.nrrd")
    np.testing.assert_allclose(read.ijk_to_ras, oblique_geometry(), atol=1e-12)
    assert read.shape_kji == SHAPE
    for found, expected in zip(read.segments, (LIVER, SPLEEN, TUMOUR, EMPTY), strict=True):
        np.testing.assert_array_equal(full(found), full(expected))
        assert (found.name, found.color, found.class_id) == (expected.name, expected.color, expected.class_id)
        assert (found.terminology, dict(found.tags)) == (expected.terminology, dict(expected.tags))


def test_segments_without_overlap_share_a_layer_as_in_slicer(tmp_path: Path) -> None:
    path = tmp_path / "a.seg.nrrd"
    write_segmentation(path, of(LIVER, SPLEEN))
    image = sitk.ReadImage(str(path))
    assert (image.GetSize(), image.GetNumberOfComponentsPerPixel()) == ((6, 5, 4), 1)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), full(LIVER) + 2 * full(SPLEEN))
    np.testing.assert_allclose(ras_geometry(image), oblique_geometry(), atol=1e-9)
    expected = {
        "Segment0_ID": "Segment_1",
        "Segment0_Layer": "0",
        "Segment0_LabelValue": "1",
        "Segment1_LabelValue": "2",
        "Segment0_Extent": "0 3 0 2 0 1",
        "Segment1_Extent": "4 5 3 4 2 3",
        "Segment0_Color": "0.866667 0.509804 0.396078",
        "Segmentation_MasterRepresentation": "Binary labelmap",
        "Segmentation_ContainedRepresentationNames": "Binary labelmap|",
        "Segmentation_ReferenceImageExtentOffset": "0 0 0",
    }
    assert {key: image.GetMetaData(key) for key in expected} == expected
    assert f"TerminologyEntry:{LIVER_CODE}|" in image.GetMetaData("Segment0_Tags")


def test_overlapping_segments_get_layers_of_a_4d_file_as_in_slicer(tmp_path: Path) -> None:
    path = tmp_path / "a.seg.nrrd"
    write_segmentation(path, of(LIVER, SPLEEN, TUMOUR))
    image = sitk.ReadImage(str(path))
    assert image.GetNumberOfComponentsPerPixel() == 2
    layers = sitk.GetArrayFromImage(image)
    np.testing.assert_array_equal(layers[..., 0], full(LIVER) + 2 * full(SPLEEN))
    np.testing.assert_array_equal(layers[..., 1], full(TUMOUR))
    assert (image.GetMetaData("Segment2_Layer"), image.GetMetaData("Segment2_LabelValue")) == ("1", "1")
    header = path.read_bytes()[:2000].decode("utf-8", "replace")
    assert "kinds: list domain domain domain\n" in header
    assert "space directions: none (" in header


def test_segmentation_of_old_slicer_without_layers_and_labels_is_read(tmp_path: Path) -> None:
    # Up to 4.10: one layer a segment, label 1, neither said.
    header = (
        "NRRD0004\ntype: unsigned char\ndimension: 4\nspace: left-posterior-superior\nsizes: 2 6 5 4\n"
        "space directions: none (1,0,0) (0,1,0) (0,0,1)\nkinds: list domain domain domain\nencoding: gzip\n"
        "space origin: (0,0,0)\nSegment0_ID:=liver\nSegment0_Name:=Liver\nSegment0_Color:=1 0.5 0\n"
        "Segment1_ID:=tumour\nSegment1_Name:=Tumour\nSegment1_Tags:=\n\n"
    )
    layers = np.stack([full(LIVER), full(TUMOUR)], axis=-1).astype(np.uint8)
    (tmp_path / "old.seg.nrrd").write_bytes(header.encode() + gzip.compress(layers.tobytes()))
    liver, tumour = read_segmentation(tmp_path / "old.seg.nrrd").segments
    assert (liver.name, liver.color, liver.class_id, tumour.name) == ("Liver", (255, 128, 0), None, "Tumour")
    np.testing.assert_array_equal(full(liver), full(LIVER))
    np.testing.assert_array_equal(full(tumour), full(TUMOUR))


@pytest.mark.parametrize(("key", "text"), [("Layer", "7"), ("Layer", "-1"), ("LabelValue", "one")])
def test_segment_that_does_not_fit_its_layers_is_refused(tmp_path: Path, key: str, text: str) -> None:
    path = tmp_path / "a.seg.nrrd"
    write_segmentation(path, of(LIVER))
    number = {"Layer": "0", "LabelValue": "1"}[key]
    path.write_bytes(
        path.read_bytes().replace(f"Segment0_{key}:={number}".encode(), f"Segment0_{key}:={text}".encode())
    )
    with pytest.raises(FileFormatError, match=r"a\.seg\.nrrd"):
        read_segmentation(path)


@pytest.mark.parametrize("name", LABEL_MAPS)
def test_label_map_comes_back_and_itk_reads_it_alike(tmp_path: Path, name: str) -> None:
    write_segmentation(tmp_path / name, of(LIVER, SPLEEN))
    image = sitk.ReadImage(str(tmp_path / name))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), full(LIVER) + 3 * full(SPLEEN))
    np.testing.assert_allclose(ras_geometry(image), oblique_geometry(), atol=1e-4)
    assert image.GetPixelID() == sitk.sitkUInt8
    read = read_segmentation(tmp_path / name, like=Volume(gradient(SHAPE), oblique_geometry()))
    assert [segment.class_id for segment in read.segments] == [1, 3]
    np.testing.assert_array_equal(full(read.segments[1]), full(SPLEEN))
    assert read.notices == ()


@pytest.mark.parametrize("name", LABEL_MAPS)
def test_left_handed_geometry_and_large_labels_survive(tmp_path: Path, name: str) -> None:
    mirrored = oblique_geometry() @ np.diag((1.0, 1.0, -1.0, 1.0))
    segmentation = Segmentation(SHAPE, mirrored, (Segment("a", LIVER.mask, (1, 2, 3), class_id=300),))
    write_segmentation(tmp_path / name, segmentation)
    read = read_segmentation(tmp_path / name)
    np.testing.assert_allclose(read.ijk_to_ras, mirrored, atol=1e-4)
    assert read.notices == ()
    assert read.segments[0].class_id == 300
    itk = sitk.ReadImage(str(tmp_path / name))
    np.testing.assert_allclose(ras_geometry(itk), mirrored, atol=1e-4)
    assert itk.GetPixelID() == sitk.sitkUInt16


@pytest.mark.parametrize("quarter_turns", range(4))
@pytest.mark.parametrize("axis", range(3))
def test_qform_alone_gives_the_same_geometry_as_the_sform(tmp_path: Path, axis: int, quarter_turns: int) -> None:
    turn = np.eye(4)
    plane = [other for other in range(3) if other != axis]
    angle = np.radians(90 * quarter_turns)
    turn[np.ix_(plane, plane)] = ((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle)))
    matrix = turn @ np.diag((1.0, 2.0, 3.0, 1.0))
    write_segmentation(tmp_path / "a.nii", Segmentation(SHAPE, matrix, (LIVER,)))
    content = bytearray((tmp_path / "a.nii").read_bytes())
    content[254:256] = b"\0\0"  # the code of the sform
    (tmp_path / "a.nii").write_bytes(content)
    np.testing.assert_allclose(read_segmentation(tmp_path / "a.nii").ijk_to_ras, matrix, atol=1e-6)


@pytest.mark.parametrize(
    ("ids", "values"),
    [
        ([3, None, 1], [3, 133, 1]),
        ([None, None], [133, 134]),
        ([26, 26, 133, None], [26, 134, 133, 135]),
        ([0, 70000, 400], [133, 134, 400]),
    ],
)
def test_only_segments_without_a_class_of_their_own_are_numbered_and_above_all_classes(
    tmp_path: Path, ids: list[int | None], values: list[int]
) -> None:
    masks = [box_mask(SHAPE, (k, 1, 1), (k + 1, 3, 3)) for k in range(len(ids))]
    made = of(*(Segment("x", mask, (1, 2, 3), number) for mask, number in zip(masks, ids, strict=True)))
    write_segmentation(tmp_path / "a.nii.gz", made)
    image = sitk.ReadImage(str(tmp_path / "a.nii.gz"))
    labels = sitk.GetArrayFromImage(image)
    assert [int(labels[mask.slices].max()) for mask in masks] == values
    assert image.GetPixelID() == (sitk.sitkUInt8 if max(values) <= 255 else sitk.sitkUInt16)


def test_a_value_that_nothing_explains_stays_unless_it_is_the_class_of_another(tmp_path: Path) -> None:
    write_segmentation(tmp_path / "a.nii.gz", of(replace(SPLEEN, class_id=200), replace(TUMOUR, class_id=7)))
    unexplained = of_no_class(read_segmentation(tmp_path / "a.nii.gz")).segments
    assert {segment.class_id for segment in unexplained} == {None}
    assert label_values(of(*unexplained)) == (7, 200)
    seventh = Segment("kidney", EMPTY.mask, (1, 2, 3), 7)
    assert label_values(of(*unexplained, seventh)) == (133, 200, 7)


@pytest.mark.parametrize("name", LABEL_MAPS)
def test_overlap_is_refused_in_a_label_map_and_the_segments_are_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileFormatError, match=r"spleen.*overlap") as caught:
        write_segmentation(tmp_path / name, of(SPLEEN, Segment("cyst", SPLEEN.mask, (0, 0, 0))))
    assert "cyst" in caught.value.what
    assert ".seg.nrrd" in caught.value.remedy
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [*LABEL_MAPS, "a.seg.nrrd"])
def test_same_segmentation_gives_the_same_bytes(tmp_path: Path, name: str) -> None:
    write_segmentation(tmp_path / name, of(LIVER, SPLEEN))
    first = (tmp_path / name).read_bytes()
    write_segmentation(tmp_path / name, of(LIVER, SPLEEN))
    assert (tmp_path / name).read_bytes() == first


class FullDisk:
    """A file on a disk with no room for the last bytes."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("xb")

    def __enter__(self) -> FullDisk:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def write(self, content: bytes) -> int:
        if self.file.tell() + len(content) > 50:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self.file.write(content)


@pytest.mark.parametrize("name", [*LABEL_MAPS, "a.seg.nrrd"])
def test_earlier_result_survives_a_full_disk(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_segmentation(tmp_path / name, of(LIVER))
    monkeypatch.setattr(atomic, "open_for_writing", FullDisk)
    with pytest.raises(ResourceError, match="No space left"):
        write_segmentation(tmp_path / name, of(SPLEEN))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    np.testing.assert_array_equal(full(read_segmentation(tmp_path / name).segments[0]), full(LIVER))


@pytest.mark.parametrize("name", [*LABEL_MAPS, "a.seg.nrrd"])
def test_disk_that_stores_something_else_is_noticed(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_segmentation(tmp_path / name, of(LIVER))
    earlier = (tmp_path / name).read_bytes()
    real = Path.open

    def forgetful(path: Path, mode: str = "r", *rest: Any) -> Any:
        if mode == "rb" and path.name.endswith(".partial"):
            path.write_bytes(earlier)
        return real(path, mode, *rest)

    monkeypatch.setattr(Path, "open", forgetful)
    with pytest.raises(FileFormatError, match="did not read back"):
        write_segmentation(tmp_path / name, of(SPLEEN))
    assert (tmp_path / name).read_bytes() == earlier


def test_scan_folder_is_no_segmentation(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="no segmentation file"):
        read_segmentation(tmp_path)


def test_unknown_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"a\.stl"):
        write_segmentation(tmp_path / "a.stl", of(LIVER))


@pytest.mark.parametrize("value", [0.5, -1, 70000])
def test_scan_is_not_taken_for_a_label_map(tmp_path: Path, value: float) -> None:
    array = np.zeros(SHAPE, np.float32)
    array[0, 0, 0] = value
    sitk.WriteImage(itk_image(array, oblique_geometry()), str(tmp_path / "a.nii.gz"))
    with pytest.raises(FileFormatError, match="no label map"):
        read_segmentation(tmp_path / "a.nii.gz")


def test_image_of_a_thousand_grey_values_is_not_taken_for_a_label_map(tmp_path: Path) -> None:
    array = np.arange(2000, dtype=np.int16).reshape(10, 10, 20)
    sitk.WriteImage(itk_image(array, oblique_geometry()), str(tmp_path / "a.nrrd"))
    with pytest.raises(FileFormatError, match="1999 different values"):
        read_segmentation(tmp_path / "a.nrrd")


def test_floating_point_label_map_is_read(tmp_path: Path) -> None:
    sitk.WriteImage(itk_image(full(LIVER).astype(np.float64) * 5, oblique_geometry()), str(tmp_path / "a.nii.gz"))
    (segment,) = read_segmentation(tmp_path / "a.nii.gz").segments
    assert (segment.class_id, segment.name) == (5, "Label 5")
    np.testing.assert_array_equal(full(segment), full(LIVER))


def test_mask_that_leaves_the_grid_cannot_be_made() -> None:
    with pytest.raises(VolumeError, match="does not fit"):
        of(Segment("a", MaskCrop((3, 0, 0), np.ones((2, 1, 1), np.bool_)), (0, 0, 0)))


@pytest.mark.parametrize("fault", [{"name": " "}, {"color": (0, 0, 256)}, {"tags": {"a": "b|c"}}])
def test_segment_that_slicer_cannot_hold_cannot_be_made(fault: dict[str, Any]) -> None:
    with pytest.raises(VolumeError):
        Segment(**({"name": "a", "mask": LIVER.mask, "color": (0, 0, 0)} | fault))


@pytest.mark.parametrize(
    ("given", "held"),
    [("liver ", "liver"), ("a\tb\r\n", "a b"), ("\xa0x\x00y\x85", "x y"), ("half \ud83d", "half"),
     ("ن\u200cه", "ن\u200cه"), ("肝\u3000左", "肝\u3000左"), ("a  b", "a  b")],
)  # fmt: skip
def test_name_of_a_segment_is_one_that_every_file_holds(given: str, held: str) -> None:
    assert Segment(given, LIVER.mask, (1, 2, 3)).name == held


def test_real_masks_stored_in_another_axis_order_land_on_their_organs() -> None:
    # The mask is stored LAS, the scan LPS: the same shape, right in space, wrong by index.
    scan = real_scan("ct_dicom/series")
    placed = read_segmentation(shared("data/ct_dicom/seg.nii.gz"), like=scan)
    assert placed.notices == ()
    assert len(placed.segments) == 31
    hu = {segment.class_id: scan.array[segment.mask.slices][segment.mask.mask] for segment in placed.segments}
    names = {32: "T12", 52: "aorta", 69: "left humerus", 5: "liver", 79: "spinal cord", 20: "colon"}
    means = {name: float(hu[class_id].mean()) for class_id, name in names.items()}
    assert 200 < means["T12"] < 350
    assert 150 < means["aorta"] < 200
    assert 600 < means["left humerus"] < 750
    assert 70 < means["liver"] < 110
    assert 0 < means["spinal cord"] < 40
    assert means["colon"] < -400, "the colon is full of gas"
    assert np.median(hu[5]) > 80
