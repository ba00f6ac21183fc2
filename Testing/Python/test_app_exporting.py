"""The page's export dialog, without a browser: what is looked at, asked, refused, written and sent."""

from __future__ import annotations

import asyncio
import csv
import json
import threading
import zipfile
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("trame_slicer", reason="needs the app extra")
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from export_world import errors_of, read_by_dcmqi
from fake_engine import HU_PER_CLASS, LIVER, SPLEEN, two_engines
from page_world import Page
from scene_world import LIVER_VOXELS, SPLEEN_VOXELS, painted
from VISTA3DSegmentLib.app import exporting as exporting_module
from VISTA3DSegmentLib.app.downloads import Downloads
from VISTA3DSegmentLib.app.exporting import NOTHING_CHOSEN, Exporting
from VISTA3DSegmentLib.app.guard import SAFE_HEADERS, Guard
from VISTA3DSegmentLib.app.opening import Scan, read
from VISTA3DSegmentLib.app.transfer import Inbox
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.export.ct_series import write_ct_series
from VISTA3DSegmentLib.export.dicom_seg import write_dicom_seg
from VISTA3DSegmentLib.export.exporting import Wish
from VISTA3DSegmentLib.export.formats import Form
from VISTA3DSegmentLib.export.preflight import Finding
from VISTA3DSegmentLib.export.prior import OTHER_PATIENT
from VISTA3DSegmentLib.files.segmentations import Segment, Segmentation, read_segmentation, write_segmentation
from VISTA3DSegmentLib.provenance import current_time
from VISTA3DSegmentLib.service import InProcess
from VISTA3DSegmentLib.session import session as session_module
from VISTA3DSegmentLib.session.annotation import Status
from VISTA3DSegmentLib.terminology import LESION, parse_entry
from VISTA3DSegmentLib.volume import Volume
from VISTA3DSegmentLib.workspace.exporting import Choice
from VISTA3DSegmentLib.workspace.saving import Format

PATIENCE_SECONDS = 120
IN_LIVER = (6.0, 8.0, 6.0)
"""RAS; the scan's grid is that of the world."""


class Dialog:
    """Somebody at the export dialog of a scan with a liver and a spleen.

    Args:
        home: folder of what the page keeps.
        scan: what is open; None: one that did not come from DICOM.
        accepted: the person is done with the segments.
    """

    def __init__(self, home: Path, scan: Scan | None = None, accepted: bool = True) -> None:
        self.page = Page(home / "home", InProcess(two_engines()), scan)
        self.folder = home / "export"
        self.folder.mkdir()
        self.tasks: list[Coroutine[Any, Any, None]] = []
        self.exporting = Exporting(self.page.workspace, self.page.desk, self.page.state, self.tasks.append)
        self.shown = self.page.shown.export
        self.page.state.state.ready()
        self.page.desk.act(lambda: self.page.workspace.segment([LIVER, SPLEEN]))
        self.page.settle()
        if accepted:
            self.set_status(Status.DONE)

    def set_status(self, status: Status) -> None:
        for view in self.page.workspace.segments():
            self.page.workspace.annotator.set_status(view.id, status)

    async def settle(self) -> None:
        """What the page has begun is done."""
        self.page.state.state.flush()
        while self.tasks:
            await self.tasks.pop(0)
            self.page.state.state.flush()

    async def open(self, *forms: Form) -> None:
        """Open it and choose."""
        self.shown.shown = True
        await self.settle()
        if forms:
            self.shown.chosen = [form.value for form in forms]
            await self.settle()

    async def export(self, *forms: Form, **options: bool) -> Path | None:
        """Press Export."""
        return await self.exporting.export(self.folder, Choice(forms, **options))

    @property
    def found(self) -> list[tuple[str, str]]:
        return [(row.consequence, row.words) for row in self.shown.findings]


def run(doing: Callable[[], Coroutine[Any, Any, None]]) -> None:
    # In a thread of its own: where browser tests ran before, this one's event loop is taken.
    with ThreadPoolExecutor(1) as alone:
        alone.submit(asyncio.run, asyncio.wait_for(doing(), PATIENCE_SECONDS)).result()


@pytest.fixture
def dialog(tmp_path: Path) -> Dialog:
    return Dialog(tmp_path)


@pytest.fixture
def dicom(tmp_path: Path) -> Dialog:
    write_ct_series(tmp_path / "series", Volume(painted(), np.diag([0.8, 0.8, 2.5, 1.0])), "ANON-1")
    scan = read(tmp_path / "series", None)
    assert isinstance(scan, Scan)
    return Dialog(tmp_path, scan)


def test_dicom_cannot_be_chosen_for_a_scan_that_did_not_come_from_it_and_the_dialog_says_why(dialog: Dialog) -> None:
    async def doing() -> None:
        dialog.shown.chosen = [Form.DICOM_SEG.value]
        await dialog.open()
        assert "DICOM series" in dialog.shown.no_dicom
        assert dialog.shown.chosen == [Form.NIFTI.value]
        assert not dialog.shown.why_not
        assert await dialog.export(Form.DICOM_SEG) is None
        assert "did not come from a DICOM series" in dialog.shown.failure
        assert dialog.page.shown.status.failed

    run(doing)
    assert list(dialog.folder.iterdir()) == []


def test_a_scan_that_was_no_dicom_can_be_written_as_a_new_series_beside_what_refers_to_it(
    dialog: Dialog, tmp_path: Path
) -> None:
    async def doing() -> None:
        dialog.shown.new_series = True
        await dialog.open(Form.DICOM_SEG)
        assert (dialog.found, dialog.shown.why_not) == ([], "")
        assert await dialog.export(Form.DICOM_SEG, new_series=True) == dialog.folder / "segmentation.zip"
        dialog.shown.new_series = False
        await dialog.open(Form.DICOM_SEG)
        assert [consequence for consequence, _ in dialog.found] == ["refused"]

    run(doing)
    with zipfile.ZipFile(dialog.folder / "segmentation.zip") as zipped:
        zipped.extractall(tmp_path / "unpacked")
    series = read(tmp_path / "unpacked" / "segmentation_series", None)
    assert isinstance(series, Scan)
    assert series.source is not None
    found = read(tmp_path / "unpacked" / "segmentation_seg.dcm", series.volume, series.identifiers)
    assert isinstance(found, Segmentation)
    assert {one.name: int(one.mask.mask.sum()) for one in found.segments} == {
        "liver": int(LIVER_VOXELS.sum()), "spleen": int(SPLEEN_VOXELS.sum())
    }  # fmt: skip


def test_a_dicom_scan_becomes_one_dicom_file_that_opens_again(dicom: Dialog) -> None:
    written: list[Path | None] = []

    async def doing() -> None:
        await dicom.open()
        assert not dicom.shown.no_dicom
        assert dicom.shown.chosen == [Form.DICOM_SEG.value]
        assert (dicom.found, dicom.shown.asks, dicom.shown.why_not) == ([], False, "")
        written.append(await dicom.export(Form.DICOM_SEG))

    run(doing)
    (path,) = written
    assert path is not None
    assert path.name == "segmentation_seg.dcm"
    volume = dicom.page.workspace.volume
    assert volume is not None
    found = read(path, volume)
    assert isinstance(found, Segmentation)
    masks = {segment.name: segment.mask.full(volume.shape_kji) for segment in found.segments}
    for name, class_id in (("liver", LIVER), ("spleen", SPLEEN)):
        assert (masks[name] == (volume.array == HU_PER_CLASS * class_id)).all()
    assert not dicom.shown.shown
    assert dicom.page.shown.status.message == "Exported segmentation_seg.dcm."


@pytest.mark.parametrize("form", [Form.DICOM_SEG, Form.SEG_NRRD])
def test_what_was_begun_as_a_lesion_is_one_in_codes_whatever_it_is_called(dicom: Dialog, form: Form) -> None:
    page, source, volume = dicom.page, dicom.page.workspace.source, dicom.page.workspace.volume
    assert source is not None
    assert volume is not None
    page.desk.act(page.desk.begin_lesion)
    r, a, s = volume.ras_of((20, 20, 3)).tolist()
    page.desk._clicked((r, a, s), False)
    page.settle()
    lesion = page.workspace.annotator.selected
    assert lesion is not None
    page.workspace.rename(lesion, "Metastasis segment 7")
    dicom.set_status(Status.DONE)
    written: list[Path | None] = []

    async def doing() -> None:
        await dicom.open()
        written.append(await dicom.export(form))
        assert written[0] is not None, dicom.shown.failure

    run(doing)
    (path,) = written
    assert path is not None
    if form is Form.DICOM_SEG:
        assert errors_of(path) == []
        item = read_by_dcmqi(path, source, dicom.folder / "read").items[3]
        assert item["SegmentedPropertyCategoryCodeSequence"]["CodeValue"] == LESION.category.value
        assert item["SegmentedPropertyTypeCodeSequence"]["CodeMeaning"] == "Lesion"
    found = read(path, volume, page.workspace.identifiers)
    assert isinstance(found, Segmentation)
    page.workspace.start_afresh()
    page.workspace.add(found)
    again = {one.name: parse_entry(one.terminology) for one in page.workspace.segmentation_now().segments}
    assert again["Metastasis segment 7"] == LESION


def test_several_kinds_come_as_one_zip_with_all_files_and_nothing_else_stays(dialog: Dialog, tmp_path: Path) -> None:
    async def doing() -> None:
        path = await dialog.export(Form.NIFTI, Form.STL)
        assert path == dialog.folder / "segmentation.zip"

    run(doing)
    assert [path.name for path in dialog.folder.iterdir()] == ["segmentation.zip"]
    with zipfile.ZipFile(dialog.folder / "segmentation.zip") as zipped:
        zipped.extractall(tmp_path / "unpacked")
    names = {path.name for path in (tmp_path / "unpacked").rglob("*.stl")}
    assert names == {"liver.stl", "spleen.stl"}
    found = read_segmentation(tmp_path / "unpacked" / "segmentation.nii.gz")
    voxels = {segment.name: int(segment.mask.mask.sum()) for segment in found.segments}
    assert voxels == {"liver": LIVER_VOXELS.sum(), "spleen": SPLEEN_VOXELS.sum()}


def test_every_kind_can_be_had_at_once(dicom: Dialog) -> None:
    async def doing() -> None:
        path = await dicom.export(*Form)
        assert path is not None, dicom.shown.failure
        with zipfile.ZipFile(path) as zipped:
            names = zipped.namelist()
        for ending in ("_seg.dcm", "_labelmap.dcm", "_rtstruct.dcm", "_sr.dcm", ".nii.gz", ".seg.nrrd", "_report.html"):
            assert f"segmentation{ending}" in names

    run(doing)


def test_the_report_says_how_long_a_person_was_at_work(dialog: Dialog, monkeypatch: pytest.MonkeyPatch) -> None:
    now = current_time()
    monkeypatch.setattr(session_module, "current_time", lambda: now + timedelta(seconds=12))
    dialog.set_status(Status.DRAFT)
    monkeypatch.setattr(session_module, "current_time", lambda: now + timedelta(seconds=29))
    dialog.page.desk._clicked(IN_LIVER, False)
    dialog.page.settle()
    dialog.set_status(Status.DONE)

    async def doing() -> None:
        path = await dialog.export(Form.REPORT)
        assert path is not None, dialog.shown.failure
        with zipfile.ZipFile(path) as zipped:
            words = zipped.read("segmentation_report.csv").decode("utf-8-sig")
            page = zipped.read("segmentation_report.html").decode()
        rows = {row["name"]: row for row in csv.DictReader(words.splitlines())}
        assert (rows["liver"]["person_seconds"], rows["spleen"]["person_seconds"]) == ("17", "0")
        assert "17 s" in page

    run(doing)


def test_a_single_file_of_a_kind_that_may_be_several_is_not_zipped_and_its_name_tells_nothing(dialog: Dialog) -> None:
    spleen = next(view.id for view in dialog.page.workspace.segments() if view.name == "spleen")
    dialog.page.workspace.annotator.set_status(spleen, Status.DRAFT)
    dialog.page.workspace.annotator.remove(spleen)

    async def doing() -> None:
        path = await dialog.export(Form.STL)
        assert path is not None
        assert path.name == "segmentation.stl"

    run(doing)


def test_drafts_are_asked_about_and_exported_only_if_the_person_agrees(tmp_path: Path) -> None:
    dialog = Dialog(tmp_path, accepted=False)

    async def doing() -> None:
        await dialog.open(Form.SEG_NRRD)
        ((consequence, words),) = dialog.found
        assert consequence == "asked"
        assert "liver, spleen" in words
        assert dialog.shown.asks
        assert not dialog.shown.why_not
        assert await dialog.export(Form.SEG_NRRD) is None
        assert "Not accepted yet" in dialog.shown.failure
        assert dialog.shown.shown
        dialog.shown.agreed = True
        assert await dialog.export(Form.SEG_NRRD, agreed=True) is not None
        assert not dialog.shown.failure
        assert not dialog.shown.agreed, "the next time it is asked again"
        assert dialog.page.shown.status.message == "Exported segmentation.seg.nrrd.", "what was read is not repeated"

    run(doing)


def test_what_came_up_after_the_person_agreed_is_asked_anew(dialog: Dialog) -> None:
    async def doing() -> None:
        await dialog.open(Form.SEG_NRRD)
        dialog.set_status(Status.FLAGGED)
        dialog.shown.agreed = True
        assert await dialog.export(Form.SEG_NRRD, agreed=True) is None
        assert "not as they were" in dialog.shown.failure
        assert not dialog.shown.agreed
        assert [consequence for consequence, _ in dialog.found] == ["asked"]
        assert await dialog.export(Form.SEG_NRRD, agreed=True) is not None

    run(doing)


def test_overlaps_are_refused_in_a_label_map_and_welcome_in_a_file_for_each_segment(dialog: Dialog) -> None:
    lesion = Segment("lesion", MaskCrop.of(LIVER_VOXELS), (1, 2, 3), tags={"Segmentation.Status": "completed"})
    dialog.page.workspace.add(Segmentation(LIVER_VOXELS.shape, np.eye(4), (lesion,)))
    dialog.set_status(Status.DONE)

    async def doing() -> None:
        await dialog.open(Form.NIFTI)
        assert "overlap" in dialog.shown.why_not
        assert dialog.found[0][0] == "refused"
        dialog.shown.each = True
        await dialog.settle()
        assert dialog.shown.why_not == ""
        path = await dialog.export(Form.NIFTI, each=True)
        assert path is not None
        with zipfile.ZipFile(path) as zipped:
            assert {"segmentation_nifti/lesion.nii.gz", "segmentation_nifti/liver.nii.gz"} <= set(zipped.namelist())

    run(doing)


def test_what_is_hidden_can_be_left_out(dialog: Dialog) -> None:
    spleen = next(view for view in dialog.page.workspace.segments() if view.name == "spleen")
    dialog.page.workspace.annotator.set_status(spleen.id, Status.DRAFT)
    dialog.page.workspace.set_visible(spleen.id, visible=False)

    async def doing() -> None:
        await dialog.open(Form.SEG_NRRD)
        assert "spleen" in dialog.found[0][1], "it is not accepted, and would be exported"
        dialog.shown.shown_only = True
        await dialog.settle()
        assert not dialog.found
        path = await dialog.export(Form.SEG_NRRD, shown_only=True)
        assert path is not None
        assert [segment.name for segment in read_segmentation(path).segments] == ["liver"]

    run(doing)


def test_that_all_is_hidden_is_said_to_who_exports_what_is_shown(dialog: Dialog) -> None:
    dialog.page.workspace.set_all_visible(False)

    async def doing() -> None:
        dialog.shown.shown_only = True
        await dialog.open(Form.SEG_NRRD)
        assert dialog.shown.why_not.startswith("All segments are hidden.")
        assert await dialog.export(Form.SEG_NRRD, shown_only=True) is None

    run(doing)


def sent(inbox: Inbox, name: str, segments: tuple[Segment, ...]) -> str:
    """What a browser has sent; returns the id of the upload."""
    (inbox.root / "one").mkdir()
    write_segmentation(inbox.root / "one" / name, Segmentation(LIVER_VOXELS.shape, np.eye(4), segments))
    return "one"


def changes_in(path: Path) -> dict[str, float | None]:
    """Volume before, ml, by the name of the segment, in the report that was exported."""
    with zipfile.ZipFile(path) as zipped:
        report = json.loads(zipped.read("segmentation_report.json"))
    return {one["name"]: (one["volume_change"] or {}).get("before_ml") for one in report["segments"]}


def test_a_report_compares_with_the_earlier_segmentation_until_the_person_drops_it(dialog: Dialog) -> None:
    inbox = Inbox()
    earlier = Segment("liver", MaskCrop((0, 0, 0), np.ones((2, 3, 5), np.bool_)), (1, 2, 3), LIVER)

    async def doing() -> None:
        await dialog.open(Form.REPORT)
        await dialog.exporting.open_prior(inbox, sent(inbox, "last year.seg.nrrd", (earlier,)), 1)
        assert (dialog.shown.prior, dialog.shown.failure, dialog.shown.reading) == ("last year.seg.nrrd", "", False)
        path = await dialog.export(Form.REPORT)
        assert path is not None
        assert changes_in(path) == {"liver": pytest.approx(0.03), "spleen": None}
        assert "matched with the earlier ones" not in dialog.page.shown.status.message, "there is no lesion"
        dialog.exporting.drop_prior()
        assert dialog.shown.prior == ""
        path = await dialog.export(Form.REPORT)
        assert path is not None
        assert changes_in(path) == {"liver": None, "spleen": None}

    run(doing)
    inbox.close()


def test_an_earlier_segmentation_of_another_patient_is_asked_about(dicom: Dialog, tmp_path: Path) -> None:
    inbox, volume = Inbox(), dicom.page.workspace.volume
    assert volume is not None
    other = write_ct_series(tmp_path / "other", volume, "ANON-2")
    earlier = Segment("liver", MaskCrop((0, 0, 0), np.ones((2, 3, 5), np.bool_)), (1, 2, 3), LIVER)
    (inbox.root / "one").mkdir()
    drawn = Segmentation(other.shape_kji, other.ijk_to_ras, (earlier,))
    write_dicom_seg(inbox.root / "one" / "last year.dcm", drawn, other)

    async def doing() -> None:
        await dicom.open(Form.REPORT)
        await dicom.exporting.open_prior(inbox, "one", 1)
        await dicom.settle()
        ((consequence, words),) = dicom.found
        assert (consequence, dicom.shown.asks) == ("asked", True)
        assert OTHER_PATIENT in words
        assert await dicom.export(Form.REPORT) is None
        assert await dicom.export(Form.REPORT, agreed=True) is not None

    run(doing)
    inbox.close()


def test_what_is_no_earlier_segmentation_is_said_in_the_dialog(dialog: Dialog) -> None:
    inbox = Inbox()

    async def doing() -> None:
        await dialog.open(Form.REPORT)
        (inbox.root / "one").mkdir()
        (inbox.root / "one" / "letter.txt").write_text("Dear colleague")
        await dialog.exporting.open_prior(inbox, "one", 1)
        assert (dialog.shown.prior, dialog.shown.reading) == ("", False)
        assert "is no segmentation file" in dialog.shown.failure
        inbox.forget("one")
        await dialog.exporting.open_prior(inbox, "one", 1)
        assert "Of 1 files 0 arrived" in dialog.shown.failure
        assert await dialog.export(Form.REPORT) is not None

    run(doing)
    inbox.close()


def test_an_earlier_label_map_without_a_table_is_asked_about_until_the_person_drops_it(dialog: Dialog) -> None:
    inbox = Inbox()
    earlier = Segment("Label 6", MaskCrop((0, 0, 0), np.ones((2, 3, 5), np.bool_)), (1, 2, 3))

    async def doing() -> None:
        await dialog.open(Form.REPORT)
        await dialog.exporting.open_prior(inbox, sent(inbox, "before.seg.nrrd", (earlier,)), 1)
        await dialog.exporting.look()
        assert dialog.shown.asks
        assert "what its values mean: Label 6." in " ".join(row.words for row in dialog.shown.findings)
        assert await dialog.export(Form.REPORT, agreed=False) is None
        dialog.exporting.drop_prior()
        await dialog.exporting.look()
        assert not dialog.shown.asks

    run(doing)
    inbox.close()


def test_an_earlier_segmentation_is_not_compared_with_another_scan(dialog: Dialog) -> None:
    inbox = Inbox()
    earlier = Segment("liver", MaskCrop((0, 0, 0), np.ones((2, 3, 5), np.bool_)), (1, 2, 3))
    other = Scan(Volume(painted() + 1, np.eye(4)), "other")

    async def doing() -> None:
        await dialog.open(Form.REPORT)
        await dialog.exporting.open_prior(inbox, sent(inbox, "a.seg.nrrd", (earlier,)), 1)
        dialog.page.workspace.show(other)
        dialog.page.workspace.add(Segmentation(LIVER_VOXELS.shape, np.eye(4), (earlier,)))
        assert await dialog.export(Form.REPORT, agreed=False) is None
        assert "another scan" in dialog.shown.failure
        assert dialog.shown.prior == ""

    run(doing)
    inbox.close()


def test_without_a_kind_nothing_can_be_exported(dialog: Dialog) -> None:
    async def doing() -> None:
        await dialog.open()
        dialog.shown.chosen = []
        await dialog.settle()
        assert dialog.shown.why_not == NOTHING_CHOSEN

    run(doing)


def test_the_page_listens_while_it_is_looked_at_and_the_latest_choice_counts(
    dialog: Dialog, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, found_for = threading.Event(), exporting_module.found_for

    def slow(wish: Wish) -> tuple[Finding, ...]:
        if Form.NIFTI in wish.forms:
            assert go_on.wait(PATIENCE_SECONDS / 2), "the page stands still"
            return (Finding(exporting_module.Consequence.REFUSED, "An old finding."),)
        return found_for(wish)

    monkeypatch.setattr(exporting_module, "found_for", slow)

    async def doing() -> None:
        dialog.shown.chosen = [Form.NIFTI.value]
        first = asyncio.create_task(dialog.exporting.look())
        await asyncio.sleep(0.05)
        assert dialog.shown.why_not == exporting_module.LOOKING
        dialog.shown.chosen = [Form.STL.value]
        await dialog.exporting.look()
        go_on.set()
        await first
        assert dialog.found == []
        assert dialog.shown.why_not == ""

    run(doing)


def test_what_goes_wrong_while_it_is_looked_at_is_said_and_the_button_stays_shut(
    dialog: Dialog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> tuple[Finding, ...]:
        raise ValueError("a defect")

    monkeypatch.setattr(exporting_module, "found_for", broken)

    async def doing() -> None:
        await dialog.open()
        assert "Something went wrong" in dialog.shown.why_not

    run(doing)


def test_cancel_ends_it_without_a_file_and_meanwhile_there_is_only_one(dialog: Dialog) -> None:
    async def doing() -> None:
        task = asyncio.create_task(dialog.export(Form.SEG_NRRD, Form.STL))
        await asyncio.sleep(0)
        assert dialog.shown.running
        assert await dialog.export(Form.NIFTI) is None
        assert dialog.shown.running
        dialog.exporting.cancel()
        assert dialog.shown.told == "Cancelling"
        assert await task is None
        assert not dialog.shown.running
        assert dialog.page.shown.status.message == "Export cancelled. No file was made."
        assert not dialog.page.shown.status.failed
        assert list(dialog.folder.iterdir()) == []
        assert await dialog.export(Form.NIFTI) is not None

    run(doing)


def test_how_far_it_is_is_told_and_never_less(dialog: Dialog, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(dialog.exporting, "_tell", told.append)

    async def doing() -> None:
        await dialog.export(Form.STL, Form.PLY)
        await asyncio.sleep(0)

    run(doing)
    assert told == sorted(told)
    assert told[-1] == 100
    assert len(told) > 4


# ---------------------------------------------------------------------- what the browser gets


def asked(dialog: Dialog, talk: Callable[[TestClient[Any, Any]], Awaitable[None]], guard: Guard | None = None) -> None:
    async def all_of_it() -> None:
        app = web.Application(middlewares=[guard.check] if guard else [])
        Downloads(dialog.page.desk, dialog.exporting, dialog.folder).add_to(app.router)
        async with TestClient(TestServer(app)) as client:
            await talk(client)

    run(all_of_it)


def test_an_export_is_sent_whole_under_a_name_that_tells_nothing_and_nothing_stays(dialog: Dialog) -> None:
    async def talk(client: TestClient[Any, Any]) -> None:
        answer = await client.get("/export?form=nifti&form=stl&agreed=yes")
        content = await answer.read()
        assert answer.status == 200
        assert answer.headers["Content-Disposition"] == 'attachment; filename="segmentation.zip"'
        assert int(answer.headers["Content-Length"]) == len(content) > 1000
        assert content.startswith(b"PK")

    asked(dialog, talk)
    assert list(dialog.folder.iterdir()) == []


@pytest.mark.parametrize("form", list(Format))
def test_what_is_saved_is_sent_likewise(dialog: Dialog, form: Format) -> None:
    async def talk(client: TestClient[Any, Any]) -> None:
        answer = await client.get(f"/save/{form.value}")
        assert len(await answer.read()) == int(answer.headers["Content-Length"]) > 100
        assert f"segmentation{form.value}" in answer.headers["Content-Disposition"]

    asked(dialog, talk)
    assert list(dialog.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("query", "status"), [("form=word", 400), ("form=dicom-seg", 409), ("form=../../passwd", 400), ("", 409)]
)
def test_what_cannot_be_exported_is_no_file(dialog: Dialog, query: str, status: int) -> None:
    async def talk(client: TestClient[Any, Any]) -> None:
        assert (await client.get(f"/export?{query}")).status == status

    asked(dialog, talk)
    assert list(dialog.folder.iterdir()) == []


def test_an_export_needs_the_token_and_comes_with_the_headers_of_the_page(dialog: Dialog) -> None:
    guard = Guard("secret")

    async def talk(client: TestClient[Any, Any]) -> None:
        assert (await client.get("/export?form=seg.nrrd")).status == 403
        await client.get("/?token=secret", allow_redirects=False)
        answer = await client.get("/export?form=seg.nrrd")
        assert answer.status == 200
        assert SAFE_HEADERS.items() <= dict(answer.headers).items()

    asked(dialog, talk, guard)


def test_a_browser_that_leaves_before_all_was_sent_leaves_nothing_behind(
    dialog: Dialog, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def large(folder: Path, *_: object) -> Path:
        with (folder / "large.zip").open("wb") as file:
            file.truncate(2**28)
        return folder / "large.zip"

    monkeypatch.setattr(dialog.exporting, "export", large)

    async def talk(client: TestClient[Any, Any]) -> None:
        answer = await client.get("/export?form=stl")
        assert len(await answer.content.readexactly(1000)) == 1000
        assert len(list(dialog.folder.iterdir())) == 1
        answer.close()
        while list(dialog.folder.iterdir()):
            await asyncio.sleep(0.02)

    asked(dialog, talk)
