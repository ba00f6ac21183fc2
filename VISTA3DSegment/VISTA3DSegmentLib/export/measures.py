"""What a radiologist wants to know of a segment in numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 (the library's own custom)

from ..edits import BoolArray, MaskCrop
from ..prompts import Ras
from ..volume import Volume
from .diameters import AxialDiameters, axial_diameters, bounds_ras

PERCENTILES = (5, 25, 50, 75, 95)

FACES = (("left", "right"), ("posterior", "anterior"), ("inferior", "superior"))
"""Of the patient, towards the negative and positive end of R, A and S."""


@dataclass(frozen=True)
class GreyValues:
    """How grey values are distributed inside a segment; HU for a CT.

    Args:
        mean: arithmetic mean of the voxels.
        sd: standard deviation of the voxels (of all of them, not of a sample).
        minimum: the smallest.
        maximum: the largest.
        percentiles: those of ``PERCENTILES``, interpolated linearly.
    """

    mean: float
    sd: float
    minimum: float
    maximum: float
    percentiles: tuple[float, ...]

    @property
    def median(self) -> float:
        """The 50th percentile."""
        return self.percentiles[PERCENTILES.index(50)]


@dataclass(frozen=True)
class Measures:
    """A segment in numbers.

    Args:
        voxels: how many.
        volume_ml: their volume.
        surface_cm2: area of the surface by Crofton's formula in 13 directions (Lehmann and Legland 2012,
            hdl.handle.net/10380/3342): within a few percent for rounded shapes thicker than some voxels; a box with
            sharp edges along the grid comes out up to 10 percent too small.
        grey: None for an empty segment, or where the scan's grey values are not known.
        low_ras: lowest corner, RAS in mm, of the upright box round the voxels; None for an empty segment.
        high_ras: highest corner, likewise.
        diameters: of the largest part, in the axial slice where it is longest; None for an empty segment.
        cut_at: the faces of the scan that the segment touches, so that part of it may be missing.
        parts: connected parts; voxels that share a corner are connected.
        largest_part: voxels of the largest.
    """

    voxels: int
    volume_ml: float
    surface_cm2: float = 0.0
    grey: GreyValues | None = None
    low_ras: Ras | None = None
    high_ras: Ras | None = None
    diameters: AxialDiameters | None = None
    cut_at: tuple[str, ...] = ()
    parts: int = 0
    largest_part: int = 0

    @property
    def box_mm(self) -> Ras | None:
        """Sides of the upright box along R, A and S."""
        if self.low_ras is None or self.high_ras is None:
            return None
        r, a, s = (high - low for low, high in zip(self.low_ras, self.high_ras, strict=True))
        return r, a, s


def measured(crop: MaskCrop, volume: Volume, grey: bool = True) -> Measures:
    """Measure a mask.

    Args:
        crop: the mask, on the volume's grid.
        volume: the scan.
        grey: whether its grey values are to be measured; False: the volume is a grid only.
    """
    crop = crop.tightened()
    voxels = int(np.count_nonzero(crop.mask))
    if not voxels:
        return Measures(0, 0.0)
    low, high = bounds_ras(crop, volume)
    (largest,), sizes = parts_of(crop, 1)
    return Measures(
        voxels=voxels,
        volume_ml=voxels * volume.voxel_volume_ml,
        surface_cm2=surface_cm2(crop.mask, volume),
        grey=grey_values(volume.array[crop.slices][crop.mask]) if grey else None,
        low_ras=_point(low),
        high_ras=_point(high),
        diameters=axial_diameters(largest, volume),
        cut_at=faces_touched(crop, volume),
        parts=len(sizes),
        largest_part=sizes[0],
    )


def grey_values(values: npt.NDArray[np.number]) -> GreyValues:
    """The distribution of some grey values, at least one."""
    as_float = values.astype(np.float64)
    spread = np.percentile(as_float, PERCENTILES)
    return GreyValues(
        mean=float(as_float.mean()),
        sd=float(as_float.std()),
        minimum=float(as_float.min()),
        maximum=float(as_float.max()),
        percentiles=tuple(float(value) for value in spread),
    )


def surface_cm2(mask: BoolArray, volume: Volume) -> float:
    """Area of the surface of a mask (k, j, i), not empty; the edge of the volume counts where the mask meets it."""
    image = _image(mask)
    image.SetSpacing(volume.spacing_mm)
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.ComputePerimeterOn()
    shape.Execute(image)
    return float(shape.GetPerimeter(1)) / 100.0


def parts_of(crop: MaskCrop, most: int) -> tuple[list[MaskCrop], list[int]]:
    """The connected parts of a mask as masks of their own.

    Args:
        crop: the mask; voxels that share a corner are connected.
        most: no more than this many are given, the largest.

    Returns:
        The parts, the largest first, and the voxels of each part there is, also of those that are not given.
    """
    if not crop.mask.any():
        return [], []
    image, sizes = _labelled(crop.mask)
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.Execute(image)
    labels = sitk.GetArrayViewFromImage(image)
    parts = []
    for label in range(1, min(len(sizes), most) + 1):
        i, j, k, width, height, depth = shape.GetBoundingBox(label)
        mask = labels[k : k + depth, j : j + height, i : i + width] == label
        parts.append(MaskCrop((crop.start[0] + k, crop.start[1] + j, crop.start[2] + i), mask))
    return parts, sizes


def _labelled(mask: BoolArray) -> tuple[sitk.Image, list[int]]:
    """The number of its part for each voxel, 0 outside, and the parts' numbers of voxels; part 1 is the largest."""
    connect = sitk.ConnectedComponentImageFilter()
    connect.FullyConnectedOn()
    order = sitk.RelabelComponentImageFilter()
    image = order.Execute(connect.Execute(_image(mask)))
    return image, [int(size) for size in order.GetSizeOfObjectsInPixels()]


def faces_touched(crop: MaskCrop, volume: Volume) -> tuple[str, ...]:
    """The faces of the volume that a tight crop reaches, named after where they lie in the patient.

    A scan of one slice has no face along its thickness: everything would touch it.
    """
    touched = []
    for axis, (start, length, count) in enumerate(zip(crop.start, crop.shape, volume.shape_kji, strict=True)):
        direction = volume.ijk_to_ras[:3, 2 - axis]
        along = int(np.abs(direction).argmax())
        low, high = FACES[along] if direction[along] > 0 else FACES[along][::-1]
        ends = ((start == 0, low), (start + length == count, high))
        touched += [face for reached, face in ends if reached and count > 1]
    return tuple(dict.fromkeys(touched))


def _image(mask: BoolArray) -> sitk.Image:
    return sitk.GetImageFromArray(np.ascontiguousarray(mask).view(np.uint8))


def _point(position: npt.NDArray[np.float64]) -> Ras:
    r, a, s = (float(value) for value in position)
    return r, a, s
