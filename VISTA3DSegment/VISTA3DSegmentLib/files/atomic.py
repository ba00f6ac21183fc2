"""Writing a file so that there is always either the old one or the new one, whole, never a part."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from ..errors import ResourceError


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
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    try:
        with open_for_writing(partial) as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        check(partial)
        partial.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        kept = "The file that was there is unchanged." if target.exists() else ""
        raise ResourceError(
            f"The file {path} could not be written ({error.strerror or error}).",
            f"{kept} Check the folder and the free space.".strip(),
        ) from error
    finally:
        partial.unlink(missing_ok=True)


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
