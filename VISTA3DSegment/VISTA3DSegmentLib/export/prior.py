"""An earlier segmentation of the patient, with which a report compares."""

from __future__ import annotations

from pathlib import Path

from ..files.dicom_objects import is_structure_set, object_in
from ..files.segmentations import Segmentation, read_segmentation
from ..volume import Volume


def read_prior(path: Path, volume: Volume) -> Segmentation:
    """Read an earlier segmentation on its own grid: put onto the new scan's, its volumes would be other ones.

    Args:
        path: see ``files.segmentations.read_segmentation``.
        volume: the new scan; contours, which have no grid, are filled in on its grid.

    Raises:
        FileFormatError, VolumeError, ResourceError: as ``read_segmentation``.
    """
    path = object_in(path) if path.is_dir() else path
    return read_segmentation(path, volume if is_structure_set(path) else None)
