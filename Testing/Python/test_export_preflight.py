"""What is said before anything is exported."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pydicom
import pytest
from VISTA3DSegmentLib.anatomy import class_of, terminology_entry
from VISTA3DSegmentLib.edits import NOTHING, MaskCrop
from VISTA3DSegmentLib.export.formats import TITLES, Form
from VISTA3DSegmentLib.export.preflight import STATUS_TAG, STATUSES, Consequence, overlaps, preflight
from VISTA3DSegmentLib.export.source import DicomSource
from VISTA3DSegmentLib.files.segmentations import Segment, Segmentation
from VISTA3DSegmentLib.session.annotation import Status

SHAPE = (4, 6, 8)
DONE, DRAFT = {STATUS_TAG: "completed"}, {STATUS_TAG: "inprogress"}


def source() -> DicomSource:
    """Four axial slices of 6 x 8 voxels of 1 mm, 2 mm apart."""
    slices = []
    for k in range(SHAPE[0]):
        one = pydicom.Dataset()
        one.SOPClassUID, one.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", f"1.2.3.{k + 1}"
        one.StudyInstanceUID, one.SeriesInstanceUID, one.FrameOfReferenceUID = "1.2.4", "1.2.5", "1.2.6"
        one.PatientID, one.PatientName, one.Modality = "P", "P", "CT"
        one.Rows, one.Columns, one.PixelSpacing = SHAPE[1], SHAPE[2], [1, 1]
        one.ImageOrientationPatient, one.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 2 * k]
        slices.append(one)
    return DicomSource(tuple(slices))


GEOMETRY, SCAN = source().ijk_to_ras, source().lattice


def segment(name: str, start: tuple[int, int, int] = (1, 1, 1), tags: dict[str, str] = DONE) -> Segment:
    liver = terminology_entry(class_of(1))
    return Segment(name, MaskCrop(start, np.ones((2, 2, 2), np.bool_)), (9, 9, 9), None, liver, tags)


def segmentation(*segments: Segment, geometry: np.ndarray = GEOMETRY) -> Segmentation:
    return Segmentation(SHAPE, geometry, segments)


def found(*segments: Segment, form: Form = Form.DICOM_SEG, geometry: np.ndarray = GEOMETRY) -> list[tuple[str, str]]:
    findings = preflight(segmentation(*segments, geometry=geometry), [form], source())
    return [(finding.consequence.value, str(finding)) for finding in findings]


@pytest.mark.parametrize("form", Form)
def test_nothing_is_said_of_what_is_as_it_should_be(form: Form) -> None:
    assert found(segment("liver"), segment("spleen", (1, 4, 4)), form=form) == []


def test_where_a_series_is_made_first_only_that_it_is_absent_is_no_reason() -> None:
    overlapping = segmentation(segment("liver"), segment("mass"))
    forms = [Form.DICOM_SEG, Form.DICOM_LABELMAP]
    ((first, second), (only,)) = (preflight(overlapping, forms, None, made_of) for made_of in (None, SCAN))
    assert "did not come from a DICOM series" in first.what
    assert second == only
    assert "overlap" in only.what


def test_a_series_that_is_made_first_is_looked_at_as_one_that_is_there() -> None:
    def said(geometry: np.ndarray) -> list[tuple[str, str]]:
        findings = preflight(segmentation(segment("liver"), geometry=geometry), [Form.RTSTRUCT], None, SCAN)
        return [(finding.consequence.value, finding.what) for finding in findings]

    assert said(GEOMETRY) == []
    ((consequence, what),) = said(GEOMETRY @ np.diag([0.5, 0.5, 0.5, 1.0]))
    assert (consequence, "would be resampled" in what) == ("asked", True)
    assert [consequence for consequence, _ in said(GEOMETRY + np.eye(4, k=3) * 500)] == ["refused"]


def test_without_a_segment_nothing_is_exported() -> None:
    ((consequence, what),) = found()
    assert consequence == "refused"
    assert "no segment" in what
    assert found(replace(segment("liver"), mask=NOTHING))[0][0] == "refused"


def test_empty_segments_are_named_and_left_out() -> None:
    ((consequence, what),) = found(segment("liver"), replace(segment("cyst"), mask=NOTHING))
    assert consequence == "repaired"
    assert "cyst" in what
    assert "liver" not in what


def test_dicom_needs_a_series_and_other_files_do_not() -> None:
    one = segmentation(segment("liver"))
    (finding,) = preflight(one, [Form.RTSTRUCT, Form.NIFTI], None)
    assert finding.consequence is Consequence.REFUSED
    assert TITLES[Form.RTSTRUCT] in finding.what
    assert "NIfTI" in finding.remedy
    assert preflight(one, [Form.NIFTI, Form.STL, Form.REPORT], None) == ()


def test_a_resampled_scan_is_asked_about() -> None:
    finer = GEOMETRY @ np.diag([0.5, 0.5, 0.5, 1.0])
    ((consequence, what),) = found(segment("liver"), geometry=finer)
    assert consequence == "asked"
    assert "resampled" in what


def test_segments_that_lie_elsewhere_are_refused() -> None:
    far = GEOMETRY.copy()
    far[:3, 3] += 500
    ((consequence, what),) = found(segment("liver"), geometry=far)
    assert consequence == "refused"
    assert "another patient" in what


def test_segments_beyond_the_series_are_asked_about() -> None:
    moved = GEOMETRY.copy()
    moved[2, 3] += 4  # two slices up
    crop = Segmentation((3, 6, 8), moved, (segment("liver", (1, 1, 1)),))
    (finding,) = preflight(crop, [Form.DICOM_SEG], source())
    assert finding.consequence is Consequence.ASKED
    assert "liver" in finding.what


def test_a_scan_that_was_moved_by_whole_voxels_is_asked_about() -> None:
    moved = GEOMETRY.copy()
    moved[2, 3] += 2  # one slice up: all voxels of the segment are in the series
    ((consequence, what),) = found(segment("liver", (0, 1, 1)), geometry=moved)
    assert consequence == "asked"
    assert "2.0 mm beside it" in what


def test_a_segment_too_small_for_the_series_is_asked_about() -> None:
    finer = GEOMETRY @ np.diag([0.25, 0.25, 0.25, 1.0])
    (_, (consequence, what)) = found(segment("spot"), segment("liver", (0, 3, 3)), geometry=finer)
    assert consequence == "asked"
    assert "lost: spot." in what


def test_overlaps_are_refused_for_a_label_map_only() -> None:
    both = segment("liver"), segment("tumour", (2, 2, 2))
    assert overlaps(segmentation(*both)) == (("liver", "tumour"),)
    assert overlaps(segmentation(*both, segment("core", (2, 2, 2))))[1:] == (("tumour", "core"),), "the last before it"
    ((consequence, what),) = found(*both, form=Form.NIFTI)
    assert consequence == "refused"
    assert "liver and tumour" in what
    assert found(*both, form=Form.DICOM_SEG) == []


def test_drafts_are_asked_about_and_what_comes_from_elsewhere_is_no_draft() -> None:
    ((consequence, what),) = found(segment("liver", tags=DRAFT), segment("spleen", (1, 4, 4), tags={}))
    assert consequence == "asked"
    assert "(draft): liver." in what


def test_a_status_is_called_as_in_the_page() -> None:
    assert {status.value for status in Status} == set(STATUSES.values()) - {"not started"}


def test_the_tag_of_the_status_is_slicers() -> None:
    slicer = pytest.importorskip("slicer", reason="needs the scene extra")
    assert slicer.vtkSlicerSegmentationsModuleLogic.GetStatusTagName() == STATUS_TAG


def test_segments_without_a_code_are_named_where_codes_are_written() -> None:
    nameless = replace(segment("thing"), terminology="")
    ((consequence, what),) = found(nameless)
    assert consequence == "repaired"
    assert "thing" in what
    assert found(nameless, form=Form.STL) == []


def test_the_worst_is_said_first() -> None:
    findings = found(
        segment("liver", tags=DRAFT), replace(segment("tumour", (2, 2, 2)), terminology=""), form=Form.DICOM_LABELMAP
    )
    assert [consequence for consequence, _ in findings] == ["refused", "asked", "repaired"]


def test_what_a_report_supposes_is_told_and_an_earlier_label_map_without_a_table_is_asked_about() -> None:
    unsaid = [replace(segment(name), terminology="") for name in ("Label 6", "kid")]
    about = preflight(segmentation(segment("liver")), [Form.REPORT], None, prior=segmentation(unsaid[0]))
    assert [finding.consequence for finding in about] == [Consequence.ASKED]
    assert "what its values mean: Label 6." in about[0].what
    told = preflight(segmentation(*unsaid), [Form.REPORT], None)
    assert {finding.consequence for finding in told} == {Consequence.REPAIRED}
    assert [name in " ".join(finding.what for finding in told) for name in ("Label 6", "kid")] == [True, True]
    assert preflight(segmentation(segment("liver")), [Form.STL], None, prior=segmentation(unsaid[0])) == ()


@pytest.mark.parametrize(
    ("forms", "concerned", "remedy"),
    [
        ([Form.DICOM_LABELMAP], [Form.DICOM_LABELMAP], "Choose DICOM Segmentation instead of the DICOM label map."),
        ([Form.NIFTI, Form.STL], [Form.NIFTI], "Choose .seg.nrrd or one file for each segment."),
        (
            [Form.DICOM_LABELMAP, Form.NRRD],
            [Form.DICOM_LABELMAP, Form.NRRD],
            "Choose DICOM Segmentation instead of the DICOM label map, "
            "and choose .seg.nrrd or one file for each segment.",
        ),
    ],
)
def test_overlaps_name_the_kinds_of_file_that_cannot_hold_them(
    forms: list[Form], concerned: list[Form], remedy: str
) -> None:
    (finding,) = preflight(segmentation(segment("liver"), segment("mass")), forms, source())
    assert finding.remedy == remedy
    assert [form for form in TITLES if TITLES[form] in finding.what] == concerned
