"""Segments of other tools, and what other tools do to ours."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
import vtk
from fake_engine import LIVER, SPLEEN
from scene_world import (
    LIVER_VOXELS,
    SHAPE,
    SPLEEN_VOXELS,
    SceneWorld,
    ball,
    corrected,
    empty_scene,
    of,
    segmented,
    shared_layer,
)
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.errors import VolumeError
from VISTA3DSegmentLib.scene.labelmaps import SURFACE, voxels_of


def test_voxels_painted_with_another_tool_are_what_the_next_click_corrects():
    world, liver = corrected()
    mine = np.zeros(SHAPE, np.bool_)
    mine[10:13, 2:6, 2:20] = True
    world.paint(liver, mine)
    world.click((16, 20, 4))
    world.settle()
    assert np.array_equal(world.voxels(liver), mine | ball((16, 20, 4)))
    world.annotator.undo()
    assert np.array_equal(world.voxels(liver), mine)
    world.annotator.undo()
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))
    assert world.annotator.markups.nodes[True].GetNumberOfControlPoints() == 1


def test_painting_while_a_click_is_computed_loses_neither():
    world = segmented()
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    mine = np.zeros(SHAPE, np.bool_)
    mine[10:13, 2:6, 2:20] = True
    world.paint(liver, mine)
    world.settle()
    assert np.array_equal(world.voxels(liver), mine | ball((4, 14, 16)))


def test_a_segment_of_another_tool_is_corrected_on_its_shared_layer_without_harm_to_its_neighbours():
    world = SceneWorld()
    ids = shared_layer(world)
    others = [world.voxels(n) for n in ids[1:]]
    world.annotator.select(ids[0])
    world.click((4, 14, 16))
    world.settle()
    assert np.array_equal(world.voxels(ids[0]), LIVER_VOXELS | ball((4, 14, 16)))
    for n, before in zip(ids[1:], others, strict=True):
        assert np.array_equal(world.voxels(n), before)
    left = world.segmentation.GetSegment(ids[1]).GetRepresentation("Binary labelmap")
    assert set(np.unique(voxels_of(left))) == {0, 2, 3}, "what the segment left behind belongs to nobody"
    world.annotator.undo()
    assert np.array_equal(world.voxels(ids[0]), LIVER_VOXELS)
    assert world.annotator.undo() is None
    assert ids[0] in world.annotator.segments


def test_voxels_painted_on_a_shared_layer_survive_that_a_neighbour_leaves_it():
    world = SceneWorld()
    ids = shared_layer(world)
    world.annotator.select(ids[1])
    layer = world.segmentation.GetSegment(ids[1]).GetRepresentation("Binary labelmap")
    voxels_of(layer)[0, -1, -3:] = world.segmentation.GetSegment(ids[1]).GetLabelValue()
    layer.GetPointData().GetScalars().Modified()
    painted_too = world.voxels(ids[1])
    world.annotator.segments.read(ids[0])
    world.annotator.segments.write(ids[0], MaskCrop.of(LIVER_VOXELS | ball((4, 14, 16))))
    world.click((13, 14, 24))
    world.settle()
    assert painted_too.sum() > SPLEEN_VOXELS.sum()
    assert np.array_equal(world.voxels(ids[1]), painted_too | ball((13, 14, 24)))


def test_a_segmentation_on_another_lattice_is_read_and_corrected():
    world = SceneWorld()
    coarse = slicer.vtkOrientedImageData()
    coarse.SetExtent(0, 6, 0, 5, 0, 4)
    coarse.SetSpacing(4.0, 4.0, 4.0)
    coarse.SetOrigin(1.5, 1.5, 1.5)
    coarse.AllocateScalars(3, 1)
    coarse.GetPointData().GetScalars().Fill(0)
    for k in (1, 2):
        for j in (1, 2):
            coarse.SetScalarComponentFromDouble(2, j, k, 0, 1)
    segment = slicer.vtkSegment()
    segment.SetName("coarse")
    segment.AddRepresentation("Binary labelmap", coarse)
    world.segmentation.AddSegment(segment, "coarse")
    world.annotator.select("coarse")
    assert "coarse was made on another grid: it is resampled to that of the scan." in world.said
    expected = np.zeros(SHAPE, np.bool_)
    expected[4:12, 4:12, 8:12] = True
    assert np.array_equal(world.session.annotation["coarse"].mask.full(SHAPE), expected)
    world.click((18, 20, 20))
    world.settle()
    assert np.array_equal(world.voxels("coarse"), expected | ball((18, 20, 20)))


def test_a_segment_deleted_elsewhere_can_be_had_back():
    world = segmented()
    spleen = of(world, SPLEEN)
    world.segmentation.RemoveSegment(spleen)
    assert spleen not in world.session.annotation
    world.annotator.undo()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS)


def test_a_segment_renamed_elsewhere_keeps_its_name():
    world = segmented()
    liver = of(world, LIVER)
    world.segmentation.GetSegment(liver).SetName("Leber")
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.settle()
    assert world.session.annotation[liver].structure.name == "Leber"
    assert world.segmentation.GetSegment(liver).GetName() == "Leber"


def test_a_segmentation_made_of_surfaces_is_refused():
    scene = empty_scene()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Meshes")
    node.GetSegmentation().SetSourceRepresentationName(SURFACE)
    with pytest.raises(VolumeError, match="binary labelmap"):
        SceneWorld(segmentation_node=node)


def positions(world: SceneWorld, segment_id: str) -> set[tuple[int, int, int]]:
    """The voxels (k, j, i) of a segment, also those outside of a scan whose voxels are millimetres."""
    image = slicer.vtkOrientedImageData()
    world.annotator.segmentation_node.GetBinaryLabelmapRepresentation(segment_id, image)
    step, origin = np.array(image.GetSpacing())[::-1], np.array(image.GetOrigin())[::-1]
    first = np.array(image.GetExtent()[::2])[::-1]
    return {tuple(at) for at in ((np.argwhere(voxels_of(image)) + first) * step + origin).astype(int).tolist()}


@pytest.mark.parametrize("how", ["own layer", "shared layer", "finer grid"])
def test_what_another_tool_made_outside_of_the_scan_survives_a_click(how: str):
    world = SceneWorld()
    step = 0.5 if how == "finer grid" else 1.0
    image = slicer.vtkOrientedImageData()
    image.SetExtent(-10, 15, -8, 15, -6, 15)
    image.SetSpacing(step, step, step)
    image.AllocateScalars(3, 1)
    image.GetPointData().GetScalars().Fill(0)
    voxels_of(image)[2:, 3:, 4:] = 1  # from (-4, -5, -6) on
    voxels_of(image)[:2, :3, :4] = 2
    for n, name in enumerate(["large", "other"][: 2 if how == "shared layer" else 1]):
        segment = slicer.vtkSegment()
        segment.SetName(name)
        segment.SetLabelValue(n + 1)
        segment.AddRepresentation("Binary labelmap", image)
        world.segmentation.AddSegment(segment, name)
    before = positions(world, "large")
    world.annotator.select("large")
    world.click((18, 20, 24))
    world.settle()
    new = {tuple(at) for at in np.argwhere(ball((18, 20, 24))).tolist()}
    assert min(min(at) for at in before) < 0
    if how == "finer grid":
        assert {at for at in before if min(at) < 0} <= positions(world, "large") >= new
    else:
        assert positions(world, "large") == before | new
    world.annotator.undo()
    world.settle()
    assert positions(world, "large") >= before


def test_a_segment_painted_and_deleted_elsewhere_comes_back_with_the_paint():
    world, liver = corrected()
    mine = np.zeros(SHAPE, np.bool_)
    mine[10:13, 2:6, 2:20] = True
    world.paint(liver, mine)
    world.segmentation.RemoveSegment(liver)
    assert world.annotator.markups.nodes[True].GetNumberOfControlPoints() == 0
    world.annotator.undo()
    world.settle()
    assert np.array_equal(world.voxels(liver), mine)
    world.annotator.undo()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))
    assert world.annotator.markups.nodes[True].GetNumberOfControlPoints() == 1
    for _ in range(2):
        world.annotator.redo()
    assert liver not in world.annotator.segments


@pytest.mark.parametrize("layer", ["own", "shared"])
def test_a_deleted_segment_of_another_tool_comes_back_with_its_tags(layer: str):
    world = SceneWorld()
    ids = shared_layer(world)
    segment = world.segmentation.GetSegment(ids[0])
    terminology = "Segmentation category~SCT^85756007^Tissue~SCT^10200004^Liver~^^~Anatomic codes~^^~^^"
    segment.SetTerminology(terminology)
    segment.SetTag("Study", "42")
    world.annotator.select(ids[0])
    if layer == "own":
        world.click((4, 14, 16))
        world.settle()
        world.annotator.remove(ids[0])
    else:
        world.segmentation.RemoveSegment(ids[0])
    before = world.session.history.done[-1]
    world.annotator.undo()
    assert before.name.startswith("delete")
    again = world.segmentation.GetSegment(ids[0])
    text = vtk.reference("")
    assert again.GetTerminology() == terminology
    assert again.GetTag("Study", text)
    assert str(text) == "42"
    assert np.array_equal(world.voxels(ids[0]), LIVER_VOXELS | (ball((4, 14, 16)) if layer == "own" else False))


def test_the_host_is_not_asked_for_the_surface_of_a_segment_that_is_still_empty():
    world = segmented()
    node, segments = world.annotator.segmentation_node, world.annotator.segments
    node.CreateClosedSurfaceRepresentation()
    said, usual = vtk.vtkStringOutputWindow(), vtk.vtkOutputWindow.GetInstance()
    shown = vtk.vtkObject.GetGlobalWarningDisplay()
    vtk.vtkOutputWindow.SetInstance(said)
    vtk.vtkObject.GlobalWarningDisplayOn()
    try:
        segments.create("mass", "mass", (1.0, 0.0, 0.0))
    finally:
        vtk.vtkObject.SetGlobalWarningDisplay(shown)
        vtk.vtkOutputWindow.SetInstance(usual)
    assert "ERROR" not in said.GetOutput()


@pytest.mark.parametrize("known_before", [True, False])
def test_paint_on_an_organ_that_a_run_brings_meanwhile_is_not_replaced(known_before: bool):
    world = segmented() if known_before else SceneWorld()
    mine = np.zeros(SHAPE, np.bool_)
    mine[10:13, 2:6, 2:20] = True
    if known_before:
        liver = of(world, LIVER)
        world.annotator.segment([LIVER])
    else:
        world.annotator.segment([SPLEEN, LIVER])
        liver = world.annotator.new_structure("liver", LIVER)
        world.click((4, 14, 16))
        for _ in range(2):
            world.annotator.pump()
        assert liver in world.annotator.segments
        assert world.session.running
    world.paint(liver, mine)
    world.settle()
    assert np.array_equal(world.voxels(liver), mine)
    assert "liver was edited meanwhile: it stays as it is." in world.said
    world.annotator.select(liver)
    world.click((16, 20, 4))
    world.settle()
    assert np.array_equal(world.voxels(liver), mine | ball((16, 20, 4)))
    for _ in range(2):
        world.annotator.undo()
    world.settle()
    assert not np.array_equal(world.voxels(liver), mine)
