"""The host's table of segments, with one more column for their volume, and the choice of the segment to correct."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qt
from slicer.i18n import tr as _

SEGMENT_ID_ROLE = 1
"""Above Qt::UserRole: qMRMLSegmentsModel::SegmentIDRole."""


class SegmentsTable:
    """See the module.

    Args:
        table: qMRMLSegmentsTableView.
        chosen: called with the id of the segment that the person has chosen, or None.
    """

    def __init__(self, table: Any, chosen: Callable[[str | None], None]) -> None:
        self._table, self._chosen = table, chosen
        self._column: int | None = None
        self._quiet = False
        table.connect("selectionChanged(QItemSelection,QItemSelection)", lambda *_: self._selected())

    def show(self, segmentation_node: Any | None) -> None:
        """Show the segments of a node; None: none."""
        self._quiet = True
        self._table.setSegmentationNode(segmentation_node)
        self._quiet = False

    def choose(self, segment_id: str | None) -> None:
        """Choose a segment as if nobody had."""
        wanted = [segment_id] if segment_id else []
        if list(self._table.selectedSegmentIDs()) != wanted:
            self._quiet = True
            self._table.setSelectedSegmentIDs(wanted)
            self._quiet = False

    def show_volumes(self, ml: Mapping[str, float]) -> None:
        """Write the volumes of segments, by id, in ml."""
        model = self._table.model()
        if self._column is None or model.columnCount() <= self._column:
            self._column = model.columnCount()
            model.setColumnCount(self._column + 1)
            model.setHeaderData(self._column, qt.Qt.Horizontal, _("ml"))
        for row in range(model.rowCount()):
            segment_id = model.data(model.index(row, 0), qt.Qt.UserRole + SEGMENT_ID_ROLE)
            text = f"{ml[segment_id]:.1f}" if ml.get(segment_id) else ""
            index = model.index(row, self._column)
            if (model.data(index, qt.Qt.DisplayRole) or "") != text:
                model.setData(index, text, qt.Qt.DisplayRole)

    def _selected(self) -> None:
        if not self._quiet:
            ids = self._table.selectedSegmentIDs()
            self._chosen(ids[0] if ids else None)
