"""A small effect of the Segment Editor: a click marks one voxel."""

# ruff: noqa: N802, N803 (the names are those of Qt and of Slicer)

from __future__ import annotations

import qt
import slicer
import vtk
from SegmentEditorEffects import AbstractScriptedSegmentEditorEffect


class SegmentEditorEffect(AbstractScriptedSegmentEditorEffect):
    """Marks the voxel that is pressed."""

    def __init__(self, scriptedEffect) -> None:
        scriptedEffect.name = "Mark"
        scriptedEffect.title = "Mark a voxel"
        scriptedEffect.perSegment = True
        AbstractScriptedSegmentEditorEffect.__init__(self, scriptedEffect)
        self.history: list[str] = []

    def clone(self):
        """Return a copy for another editor."""
        copied = slicer.qSlicerSegmentEditorScriptedEffect(None)
        copied.setPythonSource(__file__)
        return copied

    def icon(self):
        """Return the picture of the button."""
        return qt.QIcon()

    def helpText(self) -> str:
        """Return what is shown to those who ask for help."""
        return "Press a voxel."

    def setMRMLDefaults(self) -> None:
        """Set the parameters where they have no values."""
        self.scriptedEffect.setParameterDefault("Size", 2)

    def setupOptionsFrame(self) -> None:
        """Build the options."""
        self.sizeBox = qt.QSpinBox()
        self.scriptedEffect.addLabeledOptionsWidget("Size:", self.sizeBox)
        self.sizeBox.connect("valueChanged(int)", self.updateMRMLFromGUI)

    def createCursor(self, widget):
        """Return the cursor over a view."""
        return qt.QCursor(qt.Qt.CrossCursor)

    def activate(self) -> None:
        """Begin."""
        self.history.append("activate")

    def deactivate(self) -> None:
        """End."""
        self.history.append("deactivate")

    def updateGUIFromMRML(self) -> None:
        """Show the parameters."""
        blocked = self.sizeBox.blockSignals(True)
        self.sizeBox.value = self.scriptedEffect.integerParameter("Size")
        self.sizeBox.blockSignals(blocked)

    def updateMRMLFromGUI(self) -> None:
        """Take the parameters."""
        self.scriptedEffect.setParameter("Size", self.sizeBox.value)

    def processInteractionEvents(self, callerInteractor, eventId, viewWidget) -> bool:
        """Mark what is pressed."""
        if eventId != vtk.vtkCommand.LeftButtonPressEvent or viewWidget.className() != "qMRMLSliceWidget":
            return False
        ras = self.xyToRas(callerInteractor.GetEventPosition(), viewWidget)
        self.history.append(f"press {[round(value, 3) for value in ras]}")
        labelmap = self.scriptedEffect.defaultModifierLabelmap()
        labelmap.SetScalarComponentFromDouble(1, 1, 1, 0, 1)
        labelmap.Modified()
        self.scriptedEffect.saveStateForUndo()
        self.scriptedEffect.modifySelectedSegmentByLabelmap(
            labelmap, slicer.qSlicerSegmentEditorAbstractEffect.ModificationModeAdd
        )
        return True
