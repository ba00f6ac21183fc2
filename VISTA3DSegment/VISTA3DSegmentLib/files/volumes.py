"""Reading a scan, whatever kind of file it is in."""

from __future__ import annotations

from pathlib import Path

from ..errors import FileFormatError
from .dicom import Series, list_series, read_dicom
from .dicom_headers import is_dicom
from .metaimage import read_metaimage
from .nifti import read_nifti
from .nrrd import read_nrrd
from .reading import ReadVolume, open_for_reading

__all__ = ["ReadVolume", "Series", "list_series", "read_volume"]

READERS = {".nii.gz": read_nifti, ".nii": read_nifti, ".nrrd": read_nrrd, ".mha": read_metaimage}
DETACHED = {
    ".nhdr": ".nrrd file", ".mhd": ".mha file", ".hdr": ".nii.gz file", ".img": ".nii.gz file", ".raw": ".nrrd file",
}  # fmt: skip
"""Headers that name another file, and what to save instead: a header must not decide which files are opened."""


def read_volume(path: Path | str, series_uid: str | None = None) -> ReadVolume:
    """Read a scan.

    Args:
        path: NIfTI (.nii, .nii.gz), NRRD (.nrrd), MetaImage (.mha), a folder with DICOM series, or a file of a series.
        series_uid: which DICOM series; None: of one study, the one with the most slices that form a volume.

    Returns:
        The volume in RAS, its array (k, j, i) in the stored order of axes and, where it holds the rescaled values, of
        the stored type; and what the person should know about it.

    Raises:
        FileFormatError: no such file, not of these kinds, damaged, hostile, its voxels in another file, or series of
            several studies to choose from.
        VolumeError: it cannot be segmented correctly. ResourceError: not enough memory.
    """
    path = Path(path)
    if path.is_dir():
        return read_dicom(path, series_uid)
    suffix = suffix_of(path)
    if suffix in DETACHED:
        raise FileFormatError(
            f"The file {path.name} is one half of an image in two files; such are not read.",
            f"Save the image as one {DETACHED[suffix]}.",
        )
    if suffix in READERS:
        if series_uid is not None:
            raise FileFormatError(f"{path.name} is no DICOM: it has no series to choose from.", "Leave out --series.")
        return READERS[suffix](path)
    open_for_reading(path).close()
    if is_dicom(path):
        return read_dicom(path, series_uid)
    raise FileFormatError(
        f"The file {path.name} is of no kind that is read.",
        "Give a NIfTI (.nii, .nii.gz), NRRD (.nrrd) or MetaImage (.mha) file, or a DICOM folder.",
    )


def suffix_of(path: Path) -> str:
    """The suffix that tells the format, in lower case: the last one, but ".nii.gz" as a whole."""
    return ".nii.gz" if path.name.lower().endswith(".nii.gz") else path.suffix.lower()
