"""DICOM series: which there are in a folder, which of them is read, and its voxels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 (the library's own custom)

from ..errors import FileFormatError, ResourceError, VolumeError
from ..volume import Volume, name_of_series
from .dicom_headers import NO_DICOM, SliceHeader, read_headers, unreadable
from .dicom_stack import problem_of, stack_ijk_to_ras, stacks_of
from .reading import ReadVolume, check_declared_size

GEOMETRY_REMEDY = (
    "Choose another series, or, as Slicer's DICOM module corrects tilt and uneven spacing, load it there and save it."
)
CHOOSE = "Choose the folder that holds one of them alone (at the command line also: --series UID)."
LISTED = 20
"""At most so many series are named."""


@dataclass(frozen=True)
class Series:
    """The images of one DICOM series that have one size and orientation.

    Args:
        uid: Series Instance UID; "" if the files have none.
        number: series number as written, "" if missing.
        modality: CT, MR, ...
        slices: in spatial order along the slice normal.
        copies: files of the series left out because another one holds the same image (SOP Instance UID and position).
        problem: why they form no volume, in sentences; "" if they form one.
    """

    uid: str
    number: str
    modality: str
    slices: tuple[SliceHeader, ...]
    copies: int
    problem: str

    @property
    def study(self) -> tuple[str, str]:
        """By which patients and their studies are told apart; never told."""
        return self.slices[0].study

    def __str__(self) -> str:
        return name_of_series(self.modality, self.number, len(self.slices))


def list_series(folder: Path | str) -> list[Series]:
    """All image series in a folder and its subfolders, by series number; also those that form no volume.

    A series whose images differ in size or orientation gives one entry for each.

    Raises:
        FileFormatError: no such folder, no DICOM image in it, or a damaged one.
    """
    return _series_in(Path(folder), "**/*")


def _series_in(folder: Path, pattern: str) -> list[Series]:
    by_uid: dict[str, list[SliceHeader]] = {}
    for header in read_headers(_files(folder, pattern)):
        by_uid.setdefault(header.series_uid, []).append(header)
    if not by_uid:
        raise FileFormatError(f"The folder {folder} holds no DICOM image.", NO_DICOM)
    series = [_series(stack, copies) for headers in by_uid.values() for stack, copies in _distinct(headers)]
    return sorted(series, key=lambda one: (one.number.zfill(12), one.uid, -len(one.slices)))


def _files(folder: Path, pattern: str) -> list[Path]:
    try:
        if not folder.is_dir():
            raise FileFormatError(f"The folder {folder} does not exist.", "Check its name.")
        return sorted(path for path in folder.glob(pattern) if path.is_file())
    except OSError as error:
        raise FileFormatError(
            f"The folder {folder} cannot be read ({error.strerror}).", "Check that you are allowed to read it."
        ) from error


def _distinct(headers: Sequence[SliceHeader]) -> list[tuple[list[SliceHeader], int]]:
    """Stacks of different images, and how many copies were left out.

    Careless anonymisation gives all images one UID, so a copy must also lie at the same place.
    """
    seen: dict[object, SliceHeader] = {}
    for header in headers:
        seen.setdefault((header.instance_uid or header.path, header.position_lps), header)
    return [(stack, len(headers) - len(seen)) for stack in stacks_of(list(seen.values()))]


def _series(stack: list[SliceHeader], copies: int) -> Series:
    first = stack[0]
    return Series(first.series_uid, first.series_number, first.modality, tuple(stack), copies, problem_of(stack))


def read_dicom(path: Path, series_uid: str | None = None) -> ReadVolume:
    """Read a DICOM series.

    Args:
        path: a folder (searched with its subfolders), or one file of the series (its folder alone is searched).
        series_uid: which series; None: of one study, the one with the most slices that form a volume.

    Returns:
        The volume, array (k, j, i) of rescaled values: integer if they are whole, else float32; and which series it is,
        if there was a choice.

    Raises:
        FileFormatError: no DICOM image, a damaged one, no such series, or those of several studies to choose from.
            VolumeError: tilted gantry, uneven, missing or duplicate slices, or anything else that is not a volume.
    """
    chosen, notices = choose_series(path, series_uid)
    volume = Volume(_voxels(chosen), stack_ijk_to_ras(chosen.slices), str(chosen))
    return ReadVolume(volume, notices, chosen.slices[0].path)


def choose_series(path: Path, series_uid: str | None = None) -> tuple[Series, tuple[str, ...]]:
    """Which series is read for a path, and which others there are.

    Args:
        path: a folder (searched with its subfolders), or one file of the series (its folder alone is searched).
        series_uid: which series; None: of one study, the one with the most slices that form a volume.

    Returns:
        The series, which forms a volume, and sentences about the choice.

    Raises:
        FileFormatError, VolumeError: as ``read_dicom``.
    """
    if path.is_dir():
        series = list_series(path)
    else:
        own_uid = _uid_of(path)
        series_uid = own_uid if series_uid is None else series_uid
        series = _series_in(path.parent, "*")
    chosen = _chosen(series, series_uid, path)
    return chosen, _notices(chosen, series, series_uid)


def _uid_of(path: Path) -> str:
    for header in read_headers([path]):
        return header.series_uid
    raise FileFormatError(f"The file {path.name} holds no DICOM image.", NO_DICOM)


def _chosen(series: list[Series], series_uid: str | None, path: Path) -> Series:
    candidates = [one for one in series if series_uid is None or one.uid == series_uid]
    if not candidates:
        raise FileFormatError(
            f"The folder {path} holds no series with the UID {series_uid}.",
            f"Choose one of these:{_listed(series)}.",
        )
    volumes = [one for one in candidates if not one.problem]
    studies = _studies(volumes or candidates)
    if studies > 1:
        raise FileFormatError(f"The images are of {studies} studies or patients:{_listed(candidates)}.", CHOOSE)
    if volumes:
        return max(volumes, key=lambda one: len(one.slices))
    biggest = max(candidates, key=lambda one: len(one.slices))
    if len(candidates) == 1:
        raise VolumeError(f"The {biggest} is not a volume that can be segmented. {biggest.problem}", GEOMETRY_REMEDY)
    reasons = " ".join(f"{one}: {one.problem}" for one in candidates)
    raise VolumeError(
        f"None of the series in {path.name} is a volume that can be segmented. {reasons}", GEOMETRY_REMEDY
    )


def _studies(series: Sequence[Series]) -> int:
    """Of how many studies or patients series are; one that does not say its patient may be of any."""
    patients, studies = (set(ids) for ids in zip(*(one.study for one in series), strict=True))
    return max(len(patients - {""}), len(studies))


def _listed(series: Sequence[Series]) -> str:
    """What there is to choose from, study by study, each on a line."""
    named = [
        f"{_with_uid(one)}{' (no volume)' if one.problem else ''}" for one in sorted(series, key=lambda one: one.study)
    ]
    beyond = [f"and {len(named) - LISTED} more"] if len(named) > LISTED else []
    return ";".join(f"\n  {one}" for one in named[:LISTED] + beyond)


def _notices(chosen: Series, series: list[Series], series_uid: str | None) -> tuple[str, ...]:
    notices = []
    others = [one for one in series if one is not chosen and (series_uid is None or one.uid == series_uid)]
    if others:
        choose = f" {CHOOSE}" if series_uid is None and not all(one.problem for one in others) else ""
        notices.append(f"The {chosen} is read. Not read: {' '.join(map(_not_read, others))}{choose}")
    if chosen.copies:
        words = "1 file is a copy" if chosen.copies == 1 else f"{chosen.copies} files are copies"
        notices.append(f"Left out: {words} of another image of the series.")
    return tuple(notices)


def _not_read(one: Series) -> str:
    return f"{one}: {one.problem}" if one.problem else f"{_with_uid(one)}: a volume too, of no more slices."


def _with_uid(one: Series) -> str:
    return f"{one}, UID {one.uid}" if one.uid else f"{one}, without a UID"


def _voxels(series: Series) -> npt.NDArray[Any]:
    first = series.slices[0]
    shape_kji = (len(series.slices), first.rows, first.columns)
    check_declared_size(shape_kji, np.dtype(np.int32).itemsize, first.path)
    try:
        planes = [_plane(header) for header in series.slices]
        # Each slice has its own rescaling, so one may be whole and the next not.
        dtype = np.result_type(*planes)
        voxels = np.empty(shape_kji, np.float32 if dtype.kind == "f" else dtype)
        for k, plane in enumerate(planes):
            voxels[k] = plane
            planes[k] = voxels[k]  # the copy stays, the original's memory goes
    except MemoryError as error:
        raise ResourceError(f"There is not enough memory for the {series}.", "Close other programs.") from error
    return voxels


def _plane(header: SliceHeader) -> npt.NDArray[Any]:
    """The rescaled values of one slice, axes (j, i): 16-bit integers where they fit, else int32 or float32."""
    try:
        image = sitk.ReadImage(str(header.path), imageIO="GDCMImageIO")
    except RuntimeError as error:
        raise unreadable(header.path) from error
    plane: npt.NDArray[Any] = np.asarray(sitk.GetArrayFromImage(image))[0]
    if plane.shape != (header.rows, header.columns):
        raise FileFormatError(
            f"The DICOM image {header.path.name} changed while it was read.", "Read the series again."
        )
    if plane.dtype.kind == "f":
        plane = plane.astype(np.float32, copy=False)
    elif plane.dtype.itemsize > 2:
        limits = np.iinfo(np.int16)
        if limits.min <= plane.min() and plane.max() <= limits.max:
            plane = plane.astype(np.int16)
    return plane
