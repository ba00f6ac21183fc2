"""The headers of DICOM images: what must be known of each slice before a volume is made of them.

GDCM (in SimpleITK) parses the files; only the short file meta information is read here, to tell a damaged image from an
object that is no image (DICOM PS3.10, section 7.1).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import SimpleITK as sitk  # noqa: N813 (the library's own custom)

from ..errors import FileFormatError
from .reading import open_for_reading

IMAGE_CLASSES = tuple(
    f"1.2.840.10008.5.1.4.1.1.{number}" for number in ("2", "2.1", "2.2", "4", "4.1", "4.4", "7", "128", "128.1", "130")
)
"""Storage classes of CT, MR, secondary capture and PET, single- and multi-frame (PS3.4, table B.5-1)."""

NEW_READER: Callable[[], Any] = sitk.ImageFileReader

NO_DICOM = "Give the folder of a CT series, or a NIfTI, NRRD or MetaImage file."


@dataclass(frozen=True)
class SliceHeader:
    """One DICOM image.

    Args:
        path: its file.
        study: Patient ID and Study Instance UID, "" if missing: compared, never told.
        series_uid: Series Instance UID; "" if the file has none.
        series_number: as written, "" if missing.
        modality: CT, MR, ...; "" if missing.
        instance_uid: SOP Instance UID, "" if missing.
        is_localizer: the scanner calls it a localizer.
        rows: number of rows (j).
        columns: number of columns (i).
        frames: 1 for an ordinary slice.
        components: values per pixel; 1 for grey values.
        position_lps: centre of the first pixel, mm; None if missing or not numbers.
        orientation_lps: direction cosines of a row (i grows), then of a column (j grows); None if missing.
        spacing_ij_mm: distance of neighbouring columns, of neighbouring rows; None if missing or not above zero.
    """

    path: Path
    study: tuple[str, str]
    series_uid: str
    series_number: str
    modality: str
    instance_uid: str
    is_localizer: bool
    rows: int
    columns: int
    frames: int
    components: int
    position_lps: tuple[float, float, float] | None
    orientation_lps: tuple[float, ...] | None
    spacing_ij_mm: tuple[float, float] | None


def read_headers(paths: Sequence[Path]) -> list[SliceHeader]:
    """The headers of all scans among some files; other files and DICOM objects, also segmentations, are passed over.

    Raises:
        FileFormatError: a CT, MR, PET or secondary capture image is damaged, or compressed in a way that is not read.
    """
    headers = [read_header(path) for path in paths if is_dicom(path)]
    return [header for header in headers if header is not None and header.modality != "SEG"]


def is_dicom(path: Path) -> bool:
    """Whether a file looks like DICOM: by its prefix, or, without one, by its first element.

    Raises:
        FileFormatError: the file may not be read.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return False
    with open_for_reading(path) as file:
        first = file.read(132)
    # Old files lack the prefix and begin with group 0002 or 0008, element numbers below 0x20.
    return first[128:] == b"DICM" or (first[:1] in (b"\x02", b"\x08") and first[1:2] == b"\0" and first[3:4] == b"\0")


def read_header(path: Path) -> SliceHeader | None:
    """The header of a DICOM file; None if the object is no image.

    Raises:
        FileFormatError: the image is damaged, or compressed in a way that is not read.
    """
    reader = NEW_READER()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        if file_meta(path).get(0x0002) in IMAGE_CLASSES:
            raise unreadable(path) from error
        return None
    return _header(reader, path)


def unreadable(path: Path) -> FileFormatError:
    """The error for a DICOM image that GDCM does not read."""
    syntax = file_meta(path).get(0x0010, "unknown")
    return FileFormatError(
        f"The DICOM image {path.name} is truncated, damaged, or compressed in a way that is not read "
        f"(transfer syntax {syntax}).",
        "Copy or export the series again, uncompressed, or move the damaged file away.",
    )


def file_meta(path: Path) -> dict[int, str]:
    """The UIDs of the file meta information by element number of group 0002; empty if the file has none."""
    with open_for_reading(path) as file:
        raw = file.read(4096)
    found: dict[int, str] = {}
    position = 132 if raw[128:132] == b"DICM" else len(raw)
    while position + 12 <= len(raw):
        group, element, kind, short = struct.unpack_from("<HH2sH", raw, position)
        if group != 0x0002:
            break
        is_long = kind in (b"OB", b"OW", b"UN", b"SQ", b"UT")
        length = struct.unpack_from("<I", raw, position + 8)[0] if is_long else short
        position += 12 if is_long else 8
        if kind == b"UI":
            found[element] = raw[position : position + length].decode("latin-1").rstrip("\0 ")
        position += length
    return found


def _header(reader: Any, path: Path) -> SliceHeader:
    def text(tag: str) -> str:
        return str(reader.GetMetaData(tag)).strip("\0 ") if reader.HasMetaDataKey(tag) else ""

    columns, rows, *frames = reader.GetSize()
    position, orientation = numbers(text("0020|0032"), 3), numbers(text("0020|0037"), 6)
    spacing = numbers(text("0028|0030"), 2)
    return SliceHeader(
        path=path,
        study=(text("0010|0020"), text("0020|000d")),
        series_uid=text("0020|000e"),
        series_number=text("0020|0011"),
        modality=text("0008|0060"),
        instance_uid=text("0008|0018"),
        is_localizer="LOCALIZER" in text("0008|0008").upper(),
        rows=int(rows),
        columns=int(columns),
        frames=int(frames[0]) if frames else 1,
        components=int(reader.GetNumberOfComponents()),
        position_lps=(position[0], position[1], position[2]) if position else None,
        orientation_lps=orientation,
        # The standard gives the distance of rows first.
        spacing_ij_mm=(spacing[1], spacing[0]) if spacing and min(spacing) > 0 else None,
    )


def numbers(text: str, count: int) -> tuple[float, ...] | None:
    """The numbers of a DICOM decimal string; None if they are not as many, or not finite."""
    try:
        values = tuple(float(word) for word in text.split("\\"))
    except ValueError:
        return None
    return values if len(values) == count and all(map(math.isfinite, values)) else None
