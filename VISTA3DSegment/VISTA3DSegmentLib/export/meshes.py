"""From a mask to its closed surface: surface nets, smoothed without a change of volume.

Surface nets put the border exactly between voxels, so their volume is that of the voxels, also of a single one, and
they are closed at the edge of the scan too. Steps are smoothed by a windowed sinc (Taubin, 1996), which hardly shrinks;
what it shrinks is given back along the normals. The thinner a segment, the more it would shrink: the first of
``FILTERS`` is taken that shrinks it by less than ``MOST_SHRINKING``, and where none does (one or two voxels thick) the
border stays as it is. Of 61 structures of a CT at 3 mm, 45 pass the first, 14 (thin muscles, adrenal glands, vessels)
the second, 2 neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkImageData, vtkPolyData
from vtkmodules.vtkFiltersCore import vtkSurfaceNets3D, vtkWindowedSincPolyDataFilter

from ..edits import MaskCrop
from ..files.dicom_stack import LPS_TO_RAS
from ..volume import FloatArray

FILTERS = ((0.03, 30), (0.1, 20))
"""Pass band and iterations of the windowed sinc. The first leaves no trace of steps and is about as strong as Slicer's
smoothing; the second, VTK's own, rounds them."""
MOST_SHRINKING = 0.1
CORRECTIONS = 3
"""Steps along the normals; each leaves about a hundredth of the error."""
SMALLEST_NORMAL = 1e-12

TriangleArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Mesh:
    """A surface of triangles.

    Args:
        points_lps: (n, 3), mm.
        triangles: (m, 3) indices of points, counterclockwise seen from outside.
    """

    points_lps: FloatArray
    triangles: TriangleArray

    @property
    def volume_ml(self) -> float:
        """Enclosed volume."""
        return _volume(self.points_lps, self.triangles) / 1000.0

    @property
    def is_closed(self) -> bool:
        """Whether every side of every triangle is the side of another one, the other way round."""
        first, second = self.triangles.ravel(), np.roll(self.triangles, -1, axis=1).ravel()
        count = len(self.points_lps)
        there, back = np.sort(first * count + second), np.sort(second * count + first)
        return bool(np.array_equal(there, back))


def mesh_of(mask: MaskCrop, ijk_to_ras: FloatArray) -> Mesh:
    """The surface of a mask.

    Args:
        mask: at least one voxel.
        ijk_to_ras: 4x4, mm, of the grid of the mask.

    Returns:
        A closed surface without the steps of voxels, its volume theirs.
    """
    ijk_to_lps = LPS_TO_RAS @ ijk_to_ras
    spacing_mm = np.linalg.norm(ijk_to_lps[:3, :3], axis=0)
    points, triangles = _net(mask, spacing_mm)
    points = _smoothed(points, triangles)
    # Points are mm along the axes of the crop; its first voxel, behind a border of one, lies at its start.
    ijk = points / spacing_mm + np.asarray(mask.start[::-1]) - 1
    if np.linalg.det(ijk_to_lps[:3, :3]) < 0:
        triangles = triangles[:, ::-1]
    return Mesh(ijk @ ijk_to_lps[:3, :3].T + ijk_to_lps[:3, 3], np.ascontiguousarray(triangles))


def _net(mask: MaskCrop, spacing_mm: FloatArray) -> tuple[FloatArray, TriangleArray]:
    """Points (mm along the axes i, j, k of the crop within a border of one voxel) and triangles between voxels."""
    bordered = np.pad(mask.mask, 1).view(np.uint8)
    image = vtkImageData()
    image.SetDimensions(*reversed(bordered.shape))
    image.SetSpacing(*spacing_mm)
    image.GetPointData().SetScalars(numpy_to_vtk(bordered.ravel()))
    net = vtkSurfaceNets3D()
    net.SetInputData(image)
    net.SetValue(0, 1)
    net.SetOutputStyleToBoundary()
    net.SetOutputMeshTypeToTriangles()
    net.SmoothingOff()
    net.Update()
    surface = net.GetOutput()
    points = vtk_to_numpy(surface.GetPoints().GetData()).astype(np.float64)
    return points, vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int64)


def _smoothed(points: FloatArray, triangles: TriangleArray) -> FloatArray:
    """Points without the steps of voxels, the enclosed volume unchanged."""
    volume = _volume(points, triangles)
    filtered = (_through_sinc(points, triangles, *strength) for strength in FILTERS)
    smooth = next((one for one in filtered if abs(_volume(one, triangles) / volume - 1) < MOST_SHRINKING), None)
    if smooth is None:
        return points
    for _ in range(CORRECTIONS):
        growth = _growth(smooth, triangles)
        speed = np.linalg.norm(growth, axis=1)
        step_mm = (volume - _volume(smooth, triangles)) / speed.sum()
        smooth = smooth + step_mm * growth / np.maximum(speed, SMALLEST_NORMAL)[:, np.newaxis]
    return smooth


def _through_sinc(points: FloatArray, triangles: TriangleArray, pass_band: float, iterations: int) -> FloatArray:
    vertices, cells, surface = vtkPoints(), vtkCellArray(), vtkPolyData()
    vertices.SetData(numpy_to_vtk(points, deep=True))
    cells.SetData(3, numpy_to_vtkIdTypeArray(triangles.ravel(), deep=True))
    surface.SetPoints(vertices)
    surface.SetPolys(cells)
    sinc = vtkWindowedSincPolyDataFilter()
    sinc.SetInputData(surface)
    sinc.SetPassBand(pass_band)
    sinc.SetNumberOfIterations(iterations)
    sinc.NonManifoldSmoothingOn()
    sinc.NormalizeCoordinatesOn()
    sinc.Update()
    return np.asarray(vtk_to_numpy(sinc.GetOutput().GetPoints().GetData()), dtype=np.float64)


def _volume(points: FloatArray, triangles: TriangleArray) -> float:
    """The volume inside a closed surface: the sum of tetrahedra to a point (divergence theorem)."""
    a, b, c = (points[triangles[:, corner]] - points[0] for corner in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c))) / 6


def _growth(points: FloatArray, triangles: TriangleArray) -> FloatArray:
    """The gradient (n, 3), mm2, of the volume by the position of each point: a third of the areas around it."""
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    third = np.cross(b - a, c - a) / 6
    columns = [
        sum(np.bincount(triangles[:, corner], third[:, axis], len(points)) for corner in range(3)) for axis in range(3)
    ]
    return np.stack(columns, axis=1)
