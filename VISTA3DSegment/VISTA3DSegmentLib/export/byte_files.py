"""Writing a file of bytes made on the way, whole or not at all, and reading it back."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from ..errors import FileFormatError
from ..files.atomic import write_atomically
from ..files.reading import CHUNK_BYTES


def write_bytes(path: Path, parts: Iterable[bytes]) -> None:
    """Write parts one after the other; what is on the disk afterwards is compared by length and checksum.

    Raises:
        FileFormatError: the disk holds something else. ResourceError: the disk is full, or the folder cannot be
            written to.
    """
    length, checksum = 0, 0

    def write(file: BinaryIO) -> None:
        nonlocal length, checksum
        for part in parts:
            file.write(part)
            length, checksum = length + len(part), zlib.crc32(part, checksum)

    def check(written: Path) -> None:
        if (length, checksum) != length_and_checksum(written):
            raise FileFormatError(f"What was written to {path.name} did not read back the same.", "Try another disk.")

    write_atomically(path, write, check)


def length_and_checksum(path: Path) -> tuple[int, int]:
    """Bytes of a file, and their CRC-32."""
    length, checksum = 0, 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            length, checksum = length + len(chunk), zlib.crc32(chunk, checksum)
    return length, checksum
