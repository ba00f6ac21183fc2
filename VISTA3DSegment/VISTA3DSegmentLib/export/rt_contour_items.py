"""The contours of a segment as DICOM's ROI Contour items, in patient coordinates."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from ..edits import MaskCrop
from ..errors import VolumeError
from ..files.rt_contours import CONTOUR_DATA
from ..volume import FloatArray
from .contours import contours_of
from .source import DicomSource

LONGEST_DECIMAL = 16
"""Characters of the value representation DS (PS3.5, 6.2)."""

FEWEST_DECIMALS = 3


def contour_items(mask: MaskCrop, images: Sequence[ImagePlane], decimals: int) -> Iterator[Dataset]:
    """The items of the Contour Sequence (PS3.3, C.8.8.6), slice by slice.

    Args:
        mask: on the lattice of the source.
        images: of the source, one for each slice k.
        decimals: of the coordinates.
    """
    number = 0
    for k, polygons in contours_of(mask):
        for polygon in polygons:
            number += 1
            item = Dataset()
            item.ContourImageSequence = [images[k].reference]
            item.ContourGeometricType = "CLOSED_PLANAR"
            item.NumberOfContourPoints = len(polygon)
            item.ContourNumber = number
            # As it will be stored: pydicom would make an object of each number, which takes minutes for 117 organs.
            value = decimal_strings(images[k].on_plane(polygon), decimals)
            item[CONTOUR_DATA] = RawDataElement(Tag(CONTOUR_DATA), "DS", len(value), value, 0, True, True)
            item.set_original_encoding(True, True, "iso8859")
            yield item


@dataclass(frozen=True, eq=False)
class ImagePlane:
    """Where the pixels of an image lie (PS3.3, C.7.6.2.1.1).

    Args:
        position_lps: centre of the first pixel, mm.
        steps_lps: to the next pixel along i and along j, (2, 3), mm.
        reference: an item that refers to the image.
    """

    position_lps: FloatArray
    steps_lps: FloatArray
    reference: Dataset

    def on_plane(self, polygon: FloatArray) -> FloatArray:
        """Points (n, 3), LPS in mm, of (i, j) in the image."""
        return np.asarray(self.position_lps + polygon @ self.steps_lps)


def image_planes(source: DicomSource) -> list[ImagePlane]:
    """The planes of the source's images, one for each slice k."""
    planes = []
    for image, position in zip(source.slices, source.positions_lps, strict=True):
        cosines = np.reshape(np.asarray(image.ImageOrientationPatient, np.float64), (2, 3))
        spacing_j, spacing_i = (float(part) for part in image.PixelSpacing)
        planes.append(ImagePlane(position, cosines * [[spacing_i], [spacing_j]], image_reference(image)))
    return planes


def image_reference(image: Dataset) -> Dataset:
    """An item that refers to an image of the source (PS3.3, 10.3)."""
    item = Dataset()
    item.ReferencedSOPClassUID = image.SOPClassUID
    item.ReferencedSOPInstanceUID = image.SOPInstanceUID
    return item


def decimals_for(source: DicomSource) -> int:
    """So many that a coordinate is off by less than a hundredth of a voxel."""
    return max(FEWEST_DECIMALS, 2 - math.floor(math.log10(min(source.lattice.spacing_mm))))


def decimal_strings(points: FloatArray, decimals: int) -> bytes:
    """Coordinates as DICOM's decimal strings, each of 16 characters at most (PS3.5, 6.2).

    Raises:
        VolumeError: they are too far from the origin.
    """
    text = "\\".join([f"%.{decimals}f"] * points.size) % tuple(points.ravel().tolist())
    largest = float(np.abs(points).max())
    if len(f"-{largest:.{decimals}f}") > LONGEST_DECIMAL:
        raise VolumeError(
            f"The series lies {largest:.3g} mm from its own origin, further than DICOM can say exactly.",
            "Choose another series.",
        )
    return (text + " " * (len(text) % 2)).encode("ascii")


def plane_characteristics(source: DicomSource) -> Dataset:
    """The pixel planes that contours were made from, so that a reader finds the same voxels (PS3.3, C.8.8.6.4)."""
    first = source.slices[0]
    item = Dataset()
    item.PixelSpacing = first.PixelSpacing
    item.SpacingBetweenSlices = round(source.lattice.spacing_mm[2], 6)
    item.ImageOrientationPatient = first.ImageOrientationPatient
    item.ImagePositionPatient = first.ImagePositionPatient
    item.NumberOfFrames, item.Rows, item.Columns = source.shape_kji
    return item
