"""The module VISTA3DSegment of 3D Slicer. What it does is in ``VISTA3DSegmentLib``; here it is given to the host."""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from unittest import SkipTest

import qt
import slicer
import vtk
from slicer import vtkMRMLMarkupsROINode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import Default, FloatRange, RangeBounds, WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

NAME = "VISTA3DSegment"
PACKAGE = "VISTA3DSegmentLib"
SAMPLE_CATEGORY = "VISTA3DSegment"
SAMPLE_NAME = "VISTA3DSampleCT"
SAMPLE_SHA256 = "a75af10217623741c3f948059852643630a569afe5031d13feb780a270189eee"
LIVER, SPLEEN, RIGHT_KIDNEY = 1, 3, 5
"""Ids of the table of classes."""


class VISTA3DSegment(ScriptedLoadableModule):
    """The module, as the host lists it."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("VISTA3D Segment")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.dependencies = ["Markups", "Segmentations", "SegmentEditor", "Volumes"]
        parent.contributors = ["VISTA3DSegment founders"]
        parent.helpText = _(
            "Segments every organ of a CT in one press with VISTA3D, and corrects each by clicks in 3-D: only that "
            "organ changes, at once. New structures are segmented from their name or a box with SegVol, or from clicks "
            "alone."
        )
        parent.acknowledgementText = _(
            "VISTA3D is by Y. He et al., NVIDIA (CVPR 2025, arXiv:2406.05285), SegVol by Y. Du et al., BAAI (NeurIPS "
            "2024, arXiv:2311.13385); both run on MONAI. The starter models that come with this module were trained on "
            "synthetic and openly licensed images. Not for clinical use."
        )
        slicer.app.connect("startupCompleted()", register_sample_data)
        slicer.app.connect("startupCompleted()", register_editor_effect)


def register_sample_data():
    """Offer our small synthetic CT in the module Sample Data."""
    import SampleData

    folder = Path(__file__).parent / "Resources"
    sample = folder / "Samples" / "sample_ct.nrrd"
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category=SAMPLE_CATEGORY,
        sampleName=SAMPLE_NAME,
        thumbnailFileName=str(folder / "Samples" / "sample_ct.png"),
        uris=sample.as_uri(),
        fileNames=f"{NAME}_{sample.name}",
        nodeNames=SAMPLE_NAME,
        checksums=f"SHA256:{SAMPLE_SHA256}",
    )


def register_editor_effect():
    """Offer the same clicks as an effect of the host's Segment Editor."""
    effect = slicer.qSlicerSegmentEditorScriptedEffect(None)
    effect.setPythonSource((Path(__file__).parent / "SegmentEditorVISTA3DLib" / "SegmentEditorEffect.py").as_posix())
    effect.self().register()


@parameterNodeWrapper
class VISTA3DSegmentParameterNode:
    """What is saved with the scene.

    Args:
        volume: the scan.
        segmentation: where segments go.
        organs: ids of the classes that are checked; none: every organ.
        follows: a click corrects the organ under it.
        limitValues: what a click adds has grey values in a range.
        values: that range.
        limitReach: a click changes nothing far from it.
        reach: how far, in mm.
        region: nothing outside it is computed or changed.
    """

    volume: vtkMRMLScalarVolumeNode
    segmentation: vtkMRMLSegmentationNode
    organs: list[int]
    follows: bool = True
    limitValues: bool = False
    values: Annotated[FloatRange, RangeBounds(-1024, 3071), Default(FloatRange(-150, 250))]
    limitReach: bool = False
    reach: Annotated[float, WithinRange(1, 500)] = 20.0
    region: vtkMRMLMarkupsROINode


class VISTA3DSegmentWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel's frame: it knows when the module is opened and left, and when scenes come and go."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.panel = None
        self._parameters = None
        self._gui_tag = None

    def setup(self):
        """Called once, before the module is shown for the first time."""
        ScriptedLoadableModuleWidget.setup(self)
        widget = slicer.util.loadUI(self.resourcePath("UI/VISTA3DSegment.ui"))
        self.layout.addWidget(widget)
        self.ui = slicer.util.childWidgetVariables(widget)
        widget.setMRMLScene(slicer.mrmlScene)
        self.logic = VISTA3DSegmentLogic()
        self.panel = self.logic.make_panel(self.ui, self.resourcePath)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneChanged)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.onSceneChanged)
        if self.parent.isEntered:  # the module was loaded again while it is shown
            self.enter()

    def cleanup(self):
        """Called when the application ends, or the module is reloaded."""
        self.removeObservers()
        self.setParameterNode(None)
        if self.panel is not None:
            self.panel.close()
            self.panel = None

    def enter(self):
        """Called each time the module is opened."""
        self.initializeParameterNode()
        self.panel.enter()

    def exit(self):
        """Called each time another module is opened."""
        if self.panel is not None:
            self.panel.exit()

    def onSceneStartClose(self, caller, event):
        """The scene is about to be emptied."""
        self.setParameterNode(None)
        self.panel.scene_closes()

    def onSceneChanged(self, caller, event):
        """The scene is empty, or another one was loaded: if the module is shown it begins with that.

        Not at once: the lists of nodes in the panel hear of it at the same time.
        """
        qt.QTimer.singleShot(0, self.beginWithScene)

    def beginWithScene(self):
        """See ``onSceneChanged``."""
        if self.panel is not None and self.parent.isEntered and not slicer.mrmlScene.IsBatchProcessing():
            self.initializeParameterNode()

    def initializeParameterNode(self):
        """Begin with the parameters of the scene; without a scan the first one is taken."""
        self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, parameters):
        """Connect parameters with the widgets, and the widgets with nothing else.

        Args:
            parameters: VISTA3DSegmentParameterNode, or None.
        """
        if self._parameters is not None:
            self._parameters.disconnectGui(self._gui_tag)
            self.removeObserver(self._parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParametersModified)
        self._parameters = parameters
        if parameters is not None:
            if parameters.volume is None:
                parameters.volume = self.logic.first_scan()
            self._gui_tag = parameters.connectGui(self.ui)
            self.addObserver(parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParametersModified)
        if self.panel is not None:
            self.panel.set_parameters(parameters)

    def onParametersModified(self, caller=None, event=None):
        """The person has changed a parameter; what changes while a scene is loaded is not whole yet."""
        if not slicer.mrmlScene.IsBatchProcessing():
            self.panel.parameters_changed()

    def onReload(self):
        """Load the module again, with all of its package: the host reloads this one file only."""
        for name in [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]:
            del sys.modules[name]
        super().onReload()


class VISTA3DSegmentLogic(ScriptedLoadableModuleLogic):
    """What the widget and the tests need of the package. No Qt here."""

    def getParameterNode(self):
        """The parameters of the scene."""
        return VISTA3DSegmentParameterNode(super().getParameterNode())

    def first_scan(self):
        """The scan that is shown, else the first one of the scene; None: there is none. A label map is no scan."""
        kind, scene = "vtkMRMLScalarVolumeNode", slicer.mrmlScene
        shown = slicer.app.applicationLogic().GetSelectionNode().GetActiveVolumeID()
        node = scene.GetNodeByID(shown) if shown else None
        nodes = [node, *slicer.util.getNodesByClass(kind)]
        return next((node for node in nodes if node is not None and node.GetClassName() == kind), None)

    def make_panel(self, ui, resource):
        """The panel over the widgets of the .ui file.

        Args:
            ui: the widgets, by name.
            resource: finds a file of ``Resources``.
        """
        from VISTA3DSegmentLib.desktop.panel import Host, Panel
        from VISTA3DSegmentLib.models.store import home

        return Panel(ui, Host(slicer.mrmlScene, slicer.app, self.python, home(), resource))

    @property
    def python(self):
        """The interpreter in which models run: a Slicer's Python without a window; None: the one that runs this.

        PythonSlicer only starts another program and waits for it: if that one is beside it, it is run directly, so that
        a worker can be ended, and how it ended is known.
        """
        launcher = shutil.which("PythonSlicer")
        return launcher and (shutil.which("python-real", path=str(Path(launcher).parent)) or launcher)


class VISTA3DSegmentTest(ScriptedLoadableModuleTest):
    """The self-test: the sample is segmented and corrected with the starter model, in this very application."""

    def setUp(self):
        """Begin with an empty scene."""
        slicer.mrmlScene.Clear()

    def runTest(self):
        """All of it; without PyTorch what does not need it."""
        self.setUp()
        self.test_sample_can_be_loaded()
        for test in (self.test_organ_is_segmented_and_corrected, self.test_structure_is_found_by_its_name):
            self.setUp()
            try:
                test()
            except SkipTest as why:
                self.delayDisplay(str(why))

    def test_sample_can_be_loaded(self):
        """The scan and the truth that come with the module."""
        volume, truth = self.load_sample()
        self.assertEqual(volume.GetImageData().GetDimensions(), truth.GetImageData().GetDimensions())
        self.delayDisplay(_("The sample was loaded."))

    def test_organ_is_segmented_and_corrected(self):
        """The liver is found; a click changes it and nothing else; undo brings it back."""
        with self.opened() as (workspace, truth):
            self.segment_and_correct(workspace, truth == LIVER)

    def test_structure_is_found_by_its_name(self):
        """The right kidney is found by its name; a click of the other system corrects it; undo brings it back."""
        with self.opened() as (workspace, truth):
            self.find_and_correct(workspace, truth == RIGHT_KIDNEY)

    @contextmanager
    def opened(self):
        """The sample in a workspace of its own, and its truth as an array (k, j, i)."""
        from VISTA3DSegmentLib.doctor.requirements import missing

        if missing():
            self.skipTest("PyTorch or MONAI is missing.")
        from VISTA3DSegmentLib.desktop.engine_choice import EngineChoice
        from VISTA3DSegmentLib.workspace.estimate import Estimator
        from VISTA3DSegmentLib.workspace.workspace import Workspace

        volume, truth = self.load_sample()
        python, choice = VISTA3DSegmentLogic().python, EngineChoice()
        with TemporaryDirectory() as folder:
            workspace = Workspace(
                slicer.mrmlScene, lambda: choice.start(python), Estimator(choice.model, Path(folder)), Path(folder)
            )
            workspace.failed.connect(lambda error: self.fail(str(error)))
            try:
                workspace.open(volume)
                yield workspace, slicer.util.arrayFromVolume(truth)
            finally:
                workspace.end()

    def segment_and_correct(self, workspace, truth):
        """See ``test_organ_is_segmented_and_corrected``."""
        workspace.segment([LIVER, SPLEEN])
        self.wait(workspace)
        liver, spleen = (self.segment_of(workspace, class_id) for class_id in (LIVER, SPLEEN))
        found, other = self.voxels(workspace, liver), self.voxels(workspace, spleen)
        self.assertGreater(self.dice(found, truth), 0.8)
        self.correct_and_undo(workspace, liver, found)
        self.assertTrue((self.voxels(workspace, spleen) == other).all())
        self.delayDisplay(_("The liver was found and corrected."))

    def find_and_correct(self, workspace, truth):
        """See ``test_structure_is_found_by_its_name``."""
        self.wait(workspace)
        kidney = workspace.asking.say("right kidney")
        self.wait(workspace)
        found = self.voxels(workspace, kidney)
        self.assertGreater(self.dice(found, truth), 0.5)
        self.correct_and_undo(workspace, kidney, found)
        self.delayDisplay(_("The right kidney was found by its name and corrected."))

    def correct_and_undo(self, workspace, segment_id, found):
        """A click where there is too much takes some away; undo brings it back."""
        workspace.annotator.select(segment_id)
        workspace.annotator.click(workspace.centre_of(segment_id), positive=False)
        self.wait(workspace)
        self.assertLess(self.voxels(workspace, segment_id).sum(), found.sum())
        workspace.annotator.undo()
        self.wait(workspace)
        self.assertTrue((self.voxels(workspace, segment_id) == found).all())

    def dice(self, found, truth):
        """How well two masks agree, 0 to 1."""
        return 2 * (found & truth).sum() / (found.sum() + truth.sum())

    def wait(self, workspace, seconds=300):
        """Let the engine answer, and the application live."""
        end = time.monotonic() + seconds
        while not workspace.idle:
            self.assertLess(time.monotonic(), end, "The engine did not answer.")
            workspace.pump()
            slicer.app.processEvents()
            time.sleep(0.01)

    def segment_of(self, workspace, class_id):
        """The id of a class's segment."""
        segment_id = workspace.annotator.session.annotation.of_class(class_id)
        self.assertIsNotNone(segment_id)
        return segment_id

    def voxels(self, workspace, segment_id):
        """A segment on the grid of the scan, (k, j, i)."""
        return workspace.annotator.segments.read(segment_id).full(workspace.volume.shape_kji)

    def load_sample(self):
        """The sample and its truth as volume nodes."""
        folder = Path(__file__).parent / "Resources" / "Samples"
        volume = slicer.util.loadVolume(str(folder / "sample_ct.nrrd"))
        return volume, slicer.util.loadLabelVolume(str(folder / "sample_truth.nrrd"))
