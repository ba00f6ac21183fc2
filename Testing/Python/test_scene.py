"""Annotating in a real MRML scene: what a person does to points and segments, and what must never happen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import slicer
import vtk
from builders import oblique_geometry
from fake_engine import LIVER, RIGHT_KIDNEY, SPLEEN, FakeEngine
from scene_world import SHAPE, SceneWorld, add_volume, empty_scene, matrix_of, painted
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.errors import PromptError, ResourceError, VolumeError
from VISTA3DSegmentLib.scene.annotator import SceneAnnotator
from VISTA3DSegmentLib.scene.labelmaps import SURFACE, voxels_of
from VISTA3DSegmentLib.scene.segments import events_name_the_segment
from VISTA3DSegmentLib.scene.volumes import volume_of
from VISTA3DSegmentLib.service import InProcess
from VISTA3DSegmentLib.session.annotation import Status
from VISTA3DSegmentLib.session.journal import Journal

LIVER_VOXELS = painted() == 10 * LIVER
SPLEEN_VOXELS = painted() == 10 * SPLEEN
MARKUPS = slicer.vtkMRMLMarkupsNode


def segmented(**options: object) -> SceneWorld:
    world = SceneWorld(**options)  # type: ignore[arg-type]
    world.annotator.segment([LIVER, SPLEEN])
    world.settle()
    return world


def of(world: SceneWorld, class_id: int) -> str:
    object_id = world.session.annotation.of_class(class_id)
    assert object_id is not None
    return object_id


def corrected() -> tuple[SceneWorld, str]:
    """Both organs, and the liver, chosen, with one click beside it; its id."""
    world = segmented()
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.settle()
    return world, liver


class Full(InProcess):
    """A client whose machine has no memory left."""

    def open(self, volume: object) -> None:
        raise ResourceError("There is no room for the scan in shared memory.", "Free memory.")


def ball(center_kji: tuple[int, int, int]) -> np.ndarray:
    """What the fake engine makes of a click."""
    k, j, i = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    return (k - center_kji[0]) ** 2 + (j - center_kji[1]) ** 2 + (i - center_kji[2]) ** 2 <= 4


# Automatic


def test_organs_become_segments_named_coloured_and_coded_and_missing_ones_are_told():
    world = SceneWorld()
    world.annotator.segment([LIVER, SPLEEN, RIGHT_KIDNEY])
    world.settle()
    liver, spleen = of(world, LIVER), of(world, SPLEEN)
    assert list(world.segmentation.GetSegmentIDs()) == [liver, spleen]
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS)
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS)
    segment = world.segmentation.GetSegment(liver)
    assert segment.GetName() == "liver"
    assert "SCT^10200004^Liver" in segment.GetTerminology()
    assert np.allclose(segment.GetColor(), np.array((221, 130, 101)) / 255)
    assert world.segmentation.GetNumberOfLayers() == 2
    assert "Not found in this scan: right kidney." in world.said


def test_an_organ_at_the_border_is_told_to_be_cut():
    array = painted()
    array[0:2, 5:12, 6:14] = 10 * LIVER
    world = segmented(array=array)
    assert "Cut at the edge of the scan: liver." in world.said


def test_organs_appear_one_by_one():
    world = SceneWorld()
    world.annotator.segment([LIVER, SPLEEN])
    seen = set()
    while not world.annotator.idle:
        world.clock.seconds += 0.05
        world.annotator.pump()
        seen.add(world.segmentation.GetNumberOfSegments())
    assert {1, 2} <= seen


def test_the_segmentation_lies_beside_its_volume_under_its_transform_on_its_lattice():
    world = SceneWorld(transform=np.diag([1.0, -1.0, -1.0, 1.0]))
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(world.scene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "study")
    hierarchy.CreateItem(study, world.volume_node)
    other = SceneWorld(scene=world.scene)
    node = other.annotator.segmentation_node
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study
    assert node.GetTransformNodeID() == world.volume_node.GetTransformNodeID() is not None


# Clicks


def test_a_click_changes_its_segment_and_nothing_else():
    world = segmented()
    liver, spleen = of(world, LIVER), of(world, SPLEEN)
    world.annotator.surfaces.show()
    world.settle()
    other, surface = world.bytes_of(spleen), world.segmentation.GetSegment(spleen).GetRepresentation(SURFACE)
    mine = world.segmentation.GetSegment(liver).GetRepresentation(SURFACE)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))
    assert world.bytes_of(spleen) == other
    assert world.segmentation.GetSegment(spleen).GetRepresentation(SURFACE) is surface
    assert world.segmentation.GetSegment(liver).GetRepresentation(SURFACE) not in (mine, None)
    world.click((6, 8, 10), positive=False)
    world.settle()
    assert np.array_equal(world.voxels(liver), (LIVER_VOXELS | ball((4, 14, 16))) & ~ball((6, 8, 10)))
    assert world.bytes_of(spleen) == other


def test_a_surface_is_not_made_inside_the_click_but_a_moment_later_and_only_if_3d_is_shown():
    world = segmented()
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.annotator.surfaces.show()
    world.settle()
    surface = world.segmentation.GetSegment(liver).GetRepresentation(SURFACE)
    world.click((4, 14, 16))
    world.annotator.pump()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))
    assert world.segmentation.GetSegment(liver).GetRepresentation(SURFACE) is surface
    world.settle()
    renewed = world.segmentation.GetSegment(liver).GetRepresentation(SURFACE)
    assert renewed is not surface
    assert renewed.GetBounds()[1] > surface.GetBounds()[1]
    assert [latency.surface_seconds is not None for latency in world.latencies] == [False, True]
    world.annotator.surfaces.show(False)
    world.click((4, 14, 20))
    world.settle()
    assert world.segmentation.GetSegment(liver).GetRepresentation(SURFACE) is None


def test_a_host_whose_events_name_no_segment_is_served_the_slow_way(monkeypatch):
    assert events_name_the_segment(), "this host does"
    monkeypatch.setattr("VISTA3DSegmentLib.scene.segments.events_name_the_segment", lambda: False)
    world = segmented()
    liver, spleen = of(world, LIVER), of(world, SPLEEN)
    world.annotator.surfaces.show()
    world.settle()
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS)
    assert world.segmentation.GetSegment(liver).GetRepresentation(SURFACE) is not None


def test_a_large_organ_gets_a_coarser_surface_in_the_same_place(monkeypatch):
    world = segmented(ijk_to_ras=oblique_geometry())
    spleen = of(world, SPLEEN)  # its sides lie at even voxels
    bounds = {}
    for largest in (10**9, 5000):
        monkeypatch.setattr("VISTA3DSegmentLib.scene.surfaces.LARGEST_VOXELS", largest)
        world.annotator.surfaces.show(False)
        world.annotator.surfaces.show()
        world.settle()
        surface = world.segmentation.GetSegment(spleen).GetRepresentation(SURFACE)
        bounds[largest] = np.array(surface.GetBounds()), surface.GetNumberOfPoints()
    assert bounds[5000][1] < 0.6 * bounds[10**9][1]
    middles = [both.reshape(3, 2).mean(1) for both, _ in bounds.values()]
    assert np.abs(middles[0] - middles[1]).max() < 0.8  # half a coarse voxel is 1.25 mm along k


def test_the_point_under_the_mouse_is_no_click_until_it_is_placed():
    world = segmented()
    world.annotator.select(of(world, LIVER))
    node = world.annotator.markups.nodes[True]
    node.AddNControlPoints(1, "", [0.0, 0.0, 0.0])
    node.UnsetNthControlPointPosition(0)
    world.settle()
    clicks = world.session.annotation[of(world, LIVER)].clicks
    assert clicks == ()
    node.SetNthControlPointPositionWorld(0, *world.ras((4, 14, 16)))
    world.settle()
    assert len(world.session.annotation[of(world, LIVER)].clicks) == 1


def test_a_click_without_a_chosen_segment_leaves_no_marker_and_says_why():
    world = segmented()
    world.click((6, 8, 10))
    assert isinstance(world.failed[-1], PromptError)
    assert "No segment is chosen" in str(world.failed[-1])
    assert world.annotator.markups.nodes[True].GetNumberOfControlPoints() == 0


def test_a_click_outside_the_scan_leaves_no_marker_and_says_why():
    world = segmented()
    world.annotator.select(of(world, LIVER))
    world.click((6, 8, 100))
    assert "outside" in str(world.failed[-1])
    assert world.annotator.markups.nodes[True].GetNumberOfControlPoints() == 0
    world.settle()
    assert np.array_equal(world.voxels(of(world, LIVER)), LIVER_VOXELS)


def test_a_structure_that_is_done_is_not_changed():
    world = segmented()
    liver = of(world, LIVER)
    world.annotator.set_status(liver, Status.DONE)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.settle()
    assert "done" in str(world.failed[-1])
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS)
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    assert logic.GetSegmentStatus(world.segmentation.GetSegment(liver)) == logic.Completed


def test_new_lesions_are_numbered_and_have_no_segment_before_they_have_voxels():
    world = segmented()
    first = world.annotator.new_structure()
    assert world.segmentation.GetNumberOfSegments() == 2
    world.click((10, 4, 4))
    world.settle()
    second = world.annotator.new_structure()
    world.click((16, 4, 4))
    world.settle()
    assert [world.segmentation.GetSegment(n).GetName() for n in (first, second)] == ["Lesion 1", "Lesion 2"]
    assert np.array_equal(world.voxels(second), ball((16, 4, 4)))


def test_dragging_a_point_is_followed_live_and_is_one_step():
    world, liver = corrected()
    steps = len(world.session.history.done)
    node = world.annotator.markups.nodes[True]
    node.InvokeEvent(MARKUPS.PointStartInteractionEvent, 0)
    assert world.annotator.markups.dragging
    for i in range(17, 22):
        node.SetNthControlPointPositionWorld(0, *world.ras((4, 14, i)))
        for _ in range(3):
            world.annotator.pump()
        assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, i))), "not live"
    node.InvokeEvent(MARKUPS.PointEndInteractionEvent, 0)
    world.settle()
    assert len(world.session.history.done) == steps + 1
    world.annotator.undo()
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))
    assert np.allclose(node.GetNthControlPointPositionVector(0), world.ras((4, 14, 16)))


def test_a_point_dragged_out_of_the_scan_comes_back():
    world = segmented()
    world.annotator.select(of(world, LIVER))
    world.click((4, 14, 16))
    world.settle()
    node = world.annotator.markups.nodes[True]
    node.SetNthControlPointPositionWorld(0, *world.ras((4, 14, 160)))
    world.settle()
    assert "outside" in str(world.failed[-1])
    assert np.allclose(node.GetNthControlPointPositionVector(0), world.ras((4, 14, 16)))


def test_deleting_and_flipping_points_and_taking_that_back():
    world = segmented()
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.click((6, 8, 10))
    world.click((4, 14, 16))
    world.settle()
    positive, negative = world.annotator.markups.nodes[True], world.annotator.markups.nodes[False]
    world.annotator.flip(world.session.annotation[liver].clicks[0].id)
    world.settle()
    assert (positive.GetNumberOfControlPoints(), negative.GetNumberOfControlPoints()) == (1, 1)
    assert np.array_equal(world.voxels(liver), (LIVER_VOXELS & ~ball((6, 8, 10))) | ball((4, 14, 16)))
    positive.RemoveNthControlPoint(0)
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS & ~ball((6, 8, 10)))
    for _ in range(2):
        world.annotator.undo()
    world.settle()
    assert (positive.GetNumberOfControlPoints(), negative.GetNumberOfControlPoints()) == (2, 0)
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))
    for _ in range(4):
        world.annotator.undo()
    assert world.segmentation.GetNumberOfSegments() == positive.GetNumberOfControlPoints() == 0
    for _ in range(3):
        world.annotator.redo()
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))


def test_removing_all_points_at_once_takes_all_clicks_away():
    world = segmented()
    liver = of(world, LIVER)
    world.annotator.select(liver)
    for i in (16, 20, 24):
        world.click((4, 14, i))
    world.settle()
    world.annotator.markups.nodes[True].RemoveAllControlPoints()
    world.settle()
    assert world.session.annotation[liver].clicks == ()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS)


# What lies under the click


def test_a_click_can_mean_what_lies_under_it():
    world = segmented()
    liver, spleen = of(world, LIVER), of(world, SPLEEN)
    world.annotator.follows_clicks = True
    world.annotator.select(spleen)
    world.click((6, 13, 10))  # just outside the liver, far from the spleen
    world.settle()
    assert world.annotator.selected == liver
    assert world.voxels(liver)[6, 13, 10]
    world.click((14, 16, 18), positive=False)  # in the spleen
    world.settle()
    assert world.annotator.selected == spleen
    assert not world.voxels(spleen)[14, 16, 18]


def test_a_click_can_mean_a_segment_that_another_tool_made():
    world = SceneWorld(ijk_to_ras=np.diag([4.0, 4.0, 4.0, 1.0]))
    ids = shared_layer(world)
    world.annotator.follows_clicks = True
    world.click((6, 13, 10))
    world.settle()
    assert world.annotator.selected == ids[0]
    assert world.voxels(ids[0])[6, 13, 10]
    assert ids[1] not in world.session.annotation, "far away: it was not even read"


# Segments of others


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


# Saved scenes, crashes, moved scans


@pytest.mark.parametrize("form", ["mrb", "mrml"])
def test_a_saved_scene_comes_back_with_its_prompts_and_infers_the_same(tmp_path: Path, form: str):
    world = segmented(transform=np.diag([1.0, -1.0, -1.0, 1.0]))
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.click((6, 8, 10), positive=False)
    lesion = world.annotator.new_structure("my own: lesion | 1")
    world.click((16, 4, 4))
    world.settle()
    before = {n: world.voxels(n) for n in world.segmentation.GetSegmentIDs()}
    points = [world.annotator.markups.nodes[True].GetNthControlPointPositionVector(n) for n in range(2)]
    scene = saved_and_loaded(world.scene, tmp_path, form)
    again = SceneWorld(scene=scene, segmentation_node=scene.GetFirstNodeByClass("vtkMRMLSegmentationNode"))
    again.settle()
    assert {n: v.tobytes() for n, v in before.items()} == {n: again.voxels(n).tobytes() for n in before}
    assert [len(again.session.annotation[n].clicks) for n in (liver, lesion)] == [2, 1]
    assert again.session.annotation[lesion].structure.name == "my own: lesion | 1"
    node = again.annotator.markups.nodes[True]
    assert np.allclose([node.GetNthControlPointPositionVector(n) for n in range(2)], points)
    again.annotator.select(liver)
    again.click((4, 2, 2))
    again.settle()
    expected = (LIVER_VOXELS | ball((4, 14, 16)) | ball((4, 2, 2))) & ~ball((6, 8, 10))
    assert np.array_equal(again.voxels(liver), expected)
    again.annotator.undo()
    again.settle()
    assert np.array_equal(again.voxels(liver), before[liver])


def saved_and_loaded(scene: object, folder: Path, form: str) -> object:
    loaded = empty_scene()
    if form == "mrb":
        assert scene.WriteToMRB(str(folder / "scene.mrb"), None)  # type: ignore[attr-defined]
        assert loaded.ReadFromMRB(str(folder / "scene.mrb"), True)
        return loaded
    (folder / "scene").mkdir()
    assert scene.SaveSceneToSlicerDataBundleDirectory(str(folder / "scene"), None)  # type: ignore[attr-defined]
    loaded.SetURL(str(next((folder / "scene").glob("*.mrml"))))
    loaded.Import()
    return loaded


def test_a_segment_changed_after_saving_begins_anew_with_what_it_holds(tmp_path: Path):
    world, liver = corrected()
    scene = saved_and_loaded(world.scene, tmp_path, "mrb")
    node = scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")  # type: ignore[attr-defined]
    world.annotator.segmentation_node, other = node, world.annotator.segmentation_node
    world.paint(liver, SPLEEN_VOXELS)
    world.annotator.segmentation_node = other
    again = SceneWorld(scene=scene, segmentation_node=node)
    again.settle()
    assert np.array_equal(again.voxels(liver), SPLEEN_VOXELS)
    assert again.session.annotation[liver].clicks == ()


def test_after_a_crash_the_journal_gives_segments_and_points_back(tmp_path: Path):
    key = "0" * 32
    world = segmented(journal=Journal(tmp_path, key))
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.settle()
    again = SceneWorld(journal=Journal(tmp_path, key))
    again.settle()
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))
    assert again.annotator.markups.nodes[True].GetNumberOfControlPoints() == 1
    again.annotator.markups.nodes[True].RemoveNthControlPoint(0)
    again.settle()
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS)


def test_a_scan_that_is_moved_is_noticed_and_its_annotation_can_be_opened_again():
    world = segmented(transform=np.eye(4))
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.settle()
    assert not world.outdated
    moved = np.eye(4)
    moved[:3, 3] = 30, -20, 10

    world.volume_node.GetParentTransformNode().SetMatrixTransformToParent(matrix_of(moved))
    assert len(world.outdated) == 1
    world.annotator.close()
    again = SceneWorld(scene=world.scene, segmentation_node=world.annotator.segmentation_node)
    again.settle()
    assert again.session.annotation[liver].clicks[0].click.ras == pytest.approx(again.ras((4, 14, 16)))
    again.click((4, 2, 2))
    assert "No segment is chosen" in str(again.failed[-1])
    again.annotator.select(liver)
    again.click((4, 2, 2))
    again.settle()
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)) | ball((4, 2, 2)))


def test_closing_the_scene_ends_the_annotation_quietly():
    world = segmented()
    world.annotator.select(of(world, LIVER))
    world.click((4, 14, 16))
    world.scene.Clear(False)
    world.annotator.close()


def test_the_journal_overwrites_no_segment_of_the_scene(tmp_path: Path):
    key = "0" * 32
    world = segmented(journal=Journal(tmp_path, key))
    liver = of(world, LIVER)
    scene = empty_scene()
    add_volume(scene, painted())
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")  # type: ignore[attr-defined]
    node.CreateDefaultDisplayNodes()
    node.GetSegmentation().AddEmptySegment(liver, "another segment of the same id")
    again = SceneWorld(scene=scene, segmentation_node=node, journal=Journal(tmp_path, key))
    again.settle()
    assert not again.voxels(liver).any()
    assert np.array_equal(again.voxels(f"{liver}-restored"), LIVER_VOXELS)


@pytest.mark.parametrize("which", ["volume", "segmentation", "points"])
def test_removing_a_node_ends_the_annotation(which: str):
    world = segmented()
    node = {
        "volume": world.volume_node,
        "segmentation": world.annotator.segmentation_node,
        "points": world.annotator.markups.nodes[True],
    }[which]
    world.scene.RemoveNode(node)
    assert len(world.outdated) == 1
    assert "removed" in world.outdated[0]


def test_a_client_that_cannot_open_the_scan_leaves_the_scene_alone():
    scene = empty_scene()
    node = add_volume(scene, painted())
    count = scene.GetNumberOfNodes()  # type: ignore[attr-defined]
    with pytest.raises(ResourceError):
        SceneAnnotator(scene, node, Full(FakeEngine()))
    assert scene.GetNumberOfNodes() == count  # type: ignore[attr-defined]


def test_damaged_records_are_told_and_the_segment_is_kept(tmp_path: Path):
    world = segmented()
    liver = of(world, LIVER)
    world.annotator.close()
    world.annotator.records.node.SetParameter(f"object.{liver}", '{"name": 3')
    again = SceneWorld(scene=world.scene, segmentation_node=world.annotator.segmentation_node)
    again.settle()
    assert "damaged" in str(again.failed[0])
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS)
    again.annotator.select(liver)
    again.click((4, 14, 16))
    again.settle()
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))


def test_points_that_no_click_stands_for_do_not_jump_into_another_segment():
    world = segmented()
    liver, spleen = of(world, LIVER), of(world, SPLEEN)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.settle()
    world.paint(liver, LIVER_VOXELS)
    world.annotator.close()
    again = SceneWorld(scene=world.scene, segmentation_node=world.annotator.segmentation_node)
    again.settle()
    again.annotator.select(spleen)
    again.click((13, 14, 24))
    again.settle()
    assert np.array_equal(again.voxels(spleen), SPLEEN_VOXELS | ball((13, 14, 24)))
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS)


def test_a_scan_that_cannot_be_opened_again_leaves_no_listener_on_the_points():
    world = segmented()
    world.annotator.close()
    node = world.annotator.markups.nodes[True]
    assert not node.HasObserver(MARKUPS.PointModifiedEvent)
    with pytest.raises(ResourceError):
        SceneAnnotator(world.scene, world.volume_node, Full(FakeEngine()), world.annotator.segmentation_node)
    assert not node.HasObserver(MARKUPS.PointModifiedEvent)


@pytest.mark.parametrize("form", ["closed", "mrb"])
def test_a_click_that_was_not_answered_before_saving_is_answered_after_opening(tmp_path: Path, form: str):
    world = segmented()
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.annotator._keep(liver)  # as the next pump does, before the engine has answered
    assert liver in world.session.busy
    if form == "mrb":
        scene = saved_and_loaded(world.scene, tmp_path, form)
        node = scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")  # type: ignore[attr-defined]
    else:
        world.annotator.close()
        scene, node = world.scene, world.annotator.segmentation_node
    again = SceneWorld(scene=scene, segmentation_node=node)
    again.settle()
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))


def test_a_click_that_was_not_answered_before_a_crash_is_answered_after_it(tmp_path: Path):
    key = "0" * 32
    world = segmented(journal=Journal(tmp_path, key))
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    again = SceneWorld(journal=Journal(tmp_path, key))
    again.settle()
    assert np.array_equal(again.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))


# What is done


def test_a_segment_that_the_hosts_list_calls_completed_is_done():
    world = SceneWorld()
    ids = shared_layer(world)
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    logic.SetSegmentStatus(world.segmentation.GetSegment(ids[0]), logic.Completed)
    world.annotator.select(ids[0])
    assert logic.GetSegmentStatus(world.segmentation.GetSegment(ids[0])) == logic.Completed
    world.click((4, 14, 16))
    world.settle()
    assert "done" in str(world.failed[-1])
    assert np.array_equal(world.voxels(ids[0]), LIVER_VOXELS)


def test_points_of_what_is_done_stay_where_they_are():
    world, liver = corrected()
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    logic.SetSegmentStatus(world.segmentation.GetSegment(liver), logic.Completed)
    node = world.annotator.markups.nodes[True]
    node.SetNthControlPointPositionWorld(0, *world.ras((4, 14, 20)))
    world.settle()
    assert "done" in str(world.failed[-1])
    assert np.allclose(node.GetNthControlPointPositionVector(0), world.ras((4, 14, 16)))
    node.RemoveNthControlPoint(0)
    world.settle()
    assert node.GetNumberOfControlPoints() == 1
    world.annotator.segment([LIVER])
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))


# Undo at odd moments


def test_undo_just_after_a_run_was_started_ends_the_run_and_nothing_else():
    world, liver = corrected()
    world.annotator.segment([RIGHT_KIDNEY])
    assert world.annotator.redo() is None
    assert world.session.running
    world.annotator.undo()
    assert not world.session.running
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))


def test_a_point_held_while_an_organ_arrives_can_be_dropped():
    world, liver = corrected()
    node = world.annotator.markups.nodes[True]
    world.annotator.segment([SPLEEN])
    world.annotator.set_status(of(world, SPLEEN), Status.FLAGGED)
    node.InvokeEvent(MARKUPS.PointStartInteractionEvent, 0)
    for i in (17, 18, 19, 20):
        node.SetNthControlPointPositionWorld(0, *world.ras((4, 14, i)))
        for _ in range(3):
            world.annotator.pump()
    node.InvokeEvent(MARKUPS.PointEndInteractionEvent, 0)
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 20)))


def test_a_click_undone_before_an_edit_loses_none_that_is_still_computed():
    world = segmented()
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.click((4, 14, 22))
    world.settle()
    world.annotator.undo()
    edited = LIVER_VOXELS.copy()
    edited[10:12, 2:5, 2:5] = True
    world.paint(liver, edited)
    world.settle()
    assert world.voxels(liver)[4, 14, 16]
    assert world.voxels(liver)[10:12, 2:5, 2:5].all()


def test_rejecting_takes_back_the_change_that_is_shown_and_nothing_newer():
    world, liver = corrected()
    world.annotator.set_status(liver, Status.FLAGGED)
    assert world.annotator.reject() is None
    assert world.session.annotation[liver].status is Status.FLAGGED
    assert world.voxels(liver)[4, 14, 16]


def test_lesions_are_numbered_beside_those_of_another_tool():
    world = SceneWorld()
    for n in (1, 2):
        world.segmentation.AddEmptySegment(f"foreign-{n}", f"Lesion {n}")
    lesion = world.annotator.new_structure()
    assert world.session.annotation[lesion].structure.name == "Lesion 3"


# Limits


def test_a_run_inside_a_region_leaves_the_rest_of_an_organ_alone():
    world = segmented()
    liver = of(world, LIVER)
    mine = np.zeros(SHAPE, np.bool_)
    mine[4:9, 5:12, 6:20] = True
    world.paint(liver, mine)
    roi = world.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
    roi.SetCenterWorld(18.0, 8.0, 6.0)
    roi.SetSizeWorld(4.2, 30.0, 30.0)  # i from 16 to 20, where the engine finds no liver
    world.annotator.roi_node = roi
    world.annotator.segment([LIVER])
    world.settle()
    expected = mine.copy()
    expected[:, :, 16:21] = False
    assert np.array_equal(world.voxels(liver)[:, :, :16], expected[:, :, :16])


def test_a_region_of_interest_is_passed_to_the_engine():
    world = segmented()
    roi = world.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
    roi.SetCenterWorld(10.0, 10.0, 10.0)
    roi.SetSizeWorld(8.0, 6.0, 4.0)
    world.annotator.roi_node = roi
    world.annotator.select(of(world, LIVER))
    world.click((10, 10, 10))
    world.settle()
    region = world.engine.asked[-1][3]  # type: ignore[index]
    assert region.ras_min == pytest.approx((6, 7, 8))
    assert region.ras_max == pytest.approx((14, 13, 12))


def test_a_grey_value_window_limits_what_a_click_adds_not_what_it_removes():
    array = painted()
    array[4, 14, 14:] = 500
    world = segmented(array=array)
    liver = of(world, LIVER)
    world.annotator.rules.hu_window = (-10.0, 40.0)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.click((6, 8, 10), positive=False)
    world.settle()
    expected = (LIVER_VOXELS | (ball((4, 14, 16)) & (array < 400))) & ~ball((6, 8, 10))
    got = world.voxels(liver)
    beside = ball((4, 14, 16)) & (array == 0)
    # A voxel of the bright line is in the window on average with its neighbours only where the line ends.
    assert np.array_equal(got[beside], np.ones(beside.sum(), np.bool_))
    assert not got[4, 14, 16]
    assert np.array_equal(got, expected)


def test_noise_makes_no_holes_in_what_a_click_adds():
    array = painted()
    array[4, 14, 16] = 200
    world = segmented(array=array)
    liver = of(world, LIVER)
    world.annotator.rules.hu_window = (-10.0, 40.0)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))


def editor(world_options: dict[str, object] | None = None) -> tuple[SceneWorld, object]:
    world = segmented(**(world_options or {}))
    node = world.scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
    node.SetOverwriteMode(node.OverwriteNone)
    world.annotator.rules.editor = node
    return world, node


def test_the_editors_mask_is_honoured():
    world, node = editor()
    liver, spleen = of(world, LIVER), of(world, SPLEEN)
    world.annotator.select(liver)
    node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedOutsideAllSegments)  # type: ignore[attr-defined]
    world.click((12, 14, 16))
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | (ball((12, 14, 16)) & ~SPLEEN_VOXELS))
    world.annotator.undo()
    node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedInsideSingleSegment)  # type: ignore[attr-defined]
    node.SetMaskSegmentID(spleen)  # type: ignore[attr-defined]
    world.click((12, 14, 16))
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | (ball((12, 14, 16)) & SPLEEN_VOXELS))
    world.annotator.undo()
    node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere)  # type: ignore[attr-defined]
    node.SourceVolumeIntensityMaskOn()  # type: ignore[attr-defined]
    node.SetSourceVolumeIntensityMaskRange(20.0, 40.0)  # type: ignore[attr-defined]
    world.click((12, 14, 16))
    world.settle()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | (ball((12, 14, 16)) & SPLEEN_VOXELS))


def test_neighbours_give_way_only_if_the_person_allows_it_and_undo_gives_back():
    world, node = editor()
    liver, spleen = of(world, LIVER), of(world, SPLEEN)
    world.annotator.select(liver)
    world.click((12, 14, 16))
    world.settle()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS)
    world.annotator.undo()
    node.SetOverwriteMode(node.OverwriteAllSegments)  # type: ignore[attr-defined]
    world.click((12, 14, 16))
    world.settle()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS & ~ball((12, 14, 16)))
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((12, 14, 16)))
    world.annotator.undo()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS)
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS)
    world.annotator.redo()
    world.settle()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS & ~ball((12, 14, 16)))
    world.annotator.undo()
    world.annotator.set_status(spleen, Status.DONE)
    world.click((12, 14, 16))
    world.settle()
    assert np.array_equal(world.voxels(spleen), SPLEEN_VOXELS)


# The last change


def test_the_last_change_is_shown_fades_and_is_not_saved(tmp_path: Path):
    world = segmented()
    liver = of(world, LIVER)
    world.annotator.select(liver)
    world.click((4, 14, 16))
    world.annotator.pump()
    overlay = world.annotator.difference.node
    assert overlay.GetDisplayNode().GetVisibility()
    image = slicer.vtkOrientedImageData()
    overlay.GetBinaryLabelmapRepresentation("added", image)
    assert voxels_of(image).astype(bool).sum() == (ball((4, 14, 16)) & ~LIVER_VOXELS).sum()
    opacities = []
    while not world.annotator.idle:
        world.clock.seconds += 0.1
        world.annotator.pump()
        opacities.append(overlay.GetDisplayNode().GetOpacity())
    assert sorted(opacities, reverse=True) == opacities
    assert not overlay.GetDisplayNode().GetVisibility()
    loaded = saved_and_loaded(world.scene, tmp_path, "mrb")
    assert loaded.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1  # type: ignore[attr-defined]


def test_a_change_is_accepted_or_rejected():
    world, liver = corrected()
    world.annotator.accept()
    assert world.voxels(liver)[4, 14, 16]
    world.click((4, 2, 2))
    world.settle()
    world.annotator.reject()
    assert np.array_equal(world.voxels(liver), LIVER_VOXELS | ball((4, 14, 16)))
    assert not world.annotator.difference.node.GetDisplayNode().GetVisibility()


# Volumes that cannot be annotated


def test_a_volume_without_voxels_or_with_several_values_is_refused_and_the_scene_left_alone():
    scene = empty_scene()
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    count = scene.GetNumberOfNodes()
    with pytest.raises(VolumeError, match="no voxels"):
        SceneAnnotator(scene, node, InProcess(FakeEngine()))
    image = vtk.vtkImageData()
    image.SetDimensions(3, 3, 3)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
    node.SetAndObserveImageData(image)
    with pytest.raises(VolumeError, match="3 values"):
        SceneAnnotator(scene, node, InProcess(FakeEngine()))
    assert scene.GetNumberOfNodes() == count


def test_a_scan_under_a_transform_that_is_not_linear_is_refused():
    world = SceneWorld()
    warp = world.scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode")

    spline = vtk.vtkThinPlateSplineTransform()
    points = vtk.vtkPoints()
    moved = vtk.vtkPoints()
    for n, at in enumerate(((0, 0, 0), (10, 0, 0), (0, 10, 0), (0, 0, 10), (5, 5, 5))):
        points.InsertNextPoint(*at)
        moved.InsertNextPoint(at[0] + n, *at[1:])
    spline.SetSourceLandmarks(points)
    spline.SetTargetLandmarks(moved)
    spline.SetBasisToR()
    warp.SetAndObserveTransformToParent(spline)
    world.volume_node.SetAndObserveTransformNodeID(warp.GetID())
    with pytest.raises(VolumeError, match=r"not linear.*Harden"):
        SceneWorld(scene=world.scene)


def test_a_scan_sheared_by_its_transform_is_refused():
    shear = np.eye(4)
    shear[0, 2] = 0.3
    with pytest.raises(VolumeError, match="right angles"):
        SceneWorld(transform=shear)


def test_the_voxels_of_a_volume_are_not_copied():
    world = SceneWorld()
    volume = volume_of(world.volume_node)
    world.volume_node.GetImageData().SetScalarComponentFromDouble(3, 2, 1, 0, 77)
    assert volume.array[1, 2, 3] == 77
