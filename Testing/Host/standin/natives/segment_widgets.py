"""Smaller widgets for segmentations: the Show 3D button and the box in which a segment is chosen."""

# ruff: noqa: N801, N802, N815 (the names are those of Qt and of Slicer)

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6 import QtWidgets
from PySide6.QtCore import Signal

from .choices import ctkMenuButton
from .mrml_widget import qMRMLWidget
from .node_combo_box import qMRMLNodeComboBox
from .observing import Observation, remove_all
from .plain import keeps

BINARY_LABELMAP, CLOSED_SURFACE = "Binary labelmap", "Closed surface"


class qMRMLSegmentationShow3DButton(ctkMenuButton):
    """Down while the segmentation has surfaces; a press makes them or takes them away, for all segments at once."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._tags: list[Observation] = []
        self._locked = False
        self.setText("Show 3D")
        self.setCheckable(True)
        self.setMenu(QtWidgets.QMenu(self))
        self.toggled.connect(self._on_toggled)
        self.updateWidgetFromMRML()

    def segmentationNode(self) -> Any:
        """Return the node, or None."""
        return self._node

    def setSegmentationNode(self, node: Any) -> None:
        """Follow a node."""
        if node is self._node:
            return
        remove_all(self._tags)
        self._node = node
        if node is not None:
            events = slicer.vtkSegmentation
            for event in (
                vtk.vtkCommand.ModifiedEvent,
                events.SegmentAdded,
                events.SegmentRemoved,
                events.ContainedRepresentationNamesModified,
            ):
                self._tags.append(Observation(self, node, event, "updateWidgetFromMRML"))
        self.updateWidgetFromMRML()

    def locked(self) -> bool:
        """Tell whether it cannot be pressed."""
        return self._locked

    def setLocked(self, locked: bool) -> None:
        """Set whether it cannot be pressed."""
        self._locked = locked
        self.updateWidgetFromMRML()

    def updateWidgetFromMRML(self) -> None:
        """Show what the node says."""
        segmentation = self._node.GetSegmentation() if self._node is not None else None
        surface_is_source = segmentation is not None and segmentation.GetSourceRepresentationName() == CLOSED_SURFACE
        segments = segmentation is not None and segmentation.GetNumberOfSegments() > 0
        self.setEnabled(segments and not self._locked and not surface_is_source)
        if segmentation is not None:
            blocked = self.blockSignals(True)
            self.setChecked(bool(segmentation.ContainsRepresentation(CLOSED_SURFACE)))
            self.blockSignals(blocked)

    def _on_toggled(self, on: bool) -> None:
        if self._node is None:
            return
        segmentation, display = self._node.GetSegmentation(), self._node.GetDisplayNode()
        if not on:
            if segmentation.GetSourceRepresentationName() != CLOSED_SURFACE:
                segmentation.RemoveRepresentation(CLOSED_SURFACE)
        elif segmentation.CreateRepresentation(CLOSED_SURFACE) and display is not None:
            display.SetPreferredDisplayRepresentationName3D(CLOSED_SURFACE)
            if segmentation.ContainsRepresentation(BINARY_LABELMAP):
                display.SetPreferredDisplayRepresentationName2D(BINARY_LABELMAP)


@keeps(editEnabled=False, horizontalLayout=False, noneEnabled=False, multiSelection=False, selectNodeUponCreation=True)
class qMRMLSegmentSelectorWidget(qMRMLWidget):
    """A box for the segmentation and a box for one of its segments."""

    currentNodeChanged = Signal(object)
    currentSegmentChanged = Signal(str)
    segmentSelectionChanged = Signal(list)
    nodeAboutToBeEdited = Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._tags: list[Observation] = []
        self._segment = ""
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._nodes, self._segments = qMRMLNodeComboBox(self), QtWidgets.QComboBox(self)
        self._nodes.setNodeTypes(["vtkMRMLSegmentationNode"])
        self._nodes.setAddEnabled(False)
        self._nodes.setRemoveEnabled(False)
        layout.addWidget(self._nodes)
        layout.addWidget(self._segments)
        self._nodes.currentNodeChanged.connect(self._on_node)
        self._segments.currentIndexChanged.connect(self._on_segment)

    def setMRMLScene(self, scene: Any) -> None:
        """Take a scene."""
        super().setMRMLScene(scene)
        self._nodes.setNoneEnabled(self.noneEnabled())
        self._nodes.setMRMLScene(scene)

    def currentNode(self) -> Any:
        """Return the segmentation."""
        return self._nodes.currentNode()

    def currentNodeID(self) -> str:
        """Return the ID of the segmentation."""
        return self._nodes.currentNodeID()

    def setCurrentNode(self, node: Any) -> None:
        """Choose a segmentation."""
        self._nodes.setCurrentNode(node)

    def setCurrentNodeID(self, node_id: str) -> None:
        """Choose a segmentation by its ID."""
        self._nodes.setCurrentNodeID(node_id)

    def segmentIDs(self) -> list[str]:
        """Return the IDs of the segments."""
        node = self.currentNode()
        return list(node.GetSegmentation().GetSegmentIDs()) if node is not None else []

    def currentSegmentID(self) -> str:
        """Return the ID of the chosen segment."""
        return self._segment

    def setCurrentSegmentID(self, segment_id: str) -> None:
        """Choose a segment."""
        self._segments.setCurrentIndex(self._segments.findData(segment_id))

    def selectedSegmentIDs(self) -> list[str]:
        """Return the IDs of the chosen segments."""
        return [self._segment] if self._segment else []

    def segmentationNodeSelectorVisible(self) -> bool:
        """Tell whether the box of the segmentation is shown."""
        return not self._nodes.isHidden()

    def setSegmentationNodeSelectorVisible(self, shown: bool) -> None:
        """Show or hide the box of the segmentation."""
        self._nodes.setVisible(shown)

    def _on_node(self, node: Any) -> None:
        remove_all(self._tags)
        if node is not None:
            events = slicer.vtkSegmentation
            for event in (events.SegmentAdded, events.SegmentRemoved, events.SegmentModified):
                self._tags.append(Observation(self, node, event, "_fill"))
        self._fill()
        self.currentNodeChanged.emit(node)

    def _fill(self) -> None:
        kept = self._segment
        blocked = self._segments.blockSignals(True)
        self._segments.clear()
        node = self.currentNode()
        for segment_id in self.segmentIDs():
            self._segments.addItem(node.GetSegmentation().GetSegment(segment_id).GetName(), segment_id)
        found = self._segments.findData(kept)
        self._segments.setCurrentIndex(max(found, 0) if self._segments.count() else -1)
        self._segments.blockSignals(blocked)
        self._on_segment(self._segments.currentIndex())

    def _on_segment(self, row: int) -> None:
        segment = self._segments.itemData(row) or "" if row >= 0 else ""
        if segment != self._segment:
            self._segment = segment
            self.currentSegmentChanged.emit(segment)
