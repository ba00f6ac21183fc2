"""Everything that was exported, in one zip."""

from __future__ import annotations

import shutil
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from ..engine import Cancel, OnProgress
from ..engines.reporting import Reporter
from ..errors import FileFormatError
from ..files.atomic import write_atomically
from ..files.reading import CHUNK_BYTES
from .byte_files import length_and_checksum

PACKED = (".gz", ".zip", ".png", ".jpg", ".nrrd")
"""Suffixes of files that do not become smaller."""
FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""The date of every member: the same files give the same archive."""
TRY_AGAIN = "Try another disk."


def write_archive(
    path: Path | str,
    members: Mapping[str, Path],
    *,
    progress: OnProgress | None = None,
    cancel: Cancel | None = None,
) -> None:
    """Write files into a zip, streamed, and compare every one with what the zip holds of it.

    Args:
        path: the zip; an existing one is replaced only once the new one is whole.
        members: files by their names in the zip, with forward slashes.
        progress: told after each file, and again after each comparison.
        cancel: asked before each; True leaves everything as it was.

    Raises:
        FileFormatError: a name would leave the folder that the zip is unpacked into, a file changed meanwhile, or the
            zip did not read back the same. ResourceError: a file cannot be read, or the zip not be written. Cancelled.
    """
    path = Path(path)
    for name in members:
        _check_name(name)
    reporter = Reporter(2 * len(members), progress, cancel)
    sums: dict[str, tuple[int, int]] = {}

    def write(file: BinaryIO) -> None:
        with zipfile.ZipFile(file, "w") as zipped:
            for name, source in members.items():
                reporter.check()
                sums[name] = _add(zipped, name, source)
                reporter.done()

    def check(written: Path) -> None:
        with zipfile.ZipFile(written) as zipped:
            if zipped.namelist() != list(members):
                raise _differs(path)
            for name, source in members.items():
                reporter.check()
                if _stored(zipped, name, path) != sums[name] or length_and_checksum(source) != sums[name]:
                    raise _differs(path)
                reporter.done()

    write_atomically(path, write, check)


def files_in(folder: Path) -> dict[str, Path]:
    """All files of a folder and its subfolders as members, by name."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in files}


def _check_name(name: str) -> None:
    parts = name.split("/")
    if "\\" in name or ":" in name or any(part in ("", ".", "..") for part in parts):
        raise FileFormatError(f"{name} is no name for a file in a zip.", "Use a relative one.")


def _add(zipped: zipfile.ZipFile, name: str, source: Path) -> tuple[int, int]:
    member = zipfile.ZipInfo(name, FIRST_DAY)
    member.compress_type = zipfile.ZIP_STORED if name.lower().endswith(PACKED) else zipfile.ZIP_DEFLATED
    member.external_attr = 0o644 << 16
    with source.open("rb") as file, zipped.open(member, "w", force_zip64=True) as target:
        shutil.copyfileobj(file, target, CHUNK_BYTES)
    return member.file_size, member.CRC


def _stored(zipped: zipfile.ZipFile, name: str, path: Path) -> tuple[int, int]:
    """Bytes and CRC-32 of what can be unpacked."""
    length, checksum = 0, 0
    try:
        with zipped.open(name) as file:
            while chunk := file.read(CHUNK_BYTES):
                length, checksum = length + len(chunk), zlib.crc32(chunk, checksum)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise _differs(path) from error
    return length, checksum


def _differs(path: Path) -> FileFormatError:
    return FileFormatError(f"What was written to {path.name} did not read back the same.", TRY_AGAIN)
