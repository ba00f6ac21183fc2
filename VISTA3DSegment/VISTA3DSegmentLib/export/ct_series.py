"""A CT series made from a volume that did not come from DICOM, so that segmentations have something to refer to.

It is a derived, secondary CT (PS3.3, A.3) of a patient without a name. The same volume and patient give the same
identifiers, so objects that refer to one copy of the series fit another one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pydicom.valuerep import format_number_as_ds

from ..engine import Cancel, OnProgress
from ..engines.reporting import Reporter
from ..errors import FileFormatError, PromptError
from ..files.dicom import read_dicom
from ..files.dicom_headers import file_meta, is_dicom
from ..files.dicom_stack import LPS_TO_RAS
from ..files.usual_order import in_usual_order
from ..volume import FloatArray, Volume
from .equipment import MANUFACTURER, MODEL_NAME, SOFTWARE_VERSION, fitting
from .folders import all_or_none
from .identifiers import uid_for
from .source import DicomSource, read_source

LIMITS = np.iinfo(np.int16)
SAME_GREY = 1e-3
"""Part of a step between two stored values by which a value read back may differ,"""
FLOAT32_ROUNDING = 2.0**-22
"""besides this part of the value: readers give float32."""
SOP_INSTANCE = 0x0003
"""Element of group 0002: Media Storage SOP Instance UID."""
DESCRIPTION = "Made from a volume that was not DICOM"


@dataclass(frozen=True)
class _Stored:
    """Grey values as 16-bit integers.

    Args:
        values: int16, axes (k, j, i).
        slope: what they are multiplied by,
        intercept: and what is then added.
    """

    values: npt.NDArray[np.int16]
    slope: float
    intercept: float


def write_ct_series(
    folder: Path,
    volume: Volume,
    name: str,
    progress: OnProgress | None = None,
    cancel: Cancel | None = None,
) -> DicomSource:
    """Write a volume as a CT series, read it back and compare it voxel by voxel.

    Args:
        folder: where the images go; it may hold images of this very series, whole or not, and nothing else.
        volume: the scan; its axes are put in the usual order (columns to the left, rows to the back, slices upwards).
        name: what the patient is called, as ANON-0001: never who it is.
        progress: told after each image.
        cancel: asked before each; True leaves nothing behind.

    Returns:
        The series as it was read back. Its notices say if grey values were rounded, or are no Hounsfield units.

    Raises:
        PromptError: no name. FileFormatError: the folder holds something else, or the series did not read back the
            same. ResourceError: it cannot be written. Cancelled.
    """
    if not fitting(name):
        raise PromptError("The patient of the new series has no name.", "Give one that says nothing, as ANON-0001.")
    usual = in_usual_order(volume)
    stored = _stored(usual.array)
    reporter = Reporter(len(stored.values), progress, cancel)
    common = _common(usual, stored, fitting(name))
    _check_folder(folder, common.SeriesInstanceUID, len(stored.values))
    with all_or_none(folder) as staging:
        for k in range(len(stored.values)):
            reporter.check()
            pydicom.dcmwrite(staging / _file_name(k), _image(common, usual, stored, k), enforce_file_format=True)
            reporter.done()
        _compare(staging, usual, stored)
        source = read_source(staging)
    return replace(source, notices=(*source.notices, *_notices(usual, stored)))


def _check_folder(folder: Path, series_uid: str, count: int) -> None:
    """Refuse a folder with something that is no image of a series; such images are written again, and are the same."""
    own = {_file_name(k): _image_uid(series_uid, k) for k in range(count)}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        found = file_meta(path).get(SOP_INSTANCE) if is_dicom(path) else None
        if found is None or found != own.get(path.name):
            raise FileFormatError(
                f"The folder {folder} holds {path.name}, which is not of this series.",
                "Give a new folder for the series.",
            )


def _file_name(k: int) -> str:
    return f"{k + 1:05d}.dcm"


def _image_uid(series_uid: str, k: int) -> str:
    return uid_for(str(series_uid), str(k))


def _stored(array: npt.NDArray[Any]) -> _Stored:
    low, high = float(array.min()), float(array.max())
    whole = all(bool((plane == np.rint(plane)).all()) for plane in array)
    if whole and LIMITS.min <= low and high <= LIMITS.max:
        return _Stored(array.astype(np.int16), 1.0, 0.0)
    slope = float(format_number_as_ds(max(high - low, 1e-6) / (LIMITS.max - LIMITS.min - 2)))
    intercept = float(format_number_as_ds((high + low) / 2))
    values = np.empty(array.shape, np.int16)
    for k, plane in enumerate(array):
        values[k] = np.rint((plane.astype(np.float64) - intercept) / slope)
    return _Stored(values, slope, intercept)


def _common(volume: Volume, stored: _Stored, name: str) -> pydicom.Dataset:
    """What all images of the series say."""
    words = (volume.content_key, name)
    common = pydicom.Dataset()
    common.SpecificCharacterSet = "ISO_IR 192"
    common.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    common.SOPClassUID = CTImageStorage
    common.Modality = "CT"
    common.Manufacturer = MANUFACTURER
    common.ManufacturerModelName = MODEL_NAME
    common.SoftwareVersions = SOFTWARE_VERSION
    common.PatientName = f"{name.replace('^', ' ')}^"  # one component: a family name
    common.PatientID = name
    common.PatientIdentityRemoved = "YES"
    common.DeidentificationMethod = "Made from a file without data of a patient"
    common.SeriesDescription = common.DerivationDescription = DESCRIPTION
    common.StudyInstanceUID = uid_for("study", *words)
    common.SeriesInstanceUID = uid_for("series", *words)
    common.FrameOfReferenceUID = uid_for("frame of reference", *words)
    common.StudyID = common.SeriesNumber = "1"
    for keyword in (
        "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "PatientBirthDate", "PatientSex", "KVP",
        "AcquisitionNumber",
        "PatientPosition", "PositionReferenceIndicator", "Laterality",
    ):  # fmt: skip
        setattr(common, keyword, None)
    _, common.Rows, common.Columns = volume.shape_kji
    common.SamplesPerPixel = 1
    common.PhotometricInterpretation = "MONOCHROME2"
    common.BitsAllocated = common.BitsStored = 16
    common.HighBit = 15
    common.PixelRepresentation = 1
    common.RescaleSlope = format_number_as_ds(stored.slope)
    common.RescaleIntercept = format_number_as_ds(stored.intercept)
    common.RescaleType = "HU" if volume.looks_like_hounsfield else "US"
    i_mm, j_mm, k_mm = volume.spacing_mm
    common.PixelSpacing = [format_number_as_ds(j_mm), format_number_as_ds(i_mm)]
    common.SliceThickness = format_number_as_ds(k_mm)
    axes: FloatArray = (LPS_TO_RAS @ volume.ijk_to_ras)[:3, :2] / (i_mm, j_mm)
    common.ImageOrientationPatient = [format_number_as_ds(float(part)) for part in axes.T.reshape(-1)]
    return common


def _image(common: pydicom.Dataset, volume: Volume, stored: _Stored, k: int) -> pydicom.Dataset:
    image = pydicom.Dataset()
    image.update(common)
    image.SOPInstanceUID = _image_uid(common.SeriesInstanceUID, k)
    image.InstanceNumber = k + 1
    place = LPS_TO_RAS @ volume.ijk_to_ras @ (0.0, 0.0, float(k), 1.0)
    image.ImagePositionPatient = [format_number_as_ds(float(part)) for part in place[:3]]
    image.PixelData = stored.values[k].astype("<i2").tobytes()
    image["PixelData"].VR = "OW"
    image.file_meta = pydicom.dataset.FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return image


def _compare(folder: Path, volume: Volume, stored: _Stored) -> None:
    found = read_dicom(folder).volume
    same = found.shape_kji == volume.shape_kji and np.allclose(found.ijk_to_ras, volume.ijk_to_ras, atol=1e-4)
    for plane, values in zip(found.array, stored.values, strict=False):
        expected = values.astype(np.float64) * stored.slope + stored.intercept
        allowed = SAME_GREY * stored.slope + FLOAT32_ROUNDING * np.abs(expected).max()
        same = same and bool(np.abs(plane - expected).max() <= allowed)
    if not same:
        raise FileFormatError(f"The series in {folder} did not read back the same.", "Try another disk.")


def _notices(volume: Volume, stored: _Stored) -> tuple[str, ...]:
    notices = []
    if stored.slope != 1.0:
        notices.append(f"Grey values were rounded to steps of {stored.slope:.3g}.")
    if not volume.looks_like_hounsfield:
        notices.append("The grey values do not look like Hounsfield units; the series says that they have no unit.")
    return tuple(notices)
