"""The DICOM series that a segmentation was made on: exported objects refer to it and keep its patient and study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pydicom
from pydicom.config import disable_value_validation
from pydicom.uid import UID

from ..errors import VolumeError
from ..files.dicom import choose_series
from ..files.dicom_damage import damage_named
from ..files.dicom_headers import SliceHeader
from ..files.dicom_stack import problem_of, stack_ijk_to_ras, stacks_of
from ..files.placing import has_same_voxels, placed_on
from ..files.scan_identity import ScanIdentifiers
from ..files.segments import Segmentation
from ..volume import FloatArray, Volume, grid_of
from .repairs import repaired

CHOOSE_ANOTHER = "Choose the folder of the series on which the segmentation was made (at the command line: --source)."

AN_IMAGE = "an image"

SHARED = {
    "PatientID": "patient",
    "PatientName": "patient",
    "StudyInstanceUID": "study",
    "SeriesInstanceUID": "series",
    "FrameOfReferenceUID": "frame of reference",
}
"""What all images of a series have in common (PS3.3, A.1.2), by keyword, and its name in words."""

NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
"""Without these nothing can refer to an image."""


@dataclass(frozen=True, eq=False)
class DicomSource:
    """The images of one series that form a volume, without their pixels.

    Args:
        slices: their headers, given in any order, kept in order along the slice normal: slice k of the volume is
            ``slices[k]``.
        notices: what the person should know about how the series was chosen.
        repairs: what was wrong in the headers and is made good in what is exported, in sentences.

    Raises:
        VolumeError: they form no volume (missing, duplicated or mixed slices, tilted gantry), differ in patient, study,
            series or frame of reference, or lack what a reference needs.
    """

    slices: tuple[pydicom.Dataset, ...]
    notices: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.slices:
            raise VolumeError("The series has no images.", CHOOSE_ANOTHER)
        for problem in (_problem_of_references(self.slices), _problem_of_volume(self.slices)):
            if problem:
                raise VolumeError(f"Nothing can be exported for this series. {problem}", CHOOSE_ANOTHER)
        object.__setattr__(self, "slices", _in_order(self.slices))

    @property
    def shape_kji(self) -> tuple[int, int, int]:
        """Number of voxels along (k, j, i)."""
        return len(self.slices), int(self.slices[0].Rows), int(self.slices[0].Columns)

    @cached_property
    def ijk_to_ras(self) -> FloatArray:
        """4x4, float64: voxel index (i, j, k, 1) to RAS position in mm."""
        return stack_ijk_to_ras([_header(one) for one in self.slices])

    @cached_property
    def positions_lps(self) -> FloatArray:
        """Centre of the first pixel of each slice, (slices, 3), mm, as the headers say it."""
        return np.asarray([one.ImagePositionPatient for one in self.slices], dtype=np.float64)

    @property
    def series_uid(self) -> str:
        """Series Instance UID."""
        return str(self.slices[0].SeriesInstanceUID)

    @property
    def study_uid(self) -> str:
        """Study Instance UID."""
        return str(self.slices[0].StudyInstanceUID)

    @property
    def frame_of_reference_uid(self) -> str:
        """Frame of Reference UID."""
        return str(self.slices[0].FrameOfReferenceUID)

    @property
    def identifiers(self) -> ScanIdentifiers:
        """By which other objects name the scan."""
        patient_id = str(self.slices[0].get("PatientID") or "").strip()
        return ScanIdentifiers(self.frame_of_reference_uid, self.series_uid, patient_id)

    @property
    def lattice(self) -> Volume:
        """The grid of the series, as a volume of zeros that takes no memory."""
        return grid_of(self.shape_kji, self.ijk_to_ras)


def read_source(path: Path, series_uid: str | None = None) -> DicomSource:
    """Read the headers of a DICOM series.

    Args:
        path: a folder (searched with its subfolders), or one file of the series (its folder alone is searched).
        series_uid: which series; None: the one that is opened for the same path.

    Raises:
        FileFormatError: no DICOM image, a damaged one, or no such series. VolumeError: as ``DicomSource``.
    """
    series, notices = choose_series(path, series_uid)
    return source_of([header.path for header in series.slices], notices)


def source_of(files: Sequence[Path], notices: Sequence[str] = ()) -> DicomSource:
    """Read the headers of the files of one series.

    Args:
        files: one for each image, in any order.
        notices: what the person should know about how they were chosen.

    Raises:
        FileFormatError: one cannot be read. VolumeError: as ``DicomSource``.
    """
    # pydicom's warnings of wrong values tell the values, which may be a patient's; ours do not.
    with disable_value_validation():
        slices, repairs = repaired([_read(path) for path in files])
        source = DicomSource(tuple(slices), tuple(notices), repairs)
        first = source.slices[0]
        with damage_named(Path(str(first.filename)), AN_IMAGE):
            first.decode()  # what is copied from it is written in another character set
    return source


def matched(segmentation: Segmentation, source: DicomSource, resample: bool = False) -> Segmentation:
    """A segmentation on the lattice of the series, each mask where it lies in space.

    Args:
        segmentation: on any grid.
        source: the series.
        resample: whether voxels may be resampled where both grids do not have the same ones.

    Returns:
        The segmentation on the lattice; its notices say what was resampled or cut.

    Raises:
        VolumeError: it would have to be resampled and must not, or both have no space in common.
    """
    lattice = source.lattice
    try:
        placed = placed_on(segmentation, lattice)
    except VolumeError as error:
        raise VolumeError(
            "The segmentation and the DICOM series share no space: it is another scan or another patient.",
            CHOOSE_ANOTHER,
        ) from error
    if not resample and not has_same_voxels(segmentation, lattice):
        raise VolumeError(
            "The voxels of the segmentation are not those of the DICOM series: it was made on a resampled or moved "
            "scan, or on another series.",
            f"{CHOOSE_ANOTHER} Or allow that the segmentation is resampled.",
        )
    return placed


def _read(path: Path) -> pydicom.Dataset:
    with damage_named(path, AN_IMAGE):
        one = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        _header(one)  # pydicom makes numbers of them only when asked; here it is known which file is damaged
    return one


def _problem_of_references(slices: Sequence[pydicom.Dataset]) -> str:
    """Why nothing can refer to the images, in a sentence; "" if it can."""
    for keyword in NEEDED:
        missing = sum(not UID(str(one.get(keyword, ""))).is_valid for one in slices)
        if missing:
            return f"{missing} of its {len(slices)} images have no valid {keyword}."
    for keyword, word in SHARED.items():
        if len({str(one.get(keyword, "")) for one in slices}) > 1:
            return f"Its images are mixed: they differ in their {word} ({keyword})."
    doubles = len(slices) - len({str(one.SOPInstanceUID) for one in slices})
    if doubles:
        return f"{doubles} of its {len(slices)} images have the same SOPInstanceUID as another one."
    return ""


def _problem_of_volume(slices: Sequence[pydicom.Dataset]) -> str:
    stacks = stacks_of([_header(one) for one in slices])
    if len(stacks) > 1:
        return "Its images are mixed: they differ in size, pixel spacing or orientation."
    return problem_of(stacks[0])


def _in_order(slices: Sequence[pydicom.Dataset]) -> tuple[pydicom.Dataset, ...]:
    by_uid = {str(one.SOPInstanceUID): one for one in slices}
    (stack,) = stacks_of([_header(one) for one in slices])
    return tuple(by_uid[header.instance_uid] for header in stack)


def _header(one: pydicom.Dataset) -> SliceHeader:
    position, orientation = _numbers(one, "ImagePositionPatient", 3), _numbers(one, "ImageOrientationPatient", 6)
    spacing = _numbers(one, "PixelSpacing", 2)
    return SliceHeader(
        path=Path(),
        study=(str(one.get("PatientID", "")), str(one.get("StudyInstanceUID", ""))),
        series_uid=str(one.get("SeriesInstanceUID", "")),
        series_number="",  # not asked for here, and a wrong one does no harm
        modality=str(one.get("Modality", "")),
        instance_uid=str(one.get("SOPInstanceUID", "")),
        is_localizer="LOCALIZER" in one.get("ImageType", ()),
        rows=int(one.get("Rows", 0)),
        columns=int(one.get("Columns", 0)),
        frames=int(one.get("NumberOfFrames") or 1),
        components=int(one.get("SamplesPerPixel") or 1),
        position_lps=(position[0], position[1], position[2]) if position else None,
        orientation_lps=orientation,
        # The standard gives the distance of rows first.
        spacing_ij_mm=(spacing[1], spacing[0]) if spacing and min(spacing) > 0 else None,
    )


def _numbers(one: pydicom.Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    values = one.get(keyword) or ()
    return tuple(float(value) for value in values) if len(values) == count else None
