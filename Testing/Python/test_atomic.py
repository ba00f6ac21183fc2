"""A file is the old one or the new one, whole."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO

import pytest
from VISTA3DSegmentLib.errors import FileFormatError, ResourceError
from VISTA3DSegmentLib.export.folders import all_or_none
from VISTA3DSegmentLib.files.atomic import partial_of, remove_partials, write_atomically


def write_new(file: BinaryIO) -> None:
    file.write(b"new")


def nothing(_: Path) -> None:
    """A check that is content."""


def test_new_content_replaces_the_old(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    write_atomically(path, write_new, nothing)
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_old_file_survives_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")

    def full(file: BinaryIO) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ResourceError, match=r"No space left on device.*unchanged"):
        write_atomically(path, full, nothing)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_old_file_survives_a_disk_that_loses_data(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")

    def refuse(written: Path) -> None:
        assert written.read_bytes() == b"new"
        raise FileFormatError("It did not read back.")

    with pytest.raises(FileFormatError):
        write_atomically(path, write_new, refuse)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="could not be written"):
        write_atomically(tmp_path / "none" / "a.txt", lambda _: None, nothing)


def test_a_folder_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ResourceError, match=r"could not be written \(Not a directory\)"):
        write_atomically(tmp_path / "file" / "a.txt", write_new, nothing)


@pytest.mark.parametrize("letter", ["a", "ä", "骨"])
def test_every_name_that_the_system_takes_can_be_written(tmp_path: Path, letter: str) -> None:
    name = letter * ((255 - 4) // len(letter.encode())) + ".dcm"
    write_atomically(tmp_path / name, write_new, nothing)
    assert (tmp_path / name).read_bytes() == b"new"
    with all_or_none(tmp_path / name[:-4]) as folder:
        (folder / "a").write_bytes(b"new")
    assert len(list(tmp_path.iterdir())) == 2


def test_a_name_that_the_system_does_not_take_is_said(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="File name too long"):
        write_atomically(tmp_path / ("a" * 256), write_new, nothing)
    assert list(tmp_path.iterdir()) == []


def test_what_an_ended_process_left_is_removed_and_nothing_of_others(tmp_path: Path) -> None:
    mine = partial_of(tmp_path / "organs_stl")
    mine.mkdir()
    (mine / "liver.stl").write_bytes(b"half")
    partial_of(tmp_path / "organs.nii.gz").write_bytes(b"half")
    others = [".organs.1.abcdef01.partial", f".organs.{os.getpid()}0.abcdef01.partial", "organs.partial", "organs.stl"]
    for name in others:
        (tmp_path / name).write_bytes(b"of another")
    remove_partials(tmp_path, os.getpid())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)
    remove_partials(tmp_path / "gone", os.getpid())
