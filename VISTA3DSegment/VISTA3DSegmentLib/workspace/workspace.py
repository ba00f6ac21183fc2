"""What a person works on: one scan at a time, its engine and its annotation; all of it without a window.

Everything runs on the thread of whoever calls; ``pump`` is to be called every few tens of milliseconds while not
``idle``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..anatomy import EVERYTHING
from ..edits import MaskCrop
from ..engine import Progress
from ..errors import PromptError, SegmentationError
from ..evaluation.metrics import volume_ml
from ..files.segments import Segmentation
from ..prompts import Ras, Structure
from ..scene.annotator import SceneAnnotator
from ..scene.latency import Latency
from ..scene.nodes import fractions, remove_with_display, terminology_tag
from ..scene.volumes import volume_of
from ..service import Client
from ..session.annotation import AnnotatedObject, Status, begun
from ..session.journal import Journal
from ..session.session import RunProgress
from ..session.signals import Signal
from ..volume import Volume
from .asking import Asking
from .before_after import BeforeAfter
from .choices import meant_class, named
from .estimate import Estimate, Estimator
from .saving import Format, begin, segmentation_of

if TYPE_CHECKING:
    from ..export.exporting import Wish
    from ..export.source import DicomSource
    from .exporting import Choice

TWICE = "There is another segment of the same name already: {}."
ONLY_THE_NAME = "Only the name has changed: models and exported codes take the segment for what they did before."
BACK = "Your earlier work on this scan is back. To begin anew, choose Start afresh."
UNSAVED = "What was done but not saved is here again."
NOTHING_OPEN = "No scan is open.", "Open one first."


@dataclass(frozen=True)
class SegmentView:
    """A segment as the person sees it in a list.

    Args:
        id: of the segment.
        name: of the structure.
        color: red, green, blue, 0 to 1.
        ml: its volume.
        visible: whether the views show it.
        opacity: in the views, 0 to 1.
        status: how far it is.
        busy: an answer is awaited.
    """

    id: str
    name: str
    color: tuple[float, float, float]
    ml: float
    visible: bool
    opacity: float
    status: Status
    busy: bool


class Workspace:
    """One person's work.

    The engine is started with the first scan and kept for the next ones.

    Args:
        scene: vtkMRMLScene.
        make_client: starts an engine.
        estimator: of the same engine.
        home: folder where journals are kept.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        scene: Any,
        make_client: Callable[[], Client],
        estimator: Estimator,
        home: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._scene, self._make_client, self._clock = scene, make_client, clock
        self._journals = home / "journals"
        self.estimator = estimator
        self.run: Progress | None = None
        self.acted: Signal[bool] = Signal()
        self.said: Signal[str] = Signal()
        self.failed: Signal[SegmentationError] = Signal()
        self.measured: Signal[Latency] = Signal()
        self.changed: Signal[None] = Signal()
        self.asking = Asking(self)
        self._client: Client | None = None
        self._annotator: SceneAnnotator | None = None
        self._journal: Journal | None = None
        self._before_after: BeforeAfter | None = None
        self._leftovers: list[Any] = []
        self._opened: dict[str, Any] = {}
        self._ml: dict[str, tuple[MaskCrop, float]] = {}
        self._arrived: list[str] = []
        self._run_began = 0.0

    # ------------------------------------------------------------------ what is open

    @property
    def annotator(self) -> SceneAnnotator:
        """The annotation of the scan that is open.

        Raises:
            PromptError: none is.
        """
        if self._annotator is None:
            raise PromptError(*NOTHING_OPEN)
        return self._annotator

    def segmentation_now(self, shown_only: bool = False) -> Segmentation:
        """The segments of the scene as they are now, as values.

        Args:
            shown_only: without those that are hidden.

        Raises:
            PromptError: no scan is open.
        """
        self.settle_view()
        self.annotator.keep()
        return segmentation_of(self.annotator, shown_only)

    @property
    def source(self) -> DicomSource | None:
        """The DICOM series of the scan that is open; None: it came from elsewhere."""
        return None

    def export_wish(self, choice: Choice) -> Wish:
        """What is to be exported, as a value; see ``exporting.wish_of``.

        Raises:
            PromptError: no scan is open.
        """
        from .exporting import wish_of  # here: desktop Slicer starts without the packages that write DICOM

        self.settle_view()
        return wish_of(self.annotator, choice, self.source)

    @property
    def volume(self) -> Volume | None:
        """The scan that is open, as the engine sees it."""
        return None if self._annotator is None else self._annotator.session.volume

    def open(self, volume_node: Any, segmentation_node: Any | None = None) -> None:
        """Annotate a scan of the scene; what was open is closed. Earlier work on it comes back.

        Args:
            volume_node: scalar volume.
            segmentation_node: to work in; None: a new one is made.

        Raises:
            VolumeError: it cannot be annotated as it is; what was open stays. ResourceError: there is no room for it;
                what was open is opened again.
        """
        volume = volume_of(volume_node)
        before = self._annotator
        self.close()
        try:
            self._annotate(volume_node, volume, segmentation_node)
        except SegmentationError:
            if before is not None:
                self._annotate(before.volume_node, before.session.volume, before.segmentation_node)
            raise
        if self.annotator.session.annotation and segmentation_node is None:
            self.said.emit(BACK)
        elif self.annotator.recovered:
            self.said.emit(UNSAVED)
        self.changed.emit(None)

    def _annotate(self, volume_node: Any, volume: Volume, segmentation_node: Any | None) -> None:
        if self._client is None:
            self._client = self._make_client()
        journal = Journal(self._journals, volume.sample_key)
        restores = self._restores(volume_node, volume)
        annotator = SceneAnnotator(
            self._scene, volume_node, self._client, segmentation_node, journal, volume=volume, restores=restores
        )
        self._opened[volume.sample_key] = volume_node
        self._annotator, self._journal, self._before_after = annotator, journal, BeforeAfter(annotator)
        annotator.said.connect(self.said.emit)
        annotator.failed.connect(self.failed.emit)
        annotator.failed.connect(self.asking.note_failure)
        annotator.measured.connect(self.measured.emit)
        annotator.outdated.connect(self._outdated)
        annotator.stirred.connect(self.changed.emit)
        annotator.selected_changed.connect(self._look_again)
        annotator.session.acted.connect(self.acted.emit)
        annotator.session.changed.connect(self._look_again)
        annotator.session.progressed.connect(self._progressed)
        annotator.session.answered.connect(lambda answer: self._note_arrival(answer[0]))
        annotator.session.answered.connect(lambda answer: self.asking.note_answer(answer[0]))
        annotator.follows_clicks = True
        self.asking.instruct(annotator)
        self.asking.show_boxes()
        annotator.surfaces.show()

    def _restores(self, volume_node: Any, volume: Volume) -> bool:
        """Whether earlier work may come back: if a scan is loaded twice, that on one is not poured into the other."""
        twin = self._opened.get(volume.sample_key)
        return twin is None or twin is volume_node or twin.GetScene() is None

    def start_afresh(self) -> None:
        """Forget what was done on this scan: its segments, its clicks and its journal."""
        annotator, journal = self.annotator, self._journal
        volume_node = annotator.volume_node
        self.close()
        self._remove_nodes_of(annotator)
        if journal is not None:
            journal.discard()
        self.open(volume_node)

    def close(self) -> None:
        """Close what is open; its nodes and its journal stay, and the engine is there for the next."""
        if self._annotator is None or self._before_after is None:
            return
        annotator, self._annotator = self._annotator, None
        self._before_after.close()
        self._before_after = self.run = None
        self._ml.clear()
        annotator.close()
        self.changed.emit(None)

    def use(self, make_client: Callable[[], Client], estimator: Estimator) -> None:
        """Go on with another engine; what is open is opened again with it, and can no more be undone."""
        annotator = self._annotator
        self.end()
        self._make_client, self.estimator = make_client, estimator
        if annotator is not None:
            self.open(annotator.volume_node, annotator.segmentation_node)
        self.changed.emit(None)

    def end(self) -> None:
        """Close what is open and end the engine."""
        self.close()
        if self._client is not None:
            self._client.close()
            self._client = None

    def _remove_nodes_of(self, annotator: SceneAnnotator) -> None:
        for node in (*annotator.own_nodes, annotator.segmentation_node):
            remove_with_display(node)

    def add(self, segmentation: Segmentation) -> None:
        """Add segments that were read from a file, on the grid of the scan, in one step that can be undone."""
        found = [
            begun(
                Structure(read.name, read.class_id),
                fractions(read.color),
                read.mask,
                {**read.tags, **terminology_tag(read.terminology)},
            )
            for read in segmentation.drawn
        ]
        there = {value.structure.name for value in self.annotator.session.annotation.objects.values()}
        twice = [value.structure.name for value in found if value.structure.name in there]
        if twice:
            self.said.emit(TWICE.format(", ".join(twice)))
        if found:
            only = found[0].structure.name
            self.annotator.bring(f"open {only if len(found) == 1 else f'{len(found)} segments'}", found)
            self.said.emit(f"{only} was added." if len(found) == 1 else f"{len(found)} segments were added.")
        else:
            self.said.emit("No segment was added: the file holds none with a voxel on this scan.")
        for notice in segmentation.notices:
            self.said.emit(notice)

    # ------------------------------------------------------------------ automatic

    @property
    def classes(self) -> tuple[int, ...]:
        """Ids that the model answers automatically; those of "everything" first."""
        known = self.estimator.specification.classes
        return tuple(n for n in EVERYTHING if n in known) + tuple(n for n in known if n not in EVERYTHING)

    def estimate(self) -> Estimate | None:
        """What an automatic run will cost; None: no scan is open."""
        return None if self.volume is None else self.estimator.estimate(self.volume, self._identity)

    def segment(self, class_ids: Sequence[int]) -> None:
        """Segment classes automatically.

        Raises:
            PromptError: the model knows none of them.
        """
        known = [class_id for class_id in class_ids if class_id in self.estimator.specification.classes]
        if not known:
            raise PromptError(
                f"The model {self.estimator.specification.name} knows none of these structures.",
                "Choose others, or describe one by clicks.",
            )
        self._arrived.clear()
        self.annotator.segment(known)
        self._run_began = self._clock()
        self.changed.emit(None)

    @property
    def arrived(self) -> tuple[str, ...]:
        """Names of the structures that the automatic run has brought, the latest last."""
        return tuple(self._arrived)

    def cancel(self) -> None:
        """Stop what is being computed: the automatic run, else take back the latest step if it is not answered yet."""
        session = self.annotator.session
        if session.running:
            session.cancel_run()
            self.said.emit("Cancelled. What had arrived stays.")
        elif session.busy:
            latest = session.history.done[-1:]
            if latest and latest[0].changes.keys() & session.busy:
                self.annotator.undo()
            else:
                self.said.emit("Nothing was cancelled: what is computed was asked before the latest step. Undo both.")
        self.changed.emit(None)

    # ------------------------------------------------------------------ segments

    def begin_structure(self, name: str) -> str:
        """Begin a structure that the person names, in whatever words, and choose it; if there is one already it is that
        one. Without a name it is the next numbered lesion, if the chosen one is not a lesion that has still to be
        described. Returns its id.

        Raises:
            PromptError: several structures are called so, or that one is done.
        """
        chosen = self.annotator.selected
        value = self.annotator.session.annotation.objects.get(chosen or "")
        if not name and chosen is not None and value is not None and _is_bare_lesion(value):
            self.said.emit(f"{value.structure.name} is still empty: click on it, or draw a box around it.")
            return chosen
        title, class_id = named(name, self.classes) if name else ("", None)
        known = self.annotator.prompting.called(title) if title else None
        if known is None:
            return self.annotator.new_structure(title, class_id)
        self.annotator.select(known)
        self.annotator.prompting.check_open(known)
        return known

    def segments(self) -> list[SegmentView]:
        """The segments and the structures begun, as a list for the person."""
        if self._annotator is None:
            return []
        annotation, segments = self._annotator.session.annotation, self._annotator.segments
        ids = dict.fromkeys((*annotation, *(n for n in segments.ids() if n not in annotation)))
        return [self._view_of(segment_id) for segment_id in ids]

    def _view_of(self, segment_id: str) -> SegmentView:
        annotator = self.annotator
        value = annotator.session.annotation.objects.get(segment_id)
        there = segment_id in annotator.segments
        display = annotator.segmentation_node.GetDisplayNode()
        return SegmentView(
            segment_id,
            value.structure.name if value else annotator.segments.name(segment_id),
            value.color if value else annotator.segments.color(segment_id),
            self._ml_of(segment_id, value.mask if value else annotator.segments.read(segment_id)),
            bool(display.GetSegmentVisibility(segment_id)) if there else True,
            float(display.GetSegmentOpacity2DFill(segment_id)) if there else 1.0,
            value.status if value else annotator.segments.status(segment_id),
            segment_id in annotator.session.busy,
        )

    def _ml_of(self, segment_id: str, mask: MaskCrop) -> float:
        known = self._ml.get(segment_id)
        if known is None or known[0] is not mask:
            known = self._ml[segment_id] = (mask, volume_ml(mask, self.annotator.session.volume))
        return known[1]

    def centre_of(self, segment_id: str) -> Ras | None:
        """A position of the world inside a segment, where an axial slice shows most of it; None: it has no voxel."""
        return middle_of(self._mask_of(segment_id), self.annotator.session.volume)

    def _mask_of(self, segment_id: str) -> MaskCrop:
        value = self.annotator.session.annotation.objects.get(segment_id)
        return value.mask if value is not None else self.annotator.segments.read(segment_id)

    def rename(self, segment_id: str, name: str) -> None:
        """Give a segment another name, also one that is done. As when the host's table does it, only the name changes:
        class, codes and colour stay, whatever the name means, and it may be that of another segment; both are said.

        Raises:
            PromptError: the name is empty, there is no such segment, or no scan is open.
        """
        annotator, name = self.annotator, name.strip()
        annotator.take_in()
        annotator.adopt(segment_id)
        value = annotator.session.annotation[segment_id]
        if not name:
            raise PromptError("A segment needs a name.", f"{value.structure.name} keeps its own.")
        if name == value.structure.name.strip():
            return
        if any(view.name == name for view in self.segments()):
            self.said.emit(TWICE.format(name))
        if meant_class(name) not in (None, value.structure.class_id):
            self.said.emit(ONLY_THE_NAME)
        annotator.session.rename(segment_id, replace(value.structure, name=name), value.color)

    def set_visible(self, segment_id: str, visible: bool) -> None:
        """Show a segment in the views, or hide it."""
        self.settle_view()
        self.annotator.segmentation_node.GetDisplayNode().SetSegmentVisibility(segment_id, visible)
        self.changed.emit(None)

    def set_all_visible(self, visible: bool) -> None:
        """Show all segments in the views, or hide them."""
        self.settle_view()
        self.annotator.segmentation_node.GetDisplayNode().SetAllSegmentsVisibility(visible)
        self.changed.emit(None)

    def set_opacity(self, segment_id: str, opacity: float) -> None:
        """How opaque a segment is, in slices and in 3-D."""
        self.annotator.segmentation_node.GetDisplayNode().SetSegmentOpacity(segment_id, opacity)
        self.changed.emit(None)

    def toggle_before(self) -> bool:
        """Show how the last change left things, or how it was before; returns whether it is the latter."""
        if self._before_after is None:
            raise PromptError(*NOTHING_OPEN)
        return self._before_after.toggle()

    @property
    def shows_before(self) -> bool:
        """The views show how it was before the last change."""
        return self._before_after is not None and self._before_after.shown

    def settle_view(self) -> None:
        """Show things as they are, if it is shown how they were."""
        if self._before_after is not None:
            self._before_after.show_after()

    # ------------------------------------------------------------------ saving

    def begin_save(self, folder: Path, form: Format) -> Callable[[], Path]:
        """Save into a folder: what is returned does the rest, in any thread, and returns the file.

        The file's name says nothing of the patient.

        Raises:
            FileFormatError, ResourceError: see ``saving.begin``.
        """
        self.settle_view()
        path = folder / f"segmentation{form.value}"
        finish = begin(self.annotator, path, form, self.said.emit)

        def finished() -> Path:
            finish()
            return path

        return finished

    # ------------------------------------------------------------------ time

    @property
    def idle(self) -> bool:
        """Nothing is under way."""
        return not self._leftovers and (self._annotator is None or self._annotator.idle)

    def pump(self) -> None:
        """Take what the engine has answered and do what is due."""
        while self._leftovers:
            remove_with_display(self._leftovers.pop())
        if self._annotator is not None:
            self._annotator.pump()
            self.asking.pump()

    # ------------------------------------------------------------------ inside

    @property
    def _identity(self) -> str:
        """Of the engine; "" while it is not there."""
        ready = self.annotator.session.ready
        return "" if ready is None else ready.identity

    def _outdated(self, why: str) -> None:
        self.said.emit(why)
        if self._annotator is not None and self._annotator.closed:
            # What is left of it goes when the node that is just being removed has gone.
            self._leftovers += self._annotator.own_nodes
            self.close()

    def _note_arrival(self, object_id: str) -> None:
        value = self.annotator.session.annotation.objects.get(object_id)
        if value is not None:
            self._arrived.append(value.structure.name)

    def _look_again(self, _: object) -> None:
        """Objects changed, or another one is the chosen one."""
        if self._annotator is not None:
            self.asking.show_boxes()
        self.changed.emit(None)

    def _progressed(self, progress: RunProgress) -> None:
        if progress.progress is not None:
            self.run = progress.progress
        elif self.run is not None:
            if self.run.done == self.run.total:
                self.estimator.learn(self._identity, (self._clock() - self._run_began) / max(1, self.run.total))
            self.run = None
        self.changed.emit(None)


def _is_bare_lesion(value: AnnotatedObject) -> bool:
    numbered = re.fullmatch(r"Lesion \d+", value.structure.name) is not None
    return numbered and not value.placed and not value.mask.mask.any()


def middle_of(mask: MaskCrop, volume: Volume) -> Ras | None:
    """The position (RAS, mm) of the voxel nearest to the middle of a mask's largest axial slice; None: it has none.

    Only that slice is looked at closely: an organ has millions of voxels.
    """
    areas = [np.count_nonzero(plane) for plane in mask.mask]
    if not any(areas):
        return None
    largest = int(np.argmax(areas))
    places = np.argwhere(mask.mask[largest])
    nearest = places[np.argmin(((places - places.mean(axis=0)) ** 2).sum(axis=1))]
    k, j, i = np.array((largest, *nearest)) + np.array(mask.start)
    r, a, s = (float(mm) for mm in volume.ras_of((i, j, k)))
    return r, a, s
