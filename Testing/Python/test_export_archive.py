"""A zip of files: whole, compared, and nothing but relative names in it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from export_world import segmentation
from VISTA3DSegmentLib.engine import Progress
from VISTA3DSegmentLib.errors import Cancelled, FileFormatError, ResourceError
from VISTA3DSegmentLib.export.archive import files_in, write_archive
from VISTA3DSegmentLib.export.exporting import Wish, export_archive
from VISTA3DSegmentLib.export.formats import Form


def folder(tmp_path: Path) -> Path:
    place = tmp_path / "export"
    (place / "stl").mkdir(parents=True)
    (place / "a.nii.gz").write_bytes(bytes(range(256)) * 50)
    (place / "stl" / "Größe.stl").write_bytes(bytes(100_000))
    return place


def test_zip_holds_every_file_and_the_same_files_give_the_same_zip(tmp_path: Path) -> None:
    place = folder(tmp_path)
    told = []
    write_archive(tmp_path / "a.zip", files_in(place), progress=lambda one: told.append((one.done, one.total)))
    with zipfile.ZipFile(tmp_path / "a.zip") as zipped:
        assert zipped.namelist() == ["a.nii.gz", "stl/Größe.stl"]
        assert zipped.testzip() is None
        assert zipped.read("a.nii.gz") == (place / "a.nii.gz").read_bytes()
        assert zipped.getinfo("stl/Größe.stl").compress_size < 1000
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    first = (tmp_path / "a.zip").read_bytes()
    write_archive(tmp_path / "a.zip", files_in(place))
    assert (tmp_path / "a.zip").read_bytes() == first


def test_an_export_into_a_zip_tells_how_far_the_zip_is_too(tmp_path: Path) -> None:
    told: list[tuple[float, bool]] = []

    def tell(now: Progress) -> None:
        told.append((now.done / now.total, any(tmp_path.glob(".a.zip.*"))))

    export_archive(Wish(segmentation(), (Form.STL, Form.PLY)), tmp_path / "a.zip", tell)
    assert told == sorted(told), "never less, and first the files, then the zip"
    assert told[-1] == (1, True)
    assert told[0][1] is False


@pytest.mark.parametrize(("form", "name"), [(Form.SEG_NRRD, "a.seg.nrrd"), (Form.STL, "a.stl"), (Form.NIFTI, "b.zip")])
def test_a_single_file_is_not_packed_if_that_is_not_wanted(tmp_path: Path, form: Form, name: str) -> None:
    wish = Wish(segmentation(*segmentation().segments[:1]), (form,), "a")
    exported = export_archive(wish, tmp_path / "b.zip", packs_one=False)
    assert exported.paths == (tmp_path / name,)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["../a", "/a", "a\\b", "C:/a", "a//b", "."])
def test_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileFormatError, match="no name"):
        write_archive(tmp_path / "a.zip", {name: folder(tmp_path) / "a.nii.gz"})
    assert not (tmp_path / "a.zip").exists()


def test_cancelling_and_missing_files_leave_the_old_zip(tmp_path: Path) -> None:
    place = folder(tmp_path)
    write_archive(tmp_path / "a.zip", files_in(place))
    before = (tmp_path / "a.zip").read_bytes()
    with pytest.raises(Cancelled):
        write_archive(tmp_path / "a.zip", files_in(place), cancel=lambda: True)
    with pytest.raises(ResourceError):
        write_archive(tmp_path / "a.zip", {"x": place / "x"})
    assert (tmp_path / "a.zip").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "export"]


def test_file_that_changes_while_it_is_packed_is_noticed(tmp_path: Path) -> None:
    place = folder(tmp_path)
    asked = []

    def cancel() -> bool:
        asked.append(True)
        if len(asked) == 3:  # all are packed, none is compared
            (place / "a.nii.gz").write_bytes(b"other")
        return False

    with pytest.raises(FileFormatError, match="did not read back"):
        write_archive(tmp_path / "a.zip", files_in(place), cancel=cancel)
    assert not (tmp_path / "a.zip").exists()


def test_disk_that_stores_something_else_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = zipfile.ZipFile

    def damaged(file: object, mode: str = "r") -> zipfile.ZipFile:
        if mode == "r":
            path = Path(str(file))
            content = bytearray(path.read_bytes())
            content[60] ^= 1
            path.write_bytes(content)
        return real(file, mode)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(zipfile, "ZipFile", damaged)
    with pytest.raises(FileFormatError, match="did not read back"):
        write_archive(tmp_path / "a.zip", files_in(folder(tmp_path)))
    assert not (tmp_path / "a.zip").exists()
