"""Volumes of the scene as volumes of ours: the same voxels, and where they are in the world."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..errors import VolumeError
from ..volume import FloatArray, Volume, name_of_series

DICOM_INSTANCES = "DICOM.instanceUIDs"
"""Attribute of a volume node that was loaded from DICOM: an identifier for each image, parted by blanks."""


def array_of(matrix: Any) -> FloatArray:
    """A vtkMatrix4x4 as a 4x4 array."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)], dtype=np.float64)


def matrix_of(array: FloatArray) -> Any:
    """A 4x4 array as a vtkMatrix4x4."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(array, dtype=np.float64).ravel().tolist())
    return matrix


def to_world(node: Any) -> FloatArray:
    """What the transforms above a node do to its positions: 4x4, RAS of the node to RAS of the world.

    Raises:
        VolumeError: one of them is not linear.
    """
    parent = node.GetParentTransformNode()
    matrix = vtk.vtkMatrix4x4()
    if parent is not None and not parent.GetMatrixTransformToWorld(matrix):
        raise VolumeError(
            f"{node.GetName()} lies under a transform that is not linear.",
            "Harden it: right-click it in the Data module, choose Harden transform.",
        )
    return array_of(matrix)


def volume_of(node: Any) -> Volume:
    """A scalar volume node as a volume, without a copy of its voxels. It is called as the node is, unless that is what
    the host has made of a DICOM series: see ``name_of_series``.

    Raises:
        VolumeError: no voxels, several values a voxel, a transform that is not linear, or a geometry that is refused.
    """
    image = node.GetImageData()
    scalars = None if image is None else image.GetPointData().GetScalars()
    if scalars is None:
        raise VolumeError("The volume has no voxels.", "Load a scan, or choose another volume.")
    if scalars.GetNumberOfComponents() != 1:
        raise VolumeError(
            f"The volume has {scalars.GetNumberOfComponents()} values in each voxel, but grey values are needed.",
            "Choose a scalar volume.",
        )
    ijk_to_ras = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(ijk_to_ras)
    i, j, k = image.GetDimensions()
    voxels: npt.NDArray[Any] = vtk_to_numpy(scalars).reshape(k, j, i)
    return Volume(voxels, to_world(node) @ array_of(ijk_to_ras), _name_of(node, k))


def _name_of(node: Any, slices: int) -> str:
    if not node.GetAttribute(DICOM_INSTANCES):
        return node.GetName() or ""
    hierarchy, constants = slicer.vtkMRMLSubjectHierarchyNode, slicer.vtkMRMLSubjectHierarchyConstants
    items = hierarchy.GetSubjectHierarchyNode(node.GetScene())
    item = 0 if items is None else items.GetItemByDataNode(node)
    attributes = constants.GetDICOMSeriesModalityAttributeName(), constants.GetDICOMSeriesNumberAttributeName()
    modality, number = (items.GetItemAttribute(item, name) if item else "" for name in attributes)
    return name_of_series(modality, number, slices)


def add_volume_node(scene: Any, volume: Volume, name: str = "CT") -> Any:
    """Put a volume into a scene, as a scalar volume node; its voxels are copied."""
    voxels = volume.array.astype(np.uint8) if volume.array.dtype == np.bool_ else volume.array
    image = vtk.vtkImageData()
    image.SetDimensions(*voxels.shape[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(voxels).ravel(), deep=True))
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetAndObserveImageData(image)
    node.SetIJKToRASMatrix(matrix_of(volume.ijk_to_ras))
    node.CreateDefaultDisplayNodes()
    return node


def place_of(node: Any) -> tuple[Any, ...]:
    """What tells whether a volume node is still as it was: its voxels and where they are."""
    image = node.GetImageData()
    ijk_to_ras = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(ijk_to_ras)
    matrix = to_world(node) @ array_of(ijk_to_ras)
    return 0 if image is None else image.GetMTime(), matrix.tobytes()  # no two images share a time
