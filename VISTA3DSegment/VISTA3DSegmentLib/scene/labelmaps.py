"""Binary labelmaps of segments as masks, and masks as labelmaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..edits import NOTHING, BoolArray, Index3, MaskCrop, box_of_change
from ..volume import FloatArray, Volume
from .volumes import array_of, matrix_of, to_world

LABELMAP = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
SURFACE = slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()

SAME_PLACE_VOXELS = 0.01
"""A labelmap whose voxels lie this near to those of the volume is on its lattice: decimals in files are rounded."""


@dataclass(frozen=True, eq=False)
class Lattice:
    """The voxels of the volume, as the segmentation sees them.

    Args:
        ijk_to_node: 4x4: voxel index (i, j, k) of the volume to RAS in the segmentation's own coordinates, mm.
        shape: number of voxels along (k, j, i).
    """

    ijk_to_node: FloatArray
    shape: Index3

    @classmethod
    def of(cls, volume: Volume, segmentation_node: Any) -> Lattice:
        """The lattice of a volume for a segmentation node, wherever in the world that is.

        Raises:
            VolumeError: the segmentation lies under a transform that is not linear.
        """
        return cls(np.linalg.inv(to_world(segmentation_node)) @ volume.ijk_to_ras, volume.shape_kji)

    def labelmap(self, mask: npt.NDArray[Any], start: Index3) -> Any:
        """A copy of a crop (k, j, i) that begins at voxel ``start`` (k, j, i), as vtkOrientedImageData of 0 and 1."""
        image = slicer.vtkOrientedImageData()
        image.SetExtent(_extent(start, mask.shape))
        image.SetImageToWorldMatrix(matrix_of(self.ijk_to_node))
        voxels = np.ascontiguousarray(mask, dtype=np.uint8).ravel()
        image.GetPointData().SetScalars(numpy_to_vtk(voxels, deep=True, array_type=vtk.VTK_UNSIGNED_CHAR))
        return image

    def start_of(self, image: Any) -> Index3 | None:
        """The voxel (k, j, i) of the volume at which a labelmap begins; None: it lies on another lattice."""
        corners, to_lattice = self._corners(image)
        shift = np.round(to_lattice[:3, 3])
        off = np.abs((to_lattice @ corners)[:3] - corners[:3] - shift[:, None])
        if off.max() > SAME_PLACE_VOXELS:
            return None
        i, j, k = (int(value) for value in corners[:3].min(1) + shift)
        return k, j, i

    def mask(self, image: Any, label: int) -> MaskCrop:
        """The voxels of the volume at which a labelmap holds a label, in the smallest box that holds them."""
        crop = self.beyond(image, label)
        inside = all(s >= 0 and s + n <= whole for s, n, whole in zip(crop.start, crop.shape, self.shape, strict=True))
        return crop if inside else MaskCrop((0, 0, 0), crop.full(self.shape)).tightened()

    def beyond(self, image: Any, label: int) -> MaskCrop:
        """Like ``mask``, with what lies outside of the volume: ``start`` may be negative.

        A labelmap of another lattice is resampled (nearest neighbour).
        """
        if not has_voxels(image):
            return NOTHING
        crop = MaskCrop.of(voxels_of(image) == label)
        first = self.start_of(image)
        if first is None:
            return self._resampled(image, crop) if crop.mask.size else NOTHING
        k, j, i = (a + b for a, b in zip(first, crop.start, strict=True))
        return MaskCrop((k, j, i), crop.mask)

    def _resampled(self, image: Any, crop: MaskCrop) -> MaskCrop:
        matrix = vtk.vtkMatrix4x4()
        image.GetImageToWorldMatrix(matrix)
        k, j, i = (a + b for a, b in zip(image.GetExtent()[::2][::-1], crop.start, strict=True))
        part = Lattice(array_of(matrix), self.shape).labelmap(crop.mask, (k, j, i))
        corners, to_lattice = self._corners(part)
        there = (to_lattice @ corners)[2::-1]
        low, high = np.floor(there.min(1)).astype(int) - 1, np.ceil(there.max(1)).astype(int) + 2
        k, j, i = (int(at) for at in low)
        reference = self.labelmap(np.zeros(high - low, np.uint8), (k, j, i))
        out = slicer.vtkOrientedImageData()
        resample = slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage
        resample(part, reference, out, False, False)
        first = self.start_of(out)
        assert first is not None
        return MaskCrop(first, voxels_of(out) == 1).tightened()

    def _corners(self, image: Any) -> tuple[FloatArray, FloatArray]:
        """A labelmap's corner voxels, (4, 8) homogeneous (i, j, k, 1), and the 4x4 from there to the lattice."""
        matrix = vtk.vtkMatrix4x4()
        image.GetImageToWorldMatrix(matrix)
        extent = np.array(image.GetExtent(), dtype=np.float64).reshape(3, 2)
        corners = np.array(np.meshgrid(*extent, [1.0], indexing="ij")).reshape(4, -1)
        return corners, np.linalg.inv(self.ijk_to_node) @ array_of(matrix)


def has_voxels(image: Any | None) -> bool:
    """Whether a labelmap is there and not without extent."""
    return image is not None and image.GetPointData().GetScalars() is not None and image.GetNumberOfPoints() > 0


def voxels_of(image: Any) -> npt.NDArray[Any]:
    """The voxels of a labelmap, axes (k, j, i), without a copy."""
    i, j, k = image.GetDimensions()
    view: npt.NDArray[Any] = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(k, j, i)
    return view


def _extent(start: Index3, shape: tuple[int, ...]) -> list[int]:
    return [bound for axis in (2, 1, 0) for bound in (start[axis], start[axis] + shape[axis] - 1)]


def box_of_difference(a: MaskCrop, b: MaskCrop) -> tuple[Index3, BoolArray] | None:
    """Where two masks of one volume differ: first voxel of the smallest box that holds it, and what ``b`` is there."""
    start, shape = box_of_change(a, b)
    after = b.inside(start, shape)
    different = MaskCrop.of(a.inside(start, shape) ^ after)
    if not different.mask.size:
        return None
    k, j, i = (s + d for s, d in zip(start, different.start, strict=True))
    return (k, j, i), np.ascontiguousarray(after[different.slices])
