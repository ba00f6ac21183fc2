"""Nodes of the scene: making them where they belong, and reading them in our terms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import slicer
import vtk

from ..anatomy import class_of, terminology_entry
from ..files.seg_nrrd import TERMINOLOGY_TAG
from ..prompts import Box
from .events import BEFORE_THE_HOST, Observers

Rgb = tuple[float, float, float]


def new_segmentation(scene: Any, volume_node: Any) -> Any:
    """A segmentation for a volume: on its lattice, under its transform, beside it in the hierarchy."""
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{volume_node.GetName() or 'Volume'} segmentation")
    node.CreateDefaultDisplayNodes()
    # The transform first: a difference between it and that of the volume would be baked into the lattice.
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    put_beside(scene, node, volume_node)
    return node


def keep_views_at_clicks(scene: Any) -> None:
    """From now on a click on a marker or a handle moves no view: the host would bring its place to the middle of the
    others, and what the person saw there would be at the edge."""
    display = slicer.vtkMRMLMarkupsDisplayNode

    def keep(node: Any) -> None:
        if isinstance(node, display):
            tag: int = node.AddObserver(
                display.JumpToPointEvent, lambda known, _: known.GetCommand(tag).SetAbortFlag(1), BEFORE_THE_HOST
            )

    for node in nodes_of(scene, "vtkMRMLMarkupsDisplayNode"):
        keep(node)
    Observers().add_with_object(scene, slicer.vtkMRMLScene.NodeAddedEvent, keep)


@contextmanager
def quiet_host() -> Iterator[None]:
    """The host writes nothing to the terminal: its writer of scenes names every file there, by its path."""
    window = vtk.vtkOutputWindow.GetInstance()
    mode = window.GetDisplayMode()
    window.SetDisplayMode(vtk.vtkOutputWindow.NEVER)
    try:
        yield
    finally:
        window.SetDisplayMode(mode)


@contextmanager
def told_once(node: Any) -> Iterator[None]:
    """However often a node changes meanwhile, whoever watches it hears of it once, at the end.

    Of a segmentation node views and tables look at all segments each time: in a running Slicer 117 segments that came
    one by one took 47 s, and 1.4 s in this way.
    """
    modifying = node.StartModify()
    try:
        yield
    finally:
        node.EndModify(modifying)


def put_beside(scene: Any, node: Any, other_node: Any) -> None:
    """Put a node where another one is in the hierarchy, if that is in it."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    other = 0 if hierarchy is None else hierarchy.GetItemByDataNode(other_node)
    if other:  # Qt puts nodes into the hierarchy; without it there may be none
        item = hierarchy.GetItemByDataNode(node)
        if item:
            hierarchy.SetItemParent(item, hierarchy.GetItemParent(other))
        else:
            hierarchy.CreateItem(hierarchy.GetItemParent(other), node)


def nodes_of(scene: Any, kind: str) -> list[Any]:
    """The nodes of a class, and of those derived from it."""
    return [scene.GetNthNodeByClass(n, kind) for n in range(scene.GetNumberOfNodesByClass(kind))]


def segmentation_for(scene: Any, volume_node: Any) -> Any | None:
    """The segmentation of a scan that the scene holds already, the first if there are several; None: it has none."""
    for node in nodes_of(scene, "vtkMRMLSegmentationNode"):
        role = node.GetReferenceImageGeometryReferenceRole()
        if node.GetNodeReference(role) is volume_node and not node.GetHideFromEditors():
            return node
    return None


def new_overlay(scene: Any, name: str, transform_id: str | None) -> Any:
    """A segmentation to look at in slices, not visible yet; nobody edits it, and it is not saved.

    Args:
        scene: vtkMRMLScene.
        name: of the node.
        transform_id: id of the transform node above the volume, or None.
    """
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    node.SetUndoEnabled(False)
    node.CreateDefaultDisplayNodes()
    node.SetAndObserveTransformNodeID(transform_id)
    display = node.GetDisplayNode()
    display.SetSaveWithScene(False)
    display.SetVisibility3D(False)
    display.SetVisibility(False)
    return node


def remove_with_display(node: Any) -> None:
    """Take a node and how it is displayed out of its scene, if they are still there."""
    displays = [node.GetNthDisplayNode(n) for n in range(getattr(node, "GetNumberOfDisplayNodes", lambda: 0)())]
    for one in (*displays, node):
        if one is not None and one.GetScene() is not None:
            one.GetScene().RemoveNode(one)


def box_of(roi_node: Any) -> Box | None:
    """A region of interest of the scene, as the box along the world's axes that holds it (RAS, mm).

    None while the person has not drawn it yet.
    """
    bounds = [0.0] * 6
    roi_node.GetRASBounds(bounds)
    if any(low >= high for low, high in zip(bounds[::2], bounds[1::2], strict=True)):
        return None
    return Box((bounds[0], bounds[2], bounds[4]), (bounds[1], bounds[3], bounds[5]))


def color_of_class(class_id: int) -> Rgb:
    """The colour of a class, each part 0..1."""
    return fractions(class_of(class_id).color)


def fractions(color: tuple[int, int, int]) -> Rgb:
    """A colour of 0..255 as 0..1."""
    red, green, blue = color
    return red / 255, green / 255, blue / 255


def terminology_of(class_id: int | None) -> dict[str, str]:
    """What a class is, as a tag of the host's; none for a new structure and the few classes without a code."""
    if class_id is None or class_of(class_id).type is None:
        return {}
    return terminology_tag(terminology_entry(class_of(class_id)))


def terminology_tag(entry: str) -> dict[str, str]:
    """An entry of a terminology as a tag of the host's; none if it is empty."""
    return {TERMINOLOGY_TAG: entry} if entry else {}
