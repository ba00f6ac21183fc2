"""An earlier segmentation of the patient, with which a report compares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..files.dicom_objects import is_object, is_structure_set, object_in
from ..files.scan_identity import ScanIdentifiers, identifiers_in
from ..files.segmentations import Segmentation, read_segmentation
from ..volume import Volume

OF_EARLIER = "Of the earlier segmentation: {}"
"""With this begins whatever is said of it."""

OTHER_PATIENT = "its DICOM header names another patient than that of the scan."
"""Among the notices of an earlier segmentation; whose patients they are is told to nobody."""


def read_prior(path: Path, volume: Volume, scan: ScanIdentifiers | None = None) -> Segmentation:
    """Read an earlier segmentation on its own grid: put onto the new scan's, its volumes would be other ones.

    Args:
        path: see ``files.segmentations.read_segmentation``.
        volume: the new scan; contours, which have no grid, are filled in on its grid.
        scan: its identifiers: a notice says if a DICOM object is of another patient; None: they are not known.

    Raises:
        FileFormatError, VolumeError, ResourceError: as ``read_segmentation``.
    """
    path = object_in(path) if path.is_dir() else path
    found = read_segmentation(path, volume if is_structure_set(path) else None)
    patients = {"" if scan is None else scan.patient_id, identifiers_in(path).patient_id if is_object(path) else ""}
    if len(patients - {""}) < 2:  # one of them does not say it
        return found
    return replace(found, notices=(*found.notices, OTHER_PATIENT))
