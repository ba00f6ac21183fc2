"""What every exported DICOM object says of the program that made it, and text that fits DICOM's short fields."""

from __future__ import annotations

from .. import __version__
from .source import DicomSource

MANUFACTURER = "VISTA3DSegment"
MODEL_NAME = "VISTA3DSegment"
SOFTWARE_VERSION = __version__
DEVICE_SERIAL_NUMBER = "0"
"""The standard wants one of every device (PS3.3, C.7.5.2); a program has none."""

SHORT_STRING, LONG_STRING, SHORT_TEXT = 16, 64, 1024
"""Most characters of the value representations SH, LO and ST (PS3.5, 6.2)."""

NAMES_CHANGED = "Names that DICOM cannot hold were shortened or changed: {}."

LARGEST_INTEGER = 2**31 - 1

SEGMENTATION_SERIES, STRUCTURE_SET_SERIES, REPORT_SERIES = 1, 2, 3
"""What is added to the number of the source series, times 100, as scanners number the series that they derive."""


def series_number(source: DicomSource, kind: int) -> int:
    """The number of a series made from another one: ``SEGMENTATION_SERIES`` of series 4 is 401."""
    number = source.slices[0].get("SeriesNumber") or 0
    return min(max(int(number), 0) * 100 + kind, LARGEST_INTEGER)


def fitting(text: str, length: int = LONG_STRING) -> str:
    """Text without signs that the field cannot hold, cut to a length: a backslash would part two values.

    The standard counts characters, but many programs count the bytes of UTF-8, which are more.
    """
    plain = "".join(sign if sign.isprintable() else " " for sign in text.replace("\\", "/")).strip()
    return plain.encode()[:length].decode(errors="ignore").rstrip()
