"""What careless anonymisation and careless software left in the headers of scans, made good where that is safe."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pydicom
from pydicom.valuerep import DA, TM

from .identifiers import uid_for

MADE_UP = {"StudyInstanceUID": "study", "SeriesInstanceUID": "series", "FrameOfReferenceUID": "frame of reference"}
"""Identifiers that all images of a series have in common, by keyword, and their name in words."""

LONGEST = {"StudyID": 16, "StudyDescription": 64}
"""Text that names no person and no order, and how many characters it may have (PS3.5, 6.2)."""

SEXES = ("", "M", "F", "O")
"""Values of PatientSex (PS3.3, C.7.1.1)."""


def repaired(slices: Sequence[pydicom.Dataset]) -> tuple[Sequence[pydicom.Dataset], tuple[str, ...]]:
    """Images of one series with what is wrong in them made good.

    Returns:
        The images, changed in place, and sentences about what was changed.
    """
    return slices, (*_identifiers_made_good(slices), *_texts_cut(slices), *_values_emptied(slices))


def _identifiers_made_good(slices: Sequence[pydicom.Dataset]) -> list[str]:
    """Blank UIDs filled.

    Class and instance stand in the file meta information too (PS3.10, 7.1). Study, series and frame of reference get
    UIDs made from those of the instances, the same at every export.
    """
    for one in slices:
        meta = getattr(one, "file_meta", pydicom.Dataset())
        for keyword in ("SOPClassUID", "SOPInstanceUID"):
            if not one.get(keyword):
                setattr(one, keyword, meta.get(f"MediaStorage{keyword}", ""))
    instances = sorted(str(one.SOPInstanceUID) for one in slices)
    made = [keyword for keyword in MADE_UP if all(instances) and not any(one.get(keyword) for one in slices)]
    for keyword in made:
        for one in slices:
            setattr(one, keyword, uid_for(keyword, *instances))
    if not made:
        return []
    words = ", ".join(MADE_UP[keyword] for keyword in made)
    return [
        f"The images do not say to which {words} they belong; identifiers were made up, so a viewer may not find the "
        "images by them."
    ]


def _texts_cut(slices: Sequence[pydicom.Dataset]) -> list[str]:
    cut = [
        keyword
        for keyword, length in LONGEST.items()
        if any(len(str(one.get(keyword, "") or "")) > length for one in slices)
    ]
    for keyword in cut:
        for one in slices:
            setattr(one, keyword, str(one.get(keyword, "") or "")[: LONGEST[keyword]].rstrip())
    if not cut:
        return []
    return [f"The {' and '.join(cut)} of the images are longer than DICOM allows and were cut in what is exported."]


def _values_emptied(slices: Sequence[pydicom.Dataset]) -> list[str]:
    """Values of patient and study that no reader can understand; they may be empty, and then claim nothing."""
    checks: dict[str, Callable[[str], object]] = {
        "PatientSex": SEXES.index,
        "PatientBirthDate": DA,
        "StudyDate": DA,
        "StudyTime": TM,
    }
    wrong = [
        keyword for keyword, check in checks.items() if any(not _is_valid(one.get(keyword), check) for one in slices)
    ]
    for keyword in wrong:
        for one in slices:
            setattr(one, keyword, "")
    if not wrong:
        return []
    return [
        f"The {' and '.join(wrong)} of the images are not as DICOM wants them and are left empty in what is exported."
    ]


def _is_valid(value: object, check: Callable[[str], object]) -> bool:
    try:
        check(str(value or ""))
    except ValueError:
        return False
    return True
