"""RT structure sets of other programs, right, unusual and broken, become segments on the grid of a scan."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from builders import box_mask, oblique_geometry
from export_world import segment, segmentation, series_of, voxels
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ImplicitVRLittleEndian
from real_scans import real_scan
from shared_data import shared
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.errors import FileFormatError, SegmentationError, VolumeError
from VISTA3DSegmentLib.evaluation.metrics import dice
from VISTA3DSegmentLib.export.rtstruct import write_rtstruct
from VISTA3DSegmentLib.export.source import read_source
from VISTA3DSegmentLib.files.dicom_objects import STRUCTURE_SET_CLASS
from VISTA3DSegmentLib.files.rtstruct import read_rtstruct
from VISTA3DSegmentLib.files.scan_identity import ScanIdentifiers
from VISTA3DSegmentLib.files.segmentations import read_segmentation
from VISTA3DSegmentLib.provenance import Algorithm, provenance_of
from VISTA3DSegmentLib.volume import FloatArray, Volume

SHAPE = (8, 9, 10)
SQUARE = ((2.6, 2.6), (5.4, 2.6), (5.4, 5.4), (2.6, 5.4))
"""In voxels (i, j): holds the nine voxels from 3 to 5."""

UNSURE = "The file does not show how far apart the contours of these lie; each stands for one slice of the scan"


def scan(shape_kji: tuple[int, int, int] = SHAPE) -> Volume:
    """Oblique, of three spacings."""
    return Volume(np.zeros(shape_kji, np.int16), oblique_geometry())


def contour(
    k: float, points_ij: Sequence[Sequence[float]] = SQUARE, kind: str = "CLOSED_PLANAR", tilt: float = 0.0
) -> Dataset:
    """A contour that lies on the scan at or between slices; tilted by so many slices for each voxel along i."""
    ijk = np.array([(i, j, k + tilt * i, 1.0) for i, j in points_ij])
    lps = (ijk @ scan().ijk_to_ras.T)[:, :3] * (-1.0, -1.0, 1.0)
    item = Dataset()
    item.ContourGeometricType, item.NumberOfContourPoints = kind, len(ijk)
    item.ContourData = [f"{value:.5f}" for value in lps.ravel()]
    return item


def structure_set(folder: Path, *rois: Sequence[Dataset], frame: str = "1.2.3", series: str = "") -> Path:
    """The smallest structure set that holds some structures, each a list of contours."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = STRUCTURE_SET_CLASS, "1.2.4", "RTSTRUCT"
    dataset.StructureSetROISequence, dataset.ROIContourSequence = [], []
    for number, contours in enumerate(rois, 1):
        named, drawn = Dataset(), Dataset()
        named.ROINumber = drawn.ReferencedROINumber = number
        named.ROIName, named.ReferencedFrameOfReferenceUID = f"structure {number}", frame
        drawn.ContourSequence = list(contours)
        dataset.StructureSetROISequence.append(named)
        dataset.ROIContourSequence.append(drawn)
    if series:
        one, study, item = Dataset(), Dataset(), Dataset()
        one.SeriesInstanceUID = series
        study.RTReferencedSeriesSequence, item.RTReferencedStudySequence = [one], [study]
        dataset.ReferencedFrameOfReferenceSequence = [item]
    path = folder / "rs.dcm"
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    return path


def changed(path: Path, **elements: object) -> Path:
    """With other elements in the first item of the sequence of structures and of that of contours, by keyword."""
    dataset = pydicom.dcmread(path)
    for keyword, value in elements.items():
        roi = keyword in ("ROIDisplayColor", "SourcePixelPlanesCharacteristicsSequence")
        sequence = dataset.ROIContourSequence if roi else dataset.StructureSetROISequence
        setattr(sequence[0], keyword, value)
    dataset.save_as(path)
    return path


def slices(mask: MaskCrop) -> list[int]:
    return np.flatnonzero(mask.full(SHAPE).any(axis=(1, 2))).tolist()


def square(*slices_k: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros(SHAPE, np.bool_)
    mask[list(slices_k), 3:6, 3:6] = True
    return mask


def test_contours_become_voxels_where_they_lie_on_an_oblique_scan(tmp_path: Path) -> None:
    found = read_rtstruct(structure_set(tmp_path, [contour(2), contour(3)], [contour(7)]), scan())
    assert [one.name for one in found.segments] == ["structure 1", "structure 2"]
    assert np.array_equal(found.segments[0].mask.full(SHAPE), square(2, 3))
    assert np.array_equal(found.segments[1].mask.full(SHAPE), square(7))
    assert found.notices == ()


@pytest.mark.parametrize("kind", ["CLOSED_PLANAR", "CLOSEDPLANAR_XOR"])
def test_contour_inside_another_is_a_hole(kind: str, tmp_path: Path) -> None:
    hole = contour(2, ((3.6, 3.6), (4.4, 3.6), (4.4, 4.4), (3.6, 4.4)), kind)
    found = read_rtstruct(structure_set(tmp_path, [contour(2, SQUARE, kind), hole]), scan())
    expected = square(2)
    expected[2, 4, 4] = False
    assert np.array_equal(found.segments[0].mask.full(SHAPE), expected)


def test_contours_between_slices_belong_to_the_nearest_one(tmp_path: Path) -> None:
    found = read_rtstruct(structure_set(tmp_path, [contour(2.2), contour(2.9), contour(4.4)]), scan())
    assert slices(found.segments[0].mask) == [2, 3, 4]


def test_contours_halfway_between_slices_make_no_structure_longer(tmp_path: Path) -> None:
    path = structure_set(tmp_path, [contour(k + 0.5) for k in range(1, 5)])
    assert len(slices(read_rtstruct(path, scan()).segments[0].mask)) == 4


def test_planes_closer_than_slices_do_not_cancel_out(tmp_path: Path) -> None:
    found = read_rtstruct(structure_set(tmp_path, [contour(k / 2) for k in range(4, 9)]), scan())
    assert np.array_equal(found.segments[0].mask.full(SHAPE), square(2, 3, 4))


def test_even_planes_further_apart_than_slices_are_filled_with_a_notice(tmp_path: Path) -> None:
    found = read_rtstruct(structure_set(tmp_path, [contour(k) for k in (0, 2, 4, 6)], [contour(1), contour(5)]), scan())
    assert slices(found.segments[0].mask) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert slices(found.segments[1].mask) == [1, 5], "two planes may be two lesions"
    filled, unsure = found.notices
    assert "5.0 mm apart" in filled
    assert filled.endswith(": structure 1.")
    assert unsure == f"{UNSURE}: structure 2."


@pytest.mark.parametrize("small", [[4], [2, 4], [2, 6], [0, 2, 4]])
def test_structure_of_few_planes_is_as_thick_as_those_on_the_same_planes_show(small: list[int], tmp_path: Path) -> None:
    path = structure_set(tmp_path, [contour(k) for k in small], [contour(k) for k in (0, 2, 4, 6)])
    found = read_rtstruct(path, scan())
    assert slices(found.segments[0].mask) == sorted(n for k in small for n in (k, k + 1))
    (notice,) = found.notices
    assert notice.endswith(": structure 1, structure 2.")


def test_small_structures_show_together_how_far_apart_their_planes_lie(tmp_path: Path) -> None:
    found = read_rtstruct(structure_set(tmp_path, [contour(0), contour(2)], [contour(4)], [contour(6)]), scan())
    assert [slices(one.mask) for one in found.segments] == [[0, 1, 2, 3], [4, 5], [6, 7]]
    assert len(found.notices) == 1


def test_distance_that_the_file_states_for_one_structure_counts_for_those_that_lie_on_its_planes(
    tmp_path: Path,
) -> None:
    source = Dataset()
    source.SpacingBetweenSlices = 5.0
    path = structure_set(tmp_path, [contour(k) for k in (0, 4)], [contour(2)], [contour(3)])
    changed(path, SourcePixelPlanesCharacteristicsSequence=[source])
    found = read_rtstruct(path, scan())
    assert [slices(one.mask) for one in found.segments] == [[0, 1, 4, 5], [2, 3], [3]]
    filled, unsure = found.notices
    assert filled.endswith(": structure 2.")
    assert unsure == f"{UNSURE}: structure 3."


def test_few_planes_stay_slices_where_others_were_drawn_on_every_slice(tmp_path: Path) -> None:
    every, sparse = [contour(k) for k in range(6)], [contour(k) for k in (1, 3, 5, 7)]
    found = read_rtstruct(structure_set(tmp_path, every, sparse, [contour(3)], [contour(1), contour(5)]), scan())
    assert [slices(one.mask) for one in found.segments[2:]] == [[3], [1, 5]]
    (notice,) = found.notices
    assert notice.endswith(": structure 2.")


def test_planes_with_slices_between_them_and_nothing_that_explains_it_are_told(tmp_path: Path) -> None:
    found = read_rtstruct(
        structure_set(tmp_path, [contour(1), contour(4)], [contour(6)], [contour(3, SQUARE, "POINT")]), scan()
    )
    assert [slices(one.mask) for one in found.segments] == [[1, 4], [6]]
    assert f"{UNSURE}: structure 1, structure 2." in found.notices
    assert read_rtstruct(structure_set(tmp_path, [contour(6)]), scan()).notices == (), "nothing speaks against a slice"


def test_thickness_of_contours_is_believed_but_not_beyond_the_next_plane(tmp_path: Path) -> None:
    thick = [contour(2), contour(5)]
    for one in thick:
        one.ContourSlabThickness = 7.5  # three slices
    overlapping = [contour(2), contour(3)]
    for one in overlapping:
        one.ContourSlabThickness = 5.0
    found = read_rtstruct(structure_set(tmp_path, thick, overlapping), scan())
    assert [slices(one.mask) for one in found.segments] == [[1, 2, 3, 4, 5, 6], [2, 3]]
    assert found.notices == ()


def test_planes_that_the_file_names_have_gaps_where_it_has_them(tmp_path: Path) -> None:
    source = Dataset()
    source.SpacingBetweenSlices = 2.5
    path = structure_set(tmp_path, [contour(k) for k in (0, 2, 4, 6)])
    changed(path, SourcePixelPlanesCharacteristicsSequence=[source])
    assert slices(read_rtstruct(path, scan()).segments[0].mask) == [0, 2, 4, 6]


def test_points_and_open_lines_are_named_and_left_out(tmp_path: Path) -> None:
    point, line = contour(2, SQUARE[:1], "POINT"), contour(2, SQUARE, "OPEN_PLANAR")
    found = read_rtstruct(structure_set(tmp_path, [point], [contour(2), line], []), scan())
    assert [one.name for one in found.segments] == ["structure 2"]
    assert np.array_equal(found.segments[0].mask.full(SHAPE), square(2))
    left_out, without = found.notices
    assert "structure 1, structure 2" in left_out
    assert "structure 3" in without
    with pytest.raises(FileFormatError, match="no closed contours"):
        read_rtstruct(structure_set(tmp_path, [point], []), scan())


def test_contours_across_the_slices_are_named_or_refused(tmp_path: Path) -> None:
    tilted = contour(3, tilt=0.5)
    found = read_rtstruct(structure_set(tmp_path, [contour(2), tilted]), scan())
    assert slices(found.segments[0].mask) == [2]
    assert "not parallel" in found.notices[0]
    with pytest.raises(VolumeError, match="not drawn on the slices"):
        read_rtstruct(structure_set(tmp_path, [tilted]), scan())


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1)], ids=str)
@pytest.mark.parametrize("thin", [None, 0, 1, 2])
def test_contours_on_axial_planes_are_found_on_a_scan_stored_in_any_order(
    order: tuple[int, int, int], signs: tuple[int, int, int], thin: int | None, tmp_path: Path
) -> None:
    turn = np.eye(4)
    turn[:3, :3] = np.eye(3)[:, order] * signs
    stored = Volume(scan().array, turn @ np.diag((0.7, 0.9, 2.5, 1.0)))
    low, high = [2, 3, 4], [6, 8, 9]
    if thin is not None:
        high[thin] = low[thin] + 1
    drawn = segment(box_mask(SHAPE, (low[0], low[1], low[2]), (high[0], high[1], high[2])))
    axial = series_of(tmp_path / "series", stored)
    write_rtstruct(tmp_path / "rs.dcm", segmentation(drawn, volume=stored), axial)
    found = read_rtstruct(tmp_path / "rs.dcm", stored)
    assert found.shape_kji == SHAPE
    np.testing.assert_array_equal(found.segments[0].mask.full(SHAPE), drawn.mask.full(SHAPE))
    assert found.notices == ()


def test_contours_on_axial_planes_of_an_oblique_scan_are_refused(tmp_path: Path) -> None:
    axial = contour(3, ((0, 0), (9, 0), (9, 8), (0, 8)))
    points = np.array(axial.ContourData, float).reshape(-1, 3)
    points[:, 2] = points[:, 2].mean()
    axial.ContourData = [f"{value:.5f}" for value in points.ravel()]
    with pytest.raises(VolumeError, match="not drawn on the slices"):
        read_rtstruct(structure_set(tmp_path, [axial]), scan())


def test_contours_outside_the_scan_are_named_or_refused(tmp_path: Path) -> None:
    found = read_rtstruct(structure_set(tmp_path, [contour(7), contour(8)], [contour(1)]), scan())
    assert slices(found.segments[0].mask) == [7]
    assert found.notices == ("Parts outside the scan were left out: structure 1.",)
    beside = contour(2, np.add(SQUARE, 50.0).tolist())
    for outside in (beside, contour(1000), contour(-3)):
        with pytest.raises(VolumeError, match="outside the scan"):
            read_rtstruct(structure_set(tmp_path, [outside]), scan())


def test_contour_without_a_voxel_centre_is_named(tmp_path: Path) -> None:
    tiny = contour(2, ((3.2, 3.2), (3.4, 3.2), (3.4, 3.4)))
    found = read_rtstruct(structure_set(tmp_path, [contour(2)], [tiny]), scan())
    assert len(found.segments) == 1
    assert found.notices == ("These structures hold no voxel of the scan: structure 2.",)
    with pytest.raises(VolumeError, match="too small"):
        read_rtstruct(structure_set(tmp_path, [tiny]), scan())


def test_other_frame_of_reference_is_refused_unless_the_series_is_named(tmp_path: Path) -> None:
    path = structure_set(tmp_path, [contour(2)], frame="1.2.3")
    assert read_rtstruct(path, scan(), ScanIdentifiers("1.2.3", "9.1")).segments
    with pytest.raises(VolumeError, match="another frame of reference"):
        read_rtstruct(path, scan(), ScanIdentifiers("1.2.99", "9.1"))
    path = structure_set(tmp_path, [contour(2)], frame="1.2.3", series="9.1")
    assert read_rtstruct(path, scan(), ScanIdentifiers("1.2.99", "9.1")).segments


def test_scan_is_needed(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="Open the scan first"):
        read_rtstruct(structure_set(tmp_path, [contour(2)]), None)


def test_one_slice(tmp_path: Path) -> None:
    volume = Volume(scan().array[:1], scan().ijk_to_ras)
    found = read_rtstruct(structure_set(tmp_path, [contour(0)]), volume)
    assert found.segments[0].mask.full((1, 9, 10)).sum() == 9


def test_what_a_structure_lacks_is_made_up(tmp_path: Path) -> None:
    path = changed(structure_set(tmp_path, [contour(2)]), ROIName=" ", ROIDisplayColor=[300, 0, 0])
    (found,) = read_rtstruct(path, scan()).segments
    assert found.name == "Structure 1"
    assert max(found.color) <= 255
    assert (found.class_id, found.terminology, dict(found.tags)) == (None, "", {})
    path = changed(path, ROIName="GTV", ROIDisplayColor=[1, 2, 3], ROIGenerationAlgorithm="AUTOMATIC")
    (found,) = read_rtstruct(path, scan()).segments
    assert (found.name, found.color) == ("GTV", (1, 2, 3))
    provenance = provenance_of(found.tags)
    assert provenance is not None
    assert provenance.algorithm is Algorithm.AUTOMATIC


@pytest.mark.parametrize(
    "stored", [b"1\\2", b"1\\2\\x ", b"nan\\0\\0", b"1e999\\0\\0 ", b"", b"1\\\\3 "], ids=lambda stored: stored.decode()
)
def test_coordinates_that_are_none_are_refused(stored: bytes, tmp_path: Path) -> None:
    path = structure_set(tmp_path, [contour(2, SQUARE[:1])])
    data = pydicom.dcmread(path).ROIContourSequence[0].ContourSequence[0].get_item("ContourData").value
    path.write_bytes(path.read_bytes().replace(data, stored.ljust(len(data), b"\0" if not stored else b" ")))
    with pytest.raises(FileFormatError, match="damaged"):
        read_rtstruct(path, scan())


def test_other_files_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.dcm"
    text.write_text("no DICOM at all, but long enough to look for elements in it" * 9)
    image = next(shared("data/rt_utils/mock_data").glob("ct_1.dcm"))
    for path in (text, image):
        with pytest.raises(FileFormatError):
            read_rtstruct(path, scan())
    with pytest.raises(FileFormatError, match="does not exist"):
        read_rtstruct(tmp_path / "none.dcm", scan())


def test_damaged_files_end_in_sentences(tmp_path: Path) -> None:
    source = series_of(tmp_path / "series")
    given = segmentation(segment(MaskCrop.of(np.random.default_rng(0).random((7, 9, 11)) < 0.5)))
    write_rtstruct(tmp_path / "rs.dcm", given, source)
    content = (tmp_path / "rs.dcm").read_bytes()
    chance, broken = np.random.default_rng(1), tmp_path / "broken.dcm"
    refused = 0
    for n in range(150):
        changed_bytes = bytearray(content if n % 3 else content[: int(chance.integers(len(content)))])
        for _ in range(int(chance.integers(1, 5)) if len(changed_bytes) else 0):
            changed_bytes[int(chance.integers(len(changed_bytes)))] = int(chance.integers(256))
        broken.write_bytes(changed_bytes)
        try:
            read_rtstruct(broken, source.lattice)
        except SegmentationError:
            refused += 1
    assert refused > 30


@pytest.mark.parametrize("case", ["STS_001/CT", "STS_001/MR_T1", "STS_004/CT", "STS_004/MR_T1"])
def test_sarcoma_agrees_with_its_mask(case: str) -> None:
    volume = real_scan(f"sarcoma/{case}/image.nii.gz")
    folder = shared(f"data/sarcoma/{case}")
    found = read_rtstruct(folder / "dicom/mask/RS.dcm", volume)
    reference = read_segmentation(folder / "mask.nii.gz", volume)
    assert dice(found.segments[0].mask, reference.segments[0].mask) >= 0.98
    assert found.notices == ()


@pytest.mark.parametrize(
    "name",
    [
        "empty/dummy_rt.dcm",
        "mock_data/invalid_reference_rt.dcm",
        "mock_data/non_existent_reference_rt.dcm",
    ],
)
def test_structure_sets_of_rt_utils(name: str) -> None:
    """Whatever images they refer to, their contours lie on the scan; areas are those inside the contours."""
    source = read_source(shared("data/rt_utils/mock_data"))
    path = shared(f"data/rt_utils/{name}")
    found = read_rtstruct(path, source.lattice, ScanIdentifiers(source.frame_of_reference_uid, source.series_uid))
    dataset = pydicom.dcmread(path)
    assert len(found.segments) == len(dataset.ROIContourSequence)
    for one, roi in zip(voxels(found, source), dataset.ROIContourSequence, strict=True):
        areas = np.zeros(2)
        for drawn in roi.ContourSequence:
            points = np.asarray(drawn.ContourData, float).reshape(-1, 3)
            k = round((points[0, 2] - 60.0) / 5.0)
            if k < 2:
                areas[k] += area_mm2(points)
        assert one.sum(axis=(1, 2)) * 0.488281**2 == pytest.approx(areas, rel=0.04, abs=2.0)


def test_structure_set_of_rt_utils_with_a_frame_of_its_own_and_a_hole() -> None:
    source = read_source(shared("data/rt_utils/mock_data"))
    path = shared("data/rt_utils/mock_data/rt.dcm")
    scan_of = ScanIdentifiers(source.frame_of_reference_uid, source.series_uid)
    (found,) = voxels(read_rtstruct(path, source.lattice, scan_of), source)
    axis = -125.0 + 0.488281 * np.arange(512)
    outer, inner = (axis > -51.0) & (axis < -27.0), (axis > -47.0) & (axis < -32.0)
    y, x = axis[:, np.newaxis], axis[np.newaxis]
    cut_corner = x + y < -93.0
    expected = outer[:, np.newaxis] & outer & ~(inner[:, np.newaxis] & inner & ~cut_corner)
    assert np.array_equal(found[0], expected)
    assert not found[1].any()
    with pytest.raises(VolumeError, match="another frame of reference"):
        read_rtstruct(path, source.lattice, ScanIdentifiers(source.frame_of_reference_uid, "1.2.3"))


def area_mm2(points: FloatArray) -> float:
    """The area inside a contour in an axial plane (shoelace formula)."""
    x, y = points[:, 0], points[:, 1]
    return abs(float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())) / 2
