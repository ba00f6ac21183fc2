"""A small scripted module with which the stand-in is tested."""

# ruff: noqa: N802, N806 (the names are those of Qt and of Slicer)

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Optional

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import Choice, Default, WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


class Side(enum.Enum):
    """Which side."""

    LEFT = 1
    RIGHT = 2


@parameterNodeWrapper
class StandInExampleParameterNode:
    """Typed parameters of each kind."""

    volume: Optional[slicer.vtkMRMLScalarVolumeNode] = None  # noqa: UP045
    segmentation: slicer.vtkMRMLSegmentationNode
    count: Annotated[int, WithinRange(0, 10), Default(3)]
    share: Annotated[float, WithinRange(0.0, 1.0)] = 0.5
    note: str = "nothing yet"
    live: bool = True
    side: Side = Side.LEFT
    names: list[str]
    model: Path
    quality: Annotated[str, Choice(["fast", "good"]), Default("good")]


class StandInExample(ScriptedLoadableModule):
    """The module's face for Slicer."""

    def __init__(self, parent) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Stand-in example")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = []
        self.parent.contributors = ["Nobody"]
        self.parent.helpText = _("For tests.")
        self.started = 0
        slicer.app.connect("startupCompleted()", self.onStartupCompleted)

    def onStartupCompleted(self) -> None:
        """Register what users may try."""
        self.started += 1


class StandInExampleWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The module's interface."""

    def __init__(self, parent=None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._parameterNode = None
        self._tag = None
        self.history: list[str] = []

    def setup(self) -> None:
        """Build the interface."""
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/StandInExample.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = StandInExampleLogic()
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.ui.applyButton.connect("clicked(bool)", self.onApplyButton)
        self.ui.failButton.clicked.connect(self.onFail)
        self.ui.segmentsTable.connect("selectionChanged(QItemSelection,QItemSelection)", self.onSelected)
        self.timer = qt.QTimer()
        self.timer.setInterval(1)
        self.timer.connect("timeout()", self.onTimer)
        self.initializeParameterNode()

    def cleanup(self) -> None:
        """Let go of everything."""
        self.history.append("cleanup")
        self.timer.stop()
        self.removeObservers()

    def enter(self) -> None:
        """The user comes."""
        self.history.append("enter")
        self.initializeParameterNode()

    def exit(self) -> None:
        """The user goes."""
        self.history.append("exit")
        self.setParameterNode(None)

    def onSceneStartClose(self, caller, event) -> None:
        """The scene is about to go."""
        self.history.append("start close")
        self.setParameterNode(None)

    def onSceneEndClose(self, caller, event) -> None:
        """The scene has gone."""
        self.history.append("end close")
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self) -> None:
        """Tie the interface to the parameters."""
        self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, node) -> None:
        """Tie the interface to other parameters, or to none."""
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._tag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.check)
        self._parameterNode = node
        if node:
            self._tag = node.connectGui(self.ui)
            self.addObserver(node, vtk.vtkCommand.ModifiedEvent, self.check)
            self.check()

    def check(self, caller=None, event=None) -> None:
        """One needs a volume to press the button."""
        self.ui.applyButton.enabled = bool(self._parameterNode and self._parameterNode.volume)
        self.ui.segmentsTable.setSegmentationNode(self._parameterNode.segmentation if self._parameterNode else None)

    def onApplyButton(self, checked) -> None:
        """Work for three ticks of the clock."""
        self.history.append(f"apply {checked}")
        with slicer.util.tryWithErrorDisplay(_("It failed."), waitCursor=True):
            self.ui.progressBar.value = 0
            self.timer.start()

    def onTimer(self) -> None:
        """One tick."""
        self.ui.progressBar.value += 1
        if self.ui.progressBar.value == 3:
            self.timer.stop()

    def onFail(self) -> None:
        """Raise."""
        raise RuntimeError("It was to fail.")

    def onSelected(self, selected, deselected) -> None:
        """Segments were chosen."""
        self.history.append(f"chosen {self.ui.segmentsTable.selectedSegmentIDs()}")


class StandInExampleLogic(ScriptedLoadableModuleLogic):
    """What the module does."""

    def getParameterNode(self):
        """Return the typed parameters."""
        return StandInExampleParameterNode(super().getParameterNode())


class StandInExampleTest(ScriptedLoadableModuleTest):
    """The module's own test."""

    def test_it_runs(self) -> None:
        """It runs."""
        self.delayDisplay("Here we are")
