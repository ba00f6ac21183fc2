"""Files that browsers send: bounded, under harmless names, gone when they were read."""

from __future__ import annotations

import asyncio
import tempfile
import zipfile
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from VISTA3DSegmentLib.errors import FileFormatError, ResourceError

web = pytest.importorskip("aiohttp.web", reason="needs the app extra")
from aiohttp.test_utils import TestClient, TestServer  # noqa: E402
from VISTA3DSegmentLib.app import opening  # noqa: E402
from VISTA3DSegmentLib.app.opening import Scan, read, read_earlier, read_sample, safe_name, unpack  # noqa: E402
from VISTA3DSegmentLib.app.transfer import Inbox  # noqa: E402
from VISTA3DSegmentLib.edits import MaskCrop  # noqa: E402
from VISTA3DSegmentLib.export.label_tables import write_label_map  # noqa: E402
from VISTA3DSegmentLib.files.segmentations import Segment, Segmentation  # noqa: E402
from VISTA3DSegmentLib.resources import resource  # noqa: E402
from VISTA3DSegmentLib.volume import Volume  # noqa: E402


def sent(inbox: Inbox, talk: Callable[[TestClient], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        app = web.Application()
        app.router.add_put(r"/upload/{upload:[\w-]+}", inbox.receive)
        async with TestClient(TestServer(app)) as client:
            await talk(client)

    # In a thread of its own: where browser tests ran before, this one's event loop is taken.
    with ThreadPoolExecutor(1) as alone:
        alone.submit(asyncio.run, all_of_it()).result()


async def put(client: TestClient, name: str, content: bytes) -> int:
    return (await client.put("/upload/one", data=content, headers={"X-File-Name": name})).status


def test_one_file_is_taken_as_a_file_and_several_as_a_folder() -> None:
    inbox = Inbox()

    async def talk(client: TestClient) -> None:
        assert await put(client, "CT.nii.gz", b"1") == 200
        assert inbox.take("one", 1).name == "CT.nii.gz"
        assert await put(client, "CT.nii.gz", b"2") == 200
        assert sorted(path.read_bytes() for path in inbox.take("one", 2).iterdir()) == [b"1", b"2"]

    sent(inbox, talk)
    inbox.forget("one")
    with pytest.raises(FileFormatError, match="Of 2 files 0 arrived"):
        inbox.take("one", 2)
    inbox.close()
    assert not inbox.root.exists()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("a\\b\\CT.nii.gz", "CT.nii.gz"),
        ("..", "file"),
        ("", "file"),
        ("x\n|&.nrrd", "x___.nrrd"),
    ],
)
def test_a_name_decides_nothing_but_the_suffix(given: str, kept: str) -> None:
    assert safe_name(given) == kept


@pytest.mark.parametrize("limits", [{"max_bytes": 10}, {"max_files": 1}])
def test_more_than_a_scan_can_be_is_refused_and_deleted(limits: dict[str, int]) -> None:
    inbox = Inbox(**limits)

    async def talk(client: TestClient) -> None:
        assert await put(client, "a.dcm", b"12345") == 200
        assert await put(client, "b.dcm", b"1234567") == 413

    sent(inbox, talk)
    assert not (inbox.root / "one").exists()
    with pytest.raises(FileFormatError, match="more than a scan"):
        inbox.take("one", 2)


def test_an_upload_that_broke_off_is_not_taken_for_a_scan() -> None:
    inbox = Inbox()

    async def talk(client: TestClient) -> None:
        assert await put(client, "1.dcm", b"1") == 200

    sent(inbox, talk)
    with pytest.raises(FileFormatError, match="Of 3 files 1 arrived"):
        inbox.take("one", 3)


def test_a_line_that_is_cut_leaves_no_part_of_a_file_and_is_not_taken_for_a_full_disk() -> None:
    inbox = Inbox()

    def files() -> int:
        return len(list((inbox.root / "one").glob("*")))

    async def until(count: int) -> None:
        for _ in range(6000):
            if files() == count:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{files()} files, not {count}")

    async def talk() -> None:
        app = web.Application()
        app.router.add_put(r"/upload/{upload:[\w-]+}", inbox.receive)
        runner = web.AppRunner(app)  # as the page's server: the client of the other tests cancels what it cuts
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        for name, content in (("1.dcm", b"whole"), ("2.dcm", b"half.")):
            _, line = await asyncio.open_connection(*runner.addresses[0])
            length = 5 if content == b"whole" else 10
            line.write(f"PUT /upload/one HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n".encode())
            line.write(f"X-File-Name: {name}\r\n\r\n".encode() + content)
            await until(1 if name == "1.dcm" else 2)
            await asyncio.sleep(0.1)
            line.transport.abort()
        await until(1)
        await runner.cleanup()

    with ThreadPoolExecutor(1) as alone:
        alone.submit(asyncio.run, talk()).result()
    with pytest.raises(FileFormatError, match="Of 2 files 1 arrived"):
        inbox.take("one", 2)


def test_an_upload_is_given_up_when_nothing_has_come_for_a_while_and_not_while_it_is_read() -> None:
    seconds = [0.0]
    inbox = Inbox(clock=lambda: seconds[0])
    inbox.hear("announced")

    async def talk(client: TestClient) -> None:
        seconds[0] = 15.0
        assert await put(client, "1.dcm", b"1") == 200
        seconds[0] = 30.0
        assert inbox.silent() == ["announced"]
        inbox.forget("announced")
        seconds[0] = 40.0
        assert inbox.silent() == ["one"]
        inbox.take("one", 1)
        assert inbox.silent() == []

    sent(inbox, talk)


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = Inbox()

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left")

    async def talk(client: TestClient) -> None:
        with monkeypatch.context() as disk:
            disk.setattr(Path, "open", full)
            assert await put(client, "1.dcm", b"1") == 413

    sent(inbox, talk)
    with pytest.raises(ResourceError, match="no room"):
        inbox.take("one", 1)


def test_an_upload_cannot_name_a_folder_outside() -> None:
    inbox = Inbox()
    with pytest.raises(FileFormatError):
        inbox.take("../..", 1)
    inbox.forget("..")
    assert inbox.root.exists()


def label_map(folder: Path, volume: Volume) -> Segmentation:
    """Exports a liver and a spleen, with the table of their values."""
    one, other = (np.zeros(volume.shape_kji, np.bool_) for _ in range(2))
    one[2:5, 3:9, 4:9], other[6:8, 3:6, 4:7] = True, True
    spleen = Segment("spleen", MaskCrop.of(other), (1, 2, 3), 3)
    mine = Segment("my finding", MaskCrop.of(one), (4, 5, 6))
    segmentation = Segmentation(volume.shape_kji, volume.ijk_to_ras, (spleen, mine))
    write_label_map(folder / "organs.nii.gz", segmentation)
    return segmentation


@pytest.mark.parametrize("how", ["folder", "zip", "upload"])
def test_a_label_map_with_its_table_becomes_segments_however_it_comes(tmp_path: Path, how: str) -> None:
    volume, inbox = read_sample().volume, Inbox()
    made = tmp_path / "made"
    made.mkdir()
    expected = label_map(made, volume)
    files = sorted(made.iterdir())
    assert "organs.csv" in {file.name for file in files}
    path = made
    if how == "zip":
        path = tmp_path / "organs.zip"
        with zipfile.ZipFile(path, "w") as zipped:
            for file in files:
                zipped.write(file, f"export/{file.name}")
    elif how == "upload":

        async def talk(client: TestClient) -> None:
            for file in files:
                assert await put(client, file.name, file.read_bytes()) == 200

        sent(inbox, talk)
        path = inbox.take("one", len(files))
    found = read(path, volume)
    assert isinstance(found, Segmentation)
    assert [(one.name, one.class_id) for one in found.segments] == [("spleen", 3), ("my finding", None)]
    for one, other in zip(found.segments, expected.segments, strict=True):
        assert (one.mask.full(volume.shape_kji) == other.mask.full(volume.shape_kji)).all()
    with pytest.raises(FileFormatError, match="Open the scan first"):
        read(path, None)
    assert [one.name for one in read_earlier(path, volume).segments] == ["spleen", "my finding"]


def test_a_table_of_something_else_beside_an_image_names_nothing(tmp_path: Path) -> None:
    volume = read_sample().volume
    label_map(tmp_path, volume)
    (tmp_path / "organs.csv").write_text("patient,weight\n1,70\n", encoding="utf-8")
    (tmp_path / "organs.label").unlink(missing_ok=True)
    assert isinstance(read(tmp_path / "organs.nii.gz", None), Scan)
    found = read(tmp_path / "organs.nii.gz", volume)
    assert isinstance(found, Segmentation)
    assert all(segment.name.startswith("Label ") and segment.class_id is None for segment in found.segments)
    unnamed = read_earlier(tmp_path / "organs.nii.gz", volume).segments
    assert [(one.name, one.class_id) for one in unnamed] == [("Label 3", None), ("Label 133", None)]


def test_files_of_a_zip_land_inside_whatever_they_are_called(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as zipped:
        zipped.writestr("../../evil.dcm", b"1")
        zipped.writestr("/abs/CT.nii.gz", b"2")
        zipped.writestr("other/evil.dcm", b"3")
        zipped.writestr("\N{CJK UNIFIED IDEOGRAPH-809D}" * 300 + ".nii", b"4")  # longer than file systems take
    (tmp_path / "in").mkdir()
    with (tmp_path / "study.zip").open("rb") as archive:
        unpack(archive, tmp_path / "in", "study.zip")
    names = sorted(path.name for path in (tmp_path / "in").iterdir())
    assert names[:3] == ["00002-evil.dcm", "CT.nii.gz", "evil.dcm"]
    assert names[3].endswith(".nii")
    assert len(names) == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "study.zip"]


def test_a_zip_is_read_as_often_as_one_likes_and_no_copy_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    (tmp_path / "mine").mkdir()
    with zipfile.ZipFile(tmp_path / "mine" / "study.zip", "w") as zipped:
        zipped.write(resource("Samples/sample_ct.nrrd"), "a name.nrrd")
    for _ in range(2):
        scan = read(tmp_path / "mine" / "study.zip", None)
        assert isinstance(scan, Scan)
        assert scan.name == "study"
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["study.zip"]
    assert list(temporary.iterdir()) == []


def test_a_zip_for_which_there_is_no_room_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as zipped:
        zipped.writestr("a.dcm", b"1")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "is not there"))
    with pytest.raises(ResourceError, match=r"could not be unpacked .*free space"):
        read(tmp_path / "study.zip", None)


def test_a_zip_that_holds_too_much_or_is_damaged_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("a", b"0" * 10_000)
    monkeypatch.setattr(opening, "MAX_BYTES", 1000)
    with pytest.raises(FileFormatError, match="more than a scan"):
        read(tmp_path / "bomb.zip", None)
    (tmp_path / "no.zip").write_bytes(b"PK nothing")
    with zipfile.ZipFile(tmp_path / "cut.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("a", b"a scan " * 100)
    whole = bytearray((tmp_path / "cut.zip").read_bytes())
    whole[31:40] = b"\xff" * 9  # where the packed bytes begin
    (tmp_path / "cut.zip").write_bytes(whole)
    for name in ("no.zip", "cut.zip"):
        with pytest.raises(FileFormatError, match=f"{name} is damaged"):
            read(tmp_path / name, None)
    with pytest.raises(FileFormatError, match="does not exist"):
        read(tmp_path / "none.zip", None)


def test_a_segmentation_without_a_scan_says_to_open_the_scan_first(tmp_path: Path) -> None:
    from VISTA3DSegmentLib.edits import MaskCrop
    from VISTA3DSegmentLib.files.segmentations import Segment, Segmentation, write_segmentation

    volume = read_sample().volume
    mask = MaskCrop.of(volume.array > 200)
    segmentation = Segmentation(volume.shape_kji, volume.ijk_to_ras, (Segment("bone", mask, (9, 9, 9)),))
    write_segmentation(tmp_path / "bone.seg.nrrd", segmentation)
    with pytest.raises(FileFormatError, match="Open the scan first"):
        read(tmp_path / "bone.seg.nrrd", None)
    found = read(tmp_path / "bone.seg.nrrd", volume)
    assert isinstance(found, Segmentation)
    assert [segment.name for segment in found.segments] == ["bone"]
