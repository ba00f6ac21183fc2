"""The measurements of segments as a table of the scene."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trame_slicer", reason="needs the app extra")
import slicer
import vtk
from fake_engine import LIVER, SPLEEN
from scene_world import LIVER_VOXELS, SPLEEN_VOXELS, SceneWorld, empty_scene, segmented
from VISTA3DSegmentLib.export.report import make_report
from VISTA3DSegmentLib.export.report_tables import COLUMNS, rows_of
from VISTA3DSegmentLib.scene.report_table import WORDS, show_in_table
from VISTA3DSegmentLib.workspace.saving import segmentation_of


@pytest.fixture
def world() -> SceneWorld:
    return segmented()


def rows(world: SceneWorld) -> list[list[str]]:
    report = make_report(world.session.volume, segmentation_of(world.annotator), pictures=False)
    return rows_of(report)


def column(table: Any, name: str) -> list[Any]:
    array = table.GetTable().GetColumnByName(name)
    return [array.GetValue(row) for row in range(array.GetNumberOfValues())]


def tables(scene: Any) -> int:
    return int(scene.GetNumberOfNodesByClass("vtkMRMLTableNode"))


def test_numbers_are_numbers_and_words_are_words(world: SceneWorld) -> None:
    table = show_in_table(world.annotator.segmentation_node, rows(world))
    assert column(table, "name") == [world.annotator.segments.name(n) for n in world.annotator.segments.ids()]
    volumes = dict(zip(column(table, "voxels"), column(table, "volume_ml"), strict=True))
    assert volumes == pytest.approx({n: n / 1000 for n in (LIVER_VOXELS.sum(), SPLEEN_VOXELS.sum())})
    assert isinstance(table.GetTable().GetColumnByName("mean"), vtk.vtkDoubleArray)
    assert sorted(column(table, "mean")) == [10 * LIVER, 10 * SPLEEN]
    assert isinstance(table.GetTable().GetColumnByName("name"), vtk.vtkStringArray)
    assert table.GetUseColumnNameAsColumnHeader()


def test_every_column_of_the_report_is_known_as_words_or_numbers() -> None:
    assert set(COLUMNS) >= WORDS
    numbers = set(COLUMNS) - WORDS
    assert {"volume_ml", "mean", "number", "parts", "edits_by_hand"} <= numbers


def test_a_missing_number_is_none_and_a_column_without_any_is_left_out(world: SceneWorld) -> None:
    heading = ["name", "longest_axial_mm", "text"]
    table = show_in_table(world.annotator.segmentation_node, [heading, ["7", "12.5", ""], ["b", "", ""]])
    assert column(table, "name") == ["7", "b"]
    first, second = column(table, "longest_axial_mm")
    assert first == 12.5
    assert math.isnan(second)
    assert table.GetNumberOfColumns() == 2


def test_measured_again_it_is_the_same_table_also_after_the_scene_was_saved(world: SceneWorld, tmp_path: Path) -> None:
    node = world.annotator.segmentation_node
    table = show_in_table(node, rows(world))
    assert show_in_table(node, rows(world)[:2]) is table
    assert len(column(table, "name")) == 1
    assert tables(world.scene) == 1
    assert table.GetName() == f"{node.GetName()} measurements"
    world.annotator.keep()
    assert world.scene.WriteToMRB(str(tmp_path / "a.mrb"), None)
    scene = empty_scene()
    assert scene.ReadFromMRB(str(tmp_path / "a.mrb"), False, None)
    again = next(
        scene.GetNthNodeByClass(n, "vtkMRMLSegmentationNode")
        for n in range(scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode"))
        if scene.GetNthNodeByClass(n, "vtkMRMLSegmentationNode").GetName() == node.GetName()
    )
    show_in_table(again, rows(world))
    assert tables(scene) == 1


def test_one_that_was_deleted_is_made_again_and_it_stands_beside_the_segmentation(world: SceneWorld) -> None:
    node = world.annotator.segmentation_node
    world.scene.RemoveNode(show_in_table(node, rows(world)))
    table = show_in_table(node, rows(world))
    assert tables(world.scene) == 1
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(world.scene)
    item, other = hierarchy.GetItemByDataNode(table), hierarchy.GetItemByDataNode(node)
    assert hierarchy.GetItemParent(item) == hierarchy.GetItemParent(other)
