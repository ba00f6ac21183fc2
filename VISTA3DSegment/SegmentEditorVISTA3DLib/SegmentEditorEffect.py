"""The effect "VISTA3D" of the Segment Editor: a click grows the chosen segment, ctrl-click shrinks it.

It works through the panel of the module VISTA3D Segment, so that both share one engine and one list of clicks; what the
editor masks, locks or overwrites holds for its clicks.
"""

from __future__ import annotations

from pathlib import Path

import qt
import slicer
import vtk
from SegmentEditorEffects import AbstractScriptedSegmentEditorEffect
from slicer.i18n import tr as _

NAME = "VISTA3D"
SLICE_VIEW = "qMRMLSliceWidget"
ICON = Path(__file__).resolve().parent.parent / "Resources" / "Icons" / "VISTA3DSegment.svg"


def hint():
    """What to do."""
    return _("Click where the chosen segment goes on; ctrl-click where it is too large.")


class SegmentEditorEffect(AbstractScriptedSegmentEditorEffect):
    """See the module.

    Args:
        scriptedEffect: qSlicerSegmentEditorScriptedEffect, the host's side of it.
    """

    def __init__(self, scriptedEffect):
        scriptedEffect.name = NAME
        scriptedEffect.title = _("VISTA3D")
        scriptedEffect.perSegment = True
        scriptedEffect.requireSegments = True
        AbstractScriptedSegmentEditorEffect.__init__(self, scriptedEffect)
        self._annotator = self._heard = None

    def clone(self):
        """Another one, for another editor."""
        effect = slicer.qSlicerSegmentEditorScriptedEffect(None)
        effect.setPythonSource(Path(__file__).as_posix())
        return effect

    def icon(self):
        """For the list of effects."""
        return qt.QIcon(str(ICON))

    def helpText(self):
        """For the editor's help."""
        return _(
            "<html>Correct the chosen segment by clicks, in 3-D.<br>Click where it goes on; ctrl-click where it is too "
            "large. Drag a marker to move a click. Masking of this editor is honoured.</html>"
        )

    def setupOptionsFrame(self):
        """Called once: what is shown below the list of effects."""
        self._status = qt.QLabel()
        self._status.setWordWrap(True)
        self.scriptedEffect.addOptionsWidget(self._status)
        self._module_button = qt.QPushButton(_("Open VISTA3D Segment"))
        self._module_button.setToolTip(_("Automatic segmentation, list of clicks, models."))
        self._module_button.connect("clicked()", lambda: slicer.util.selectModule("VISTA3DSegment"))
        self.scriptedEffect.addOptionsWidget(self._module_button)

    def createCursor(self, widget):
        """The mouse over a view."""
        return qt.QCursor(qt.Qt.CrossCursor)

    def activate(self):
        """The person has chosen the effect."""
        self._open()

    def deactivate(self):
        """The person has chosen another one."""
        annotator, self._annotator = self._annotator, None
        if annotator is not None and not annotator.closed:
            annotator.rules.editor = None
            self._panel.parameters_changed()  # the panel's own way to mean a segment holds again

    def sourceVolumeNodeChanged(self):
        """The person has chosen another scan in the editor."""
        if self.scriptedEffect.active():
            self._open()

    def processInteractionEvents(self, callerInteractor, eventId, viewWidget):
        """The mouse in a view; returns whether nobody else is to hear of it."""
        if eventId != vtk.vtkCommand.LeftButtonPressEvent or viewWidget.className() != SLICE_VIEW:
            return False
        if callerInteractor.GetShiftKey() or callerInteractor.GetAltKey():
            return False
        if self._annotator is None or self._annotator.closed or self._annotator.complaint:
            self._open()
        if self._annotator is None:
            return True
        from VISTA3DSegmentLib.scene.picking import marker_at, ras_of

        xy, slice_node = callerInteractor.GetEventPosition(), viewWidget.mrmlSliceNode()
        if marker_at(slice_node, xy, self._annotator.markups) is not None:
            return False  # it is dragged
        self._click(ras_of(slice_node, xy), not callerInteractor.GetControlKey())
        return True

    def _click(self, ras, positive):
        segment_id = self.scriptedEffect.parameterSetNode().GetSelectedSegmentID()
        if not segment_id:
            self._status.setText(_("Choose a segment in the list first."))
            return
        self._annotator.follows_clicks = False  # here the person has chosen
        self._annotator.rules.editor = self.scriptedEffect.parameterSetNode()
        self.scriptedEffect.saveStateForUndo()
        self._annotator.select(segment_id)
        self._status.setText(_("The click is computed..."))
        self._annotator.click(ras, positive)
        self._panel.refresh()

    @property
    def _panel(self):
        return slicer.modules.vista3dsegment.widgetRepresentation().self().panel

    def _open(self):
        """Open the editor's scan and segmentation in the panel."""
        self._annotator = None
        editor = self.scriptedEffect.parameterSetNode()
        volume, segmentation = editor.GetSourceVolumeNode(), editor.GetSegmentationNode()
        if volume is None or segmentation is None:
            self._status.setText(_("Choose a segmentation and a source volume first."))
            return
        if not self._panel.is_ready:
            self._status.setText(_("Packages are missing: open VISTA3D Segment, which installs them."))
            return
        try:
            self._panel.annotate(volume, segmentation)
        except Exception as error:  # the editor goes on; the sentence says what to do
            self._status.setText(str(error))
            return
        annotator = self._panel.workspace.annotator
        if annotator is not self._heard:
            annotator.failed.connect(lambda error: self._status.setText(str(error)))
            annotator.said.connect(self._status.setText)
            annotator.session.answered.connect(lambda _answer: self._status.setText(hint()))
        self._annotator = self._heard = annotator
        self._status.setText(hint())
