"""A click in a scene of 117 segments: how soon it is seen, how long the user's thread is held, who else moves.

The starter answers in its child process, its window cached; every change is journalled. The other side is what
annotation modules do: hand the host the whole labelmap of the segment. Both write the same voxels into the same scene,
with real slice and 3-D views. ``--quick`` uses a smaller scan and fewer segments.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
import slicer
import vtk
from report import Report, shared
from vtk.util.numpy_support import numpy_to_vtk

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Python"))

from scene_views import Views, save
from trame_slicer.core import SlicerApp
from VISTA3DSegmentLib.anatomy import all_classes, class_of
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.engines import open_engine
from VISTA3DSegmentLib.scene.annotator import SceneAnnotator
from VISTA3DSegmentLib.scene.labelmaps import LABELMAP, SURFACE, voxels_of
from VISTA3DSegmentLib.scene.nodes import color_of_class
from VISTA3DSegmentLib.scene.volumes import add_volume_node, volume_of
from VISTA3DSegmentLib.service import ChildProcess
from VISTA3DSegmentLib.session.journal import Journal
from VISTA3DSegmentLib.volume import Volume

LIVER = 1
CLICKS = 12
FRAME_SECONDS = 0.005


def enlarged(path: str, size_ijk: tuple[int, int, int], labels: bool) -> sitk.Image:
    """A real scan on a finer grid."""
    image = sitk.ReadImage(str(shared(path)))
    old = np.array(image.GetSize(), dtype=float)
    spacing = (np.array(image.GetSpacing()) * old / np.array(size_ijk)).tolist()
    how = sitk.sitkNearestNeighbor if labels else sitk.sitkLinear
    return sitk.Resample(
        image, size_ijk, sitk.Transform(), how, image.GetOrigin(), spacing, image.GetDirection(), 0 if labels else -1000
    )


def volume_node(scene: Any, image: sitk.Image) -> Any:
    """The scan as the host holds it."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    matrix[:3, 3] = image.GetOrigin()
    array = sitk.GetArrayFromImage(image).astype(np.int16)
    return add_volume_node(scene, Volume(array, np.diag((-1.0, -1.0, 1.0, 1.0)) @ matrix))


def fill(annotator: SceneAnnotator, labels: npt.NDArray[np.uint8], count: int) -> None:
    """Segments: the structures of the scan, then balls for as many classes as are missing."""
    rng = np.random.default_rng(5)
    ids = [row.id for row in all_classes() if row.id > 0][:count]
    there = {int(n) for n in np.unique(labels)}
    for class_id in sorted(ids, key=lambda n: n not in there):
        mask = MaskCrop.of(labels == class_id)
        if not mask.mask.any():
            radius = int(rng.integers(8, 20))
            grid = np.ogrid[-radius : radius + 1, -radius : radius + 1, -radius : radius + 1]
            at = [int(rng.integers(radius, n - radius)) for n in labels.shape]
            ball = sum(axis**2 for axis in grid) <= radius**2
            mask = MaskCrop((at[0] - radius, at[1] - radius, at[2] - radius), np.asarray(ball))
        segment_id = f"class-{class_id}"
        row = class_of(class_id)
        annotator.segments.create(segment_id, row.name, color_of_class(class_id), class_id)
        annotator.segments.write(segment_id, mask)


def state_of_others(annotator: SceneAnnotator, segment_id: str) -> dict[str, tuple[int, Any]]:
    """Voxels (hashed) and surface object of every other segment."""
    segmentation = annotator.segmentation_node.GetSegmentation()
    return {
        n: (
            hash(voxels_of(segmentation.GetSegment(n).GetRepresentation(LABELMAP)).tobytes()),
            segmentation.GetSegment(n).GetRepresentation(SURFACE),
        )
        for n in segmentation.GetSegmentIDs()
        if n != segment_id
    }


class Loop:
    """The user's thread: pumps as a shell does, and knows for how long each call held it."""

    def __init__(self, annotator: SceneAnnotator) -> None:
        self.annotator = annotator
        self.held: list[float] = []
        self.surfaces: list[float] = []

    def until_idle(self, limit: float = 300.0) -> None:
        started = time.perf_counter()
        while not self.annotator.idle:
            self.annotator.accept()  # no waiting for the overlay to fade
            if time.perf_counter() - started > limit:
                raise SystemExit("The engine did not answer.")
            self.do(self.annotator.pump)
            time.sleep(FRAME_SECONDS)

    def do(self, action: Any) -> None:
        due = self.annotator.surfaces.waiting
        begun = time.perf_counter()
        action()
        seconds = time.perf_counter() - begun
        made = due and not self.annotator.surfaces.waiting
        (self.surfaces if made else self.held).append(seconds)


def whole_labelmap(annotator: SceneAnnotator, segment_id: str, mask: npt.NDArray[np.bool_], volume: Any) -> float:
    """The other side: a labelmap volume of the whole scan, imported into the segment; seconds."""
    scene = annotator.scene
    started = time.perf_counter()
    labels = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode")
    labels.CopyOrientation(volume)
    data = vtk.vtkImageData()
    data.SetDimensions(*mask.shape[::-1])
    data.GetPointData().SetScalars(numpy_to_vtk(mask.astype(np.uint8).ravel(), deep=True))
    labels.SetAndObserveImageData(data)
    ids = vtk.vtkStringArray()
    ids.InsertNextValue(segment_id)
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    if not logic.ImportLabelmapToSegmentationNode(labels, annotator.segmentation_node, ids):
        raise SystemExit("The host refused the labelmap.")
    seconds = time.perf_counter() - started
    scene.RemoveNode(labels)
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    size = (192, 192, 150) if options.quick else (512, 512, 400)
    count = 40 if options.quick else 117

    app = SlicerApp()
    image = enlarged("data/ct_abdomen_pelvis_3mm/ct.nii.gz", size, labels=False)
    labels = sitk.GetArrayFromImage(enlarged("data/ct_abdomen_pelvis_3mm/seg_vista3d.nii.gz", size, labels=True))
    node = volume_node(app.scene, image)
    client = ChildProcess(partial(open_engine, weights="starter"))
    begun = time.perf_counter()
    journal = Journal(Path(tempfile.mkdtemp()), volume_of(node).sample_key)
    annotator = SceneAnnotator(app.scene, node, client, journal=journal)
    opening = [time.perf_counter() - begun]
    while annotator.session.ready is None:
        begun = time.perf_counter()
        annotator.pump()
        opening.append(time.perf_counter() - begun)
        time.sleep(FRAME_SECONDS)
    failures: list[Exception] = []
    annotator.failed.connect(failures.append)
    fill(annotator, labels.astype(np.uint8), count)
    liver = f"class-{LIVER}"
    volume = annotator.session.volume
    k, j, i = (int(x) for x in np.median(np.argwhere(labels == LIVER), axis=0))
    views = Views(app, node, 512)
    views.show_slice(float(volume.ras_of((i, j, k))[2]))
    corners = np.sort([volume.ras_of((0, 0, 0)), volume.ras_of(tuple(n - 1 for n in size))], axis=0).T
    views.look_at(*(tuple(float(x) for x in pair) for pair in corners))
    views.draw()
    annotator.surfaces.show()
    loop = Loop(annotator)
    loop.until_idle()
    annotator.select(liver)
    others = state_of_others(annotator, liver)

    # Clicks on the border of the liver, outwards and inwards in turn.
    inside = np.argwhere(sitk.GetArrayFromImage(sitk.BinaryContour(sitk.GetImageFromArray((labels == LIVER) * 1))) > 0)
    near = inside[np.abs(inside - (k, j, i)).max(1) < min(size) // 12]
    rng = np.random.default_rng(7)
    beyond, network, written, first_picture = [], [], [], None
    engine_seconds: list[float] = []
    annotator.session.answered.connect(lambda answer: engine_seconds.append(answer[1].seconds["clicks"]))
    latencies: list[Any] = []
    annotator.measured.connect(lambda latency: latencies.append(latency))
    before_picture = views.draw()
    for n in range(CLICKS + 1):
        at = near[int(rng.integers(len(near)))]
        ras = tuple(float(x) for x in volume.ras_of(tuple(at[::-1])))
        latencies.clear()
        engine_seconds.clear()
        begun = time.perf_counter()
        loop.do(partial(annotator.click, ras, n % 2 == 0))
        loop.until_idle()
        if failures:
            raise SystemExit(str(failures[-1]))
        if n == 0:  # the window is encoded now
            loop.held.clear()
            loop.surfaces.clear()
            first_picture = views.draw()
            continue
        network.append(engine_seconds[-1])
        beyond.append(latencies[0].slices_seconds - engine_seconds[-1])
        written.append(latencies[0].slices_seconds - latencies[0].voxels_seconds)
    same = all(now == others[n] for n, now in state_of_others(annotator, liver).items())
    assert first_picture is not None
    changed = int((before_picture != first_picture).any(-1).sum())
    save("scene_click", before_picture, first_picture, views.draw_space())
    mask = annotator.session.annotation[liver].mask.full(volume.shape_kji)
    rivals = [whole_labelmap(annotator, liver, mask, node) for _ in range(3)]
    annotator.close()
    client.close()

    report = Report(
        "scene_click", f"A click among {count} segments, {size[0]} x {size[1]} x {size[2]}", ["", "median", "most"]
    )

    def row(what: str, seconds: list[float]) -> None:
        report.row(what, f"{1000 * float(np.median(seconds)):.1f} ms", f"{1000 * max(seconds):.1f} ms")

    row("the point head, cached window", network)
    row("click to 2-D beyond the network", beyond)
    row("of that: writing the segment", written)
    row("user's thread held by a call", loop.held)
    row("user's thread held by the surface of the liver", loop.surfaces)
    row("whole labelmap through the host, as others do", rivals)
    row("user's thread held while the scan is opened", opening)
    report.row("pixels of the slice view that changed at the first click", changed, "")
    report.bar("click to 2-D beyond the network, median, ms", 1000 * float(np.median(beyond)), 60, at_least=False)
    report.bar("writing the segment, median, ms", 1000 * float(np.median(written)), 15, at_least=False)
    report.bar("user's thread held by any call, ms", 1000 * max([*loop.held, *loop.surfaces]), 50, at_least=False)
    report.bar("other segments and surfaces unchanged", float(same), 1)
    report.bar("pixels changed in the slice view", changed, 1)
    report.figures = {
        "network_ms": 1000 * float(np.median(network)),
        "whole_labelmap_ms": 1000 * float(np.median(rivals)),
        "write_ms": 1000 * float(np.median(written)),
    }
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
