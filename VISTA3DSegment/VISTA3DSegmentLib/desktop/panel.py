"""The panel: what the person does to its widgets goes to the workspace, what comes of it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import qt
import slicer
from slicer.i18n import tr as _

from ..engines import texts_of
from ..errors import SegmentationError
from ..scene.nodes import segmentation_for
from ..workspace import telling
from ..workspace.estimate import Estimator
from ..workspace.news import News
from ..workspace.workspace import Workspace
from .answering_choice import AnsweringChoice
from .correcting_section import CorrectingSection
from .doctor_section import DoctorSection
from .engine_choice import EngineChoice
from .export_section import ExportSection
from .first_start import FirstStart
from .import_section import ImportSection
from .models_section import ModelsSection
from .organ_picker import OrganPicker
from .segments_table import SegmentsTable
from .shortcuts import Shortcuts
from .ticker import Ticker
from .views import Views
from .widgets import enable, show_text


class Values(Protocol):
    """A range of grey values."""

    minimum: float
    maximum: float


class Parameters(Protocol):
    """What is saved with the scene: the module's parameter node."""

    volume: Any
    segmentation: Any
    organs: list[int]
    follows: bool
    limitValues: bool  # noqa: N815 (the host's custom)
    values: Values
    limitReach: bool  # noqa: N815
    reach: float
    region: Any


@dataclass(frozen=True)
class Host:
    """What of the application the panel needs.

    Args:
        scene: vtkMRMLScene.
        application: qSlicerApplication.
        python: the interpreter in which models run; None: this one.
        home: folder of journals and of what was measured.
        resource: finds a file of ``Resources``.
    """

    scene: Any
    application: Any
    python: str | None
    home: Path
    resource: Callable[[str], str]


class Panel:
    """See the module.

    Args:
        ui: the widgets of the .ui file, by name.
        host: the application.
    """

    def __init__(self, ui: Any, host: Host) -> None:
        self._ui, self._host = ui, host
        self._parameters: Parameters | None = None
        self._shortcuts: Shortcuts | None = None
        self._dirty, self._was_busy = True, False
        self._applying, self._entered, self._lost = False, False, False
        self._news = News()
        self._ticker = Ticker(self._tick, ui.VISTA3DSegment)
        settings = host.application.userSettings()
        self._models = ModelsSection(ui, settings, host.python, self._use, self._fail)
        self._doctor = DoctorSection(ui, host.python, self._fail)
        self._import = ImportSection(ui, host.python, lambda: self.workspace, self._fail, self._wake)
        self._export = ExportSection(ui, settings, host.python, lambda: self.workspace, self._fail)
        self._first_start = FirstStart(ui, host.resource("requirements.txt"), self._act, self._apply)
        estimator = self._estimator()  # it may fall back to another choice
        self.workspace = self._workspace_with(self._models.choice, estimator)
        self._organs = OrganPicker(ui, self._organs_chosen)
        self._organs.offer(self.workspace.classes)
        self._table = SegmentsTable(ui.segmentsTable, self._segment_chosen)
        self._views = Views(ui, host.application, self.workspace)
        self._correcting = CorrectingSection(ui, host.application, self.workspace, self._views, self._act, self._wake)
        self._answering = AnsweringChoice(ui, settings, self.workspace.asking, self._wake)
        self._connect()
        ui.addButton.setIcon(qt.QIcon(host.resource("Icons/Add.svg")))
        ui.removeButton.setIcon(qt.QIcon(host.resource("Icons/Remove.svg")))
        ui.boxButton.setIcon(qt.QIcon(host.resource("Icons/Box.svg")))
        self.refresh()

    def _estimator(self) -> Estimator:
        """Of the models that were chosen last; where one is damaged that of the module takes its place."""
        try:
            texts_of(self._models.choice.segvol)
        except SegmentationError as error:
            self._fail(error)
            self._models.fall_back("segvol")
        try:
            return Estimator(self._models.choice.model, self._host.home)
        except SegmentationError as error:
            self._fail(error)
            self._models.fall_back("vista3d")
            return Estimator(self._models.choice.model, self._host.home)

    def _workspace_with(self, choice: EngineChoice, estimator: Estimator) -> Workspace:
        workspace = Workspace(self._host.scene, self._starting(choice), estimator, self._host.home)
        workspace.acted.connect(self._news.go_on)
        workspace.said.connect(self._say)
        workspace.failed.connect(self._fail)
        workspace.changed.connect(lambda _none: self._workspace_changed())
        return workspace

    def _workspace_changed(self) -> None:
        if self.workspace.volume is None and self._correcting.is_open:
            self._correcting.leave()
            if not self._applying and self._parameters is not None:
                # A node was removed; the lists of nodes choose another one by themselves, which nobody has asked for.
                self._lost = True
                qt.QTimer.singleShot(0, self._choose_nothing)
        self._wake()

    def _choose_nothing(self) -> None:
        self._lost = False
        if self.workspace.volume is None:
            self._choose(None, None)
            self._table.show(None)
        self._wake()

    def _starting(self, choice: EngineChoice) -> Callable[[], Any]:
        return lambda: choice.start(self._host.python)

    def _connect(self) -> None:
        ui = self._ui
        pressed: list[tuple[Any, Callable[[], object]]] = [
            (ui.afreshButton, self._start_afresh),
            (ui.segmentButton, self._segment),
            (ui.cancelButton, self.workspace.cancel),
            (ui.deleteSegmentButton, self._delete_segment),
        ]
        for button, action in pressed:
            button.connect("clicked()", lambda action=action: self._act(action))
        ui.show3DButton.connect("toggled(bool)", lambda shown: self._act(lambda: self._show_surfaces(shown)))

    # ------------------------------------------------------------------ the module's life

    def enter(self) -> None:
        """The person has opened the module: its keys are heard."""
        self._entered = True
        if self._shortcuts is None:
            self._shortcuts = self._make_shortcuts()
        self._first_start.look()
        self._apply()
        self._wake()

    def exit(self) -> None:
        """The person has gone to another module: the mouse and the keys are theirs again; what is computed goes on."""
        self._entered = False
        if self._shortcuts is not None:
            self._shortcuts.clear()
            self._shortcuts = None
        self._correcting.let_go()

    def close(self) -> None:
        """End: nothing is left behind but what is in the scene."""
        self.exit()
        self._correcting.leave()
        self._models.close()
        self._doctor.close()
        self._export.close()
        self._import.close()
        self.workspace.end()
        self._ticker.stop()

    def scene_closes(self) -> None:
        """The scene is about to be emptied."""
        self._news.clear()
        self._correcting.leave()
        self.workspace.close()
        self._parameters = None
        self._table.show(None)
        self.refresh()

    def set_parameters(self, parameters: Parameters | None) -> None:
        """These are the parameters of the scene."""
        self._parameters = parameters
        if parameters is not None:
            self._organs.check(parameters.organs)
        self._apply()

    def parameters_changed(self) -> None:
        """The person has changed one of them."""
        self._apply()

    @property
    def is_ready(self) -> bool:
        """Everything is here that models need."""
        return self._first_start.look()

    def annotate(self, volume_node: Any, segmentation_node: Any) -> None:
        """Open a scan with a segmentation, if they are not open already: as if they had been chosen in the panel.

        Raises:
            VolumeError, ResourceError: see ``Workspace.open``.
        """
        moved = self.workspace.volume is not None and self.workspace.annotator.complaint
        if moved or self._open_nodes() != (volume_node, segmentation_node):
            self._open(volume_node, segmentation_node)

    # ------------------------------------------------------------------ what is open

    def _apply(self) -> None:
        """Bring the workspace in line with the parameters."""
        parameters = self._parameters
        if parameters is None or self._applying or self._lost or self._first_start.missing:
            return
        with self._unheard():
            wanted = self._wanted(parameters)
            if self._entered and wanted != self._open_nodes():
                self._change_to(*wanted)
            if self.workspace.volume is not None:
                self._set_limits(parameters)
        self._wake()

    def _wanted(self, parameters: Parameters) -> tuple[Any, Any]:
        """The scan and the segmentation that are chosen; another scan comes with its own segmentation."""
        volume, segmentation = parameters.volume, parameters.segmentation
        open_volume, open_segmentation = self._open_nodes()
        if volume is not None and open_volume not in (None, volume) and segmentation is open_segmentation:
            segmentation = segmentation_for(self._host.scene, volume)
        return volume, segmentation

    def _open_nodes(self) -> tuple[Any, Any]:
        if self.workspace.volume is None:
            return None, None
        annotator = self.workspace.annotator
        return annotator.volume_node, annotator.segmentation_node

    def _change_to(self, volume_node: Any, segmentation_node: Any) -> None:
        self._news.clear()
        try:
            if volume_node is None:
                self._correcting.leave()
                self.workspace.close()
                self._table.show(segmentation_node)
            else:
                self._open(volume_node, segmentation_node)
        except Exception as error:
            self._fail(error)
            self._opened() if self.workspace.volume is not None else self._choose(None, None)

    def _choose(self, volume_node: Any, segmentation_node: Any) -> None:
        """Put into the panel what is open."""
        if self._parameters is not None:
            with self._unheard():
                self._parameters.volume = volume_node
                self._parameters.segmentation = segmentation_node

    @contextmanager
    def _unheard(self) -> Iterator[None]:
        """What is changed meanwhile is changed by us: the parameters follow, and lead nowhere."""
        was, self._applying = self._applying, True
        try:
            yield
        finally:
            self._applying = was

    def _open(self, volume_node: Any, segmentation_node: Any) -> None:
        self._correcting.leave()
        left_volume, left = self._open_nodes()
        prompts = () if left is None else self.workspace.annotator.prompt_nodes
        with self._unheard():
            self.workspace.open(volume_node, segmentation_node)
        annotator = self.workspace.annotator
        if left is not None and left is not annotator.segmentation_node:  # what was done there only misleads here
            _show((left, *prompts) if left_volume is not volume_node else prompts, False)
            _show((annotator.segmentation_node, *annotator.prompt_nodes), True)
            self.workspace.asking.show_boxes()
        self._opened()

    def _opened(self) -> None:
        annotator = self.workspace.annotator
        self._correcting.opened()
        annotator.surfaces.show(bool(self._ui.show3DButton.checked))
        self._table.show(annotator.segmentation_node)
        self._choose(annotator.volume_node, annotator.segmentation_node)
        self._views.opened()
        self._wake()

    def _set_limits(self, parameters: Parameters) -> None:
        annotator = self.workspace.annotator
        annotator.follows_clicks = parameters.follows
        annotator.roi_node = parameters.region
        annotator.reach_mm = parameters.reach if parameters.limitReach else None
        values = parameters.values
        annotator.rules.hu_window = (values.minimum, values.maximum) if parameters.limitValues else None

    def _use(self, choice: EngineChoice) -> bool:
        """Go on with another engine; returns whether it could be done and the person wants it."""
        workspace = self.workspace
        steps = workspace.annotator.session.history.done if workspace.volume is not None else ()
        if steps and not slicer.util.confirmOkCancelDisplay(
            _("The scan is opened again with the other model or device. What was done so far cannot be undone then.")
        ):
            return False
        try:
            texts_of(choice.segvol)
            estimator = Estimator(choice.model, self._host.home)
        except SegmentationError as error:
            self._fail(error)
            return False
        self._act(lambda: self._exchange(choice, estimator))
        return True

    def _exchange(self, choice: EngineChoice, estimator: Estimator) -> None:
        was_open = self.workspace.volume is not None
        self._correcting.leave()
        try:
            self.workspace.use(self._starting(choice), estimator)
        finally:
            self._organs.offer(self.workspace.classes)
            if was_open and self.workspace.volume is not None:
                self._opened()

    # ------------------------------------------------------------------ what the person does

    def _act(self, action: Callable[[], object]) -> None:
        """Do what the person asked; whatever goes wrong becomes one line."""
        self._news.forget_failure()
        self._news.forget_old()
        try:
            self._reopen_if_moved()
            action()
        except Exception as error:
            self._fail(error)
        self._dirty = True
        self.refresh()
        self._wake()

    def _reopen_if_moved(self) -> None:
        """A scan that was moved or changed meanwhile is opened again before anything is done to it."""
        if self.workspace.volume is not None and self.workspace.annotator.complaint:
            self._news.clear()
            self._open(*self._open_nodes())

    def _segment(self) -> None:
        self.workspace.segment(self._organs.checked or self.workspace.classes)

    def _organs_chosen(self) -> None:
        checked = list(self._organs.checked)
        if self._parameters is not None and self._parameters.organs != checked:
            self._parameters.organs = checked

    def _start_afresh(self) -> None:
        if slicer.util.confirmOkCancelDisplay(
            _("Remove the segmentation {name} with its clicks, and begin anew? This cannot be undone.").format(
                name=self.workspace.annotator.segmentation_node.GetName()
            )
        ):
            self._correcting.leave()
            with self._unheard():
                self.workspace.start_afresh()
            self._opened()

    def _segment_chosen(self, segment_id: str | None) -> None:
        def choose() -> None:
            self.workspace.annotator.select(segment_id)
            middle = None if segment_id is None else self.workspace.centre_of(segment_id)
            if middle is not None:
                self._views.go_to(middle)

        if self.workspace.volume is not None:
            self._act(choose)

    def _delete_segment(self) -> None:
        selected = self.workspace.annotator.selected
        if selected is not None:
            self.workspace.annotator.remove(selected)

    def _show_surfaces(self, shown: bool) -> None:
        if self.workspace.volume is not None:
            self.workspace.annotator.surfaces.show(shown)

    def _make_shortcuts(self) -> Shortcuts:
        """Keys of the panel and of the views; fields take the letters that are typed into them, and the space bar
        presses the button that has the focus."""
        shortcuts = Shortcuts(self._act)
        shortcuts.add(self._ui.VISTA3DSegment, self._correcting.keys)
        if self._views.widget is not None:
            shortcuts.add(self._views.widget, self._correcting.keys | {"Space": self.workspace.toggle_before})
        return shortcuts

    # ------------------------------------------------------------------ time

    def _wake(self) -> None:
        self._dirty = True
        self._ticker.wake()

    def _tick(self) -> bool:
        try:
            self.workspace.pump()
            self._correcting.settle()
        except Exception as error:
            self._fail(error)
        self._news.settle()
        if self.workspace.volume is not None:
            self._views.settle()
        busy = telling.is_busy(self.workspace)
        self._dirty = self._dirty or busy != self._was_busy
        self._was_busy = busy
        self.refresh()
        return not self.workspace.idle

    # ------------------------------------------------------------------ showing

    def refresh(self) -> None:
        """Show what is different."""
        if not self._dirty:
            return
        self._dirty = False
        self._show_scan()
        self._show_run()
        self._correcting.show(self._why_not_yet)
        self._show_segments()
        self._export.show()
        self._import.show()
        show_text(self._ui.statusLabel, self._status())

    def _status(self) -> str:
        hint = self._hint()
        if self._news.message and self._correcting.takes_clicks:
            return f"{self._news.message}\n{hint}"
        return self._news.message or hint

    def _hint(self) -> str:
        why_not = telling.why_no_click(self.workspace)
        if self._first_start.missing:
            return ""
        if self._parameters is not None and self._parameters.volume is None:
            return _("Load a scan, or choose one above; Sample Data has one.")
        if self.workspace.volume is None:
            return ""
        if why_not:
            return why_not
        if self._correcting.hint:
            return self._correcting.hint
        if self._ui.segmentsTable.segmentCount:
            return _("Where an organ is wrong press Add or Remove (A, D), then click there.")
        if telling.is_running(self.workspace):
            return _("Looking for the structures. Esc cancels.")
        return _("Press Segment to find every organ of this scan, or name a structure below and press Enter.")

    @property
    def _why_not_yet(self) -> str:
        return _("Install the packages above first.") if self._first_start.missing else ""

    def _show_scan(self) -> None:
        volume = self.workspace.volume
        show_text(self._ui.scanLabel, "" if volume is None else telling.size(volume))
        has_work = volume is not None and bool(self.workspace.annotator.session.annotation)
        self._ui.afreshButton.setVisible(has_work)

    def _show_run(self) -> None:
        ui, workspace = self._ui, self.workspace
        running = telling.is_running(workspace)
        show_text(ui.estimateLabel, "" if running else str(workspace.estimate() or ""))
        ui.segmentButton.setVisible(not running)
        ui.runWidget.setVisible(running)
        enable(ui.segmentButton, self._why_not_yet or telling.why_no_run(workspace))
        self._models.allow(_("Cancel the automatic run first.") if running else "")
        if running:
            percent = telling.percent(workspace)
            ui.runProgress.setMaximum(0 if percent is None else 100)
            ui.runProgress.setValue(-1 if percent is None else int(percent))
            ui.runLabel.setText(telling.progress_of_run(workspace))

    def _show_segments(self) -> None:
        there = self.workspace.volume is not None
        selected = self.workspace.annotator.selected if there else None
        self._table.show_volumes({view.id: view.ml for view in self.workspace.segments()})
        if there:
            known = selected is not None and selected in self.workspace.annotator.segments
            self._table.choose(selected if known else None)
        enable(self._ui.deleteSegmentButton, "" if selected else _("Choose a segment in the table first."))

    def _say(self, sentence: str) -> None:
        self._news.say(sentence)
        self._wake()

    def _fail(self, error: Exception) -> None:
        self._news.fail(error)
        self._wake()


def _show(nodes: Iterable[Any], shown: bool) -> None:
    """Show nodes in the views, or hide them; those of which there is nothing to see stay as they are."""
    for node in nodes:
        display = node.GetDisplayNode()
        if display is not None:
            display.SetVisibility(shown)
