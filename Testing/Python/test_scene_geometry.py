"""A click at a place in the patient changes the voxel there, however the scan lies in its file and in the scene."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import slicer
import vtk
from builders import oblique_geometry
from scene_world import SHAPE, SceneWorld, empty_scene
from shared_data import shared
from VISTA3DSegmentLib.files.volumes import read_volume
from VISTA3DSegmentLib.scene.labelmaps import voxels_of
from VISTA3DSegmentLib.volume import Volume

ORIENTATIONS = [
    "".join(letters) for axes in itertools.permutations(("RL", "AP", "SI")) for letters in itertools.product(*axes)
]


def world_positions(world: SceneWorld, segment_id: str) -> np.ndarray:
    """Where in the world the voxels of a segment are, by the host's own matrices and transforms alone."""
    image = slicer.vtkOrientedImageData()
    node = world.annotator.segmentation_node
    node.GetBinaryLabelmapRepresentation(segment_id, image)
    place, above = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(place)
    if node.GetParentTransformNode() is not None:
        node.GetParentTransformNode().GetMatrixTransformToWorld(above)
    k, j, i = np.nonzero(voxels_of(image))
    first = np.array(image.GetExtent()[::2])
    ijk = np.stack([i + first[0], j + first[1], k + first[2]], axis=1)
    return np.array([above.MultiplyPoint(place.MultiplyPoint([*at, 1.0]))[:3] for at in ijk.tolist()])


def check_clicks(world: SceneWorld, places: list[tuple[float, float, float]]) -> None:
    """Clicks at places of the world (RAS, mm; middles of voxels) make segments that lie there."""
    for ras in places:
        lesion = world.annotator.new_structure()
        world.annotator.click(ras)
        world.settle()
        assert not world.failed
        found = world_positions(world, lesion)
        nearest = np.linalg.norm(found - ras, axis=1).min()
        assert nearest < 1e-3
        assert np.allclose(found.mean(0), ras, atol=1e-3)
        world.annotator.click(ras, positive=False)
        world.settle()
        remaining = world_positions(world, lesion)
        assert len(remaining) == 0 or np.linalg.norm(remaining - ras, axis=1).min() > 0.1


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_every_orientation_of_a_file(orientation: str):
    path = shared(f"data/nifti_orientations/{orientation}.nii.gz")
    scene = empty_scene()
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    storage = scene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
    world = SceneWorld(scene=scene)
    ours, theirs = read_volume(path).volume, world.session.volume
    # The host turns the axes of left-handed files round; what matters is which voxel lies where in the patient. To the
    # right, behind and above of the middle, so that a mirrored axis cannot go unnoticed.
    middle = ours.ras_of(tuple((n - 1) / 2 for n in ours.shape_kji[::-1]))  # type: ignore[arg-type]
    places = [ours.ras_of(tuple(np.round(ours.ijk_of(tuple(middle + shift))))) for shift in SHIFTS_MM]
    for place in places:
        assert value_at(theirs, place) == value_at(ours, place)
    check_clicks(world, [tuple(places[0].tolist())])


SHIFTS_MM = np.array([(12.0, -9.0, 6.0), (-30.0, 4.0, 10.0), (5.0, 22.0, -18.0), (0.0, 0.0, 0.0)])


def value_at(volume: Volume, ras: np.ndarray) -> float:
    i, j, k = np.round(volume.ijk_of(tuple(ras))).astype(int)
    return float(volume.array[k, j, i])


@pytest.mark.parametrize("kji", [(4, 9, 20), (15, 20, 6)])
@pytest.mark.parametrize(
    "transform",
    [
        None,
        np.diag([-1.0, -1.0, 1.0, 1.0]),
        np.array([[0.36, 0.48, -0.8, 30.0], [-0.8, 0.6, 0.0, -12.0], [0.48, 0.64, 0.6, 200.0], [0, 0, 0, 1]]),
    ],
    ids=["alone", "turned half round", "turned and moved"],
)
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.9, 2.5)], ids=["isotropic", "anisotropic"])
def test_oblique_scans_under_transforms(
    kji: tuple[float, float, float], transform: np.ndarray | None, spacing: tuple[float, float, float]
):
    world = SceneWorld(ijk_to_ras=oblique_geometry(spacing), transform=transform)
    check_clicks(world, [world.ras(kji)])


def test_clicks_on_the_first_and_last_voxels_count():
    last = tuple(n - 1 for n in SHAPE)
    world = SceneWorld(ijk_to_ras=oblique_geometry())
    for kji in ((0, 0, 0), last):
        lesion = world.annotator.new_structure()
        world.click(kji)
        world.settle()
        assert world.voxels(lesion)[kji]
