"""RT structure sets, written: read back by this program, by plastimatch, and checked by dciodvfy."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from builders import box_mask, oblique_geometry
from export_world import (
    CLICKED,
    DRAWN,
    LEFT_KIDNEY_CYST,
    SHAPE,
    errors_of,
    scan,
    segment,
    segmentation,
    series_of,
    voxels,
)
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from shared_data import shared
from VISTA3DSegmentLib import terminology
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.engine import Progress
from VISTA3DSegmentLib.errors import Cancelled, FileFormatError, ResourceError, VolumeError
from VISTA3DSegmentLib.evaluation.metrics import dice
from VISTA3DSegmentLib.export import rt_contour_items, rtstruct
from VISTA3DSegmentLib.export.rt_contour_items import decimal_strings, image_planes
from VISTA3DSegmentLib.export.rtstruct import write_rtstruct
from VISTA3DSegmentLib.export.source import DicomSource, read_source
from VISTA3DSegmentLib.files.rtstruct import read_rtstruct
from VISTA3DSegmentLib.files.segmentations import read_segmentation, write_segmentation
from VISTA3DSegmentLib.files.segments import Segment, Segmentation
from VISTA3DSegmentLib.provenance import provenance_of
from VISTA3DSegmentLib.resources import resource

HEPATIC_TUMOR = 26


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> DicomSource:
    """An oblique series of three spacings, with more columns than rows."""
    return series_of(tmp_path_factory.mktemp("series"))


def noise(density: float, seed: int = 1) -> MaskCrop:
    """A mask full of holes, branches and single voxels, also at the edge of the scan."""
    return MaskCrop.of(np.random.default_rng(seed).random(SHAPE) < density)


def back(path: Path, source: DicomSource) -> Segmentation:
    return read_rtstruct(path, source.lattice)


def same_voxels(found: Segmentation, expected: Segmentation, source: DicomSource) -> bool:
    pairs = zip(voxels(found, source), voxels(expected, source), strict=True)
    return all(np.array_equal(one, other) for one, other in pairs)


def test_every_voxel_comes_back(source: DicomSource, tmp_path: Path) -> None:
    single_slice, one_voxel = box_mask(SHAPE, (3, 0, 0), (4, 9, 11)), box_mask(SHAPE, (6, 8, 10), (7, 9, 11))
    masks = [noise(0.3), noise(0.8, 2), single_slice, one_voxel]
    given = segmentation(*(segment(mask, f"structure {n}", None) for n, mask in enumerate(masks)))
    assert write_rtstruct(tmp_path / "rs.dcm", given, source) == ()
    found = back(tmp_path / "rs.dcm", source)
    assert same_voxels(found, given, source)
    assert found.notices == ()


def test_segments_on_a_flipped_grid_lie_where_they_are(source: DicomSource, tmp_path: Path) -> None:
    flip = np.diag([-1.0, 1.0, -1.0, 1.0])
    flip[0, 3], flip[2, 3] = SHAPE[2] - 1, SHAPE[0] - 1
    mask = noise(0.5)
    flipped = MaskCrop.of(mask.full(SHAPE)[::-1, :, ::-1])
    given = Segmentation(SHAPE, oblique_geometry() @ flip, (segment(flipped),))
    write_rtstruct(tmp_path / "rs.dcm", given, source)
    assert same_voxels(back(tmp_path / "rs.dcm", source), segmentation(segment(mask)), source)


def test_structure_on_every_second_slice_has_nothing_between_them(source: DicomSource, tmp_path: Path) -> None:
    mask = np.zeros(SHAPE, np.bool_)
    mask[[0, 2, 4, 6], 4, 4] = True
    given = segmentation(segment(MaskCrop.of(mask)))
    write_rtstruct(tmp_path / "rs.dcm", given, source)
    assert same_voxels(back(tmp_path / "rs.dcm", source), given, source)


def test_name_colour_codes_class_and_history_come_back(source: DicomSource, tmp_path: Path) -> None:
    given = segmentation(
        segment(noise(0.5), "Leber | größer ~ 肝"),
        segment(noise(0.4), "left cyst", LEFT_KIDNEY_CYST, DRAWN),
        segment(noise(0.3), "unknown", None, None),
    )
    write_rtstruct(tmp_path / "rs.dcm", given, source)
    for found, expected in zip(back(tmp_path / "rs.dcm", source).segments, given.segments, strict=True):
        assert (found.name, found.color, found.class_id) == (expected.name, expected.color, expected.class_id)
        meaning = terminology.meaning_of("", expected.class_id)
        assert found.terminology == ("" if meaning is None else terminology.entry_of(meaning))
        assert provenance_of(found.tags) == provenance_of(expected.tags)


def test_long_name_is_shortened_for_others_with_a_notice_and_whole_for_us(source: DicomSource, tmp_path: Path) -> None:
    name = "a very long name " * 6 + "end"
    notices = write_rtstruct(tmp_path / "rs.dcm", segmentation(segment(noise(0.5), name)), source)
    assert name in " ".join(notices)
    assert len(pydicom.dcmread(tmp_path / "rs.dcm").StructureSetROISequence[0].ROIName) <= 64
    assert back(tmp_path / "rs.dcm", source).segments[0].name == name


def test_structures_of_one_name_are_told_apart(source: DicomSource, tmp_path: Path) -> None:
    long = "Läsion " + "x" * 70
    given = ["lesion", "Lesion", "lesion (2)", long, f"{long}y", "liver"]
    notices = write_rtstruct(tmp_path / "rs.dcm", segmentation(*(segment(noise(0.5), name) for name in given)), source)
    names = [str(one.ROIName) for one in pydicom.dcmread(tmp_path / "rs.dcm").StructureSetROISequence]
    assert names[:3] == ["lesion", "Lesion (2)", "lesion (2) (2)"]
    assert names[4].endswith("x (2)")
    assert names[5] == "liver"
    assert max(len(name.encode()) for name in names) <= 64
    assert len({name.casefold() for name in names}) == 6, "planning systems take two of one name for one"
    assert "Structures of the same name were numbered: Lesion (2), lesion (2) (2)." in notices
    assert [one.name for one in back(tmp_path / "rs.dcm", source).segments] == given
    assert errors_of(tmp_path / "rs.dcm") == []


def test_the_type_that_a_planning_system_gave_a_structure_stays(source: DicomSource, tmp_path: Path) -> None:
    write_rtstruct(tmp_path / "rs.dcm", segmentation(*(segment(noise(0.5), str(n), None) for n in range(3))), source)
    dataset = pydicom.dcmread(tmp_path / "rs.dcm")
    with disable_value_validation():
        for item, kind in zip(dataset.RTROIObservationsSequence, ("PTV", "no | type", ""), strict=True):
            item.RTROIInterpretedType = kind
        dataset.save_as(tmp_path / "planned.dcm")
    found = back(tmp_path / "planned.dcm", source)
    write_segmentation(tmp_path / "planned.seg.nrrd", found)
    write_rtstruct(tmp_path / "again.dcm", read_segmentation(tmp_path / "planned.seg.nrrd"), source)
    observed = pydicom.dcmread(tmp_path / "again.dcm").RTROIObservationsSequence
    assert [one.RTROIInterpretedType for one in observed] == ["PTV", "", ""]


def test_objects_refer_to_the_scan(source: DicomSource, tmp_path: Path) -> None:
    write_rtstruct(tmp_path / "rs.dcm", segmentation(segment(box_mask(SHAPE, (2, 2, 2), (4, 4, 4)))), source)
    written, first = pydicom.dcmread(tmp_path / "rs.dcm"), source.slices[0]
    for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert written[keyword].value == first[keyword].value
    (frame,) = written.ReferencedFrameOfReferenceSequence
    (series,) = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence
    assert series.SeriesInstanceUID == source.series_uid
    listed = [image.ReferencedSOPInstanceUID for image in series.ContourImageSequence]
    assert listed == [one.SOPInstanceUID for one in source.slices]
    contours = written.ROIContourSequence[0].ContourSequence
    assert [one.ContourImageSequence[0].ReferencedSOPInstanceUID for one in contours] == listed[2:4]
    assert written.SOPInstanceUID not in listed
    assert written.SeriesInstanceUID != source.series_uid


def test_contours_lie_in_the_planes_of_their_images(source: DicomSource, tmp_path: Path) -> None:
    write_rtstruct(tmp_path / "rs.dcm", segmentation(segment(noise(0.5))), source)
    images = {one.SOPInstanceUID: one for one in source.slices}
    for contour in pydicom.dcmread(tmp_path / "rs.dcm").ROIContourSequence[0].ContourSequence:
        image = images[contour.ContourImageSequence[0].ReferencedSOPInstanceUID]
        row, column = np.reshape(np.asarray(image.ImageOrientationPatient, float), (2, 3))
        points = np.asarray(contour.ContourData, float).reshape(-1, 3)
        assert len(points) == contour.NumberOfContourPoints
        off = (points - np.asarray(image.ImagePositionPatient, float)) @ np.cross(row, column)
        assert np.abs(off).max() < 1e-3


def test_holes_are_keyholes_of_closed_planar_contours(source: DicomSource, tmp_path: Path) -> None:
    mask = box_mask(SHAPE, (3, 1, 1), (4, 6, 8)).full(SHAPE)
    mask[3, 3, 4] = False
    write_rtstruct(tmp_path / "rs.dcm", segmentation(segment(MaskCrop.of(mask))), source)
    (contour,) = pydicom.dcmread(tmp_path / "rs.dcm").ROIContourSequence[0].ContourSequence
    assert contour.ContourGeometricType == "CLOSED_PLANAR"
    assert contour.NumberOfContourPoints == 4 + 4 + 3  # a corner and the mouth of the channel are passed twice


def test_no_number_is_longer_than_decimal_strings_may_be(source: DicomSource, tmp_path: Path) -> None:
    write_rtstruct(tmp_path / "rs.dcm", segmentation(segment(noise(0.5))), source)
    contour = pydicom.dcmread(tmp_path / "rs.dcm").ROIContourSequence[0].ContourSequence[0]
    stored = contour.get_item("ContourData").value
    assert max(map(len, stored.split(b"\\"))) <= 16
    assert max(map(len, decimal_strings(np.array([-12345678.123456789, 0.1]), 5).split(b"\\"))) <= 16
    with pytest.raises(VolumeError, match="further than DICOM"):
        decimal_strings(np.array([-1e12]), 3)


def test_types_of_planning_systems(source: DicomSource, tmp_path: Path) -> None:
    ids = (1, HEPATIC_TUMOR, LEFT_KIDNEY_CYST, None)
    given = segmentation(*(segment(noise(0.5), str(class_id), class_id) for class_id in ids))
    write_rtstruct(tmp_path / "rs.dcm", given, source)
    observed = pydicom.dcmread(tmp_path / "rs.dcm").RTROIObservationsSequence
    assert [one.RTROIInterpretedType for one in observed] == ["ORGAN", "GTV", "", ""]
    cyst = observed[2].AnatomicRegionSequence[0]
    assert cyst.AnatomicRegionModifierSequence[0].CodeMeaning == "Left"


def test_algorithm_is_what_it_was(source: DicomSource, tmp_path: Path) -> None:
    given = segmentation(*(segment(noise(0.5), str(n), 1, how) for n, how in enumerate((CLICKED, DRAWN, None))))
    write_rtstruct(tmp_path / "rs.dcm", given, source)
    clicked, drawn, unknown = pydicom.dcmread(tmp_path / "rs.dcm").StructureSetROISequence
    assert clicked.ROIGenerationAlgorithm == "SEMIAUTOMATIC"
    assert clicked.ROIDerivationAlgorithmIdentificationSequence[0].AlgorithmVersion == CLICKED.version
    assert CLICKED.sha256 in clicked.ROIDerivationAlgorithmIdentificationSequence[0].AlgorithmParameters
    assert drawn.ROIGenerationAlgorithm == "MANUAL"
    assert "ROIDerivationAlgorithmIdentificationSequence" not in drawn
    assert not unknown.ROIGenerationAlgorithm


def test_empty_segments_are_left_out_and_named(source: DicomSource, tmp_path: Path) -> None:
    empty = segment(MaskCrop.of(np.zeros(SHAPE, np.bool_)), "spleen")
    (notice,) = write_rtstruct(tmp_path / "rs.dcm", segmentation(empty, segment(noise(0.5))), source)
    assert "spleen" in notice
    assert len(back(tmp_path / "rs.dcm", source).segments) == 1
    with pytest.raises(VolumeError, match="every segment is empty"):
        write_rtstruct(tmp_path / "none.dcm", segmentation(empty), source)


def test_another_scan_is_refused(source: DicomSource, tmp_path: Path) -> None:
    far = oblique_geometry()
    far[:3, 3] += 1000.0
    with pytest.raises(VolumeError, match="another scan or another patient"):
        write_rtstruct(tmp_path / "rs.dcm", Segmentation(SHAPE, far, (segment(noise(0.5)),)), source)
    assert not list(tmp_path.iterdir())


def test_cancelling_leaves_the_old_file(source: DicomSource, tmp_path: Path) -> None:
    path = tmp_path / "rs.dcm"
    path.write_bytes(b"old")
    seen: list[Progress] = []
    given = segmentation(*(segment(noise(0.5), str(n)) for n in range(3)))
    for after in (1, 4):  # while contours are drawn; while they are compared
        seen.clear()
        with pytest.raises(Cancelled):
            write_rtstruct(path, given, source, progress=seen.append, cancel=lambda n=after: len(seen) >= n)
        assert [one.done for one in seen] == list(range(1, after + 1))
        assert path.read_bytes() == b"old"
        assert len(list(tmp_path.iterdir())) == 1
    write_rtstruct(path, given, source, progress=seen.append)
    assert (seen[-1].done, seen[-1].total) == (6, 6)


def test_one_lost_contour_is_noticed_before_the_file_is_there(
    source: DicomSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rt_contour_items.contour_items
    monkeypatch.setattr(rtstruct, "contour_items", lambda *given: list(whole(*given))[1:])
    with pytest.raises(FileFormatError, match="did not read back the same"):
        write_rtstruct(tmp_path / "rs.dcm", segmentation(segment(noise(0.5))), source)
    assert not list(tmp_path.iterdir())


def test_shift_by_one_slice_is_noticed_before_the_file_is_there(
    source: DicomSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rtstruct, "image_planes", lambda of: [*image_planes(of)[1:], image_planes(of)[0]])
    given = segmentation(segment(box_mask(SHAPE, (2, 2, 2), (5, 5, 5))))
    with pytest.raises(FileFormatError, match="did not read back the same"):
        write_rtstruct(tmp_path / "rs.dcm", given, source)
    assert not list(tmp_path.iterdir())


def test_folder_that_is_not_there_is_told(source: DicomSource, tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="could not be written"):
        write_rtstruct(tmp_path / "none" / "rs.dcm", segmentation(segment(noise(0.5))), source)


def test_dciodvfy_finds_no_error(source: DicomSource, tmp_path: Path) -> None:
    given = segmentation(
        segment(noise(0.5)), segment(noise(0.1), "cyst", LEFT_KIDNEY_CYST, DRAWN), segment(noise(0.9), "?", None, None)
    )
    write_rtstruct(tmp_path / "rs.dcm", given, source, label="first reading", description="of a test")
    assert errors_of(tmp_path / "rs.dcm") == []
    broken = pydicom.dcmread(tmp_path / "rs.dcm")
    del broken.RTROIObservationsSequence[0].RTROIIdentificationCodeSequence[0].CodeMeaning
    broken.save_as(tmp_path / "broken.dcm")
    assert errors_of(tmp_path / "broken.dcm")


def read_by_plastimatch(path: Path, folder: Path, source: DicomSource) -> dict[str, npt.NDArray[np.bool_]]:
    """The structures as plastimatch draws them onto the images in a folder, by name."""
    program = shutil.which("plastimatch")
    if program is None:
        pytest.skip("needs the program plastimatch")
    out = folder / "plastimatch"
    command = [program, "convert", "--input", str(path), "--referenced-ct", str(folder), "--output-prefix", str(out)]
    subprocess.run([*command, "--prefix-format", "nrrd"], capture_output=True, check=True)
    return {file.name.removesuffix(".nrrd"): voxels(read_segmentation(file), source)[0] for file in out.glob("*.nrrd")}


def test_plastimatch_finds_the_organs_of_the_sample_and_their_holes(tmp_path: Path) -> None:
    truth = read_segmentation(resource("Samples/sample_truth.nrrd"))
    grid = scan(truth.shape_kji, truth.ijk_to_ras)
    source = series_of(tmp_path / "series", grid)
    hollow = _shell(max(truth.segments, key=lambda one: int(one.mask.mask.sum())))
    given = replace(truth, segments=(*truth.segments, hollow))
    write_rtstruct(tmp_path / "rs.dcm", given, source)
    found = read_by_plastimatch(tmp_path / "rs.dcm", tmp_path / "series", source)
    assert len(found) == len(given.segments)
    for one, expected in zip(given.segments, voxels(given, source), strict=True):
        agreement = dice(MaskCrop.of(found[one.name]), MaskCrop.of(expected))
        assert agreement >= 0.99, one.name


def _shell(solid: Segment) -> Segment:
    """A segment without the voxels that have four neighbours in their slice."""
    mask = np.pad(solid.mask.mask, ((0, 0), (1, 1), (1, 1)))
    inner = mask[:, :-2, 1:-1] & mask[:, 2:, 1:-1] & mask[:, 1:-1, :-2] & mask[:, 1:-1, 2:]
    return replace(solid, name="shell", mask=MaskCrop(solid.mask.start, solid.mask.mask & ~inner))


@pytest.mark.parametrize("folder", ["crlm_ct_1004", "ct_dicom", "sarcoma/STS_004/MR_T1/dicom/image"])
def test_real_series(folder: str, tmp_path: Path) -> None:
    source = read_source(shared(f"data/{folder}"))
    count, rows, columns = source.shape_kji
    k, j, i = np.ogrid[:count, :rows, :columns]
    ball = (i - columns // 2) ** 2 + (j - rows // 2) ** 2 + (10 * (k - count // 2)) ** 2
    given = Segmentation(source.shape_kji, source.ijk_to_ras, (segment(MaskCrop.of((ball < 60**2) & (ball > 30**2))),))
    write_rtstruct(tmp_path / "rs.dcm", given, source)
    assert same_voxels(back(tmp_path / "rs.dcm", source), given, source)
    assert errors_of(tmp_path / "rs.dcm") == []


@pytest.mark.parametrize("case", ["STS_001/MR_T1", "STS_004/CT"])
def test_tumour_that_a_person_drew_is_read_written_and_read(case: str, tmp_path: Path) -> None:
    source = read_source(shared(f"data/sarcoma/{case}/dicom/image"))
    scan_of = source.identifiers
    drawn = read_rtstruct(shared(f"data/sarcoma/{case}/dicom/mask/RS.dcm"), source.lattice, scan_of)
    write_rtstruct(tmp_path / "rs.dcm", drawn, source)
    assert same_voxels(read_rtstruct(tmp_path / "rs.dcm", source.lattice, scan_of), drawn, source)
    assert errors_of(tmp_path / "rs.dcm") == []


def test_structure_set_of_a_hundred_segments(source: DicomSource, tmp_path: Path) -> None:
    given = segmentation(*(segment(noise(0.02, n), f"structure {n}", n % 115 + 1) for n in range(117)))
    write_rtstruct(tmp_path / "rs.dcm", given, source)
    assert same_voxels(back(tmp_path / "rs.dcm", source), given, source)


def test_items_hold_no_number_that_pydicom_had_to_parse(source: DicomSource) -> None:
    item: Dataset = next(rt_contour_items.contour_items(noise(0.5), image_planes(source), 3))
    assert item.get_item("ContourData").is_raw
