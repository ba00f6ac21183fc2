"""Which scan a DICOM object with segments was drawn on: by what it says so, and when it may not be put onto another."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from ..errors import FileFormatError, VolumeError

OTHER_SCAN = "Open the scan that it was drawn on."
KEYWORDS = ("FrameOfReferenceUID", "SeriesInstanceUID", "PatientID")


@dataclass(frozen=True)
class ScanIdentifiers:
    """By what other objects say which scan they belong to.

    Args:
        frame_of_reference_uid: Frame of Reference UID.
        series_uid: Series Instance UID.
        patient_id: Patient ID; "" if the file does not say it.
    """

    frame_of_reference_uid: str
    series_uid: str
    patient_id: str = ""


def identifiers_in(image: Path) -> ScanIdentifiers:
    """The identifiers of the scan of which a file is an image; of an object with segments its own.

    Raises:
        FileFormatError: the file is gone, or no DICOM.
    """
    try:
        dataset = dcmread(image, specific_tags=list(KEYWORDS), force=True)
    except (OSError, InvalidDicomError) as error:
        raise FileFormatError(
            f"An image of the scan, {image.name}, cannot be read any more.", "Import the series again."
        ) from error
    return ScanIdentifiers(*(str(dataset.get(keyword) or "").strip() for keyword in KEYWORDS))


def check_drawn_on(scan: ScanIdentifiers | None, frames: Collection[str], series: Collection[str], what: str) -> None:
    """Refuse what was drawn in another frame of reference, unless it names the series: rt-utils gives each structure
    set a frame of its own.

    Args:
        scan: onto which it is to be put; None: not known, and nothing can be compared.
        frames: Frame of Reference UIDs in which it was drawn.
        series: Series Instance UIDs that it refers to.
        what: it is, for the message.

    Raises:
        VolumeError: it belongs to another scan.
    """
    if scan is not None and set(frames) - {scan.frame_of_reference_uid} and scan.series_uid not in series:
        raise VolumeError(
            f"{what} was drawn in another frame of reference than that of the scan, so nobody knows where it lies in "
            "the scan.",
            OTHER_SCAN,
        )
