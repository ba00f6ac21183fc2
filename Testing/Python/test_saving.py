"""Saving from the page: what 3D Slicer finds in the file, and that the scene is as it was before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("trame_slicer", reason="needs the app extra")
import slicer
import vtk
from fake_engine import LIVER, SPLEEN
from scene_world import LIVER_VOXELS, SceneWorld, empty_scene, of, segmented, voxels_of
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.files.segmentations import read_segmentation
from VISTA3DSegmentLib.prompts import Structure
from VISTA3DSegmentLib.scene.labelmaps import LABELMAP
from VISTA3DSegmentLib.session.annotation import Status
from VISTA3DSegmentLib.workspace.saving import Format, begin

MILZ = "mine~SCT^1^a~SCT^2^b~^^~~^^~^^"


@pytest.fixture
def world() -> SceneWorld:
    """Two organs, one of them done; a structure from a file that overlaps one of them; one that has no voxel left."""
    world = segmented(ijk_to_ras=np.array([[-0.8, 0, 0, 11], [0, -0.8, 0, -7], [0, 0, 2.5, 3], [0, 0, 0, 1.0]]))
    world.annotator.set_status(of(world, LIVER), Status.DONE)
    half = LIVER_VOXELS.copy()
    half[6:] = False
    tags = {"TerminologyEntry": MILZ, "Reader": "Dr A"}
    world.session.add(Structure("Milz", None), (0.2, 0.4, 0.6), MaskCrop.of(half), tags=tags)
    world.annotator.new_structure("cyst")
    world.click((16, 4, 4))
    world.settle()
    world.annotator.undo()
    world.settle()
    return world


def nobody(told: str) -> None: ...


def in_slicer(path: Path) -> Any:
    """What the host's own reader finds."""
    scene = empty_scene()
    storage = scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(str(path))
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    assert storage.ReadData(node)
    return node


def tag(segment: Any, name: str) -> str:
    text = vtk.reference("")
    assert segment.GetTag(name, text), name
    return str(text)


def test_slicer_finds_every_segment_as_it_is_in_the_scene(world: SceneWorld, tmp_path: Path) -> None:
    begin(world.annotator, tmp_path / "a.seg.nrrd", Format.SEGMENTS, nobody)()
    node = in_slicer(tmp_path / "a.seg.nrrd")
    expected = [world.segmentation.GetSegment(n) for n in world.segmentation.GetSegmentIDs()]
    read = [node.GetSegmentation().GetSegment(n) for n in node.GetSegmentation().GetSegmentIDs()]
    assert [segment.GetName() for segment in read] == ["liver", "spleen", "Milz", "cyst"]
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    for a, b in zip(expected, read, strict=True):
        assert a.GetName() == b.GetName()
        assert np.allclose(a.GetColor(), b.GetColor(), atol=0.003)
        assert tag(a, "TerminologyEntry") == tag(b, "TerminologyEntry")
        assert logic.GetSegmentStatus(a) == logic.GetSegmentStatus(b)
    assert tag(read[0], "VISTA3DSegment.ClassId") == str(LIVER)
    assert tag(read[2], "TerminologyEntry") == MILZ
    assert tag(read[2], "Reader") == "Dr A"
    ours = {n: world.voxels(n) for n in world.segmentation.GetSegmentIDs()}
    world.annotator.segmentation_node, before = node, world.annotator.segmentation_node
    theirs = [world.voxels(n) for n in node.GetSegmentation().GetSegmentIDs()]
    world.annotator.segmentation_node = before
    assert [mask.sum() > 0 for mask in theirs] == [True, True, True, False]
    assert all(np.array_equal(a, b) for a, b in zip(ours.values(), theirs, strict=True))


def test_a_segment_that_another_tool_made_is_saved_too(world: SceneWorld, tmp_path: Path) -> None:
    segment_id = world.segmentation.AddEmptySegment("", "painted")
    world.paint(segment_id, LIVER_VOXELS)
    begin(world.annotator, tmp_path / "a.seg.nrrd", Format.SEGMENTS, nobody)()
    found = {segment.name: segment for segment in read_segmentation(tmp_path / "a.seg.nrrd").segments}
    assert np.array_equal(found["painted"].mask.full(LIVER_VOXELS.shape), LIVER_VOXELS)
    assert "Tissue" in found["painted"].terminology


@pytest.mark.parametrize("form", Format)
def test_saving_leaves_every_segment_on_its_own_layer_and_untouched(
    world: SceneWorld, tmp_path: Path, form: Format
) -> None:
    if form is Format.LABEL_MAP:
        world.annotator.remove(next(n for n in world.session.annotation if world.annotator.segments.name(n) == "Milz"))
    ids = world.segmentation.GetSegmentIDs()
    labelmaps = {n: world.segmentation.GetSegment(n).GetRepresentation(LABELMAP) for n in ids}
    voxels = {n: voxels_of(image).copy() for n, image in labelmaps.items()}
    begin(world.annotator, tmp_path / f"a{form.value}", form, nobody)()
    assert (tmp_path / f"a{form.value}").stat().st_size
    for n in ids:
        assert world.segmentation.GetSegment(n).GetRepresentation(LABELMAP) is labelmaps[n]
        assert np.array_equal(voxels_of(labelmaps[n]), voxels[n])
    assert len({id(image) for image in labelmaps.values()}) == len(ids)
    assert world.annotator.segments.edited(ids) == {}
    steps = len(world.session.history.done)
    world.settle()
    assert len(world.session.history.done) == steps


def test_segments_are_written_by_what_is_returned_and_not_before(world: SceneWorld, tmp_path: Path) -> None:
    finish = begin(world.annotator, tmp_path / "a.seg.nrrd", Format.SEGMENTS, nobody)
    world.annotator.remove(of(world, SPLEEN))
    assert list(tmp_path.iterdir()) == []
    finish()
    assert [path.name for path in tmp_path.iterdir()] == ["a.seg.nrrd"]
    assert "spleen" in [segment.name for segment in read_segmentation(tmp_path / "a.seg.nrrd").segments]
