"""qMRMLSegmentsTableView: the segments of a segmentation, to be looked at, chosen, hidden and renamed."""

# ruff: noqa: N801, N802, N815 (the names are those of Qt and of Slicer)

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt, Signal

from . import segments_model as columns
from .choices import ctkSearchBox
from .mrml_widget import qMRMLWidget
from .observing import Observation, remove_all
from .plain import keeps
from .segments_model import qMRMLSegmentsModel, qMRMLSortFilterSegmentsProxyModel

View = QtWidgets.QAbstractItemView


class NameDelegate(QtWidgets.QStyledItemDelegate):
    """Write an edited name into the role from which the segment takes it."""

    def setModelData(self, editor: Any, model: Any, index: Any) -> None:
        """Write it."""
        super().setModelData(editor, model, index)
        model.setData(index, index.data(Qt.ItemDataRole.EditRole), columns.NAME_ROLE)


@keeps(
    jumpToSelectedSegmentEnabled=False,
    useTerminologySelector=True,
    useTerminologySelectorSettingsKey="Segmentations/UseTerminologySelector",
    terminologySelectorOptionVisible=True,
    terminologySelectorAutoDisable=True,
)
class qMRMLSegmentsTableView(qMRMLWidget):
    """A table view over a proxy over the model of the segments, with a line to filter them."""

    selectionChanged = Signal(QtCore.QItemSelection, QtCore.QItemSelection)
    segmentAboutToBeModified = Signal(str)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._tags: list[Observation] = []
        self._kept: list[str] = []
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._filter_bar = QtWidgets.QFrame(self)
        bar = QtWidgets.QHBoxLayout(self._filter_bar)
        bar.setContentsMargins(0, 0, 0, 0)
        self._line = ctkSearchBox(self._filter_bar)
        self._line.setObjectName("FilterLineEdit")
        self._line.setPlaceholderText("Filter by name...")
        bar.addWidget(self._line)
        self._view = QtWidgets.QTableView(self)
        self._view.setObjectName("SegmentsTable")
        self._message = QtWidgets.QLabel(self)
        self._message.setObjectName("SegmentsTableMessageLabel")
        for widget in (self._filter_bar, self._message, self._view):
            layout.addWidget(widget)
        self._model = qMRMLSegmentsModel(self._view)
        self._proxy = qMRMLSortFilterSegmentsProxyModel(self._view)
        self._proxy.setSourceModel(self._model)
        self._view.setModel(self._proxy)
        self._set_up_view()
        self._line.textEdited.connect(self._proxy.setTextFilter)
        self._proxy.filterModified.connect(self._on_filter)
        self._view.selectionModel().selectionChanged.connect(self.selectionChanged)
        self._model.segmentAboutToBeModified.connect(self.segmentAboutToBeModified)
        self._model.modelAboutToBeReset.connect(self._before_reset)
        self._model.modelReset.connect(self._after_reset)
        self.setFilterBarVisible(False)
        self.setLayerColumnVisible(False)
        self._say()

    def _set_up_view(self) -> None:
        header = self._view.horizontalHeader()
        header.setSectionResizeMode(QtWidgets.QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(columns.NAME, QtWidgets.QHeaderView.ResizeMode.Stretch)
        header.setStretchLastSection(False)
        self._view.verticalHeader().setVisible(False)
        self._view.setSelectionBehavior(View.SelectionBehavior.SelectRows)
        self._view.setItemDelegateForColumn(columns.NAME, NameDelegate(self._view))
        self._view.setItemDelegateForColumn(columns.VISIBILITY, EyeDelegate(self._view))
        self._view.setItemDelegateForColumn(columns.COLOR, ColorDelegate(self._view))
        self._view.clicked.connect(self._on_clicked)
        self.setReadOnly(False)

    def _on_clicked(self, index: QtCore.QModelIndex) -> None:
        """Do what the button in a cell does: hide or show, or go to the next status."""
        segment_id = self._proxy.segmentIDFromIndex(index)
        item = self._model.itemFromIndex(self._model.indexFromSegmentID(segment_id, index.column()))
        if self.readOnly() or item is None:
            return
        if index.column() == columns.VISIBILITY:
            self._node.GetDisplayNode().SetSegmentVisibility(segment_id, not item.data(columns.VISIBILITY_ROLE))
        elif index.column() == columns.STATUS:
            status = (int(item.data(columns.STATUS_ROLE) or 0) + 1) % len(columns.STATES)
            segment = self._node.GetSegmentation().GetSegment(segment_id)
            slicer.vtkSlicerSegmentationsModuleLogic.SetSegmentStatus(segment, status)

    def segmentationNode(self) -> Any:
        """Return the node, or None."""
        return self._node

    def setSegmentationNode(self, node: Any) -> None:
        """Show the segments of a node; another kind of node counts as none."""
        node = node if node is not None and node.IsA("vtkMRMLSegmentationNode") else None
        remove_all(self._tags)
        self._node = node
        self._model.setSegmentationNode(node)
        if node is not None:
            for event in (slicer.vtkSegmentation.SegmentAdded, slicer.vtkSegmentation.SegmentRemoved):
                self._tags.append(Observation(self, node, event, "_say"))
            self._tags.append(Observation(self, node, vtk.vtkCommand.ModifiedEvent, "_read_filter"))
        self._say()
        self._read_filter()

    def _read_filter(self) -> None:
        """The filter belongs to the segmentation: the table shows what the node says."""
        if self._node is not None:
            self.setFilterBarVisible(bool(self._node.GetSegmentListFilterEnabled()))

    def _say(self) -> None:
        if self._node is None:
            text = "No node is selected"
        else:
            text = "" if self._node.GetSegmentation().GetNumberOfSegments() else "Empty segmentation"
        self._message.setText(text)
        self._message.setVisible(bool(text))

    def model(self) -> qMRMLSegmentsModel:
        """Return the model."""
        return self._model

    def sortFilterProxyModel(self) -> qMRMLSortFilterSegmentsProxyModel:
        """Return the proxy that filters the rows."""
        return self._proxy

    def tableWidget(self) -> QtWidgets.QTableView:
        """Return the table view."""
        return self._view

    def segmentCount(self) -> int:
        """Return how many segments there are, shown or not."""
        return len(self._model.ids())

    def rowForSegmentID(self, segment_id: str) -> int:
        """Return the row of a segment in the view, or -1."""
        return self._proxy.indexFromSegmentID(segment_id).row()

    def segmentIDForRow(self, row: int) -> str:
        """Return the ID of the segment in a row of the view."""
        return self._proxy.segmentIDFromIndex(self._proxy.index(row, 0))

    def selectedSegmentIDs(self) -> list[str]:
        """Return the IDs of the chosen segments."""
        rows = self._view.selectionModel().selectedRows()
        return [self._proxy.segmentIDFromIndex(index) for index in rows]

    def setSelectedSegmentIDs(self, ids: list[str]) -> None:
        """Choose segments."""
        if not ids:
            self._view.clearSelection()
            return
        flag = QtCore.QItemSelectionModel.SelectionFlag
        selection = QtCore.QItemSelection()
        for segment_id in ids:
            index = self._proxy.indexFromSegmentID(segment_id)
            if index.isValid():
                selection.select(index, index)
        self._view.selectionModel().select(selection, flag.ClearAndSelect | flag.Rows)

    def clearSelection(self) -> None:
        """Choose nothing."""
        self._view.clearSelection()

    def displayedSegmentIDs(self) -> list[str]:
        """Return the IDs of the segments that are shown, in the order of the rows."""
        return [self.segmentIDForRow(row) for row in range(self._proxy.rowCount())]

    def _before_reset(self) -> None:
        self._kept = self.selectedSegmentIDs()

    def _after_reset(self) -> None:
        self.setSelectedSegmentIDs(self._kept)

    def textFilter(self) -> str:
        """Return the text sought."""
        return self._proxy.textFilter()

    def setTextFilter(self, text: str) -> None:
        """Show only segments that fit a text, where the filter bar is shown."""
        self._proxy.setTextFilter(text)

    def _on_filter(self) -> None:
        if self._line.text() != self._proxy.textFilter():
            self._line.setText(self._proxy.textFilter())

    def hideSegments(self) -> list[str]:
        """Return the IDs of the segments that are left out."""
        return self._proxy.hideSegments()

    def setHideSegments(self, ids: list[str]) -> None:
        """Leave segments out."""
        self._proxy.setHideSegments(ids)

    def statusShown(self, status: int) -> bool:
        """Tell whether segments of a status are asked for."""
        return self._proxy.showStatus(status)

    def setStatusShown(self, status: int, shown: bool) -> None:
        """Ask for segments of a status."""
        self._proxy.setShowStatus(status, shown)

    def selectionMode(self) -> int:
        """Return how many rows may be chosen."""
        return int(self._view.selectionMode().value)

    def setSelectionMode(self, mode: int) -> None:
        """Set how many rows may be chosen."""
        self._view.setSelectionMode(View.SelectionMode(int(getattr(mode, "value", mode))))

    def readOnly(self) -> bool:
        """Tell whether names and opacities cannot be edited."""
        return self._read_only

    def setReadOnly(self, read_only: bool) -> None:
        """Set whether names and opacities can be edited."""
        self._read_only = bool(read_only)
        trigger = View.EditTrigger
        self._view.setEditTriggers(
            trigger.NoEditTriggers if read_only else trigger.EditKeyPressed | trigger.DoubleClicked
        )

    def filterBarVisible(self) -> bool:
        """Tell whether the line that filters is shown."""
        return self._bar_shown

    def setFilterBarVisible(self, shown: bool) -> None:
        """Show the line that filters; without it nothing is filtered."""
        self._bar_shown = bool(shown)
        self._filter_bar.setVisible(self._bar_shown)
        self._proxy.setFilterEnabled(self._bar_shown)

    def headerVisible(self) -> bool:
        """Tell whether the header is shown."""
        return not self._view.horizontalHeader().isHidden()

    def setHeaderVisible(self, shown: bool) -> None:
        """Show or hide the header."""
        self._view.horizontalHeader().setVisible(shown)

    def showOnlySelectedSegments(self) -> None:
        """Hide all segments but the chosen ones."""
        chosen = self.selectedSegmentIDs()
        for segment_id in self._model.ids() if chosen else []:
            self._node.GetDisplayNode().SetSegmentVisibility(segment_id, segment_id in chosen)

    def __getattr__(self, name: str) -> Any:
        """Columns are shown and hidden alike: ``opacityColumnVisible()`` and ``setOpacityColumnVisible(shown)``."""
        column = COLUMN_PROPERTIES.get(name.removeprefix("set").lower())
        if column is None:
            raise AttributeError(name)
        if name.startswith("set"):
            return lambda shown: self._view.setColumnHidden(column, not shown)
        return lambda: not self._view.isColumnHidden(column)


COLUMN_PROPERTIES = {
    "visibilitycolumnvisible": columns.VISIBILITY,
    "colorcolumnvisible": columns.COLOR,
    "opacitycolumnvisible": columns.OPACITY,
    "layercolumnvisible": columns.LAYER,
    "statuscolumnvisible": columns.STATUS,
}


class ColorDelegate(QtWidgets.QStyledItemDelegate):
    """Draw a segment's colour as a swatch."""

    def paint(self, painter: QtGui.QPainter, option: Any, index: Any) -> None:
        """Draw the cell."""
        super().paint(painter, option, index)
        color = index.data(columns.COLOR_ROLE)
        if color is not None:
            painter.fillRect(option.rect.adjusted(4, 4, -4, -4), color)

    def sizeHint(self, option: Any, index: Any) -> QtCore.QSize:
        """Return the size of a swatch."""
        return QtCore.QSize(28, 24)


class EyeDelegate(QtWidgets.QStyledItemDelegate):
    """Draw whether a segment is shown."""

    def paint(self, painter: QtGui.QPainter, option: Any, index: Any) -> None:
        """Draw an eye, open or closed."""
        super().paint(painter, option, index)
        painter.save()
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(QtGui.QPen(option.palette.text().color(), 1.4))
        eye = QtCore.QRectF(0, 0, 14, 8)
        eye.moveCenter(QtCore.QRectF(option.rect).center())
        if index.data(columns.VISIBILITY_ROLE):
            painter.drawEllipse(eye)
            painter.setBrush(option.palette.text())
            painter.drawEllipse(eye.center(), 2.0, 2.0)
        else:
            painter.drawArc(eye, 180 * 16, 180 * 16)
        painter.restore()

    def sizeHint(self, option: Any, index: Any) -> QtCore.QSize:
        """Return the size of an eye."""
        return QtCore.QSize(26, 24)
