"""What careless anonymisation and careless software left in the headers of scans, made good where that is safe."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

import numpy as np
import pydicom
from pydicom.config import RAISE
from pydicom.datadict import dictionary_VM, keyword_for_tag
from pydicom.tag import BaseTag
from pydicom.valuerep import DA, TM, format_number_as_ds, validate_value

from ..files.dicom_damage import DAMAGED
from .identifiers import uid_for

MADE_UP = {"StudyInstanceUID": "study", "SeriesInstanceUID": "series", "FrameOfReferenceUID": "frame of reference"}
"""Identifiers that all images of a series have in common, by keyword, and their name in words."""

LONGEST = {"StudyID": 16, "StudyDescription": 64}
"""Text that names no person and no order, and how many characters it may have (PS3.5, 6.2)."""

SEXES = ("M", "F", "O")
"""Values of PatientSex (PS3.3, C.7.1.1)."""

PATIENT = ("PatientID", "PatientName")
"""By which images of two patients are told apart."""

PATIENT_GROUPS = 0x0010, 0x0012
"""Groups of elements about the patient, and about trials and what was done to hide who it is."""

USED = (
    "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "ConsultingPhysicianName",
    "StudyDescription", "PhysiciansOfRecord", "NameOfPhysiciansReadingStudy", "StudyID", "RequestingService",
    "AdmittingDiagnosesDescription", "ReasonForVisit", "AdmissionID", "ServiceEpisodeID", "ServiceEpisodeDescription",
    "PatientState", "PositionReferenceIndicator", "SeriesNumber",
)  # fmt: skip
"""Outside those groups: what is copied from the images (PS3.3, C.7.2.1, C.7.2.2, C.7.4.1), and the number from which
those of new series are made."""

NUMBERS = ("FD", "FL", "SL", "SS", "UL", "US")
CHECKS: dict[str, Callable[[str], object]] = {"DA": DA, "TM": TM}
"""What else must work: a date of eight digits may still be none."""
ONE_LINE = ("CS", "LO", "PN", "SH")
"""Value representations without control signs (PS3.5, 6.2)."""

LONGEST_NUMBER = 16
"""Characters of a number in text (PS3.5, 6.2, DS)."""
SAME_LENGTH = 1e-5
"""Checkers take a direction for one of length 1 up to here."""
SHORTEST = 0.5
"""A shorter one is none."""


def repaired(slices: Sequence[pydicom.Dataset]) -> tuple[Sequence[pydicom.Dataset], tuple[str, ...]]:
    """Images of one series with what is wrong in them made good.

    Returns:
        The images, changed in place, and sentences about what was changed.
    """
    steps = (_identifiers_made_good, _texts_cut, _values_mended, _values_left_out, _directions_made_units)
    return slices, tuple(sentence for step in steps for sentence in step(slices))


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
    return [f"Longer in the images than DICOM allows, and cut in what is exported: {', '.join(cut)}."]


def _values_mended(slices: Sequence[pydicom.Dataset]) -> list[str]:
    """Dates and times of the standard's predecessor (PS3.5, 6.2), and numbers of more digits than fit."""
    mended = [
        keyword for keyword, mend in MENDED.items() if any(mend(_text(one, keyword)) is not None for one in slices)
    ]
    for keyword in mended:
        for one in slices:
            if (better := MENDED[keyword](_text(one, keyword))) is not None:
                setattr(one, keyword, better)
    if not mended:
        return []
    return [f"Not as DICOM wants it in the images, and mended in what is exported: {', '.join(mended)}."]


def _text(one: pydicom.Dataset, keyword: str) -> str:
    return str(one.get(keyword) or "")


def _without_dots(date: str) -> str | None:
    return date.replace(".", "") if re.fullmatch(r"\d{4}\.\d\d\.\d\d", date) else None


def _without_colons(time: str) -> str | None:
    return time.replace(":", "") if re.fullmatch(r"\d\d:\d\d(:\d\d(\.\d{1,6})?)?", time) else None


def _shorter(number: str) -> str | None:
    is_long = len(number) > LONGEST_NUMBER and re.fullmatch(r"\s*[+-]?\d+(\.\d*)?\s*", number)
    return format_number_as_ds(float(number)) if is_long else None


MENDED: dict[str, Callable[[str], str | None]] = {
    "PatientBirthDate": _without_dots,
    "StudyDate": _without_dots,
    "StudyTime": _without_colons,
    "PatientSize": _shorter,
    "PatientWeight": _shorter,
}
"""What makes a wrong value a right one that says the same; None: it is not wrong in that way."""


def _values_left_out(slices: Sequence[pydicom.Dataset]) -> list[str]:
    """Values of patient, study and series that break the standard; those that must be there are written empty, and
    then claim nothing. A number or name that is cut would be another one's.

    Images that differ in their patient keep what they say: they are refused for it.
    """
    wrong = dict.fromkeys(
        keyword_for_tag(tag)
        for one in slices
        for tag in one.keys()  # noqa: SIM118 (tags, not values)
        if _is_used(tag) and not _is_valid_in(one, tag)
    )
    left_out = [keyword for keyword in wrong if keyword not in PATIENT or len({_text(x, keyword) for x in slices}) == 1]
    for keyword in left_out:
        for one in slices:
            one.pop(keyword, None)
    if not left_out:
        return []
    return [f"Not as DICOM wants it in the images, and left out of what is exported: {', '.join(left_out)}."]


def _is_used(tag: BaseTag) -> bool:
    keyword = keyword_for_tag(tag)
    return bool(keyword) and (tag.group in PATIENT_GROUPS or keyword in USED)


def _is_valid_in(one: pydicom.Dataset, tag: BaseTag) -> bool:
    try:
        element = one[tag]
        return (element.VM <= 1 or dictionary_VM(tag) != "1") and _is_valid(element)
    except DAMAGED:
        return False


def _is_valid(element: pydicom.DataElement) -> bool:
    if element.VR == "SQ":
        return all(_is_valid(inner) for item in element.value for inner in item)
    if isinstance(element.value, bytes) or element.VR in NUMBERS:
        return True
    values = element.value if element.VM > 1 else [element.value]
    return all(_is_valid_text(element.keyword, element.VR, str(value)) for value in values if value not in (None, ""))


def _is_valid_text(keyword: str, kind: str, text: str) -> bool:
    try:
        validate_value(kind, text, RAISE)
        if kind in CHECKS:
            CHECKS[kind](text)
    except ValueError:
        return False
    on_one_line = kind not in ONE_LINE or not any(unicodedata.category(sign) == "Cc" for sign in text)
    return on_one_line and (keyword != "PatientSex" or text in SEXES)


def _directions_made_units(slices: Sequence[pydicom.Dataset]) -> list[str]:
    """Directions of rows and columns whose length is not 1 (PS3.3, C.7.6.2.1.1): readers use their direction alone."""
    off = False
    for one in slices:
        stored = one.get("ImageOrientationPatient") or ()
        if len(stored) != 6:
            continue
        cosines = np.asarray(stored, np.float64).reshape(2, 3)
        lengths = np.linalg.norm(cosines, axis=1, keepdims=True)
        if (np.abs(lengths - 1) > SAME_LENGTH).any() and (lengths > SHORTEST).all():
            one.ImageOrientationPatient = [format_number_as_ds(float(x)) for x in (cosines / lengths).flat]
            off = True
    if not off:
        return []
    return [
        "The directions of the images' rows and columns do not have the length 1; it is made so in what is exported."
    ]
