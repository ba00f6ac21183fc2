"""Writing a file so that there is always either the old one or the new one, whole, never a part."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ..errors import ResourceError

BEGINNING = 30
"""So many letters of a name tell what a partial file was to be; in any script it stays below the 143 bytes that some
file systems allow."""


def write_atomically(path: Path, write: Callable[[BinaryIO], None], check: Callable[[Path], None]) -> None:
    """Write a file under another name in the same folder, bring it to the disk, check it, and only then rename it.

    Args:
        path: the file; an existing one is replaced, and survives if anything fails.
        write: writes the content into an opened file.
        check: reads the finished file back and raises if it is not what was to be written.

    Raises:
        ResourceError: the disk is full, or the folder cannot be written to. Whatever ``write`` and ``check`` raise.
    """
    target = path.resolve()
    partial = partial_of(target)
    try:
        with open_for_writing(partial) as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        check(partial)
        partial.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        kept = "The file that was there is unchanged." if os.path.exists(target) else ""  # noqa: PTH110 (never raises)
        raise ResourceError(
            f"The file {path} could not be written ({error.strerror or error}).",
            f"{kept} Check the folder and the free space.".strip(),
        ) from error
    finally:
        with suppress(OSError):  # why it could not be written is the error to tell
            partial.unlink(missing_ok=True)


def partial_of(path: Path) -> Path:
    """What a file or folder is called while this process writes it: a new name beside it."""
    return path.with_name(f".{path.name[:BEGINNING]}.{os.getpid()}.{secrets.token_hex(4)}.partial")


def remove_partials(folder: Path, pid: int) -> None:
    """Remove what a process that was ended has left half-written in a folder, and nothing else.

    Args:
        folder: that it wrote into.
        pid: number of the process.
    """
    for partial in folder.glob(f".*.{pid}.*.partial"):
        if partial.is_dir() and not partial.is_symlink():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            with suppress(OSError):
                partial.unlink()


def open_for_writing(path: Path) -> BinaryIO:
    """Open a new file; it must not exist."""
    return path.open("xb")


def _sync_folder(folder: Path) -> None:
    # The new name must reach the disk as well; Windows has no such call.
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
