"""Headers that highdicom makes objects from: the source's, with what it insists on and careless scans lack."""

from __future__ import annotations

import pydicom

from .source import DicomSource

EMPTY_IF_MISSING = (
    "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate", "StudyTime",
)  # fmt: skip
"""Elements of patient and study that must be there and may be empty (PS3.3, C.7.1.1 and C.7.2.1)."""

NAMES = ("PatientName", "ReferringPhysicianName")
"""Kept from highdicom, which warns of a name of one word and tells it: names must reach no log."""


def stand_ins(source: DicomSource, shape_ji: tuple[int, int] | None = None) -> list[pydicom.Dataset]:
    """Headers of the source's slices, in order.

    Args:
        source: the series; it stays as it is.
        shape_ji: number of rows and columns that they shall claim; None: their own.
    """
    first = source.slices[0]
    distance_mm = round(float(source.lattice.spacing_mm[2]), 6)
    # Of all slices one orientation, and their distance from where they lie: what headers say of it is often wrong.
    changes = {
        "ImageOrientationPatient": list(first.ImageOrientationPatient),
        "SliceThickness": distance_mm,
        "SpacingBetweenSlices": distance_mm,
        **dict.fromkeys(NAMES, ""),
    }
    if shape_ji is not None:
        changes |= {"Rows": shape_ji[0], "Columns": shape_ji[1]}
    return [_changed(one, changes) for one in source.slices]


def give_names_back(dataset: pydicom.Dataset, source: DicomSource) -> None:
    """Put the names of persons, which stand-ins lack, into an object made from them."""
    for keyword in NAMES:
        setattr(dataset, keyword, source.slices[0].get(keyword, ""))


def _changed(one: pydicom.Dataset, changes: dict[str, object]) -> pydicom.Dataset:
    header = pydicom.Dataset()
    header.update(one)
    for keyword, value in changes.items():
        # A new element: to set the value of the old one would change the source.
        header.pop(keyword, None)
        setattr(header, keyword, value)
    for keyword in EMPTY_IF_MISSING:
        if keyword not in header:
            setattr(header, keyword, "")
    return header
