"""The page's workspace: one scan that was read from a file; its nodes come and go with it."""

from __future__ import annotations

from typing import Any

from ..errors import SegmentationError
from ..export.source import DicomSource
from ..files.scan_identity import ScanIdentifiers
from ..scene.nodes import remove_with_display
from ..scene.volumes import add_volume_node
from ..volume import Volume
from ..workspace.workspace import Workspace
from .opening import Scan


class ScanWorkspace(Workspace):
    """See ``Workspace``. What is opened goes into the scene, and leaves it again when something else is opened."""

    scan: Scan | None = None

    @property
    def source(self) -> DicomSource | None:
        """See ``Workspace.source``."""
        return None if self.scan is None else self.scan.source

    @property
    def identifiers(self) -> ScanIdentifiers | None:
        """By which DICOM objects of another scan are known; None: nothing is known of what is open."""
        return None if self.scan is None else self.scan.identifiers

    def _restores(self, volume_node: Any, volume: Volume) -> bool:
        return True  # a scan that was open already leaves when it is opened again

    def show(self, scan: Scan) -> None:
        """Put a scan in place of what was open; what was done on it earlier comes back from the journal.

        Raises:
            VolumeError, ResourceError: it cannot be annotated; what was open stays.
        """
        before = self._annotator
        node = add_volume_node(self._scene, scan.volume, scan.name)
        try:
            self.open(node)
        except SegmentationError:
            remove_with_display(node)
            raise
        self.scan = scan
        if before is not None:
            self._remove_nodes_of(before)
            remove_with_display(before.volume_node)
        for notice in scan.notices:
            self.said.emit(notice)
        self.changed.emit(None)
