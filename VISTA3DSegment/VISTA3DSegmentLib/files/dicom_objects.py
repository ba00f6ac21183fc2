"""Which DICOM files hold segments: the file meta information tells it, so that no pydicom is needed to ask."""

from __future__ import annotations

from pathlib import Path

from ..errors import FileFormatError
from .dicom_headers import file_meta, is_dicom

SEGMENTATION_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
"""Storage classes: Segmentation and Label Map Segmentation (PS3.4, table B.5-1)."""

STRUCTURE_SET_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"
"""Storage class: RT Structure Set."""

REPORT_CLASSES = "1.2.840.10008.5.1.4.1.1.88."
"""How the storage classes of structured reports begin."""

STORAGE_CLASS = 0x0002
"""Element of group 0002: Media Storage SOP Class UID."""

GIVE_ONE = "Give the file of one segmentation."


def storage_class(path: Path) -> str:
    """The storage class of a file; "" if it is no DICOM, or does not say it."""
    return file_meta(path).get(STORAGE_CLASS, "") if is_dicom(path) else ""


def is_segmentation(path: Path) -> bool:
    """Whether a file is a DICOM segmentation."""
    return storage_class(path) in SEGMENTATION_CLASSES


def is_structure_set(path: Path) -> bool:
    """Whether a file is an RT structure set."""
    return storage_class(path) == STRUCTURE_SET_CLASS


def is_drawn(path: Path) -> bool:
    """Whether a file is one of both."""
    return storage_class(path) in (*SEGMENTATION_CLASSES, STRUCTURE_SET_CLASS)


def is_report(path: Path) -> bool:
    """Whether a file is a DICOM structured report."""
    return storage_class(path).startswith(REPORT_CLASSES)


def is_object(path: Path) -> bool:
    """Whether segments come from a DICOM object: a file that is one, or a folder, which is searched for one."""
    return path.is_dir() or is_drawn(path)


def object_in(folder: Path) -> Path:
    """The only segmentation or structure set in a folder and its subfolders.

    Raises:
        FileFormatError: there is none, or there are several; the folder may not be read.
    """
    try:
        found = [path for path in sorted(folder.rglob("*")) if is_drawn(path)]
    except OSError as error:
        raise FileFormatError(
            f"The folder {folder} cannot be read ({error.strerror}).", "Check that you are allowed to read it."
        ) from error
    if len(found) == 1:
        return found[0]
    if not found:
        raise FileFormatError(f"The folder {folder.name} holds no segmentation file.", GIVE_ONE)
    names = ", ".join(path.name for path in found[:5])
    raise FileFormatError(f"The folder {folder.name} holds {len(found)} segmentations: {names}.", GIVE_ONE)
