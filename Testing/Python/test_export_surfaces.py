"""Surfaces: closed, in their place, with the volume of their voxels, and other programs read them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import box_mask, oblique_geometry
from shared_data import shared
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.engine import Progress
from VISTA3DSegmentLib.errors import Cancelled, FileFormatError, ResourceError, VolumeError
from VISTA3DSegmentLib.export import surfaces
from VISTA3DSegmentLib.export.file_names import file_names
from VISTA3DSegmentLib.export.meshes import Mesh, mesh_of
from VISTA3DSegmentLib.export.surfaces import SurfaceForm, write_surfaces
from VISTA3DSegmentLib.files.segmentations import Segment, Segmentation, read_segmentation
from VISTA3DSegmentLib.resources import resource
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkFiltersCore import vtkFeatureEdges, vtkMassProperties
from vtkmodules.vtkIOGeometry import vtkOBJReader, vtkSTLReader
from vtkmodules.vtkIOPLY import vtkPLYReader

SHAPE = (30, 32, 34)
READERS = {SurfaceForm.STL: vtkSTLReader, SurfaceForm.OBJ: vtkOBJReader, SurfaceForm.PLY: vtkPLYReader}


def ball(center: tuple[float, float, float], radius: float) -> MaskCrop:
    k, j, i = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    return MaskCrop.of((k - center[0]) ** 2 + (j - center[1]) ** 2 + (i - center[2]) ** 2 <= radius**2)


BALL = Segment("ball", ball((14, 15, 16), 9), (255, 128, 0))
AT_EDGE = Segment("at the edge", ball((0, 31, 33), 8), (0, 0, 255))
VOXEL = Segment("voxel", box_mask(SHAPE, (3, 4, 5), (4, 5, 6)), (0, 255, 0))
EMPTY = Segment("empty", box_mask(SHAPE, (0, 0, 0), (0, 0, 0)), (1, 1, 1))


def of(*segments: Segment, geometry: Any = None) -> Segmentation:
    return Segmentation(SHAPE, oblique_geometry() if geometry is None else geometry, segments)


def voxel_ml(segment: Segment, geometry: Any) -> float:
    return float(segment.mask.mask.sum() * abs(np.linalg.det(geometry[:3, :3])) / 1000)


def loaded(path: Path, form: SurfaceForm) -> Any:
    reader = READERS[form]()
    reader.SetFileName(str(path))
    reader.Update()
    return reader


def check_with_vtk(surface: Any, ml: float) -> None:
    """Closed, turned outwards, and of this volume, in the eyes of VTK."""
    edges = vtkFeatureEdges()
    edges.SetInputData(surface)
    edges.FeatureEdgesOff()
    edges.NonManifoldEdgesOff()
    edges.BoundaryEdgesOn()
    edges.Update()
    assert edges.GetOutput().GetNumberOfCells() == 0
    mass = vtkMassProperties()
    mass.SetInputData(surface)
    mass.Update()
    assert mass.GetVolume() / 1000 == pytest.approx(ml, rel=0.01)


@pytest.mark.parametrize("form", list(SurfaceForm))
@pytest.mark.parametrize("segment", [BALL, AT_EDGE, VOXEL], ids=lambda segment: segment.name)
def test_surface_is_closed_in_its_place_and_as_large_as_its_voxels(
    tmp_path: Path, form: SurfaceForm, segment: Segment
) -> None:
    write_surfaces(tmp_path / "all", of(segment), form)
    (path,) = (tmp_path / "all").glob(f"*{form.value}")
    surface = loaded(path, form).GetOutput()
    check_with_vtk(surface, voxel_ml(segment, oblique_geometry()))
    points = vtk_to_numpy(surface.GetPoints().GetData()).astype(float)
    ijk = np.argwhere(segment.mask.full(SHAPE))[:, ::-1]
    ras = ijk @ oblique_geometry()[:3, :3].T + oblique_geometry()[:3, 3]
    np.testing.assert_allclose(points.mean(axis=0) * (-1, -1, 1), ras.mean(axis=0), atol=1.5)
    back = (points * (-1, -1, 1) - oblique_geometry()[:3, 3]) @ np.linalg.inv(oblique_geometry()[:3, :3]).T
    assert (back.min(axis=0) >= ijk.min(axis=0) - 1).all()
    assert (back.max(axis=0) <= ijk.max(axis=0) + 1).all()


def test_single_voxel_is_a_box_of_its_size() -> None:
    mesh = mesh_of(VOXEL.mask, np.diag((2.0, 3.0, 4.0, 1.0)))
    assert mesh.volume_ml == pytest.approx(0.024)
    assert len(mesh.triangles) == 12
    np.testing.assert_allclose(mesh.points_lps.min(axis=0), (-11.0, -13.5, 10.0))
    np.testing.assert_allclose(mesh.points_lps.max(axis=0), (-9.0, -10.5, 14.0))


@pytest.mark.parametrize("mirror", [1.0, -1.0])
def test_triangles_face_outwards_on_right_and_left_handed_grids(mirror: float) -> None:
    mesh = mesh_of(BALL.mask, oblique_geometry() @ np.diag((1.0, 1.0, mirror, 1.0)))
    assert mesh.volume_ml > 0


def test_smoothing_takes_the_steps_and_not_the_volume() -> None:
    mesh = mesh_of(BALL.mask, np.eye(4))
    assert mesh.volume_ml == pytest.approx(BALL.mask.mask.sum() / 1000, rel=1e-4)
    spread_mm = np.linalg.norm(mesh.points_lps - (-16.0, -15.0, 14.0), axis=1).std()
    assert spread_mm < 0.2, "of the corners of voxels it is 0.44 mm"


def test_voxels_that_touch_at_an_edge_or_a_corner_have_a_closed_surface() -> None:
    mask = np.zeros((4, 4, 4), np.bool_)
    mask[0, 0, 0] = mask[0, 1, 1] = mask[1, 2, 2] = mask[1, 2, 1] = mask[2, 1, 2] = True
    mesh = mesh_of(MaskCrop.of(mask), np.eye(4))
    assert mesh.is_closed
    assert mesh.volume_ml == pytest.approx(0.005, rel=0.01)


def test_missing_triangle_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = mesh_of(BALL.mask, np.eye(4))
    holed = Mesh(whole.points_lps, whole.triangles[1:])
    turned = Mesh(whole.points_lps, np.vstack([whole.triangles[1:], whole.triangles[:1, ::-1]]))
    assert [mesh.is_closed for mesh in (whole, holed, turned)] == [True, False, False]
    monkeypatch.setattr(surfaces, "mesh_of", lambda *_: holed)
    with pytest.raises(FileFormatError, match="ball is not closed"):
        write_surfaces(tmp_path / "all", of(BALL), SurfaceForm.STL)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("form", list(SurfaceForm))
def test_all_in_one_file(tmp_path: Path, form: SurfaceForm) -> None:
    path = tmp_path / f"my scan{form.value}"
    notices = write_surfaces(path, of(BALL, AT_EDGE, EMPTY), form, merged=True)
    assert notices == ("Empty segments have no surface and were left out: empty.",)
    total = sum(voxel_ml(segment, oblique_geometry()) for segment in (BALL, AT_EDGE))
    check_with_vtk(loaded(path, form).GetOutput(), total)


def test_space_is_said_where_slicer_looks_for_it(tmp_path: Path) -> None:
    for form in SurfaceForm:
        write_surfaces(tmp_path / f"a{form.value}", of(BALL), form, merged=True)
    assert "SPACE=LPS" in loaded(tmp_path / "a.stl", SurfaceForm.STL).GetHeader()
    assert "SPACE=LPS" in loaded(tmp_path / "a.obj", SurfaceForm.OBJ).GetComment()
    assert "SPACE=LPS" in loaded(tmp_path / "a.ply", SurfaceForm.PLY).GetComments().GetValue(0)
    assert not (tmp_path / "a.stl").read_bytes().startswith(b"solid"), "that would be a text file"


def test_colours_are_kept(tmp_path: Path) -> None:
    write_surfaces(tmp_path / "a.ply", of(BALL, AT_EDGE), SurfaceForm.PLY, merged=True)
    colors = vtk_to_numpy(loaded(tmp_path / "a.ply", SurfaceForm.PLY).GetOutput().GetPointData().GetArray("RGB"))
    assert {tuple(color) for color in colors[:, :3].tolist()} == {BALL.color, AT_EDGE.color}
    write_surfaces(tmp_path / "all", of(BALL, AT_EDGE), SurfaceForm.OBJ)
    materials = (tmp_path / "all" / "segments.mtl").read_text()
    assert "newmtl ball\nKd 1.000000 0.501961 0.000000\n" in materials
    lines = (tmp_path / "all" / "at_the_edge.obj").read_text().splitlines()
    assert {"mtllib segments.mtl", "o at_the_edge", "usemtl at_the_edge"} <= set(lines)


def test_organs_of_a_scan_lose_no_volume() -> None:
    truth = read_segmentation(resource("Samples/sample_truth.nrrd"))
    voxel = abs(np.linalg.det(truth.ijk_to_ras[:3, :3])) / 1000
    for segment in truth.segments:
        mesh = mesh_of(segment.mask, truth.ijk_to_ras)
        assert mesh.is_closed, segment.name
        assert mesh.volume_ml == pytest.approx(segment.mask.mask.sum() * voxel, rel=0.01), segment.name


def test_real_organs_and_vessels_lose_no_volume() -> None:
    scan = read_segmentation(shared("data/ct_abdomen_pelvis_3mm/seg.nii.gz"))
    assert len(scan.segments) == 61
    for segment in scan.segments:
        mesh = mesh_of(segment.mask, scan.ijk_to_ras)
        assert mesh.is_closed, segment.name
        assert mesh.volume_ml == pytest.approx(segment.mask.mask.sum() * 0.027, rel=0.01), segment.name


def test_progress_is_told_and_cancelling_leaves_nothing(tmp_path: Path) -> None:
    told: list[Progress] = []
    write_surfaces(tmp_path / "all", of(BALL, VOXEL), SurfaceForm.STL, progress=told.append)
    assert [(one.done, one.total) for one in told] == [(1, 2), (2, 2)]
    asked = iter([False, True])
    with pytest.raises(Cancelled):
        write_surfaces(tmp_path / "none", of(BALL, VOXEL), SurfaceForm.STL, cancel=lambda: next(asked))
    assert [path.name for path in tmp_path.iterdir()] == ["all"]


def test_segmentation_without_a_voxel_and_wrong_suffix_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match="No segment"):
        write_surfaces(tmp_path / "all", of(EMPTY), SurfaceForm.STL)
    with pytest.raises(FileFormatError, match=r"a\.obj is no name"):
        write_surfaces(tmp_path / "a.obj", of(BALL), SurfaceForm.STL, merged=True)
    assert not list(tmp_path.iterdir())


def test_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    for path, merged in ((tmp_path / "none" / "all", False), (tmp_path / "none" / "a.stl", True)):
        with pytest.raises(ResourceError, match="none"):
            write_surfaces(path, of(VOXEL), SurfaceForm.STL, merged=merged)


def test_disk_that_stores_something_else_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.stl"
    write_surfaces(path, of(VOXEL), SurfaceForm.STL, merged=True)
    earlier = path.read_bytes()
    real = Path.open

    def forgetful(path: Path, mode: str = "r", *rest: Any) -> Any:
        if mode == "rb" and path.name.endswith(".partial"):
            path.write_bytes(earlier)
        return real(path, mode, *rest)

    monkeypatch.setattr(Path, "open", forgetful)
    with pytest.raises(FileFormatError, match="did not read back"):
        write_surfaces(path, of(BALL), SurfaceForm.STL, merged=True)
    assert path.read_bytes() == earlier
    assert [one.name for one in tmp_path.iterdir()] == ["a.stl"]


def test_file_names_are_safe_on_every_system_and_unique() -> None:
    names = [
        "liver",
        "Liver",
        "a/b\\c",
        "../..",
        "CON",
        "nul.x",
        "Größe 5",
        "",
        "x" * 300,
        "名" * 100,
        "liver_2",
        "a:b?*",
    ]
    made = file_names(names)
    assert made[:8] == ["liver", "Liver_2", "a_b_c", "segment", "CON_", "nul_.x", "Größe_5", "segment_2"]
    assert len({name.casefold() for name in made}) == len(names)
    assert all(len(os.fsencode(name)) <= 125 for name in made)
