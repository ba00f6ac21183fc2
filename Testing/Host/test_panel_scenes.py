"""Scans, segmentations and scenes that come, go and are moved while the panel is open, on the stand-in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_engine import LIVER, SPLEEN
from panel_bench import IN_LIVER, Bench
from scene_world import painted


def test_another_scan_comes_with_its_own_segmentation(bench: Bench) -> None:
    import slicer

    bench.open()
    bench.segment(LIVER)
    first = bench.ui.segmentationSelector.currentNode()
    other = bench.add_scan(np.where(painted() == 10 * SPLEEN, 10 * SPLEEN, 0).astype(np.int16), "other")
    bench.ui.volumeSelector.setCurrentNode(other)
    bench.settle()
    assert bench.ml() == {}
    assert bench.ui.segmentationSelector.currentNode() is not first
    bench.ui.volumeSelector.setCurrentNode(slicer.mrmlScene.GetFirstNodeByName("CT"))
    bench.settle()
    assert bench.ui.segmentationSelector.currentNode() is first
    assert list(bench.ml()) == ["liver"]
    assert len(bench.engines) == 1, "one engine serves all scans"


def test_a_second_segmentation_of_a_scan_begins_empty(bench: Bench) -> None:
    bench.open()
    bench.segment(LIVER)
    first = bench.ui.segmentationSelector.currentNode()
    bench.ui.segmentationSelector.setCurrentNode(None)
    bench.settle()
    assert bench.ui.segmentationSelector.currentNode() not in (None, first)
    assert bench.ml() == {}
    bench.ui.segmentationSelector.setCurrentNode(first)
    bench.settle()
    assert list(bench.ml()) == ["liver"]


def test_a_scan_that_is_refused_leaves_the_one_that_is_open_and_usable(bench: Bench) -> None:
    import slicer

    bench.open()
    bench.segment(LIVER)
    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    bench.ui.volumeSelector.setCurrentNode(empty)
    bench.settle()
    assert "no voxels" in bench.said
    assert bench.ui.volumeSelector.currentNode().GetName() == "CT"
    bench.press("removeButton")
    bench.place(IN_LIVER)
    assert bench.ml()["liver"] < 0.28


def test_a_scene_that_is_loaded_while_the_module_is_shown_is_opened(bench: Bench, tmp_path: Path) -> None:
    import slicer

    bench.open()
    bench.segment(LIVER)
    bench.choose("liver")
    path = tmp_path / "scene.mrb"
    assert slicer.util.saveScene(str(path))
    slicer.mrmlScene.Clear(0)
    bench.settle()
    assert bench.ml() == {}
    assert "Load a scan" in bench.said
    slicer.util.loadScene(str(path))
    bench.host.wait_until(lambda: bench.workspace.volume is not None)
    bench.settle()
    assert bench.ml() == {"liver": pytest.approx(0.28)}
    assert bench.ui.volumeSelector.currentNode().GetName() == "CT"
    assert bench.panel._organs.checked == (LIVER,)


def test_the_same_scan_loaded_twice_is_two_scans(bench: Bench) -> None:
    import slicer

    bench.open()
    bench.segment(LIVER)
    bench.ui.volumeSelector.setCurrentNode(bench.add_scan(name="again"))
    bench.settle()
    assert bench.ml() == {}
    assert "back" not in bench.said
    first = slicer.mrmlScene.GetFirstNodeByName("CT segmentation")
    assert not first.GetDisplayNode().GetVisibility()
    bench.ui.volumeSelector.setCurrentNode(slicer.mrmlScene.GetFirstNodeByName("CT"))
    bench.settle()
    assert list(bench.ml()) == ["liver"]
    assert first.GetDisplayNode().GetVisibility()


def test_clicks_and_boxes_of_the_scan_that_was_left_do_not_lie_on_the_next(bench: Bench) -> None:
    import slicer

    bench.open()
    bench.segment(LIVER)
    bench.workspace.annotator.click((2, 2, 2), positive=False)
    bench.workspace.annotator.box((2, 2, 2), (9, 9, 9))
    bench.settle()
    left = bench.workspace.annotator.prompt_nodes
    assert len(left) == 3
    bench.ui.volumeSelector.setCurrentNode(bench.add_scan(painted() + 1, name="another patient"))
    bench.settle()
    assert [bool(node.GetDisplayNode().GetVisibility()) for node in left] == [False] * 3
    assert all(node.GetDisplayNode().GetVisibility() for node in bench.workspace.annotator.markups.nodes.values())
    bench.ui.volumeSelector.setCurrentNode(slicer.mrmlScene.GetFirstNodeByName("CT"))
    bench.settle()
    assert [bool(node.GetDisplayNode().GetVisibility()) for node in left[:2]] == [True] * 2, "they are here again"


@pytest.mark.parametrize("kind", ["vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode"])
def test_a_node_that_is_taken_out_of_the_scene_ends_the_annotation_and_its_clicks(bench: Bench, kind: str) -> None:
    import slicer

    bench.open()
    bench.segment(LIVER)
    bench.press("addButton")
    slicer.mrmlScene.RemoveNode(slicer.mrmlScene.GetFirstNodeByClass(kind))
    bench.settle()
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform
    assert "was removed" in bench.said
    assert bench.ui.volumeSelector.currentNode() is None, "no other scan is chosen that nobody has asked for"
    if kind == "vtkMRMLScalarVolumeNode":
        assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode") == 0


def test_a_scan_that_was_moved_is_opened_again_by_the_next_press(bench: Bench) -> None:
    import slicer

    bench.open()
    bench.segment(LIVER)
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = transform.GetMatrixTransformToParent().NewInstance()
    matrix.SetElement(0, 3, 1.0)
    transform.SetMatrixTransformToParent(matrix)
    for node in (bench.ui.volumeSelector.currentNode(), bench.ui.segmentationSelector.currentNode()):
        node.SetAndObserveTransformNodeID(transform.GetID())
    bench.settle()
    assert "has to be opened again" in bench.said
    bench.press("lesionButton")
    assert not bench.workspace.annotator.complaint
    bench.place(IN_LIVER)
    assert bench.ml()["Lesion 1"] > 0, bench.said


def test_who_opens_a_moved_scan_from_elsewhere_gets_it_opened_again(bench: Bench) -> None:
    import slicer

    bench.open()
    bench.segment(LIVER)
    annotator = bench.workspace.annotator
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = transform.GetMatrixTransformToParent().NewInstance()
    matrix.SetElement(0, 3, 1.0)
    transform.SetMatrixTransformToParent(matrix)
    annotator.volume_node.SetAndObserveTransformNodeID(transform.GetID())
    bench.settle()
    bench.panel.annotate(annotator.volume_node, annotator.segmentation_node)
    assert bench.workspace.annotator is not annotator
    assert not bench.workspace.annotator.complaint


def test_a_segment_that_another_tool_painted_is_measured_anew(bench: Bench) -> None:
    bench.open()
    bench.segment(LIVER)
    segments = bench.workspace.annotator.segments
    segment = segments.node.GetSegmentation().GetSegment(segments.ids()[0])
    image = segment.GetRepresentation("Binary labelmap")
    image.AllocateScalars(image.GetScalarType(), 1)
    image.GetPointData().GetScalars().Fill(0)
    image.Modified()
    bench.host.process_events()
    bench.settle()
    assert bench.ml()["liver"] == 0
