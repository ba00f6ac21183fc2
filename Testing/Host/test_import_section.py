"""Reading segments from files by the panel, on the stand-in: a real child process reads real files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from panel_bench import Bench
from scene_world import LIVER_VOXELS, SPLEEN_VOXELS, painted
from test_export_section import Database, write_series
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.export.ct_series import write_ct_series
from VISTA3DSegmentLib.export.dicom_seg import write_dicom_seg
from VISTA3DSegmentLib.export.label_tables import write_label_map
from VISTA3DSegmentLib.export.rtstruct import write_rtstruct
from VISTA3DSegmentLib.export.source import read_source
from VISTA3DSegmentLib.files.segmentations import Segment, Segmentation, write_segmentation
from VISTA3DSegmentLib.volume import Volume

ORGANS = Segmentation(
    LIVER_VOXELS.shape,
    np.eye(4),
    (
        Segment("liver", MaskCrop.of(LIVER_VOXELS), (221, 130, 101), 1),
        Segment("my finding", MaskCrop.of(SPLEEN_VOXELS), (1, 2, 3)),
    ),
)
EXPECTED = {"liver": int(LIVER_VOXELS.sum()), "my finding": int(SPLEEN_VOXELS.sum())}


def read(bench: Bench, path: Path | str) -> None:
    """Press the button, and choose a file."""
    bench.host.set_testing(False)
    bench.host.answers.append(str(path))
    bench.host.click(bench.ui.importButton)
    bench.host.set_testing(True)
    bench.host.wait_until(lambda: not bench.panel._import._waiting.busy)
    bench.settle()


def segments(bench: Bench) -> dict[str, int]:
    found = bench.workspace.segmentation_now().segments
    return {one.name: int(one.mask.mask.sum()) for one in found}


def known_as(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scan is one that the host has loaded from DICOM; this is its first image."""
    import slicer

    monkeypatch.setattr(slicer, "dicomDatabase", Database({"1.2.3": str(image)}), raising=False)
    slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode").SetAttribute("DICOM.instanceUIDs", "1.2.3")


@pytest.mark.parametrize("kind", ["seg.nrrd", "label map", "dicom-seg", "rtstruct"])
def test_segments_of_a_file_lie_where_they_did_and_can_be_corrected_and_taken_back(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    bench.open()
    write_series(tmp_path / "series")
    source = read_source(tmp_path / "series")
    known_as(next((tmp_path / "series").iterdir()), monkeypatch)
    path = tmp_path / {"seg.nrrd": "a.seg.nrrd", "label map": "a.nii.gz"}.get(kind, "a.dcm")
    if kind == "seg.nrrd":
        write_segmentation(path, ORGANS)
    elif kind == "label map":
        write_label_map(path, ORGANS)
    else:
        (write_dicom_seg if kind == "dicom-seg" else write_rtstruct)(path, ORGANS, source)
    read(bench, path)
    assert segments(bench) == EXPECTED, bench.said
    by_name = {view.name: view for view in bench.workspace.segments()}
    assert bench.workspace.annotator.segments.class_id(by_name["liver"].id) == 1
    liver = bench.workspace.annotator.session.annotation.objects[by_name["liver"].id]
    assert liver.structure.class_id == 1, "VISTA3D corrects it as its class"
    bench.press("undoButton")
    assert segments(bench) == {}, "it is one step"
    bench.press("redoButton")
    assert segments(bench) == EXPECTED


def test_what_is_no_segmentation_is_refused_in_a_sentence_and_nothing_changes(bench: Bench, tmp_path: Path) -> None:
    bench.open()
    (tmp_path / "letter.dcm").write_text("Dear colleague")
    read(bench, tmp_path / "letter.dcm")
    assert "is no segmentation file" in bench.said
    assert segments(bench) == {}
    assert bench.ui.importButton.enabled


@pytest.mark.parametrize("write", [write_dicom_seg, write_rtstruct])
def test_what_was_drawn_on_another_scan_is_refused(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[..., object]
) -> None:
    bench.open()
    write_series(tmp_path / "other")
    write(tmp_path / "a.dcm", ORGANS, read_source(tmp_path / "other"))
    write_ct_series(tmp_path / "mine", Volume(painted() + 1, np.eye(4)), "ANON-2")
    known_as(next((tmp_path / "mine").iterdir()), monkeypatch)
    read(bench, tmp_path / "a.dcm")
    assert "another frame of reference" in bench.said
    assert segments(bench) == {}


@pytest.mark.parametrize("write", [write_dicom_seg, write_rtstruct])
def test_images_of_the_scan_that_are_gone_are_said_where_they_are_needed(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[..., object]
) -> None:
    bench.open()
    known_as(tmp_path / "gone.dcm", monkeypatch)
    write_series(tmp_path / "series")
    write(tmp_path / "a.dcm", ORGANS, read_source(tmp_path / "series"))
    read(bench, tmp_path / "a.dcm")
    assert "gone.dcm, cannot be read any more" in bench.said
    assert segments(bench) == {}
    write_segmentation(tmp_path / "a.seg.nrrd", ORGANS)
    read(bench, tmp_path / "a.seg.nrrd")
    assert segments(bench) == EXPECTED, bench.said


def test_nothing_is_read_without_a_scan_or_if_the_person_chooses_no_file(bench: Bench) -> None:
    import slicer

    bench.open()
    assert bench.ui.importButton.enabled
    read(bench, "")
    assert segments(bench) == {}
    slicer.mrmlScene.Clear(0)
    bench.settle()
    assert not bench.ui.importButton.enabled
    assert bench.ui.importButton.toolTip == "Open a scan first."


def test_segments_are_not_put_onto_another_scan_than_they_were_read_for(bench: Bench, tmp_path: Path) -> None:
    bench.open()
    write_segmentation(tmp_path / "a.seg.nrrd", ORGANS)
    bench.host.set_testing(False)
    bench.host.answers.append(str(tmp_path / "a.seg.nrrd"))
    bench.host.click(bench.ui.importButton)
    bench.host.set_testing(True)
    other = bench.add_scan(painted() + 1, "other")
    bench.panel.annotate(other, None)
    bench.host.wait_until(lambda: not bench.panel._import._waiting.busy)
    bench.settle()
    assert "Another scan was opened meanwhile" in bench.said
    assert segments(bench) == {}
