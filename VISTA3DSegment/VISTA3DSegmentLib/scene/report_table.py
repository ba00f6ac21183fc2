"""The measurements of segments as a table of the scene: one for each segmentation, which measuring again fills anew."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import vtk

from .nodes import put_beside, told_once

ROLE = "VISTA3DSegment.measurements"
"""Under which the segmentation refers to its table, also in a saved scene."""
WORDS = frozenset(
    ("kind", "name", "name_before", "meaning", "organ", "cut_at", "status", "made", "model", "version",
     "weights_sha256", "text", "course", "unit_of_grey_values")
)  # fmt: skip
"""Columns of the report that hold words, also where these look like numbers; all others hold numbers."""


def show_in_table(segmentation_node: Any, rows: Sequence[Sequence[str]]) -> Any:
    """Put the rows of a report into the table of a segmentation, which is made if it has none.

    Args:
        segmentation_node: vtkMRMLSegmentationNode in a scene.
        rows: the heading first. Columns in which no cell holds anything are left out.

    Returns:
        vtkMRMLTableNode. Numbers are numbers; where there is none, it says "nan".
    """
    table = segmentation_node.GetNodeReference(ROLE) or _new_table(segmentation_node)
    heading, *cells = rows
    with told_once(table):
        table.RemoveAllColumns()
        for name, *column in zip(heading, *cells, strict=True):
            if any(column):
                array = _words(column) if name in WORDS else _numbers(column)
                array.SetName(name)
                table.AddColumn(array)
        table.SetUseColumnNameAsColumnHeader(True)
    return table


def _new_table(segmentation_node: Any) -> Any:
    scene = segmentation_node.GetScene()
    table = scene.AddNewNodeByClass("vtkMRMLTableNode", f"{segmentation_node.GetName()} measurements")
    segmentation_node.SetNodeReferenceID(ROLE, table.GetID())
    put_beside(scene, table, segmentation_node)
    return table


def _words(column: Sequence[str]) -> Any:
    array = vtk.vtkStringArray()
    for text in column:
        array.InsertNextValue(text)
    return array


def _numbers(column: Sequence[str]) -> Any:
    array = vtk.vtkDoubleArray()
    for text in column:
        array.InsertNextValue(float(text) if text else math.nan)
    return array
