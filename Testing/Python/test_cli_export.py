"""``export`` as a person at the command line meets it."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from cli_world import Run
from export_world import errors_of, scan, segment, segmentation, series_of
from VISTA3DSegmentLib.cli import FAILED, main, progress
from VISTA3DSegmentLib.cli.collaborators import Collaborators
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.export.ct_series import write_ct_series
from VISTA3DSegmentLib.export.dicom_seg import write_dicom_seg
from VISTA3DSegmentLib.export.preflight import STATUS_TAG
from VISTA3DSegmentLib.files.nrrd import write_nrrd
from VISTA3DSegmentLib.files.segmentations import Segment, Segmentation, read_segmentation, write_segmentation
from VISTA3DSegmentLib.volume import Volume

PLAIN = Segment("thing", MaskCrop((2, 2, 2), np.ones((2, 3, 4), np.bool_)), (9, 9, 9))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command in a folder that holds organs.seg.nrrd, its scan and its DICOM series."""
    monkeypatch.chdir(tmp_path)
    series_of(tmp_path / "series")
    write_segmentation("organs.seg.nrrd", segmentation())
    with Path("scan.nrrd").open("wb") as file:
        write_nrrd(file, [scan().array.astype(np.int16)], scan().ijk_to_ras, {})
    return lambda *words: main([str(word) for word in words], Collaborators())


def masks_of(path: Path) -> dict[str, int]:
    return {one.name: int(one.mask.mask.sum()) for one in read_segmentation(path).segments}


def types_of(path: Path) -> dict[str, str]:
    return {
        str(one.SegmentLabel): str(one.SegmentedPropertyTypeCodeSequence[0].CodeMeaning)
        for one in pydicom.dcmread(path).SegmentSequence
    }


def test_every_kind_is_written_and_named_after_the_segmentation(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", "organs.seg.nrrd", "--to", "dicom-seg", "--to", "rtstruct", "--to", "stl", "--to", "nifti",
               "--one-file-each", "--source", "series", "-o", ".") == 0  # fmt: skip
    assert {path.name for path in Path().iterdir()} >= {
        "organs_seg.dcm", "organs_rtstruct.dcm", "organs_stl", "organs_nifti"
    }  # fmt: skip
    assert {path.name for path in Path("organs_stl").iterdir()} == {"liver.stl", "left_cyst.stl"}
    assert masks_of(Path("organs_seg.dcm")) == masks_of(Path("organs.seg.nrrd"))
    assert errors_of(Path("organs_seg.dcm")) == errors_of(Path("organs_rtstruct.dcm")) == []
    assert "Wrote organs_seg.dcm, organs_rtstruct.dcm" in capsys.readouterr().out


def test_a_zip_holds_everything_and_leaves_nothing_beside_it(run: Run) -> None:
    before = {path.name for path in Path().iterdir()}
    assert run("export", "organs.seg.nrrd", "--to", "seg.nrrd", "--to", "ply", "-o", "all.zip", "--name", "mine") == 0
    with zipfile.ZipFile("all.zip") as zipped:
        assert set(zipped.namelist()) == {"mine.seg.nrrd", "mine_ply/liver.ply", "mine_ply/left_cyst.ply"}
    assert {path.name for path in Path().iterdir()} - before == {"all.zip"}


def test_a_report_is_a_page_a_table_and_json(run: Run) -> None:
    assert run("export", "organs.seg.nrrd", "--to", "report", "--scan", "scan.nrrd", "--prior", "organs.seg.nrrd",
               "-o", ".") == 0  # fmt: skip
    assert "left cyst" in Path("organs_report.html").read_text(encoding="utf-8")
    rows = Path("organs_report.csv").read_text(encoding="utf-8-sig").splitlines()
    assert [row.partition(",")[0] for row in rows] == ["kind", "segment", "segment", "lesion"]
    names = [one["name"] for one in json.loads(Path("organs_report.json").read_text(encoding="utf-8"))["segments"]]
    assert names == ["liver", "left cyst"]


def before_of(name: str) -> float:
    """Volume before, ml, of a segment, as the report has it."""
    segments = json.loads(Path("organs_report.json").read_text(encoding="utf-8"))["segments"]
    return float(next(one["volume_change"]["before_ml"] for one in segments if one["name"] == name))


def test_an_earlier_segmentation_is_measured_on_its_own_grid_also_beyond_the_scan(run: Run) -> None:
    grid = np.diag([4.0, 4.0, 4.0, 1.0])
    grid[:3, 3] = scan().ras_of((0, 0, 0)) - 100.0  # mm: what it holds begins before the new scan, and ends behind it
    whole = MaskCrop((0, 0, 0), np.ones((50, 50, 50), np.bool_))
    write_segmentation("before.seg.nrrd", Segmentation((50, 50, 50), grid, (replace(PLAIN, name="liver", mask=whole),)))
    assert run("export", "organs.seg.nrrd", "--to", "report", "--scan", "scan.nrrd", "--prior", "before.seg.nrrd") == 0
    assert before_of("liver") == pytest.approx(50**3 * 4.0**3 / 1000)


def test_earlier_values_without_a_table_are_asked_about_and_classes_only_if_the_person_says_so(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    liver = next(one for one in segmentation().segments if one.name == "liver")
    labels = np.zeros(segmentation().shape_kji, np.uint8)
    labels[liver.mask.slices] = liver.mask.mask
    with Path("before.nrrd").open("wb") as file:
        write_nrrd(file, [labels], segmentation().ijk_to_ras, {})
    words = ("export", "organs.seg.nrrd", "--to", "report", "--scan", "scan.nrrd", "--prior", "before.nrrd")
    assert run(*words) == FAILED
    assert "does not say what its values mean: Label 1." in " ".join(capsys.readouterr().err.split())
    assert run(*words, "--agree") == 0
    told = json.loads(Path("organs_report.json").read_text(encoding="utf-8"))
    assert [one["volume_change"] for one in told["segments"]] == [None, None]
    assert any("Of the earlier segmentation: The label map has no table" in notice for notice in told["notices"])
    assert run(*words, "--values-are-classes") == 0
    assert before_of("liver") > 0


def test_a_file_where_a_folder_is_wanted_is_said_to_be_one(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", "organs.seg.nrrd", "--to", "stl", "-o", "scan.nrrd") == FAILED
    assert "scan.nrrd is a file. Give the name of a folder, or one that ends in .zip." in " ".join(
        capsys.readouterr().err.split()
    )


def test_what_has_no_code_is_told_once_and_not_of_a_structure_set(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    write_segmentation("plain.seg.nrrd", replace(segmentation(), segments=(PLAIN,)))
    assert run("export", "plain.seg.nrrd", "--to", "dicom-sr", "--source", "series") == 0
    assert capsys.readouterr().err.count("thing.") == 2, "its codes; how it was made"
    assert run("export", "plain.seg.nrrd", "--to", "rtstruct", "--source", "series") == 0
    assert "thing" not in capsys.readouterr().err


def test_what_was_called_otherwise_before_is_told_with_that_name(run: Run) -> None:
    liver, cyst = segmentation().segments
    renamed = (replace(liver, name="Leber"), replace(cyst, name="Zyste"))
    write_segmentation("before.seg.nrrd", replace(segmentation(), segments=renamed))
    assert run("export", "organs.seg.nrrd", "--to", "report", "--scan", "scan.nrrd", "--prior", "before.seg.nrrd") == 0
    page = Path("organs_report.html").read_text(encoding="utf-8")
    assert "before: Leber" in page
    assert "was 1 (Zyste): " in page
    heading, *rows = csv.reader(Path("organs_report.csv").read_text(encoding="utf-8-sig").splitlines())
    assert [row[heading.index("name_before")] for row in rows] == ["Leber", "Zyste", "Zyste"]
    told = json.loads(Path("organs_report.json").read_text(encoding="utf-8"))
    assert [one["name_before"] for one in told["segments"]] == ["Leber", "Zyste"]
    assert told["changes"]["lesions"][0]["names_before"] == ["Zyste"]
    words = ("export", "organs.seg.nrrd", "--to", "report", "--scan", "scan.nrrd", "--prior", "organs.seg.nrrd")
    assert run(*words) == 0
    assert "before: " not in Path("organs_report.html").read_text(encoding="utf-8"), "the same name"


def test_an_earlier_segmentation_elsewhere_in_space_is_asked_about(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = segmentation().ijk_to_ras.copy()
    grid[:3, 3] += 1000.0  # mm
    write_segmentation("before.seg.nrrd", replace(segmentation(), ijk_to_ras=grid))
    words = ("export", "organs.seg.nrrd", "--to", "report", "--scan", "scan.nrrd", "--prior", "before.seg.nrrd")
    assert run(*words) == FAILED
    assert "The earlier segmentation shares no space with this scan" in " ".join(capsys.readouterr().err.split())
    assert run(*words, "--agree") == 0
    assert before_of("liver") > 0
    told = json.loads(Path("organs_report.json").read_text(encoding="utf-8"))
    assert sum("shares no space" in notice for notice in told["notices"]) == 1


def test_an_earlier_segmentation_without_a_report_is_no_silent_loss(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("export", "organs.seg.nrrd", "--to", "stl", "--prior", "organs.seg.nrrd") == FAILED
    assert "Add --to report" in capsys.readouterr().err


def test_a_report_needs_the_scan(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", "organs.seg.nrrd", "--to", "report", "-o", ".") == FAILED
    assert "Give the scan" in capsys.readouterr().err


def test_a_structured_report_brings_the_segmentation_that_it_measures(run: Run) -> None:
    assert run("export", "organs.seg.nrrd", "--to", "dicom-sr", "--source", "series", "-o", ".") == 0
    referred = pydicom.dcmread("organs_sr.dcm").CurrentRequestedProcedureEvidenceSequence[0]
    instances = {
        one.ReferencedSOPInstanceUID
        for series in referred.ReferencedSeriesSequence
        for one in series.ReferencedSOPSequence
    }
    assert pydicom.dcmread("organs_seg.dcm").SOPInstanceUID in instances
    assert errors_of(Path("organs_sr.dcm")) == []


def test_what_a_new_series_does_not_mend_is_refused_before_it_is_written(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("export", "organs.seg.nrrd", "--to", "dicom-seg", "--to", "dicom-labelmap", "--scan", "scan.nrrd",
               "--new-series", "-o", ".") == FAILED  # fmt: skip
    assert "these overlap" in capsys.readouterr().err
    assert not list(Path().glob("organs_*"))


def test_what_would_be_asked_of_a_new_series_is_asked_before_it_is_written(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn_on(scan((8, 9, 10), scan().ijk_to_ras @ np.diag([0.5, 0.5, 0.5, 1.0])), "other.seg.nrrd", PLAIN)
    words = ("export", "other.seg.nrrd", "--to", "dicom-seg", "--new-series", "-o", ".", "--name", "out")
    assert run(*words) == FAILED
    assert "Give the scan" in capsys.readouterr().err
    assert run(*words, "--scan", "scan.nrrd") == FAILED
    assert "would be resampled" in capsys.readouterr().err
    assert not list(Path().glob("out*"))
    assert run(*words, "--scan", "scan.nrrd", "--agree") == 0
    assert {path.name for path in Path().glob("out*")} == {"out_series", "out_seg.dcm"}


def test_dicom_without_a_series_is_refused_and_a_new_one_can_be_made_of_the_scan(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("export", "organs.seg.nrrd", "--to", "dicom-seg", "-o", ".") == FAILED
    said = capsys.readouterr().err
    assert "did not come from a DICOM series" in said
    assert "--source, or --scan with --new-series" in said
    assert not Path("organs_seg.dcm").exists()
    assert run("export", "organs.seg.nrrd", "--to", "dicom-seg", "--scan", "scan.nrrd", "--new-series", "-o", ".") == 0
    written, image = pydicom.dcmread("organs_seg.dcm"), pydicom.dcmread(next(Path("organs_series").iterdir()))
    assert written.StudyInstanceUID == image.StudyInstanceUID
    assert str(image.PatientName).startswith("ANON")
    assert masks_of(Path("organs_seg.dcm")) == masks_of(Path("organs.seg.nrrd"))


def test_an_export_with_a_new_series_may_be_repeated_also_when_it_was_broken_off(run: Run) -> None:
    words = ["export", "organs.seg.nrrd", "--scan", "scan.nrrd", "--new-series", "--to", "dicom-seg", "-o", "."]
    assert run(*words) == 0
    Path("organs_seg.dcm").unlink()
    next(Path("organs_series").iterdir()).unlink()
    assert run(*words, "--to", "rtstruct") == 0
    assert len(list(Path("organs_series").iterdir())) == len(scan().array)
    assert masks_of(Path("organs_seg.dcm")) == masks_of(Path("organs.seg.nrrd"))


def test_what_is_asked_about_needs_the_word_agree(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    draft = segment(MaskCrop((2, 2, 2), np.ones((2, 2, 2), np.bool_)))
    draft = Segment(draft.name, draft.mask, draft.color, 1, tags={STATUS_TAG: "inprogress"})
    write_segmentation("draft.seg.nrrd", segmentation(draft))
    assert run("export", "draft.seg.nrrd", "--to", "nifti", "-o", ".") == FAILED
    assert "(draft): liver" in capsys.readouterr().err
    assert run("export", "draft.seg.nrrd", "--to", "nifti", "-o", ".", "--agree") == 0
    assert Path("draft.nii.gz").exists()


def drawn_on(grid: Volume, name: str, one: Segment) -> None:
    """A segment on another grid as a file; a DICOM segmentation in the scan's frame of reference."""
    given = Segmentation(grid.shape_kji, grid.ijk_to_ras, (one,))
    if name.endswith(".seg.nrrd"):
        write_segmentation(name, given)
        return
    write_dicom_seg(Path(name), given, write_ct_series(Path(f"{name}_series"), grid, "ANON-1"))
    dataset = pydicom.dcmread(name)
    dataset.FrameOfReferenceUID = pydicom.dcmread("series/00001.dcm").FrameOfReferenceUID
    dataset.save_as(name)


@pytest.mark.parametrize("name", ["other.seg.nrrd", "other_seg.dcm"])
def test_a_resampled_segmentation_is_asked_about(name: str, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    drawn_on(scan((8, 9, 10), scan().ijk_to_ras @ np.diag([0.5, 0.5, 0.5, 1.0])), name, PLAIN)
    words = ("export", name, "--to", "rtstruct", "--source", "series", "-o", ".", "--name", "out")
    assert run(*words) == FAILED
    assert "would be resampled" in capsys.readouterr().err
    assert not list(Path().glob("out*"))
    assert run(*words, "--agree") == 0


@pytest.mark.parametrize("name", ["other.seg.nrrd", "other_seg.dcm"])
def test_parts_beyond_the_series_are_asked_about(name: str, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    larger = np.eye(4)
    larger[:3, 3] = -4
    drawn_on(scan((15, 17, 19), scan().ijk_to_ras @ larger), name, PLAIN)
    words = ("export", name, "--to", "dicom-seg", "--source", "series", "-o", ".", "--name", "out")
    assert run(*words) == FAILED
    assert "Parts outside the scan were left out: thing" in capsys.readouterr().err
    assert not list(Path().glob("out*"))


def test_a_dicom_segmentation_comes_back_on_the_grid_of_its_scan(run: Run) -> None:
    assert run("export", "organs.seg.nrrd", "--to", "dicom-seg", "--source", "series", "-o", ".", "--quiet") == 0
    assert run("export", "organs_seg.dcm", "--to", "nifti", "--one-file-each", "--source", "series", "-o", ".") == 0
    for path in Path("organs_seg_nifti").glob("*.nii.gz"):
        assert read_segmentation(path).shape_kji == scan().shape_kji


def test_the_input_is_never_overwritten(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("organs.seg.nrrd").read_bytes()
    assert run("export", "organs.seg.nrrd", "--to", "seg.nrrd", "-o", ".") == FAILED
    assert "overwritten" in capsys.readouterr().err
    assert Path("organs.seg.nrrd").read_bytes() == before


TABLE = "LabelValue,Name\n1,spleen\n3,liver\n"


def write_organs(name: str) -> None:
    """A label map with a table that is not VISTA3D's."""
    labels = np.zeros(scan().shape_kji, np.uint8)
    labels[1, 1, 1:4], labels[3, 3, 3:8] = 1, 3
    with Path(name).open("wb") as file:
        write_nrrd(file, [labels], scan().ijk_to_ras, {})
    Path(name).with_suffix(".csv").write_text(TABLE, encoding="utf-8")


@pytest.mark.parametrize("words", [("--to", "nifti"), ("--to", "stl", "--to", "nifti")])
def test_the_table_of_the_input_is_never_overwritten(
    run: Run, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    write_organs("mine.nrrd")
    before = sorted(Path().iterdir())
    assert run("export", "mine.nrrd", *words, "-o", ".") == FAILED
    assert "by which mine.nrrd would be read, too. Choose another name" in capsys.readouterr().err
    assert sorted(Path().iterdir()) == before
    assert masks_of(Path("mine.nrrd")) == {"spleen": 3, "liver": 5}
    assert run("export", "mine.nrrd", *words, "-o", ".", "--name", "other") == 0
    assert masks_of(Path("other.nii.gz")) == masks_of(Path("mine.nrrd")) == {"spleen": 3, "liver": 5}


def test_a_file_that_has_the_name_of_a_table_is_not_replaced(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("organs.csv").write_text("patients,of,a,study")
    words = ("export", "organs.seg.nrrd", "--to", "dicom-seg", "--to", "nifti", "--scan", "scan.nrrd", "--new-series")
    write_segmentation("organs.seg.nrrd", segmentation(segmentation().segments[0]))
    assert run(*words) == FAILED
    assert "organs.csv is there already" in capsys.readouterr().err
    assert Path("organs.csv").read_text() == "patients,of,a,study"
    assert not list(Path().glob("organs_*"))


def test_what_an_earlier_export_left_in_a_folder_of_its_own_is_named_and_stays(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["export", "organs.seg.nrrd", "--to", "stl", "--to", "nifti", "--one-file-each", "-o", "out"]
    assert run(*words) == 0
    assert "from before" not in capsys.readouterr().err
    assert run(*words) == 0
    assert "from before" not in capsys.readouterr().err
    write_segmentation("organs.seg.nrrd", segmentation(*segmentation().segments[:1]))
    assert run(*words) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "organs_stl holds other files, too, from before: left_cyst.stl." in said
    assert "organs_nifti holds other files, too, from before: left_cyst.csv, left_cyst.nii.gz." in said
    assert Path("out/organs_stl/left_cyst.stl").exists()


def test_label_maps_may_be_exported_again_and_into_the_other_kind(run: Run) -> None:
    liver, cyst = segmentation().segments
    write_segmentation("organs.seg.nrrd", segmentation(liver))
    assert run("export", "organs.seg.nrrd", "--to", "nifti") == 0
    assert run("export", "organs.nii.gz", "--to", "nrrd") == 0
    write_segmentation("organs.seg.nrrd", segmentation(cyst))
    assert run("export", "organs.seg.nrrd", "--to", "nifti") == FAILED, "organs.nrrd holds a liver"
    assert run("export", "organs.seg.nrrd", "--to", "nifti", "--to", "nrrd") == 0
    assert run("export", "organs.seg.nrrd", "--to", "nifti", "--one-file-each") == 0
    assert run("export", "organs.seg.nrrd", "--to", "nifti", "--one-file-each") == 0
    assert list(masks_of(Path("organs.nii.gz"))) == list(masks_of(Path("organs.nrrd"))) == ["left cyst"]


def test_values_of_a_bare_label_map_are_no_classes_unless_the_person_says_so(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    one = Segment("x", PLAIN.mask, PLAIN.color, 5)
    write_segmentation("bare.nii.gz", segmentation(one))
    words = ("export", "bare.nii.gz", "--to", "dicom-seg", "--source", "series", "-o", ".")
    assert run(*words) == 0
    assert "has no table beside it" in capsys.readouterr().err
    assert (
        pydicom.dcmread("bare_seg.dcm").SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeValue == "85756007"
    )
    assert run(*words, "--values-are-classes") == 0
    assert (
        pydicom.dcmread("bare_seg.dcm").SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeValue == "64033007"
    )


def test_what_is_to_be_known_is_told_once_and_progress_in_percent(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "SECONDS", 0.0)
    write_segmentation("bare.nii.gz", segmentation(Segment("x", PLAIN.mask, PLAIN.color, 5)))
    assert run("export", "bare.nii.gz", "--to", "report", "--scan", "scan.nrrd", "-o", ".") == 0
    told = " ".join(capsys.readouterr().err.split())
    assert told.count("has no table beside it") == 1
    assert re.search(r"Exporting: \d\d %", told)
    assert "about 0 s" not in told


def test_names_of_a_label_map_say_the_class_and_its_values_only_if_the_person_says_so(run: Run) -> None:
    labels = np.zeros(scan().shape_kji, np.uint8)
    labels[1, 1, 1:4], labels[3, 3, 3:6], labels[5, 5, 5:8] = 5, 7, 1
    with Path("other.nrrd").open("wb") as file:
        write_nrrd(file, [labels], scan().ijk_to_ras, {})
    Path("other.ctbl").write_text("1 Leber 9 9 9 255\n5 spleen 1 2 3 255\n7 unknown 4 5 6 255\n", encoding="utf-8")
    words = ("export", "other.nrrd", "--to", "dicom-seg", "--source", "series", "-o", ".")
    assert run(*words) == 0
    assert types_of(Path("other_seg.dcm")) == {"Leber": "Tissue", "spleen": "Spleen", "unknown": "Tissue"}
    assert run(*words, "--values-are-classes") == 0
    assert types_of(Path("other_seg.dcm")) == {"Leber": "Liver", "spleen": "Spleen", "unknown": "Inferior vena cava"}


def test_an_rt_structure_set_of_another_program_becomes_a_dicom_segmentation(run: Run) -> None:
    assert run("export", "organs.seg.nrrd", "--to", "rtstruct", "--source", "series", "-o", ".", "--quiet") == 0
    assert run("export", "organs_rtstruct.dcm", "--to", "dicom-seg", "--source", "series", "-o", ".") == 0
    assert masks_of(Path("organs_rtstruct_seg.dcm")) == masks_of(Path("organs.seg.nrrd"))


def test_a_series_of_no_folder_is_refused(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    words = "export", "organs.seg.nrrd", "--to", "stl", "--series", "1.2.3"
    assert run(*words) == FAILED
    assert "--series is given without the folder that it is of. Give it with --source." in capsys.readouterr().err
    assert run(*words, "--scan", "scan.nrrd") == FAILED
    assert "scan.nrrd is no DICOM" in capsys.readouterr().err


def test_a_source_of_two_studies_is_chosen_from_by_uid(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    other = series_of(Path("series/other"), scan((3, 9, 11)))
    words = "export", "organs.seg.nrrd", "--to", "dicom-seg", "--agree", "--source", "series"
    assert run(*words) == FAILED
    assert f"UID {other.series_uid}" in capsys.readouterr().err
    for file in Path("series").glob("*.dcm"):
        dataset = pydicom.dcmread(file)
        dataset.StudyInstanceUID = other.study_uid
        dataset.save_as(file)
    assert run(*words, "-q") == 0
    assert capsys.readouterr().err.count("The CT series 1 (7 images) is read. Not read:") == 1


def test_a_series_that_lies_elsewhere_is_refused(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    far = scan().ijk_to_ras.copy()
    far[:3, 3] += 900
    series_of(tmp_path / "other", scan(ijk_to_ras=far))
    assert run("export", "organs.seg.nrrd", "--to", "dicom-seg", "--source", "other", "-o", ".") == FAILED
    said = capsys.readouterr().err
    assert "another patient" in said
    assert "--source" in said


def test_an_export_makes_its_own_folder_and_leaves_none_if_nothing_came_of_it(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    drafts = replace(segmentation().segments[0], tags={STATUS_TAG: "inprogress"})
    write_segmentation("drafts.seg.nrrd", replace(segmentation(), segments=(drafts,)))
    assert run("export", "drafts.seg.nrrd", "--to", "ply", "-o", "exported") == FAILED
    assert not Path("exported").exists()
    assert run("export", "organs.seg.nrrd", "--to", "ply", "-o", "exported") == 0
    assert {path.name for path in Path("exported").iterdir()} == {"organs_ply"}
    assert run("export", "organs.seg.nrrd", "--to", "ply", "-o", "no/exported") == FAILED
    assert "There is no folder" in capsys.readouterr().err
