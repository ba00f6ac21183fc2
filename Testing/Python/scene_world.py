"""A MRML scene with a painted scan, an annotator on it, and the clock in the test's hands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import vtk
from fake_engine import LIVER, SPLEEN, two_engines
from VISTA3DSegmentLib.errors import SegmentationError
from VISTA3DSegmentLib.scene.annotator import SceneAnnotator
from VISTA3DSegmentLib.scene.labelmaps import LABELMAP, voxels_of
from VISTA3DSegmentLib.scene.latency import Latency
from VISTA3DSegmentLib.scene.volumes import add_volume_node, matrix_of, volume_of
from VISTA3DSegmentLib.service import Client, InProcess
from VISTA3DSegmentLib.volume import FloatArray, Volume

APPS: list[Any] = []
"""They live as long as their scenes may be used."""

SHAPE = (20, 24, 28)
"""Voxels of the painted scan along (k, j, i)."""


def painted() -> npt.NDArray[np.int16]:
    """A scan in which the fake engine finds a liver and a spleen."""
    array = np.zeros(SHAPE, dtype=np.int16)
    array[4:9, 5:12, 6:14] = 10 * LIVER
    array[12:16, 14:19, 16:22] = 10 * SPLEEN
    return array


LIVER_VOXELS = painted() == 10 * LIVER
SPLEEN_VOXELS = painted() == 10 * SPLEEN


class Clock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def empty_scene() -> Any:
    """A scene that knows all kinds of nodes a person could load, with their default displays."""
    from trame_slicer.core import SlicerApp

    app = SlicerApp()
    APPS.append(app)
    return app.scene


def add_volume(scene: Any, array: npt.NDArray[Any], ijk_to_ras: FloatArray | None = None) -> Any:
    """A scalar volume node of an array (k, j, i)."""
    return add_volume_node(scene, Volume(array, np.eye(4) if ijk_to_ras is None else ijk_to_ras))


def add_transform(scene: Any, matrix: FloatArray) -> Any:
    """A linear transform node."""
    node = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Transform")
    node.SetMatrixTransformToParent(matrix_of(matrix))
    return node


def add_warp(scene: Any) -> Any:
    """A transform node that is not linear."""
    node = scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    spline, points, moved = vtk.vtkThinPlateSplineTransform(), vtk.vtkPoints(), vtk.vtkPoints()
    for n, at in enumerate(((0, 0, 0), (10, 0, 0), (0, 10, 0), (0, 0, 10), (5, 5, 5))):
        points.InsertNextPoint(*at)
        moved.InsertNextPoint(at[0] + n, *at[1:])
    spline.SetSourceLandmarks(points)
    spline.SetTargetLandmarks(moved)
    spline.SetBasisToR()
    node.SetAndObserveTransformToParent(spline)
    return node


class SceneWorld:
    """A person at a scene.

    Args:
        client: the engine; None: a fake one in this process.
        ijk_to_ras: of the scan.
        transform: the matrix of a transform above the scan; None: there is none.
        scene: an existing one whose first volume is annotated.
        options: of the annotator.
    """

    def __init__(
        self,
        client: Client | None = None,
        ijk_to_ras: FloatArray | None = None,
        transform: FloatArray | None = None,
        scene: Any | None = None,
        array: npt.NDArray[Any] | None = None,
        **options: Any,
    ) -> None:
        self.engine, self.clock = two_engines(), Clock()
        self.said: list[str] = []
        self.failed: list[SegmentationError] = []
        self.latencies: list[Latency] = []
        self.outdated: list[str] = []
        self.scene = scene if scene is not None else empty_scene()
        if scene is None:
            self.volume_node = add_volume(self.scene, painted() if array is None else array, ijk_to_ras)
            if transform is not None:
                self.volume_node.SetAndObserveTransformNodeID(add_transform(self.scene, transform).GetID())
        else:
            self.volume_node = scene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
        self.client = client or InProcess(self.engine)
        self.annotator = SceneAnnotator(self.scene, self.volume_node, self.client, clock=self.clock, **options)
        self.annotator.said.connect(self.said.append)
        self.annotator.failed.connect(self.failed.append)
        self.annotator.measured.connect(self.latencies.append)
        self.annotator.outdated.connect(self.outdated.append)

    @property
    def session(self) -> Any:
        return self.annotator.session

    @property
    def segmentation(self) -> Any:
        return self.annotator.segmentation_node.GetSegmentation()

    def settle(self) -> None:
        """Let time pass until nothing is under way."""
        for _ in range(2000):
            self.clock.seconds += 0.05
            self.annotator.pump()
            if self.annotator.idle:
                return
        raise AssertionError("never done")

    def ras(self, kji: tuple[float, float, float]) -> tuple[float, float, float]:
        """Where in the world a voxel is."""
        place, above = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
        self.volume_node.GetIJKToRASMatrix(place)
        if self.volume_node.GetParentTransformNode() is not None:
            self.volume_node.GetParentTransformNode().GetMatrixTransformToWorld(above)
        r, a, s, _ = above.MultiplyPoint(place.MultiplyPoint([*kji[::-1], 1.0]))
        return r, a, s

    def click(self, kji: tuple[float, float, float], positive: bool = True) -> None:
        self.annotator.click(self.ras(kji), positive)

    def voxels(self, segment_id: str) -> npt.NDArray[np.bool_]:
        """What the scene holds, read by other means than ours: the host's own labelmap of one segment."""
        image = slicer.vtkOrientedImageData()
        self.annotator.segmentation_node.GetBinaryLabelmapRepresentation(segment_id, image)
        out = np.zeros(volume_of(self.volume_node).shape_kji, np.bool_)
        if image.GetNumberOfPoints() and image.GetPointData().GetScalars() is not None:
            place, ijk_to_ras = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
            image.GetImageToWorldMatrix(place)
            self.volume_node.GetIJKToRASMatrix(ijk_to_ras)
            first = [*image.GetExtent()[::2], 1.0]
            ijk_to_ras.Invert()
            i, j, k, _ = (round(at) for at in ijk_to_ras.MultiplyPoint(place.MultiplyPoint(first)))
            found = voxels_of(image) != 0
            out[k : k + found.shape[0], j : j + found.shape[1], i : i + found.shape[2]] = found
        return out

    def paint(self, segment_id: str, mask: npt.NDArray[np.bool_]) -> None:
        """Replace a segment as the Segment Editor does: through the host's own logic."""
        image = slicer.vtkOrientedImageData()
        image.SetExtent(0, mask.shape[2] - 1, 0, mask.shape[1] - 1, 0, mask.shape[0] - 1)
        image.SetImageToWorldMatrix(matrix_of(self.annotator.segments.lattice.ijk_to_node))
        from vtk.util.numpy_support import numpy_to_vtk

        image.GetPointData().SetScalars(
            numpy_to_vtk(mask.astype(np.uint8).ravel(), deep=True, array_type=vtk.VTK_UNSIGNED_CHAR)
        )
        logic = slicer.vtkSlicerSegmentationsModuleLogic
        logic.SetBinaryLabelmapToSegment(image, self.annotator.segmentation_node, segment_id, logic.MODE_REPLACE)

    def bytes_of(self, segment_id: str) -> bytes:
        """The labelmap of a segment as it lies in memory, with its extent."""
        image = self.segmentation.GetSegment(segment_id).GetRepresentation(LABELMAP)
        return bytes(repr(image.GetExtent()), "ascii") + voxels_of(image).tobytes()


def segmented(**options: Any) -> SceneWorld:
    """A scene with liver and spleen segmented automatically."""
    world = SceneWorld(**options)
    world.annotator.segment([LIVER, SPLEEN])
    world.settle()
    return world


def of(world: SceneWorld, class_id: int) -> str:
    """The id of the segment of a class."""
    object_id = world.session.annotation.of_class(class_id)
    assert object_id is not None
    return object_id


def corrected(**options: Any) -> tuple[SceneWorld, str]:
    """Both organs, and the liver, chosen, with one click beside it; its id."""
    world = segmented(**options)
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.settle()
    return world, liver


def ball(center_kji: tuple[int, int, int]) -> np.ndarray:
    """What the fake engine makes of a click."""
    k, j, i = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    return (k - center_kji[0]) ** 2 + (j - center_kji[1]) ** 2 + (i - center_kji[2]) ** 2 <= 4


def shared_layer(world: SceneWorld) -> list[str]:
    """Segments as an import makes them: several labels in one labelmap."""
    labels = world.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode")
    labels.CopyOrientation(world.volume_node)
    array = np.zeros(SHAPE, np.int16)
    array[LIVER_VOXELS], array[SPLEEN_VOXELS], array[0:2, 0:3, 0:3] = 1, 2, 3
    carrier = add_volume(world.scene, array)
    labels.SetAndObserveImageData(carrier.GetImageData())
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    assert logic.ImportLabelmapToSegmentationNode(labels, world.annotator.segmentation_node)
    assert world.segmentation.GetNumberOfLayers() == 1
    return list(world.segmentation.GetSegmentIDs())


def saved_and_loaded(scene: Any, folder: Path, form: str) -> Any:
    """The scene written to a file ("mrb" or "mrml") and read from it."""
    loaded = empty_scene()
    if form == "mrb":
        assert scene.WriteToMRB(str(folder / "scene.mrb"), None)
        assert loaded.ReadFromMRB(str(folder / "scene.mrb"), True)
        return loaded
    (folder / "scene").mkdir()
    assert scene.SaveSceneToSlicerDataBundleDirectory(str(folder / "scene"), None)
    loaded.SetURL(str(next((folder / "scene").glob("*.mrml"))))
    loaded.Import()
    return loaded


def with_editor(**options: Any) -> tuple[SceneWorld, Any]:
    """Both organs, and a Segment Editor node without limits."""
    world = segmented(**options)
    node = world.scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
    node.SetOverwriteMode(node.OverwriteNone)
    world.annotator.rules.editor = node
    return world, node
