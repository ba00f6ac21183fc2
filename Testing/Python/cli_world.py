"""A scan with a liver and a spleen, and what a person at the command line has beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
from fake_engine import HU_PER_CLASS, LIVER, SPLEEN
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.files.segmentations import Segment, Segmentation, read_segmentation, write_segmentation
from VISTA3DSegmentLib.files.volumes import read_volume

SHAPE_KJI = (12, 16, 20)
SPACING_MM = 2.0
VOXEL_ML = SPACING_MM**3 / 1000.0
LIVER_BOX = (slice(2, 8), slice(3, 9), slice(2, 9))
SPLEEN_BOX = (slice(4, 8), slice(4, 8), slice(13, 18))
LIVER_VOXELS, SPLEEN_VOXELS = 6 * 6 * 7, 4 * 4 * 5

Run = Callable[..., int]


def scan_image() -> sitk.Image:
    """A scan in which the fake engine finds a liver and a spleen; its RAS origin is its first voxel."""
    array = np.full(SHAPE_KJI, -1000, dtype=np.int16)
    array[LIVER_BOX] = HU_PER_CLASS * LIVER
    array[SPLEEN_BOX] = HU_PER_CLASS * SPLEEN
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((SPACING_MM,) * 3)
    image.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))  # i to the right, j to the front: RAS mm = 2 x (i, j, k)
    return image


def write_scan(folder: Path) -> Path:
    """The scan as a file in a folder."""
    path = folder / "scan.nrrd"
    sitk.WriteImage(scan_image(), path)
    return path


def masks_of(path: Path, scan: Path) -> dict[str, np.ndarray]:
    volume = read_volume(scan).volume
    return {s.name: s.mask.full(volume.shape_kji) for s in read_segmentation(path, like=volume).segments}


def write_base(path: Path, scan: Path) -> Segmentation:
    """The user's own segmentation: a liver in his own colour, and a spleen."""
    volume = read_volume(scan).volume
    liver = MaskCrop((2, 3, 2), np.ones((6, 6, 3), dtype=np.bool_))
    spleen = MaskCrop((4, 4, 13), np.ones((4, 4, 4), dtype=np.bool_))
    segments = (
        Segment("Liver", liver, (1, 2, 3), LIVER, "", {}),
        Segment("my spleen", spleen, (4, 5, 6), None, "", {}),
    )
    base = Segmentation(volume.shape_kji, volume.ijk_to_ras, segments)
    write_segmentation(path, base)
    return base
