"""Exporting and measuring from the panel, on the stand-in: the files are really written, in a real child process."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from fake_engine import LIVER, SPLEEN
from panel_bench import ELSEWHERE, Bench
from scene_world import LIVER_VOXELS, painted
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.export.ct_series import write_ct_series
from VISTA3DSegmentLib.export.folders import all_or_none
from VISTA3DSegmentLib.export.formats import TITLES, Form
from VISTA3DSegmentLib.files.segmentations import read_segmentation
from VISTA3DSegmentLib.prompts import Structure
from VISTA3DSegmentLib.provenance import current_time
from VISTA3DSegmentLib.service.parcel import Label, unpacked
from VISTA3DSegmentLib.session.annotation import Status
from VISTA3DSegmentLib.volume import Volume


class Exporter:
    """A person who exports.

    Args:
        bench: the panel, opened.
        folder: for the files.
    """

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench, self.ui, self.folder = bench, bench.ui, folder
        folder.mkdir()
        self.ui.exportFolderButton.directory = str(folder)

    @property
    def section(self) -> Any:
        return self.bench.panel._export

    @property
    def result(self) -> str:
        return str(self.ui.exportResultLabel.text)

    def item(self, form: Form) -> Any:
        return self.ui.exportList.item(list(TITLES).index(form))

    def choose(self, *forms: Form) -> None:
        import qt

        for form in TITLES:
            self.item(form).setCheckState(qt.Qt.Checked if form in forms else qt.Qt.Unchecked)

    def press(self, name: str = "exportButton") -> None:
        self.bench.host.click(getattr(self.ui, name))
        self.wait()

    def wait(self) -> None:
        self.bench.host.wait_until(lambda: not self.section.busy)
        self.bench.settle()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def exporter(bench: Bench, tmp_path: Path) -> Exporter:
    """Two organs were found and accepted."""
    bench.open()
    bench.segment(LIVER, SPLEEN)
    accept(bench)
    return Exporter(bench, tmp_path / "exported")


def accept(bench: Bench) -> None:
    for view in bench.workspace.segments():
        bench.workspace.annotator.set_status(view.id, Status.DONE)
    bench.settle()


@pytest.fixture
def dicom(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Exporter:
    """The same on a scan from the host's DICOM database."""
    import slicer

    files = write_series(tmp_path / "series")
    monkeypatch.setattr(slicer, "dicomDatabase", Database(files), raising=False)
    node = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
    node.SetAttribute("DICOM.instanceUIDs", " ".join(files))
    bench.open()
    bench.segment(LIVER, SPLEEN)
    accept(bench)
    return Exporter(bench, tmp_path / "exported")


class Database:
    """The host's DICOM database, as far as it is asked.

    Args:
        files: by the identifiers of their images.
    """

    def __init__(self, files: dict[str, str]) -> None:
        self.files, self.asked = files, 0

    def fileForInstance(self, uid: str) -> str:  # noqa: N802 (the host's custom)
        self.asked += 1
        return self.files.get(uid, "")


def write_series(folder: Path) -> dict[str, str]:
    write_ct_series(folder, Volume(painted(), np.eye(4)), "ANON-1")
    paths = sorted(folder.iterdir())
    return {str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID): str(path) for path in paths}


def voxels(path: Path) -> dict[str, np.ndarray]:
    found = read_segmentation(path, like=Volume(painted(), np.eye(4)))
    return {one.name: one.mask.full(found.shape_kji) for one in found.segments}


# ---------------------------------------------------------------------- what can be chosen


def test_dicom_cannot_be_made_of_a_scan_from_elsewhere_and_says_why(exporter: Exporter) -> None:
    import qt

    assert "DICOM database" in exporter.ui.exportSourceLabel.text
    for form in Form:
        possible = bool(exporter.item(form).flags() & qt.Qt.ItemIsEnabled)
        assert possible is not form.is_dicom
        assert ("DICOM database" in exporter.item(form).toolTip()) is form.is_dicom
    assert exporter.ui.exportList.verticalScrollBar().maximum == 0, "all kinds are in sight"
    exporter.choose(Form.DICOM_SEG)
    assert not exporter.ui.exportButton.enabled
    assert exporter.ui.exportButton.toolTip == "Choose a kind of file."
    exporter.choose(Form.NIFTI)
    assert exporter.ui.exportButton.enabled


def test_a_scan_from_elsewhere_can_be_written_as_a_new_series_beside_what_refers_to_it(exporter: Exporter) -> None:
    exporter.ui.exportNewSeriesCheckBox.setChecked(True)
    exporter.choose(Form.DICOM_SEG)
    assert exporter.ui.exportButton.enabled
    exporter.press()
    assert exporter.names() == ["segmentation_seg.dcm", "segmentation_series"], exporter.result
    image = pydicom.dcmread(next((exporter.folder / "segmentation_series").iterdir()))
    assert pydicom.dcmread(exporter.folder / "segmentation_seg.dcm").StudyInstanceUID == image.StudyInstanceUID
    assert (voxels(exporter.folder / "segmentation_seg.dcm")["liver"] == LIVER_VOXELS).all()


def test_without_a_scan_nothing_can_be_exported_or_measured(bench: Bench) -> None:
    import slicer

    slicer.mrmlScene.Clear(0)
    bench.open()
    for button in (bench.ui.exportButton, bench.ui.measureButton):
        assert not button.enabled
        assert button.toolTip == "Open a scan first."
    assert not bench.ui.exportSourceLabel.visible
    assert not bench.ui.exportWidget.visible
    assert not bench.ui.exportAgreeCheckBox.visible


def test_kinds_and_folder_of_the_last_time_are_offered_again(exporter: Exporter) -> None:
    from VISTA3DSegmentLib.desktop.export_section import ExportSection

    assert exporter.section._kinds.chosen == (Form.NIFTI,)
    exporter.choose(Form.STL, Form.REPORT)
    settings, workspace = exporter.bench.host, exporter.bench.workspace
    import slicer

    again = ExportSection(exporter.ui, slicer.app.userSettings(), None, lambda: workspace, settings.errors.append)
    assert again._kinds.chosen == (Form.STL, Form.REPORT)
    assert str(exporter.ui.exportFolderButton.directory) == str(exporter.folder)


# ---------------------------------------------------------------------- exporting


def test_files_are_written_and_named_and_hold_the_segments(exporter: Exporter) -> None:
    exporter.choose(Form.NIFTI, Form.STL)
    exporter.press()
    assert exporter.result.startswith(f"Written into {exporter.folder}: segmentation.nii.gz, segmentation_stl.")
    assert "segmentation.nii.gz" in exporter.names()
    assert (voxels(exporter.folder / "segmentation.nii.gz")["liver"] == LIVER_VOXELS).all()
    assert len(list((exporter.folder / "segmentation_stl").glob("*.stl"))) == 2
    assert not exporter.ui.exportWidget.visible
    assert exporter.ui.exportButton.enabled


def test_a_scan_from_the_database_becomes_dicom_of_the_same_study(dicom: Exporter) -> None:
    import slicer

    assert not dicom.ui.exportSourceLabel.visible
    asked = slicer.dicomDatabase.asked
    dicom.bench.panel._wake()
    dicom.bench.settle()
    assert slicer.dicomDatabase.asked == asked, "it is not asked each time that something is shown"
    dicom.choose(Form.DICOM_SEG, Form.RTSTRUCT, Form.REPORT)
    dicom.press()
    assert dicom.names()[:5] == [
        "segmentation_report.csv",
        "segmentation_report.html",
        "segmentation_report.json",
        "segmentation_rtstruct.dcm",
        "segmentation_seg.dcm",
    ]
    image = pydicom.dcmread(next(iter(slicer.dicomDatabase.files.values())), stop_before_pixels=True)
    for name in ("segmentation_seg.dcm", "segmentation_rtstruct.dcm"):
        assert pydicom.dcmread(dicom.folder / name).StudyInstanceUID == image.StudyInstanceUID
    assert (voxels(dicom.folder / "segmentation_seg.dcm")["liver"] == LIVER_VOXELS).all()


def test_images_that_have_left_the_database_are_missed_in_a_sentence(dicom: Exporter) -> None:
    import slicer

    del slicer.dicomDatabase.files[list(slicer.dicomDatabase.files)[3]]
    dicom.choose(Form.DICOM_SEG)
    dicom.press()
    assert "1 of the 20 DICOM images of the scan are not in the DICOM database any more." in dicom.result
    assert dicom.result.splitlines()[0] in dicom.bench.said
    assert dicom.names() == []
    assert dicom.ui.exportButton.enabled


# ---------------------------------------------------------------------- what is found before


def test_what_was_not_accepted_is_asked_about_and_exported_when_agreed_to(exporter: Exporter) -> None:
    workspace, ui = exporter.bench.workspace, exporter.ui
    workspace.annotator.set_status(exporter.bench.choose("liver"), Status.FLAGGED)
    exporter.choose(Form.SEG_NRRD)
    exporter.press()
    assert "(flagged): liver" in ui.exportFoundLabel.text
    assert exporter.result == "Nothing was written."
    assert exporter.names() == []
    assert ui.exportAgreeCheckBox.visible
    assert not ui.exportButton.enabled
    assert ui.exportButton.toolTip == "Read what was found first."
    exporter.bench.host.click(ui.exportAgreeCheckBox)
    assert ui.exportButton.enabled
    workspace.annotator.set_status(exporter.bench.choose("spleen"), Status.FLAGGED)
    exporter.press()
    assert "liver, spleen" in ui.exportFoundLabel.text, "to this nobody has agreed yet"
    assert not ui.exportAgreeCheckBox.checked
    assert exporter.names() == []
    exporter.bench.host.click(ui.exportAgreeCheckBox)
    exporter.press()
    assert exporter.names() == ["segmentation.seg.nrrd"]
    assert not ui.exportAgreeCheckBox.visible
    exporter.choose(Form.NIFTI)
    assert not ui.exportFoundLabel.visible, "it was found for something else"


def test_what_is_refused_and_would_be_asked_about_leaves_a_way_on(exporter: Exporter) -> None:
    exporter.bench.workspace.annotator.session.add(Structure("Milz"), (0.2, 0.4, 0.6), MaskCrop.of(LIVER_VOXELS))
    exporter.bench.settle()
    exporter.press()  # it overlaps, and is not accepted
    assert "these overlap" in exporter.ui.exportFoundLabel.text
    assert not exporter.ui.exportAgreeCheckBox.visible
    assert exporter.ui.exportButton.enabled
    exporter.bench.press("undoButton")
    exporter.press()
    assert "segmentation.nii.gz" in exporter.names()


def test_overlaps_are_refused_in_a_label_map_but_not_in_one_file_each(exporter: Exporter) -> None:
    exporter.bench.workspace.annotator.session.add(Structure("Milz"), (0.2, 0.4, 0.6), MaskCrop.of(LIVER_VOXELS))
    exporter.bench.settle()
    accept(exporter.bench)
    exporter.press()
    assert "these overlap: liver and Milz" in exporter.ui.exportFoundLabel.text
    assert not exporter.ui.exportAgreeCheckBox.visible
    assert exporter.result == "Nothing was written."
    exporter.bench.host.click(exporter.ui.exportEachCheckBox)
    assert not exporter.ui.exportFoundLabel.visible
    exporter.press()
    assert len(list((exporter.folder / "segmentation_nifti").glob("*.nii.gz"))) == 3


def test_what_is_hidden_can_be_left_out(exporter: Exporter) -> None:
    (spleen,) = (view.id for view in exporter.bench.workspace.segments() if view.name == "spleen")
    exporter.bench.workspace.set_visible(spleen, visible=False)
    exporter.bench.host.click(exporter.ui.exportShownCheckBox)
    exporter.choose(Form.SEG_NRRD)
    exporter.press()
    found = read_segmentation(exporter.folder / "segmentation.seg.nrrd")
    assert [segment.name for segment in found.segments] == ["liver"]


# ---------------------------------------------------------------------- what goes wrong


def test_cancelled_at_once_no_process_is_started(exporter: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    from VISTA3DSegmentLib.desktop import export_section

    def never(*_arguments: object, **_options: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(export_section, "Errand", never)
    monkeypatch.setattr(export_section, "COPY_SECONDS", 0.0)
    exporter.bench.host.click(exporter.ui.exportButton)
    assert exporter.ui.exportWidget.visible
    assert not exporter.ui.exportButton.enabled
    exporter.press("exportCancelButton")
    assert exporter.result == "Cancelled. No file is half-written."
    assert exporter.section._parcel is None


@pytest.mark.parametrize("times", [1, 2])
def test_cancelled_while_it_runs_nothing_is_left(exporter: Exporter, times: int) -> None:
    exporter.choose(Form.STL, Form.PLY)
    exporter.bench.host.click(exporter.ui.exportButton)
    exporter.bench.host.wait_until(lambda: exporter.section._waiting.busy)
    process = exporter.section._waiting._errand._process
    for _ in range(times):
        exporter.bench.host.click(exporter.ui.exportCancelButton)
    exporter.wait()
    assert exporter.result == "Cancelled. No file is half-written."
    assert exporter.names() == []
    assert process.exitcode is not None
    assert (process.exitcode == 0) is (times == 1), "first it is asked to end, then it is ended"
    assert not exporter.ui.exportWidget.visible


def test_ended_while_a_file_is_half_written_it_leaves_no_part_of_it(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from VISTA3DSegmentLib.desktop import export_section

    monkeypatch.setattr(export_section, "export_parcel", write_for_ever)
    exporter.bench.host.click(exporter.ui.exportButton)
    exporter.bench.host.wait_until(lambda: exporter.names() != [])
    for _ in range(2):
        exporter.bench.host.click(exporter.ui.exportCancelButton)
    exporter.wait()
    assert exporter.result == "Cancelled. No file is half-written."
    assert exporter.names() == []


def write_for_ever(label: Label, _say: Callable[[str], None]) -> None:
    """An export that never comes to an end."""
    with unpacked(label) as parcel, all_or_none(parcel.order.folder / "segmentation_stl"):
        time.sleep(600)


def test_a_folder_that_is_gone_is_told_in_the_section_and_above(exporter: Exporter) -> None:
    exporter.folder.rmdir()
    exporter.press()
    assert exporter.result == f"The folder {exporter.folder} is not there. Choose another one."
    assert exporter.result in exporter.bench.said


def test_when_the_module_closes_it_ends_and_gives_its_memory_back(exporter: Exporter) -> None:
    exporter.choose(Form.STL)
    exporter.bench.host.click(exporter.ui.exportButton)
    exporter.bench.host.wait_until(lambda: exporter.section._waiting.busy)
    section, process = exporter.section, exporter.section._waiting._errand._process
    exporter.bench.panel.close()
    assert process.exitcode is not None
    assert section._parcel is None
    assert not section.busy


# ---------------------------------------------------------------------- measuring


def tables() -> list[Any]:
    import slicer

    count = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTableNode")
    return [slicer.mrmlScene.GetNthNodeByClass(n, "vtkMRMLTableNode") for n in range(count)]


def measured_meanwhile(exporter: Exporter, meanwhile: Callable[[], object]) -> None:
    exporter.bench.host.click(exporter.ui.measureButton)
    meanwhile()
    exporter.wait()


def test_measuring_makes_a_table_in_the_scene_and_names_it(exporter: Exporter) -> None:
    exporter.press("measureButton")
    (table,) = tables()
    assert table.GetName() == "CT segmentation measurements"
    assert exporter.result == "The measurements are in the table CT segmentation measurements, see the module Tables."
    column = table.GetTable().GetColumnByName("voxels")
    assert column.GetValue(0) == LIVER_VOXELS.sum()
    assert exporter.names() == []


def test_measurements_say_how_long_a_person_was_at_work(exporter: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    from VISTA3DSegmentLib.session import session as session_module

    now = current_time()
    monkeypatch.setattr(session_module, "current_time", lambda: now)
    exporter.bench.workspace.annotator.set_status(exporter.bench.choose("liver"), Status.DRAFT)
    monkeypatch.setattr(session_module, "current_time", lambda: now + timedelta(seconds=21))
    exporter.bench.place(ELSEWHERE)
    exporter.press("measureButton")
    (table,) = tables()
    column = table.GetTable().GetColumnByName("person_seconds")
    assert [column.GetValue(row) for row in (0, 1)] == [21, 0]


def test_what_was_measured_of_a_scene_that_is_closed_is_dropped(exporter: Exporter) -> None:
    import slicer

    measured_meanwhile(exporter, lambda: slicer.mrmlScene.Clear(0))
    assert tables() == []
    assert exporter.result == ""


# ---------------------------------------------------------------------- comparing with an earlier segmentation


def add_earlier(name: str = "January") -> Any:
    """A liver of four voxels of 8 ml together, on a grid of its own that lies elsewhere."""
    import slicer
    from VISTA3DSegmentLib.scene.labelmaps import LABELMAP, Lattice

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    segment = slicer.vtkSegment()
    segment.SetName("liver")
    lattice = Lattice(np.diag((10.0, 10.0, 20.0, 1.0)), (0, 0, 0))
    segment.AddRepresentation(LABELMAP, lattice.labelmap(np.ones((1, 2, 2), np.bool_), (0, 0, 0)))
    node.GetSegmentation().AddSegment(segment, "liver")
    return node


def compare_with(exporter: Exporter, node: Any) -> None:
    exporter.ui.earlierSelector.setCurrentNode(node)
    exporter.bench.settle()


def report_in(folder: Path, stem: str = "segmentation") -> Any:
    return json.loads((folder / f"{stem}_report.json").read_text())


def test_the_report_says_what_has_changed_since_an_earlier_segmentation(exporter: Exporter) -> None:
    assert exporter.ui.earlierSelector.currentNode() is None
    compare_with(exporter, add_earlier())
    exporter.choose(Form.REPORT)
    exporter.press()
    liver, spleen = report_in(exporter.folder)["segments"]
    assert liver["volume_change"]["before_ml"] == pytest.approx(8.0)
    assert liver["volume_change"]["now_ml"] == pytest.approx(LIVER_VOXELS.sum() / 1000)
    assert spleen["volume_change"] is None
    compare_with(exporter, None)
    exporter.press()
    assert report_in(exporter.folder, "segmentation_2")["changes"] is None


def test_what_was_agreed_to_is_not_agreed_to_for_another_earlier_segmentation(exporter: Exporter) -> None:
    exporter.bench.workspace.annotator.set_status(exporter.bench.choose("liver"), Status.FLAGGED)
    exporter.choose(Form.REPORT)
    exporter.press()
    exporter.bench.host.click(exporter.ui.exportAgreeCheckBox)
    compare_with(exporter, add_earlier())
    assert not exporter.ui.exportAgreeCheckBox.checked
    assert not exporter.ui.exportFoundLabel.visible


def test_the_table_of_measurements_says_it_too(exporter: Exporter) -> None:
    compare_with(exporter, add_earlier())
    exporter.press("measureButton")
    (table,) = tables()
    assert table.GetTable().GetColumnByName("volume_before_ml").GetValue(0) == pytest.approx(8.0)
    percent = table.GetTable().GetColumnByName("volume_change_percent").GetValue(0)
    assert percent == pytest.approx(100 * (LIVER_VOXELS.sum() / 8000 - 1), rel=1e-3)
    compare_with(exporter, None)
    exporter.press("measureButton")
    assert tables() == [table]
    assert table.GetTable().GetColumnByName("volume_before_ml") is None


def test_the_segmentation_that_is_being_made_is_not_compared_with_itself(exporter: Exporter) -> None:
    import slicer

    compare_with(exporter, exporter.bench.workspace.annotator.segmentation_node)
    sentence = "Choose an earlier segmentation, not the one that is being made."
    assert not exporter.ui.measureButton.enabled
    assert exporter.ui.measureButton.toolTip == sentence
    assert exporter.ui.exportButton.enabled, "a label map compares nothing"
    exporter.choose(Form.NIFTI, Form.REPORT)
    assert not exporter.ui.exportButton.enabled
    assert exporter.ui.exportButton.toolTip == sentence
    earlier = add_earlier()
    compare_with(exporter, earlier)
    assert exporter.ui.exportButton.enabled
    assert exporter.ui.measureButton.enabled
    exporter.ui.segmentationSelector.setCurrentNode(earlier)
    exporter.bench.settle()
    assert exporter.bench.workspace.annotator.segmentation_node is earlier
    assert not exporter.ui.measureButton.enabled
    slicer.mrmlScene.Clear(0)
    exporter.bench.settle()
    assert exporter.ui.measureButton.toolTip == "Open a scan first."


def test_the_choice_is_forgotten_when_it_is_removed_and_no_other_takes_its_place(exporter: Exporter) -> None:
    import slicer

    other, earlier = add_earlier("December"), add_earlier()
    compare_with(exporter, earlier)
    slicer.mrmlScene.RemoveNode(other)
    assert exporter.ui.earlierSelector.currentNode() is earlier
    add_earlier("November")
    slicer.mrmlScene.RemoveNode(earlier)
    assert exporter.ui.earlierSelector.currentNode() is None
    compare_with(exporter, add_earlier("October"))
    slicer.mrmlScene.Clear(0)
    exporter.bench.settle()
    assert exporter.ui.earlierSelector.currentNode() is None


def test_hidden_segmentations_are_not_offered_and_none_can_be_made_or_removed_there(exporter: Exporter) -> None:
    add_earlier("hidden").SetHideFromEditors(True)
    selector = exporter.ui.earlierSelector
    names = [selector.nodeFromIndex(n).GetName() for n in range(selector.nodeCount())]
    assert names == ["CT segmentation"]
    changes = (selector.addEnabled, selector.removeEnabled, selector.renameEnabled, selector.editEnabled)
    assert not any(changes)


def test_an_earlier_segmentation_without_voxels_is_told_and_starts_nothing(exporter: Exporter) -> None:
    import slicer

    compare_with(exporter, slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Empty"))
    exporter.press("measureButton")
    assert exporter.result == "There is nothing in the segmentation Empty. Choose one that has segments."
    assert exporter.result in exporter.bench.said
    assert exporter.ui.measureButton.enabled
    exporter.choose(Form.NIFTI)
    exporter.press()
    assert "segmentation.nii.gz" in exporter.names(), "it was not needed"


def test_an_earlier_segmentation_removed_while_it_is_read_is_compared_with_all_the_same(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer
    from VISTA3DSegmentLib.desktop import export_section

    earlier = add_earlier()
    compare_with(exporter, earlier)
    with monkeypatch.context() as patch:
        patch.setattr(export_section, "COPY_SECONDS", 0.0)  # nothing is read yet
        exporter.bench.host.click(exporter.ui.measureButton)
        slicer.mrmlScene.RemoveNode(earlier)
    exporter.wait()
    (table,) = tables()
    assert table.GetTable().GetColumnByName("volume_before_ml").GetValue(0) == pytest.approx(8.0)
