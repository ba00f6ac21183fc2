"""The views of the application: which scan they show, and that they go to what was found."""

from __future__ import annotations

from typing import Any

import slicer

from ..prompts import Ras
from ..session.session import RunProgress
from ..workspace.workspace import Workspace


class Views:
    """See the module.

    Args:
        ui: widgets of the panel.
        application: qSlicerApplication.
        workspace: what is found in it is gone to.
    """

    def __init__(self, ui: Any, application: Any, workspace: Workspace) -> None:
        self._ui, self._application, self._workspace = ui, application, workspace
        self._sought: str | None = None
        self._centres = False

    @property
    def widget(self) -> Any | None:
        """The widget that holds the views; None: there are none."""
        layouts = self._application.layoutManager()
        return None if layouts is None else layouts.viewport()

    @property
    def sought(self) -> str:
        """The name of what they go to as soon as it is found; "": nothing is sought."""
        value = self._workspace.annotator.session.annotation.objects.get(self._sought or "")
        return "" if value is None else value.structure.name

    def opened(self) -> None:
        """A scan was opened: show it."""
        annotator = self._workspace.annotator
        self._sought = None
        annotator.session.progressed.connect(self._run_ended)
        self._show(annotator.volume_node)

    def seek(self, object_id: str) -> None:
        """Go to an object as soon as it is found."""
        self._sought = object_id

    def go_to(self, ras: Ras) -> None:
        """Go to a position; each view only moves to the slice: what lies in its middle stays there."""
        slicer.vtkMRMLSliceNode.JumpAllSlices(
            self._workspace.annotator.scene, *ras, slicer.vtkMRMLSliceNode.OffsetJumpSlice
        )

    def settle(self) -> None:
        """After ``Workspace.pump``, while a scan is open: go to what is there now."""
        self._centre()
        self._go_to_found()

    def _show(self, volume_node: Any) -> None:
        """Show a scan in the slice views, if none of them does: how the person has arranged them stays."""
        layouts = self._application.layoutManager()
        names = [] if layouts is None else layouts.sliceViewNames()
        nodes = [layouts.sliceWidget(name).mrmlSliceCompositeNode() for name in names]
        shown = {node_id for node in nodes for node_id in (node.GetBackgroundVolumeID(), node.GetForegroundVolumeID())}
        if nodes and volume_node.GetID() not in shown:
            slicer.util.setSliceViewerLayers(background=volume_node, fit=True)

    def _run_ended(self, progress: RunProgress) -> None:
        self._centres = progress.progress is None and self._shows_surfaces

    @property
    def _shows_surfaces(self) -> bool:
        return bool(self._ui.show3DButton.checked)

    def _centre(self) -> None:
        """Bring what was found into the middle of the 3-D view, once its surfaces are there."""
        layouts = self._application.layoutManager()
        if self._centres and not self._workspace.annotator.surfaces.waiting:
            self._centres = False
            if layouts is not None and layouts.threeDViewCount > 0:
                layouts.threeDWidget(0).threeDView().resetFocalPoint()

    def _go_to_found(self) -> None:
        """What was sought by its name is there: go to it, if the person has not gone on to another."""
        annotator, sought = self._workspace.annotator, self._sought
        if sought is not None and sought not in annotator.session.busy:
            self._sought = None
            middle = self._workspace.centre_of(sought) if sought == annotator.selected else None
            if middle is not None:
                self.go_to(middle)
                self._centres = self._shows_surfaces and len(annotator.session.annotation) == 1
