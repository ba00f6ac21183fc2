"""A file is the old one or the new one, whole."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import BinaryIO

import pytest
from VISTA3DSegmentLib.errors import FileFormatError, ResourceError
from VISTA3DSegmentLib.files.atomic import write_atomically


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
