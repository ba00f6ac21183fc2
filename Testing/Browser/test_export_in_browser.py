"""Exporting by the page: what can be chosen, what is asked, and files that other programs read."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from browser import Person, Server
from places import place_of
from shared_data import shared
from test_segments_in_browser import middle
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.export.formats import TITLES, Form
from VISTA3DSegmentLib.files.segmentations import Segment, Segmentation, read_segmentation, write_segmentation
from VISTA3DSegmentLib.files.volumes import read_volume
from VISTA3DSegmentLib.volume import Volume

SEG, RTSTRUCT = "DICOM Segmentation", "DICOM RT structure set"
NIFTI, STL = "Label map (NIfTI) with lookup table", "Surfaces (STL)"
AGREE = "Export nevertheless"
NEW_SERIES = "Write the scan as a new, anonymous series"
COLOR = (221, 130, 101)
Masks = dict[str, npt.NDArray[np.bool_]]


class Exporter:
    """Somebody at the export dialog.

    Args:
        person: at the page.
        folder: where files go.
    """

    def __init__(self, person: Person, folder: Path) -> None:
        self.person, self.page, self._folder = person, person.page, folder

    @property
    def dialog(self) -> Any:
        return self.page.get_by_role("dialog", name="Export")

    @property
    def button(self) -> Any:
        return self.dialog.get_by_role("button", name="Export", exact=True)

    def box(self, title: str) -> Any:
        return self.dialog.get_by_role("checkbox", name=title, exact=True)

    def open(self) -> None:
        self.person.press("Save")
        self.page.get_by_text("Export...", exact=True).click()
        self.dialog.wait_for()
        self.person.wait_until_still()

    def choose(self, *titles: str) -> None:
        """Choose these kinds and no other."""
        chosen = self.dialog.get_by_role("group").get_by_role("checkbox", checked=True, disabled=False)
        while chosen.count():
            chosen.first.uncheck()
        for title in titles:
            self.box(title).check()
        self.person.wait_until_still()

    def findings(self) -> list[str]:
        return [
            str(text)
            for text in self.dialog.get_by_role("list", name="Findings").get_by_role("listitem").all_inner_texts()
        ]

    def export(self, by_enter: bool = False) -> Path:
        """Press Export, or Enter; returns what the browser has stored."""
        with self.page.expect_download() as download:
            if by_enter:
                self.page.keyboard.press("Enter")
            else:
                self.button.click()
        path = self._folder / str(download.value.suggested_filename)
        download.value.save_as(path)
        self.dialog.wait_for(state="hidden")
        return path


def boxes(volume: Volume) -> Masks:
    """A liver and a lesion in it, at the middle of a scan."""
    masks = {}
    for name, share in (("liver", 0.18), ("lesion", 0.06)):
        mask = np.zeros(volume.shape_kji, np.bool_)
        mask[tuple(slice(round((0.5 - share) * n), max(round((0.5 + share) * n), n // 2 + 1)) for n in mask.shape)] = (
            True
        )
        masks[name] = mask
    return masks


def drawn(volume: Volume, path: Path) -> Masks:
    """Segments that a person has drawn elsewhere."""
    masks = boxes(volume)
    segments = tuple(
        Segment(name, MaskCrop.of(mask), COLOR, 1 if name == "liver" else None) for name, mask in masks.items()
    )
    write_segmentation(path, Segmentation(volume.shape_kji, volume.ijk_to_ras, segments))
    return masks


def given(person: Person, path: Path, names: set[str]) -> None:
    """Open segments and wait for them."""
    person.open(path)
    person.page.wait_for_function("count => document.querySelectorAll('.segment').length === count", arg=len(names))
    assert set(person.names()) == names


@pytest.fixture(scope="module")
def sample(person: Person, volume: Volume, tmp_path_factory: pytest.TempPathFactory) -> Masks:
    """The segments on the sample."""
    path = tmp_path_factory.mktemp("drawn") / "mine.seg.nrrd"
    masks = drawn(volume, path)
    given(person, path, set(masks))
    return masks


def test_dicom_is_not_offered_for_the_sample_and_the_dialog_closes_by_esc(
    sample: Masks, person: Person, tmp_path: Path
) -> None:
    exporter = Exporter(person, tmp_path)
    exporter.open()
    for title in (SEG, RTSTRUCT):
        assert exporter.box(title).is_disabled()
    assert exporter.dialog.get_by_text("Only for a scan that was opened from its DICOM series").is_visible()
    assert exporter.box(NIFTI).is_checked(), "what can be done is chosen"
    person.shoot("10-export-sample-dark")
    exporter.box(NEW_SERIES).check()
    person.wait_until_still()
    assert exporter.box(SEG).is_enabled(), "with a new series it can be done"
    exporter.box(SEG).check()
    person.wait_until_still()
    assert exporter.button.is_enabled() or exporter.box(AGREE).is_visible()
    person.shoot("10-export-new-series-dark")
    exporter.box(SEG).uncheck()
    exporter.box(NEW_SERIES).uncheck()
    person.wait_until_still()
    steps = person.history()
    person.page.keyboard.press("n")
    person.page.keyboard.press("Escape")
    exporter.dialog.wait_for(state="hidden")
    assert person.history() == steps, "no key of the views is taken in the dialog"


def test_drafts_are_asked_about_and_a_zip_holds_voxels_and_surfaces(
    sample: Masks, person: Person, volume: Volume, server: Server, tmp_path: Path
) -> None:
    exporter = Exporter(person, tmp_path)
    exporter.open()
    exporter.choose(NIFTI, STL)
    assert any("overlap" in finding for finding in exporter.findings())
    assert exporter.button.is_disabled()
    person.shoot("10-export-refused-dark")
    exporter.box("A file for each segment").check()
    person.wait_until_still()
    assert ["Not accepted yet" in finding for finding in exporter.findings()] == [True]
    assert exporter.button.is_disabled()
    person.page.keyboard.press("Escape")
    person.press("Light or dark")
    exporter.open()
    assert exporter.box(NIFTI).is_checked(), "it is as it was left"
    exporter.box(AGREE).check()
    person.wait_until_heard()
    person.shoot("10-export-asked-light")
    path = exporter.export(by_enter=True)
    person.press("Light or dark")
    assert path.name == "segmentation.zip"
    assert "Exported segmentation.zip." in person.message()
    with zipfile.ZipFile(path) as zipped:
        zipped.extractall(tmp_path / "unpacked")
    for name, mask in sample.items():
        (found,) = read_segmentation(
            tmp_path / "unpacked" / "segmentation_nifti" / f"{name}.nii.gz", like=volume
        ).segments
        assert found.name == name
        assert (found.mask.full(volume.shape_kji) == mask).all()
        stl = (tmp_path / "unpacked" / "segmentation_stl" / f"{name}.stl").read_bytes()
        assert len(stl) > 84 + 50 * 12
    person.wait_until(lambda: not server.left_behind())


def test_a_report_is_compared_with_the_earlier_segmentation_that_was_chosen(
    sample: Masks, person: Person, volume: Volume, server: Server, tmp_path: Path
) -> None:
    liver = sample["liver"].copy()
    liver[: len(liver) // 2] = False
    earlier = Segment("liver", MaskCrop.of(liver), COLOR, 1)
    write_segmentation(tmp_path / "last_year.seg.nrrd", Segmentation(volume.shape_kji, volume.ijk_to_ras, (earlier,)))
    exporter = Exporter(person, tmp_path)
    exporter.open()
    exporter.choose(TITLES[Form.REPORT])
    with person.page.expect_file_chooser() as chooser:
        exporter.dialog.get_by_role("button", name="Compare with an earlier segmentation").click()
    person.shoot("10-export-compare-dark")
    chooser.value.set_files(tmp_path / "last_year.seg.nrrd")
    exporter.dialog.get_by_text("Compared with last_year.seg.nrrd").wait_for()
    person.shoot("10-export-compared-dark")
    exporter.box(AGREE).check()
    with zipfile.ZipFile(exporter.export()) as zipped:
        report = json.loads(zipped.read("segmentation_report.json"))
    change = next(one["volume_change"] for one in report["segments"] if one["name"] == "liver")
    assert change["before_ml"] == pytest.approx(liver.sum() * volume.voxel_volume_ml)
    assert change["now_ml"] == pytest.approx(sample["liver"].sum() * volume.voxel_volume_ml)
    exporter.open()
    exporter.dialog.get_by_role("button", name="Do not compare").click()
    exporter.dialog.get_by_role("button", name="Compare with an earlier segmentation").wait_for()
    person.page.keyboard.press("Escape")
    person.wait_until(lambda: not server.left_behind())


def test_a_dicom_scan_is_exported_as_objects_that_others_read_and_that_open_here_again(
    serve: Callable[..., Server], visit: Callable[..., Person], tmp_path: Path
) -> None:
    folder = shared("data/crlm_ct_1004/series")
    server = serve()
    person = visit(server)
    exporter = Exporter(person, tmp_path)
    person.wait_for_scan("Sample CT (synthetic)")
    person.open(folder)
    person.wait_for_scan("CT series 2 (41 images)")
    volume = read_volume(folder).volume
    masks = drawn(volume, tmp_path / "mine.seg.nrrd")
    given(person, tmp_path / "mine.seg.nrrd", set(masks))

    exporter.open()
    assert exporter.box(SEG).is_checked(), "the usual way"
    assert exporter.box(SEG).is_enabled()
    exporter.box(AGREE).check()
    person.shoot("10-export-dicom-dark")
    seg = exporter.export()
    assert seg.name == "segmentation_seg.dcm"
    theirs = highdicom.seg.segread(seg)
    assert [theirs.get_segment_description(n).segment_label for n in theirs.segment_numbers] == ["liver", "lesion"]
    assert theirs.get_segment_description(1).segmented_property_type.meaning == "Liver"
    assert pydicom.dcmread(seg).StudyInstanceUID == pydicom.dcmread(next(folder.rglob("*.dcm"))).StudyInstanceUID
    exporter.open()
    exporter.choose(RTSTRUCT)
    exporter.box(AGREE).check()
    rtstruct = exporter.export()
    assert [roi.ROIName for roi in pydicom.dcmread(rtstruct).StructureSetROISequence] == ["liver", "lesion"]

    for path in (seg, rtstruct):
        person.press("Open")
        person.page.get_by_text("Start afresh on this scan").click()
        person.press("Throw it away")
        person.page.wait_for_function("() => !document.querySelector('.segment')")
        person.page.get_by_text("All work on this scan will be lost").wait_for(state="hidden")
        given(person, path, set(masks))
        back = person.saved(volume)
        assert {name: int((back[name] ^ mask).sum()) for name, mask in masks.items()} == {"liver": 0, "lesion": 0}
    person.wait_for_model()
    person.choose("liver")
    ml = person.ml("liver")
    person.click("Axial", place_of(person, volume, "Axial", middle(masks["liver"], volume)), negative=True)
    assert person.ml("liver") < ml
    assert server.left_behind() == []
