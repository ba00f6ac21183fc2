"""One sentence for the many errors with which pydicom answers a damaged file."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydicom.errors import BytesLengthException, InvalidDicomError

from ..errors import FileFormatError, ResourceError
from .reading import COPY_AGAIN

DAMAGED = (
    ArithmeticError, AssertionError, AttributeError, BytesLengthException, EOFError, InvalidDicomError, LookupError,
    NotImplementedError, OSError, RuntimeError, TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip
"""What is raised where a file is not what it says; found by reading ten thousand files with wrong bytes."""


@contextmanager
def damage_named(path: Path, kind: str) -> Iterator[None]:
    """Turn errors of parsing into one of ours.

    Args:
        path: the file that is read inside.
        kind: what it should be, as "a segmentation".

    Raises:
        FileFormatError: the file is damaged, or lacks something. ResourceError: not enough memory.
    """
    try:
        yield
    except MemoryError as error:
        raise ResourceError(f"There is not enough memory for {path.name}.", "Close other programs.") from error
    except DAMAGED as error:
        raise FileFormatError(
            f"The DICOM file {path.name} is damaged, or lacks what {kind} must say.", COPY_AGAIN
        ) from error
