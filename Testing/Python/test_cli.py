"""What a person at the command line sees: files, sentences, exit statuses."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
from cli_world import (
    LIVER_BOX,
    LIVER_VOXELS,
    SPLEEN_BOX,
    SPLEEN_VOXELS,
    VOXEL_ML,
    Run,
    masks_of,
    scan_image,
    write_base,
    write_scan,
)
from dicom_builder import along_z, write_series
from fake_engine import HEPATIC_TUMOR, HU_PER_CLASS, LIVER, RIGHT_KIDNEY, SPLEEN, FakeEngine, FakeOpened, specification
from safetensors.numpy import save_file
from VISTA3DSegmentLib.cli import CANCELLED, FAILED, main, progress
from VISTA3DSegmentLib.cli.collaborators import Collaborators
from VISTA3DSegmentLib.errors import ResourceError
from VISTA3DSegmentLib.files.reading import stem_of
from VISTA3DSegmentLib.files.segmentations import read_segmentation
from VISTA3DSegmentLib.files.volumes import read_volume
from VISTA3DSegmentLib.prompts import Box, Click, Structure
from VISTA3DSegmentLib.provenance import Algorithm, provenance_of

WRONG_USAGE = 2
ROOT = "1.2.826.0.1.3680043.2.1125"
"""Of the UIDs of DICOM series."""


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return write_scan(tmp_path)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def run(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command with the fake engine, in a folder and with a home of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VISTA3DSEGMENT_HOME", str(tmp_path / "home"))
    with_what = Collaborators(open_engine=lambda *_, **__: engine, describe_backend=lambda *_: "numpy on paper")
    return lambda *words: main([str(word) for word in words], with_what)


# segment


def test_segment_writes_the_organs_and_a_picture(run: Run, scan: Path, tmp_path: Path) -> None:
    assert run("segment", scan, "-o", "organs.seg.nrrd") == 0
    masks = masks_of(tmp_path / "organs.seg.nrrd", scan)
    assert {name: int(mask.sum()) for name, mask in masks.items()} == {"liver": LIVER_VOXELS, "spleen": SPLEEN_VOXELS}
    assert masks["liver"][LIVER_BOX].all()
    assert (tmp_path / "organs.png").read_bytes().startswith(b"\x89PNG")


def test_segment_says_volumes_and_what_was_not_found(run: Run, scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("segment", scan, "--no-picture", "-o", "organs.seg.nrrd", "--classes", "liver,spleen,right kidney")
    out = capsys.readouterr().out
    assert re.search(rf"liver +{LIVER_VOXELS * VOXEL_ML:.1f}", out)
    assert "Not found in this scan: right kidney." in out


def test_a_label_map_holds_the_ids_of_the_classes(run: Run, scan: Path, tmp_path: Path) -> None:
    assert run("segment", scan, "-o", "organs.nii.gz", "--no-picture") == 0
    labels = sitk.GetArrayFromImage(sitk.ReadImage(tmp_path / "organs.nii.gz"))
    assert dict(zip(*np.unique(labels, return_counts=True), strict=True)) == {
        0: labels.size - LIVER_VOXELS - SPLEEN_VOXELS,
        LIVER: LIVER_VOXELS,
        SPLEEN: SPLEEN_VOXELS,
    }
    assert not (tmp_path / "organs.png").exists()


def test_a_label_map_comes_with_a_table_that_names_its_values(run: Run, scan: Path) -> None:
    assert run("segment", scan, "--classes", "liver,spleen", "-o", "organs.nii.gz") == 0
    assert [one.name for one in read_segmentation(Path("organs.nii.gz")).segments] == ["liver", "spleen"]


def test_groups_are_segmented_as_their_members(run: Run, scan: Path, engine: FakeEngine) -> None:
    run("segment", scan, "--no-picture", "-o", "kidneys.seg.nrrd", "--classes", "kidney,liver")
    assert engine.asked == [((RIGHT_KIDNEY, LIVER), None)]


def test_classes_of_a_preset_that_the_model_lacks_are_left_out_and_named(
    run: Run, scan: Path, engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("segment", scan, "--no-picture", "-o", "o.seg.nrrd", "--preset", "abdomen") == 0
    assert "The model fake does not know" in capsys.readouterr().err
    ((classes, _),) = engine.asked  # type: ignore[misc]
    assert set(classes) <= set(specification().classes)


def test_a_named_class_that_the_model_lacks_is_an_error(
    run: Run, scan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("segment", scan, "--no-picture", "-o", "o.seg.nrrd", "--classes", "liver,pancreas") == FAILED
    assert "The model fake does not know pancreas. Choose another model" in capsys.readouterr().err


def test_an_unknown_word_is_refused_before_the_scan_is_read(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("segment", tmp_path / "missing.nrrd", "-o", "o.seg.nrrd", "--classes", "spleeen") == FAILED
    assert "Did you mean spleen" in capsys.readouterr().err


def test_classes_and_preset_together_are_refused(run: Run, scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("segment", scan, "--no-picture", "-o", "o.seg.nrrd", "--classes", "liver", "--preset", "all") == FAILED
    assert "Both --classes and --preset" in capsys.readouterr().err


def test_a_tumour_beside_its_organ_does_not_fit_into_a_label_map(
    run: Run, scan: Path, engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("segment", scan, "--no-picture", "-o", "o.nii.gz", "--classes", f"liver,{HEPATIC_TUMOR}") == FAILED
    assert "Use .seg.nrrd: -o o.seg.nrrd" in capsys.readouterr().err
    assert engine.asked == []


def test_a_tumour_alone_fits_into_a_label_map(run: Run, scan: Path) -> None:
    assert run("segment", scan, "--no-picture", "-o", "o.nii.gz", "--classes", HEPATIC_TUMOR) == 0


@pytest.mark.parametrize("name", ["organs.stl", "organs", ".seg.nrrd", "organs.nii.gz.txt"])
def test_a_name_without_a_known_format_is_refused(
    run: Run, scan: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("segment", scan, "--no-picture", "-o", name) == FAILED
    assert "End it in one of .seg.nrrd" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("segment",), ("refine", "--segment", "liver", "--positive", "14 10 10")])
def test_a_label_map_leaves_the_tables_of_others_alone(
    run: Run, scan: Path, words: tuple[str, ...], engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("o.csv").write_text("patients,of,a,study")
    command, *options = words
    assert run(command, scan, *options, "--no-picture", "-o", "o.nii.gz") == FAILED
    assert "o.csv is there already" in capsys.readouterr().err
    assert run(command, scan, *options, "--no-picture", "-o", "scan.mha") == FAILED
    assert "by which scan.nrrd would be read, too" in capsys.readouterr().err
    assert not engine.asked
    assert Path("o.csv").read_text() == "patients,of,a,study"
    assert run(command, scan, *options, "--no-picture", "-o", "new.nii.gz") == 0
    assert run(command, scan, *options, "--no-picture", "-o", "new.nii.gz") == 0


def test_the_table_of_a_reference_is_never_overwritten(
    run: Run, scan: Path, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = reference.with_name(f"{stem_of(reference)}.csv")
    table.write_text("LabelValue,Name\n1,liver\n3,spleen\n")
    assert run("evaluate", scan, reference, "--clicks", "1", "-o", table) == FAILED
    assert "would be overwritten" in capsys.readouterr().err
    assert table.read_text() == "LabelValue,Name\n1,liver\n3,spleen\n"


def test_the_scan_is_never_overwritten(run: Run, scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = scan.read_bytes()
    assert run("segment", scan, "--no-picture", "-o", scan) == FAILED
    assert "would be overwritten" in capsys.readouterr().err
    assert scan.read_bytes() == before


def test_a_scan_in_which_nothing_is_found_still_gives_files(run: Run, scan: Path, tmp_path: Path) -> None:
    assert run("segment", scan, "-o", "o.seg.nrrd", "--classes", "right kidney") == 0
    assert masks_of(tmp_path / "o.seg.nrrd", scan) == {}
    assert (tmp_path / "o.png").exists()


def test_a_missing_folder_is_said_before_the_work(run: Run, scan: Path, engine: FakeEngine) -> None:
    assert run("segment", scan, "--no-picture", "-o", "nowhere/organs.seg.nrrd") == FAILED
    assert run("segment", scan, "--no-picture", "-o", "organs.seg.nrrd", "--report", "nowhere/report.json") == FAILED
    assert engine.asked == []


@pytest.mark.parametrize("ending", [".seg.nrrd", ".nii.gz"])
def test_a_name_that_the_system_does_not_take_is_said_before_the_work(
    run: Run, scan: Path, engine: FakeEngine, capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    assert run("segment", scan, "--no-picture", "-o", f"{'a' * 300}{ending}") == FAILED
    assert "cannot be written (File name too long). Choose another name" in capsys.readouterr().err
    assert engine.asked == []


def test_the_report_says_which_model_found_what(run: Run, scan: Path, tmp_path: Path) -> None:
    run("segment", scan, "--no-picture", "-o", "o.seg.nrrd", "--classes", "liver,right kidney", "--report", "r.json")
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["model"] == {"name": "fake", "version": "7", "sha256": "f" * 64, "licence": "CC0-1.0"}
    assert report["device"] == "numpy on paper"
    assert report["classes"] == [LIVER, RIGHT_KIDNEY]
    liver, kidney = report["structures"]
    assert (liver["voxels"], liver["volume_ml"]) == (LIVER_VOXELS, pytest.approx(LIVER_VOXELS * VOXEL_ML))
    assert (kidney["voxels"], kidney["empty_reason"]) == (0, "No such voxel.")
    assert report["seconds"] > 0


def test_every_segment_says_which_model_made_it_and_how_many_clicks_corrected_it(run: Run, scan: Path) -> None:
    assert run("segment", scan, "--classes", "liver,spleen", "-o", "organs.seg.nrrd") == 0
    assert run("refine", scan, "--base", "organs.seg.nrrd", "--segment", "liver", "--positive", "30 20 12",
               "--negative", "4 4 4", "-o", "better.seg.nrrd") == 0  # fmt: skip
    made = {one.name: provenance_of(one.tags) for one in read_segmentation(Path("better.seg.nrrd")).segments}
    liver, spleen = made["liver"], made["spleen"]
    assert liver is not None
    assert spleen is not None
    assert (liver.algorithm, liver.positive, liver.negative) == (Algorithm.SEMIAUTOMATIC, 1, 1)
    assert (spleen.algorithm, spleen.clicks) == (Algorithm.AUTOMATIC, 0)
    assert (liver.model, liver.version, liver.sha256) == ("fake", "7", "f" * 64)


def test_a_region_is_a_box_whatever_the_order_of_its_corners(run: Run, scan: Path, engine: FakeEngine) -> None:
    run("segment", scan, "--no-picture", "-o", "o.seg.nrrd", "--classes", "liver", "--region", "20,-4.5,10 0,8,30")
    assert engine.asked == [((LIVER,), Box((0.0, -4.5, 10.0), (20.0, 8.0, 30.0)))]


def test_without_a_wish_all_that_the_model_knows_is_segmented_without_a_word_about_the_rest(
    run: Run, scan: Path, engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    run("segment", scan, "--no-picture", "-o", "o.seg.nrrd")
    assert engine.asked == [((LIVER, SPLEEN, RIGHT_KIDNEY), None)]
    assert "does not know" not in capsys.readouterr().err


def test_quiet_says_nothing(run: Run, scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("segment", scan, "--no-picture", "-o", "o.seg.nrrd", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_progress_is_plain_lines_with_the_time_left_where_nobody_watches(
    run: Run, scan: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "SECONDS", 0.0)
    run("segment", scan, "--no-picture", "-o", "o.seg.nrrd", "--classes", "liver,spleen")
    assert capsys.readouterr().err.splitlines() == ["Segmenting: 1 of 2 windows, about 2 s left"]


def test_what_is_done_in_a_moment_leaves_no_lines_of_progress_in_a_log(
    run: Run, scan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("segment", scan, "--no-picture", "-o", "o.seg.nrrd", "--classes", "liver,spleen")
    assert capsys.readouterr().err == ""


def test_nothing_that_names_the_patient_is_printed_or_written(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_dicom(tmp_path / "series", scan_image())
    assert run("segment", folder, "-o", "o.seg.nrrd", "--report", "r.json") == 0
    said = "".join(capsys.readouterr())
    written = [(tmp_path / name).read_bytes() for name in ("o.seg.nrrd", "r.json", "o.png")]
    for secret in ("Mustermann", "PID4711", "19501231"):
        assert secret not in said
        assert all(secret.encode() not in content for content in written)


def write_dicom(folder: Path, image: sitk.Image, series: int = 8, study: int = 7) -> Path:
    """A series with a patient's name, number and birthday; UIDs end in the numbers of series and study."""
    folder.mkdir(parents=True)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for k in range(image.GetSize()[2]):
        plane = image[:, :, k]
        tags = {
            "0010|0010": "Mustermann^Erika",
            "0010|0020": "PID4711",
            "0010|0030": "19501231",
            "0008|0060": "CT",
            "0008|0016": "1.2.840.10008.5.1.4.1.1.2",
            "0008|0018": f"{ROOT}.9.{series}.{k + 1}",
            "0020|000d": f"{ROOT}.{study}",
            "0020|000e": f"{ROOT}.{series}",
            "0020|0032": "\\".join(map(str, image.TransformIndexToPhysicalPoint((0, 0, k)))),
            "0020|0037": "-1\\0\\0\\0\\-1\\0",
            "0020|0013": str(k + 1),
        }
        for tag, value in tags.items():
            plane.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{k:03}.dcm"))
        writer.Execute(plane)
    return folder


def test_series_of_several_studies_are_named_and_none_is_segmented(
    run: Run, engine: FakeEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_dicom(tmp_path / "all" / "mine", scan_image())
    write_dicom(tmp_path / "all" / "hers", scan_image(), series=12, study=9)
    assert run("segment", tmp_path / "all", "-o", "o.seg.nrrd", "-q") == FAILED
    err = capsys.readouterr().err
    assert f"UID {ROOT}.8;\n  CT series (12 images), UID {ROOT}.12." in err
    assert "Choose the folder that holds one of them alone" in err
    assert not engine.asked
    assert run("segment", tmp_path / "all", "-o", "o.seg.nrrd", "-q", "--series", f"{ROOT}.12") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("words", [("segment",), ("refine", "--segment", "cyst", "--positive", "4 4 4")])
def test_which_series_of_a_study_is_taken_is_said_before_it_is_computed_also_if_quiet(
    words: tuple[str, ...], run: Run, engine: FakeEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_dicom(tmp_path / "study" / "long", scan_image())
    write_dicom(tmp_path / "study" / "short", scan_image()[:, :, :4], series=9)
    said: list[str] = []
    engine.during = lambda: said.append(capsys.readouterr().err)
    assert run(words[0], tmp_path / "study", *words[1:], "-o", "o.seg.nrrd", "-q") == 0
    assert said[0].startswith(f"The CT series (12 images) is read. Not read: CT series (4 images), UID {ROOT}.9: ")
    assert not "".join([*said[1:], capsys.readouterr().err])


def test_the_report_says_which_scan_it_is_about_and_not_whose(run: Run, scan: Path, tmp_path: Path) -> None:
    folder = write_dicom(tmp_path / "series", scan_image())
    shape_and_spacing = {"shape_kji": [12, 16, 20], "spacing_ijk_mm": [2.0, 2.0, 2.0]}
    assert run("segment", folder, "-o", "o.seg.nrrd", "--report", "r.json") == 0
    assert json.loads(Path("r.json").read_text())["scan"] == {"series_uid": f"{ROOT}.8", **shape_and_spacing}
    bare = write_series(tmp_path / "bare", along_z(0, 2, 4), series="")
    assert run("segment", bare, "-o", "o.seg.nrrd", "--report", "r.json") == 0
    checksum = hashlib.sha256((bare / "00_0").read_bytes()).hexdigest()
    assert json.loads(Path("r.json").read_text())["scan"]["sha256"] == checksum
    assert run("segment", scan, "-o", "o.seg.nrrd", "--report", "r.json") == 0
    checksum = hashlib.sha256(scan.read_bytes()).hexdigest()
    assert json.loads(Path("r.json").read_text())["scan"] == {"sha256": checksum, **shape_and_spacing}


def test_a_series_of_a_file_that_has_none_is_refused(run: Run, scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("segment", scan, "-o", "o.seg.nrrd", "--series", "1.2.3") == FAILED
    assert "scan.nrrd is no DICOM: it has no series to choose from. Leave out --series." in capsys.readouterr().err


# cancel and errors


def test_ctrl_c_ends_with_130_and_writes_nothing(
    run: Run, scan: Path, engine: FakeEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    windows = []

    def press_once() -> None:
        windows.append(len(windows))
        if len(windows) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    engine.during = press_once
    before = signal.getsignal(signal.SIGINT)
    assert run("segment", scan, "--no-picture", "-o", "o.seg.nrrd", "--report", "r.json") == CANCELLED
    assert "Cancelled." in capsys.readouterr().err
    assert len(windows) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scan.nrrd"]
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_in_the_last_window_still_cancels(
    run: Run, scan: Path, engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fake_engine.FakeOpened._window", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    assert run("segment", scan, "--no-picture", "-o", "o.seg.nrrd", "--classes", "liver") == CANCELLED
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scan.nrrd"]


def test_ctrl_c_pressed_twice_does_not_wait_for_the_window(run: Run, scan: Path, engine: FakeEngine) -> None:
    finished = []

    def press_twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        finished.append(True)

    engine.during = press_twice
    assert run("segment", scan, "--no-picture", "-o", "o.seg.nrrd") == CANCELLED
    assert not finished


def fall_over() -> None:
    raise ZeroDivisionError("by accident")


def test_an_accident_is_one_sentence_that_points_to_debug(
    run: Run, scan: Path, engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.during = fall_over
    assert run("segment", scan, "--no-picture", "-o", "o.seg.nrrd") == FAILED
    err = capsys.readouterr().err
    assert "by accident" in err
    assert "run the command again with --debug" in err
    assert "Traceback" not in err


def test_a_file_that_cannot_be_used_is_no_accident(
    run: Run, scan: Path, engine: FakeEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.during = lambda: print((tmp_path / "gone").read_text())
    assert run("segment", scan, "--no-picture", "-o", "o.seg.nrrd") == FAILED
    assert capsys.readouterr().err == (
        f"Error: {tmp_path / 'gone'} cannot be used (No such file or directory). Choose another name or place.\n"
    )


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a place where nobody may write")
@pytest.mark.parametrize(
    "words",
    [
        ("segment", "scan.nrrd", "-o", "/proc/x.seg.nrrd"),
        ("segment", "scan.nrrd", "-o", "x.seg.nrrd", "--report", "/proc/r.json"),
        ("export", "scan.nrrd", "--to", "stl", "-o", "/proc/x"),
        ("export", "scan.nrrd", "--to", "stl", "-o", "/proc/x.zip"),
        ("evaluate", "scan.nrrd", "scan.nrrd", "-o", "/proc/t.csv"),
    ],
)
def test_a_folder_that_cannot_be_written_is_said_before_the_work(
    words: tuple[str, ...], run: Run, scan: Path, engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == FAILED
    assert "Error: The folder /proc cannot be written (No such file or directory)." in capsys.readouterr().err
    assert not engine.asked


def test_a_file_where_a_folder_is_meant_is_called_one(run: Run, scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("segment", scan, "-o", scan / "o.seg.nrrd") == FAILED
    assert "scan.nrrd is a file and no folder. Choose another place." in capsys.readouterr().err


def test_debug_shows_where_it_happened(
    run: Run, scan: Path, engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.during = fall_over
    assert run("segment", scan, "--no-picture", "-o", "o.seg.nrrd", "--debug") == FAILED
    assert "in fall_over" in capsys.readouterr().err


def test_a_missing_scan_is_one_sentence(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("segment", tmp_path / "missing.nii.gz", "-o", "o.seg.nrrd") == FAILED
    err = capsys.readouterr().err
    assert err.startswith("Error: ")
    assert "missing.nii.gz" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("words", [["segment"], ["segment", "x.nii", "-o", "o.mha", "--precision", "abacus"], ["fly"]])
def test_wrong_usage_ends_with_2(run: Run, words: list[str]) -> None:
    assert run(*words) == WRONG_USAGE


def test_help_and_version_need_no_engine(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    assert "--debug" not in capsys.readouterr().out
    for words in ((), ("segment",), ("export",), ("models", "download")):
        assert run(*words, "--help") == 0
        assert "bool" not in capsys.readouterr().out
    assert run("--version") == 0
    assert capsys.readouterr().out.startswith("vista3dsegment 0.")


# refine


def test_a_click_changes_its_segment_and_no_other(run: Run, scan: Path, tmp_path: Path) -> None:
    base = write_base(tmp_path / "base.seg.nrrd", scan)
    before = masks_of(tmp_path / "base.seg.nrrd", scan)
    words = ["--base", "base.seg.nrrd", "--segment", "liver", "--positive", "14 10 10", "--negative", "4 6 4"]
    assert run("refine", scan, *words, "-o", "new.seg.nrrd") == 0
    after = masks_of(tmp_path / "new.seg.nrrd", scan)
    assert list(after) == list(before) == ["Liver", "my spleen"]
    assert (after["my spleen"] == before["my spleen"]).all()
    assert after["Liver"][5, 5, 7]
    assert not after["Liver"][2, 3, 2]
    written = read_segmentation(tmp_path / "new.seg.nrrd", like=read_volume(scan).volume).segments
    assert [segment.color for segment in written] == [segment.color for segment in base.segments]
    assert (tmp_path / "new.png").exists()


def test_the_users_own_mask_is_what_the_clicks_correct(
    run: Run, scan: Path, tmp_path: Path, engine: FakeEngine
) -> None:
    write_base(tmp_path / "base.seg.nrrd", scan)
    run(
        "refine",
        scan,
        "--base",
        "base.seg.nrrd",
        "--segment",
        "my spleen",
        "--positive",
        "30,10,10",
        "-o",
        "n.seg.nrrd",
    )
    ((structure, prompts, base, region),) = engine.asked  # type: ignore[misc]
    assert structure == Structure("my spleen", None)
    assert prompts == (Click((30.0, 10.0, 10.0)),)
    assert base.mask.sum() == 4 * 4 * 4
    assert region is None


def test_a_class_without_base_is_its_automatic_result_corrected(
    run: Run, scan: Path, tmp_path: Path, engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("refine", scan, "--no-picture", "--segment", "spleen", "--positive", "24 10 10", "-o", "n.seg.nrrd") == 0
    assert "'spleen' is the class spleen (3)" in capsys.readouterr().err
    asked, (structure, _, base, _) = engine.asked  # type: ignore[misc]
    assert asked == ((SPLEEN,), None)
    assert structure == Structure("spleen", SPLEEN)
    assert base.mask.sum() == SPLEEN_VOXELS
    spleen = masks_of(tmp_path / "n.seg.nrrd", scan)["spleen"]
    assert spleen[SPLEEN_BOX].all()
    assert spleen.sum() > SPLEEN_VOXELS


def test_why_the_clicks_changed_nothing_is_said(
    run: Run, scan: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = FakeOpened.refine
    why = "The clicks changed nothing in spleen."
    monkeypatch.setattr(FakeOpened, "refine", lambda *asked, **more: replace(answer(*asked, **more), empty_reason=why))
    run("refine", scan, "--no-picture", "--segment", "spleen", "--positive", "30 10 10", "-o", "n.seg.nrrd")
    assert why in capsys.readouterr().out


def test_any_other_name_is_a_new_structure_and_that_is_said(
    run: Run, scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run("refine", scan, "--no-picture", "--segment", "abscess", "--positive", "20 20 10", "-o", "n.seg.nrrd") == 0
    )
    assert "a new structure, which your clicks alone describe" in capsys.readouterr().err
    assert list(masks_of(tmp_path / "n.seg.nrrd", scan)) == ["abscess"]


def test_a_misspelt_class_is_a_new_structure_but_the_class_is_pointed_out(
    run: Run, scan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("refine", scan, "--no-picture", "--segment", "spleeen", "--positive", "20 20 10", "-o", "n.seg.nrrd")
    assert "(Similar classes: spleen" in capsys.readouterr().err


def test_a_group_cannot_be_clicked_and_its_members_are_named(
    run: Run, scan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run("refine", scan, "--no-picture", "--segment", "kidney", "--positive", "20 20 10", "-o", "n.seg.nrrd")
        == FAILED
    )
    err = capsys.readouterr().err
    assert "left kidney" in err
    assert "right kidney" in err


def test_a_segment_that_the_base_lacks_is_added_and_that_is_said(
    run: Run, scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_base(tmp_path / "base.seg.nrrd", scan)
    words = ["--base", "base.seg.nrrd", "--segment", "cyst", "--positive", "20 26 20"]
    assert run("refine", scan, "--no-picture", *words, "-o", "n.seg.nrrd") == 0
    assert list(masks_of(tmp_path / "n.seg.nrrd", scan)) == ["Liver", "my spleen", "cyst"]
    assert "has no segment 'cyst' (its segments: Liver, my spleen)" in capsys.readouterr().err


def test_the_base_may_be_replaced_by_its_correction(run: Run, scan: Path, tmp_path: Path) -> None:
    write_base(tmp_path / "base.seg.nrrd", scan)
    words = ["--base", "base.seg.nrrd", "--segment", "Liver", "--positive", "14 10 10", "-o", "base.seg.nrrd"]
    assert run("refine", scan, "--no-picture", *words) == 0
    assert masks_of(tmp_path / "base.seg.nrrd", scan)["Liver"][5, 5, 7]


def test_in_a_label_map_the_value_is_the_class(
    run: Run, scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("segment", scan, "--no-picture", "-o", "base.nii.gz")
    for table in ("base.csv", "base.label"):
        Path(table).unlink()
    words = ["--base", "base.nii.gz", "--segment", "liver", "--positive", "20 10 10"]
    assert run("refine", scan, "--no-picture", *words, "-o", "n.nii.gz") == 0
    assert "Label 1 of base.nii.gz is taken for 'liver'." in capsys.readouterr().err
    labels = sitk.GetArrayFromImage(sitk.ReadImage(tmp_path / "n.nii.gz"))
    assert (labels == LIVER).sum() > LIVER_VOXELS
    assert (labels == SPLEEN).sum() == SPLEEN_VOXELS


def test_a_new_structure_in_a_label_map_leaves_the_other_values_alone(
    run: Run, scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("segment", scan, "--no-picture", "-o", "base.nii.gz")
    words = ["--base", "base.nii.gz", "--segment", "cyst", "--positive", "20 26 20"]
    assert run("refine", scan, "--no-picture", *words, "-o", "n.nii.gz") == 0
    assert "In n.nii.gz, cyst has the value 133." in capsys.readouterr().err
    labels = sitk.GetArrayFromImage(sitk.ReadImage(tmp_path / "n.nii.gz"))
    assert set(np.unique(labels)) == {0, LIVER, SPLEEN, 133}


def test_a_click_outside_the_scan_is_refused(
    run: Run, scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run("refine", scan, "--no-picture", "--segment", "liver", "--positive", "900 0 0", "-o", "n.seg.nrrd") == FAILED
    )
    expected = "Error: The click at (900.0, 0.0, 0.0) mm lies outside the scan. Click inside the image.\n"
    assert capsys.readouterr().err == expected
    assert not (tmp_path / "n.seg.nrrd").exists()


@pytest.mark.parametrize("position", ["12,5 30 40", "12 30", "a b c", "", "nan 1 2"])
def test_a_position_that_is_none_is_refused(
    run: Run, scan: Path, position: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run("refine", scan, "--no-picture", "--segment", "liver", "--positive", position, "-o", "n.seg.nrrd") == FAILED
    )
    assert "position" in capsys.readouterr().err


def test_a_position_may_begin_with_a_minus(run: Run, scan: Path, engine: FakeEngine) -> None:
    run("refine", scan, "--no-picture", "--segment", "abscess", "--negative", "-.4 2 3", "-o", "n.seg.nrrd")
    ((_, prompts, _, _),) = engine.asked  # type: ignore[misc]
    assert prompts == (Click((-0.4, 2.0, 3.0), positive=False),)


def test_refine_without_a_click_is_refused(run: Run, scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("refine", scan, "--no-picture", "--segment", "liver", "-o", "n.seg.nrrd") == FAILED
    assert "There is no click." in capsys.readouterr().err


def test_a_model_without_clicks_is_refused(
    run: Run, scan: Path, engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.specification = replace(engine.specification, clicks=False, zero_shot=False)
    assert (
        run("refine", scan, "--no-picture", "--segment", "liver", "--positive", "8 8 8", "-o", "n.seg.nrrd") == FAILED
    )
    assert "takes no clicks" in capsys.readouterr().err


# evaluate


@pytest.fixture
def reference(scan: Path, tmp_path: Path) -> Path:
    """The truth: the liver as the fake engine finds it, the spleen half as large, and something without a class."""
    array = sitk.GetArrayFromImage(sitk.ReadImage(scan))
    labels = np.zeros(array.shape, dtype=np.uint8)
    labels[LIVER_BOX] = LIVER
    labels[4:8, 4:8, 13:15] = SPLEEN
    labels[9:11, 12:14, 2:4] = 200
    image = sitk.GetImageFromArray(labels)
    image.CopyInformation(sitk.ReadImage(scan))
    sitk.WriteImage(image, tmp_path / "truth.nii.gz")
    return tmp_path / "truth.nii.gz"


def rows_of(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["structure"]: row for row in csv.DictReader(file)}


def test_evaluate_counts_what_clicks_alone_reach(
    run: Run, scan: Path, reference: Path, tmp_path: Path, engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("evaluate", scan, reference, "--clicks", "1,3", "-o", "table.csv") == 0
    rows = rows_of(tmp_path / "table.csv")
    assert {"liver", "spleen", "Label 200"} <= set(rows)
    assert {structure for structure, *_ in engine.asked} == {  # type: ignore[misc]
        Structure("liver"), Structure("spleen"), Structure("Label 200"),
    }  # fmt: skip
    assert (tmp_path / "table.png").read_bytes().startswith(b"\x89PNG")
    assert "spleen" in capsys.readouterr().out
    assert float(rows["spleen"]["dice_3"]) > 0


def test_evaluate_without_a_click_measures_the_automatic_result(
    run: Run, scan: Path, reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("evaluate", scan, reference, "--mode", "automatic", "-o", "table.csv") == 0
    rows = rows_of(tmp_path / "table.csv")
    dice = {name: float(row["dice_0"]) for name, row in rows.items()}
    assert dice["liver"] == 1.0
    assert dice["spleen"] == pytest.approx(2 * 32 / (32 + SPLEEN_VOXELS), abs=1e-3)
    assert "does not find by itself: Label 200" in capsys.readouterr().err


def test_evaluate_corrects_the_automatic_result(run: Run, scan: Path, reference: Path, engine: FakeEngine) -> None:
    assert run("evaluate", scan, reference, "--mode", "correct", "--clicks", "2", "--structures", "spleen") == 0
    (classes, _), *clicks = engine.asked  # type: ignore[misc]
    assert classes == (LIVER, SPLEEN, RIGHT_KIDNEY)  # nobody tells the model what is there
    assert [len(prompts) for _, prompts, _, _ in clicks] == [1, 2]
    for structure, prompts, base, _ in clicks:
        assert structure == Structure("spleen", SPLEEN)
        assert not prompts[0].positive
        assert base.mask.sum() == SPLEEN_VOXELS


def test_a_mapping_says_what_the_values_of_the_reference_are(
    run: Run, scan: Path, reference: Path, tmp_path: Path
) -> None:
    (tmp_path / "map.csv").write_text("label,class_id,name\n1,3,milz\n3,,etwas\n200,3,\n")
    words = ["--mapping", "map.csv", "--clicks", "1", "-o", "table.csv", "--min-voxels", "10"]
    assert run("evaluate", scan, reference, *words) == 0
    assert {"spleen", "etwas"} <= set(rows_of(tmp_path / "table.csv"))


def test_a_mapping_speaks_of_values_although_a_table_names_them(run: Run, scan: Path, reference: Path) -> None:
    reference.with_name(f"{stem_of(reference)}.ctbl").write_text("1 Leber 1 2 3 255\n3 Milz 4 5 6 255\n")
    Path("map.csv").write_text("label,class_id\n1,1\n3,3\n")
    assert run("evaluate", scan, reference, "--mapping", "map.csv", "--clicks", "1", "-o", "table.csv") == 0
    assert {"liver", "spleen"} <= set(rows_of(Path("table.csv")))


def test_a_mapping_of_several_tasks_says_which_it_used(
    run: Run, scan: Path, reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = "task,totalsegmentator_id,totalsegmentator_name,vista3d_id\ntotal,1,spleen,3\ntotal_mr,1,liver,1\n"
    (tmp_path / "map.csv").write_text(table)
    words = ["--mapping", "map.csv", "--clicks", "1", "-o", "table.csv"]
    assert run("evaluate", scan, reference, *words) == 0
    assert "the tasks total, total_mr; total was used" in capsys.readouterr().err
    assert "spleen" in rows_of(tmp_path / "table.csv")
    assert run("evaluate", scan, reference, *words, "--task", "total_mr") == 0
    assert "liver" in rows_of(tmp_path / "table.csv")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--clicks", "1,x"], "no list of numbers of clicks"),
        (["--structures", "tail"], "It has liver, spleen, Label 200"),
        (["--min-voxels", "1000"], "no such structure of at least 1000 voxels"),
        (["--mapping", "missing.csv"], "missing.csv cannot be read"),
        (["-o", "table.txt"], "End it in .csv"),
        (["--mapping", "mine.csv", "-o", "mine.csv"], "mine.csv is also an input and would be overwritten"),
    ],
)
def test_evaluate_says_what_it_cannot_do(
    run: Run, scan: Path, reference: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mine.csv").write_text("label,class_id\n1,1\n")
    assert run("evaluate", scan, reference, *words) == FAILED
    assert said in capsys.readouterr().err


# classes, models, doctor, demo


def test_classes_finds_a_structure_by_a_word(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("classes", "liver") == 0
    assert re.search(r"^ *1 +liver", capsys.readouterr().out, re.MULTILINE)
    assert run("classes", "zeppelin") == FAILED
    assert "No structure is called 'zeppelin'" in capsys.readouterr().err


def test_classes_lists_all_132_and_the_presets(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("classes") == 0
    out = capsys.readouterr().out
    assert len(re.findall(r"^ *\d+ ", out, re.MULTILINE)) == 132
    assert "everything (117)" in out


def test_models_are_listed_added_verified_and_removed(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "mine.safetensors"
    save_file({"weights": np.ones(3, dtype=np.float32)}, own)
    assert run("models", "add", own) == 0
    assert run("models", "list") == 0
    out = capsys.readouterr().out
    assert re.search(r"^mine +yes", out, re.MULTILINE)
    assert re.search(r"^nv-segment-ct +no", out, re.MULTILINE)
    assert run("models", "verify", "mine") == 0
    assert "mine is intact" in capsys.readouterr().out
    assert run("models", "remove", "mine") == 0
    assert run("models", "verify", "mine") == FAILED


def test_without_a_terminal_a_licence_must_be_accepted_by_option(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: pytest.fail("nothing may be downloaded unasked"))
    assert run("models", "download", "nv-segment-ct") == FAILED
    said = capsys.readouterr()
    assert "NVIDIA Open Model License" in said.out
    assert "--accept-licence" in said.err


def test_an_accepted_licence_is_shown_and_the_download_begins(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def unreachable(request: object, **_: object) -> None:
        asked.append(request.full_url)  # type: ignore[attr-defined]
        raise OSError("no network in this test")

    monkeypatch.setattr("urllib.request.urlopen", unreachable)
    assert run("models", "download", "nv-segment-ct", "--accept-licence") == FAILED
    assert "NVIDIA Open Model License" in capsys.readouterr().out
    assert asked


def test_doctor_says_versions_processor_memory_caches_and_models(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor") == 0
    out = capsys.readouterr().out
    for fact in (
        r"torch +\d",
        r"Python +3\.",
        r"processor +\S",
        r"features +\S",
        r"GiB in all",
        r"cpu +numpy on paper",
        r"trame-slicer +\S",
        r"slicer-core +\S",
        r"vtk +\d",
        r"pydicom +\d",
        r"highdicom +\d",
    ):
        assert re.search(fact, out), fact
    for folder in (r"models,work\S+home", r"temporary\S+"):
        assert re.search(folder + r"\([\d.]+GiBfree,canbewritten\)", "".join(out.split())), "long paths are folded"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a place where nobody may write")
def test_doctor_says_which_folder_cannot_be_written(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VISTA3DSEGMENT_HOME", "/proc/home")
    assert run("doctor") == 0
    out = " ".join(capsys.readouterr().out.split())
    assert re.search(r"/proc/home \(.*free, cannot be written: No such file or directory\)", out)


def test_doctor_and_models_list_speak_to_other_programs(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    (Path(os.environ["VISTA3DSEGMENT_HOME"]) / "journals").mkdir(parents=True)
    assert run("doctor", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["What runs a model"]["cpu"] == "numpy on paper"
    assert "can be written" in found["Folders"]["temporary"]
    assert not [name for facts in found.values() for name in facts if name != name.strip()]
    assert run("models", "list", "--json") == 0
    listed = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    starter, published = listed["starter"], listed["nv-segment-ct"]
    assert starter["system"] == "VISTA3D"
    assert starter["size_bytes"] == Path(starter["path"]).stat().st_size
    assert (published["path"], published["lacks_vocabulary"]) == (None, False)


def test_doctor_reports_a_sick_device_instead_of_falling_ill(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def describe(device: str, precision: str) -> str:
        if device == "cuda":
            raise ResourceError("There is no CUDA device.", "Choose cpu.")
        return "numpy on paper"

    assert main(["doctor"], Collaborators(describe_backend=describe)) == 0
    assert re.search(r"cuda +cannot be used: There is no CUDA device", capsys.readouterr().out)


def test_the_commands_start_without_torch() -> None:
    code = (
        "import sys; from VISTA3DSegmentLib.cli import main; main(['--help']); main(['classes', 'liver']); "
        "sys.exit([name for name in ('torch', 'monai', 'openvino') if name in sys.modules] or 0)"
    )
    path = os.pathsep.join(filter(None, sys.path))
    subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, check=True, capture_output=True
    )


@pytest.fixture
def sample(scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample of which the fake engine finds the liver and the spleen."""
    array = sitk.GetArrayFromImage(sitk.ReadImage(scan))
    truth = sitk.GetImageFromArray((np.maximum(array, 0) // HU_PER_CLASS).astype(np.uint8))
    truth.CopyInformation(sitk.ReadImage(scan))
    sitk.WriteImage(truth, tmp_path / "truth.nrrd")
    files = {"Samples/sample_ct.nrrd": scan, "Samples/sample_truth.nrrd": tmp_path / "truth.nrrd"}
    monkeypatch.setattr("VISTA3DSegmentLib.cli.demo.resource", files.__getitem__)


@pytest.mark.usefixtures("sample")
def test_demo_segments_damages_and_mends_and_says_where_the_pictures_are(
    run: Run, scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("demo") == 0
    out = capsys.readouterr().out
    assert re.search(r"^spleen +1\.000$", out, re.MULTILINE)
    cut, *mended = (float(dice) for dice in re.findall(r"(?:purpose|mm): Dice (\d\.\d+)", out))
    assert cut < 0.75
    assert len(mended) == 3
    assert cut < mended[0] < mended[-1]
    pictures = {(tmp_path / "demo" / f"{name}.png").read_bytes() for name in ("before", "damaged", "corrected")}
    assert len(pictures) == 3
    assert "demo/corrected.png" in out
    masks = masks_of(tmp_path / "demo" / "organs.seg.nrrd", scan)
    assert masks["spleen"].sum() == SPLEEN_VOXELS
    assert masks["liver"].sum() < LIVER_VOXELS


@pytest.mark.usefixtures("sample")
def test_demo_of_a_model_that_finds_nothing_says_so(
    run: Run, engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.specification = specification((RIGHT_KIDNEY,))
    assert run("demo") == FAILED
    assert "found nothing in the sample" in capsys.readouterr().err
