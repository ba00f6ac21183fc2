"""An earlier segmentation of the patient as values, on its own grid: on another one its volumes would be other ones."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

import numpy as np
import slicer
import vtk

from ..errors import VolumeError
from ..files.segments import Segmentation
from .labelmaps import LABELMAP, Lattice, has_voxels
from .segments import Segments, check_source
from .volumes import array_of, to_world


def segmentation_in(node: Any) -> Generator[None, None, Segmentation]:
    """Read the segments of any segmentation node, whatever scan is open: one with each step, so that nobody is held up.

    Args:
        node: vtkMRMLSegmentationNode.

    Returns:
        Names, colours, classes, terminology and voxels, on the grid of the finest labelmap, in RAS of the world. A
        segment that is removed meanwhile is left out.

    Raises:
        VolumeError: it is not made of voxels, holds none, or lies under a transform that is not linear or shears.
    """
    check_source(node)
    lattice = _lattice_of(node)
    ijk_to_ras = to_world(node) @ lattice.ijk_to_node
    segments = Segments(node, lattice)
    found = []
    for segment_id in segments.ids():
        if segment_id in segments:
            found.append(segments.value(segment_id))
        yield
    segmentation = Segmentation(lattice.shape, ijk_to_ras, tuple(found))
    if not segmentation.drawn:
        raise _nothing_in(node)
    return segmentation


def _lattice_of(node: Any) -> Lattice:
    """The voxels of the finest labelmap, as far as labelmaps reach and the scan on which they were made.

    Not those of the host's reference geometry, where that is another one: it may be of any scan.
    """
    segmentation = node.GetSegmentation()
    images = _labelmaps(segmentation)
    if not images:
        raise _nothing_in(node)
    finest = min(images.values(), key=lambda image: math.prod(image.GetSpacing()))
    matrix = vtk.vtkMatrix4x4()
    finest.GetImageToWorldMatrix(matrix)
    ids, extent = vtk.vtkStringArray(), [0] * 6
    for segment_id in images:
        ids.InsertNextValue(segment_id)
    segmentation.DetermineCommonLabelmapExtent(extent, finest, ids)
    low, last = np.array(extent).reshape(3, 2)[::-1].T
    scan = _scan_of(segmentation)
    first = None if scan is None else Lattice(array_of(matrix), (0, 0, 0)).start_of(scan)
    if scan is not None and first is not None:
        low = np.minimum(low, first)
        last = np.maximum(last, np.add(first, scan.GetDimensions()[::-1]) - 1)
    begin = np.eye(4)
    begin[:3, 3] = low[::-1]
    k, j, i = (int(count) for count in last - low + 1)
    return Lattice(array_of(matrix) @ begin, (k, j, i))


def _labelmaps(segmentation: Any) -> dict[str, Any]:
    """Of the segments that have voxels, by id: the host does not look whether there is one."""
    images = {}
    for segment_id in segmentation.GetSegmentIDs():
        image = segmentation.GetSegment(segment_id).GetRepresentation(LABELMAP)
        if has_voxels(image):
            images[segment_id] = image
    return images


def _scan_of(segmentation: Any) -> Any | None:
    """The voxels of the scan on which segments were made, as the host keeps them; None: it does not know."""
    converter, image = slicer.vtkSegmentationConverter, slicer.vtkOrientedImageData()
    geometry = segmentation.GetConversionParameter(converter.GetReferenceImageGeometryParameterName())
    return image if geometry and converter.DeserializeImageGeometry(geometry, image, False) else None


def _nothing_in(node: Any) -> VolumeError:
    return VolumeError(f"There is nothing in the segmentation {node.GetName()}.", "Choose one that has segments.")
