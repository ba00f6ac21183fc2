"""What is opened while something else is: in order, and the person works on meanwhile."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("trame_slicer", reason="needs the app extra")
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
from fake_engine import SPLEEN, FakeEngine, specification
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from scene_world import empty_scene, painted
from trame_server.state import State
from trame_server.utils.typed_state import TypedState
from VISTA3DSegmentLib.app import desk as desk_module
from VISTA3DSegmentLib.app.desk import Desk
from VISTA3DSegmentLib.app.opening import Scan, read
from VISTA3DSegmentLib.app.scan_workspace import ScanWorkspace
from VISTA3DSegmentLib.app.state import PageState
from VISTA3DSegmentLib.app.transfer import Inbox
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.errors import FileFormatError
from VISTA3DSegmentLib.export.ct_series import write_ct_series
from VISTA3DSegmentLib.export.exporting import Wish, export
from VISTA3DSegmentLib.export.formats import Form
from VISTA3DSegmentLib.export.source import read_source
from VISTA3DSegmentLib.files.segmentations import Segment, Segmentation, write_segmentation
from VISTA3DSegmentLib.service import InProcess
from VISTA3DSegmentLib.volume import Volume
from VISTA3DSegmentLib.workspace.estimate import Estimator
from VISTA3DSegmentLib.workspace.news import SAME_BREATH_SECONDS
from VISTA3DSegmentLib.workspace.workspace import BACK


class NoViews:
    """The views of a page that nobody looks at."""

    takes_seconds = 0.0

    def slices(self) -> dict[str, Any]:
        return {}

    def show(self, _node: Any, _window: str) -> None:
        time.sleep(self.takes_seconds)


class Files:
    """Files that take as long to read as the test wants; the name tells what is in them."""

    def __init__(self) -> None:
        self.readable = {name: threading.Event() for name in ("first", "second", "spleen")}

    def hold_none(self) -> None:
        for event in self.readable.values():
            event.set()

    def read(self, path: Path, like: Volume | None, _source: object) -> Scan | Segmentation:
        assert self.readable[path.name].wait(60)
        if path.name != "spleen":
            size = 1.0 if path.name == "first" else 2.0
            return Scan(Volume(painted(), np.diag([size, size, size, 1.0])), path.name)
        assert like is not None
        segment = Segment("spleen", MaskCrop.of(painted() == 10 * SPLEEN), (1, 2, 3))
        return Segmentation(like.shape_kji, like.ijk_to_ras, (segment,))


class Bench:
    """A desk, what the page shows, and the files."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        estimator = Estimator("starter", home)
        estimator.specification = specification()
        self.workspace = ScanWorkspace(empty_scene(), lambda: InProcess(FakeEngine()), estimator, home)
        state: TypedState[PageState] = TypedState(State(), PageState)
        self.shown, self.files, self.views = state.data, Files(), NoViews()
        self.desk = Desk(self.workspace, self.views, state)  # type: ignore[arg-type]
        monkeypatch.setattr(desk_module, "read", self.files.read)

    def open(self, name: str) -> asyncio.Task[None]:
        return asyncio.create_task(self.desk.open(Path(name)))

    def names(self) -> list[str]:
        return [view.name for view in self.workspace.segments()]


def run(talk: Callable[[], Awaitable[None]]) -> None:
    # In a thread of its own: where browser tests ran before, this one's event loop is taken.
    with ThreadPoolExecutor(1) as alone:
        alone.submit(asyncio.run, talk()).result()  # type: ignore[arg-type]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_of_two_scans_the_one_asked_for_last_is_open_in_the_end_and_the_page_is_busy_until_then(bench: Bench) -> None:
    async def talk() -> None:
        first, second = bench.open("first"), bench.open("second")
        bench.files.readable["second"].set()
        await asyncio.sleep(0.2)
        assert bench.workspace.scan is None
        assert bench.shown.scan.busy
        bench.files.readable["first"].set()
        await first
        assert bench.shown.scan.name == "first"
        await second
        assert bench.shown.scan.name == "second"
        assert bench.shown.scan.busy == ""

    run(talk)


def test_segments_go_onto_the_scan_for_which_they_were_read(bench: Bench) -> None:
    async def talk() -> None:
        bench.files.readable["first"].set()
        await bench.open("first")
        spleen, second = bench.open("spleen"), bench.open("second")
        bench.files.readable["second"].set()
        await asyncio.sleep(0.2)
        bench.files.readable["spleen"].set()
        await spleen
        assert (bench.shown.scan.name, bench.names()) == ("first", ["spleen"])
        await second
        assert (bench.shown.scan.name, bench.names()) == ("second", [])
        await bench.open("first")  # its own segments are back
        assert bench.names() == ["spleen"]

    run(talk)


def test_what_ends_first_does_not_hide_what_goes_on(bench: Bench) -> None:
    async def talk() -> None:
        first = bench.open("first")
        bench.desk.tell_upload("one", 25, 300)
        assert "25 are here" in bench.shown.scan.busy
        bench.files.readable["first"].set()
        await first
        assert "25 are here" in bench.shown.scan.busy
        await bench.desk.open_upload(Inbox(), "one", 300)
        assert bench.shown.scan.busy == ""
        assert "Of 300 files 0 arrived" in bench.shown.status.message

    run(talk)


def test_a_lost_upload_frees_the_line_for_what_is_said_later(bench: Bench) -> None:
    async def talk() -> None:
        bench.desk.tell_upload("one", 25, 300)
        bench.desk.lose_upload("one")
        assert bench.shown.scan.busy == ""
        assert "Not all files arrived" in bench.shown.status.message

    run(talk)


def saved(folder: Path, *names: str) -> Volume:
    """Label maps without a table, and the scan on whose grid they are."""
    volume = Volume(painted(), np.eye(4))
    segment = Segment("spleen", MaskCrop.of(painted() == 10 * SPLEEN), (1, 2, 3), SPLEEN)
    for name in names:
        write_segmentation(folder / name, Segmentation(volume.shape_kji, volume.ijk_to_ras, (segment,)))
    return volume


def test_a_label_map_without_a_table_on_the_grid_of_the_open_scan_is_no_scan(tmp_path: Path) -> None:
    volume = saved(tmp_path, "mask.nii.gz")
    found = read(tmp_path / "mask.nii.gz", volume)
    assert isinstance(found, Segmentation)
    assert [segment.name for segment in found.segments] == [f"Label {SPLEEN}"]
    assert found.segments[0].class_id is None
    assert any("No table beside mask.nii.gz" in notice for notice in found.notices)
    assert isinstance(read(tmp_path / "mask.nii.gz", None), Scan), "nothing is open"


def test_a_label_map_of_another_scan_is_no_scan_and_the_open_one_stays(tmp_path: Path) -> None:
    saved(tmp_path, "mask.nii.gz")
    with pytest.raises(FileFormatError, match=r"mask\.nii\.gz looks like a label map on another grid than the scan"):
        read(tmp_path / "mask.nii.gz", Volume(painted(), np.diag([2.0, 2.0, 2.0, 1.0])))


def test_a_brain_cut_out_of_eight_bits_is_a_scan(tmp_path: Path) -> None:
    grey = np.zeros((30, 40, 40), np.uint8)
    grey[12:16, 15:20, 15:20] = np.random.default_rng(1).integers(1, 256, (4, 5, 5))
    sitk.WriteImage(sitk.GetImageFromArray(grey), str(tmp_path / "mr.nii.gz"))
    assert isinstance(read(tmp_path / "mr.nii.gz", Volume(painted(), np.eye(4))), Scan)


def test_who_opens_another_scan_is_told_that_the_work_is_kept_and_finds_it_again(bench: Bench) -> None:
    async def talk() -> None:
        bench.files.hold_none()
        await bench.open("first")
        await bench.open("second")
        assert "is kept" not in bench.shown.status.message, "there was none"
        await bench.open("first")
        await bench.open("spleen")
        await bench.open("second")
        assert bench.shown.status.message == "Your work on first is kept: open that scan again to go on with it."
        await bench.open("first")
        assert bench.names() == ["spleen"]
        assert "Your earlier work on this scan is back" in bench.shown.status.message
        await bench.open("first")
        assert "is kept" not in bench.shown.status.message

    run(talk)


def test_all_that_is_to_be_known_of_a_scan_is_told_however_long_it_takes_to_show_it(bench: Bench) -> None:
    async def talk() -> None:
        bench.files.hold_none()
        await bench.open("first")
        await bench.open("spleen")
        await bench.open("second")
        await bench.open("spleen")
        bench.views.takes_seconds = SAME_BREATH_SECONDS + 0.1
        await bench.open("first")
        kept = "Your work on second is kept: open that scan again to go on with it."
        assert bench.shown.status.message == f"{BACK} {kept}"

    run(talk)


def test_a_scan_of_eight_bits_on_the_grid_of_the_open_one_is_a_scan(tmp_path: Path) -> None:
    grey = np.random.default_rng(1).integers(0, 256, painted().shape).astype(np.uint8)
    path = tmp_path / "mr.nii.gz"
    image = sitk.GetImageFromArray(grey)
    image.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
    sitk.WriteImage(image, str(path))
    assert isinstance(read(path, Volume(painted(), np.eye(4))), Scan)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("a.nii.gz", "b.nii.gz"), "do not form one scan. Open one at a time: a.nii.gz, b.nii.gz."),
        (("notes.txt", "more.txt"), "None of these files is a scan, or holds segments. Give"),
    ],
)
def test_files_that_form_no_scan_are_told_by_name_and_not_by_the_folder(
    tmp_path: Path, names: tuple[str, ...], told: str
) -> None:
    saved(tmp_path, *(name for name in names if name.endswith(".nii.gz")))
    for name in names:
        if name.endswith(".txt"):
            (tmp_path / name).write_text("of no use")
    with pytest.raises(FileFormatError) as refused:
        read(tmp_path, None)
    assert told in str(refused.value)
    assert str(tmp_path) not in str(refused.value)


def segments_as(folder: Path, volume: Volume, forms: tuple[Form, ...]) -> Path:
    """The files of an export, as kinds that a person chose; beside them the series of the scan, in a folder."""
    write_ct_series(folder / "series", volume, "ANON-1")
    segment = Segment("spleen", MaskCrop.of(painted() == 10 * SPLEEN), (1, 2, 3), SPLEEN)
    segmentation = Segmentation(volume.shape_kji, volume.ijk_to_ras, (segment,))
    wish = Wish(segmentation, forms, "segmentation", read_source(folder / "series"), volume, None, agreed=True)
    exported = folder / "exported"
    exported.mkdir()
    export(wish, exported)
    return exported


EVERY_KIND = tuple(form for form in Form if form is not Form.REPORT)


@pytest.mark.parametrize(
    ("forms", "opened"),
    [
        (EVERY_KIND, "segmentation.seg.nrrd"),
        ((Form.RTSTRUCT, Form.DICOM_SEG, Form.DICOM_SR), "segmentation_seg.dcm"),
        ((Form.NIFTI, Form.NRRD, Form.DICOM_LABELMAP, Form.RTSTRUCT), "segmentation_labelmap.dcm"),
        ((Form.NIFTI, Form.RTSTRUCT), "segmentation.nii.gz"),
    ],
)
def test_of_an_export_in_several_kinds_of_files_the_segments_come_once(
    tmp_path: Path, forms: tuple[Form, ...], opened: str
) -> None:
    volume = Volume(painted(), np.diag([-0.8, -0.8, 2.5, 1.0]))
    folder = segments_as(tmp_path, volume, forms)
    archive = Path(shutil.make_archive(str(tmp_path / "export"), "zip", folder))
    scan = read(tmp_path / "series", None)
    assert isinstance(scan, Scan)
    for given in (archive, folder):
        found = read(given, scan.volume, scan.identifiers)
        assert isinstance(found, Segmentation)
        assert [segment.name for segment in found.segments] == ["spleen"]
        (told,) = (notice for notice in found.notices if "not opened" in notice)
        assert opened not in told
        assert "segmentation_rtstruct.dcm" in told


def test_a_structured_report_is_said_to_be_one(tmp_path: Path) -> None:
    volume = Volume(painted(), np.diag([-0.8, -0.8, 2.5, 1.0]))
    folder = segments_as(tmp_path, volume, (Form.DICOM_SEG, Form.DICOM_SR))
    with pytest.raises(FileFormatError, match=r"segmentation_sr.dcm is a DICOM structured report.*Open the DICOM segm"):
        read(folder / "segmentation_sr.dcm", volume)


def test_of_a_folder_of_images_and_segments_it_is_said_what_was_not_opened(tmp_path: Path) -> None:
    folder = segments_as(tmp_path, Volume(painted(), np.diag([-0.8, -0.8, 2.5, 1.0])), (Form.RTSTRUCT,))
    found = read(folder.parent, None)
    assert isinstance(found, Scan)
    assert "Also there, and not opened: segmentation_rtstruct.dcm." in found.notices


def test_segments_beside_the_images_of_a_scan_and_what_a_system_leaves_do_not_stand_in_its_way(tmp_path: Path) -> None:
    exported = segments_as(tmp_path, Volume(painted(), np.diag([-0.8, -0.8, 2.5, 1.0])), (Form.SEG_NRRD,))
    shutil.copy(exported / "segmentation.seg.nrrd", tmp_path / "series")
    (tmp_path / "series" / "._segmentation.seg.nrrd").write_bytes(b"Mac OS X")
    found = read(tmp_path / "series", None)
    assert isinstance(found, Scan)
    assert any("segmentation.seg.nrrd" in notice for notice in found.notices)


def test_a_series_of_files_without_their_first_132_bytes_is_opened(tmp_path: Path) -> None:
    write_ct_series(tmp_path / "series", Volume(painted(), np.diag([-0.8, -0.8, 2.5, 1.0])), "ANON-1")
    for file in (tmp_path / "series").iterdir():
        file.write_bytes(file.read_bytes()[132:])
    found = read(tmp_path / "series", None)
    assert isinstance(found, Scan)
    assert found.identifiers is not None
    assert found.identifiers.patient_id == "ANON-1"


def test_a_scan_with_an_odd_number_in_its_headers_opens_and_it_is_told_why_it_is_no_source(tmp_path: Path) -> None:
    write_ct_series(tmp_path / "series", Volume(painted(), np.diag([-0.8, -0.8, 2.5, 1.0])), "ANON-1")
    tag = Tag("NumberOfFrames")
    for file in (tmp_path / "series").iterdir():
        image = dcmread(file)
        image[tag] = RawDataElement(tag, "IS", 4, b"ABC ", 0, False, True)
        image.save_as(file)
    found = read(tmp_path / "series", None)
    assert isinstance(found, Scan)
    assert found.source is None
    assert "cannot be exported for this scan: The DICOM file 00001.dcm is damaged" in " ".join(found.notices)


def test_an_image_of_points_that_touch_nowhere_is_no_label_map(tmp_path: Path) -> None:
    grey = np.zeros((8, 20, 20), np.uint8)
    grey[4, range(20), range(20)] = range(1, 21)
    sitk.WriteImage(sitk.GetImageFromArray(grey), str(tmp_path / "vessels.nii.gz"))
    assert isinstance(read(tmp_path / "vessels.nii.gz", Volume(painted(), np.eye(4))), Scan)


def test_of_a_damaged_image_of_a_series_it_is_said_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "slice.dcm").write_bytes(bytes(128) + b"DICM" + b"\x01\x02")
    with pytest.raises(FileFormatError) as refused:
        read(tmp_path, None)
    assert "slice.dcm" in str(refused.value)


def test_a_file_of_another_kind_and_a_scene_are_refused_with_what_to_do(tmp_path: Path) -> None:
    for name, told in (("notes.txt", "DICOM segmentation, RT structure set"), ("work.mrb", "scene of 3D Slicer")):
        (tmp_path / name).write_text("of no use")
        with pytest.raises(FileFormatError, match=told):
            read(tmp_path / name, None)
