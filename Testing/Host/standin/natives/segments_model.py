"""The segments of a segmentation as a table model: qMRMLSegmentsModel and the proxy that filters its rows.

Columns, roles and when rows follow the segmentation are those of Slicer 5.13
(Modules/Loadable/Segmentations/Widgets/qMRMLSegmentsModel.cxx). A column that somebody appends gets, in each new row,
an item that carries the ID of the segment and takes part in every update, as there.
"""

# ruff: noqa: N801, N802, N815 (the names are those of Qt and of Slicer)

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6 import QtCore, QtGui
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QStandardItem

from .observing import Observation, remove_all

VISIBILITY, COLOR, OPACITY, NAME, LAYER, STATUS = range(6)
(
    SEGMENT_ID_ROLE,
    INDEX_ROLE,
    VISIBILITY_ROLE,
    STATUS_ROLE,
    VISIBILITY_ICON_ROLE,
    STATUS_ICON_ROLE,
    COLOR_ROLE,
    TERMINOLOGY_ROLE,
    DEFAULT_TERMINOLOGY_ROLE,
    NAME_ROLE,
    NAME_AUTO_ROLE,
    COLOR_AUTO_ROLE,
) = range(0x0101, 0x0101 + 12)
STATES = ("Not started", "In progress", "Completed", "Flagged")
BINARY_LABELMAP = "Binary labelmap"


class qMRMLSegmentsModel(QtGui.QStandardItemModel):
    """One row a segment; six columns."""

    segmentAboutToBeModified = Signal(str)
    requestSelectItems = Signal(list)

    def __init__(self, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._tags: list[Observation] = []
        self._updating = False
        self.setColumnCount(6)
        self.setHorizontalHeaderLabels(["", "", "Opacity", "Name", "Layer", ""])
        self.itemChanged.connect(self._on_item_changed)

    def visibilityColumn(self) -> int:
        """Return the column of the eye."""
        return VISIBILITY

    def colorColumn(self) -> int:
        """Return the column of the colour."""
        return COLOR

    def opacityColumn(self) -> int:
        """Return the column of the opacity in 3D."""
        return OPACITY

    def nameColumn(self) -> int:
        """Return the column of the name."""
        return NAME

    def layerColumn(self) -> int:
        """Return the column of the layer."""
        return LAYER

    def statusColumn(self) -> int:
        """Return the column of the status."""
        return STATUS

    def segmentationNode(self) -> Any:
        """Return the node, or None."""
        return self._node

    def setSegmentationNode(self, node: Any) -> None:
        """Show the segments of a node."""
        if node is self._node:
            return
        remove_all(self._tags)
        self._node = node
        self.rebuild()
        if node is not None:
            segmentation = slicer.vtkSegmentation
            text = vtk.VTK_STRING
            for event, method, priority, data in (
                (segmentation.SegmentAdded, "_on_added", 10.0, text),
                (segmentation.SegmentRemoved, "_on_removed", 10.0, text),
                (segmentation.SegmentModified, "_on_modified", -10.0, text),
                (segmentation.SegmentsOrderModified, "_on_order", -15.0, None),
                (slicer.vtkMRMLDisplayableNode.DisplayModifiedEvent, "_on_display", -15.0, None),
                (node.SegmentationChangedEvent, "_on_replaced", 0.0, None),
            ):
                self._tags.append(Observation(self, node, event, method, priority, data))

    def ids(self) -> list[str]:
        """Return the IDs of the segments in their order."""
        segmentation = self._node.GetSegmentation() if self._node is not None else None
        return (
            [segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments())] if segmentation else []
        )

    def rebuild(self) -> None:
        """Write all rows anew."""
        self.beginResetModel()
        blocked = self.blockSignals(True)
        self.removeRows(0, self.rowCount())
        for segment_id in self.ids():
            self._insert(segment_id)
        self.blockSignals(blocked)
        self.endResetModel()

    def _insert(self, segment_id: str) -> None:
        if self.indexFromSegmentID(segment_id).isValid():
            return
        items = []
        for column in range(self.columnCount()):
            item = QStandardItem()
            self._update_item(item, segment_id, column)
            items.append(item)
        self.insertRow(min(self.ids().index(segment_id), self.rowCount()), items)

    def segmentIDFromIndex(self, index: QtCore.QModelIndex) -> str:
        """Return the ID of the segment in a cell."""
        return str(index.data(SEGMENT_ID_ROLE) or "")

    def indexFromSegmentID(self, segment_id: str, column: int = 0) -> QtCore.QModelIndex:
        """Return the cell of a segment."""
        for row in range(self.rowCount()):
            if self.index(row, 0).data(SEGMENT_ID_ROLE) == segment_id:
                return self.index(row, column)
        return QtCore.QModelIndex()

    def _update_item(self, item: QStandardItem, segment_id: str, column: int) -> None:
        before, self._updating = self._updating, True
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if column not in (VISIBILITY, STATUS, LAYER, COLOR):
            flags |= Qt.ItemFlag.ItemIsEditable
        item.setFlags(flags)
        item.setData(segment_id, SEGMENT_ID_ROLE)
        self._write(item, segment_id, column)
        self._updating = before

    def _write(self, item: QStandardItem, segment_id: str, column: int) -> None:
        segmentation = self._node.GetSegmentation()
        segment = segmentation.GetSegment(segment_id)
        if segment is None:
            return
        item.setData(self.ids().index(segment_id), INDEX_ROLE)
        color = QtGui.QColor.fromRgbF(*segment.GetColor())
        if column == NAME:
            item.setData(segment.GetName() or "", NAME_ROLE)
            item.setData(bool(segment.GetNameAutoGenerated()), NAME_AUTO_ROLE)
            item.setData(color, COLOR_ROLE)
            item.setData(bool(segment.GetColorAutoGenerated()), COLOR_AUTO_ROLE)
            item.setText(segment.GetName() or "")
        elif column == STATUS:
            status = slicer.vtkSlicerSegmentationsModuleLogic.GetSegmentStatus(segment)
            if item.data(STATUS_ROLE) != status:
                item.setData(status, STATUS_ROLE)
                item.setToolTip(STATES[status] if 0 <= status < len(STATES) else "")
        elif column == LAYER:
            item.setText(str(segmentation.GetLayerIndex(segment_id, BINARY_LABELMAP)))
            item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
        elif column == COLOR:
            item.setData(color, COLOR_ROLE)
        else:
            self._write_display(item, segment_id, column)

    def _write_display(self, item: QStandardItem, segment_id: str, column: int) -> None:
        display = self._node.GetDisplayNode()
        if display is None:
            return
        if column == VISIBILITY:
            parts = (display.GetSegmentVisibility3D, display.GetSegmentVisibility2DFill)
            some = any(part(segment_id) for part in (*parts, display.GetSegmentVisibility2DOutline))
            visible = bool(display.GetSegmentVisibility(segment_id)) and some
            if item.data(VISIBILITY_ROLE) != visible:
                item.setData(visible, VISIBILITY_ROLE)
        elif column == OPACITY:
            item.setData(f"{display.GetSegmentOpacity3D(segment_id):.2f}", Qt.ItemDataRole.EditRole)

    def _update_row(self, segment_id: str) -> None:
        row = self.indexFromSegmentID(segment_id).row()
        for column in range(self.columnCount() if row >= 0 else 0):
            item = self.item(row, column)
            if item is not None:
                self._update_item(item, segment_id, column)

    def _update_column(self, column: int) -> None:
        for row in range(self.rowCount()):
            item = self.item(row, column)
            segment_id = self.segmentIDFromIndex(self.index(row, column))
            if item is not None and segment_id:
                self._update_item(item, segment_id, column)

    def _on_item_changed(self, item: QStandardItem) -> None:
        """Write to the segment what somebody changed in a cell, in whichever way."""
        segment_id = item.data(SEGMENT_ID_ROLE)
        if self._updating or self._node is None or not segment_id:
            return
        segment = self._node.GetSegmentation().GetSegment(segment_id)
        display = self._node.GetDisplayNode()
        column = item.column()
        if column == NAME and segment is not None and item.data(NAME_ROLE) != segment.GetName():
            self.segmentAboutToBeModified.emit(segment_id)
            segment.SetName(item.data(NAME_ROLE))
        elif column == STATUS and item.data(STATUS_ROLE) is not None:
            slicer.vtkSlicerSegmentationsModuleLogic.SetSegmentStatus(segment, item.data(STATUS_ROLE))
        elif column == VISIBILITY and display is not None and item.data(VISIBILITY_ROLE) is not None:
            display.SetSegmentVisibility(segment_id, bool(item.data(VISIBILITY_ROLE)))
        elif column == COLOR and segment is not None and item.data(COLOR_ROLE) is not None:
            segment.SetColor(*item.data(COLOR_ROLE).getRgbF()[:3])
        elif column == OPACITY and display is not None:
            display.SetSegmentOpacity3D(segment_id, float(item.data(Qt.ItemDataRole.EditRole)))

    def _on_added(self, node: Any, event: str, segment_id: str | None = None) -> None:
        for each in [segment_id] if segment_id else self.ids():
            if each in self.ids():
                self._insert(each)
        self._update_column(LAYER)

    def _on_removed(self, node: Any, event: str, segment_id: str | None = None) -> None:
        left = self.ids()
        for row in reversed(range(self.rowCount())):
            if self.segmentIDFromIndex(self.index(row, 0)) not in left:
                self.removeRow(row)
        self._update_column(LAYER)

    def _on_modified(self, node: Any, event: str, segment_id: str | None = None) -> None:
        for each in [segment_id] if segment_id else self.ids():
            self._update_row(each)
        self._update_column(LAYER)

    def _on_order(self, node: Any, event: str) -> None:
        self.layoutAboutToBeChanged.emit()
        blocked = self.blockSignals(True)
        for position, segment_id in enumerate(self.ids()):
            row = self.indexFromSegmentID(segment_id).row()
            if row not in (-1, position):
                self.insertRow(position, self.takeRow(row))
        self.blockSignals(blocked)
        self.layoutChanged.emit()

    def _on_display(self, node: Any, event: str) -> None:
        self._update_column(VISIBILITY)
        self._update_column(OPACITY)

    def _on_replaced(self, node: Any, event: str) -> None:
        self.rebuild()


class qMRMLSortFilterSegmentsProxyModel(QtCore.QSortFilterProxyModel):
    """The rows whose segments fit a text and are not hidden by name."""

    filterModified = Signal()

    def __init__(self, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self._text, self._name, self._enabled = "", "", False
        self._hidden: list[str] = []
        self._shown_states: set[int] = set()

    def _refilter(self) -> None:
        self.beginFilterChange()
        self.endFilterChange()
        self.filterModified.emit()

    def textFilter(self) -> str:
        """Return the text sought."""
        return self._text

    def setTextFilter(self, text: str) -> None:
        """Show segments whose name, terminology or tags contain a text, where filtering is on."""
        if text != self._text:
            self._text = text
            self._refilter()

    def nameFilter(self) -> str:
        """Return the name sought."""
        return self._name

    def setNameFilter(self, name: str) -> None:
        """Show segments whose name contains a text, where filtering is on."""
        if name != self._name:
            self._name = name
            self._refilter()

    def filterEnabled(self) -> bool:
        """Tell whether filtering is on."""
        return self._enabled

    def setFilterEnabled(self, enabled: bool) -> None:
        """Switch filtering on or off."""
        if enabled != self._enabled:
            self._enabled = enabled
            self._refilter()

    def hideSegments(self) -> list[str]:
        """Return the IDs of the segments that are left out."""
        return list(self._hidden)

    def setHideSegments(self, ids: list[str]) -> None:
        """Leave segments out."""
        self._hidden = list(ids)
        self._refilter()

    def showStatus(self, status: int) -> bool:
        """Tell whether segments of a status are asked for."""
        return status in self._shown_states

    def setShowStatus(self, status: int, shown: bool) -> None:
        """Ask for segments of a status; of any where none is asked for."""
        self._shown_states = self._shown_states | {status} if shown else self._shown_states - {status}
        self._refilter()

    def segmentIDFromIndex(self, index: QtCore.QModelIndex) -> str:
        """Return the ID of the segment in a cell."""
        return str(index.data(SEGMENT_ID_ROLE) or "")

    def indexFromSegmentID(self, segment_id: str, column: int = 0) -> QtCore.QModelIndex:
        """Return the cell of a segment."""
        source: Any = self.sourceModel()
        return self.mapFromSource(source.indexFromSegmentID(segment_id, column))

    def filterAcceptsRow(self, row: int, parent: QtCore.QModelIndex) -> bool:
        """Tell whether a row of the model is shown."""
        model: Any = self.sourceModel()
        segment_id = model.segmentIDFromIndex(model.index(row, 0))
        if segment_id in self._hidden:
            return False
        node = model.segmentationNode()
        segment = node.GetSegmentation().GetSegment(segment_id) if self._enabled and node is not None else None
        if segment is None:
            return not self._enabled
        name = (segment.GetName() or "").lower()
        status = slicer.vtkSlicerSegmentationsModuleLogic.GetSegmentStatus(segment)
        terminology = segment.GetTerminology().lower() if hasattr(segment, "GetTerminology") else ""
        return (
            self._name.lower() in name
            and (self._text.lower() in name or self._text.lower() in terminology)
            and (not self._shown_states or status in self._shown_states)
        )
