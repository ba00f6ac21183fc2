"""An annotation in the scene: what the person does to points and segments goes into a session, voxels come back.

Everything runs on the thread of whoever calls; ``pump`` is to be called every few tens of milliseconds while not
``idle``.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import slicer
import vtk

from ..anatomy import class_of
from ..edits import MaskCrop
from ..errors import PromptError, SegmentationError
from ..files.label_maps import label_color
from ..prompts import Ras, Structure
from ..provenance import TAG, provenance_tag
from ..service import Client
from ..session.annotation import NO_TAGS, AnnotatedObject, Status
from ..session.history import Step
from ..session.journal import Journal
from ..session.rules import Limits
from ..session.session import ObjectChanged, Session
from ..session.signals import Signal
from ..terminology import LESION, entry_of
from ..volume import Volume
from .boxes import Boxes
from .difference import Difference
from .events import Observers
from .labelmaps import Lattice
from .latency import Stopwatch
from .markups import PromptMarkups
from .nodes import box_of, color_of_class, fractions, new_segmentation, terminology_of, terminology_tag, told_once
from .places import Places
from .prompting import Prompting
from .recalling import recalled
from .records import Records
from .rules import EditorRules
from .segments import Segments
from .surfaces import Surfaces
from .volumes import volume_of


class SceneAnnotator:
    """The annotation of one volume node.

    Args:
        scene: vtkMRMLScene.
        volume_node: scalar volume to be annotated.
        client: the engine. It is opened on the volume here and belongs to who made it: when this annotation is closed
            it can serve another one.
        segmentation_node: existing one to work in; None: a new one is made.
        journal: survives a crash; None: nothing does. What it holds comes back into a new segmentation, unless the
            scene has work on the volume already; into an existing one only what goes on from its own records.
        editor_node: vtkMRMLSegmentEditorNode whose masks and overwrite mode are honoured; see ``EditorRules`` for the
            mode that it must have.
        clock: seconds, monotonic.
        restores: what the journal holds comes back, where nothing else speaks against it.
        volume: the volume node as ``volume_of`` has read it, if the caller has done that already.

    Raises:
        VolumeError: the volume cannot be annotated as it is. ResourceError: the client has no room for it. In either
            case the scene is as before.

    ``recovered`` says whether the journal brought back what the scene had not kept.
    """

    def __init__(
        self,
        scene: Any,
        volume_node: Any,
        client: Client,
        segmentation_node: Any | None = None,
        journal: Journal | None = None,
        editor_node: Any | None = None,
        clock: Callable[[], float] = time.monotonic,
        volume: Volume | None = None,
        restores: bool = True,
    ) -> None:
        volume = volume_of(volume_node) if volume is None else volume
        works_in_it = segmentation_node is not None
        if segmentation_node is not None:
            segments = Segments(segmentation_node, Lattice.of(volume, segmentation_node))
        client.open(volume)
        # From here on nothing is refused: only now nodes are made.
        if segmentation_node is None:
            segmentation_node = new_segmentation(scene, volume_node)
            segments = Segments(segmentation_node, Lattice.of(volume, segmentation_node))
        self.scene, self.volume_node, self.segmentation_node = scene, volume_node, segmentation_node
        self.said: Signal[str] = Signal()
        self.failed: Signal[SegmentationError] = Signal()
        self.selected_changed: Signal[str | None] = Signal()
        self.outdated: Signal[str] = Signal()
        self.stirred: Signal[None] = Signal()
        self.follows_clicks = False
        self.roi_node: Any | None = None
        self.reach_mm: float | None = None
        self._journal, self._stopwatch = journal, Stopwatch(clock)
        self.measured = self._stopwatch.measured
        self.segments = segments
        self.rules = EditorRules(segments, volume, editor_node)
        self.surfaces = Surfaces(segmentation_node, clock)
        transform_id = volume_node.GetTransformNodeID()
        self.difference = Difference(scene, segments.lattice, transform_id, clock)
        records = Records.find(scene, volume, volume_node, segmentation_node)
        self.prompting = Prompting(self)
        lists = records.lists if records is not None else None
        self.markups = PromptMarkups(scene, self.prompting, lists, transform_id)
        self.boxes = Boxes(scene, self.prompting, segmentation_node, transform_id, clock, self._stir)
        begins_anew = records is None and (works_in_it or not restores or Records.of_volume(scene, volume_node))
        beginning = recalled(records, journal, segments, self.markups, self.boxes, restores=not begins_anew)
        self.records = records or Records.begin(scene, volume, volume_node, segmentation_node, self.markups.nodes)
        self.session = Session(
            volume,
            client,
            journal,
            annotation=beginning.annotation,
            rules=self,
            waiting=beginning.waiting,
            saved=beginning.saved,
            is_taken=lambda segment_id: segment_id in self.segments,
        )
        self._selected: str | None = None
        self._chosen_by_hand = True
        self._last_change: tuple[MaskCrop, MaskCrop] | None = None
        self._shown_step: int | None = None
        self._unsaved: set[str] = set()
        self._removing = self._closed = self._stirred = False
        self._places = Places(volume_node, (segmentation_node, *self.markups.nodes.values()))
        self._complaint = ""
        self._observers = Observers()
        self._listen()
        self._early: list[Callable[[], None]] = [partial(self.failed.emit, error) for error in beginning.errors]
        self.recovered = beginning.annotation is not beginning.saved
        before, after = beginning.saved.objects, beginning.annotation.objects
        with told_once(segmentation_node):
            for object_id in dict.fromkeys((*before, *after)):
                self._changed(ObjectChanged(object_id, before.get(object_id), after.get(object_id)))
        for point in self.markups.strays():
            self.markups.drop(point)  # of segments that were changed meanwhile: they hold what it did
        for object_id in self.boxes.nodes.keys() - after.keys():
            self.boxes.hide(object_id)

    # ------------------------------------------------------------------ what the person chooses

    @property
    def selected(self) -> str | None:
        """The object that clicks correct."""
        return self._selected

    def select(self, object_id: str | None) -> None:
        """Choose an object, or a segment that another tool made; None: no object."""
        if object_id is not None:
            self.adopt(object_id)
        self._chosen_by_hand = True
        if object_id != self._selected:
            self._selected = object_id
            self.selected_changed.emit(object_id)

    def new_structure(self, name: str = "", class_id: int | None = None) -> str:
        """Begin a structure and choose it. Without a name it is the next numbered lesion, and one in codes, whatever
        it is called later. Returns its id."""
        self.take_in()
        count = len(self.session.annotation)
        names = {value.structure.name for value in self.session.annotation.objects.values()}
        names |= {self.segments.name(segment_id) for segment_id in self.segments.ids()}
        tags = NO_TAGS if name else terminology_tag(entry_of(LESION))
        name = name or next(text for n in itertools.count(1) if (text := f"Lesion {n}") not in names)
        color = color_of_class(class_id) if class_id is not None else fractions(label_color(count + 1))
        object_id = self.session.add(Structure(name, class_id), color, tags=tags)
        self.select(object_id)
        return object_id

    def segment(self, class_ids: Sequence[int]) -> None:
        """Segment classes automatically; each becomes a segment as soon as it is found."""
        self.take_in()
        rows = [class_of(class_id) for class_id in class_ids]
        self.session.segment(
            class_ids, {row.id: row.name for row in rows}, {row.id: color_of_class(row.id) for row in rows}
        )

    def click(self, ras: Ras, positive: bool = True) -> None:
        """Click at a position of the world (RAS, mm), as if the person had placed a point there."""
        self.markups.nodes[positive].AddControlPointWorld(*ras)

    def flip(self, click_id: str) -> None:
        """Make a positive click negative, or the reverse."""
        self.prompting.flip(click_id)

    def delete(self, click_id: str) -> None:
        """Take a click away."""
        self.prompting.removed(click_id)

    def say(self, text: str, object_id: str | None = None) -> str:
        """Ask for a structure in words, and choose it. Returns its id.

        Args:
            text: the words.
            object_id: what they are about; None: the structure that they mean, which is begun if there is none yet. One
                of the anatomy table has its name, colour and codes.

        Raises:
            SegmentationError: there are no words, the object is done, or no engine can be asked now.
        """
        return self.prompting.say(text, object_id)

    def box(self, ras_min: Ras, ras_max: Ras, object_id: str | None = None) -> str:
        """Say in which box a structure lies, and choose it. Returns its id.

        Args:
            ras_min: a corner (RAS of the world, mm).
            ras_max: the corner across.
            object_id: what lies in it; None: the chosen object, or a new structure if none is chosen.

        Raises:
            SegmentationError: the box is flat or lies outside the scan, the object is done, or no engine can be asked.
        """
        return self.prompting.box(ras_min, ras_max, object_id)

    def forget_text(self, object_id: str) -> None:
        """Take the words away with which a structure was asked for.

        Raises:
            PromptError: the object is done.
        """
        self.prompting.forget_text(object_id)

    def forget_box(self, object_id: str) -> None:
        """Take the box of a structure away.

        Raises:
            PromptError: the object is done.
        """
        self.prompting.forget_box(object_id)

    def draw_box(self) -> Any:
        """A vtkMRMLMarkupsROINode for the host's mode in which the mouse places markups.

        When the person has drawn it, it is taken as the box of the chosen object, or of a new structure.
        """
        return self.boxes.draw()

    def bring(self, name: str, values: Sequence[AnnotatedObject]) -> None:
        """Add objects that were made elsewhere, in one step of that name."""
        self.take_in()
        with told_once(self.segmentation_node):
            self.session.bring(name, values)

    def remove(self, object_id: str) -> None:
        """Delete an object and its segment.

        Raises:
            PromptError: the object is done.
        """
        self.take_in()
        self.prompting.check_open(object_id)
        self.session.remove(object_id)

    def set_status(self, object_id: str, status: Status) -> None:
        """Say how far an object is; one that is done is protected."""
        self.set_statuses([object_id], status)

    def set_statuses(self, object_ids: Sequence[str], status: Status) -> None:
        """Say how far objects are, in one step."""
        self.take_in()
        with told_once(self.segmentation_node):
            for object_id in object_ids:
                self.adopt(object_id)
            self.session.set_statuses(object_ids, status)

    def undo(self) -> Step | None:
        """Take back the latest action, also one of another tool on these segments. A prompt that waits is no step yet:
        it is only forgotten."""
        if self.prompting.take_back():
            return None
        self.take_in()
        with told_once(self.segmentation_node):
            return self.session.undo()

    def withdraw(self) -> None:
        """Take back the latest action for good: it came to nothing, and would again."""
        with told_once(self.segmentation_node):
            self.session.withdraw()

    def redo(self) -> Step | None:
        """Do what was taken back again."""
        self.take_in()
        with told_once(self.segmentation_node):
            return self.session.redo()

    def accept(self) -> None:
        """The last change is right."""
        self._last_change = None
        self.difference.hide()

    def reject(self) -> Step | None:
        """The last change is wrong: take it back, if nothing else was done since."""
        self.take_in()
        latest = self.session.history.done[-1:]
        is_latest = bool(latest) and latest[0].number == self._shown_step and not self.prompting.waiting
        step = self.undo() if is_latest else None
        self.accept()
        return step

    # ------------------------------------------------------------------ time

    @property
    def idle(self) -> bool:
        """Nothing is under way: ``pump`` need not be called."""
        session = self.session
        waiting = session.busy or session.running or (session.ready is None and not session.broken)
        return bool(self._complaint) or not (
            waiting
            or self.surfaces.waiting
            or self.difference.fading
            or self._unsaved
            or self.prompting.waiting
            or self.boxes.waiting
            or self._last_change
            or self._stirred
        )

    def pump(self) -> None:
        """Take what the engine has answered and do what is due."""
        while self._early:
            self._early.pop(0)()
        if self._complaint:
            return
        self._stirred = False
        self._notice()
        self._stopwatch.pumped()
        with told_once(self.segmentation_node):
            self.session.pump()
        self.prompting.pump()
        self.boxes.pump()
        self._show_change()
        for segment_id in self.surfaces.pump():
            self._stopwatch.surface_renewed(segment_id)
        self.difference.pump()
        if self._unsaved:
            self._keep(next(iter(self._unsaved)))

    def _show_change(self) -> None:
        if self._last_change is not None:  # after the segment itself, which must not wait for it
            self.difference.show(*self._last_change)
            self._last_change = None

    def keep(self) -> None:
        """Write down in the scene all that it needs to come back as it is.

        Who saves a scene calls this first, if they can: no host says that it is about to save (Slicer 5.13 defines a
        ``StartSaveEvent`` and never invokes it). ``pump`` does it too, for one object at a time and a moment late:
        clicks of that moment would be lost with a scene that is saved in it, and what they did could not be moved.
        """
        if not self._complaint and self.segmentation_node.GetScene() is not None:
            self._notice()
        for object_id in tuple(self._unsaved):
            self._keep(object_id)

    def _keep(self, object_id: str) -> None:
        self._unsaved.discard(object_id)
        value = self.session.annotation.objects.get(object_id)
        if value is None:
            self.records.forget(object_id)
        else:
            points = {click_id: point for point, click_id in self.markups.clicks().items()}
            self.records.keep(object_id, value, points, object_id in self.session.busy)
            if object_id in self.segments:
                for tag, text in provenance_tag(value.provenance).items():
                    self.segments.note(object_id, tag, text)
        if not self._unsaved:
            self.records.mark = "" if self._journal is None else self._journal.mark

    def close(self) -> None:
        """End; segments, points and records stay in the scene, and the client is there for the next annotation."""
        if self._closed:
            return
        self._closed = True
        while self.prompting.take_back():
            pass
        self.keep()
        self._observers.clear()
        self.markups.close()
        self.boxes.close()
        self.difference.close()
        self.session.close()

    @property
    def own_nodes(self) -> tuple[Any, ...]:
        """Nodes of the scene that belong to the annotation and to nobody else: records, points, boxes."""
        return self.records.node, *self.prompt_nodes

    @property
    def prompt_nodes(self) -> tuple[Any, ...]:
        """Nodes of the scene in which prompts are seen: points, boxes."""
        return *self.markups.nodes.values(), *self.boxes.nodes.values()

    @property
    def closed(self) -> bool:
        """It has ended: by ``close``, or because a node or the scene went away."""
        return self._closed

    @property
    def complaint(self) -> str:
        """Why it has to be opened again, in a sentence: something was moved; "": it need not."""
        return self._complaint

    # ------------------------------------------------------------------ for ``Prompting``

    @property
    def chosen_by_hand(self) -> bool:
        """The chosen object was chosen by the person, not because an earlier prompt was about it."""
        return self._chosen_by_hand

    def prompted(self, object_id: str, by_hand: bool = True) -> None:
        """The person gave an object a prompt: it is the chosen one now, and seen."""
        self._stopwatch.clicked(object_id)
        if object_id in self.segments:
            self.segmentation_node.GetDisplayNode().SetSegmentVisibility(object_id, True)
        self.select(object_id)
        self._chosen_by_hand = by_hand

    def unsaved(self, object_id: str) -> None:
        """What the scene keeps of an object is no longer right."""
        self._unsaved.add(object_id)

    def show_box(self, object_id: str) -> None:
        """Make sure that the region of an object, which has a box, is where the box is."""
        value = self.session.annotation[object_id]
        if value.box is not None:
            name, done = value.structure.name, value.status is Status.DONE
            self.boxes.show(object_id, value.box, name, value.color, locked=done)

    def take_in(self) -> None:
        """Before the person's action: is everything where it was, and what have other tools done?

        Raises:
            PromptError: the annotation has to be opened again.
        """
        self._look_at_places()
        if self._complaint:
            raise PromptError(self._complaint)
        self._notice()

    def adopt(self, object_id: str) -> None:
        """Know of an object also if another tool made it.

        Raises:
            PromptError: there is none.
        """
        if object_id not in self.session.annotation and object_id in self.segments:
            structure = Structure(self.segments.name(object_id), self.segments.class_id(object_id))
            if not self.segments.on_lattice(object_id):
                self.said.emit(f"{structure.name} was made on another grid: it is resampled to that of the scan.")
            mask = self.segments.read(object_id)
            status, made = self.segments.status(object_id), self.segments.tag(object_id, TAG)
            tags = {TAG: made} if made else NO_TAGS
            self.session.adopt(object_id, structure, self.segments.color(object_id), mask, status, tags)
        _ = self.session.annotation[object_id]

    # ------------------------------------------------------------------ session.rules.Rules

    def limits(self, object_id: str) -> Limits:
        """See ``session.rules.Rules.limits``."""
        region = None if self.roi_node is None else box_of(self.roi_node)
        return replace(self.rules.limits(object_id), region=region, reach_mm=self.reach_mm)

    def permitted(self, object_id: str, limits: Limits, base: MaskCrop, answer: MaskCrop) -> MaskCrop:
        """See ``session.rules.Rules.permitted``."""
        return self.rules.permitted(object_id, limits, base, answer)

    def yielding(self, object_id: str, limits: Limits, added: MaskCrop) -> tuple[str, ...]:
        """See ``session.rules.Rules.yielding``."""
        yielding = self.rules.yielding(object_id, limits, added)
        for other_id in yielding:
            self.adopt(other_id)
        return yielding

    # ------------------------------------------------------------------ from the scene

    def _listen(self) -> None:
        self.session.changed.connect(self._changed)
        self.session.said.connect(self.said.emit)
        self.session.failed.connect(self.failed.emit)
        self.session.answered.connect(lambda answer: self._stopwatch.written(answer[0]))
        segmentation = self.segmentation_node.GetSegmentation()
        self._observers.add(segmentation, slicer.vtkSegmentation.SegmentRemoved, self._segment_removed)
        for event in (slicer.vtkSegmentation.SegmentModified, slicer.vtkSegmentation.SourceRepresentationModified):
            self._observers.add(segmentation, event, self._stir)
        self._observers.add(self.scene, slicer.vtkMRMLScene.StartCloseEvent, self.close)
        self._observers.add_with_object(self.scene, slicer.vtkMRMLScene.NodeAboutToBeRemovedEvent, self._node_removed)
        moved = slicer.vtkMRMLTransformableNode.TransformModifiedEvent
        for event in (moved, slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent, vtk.vtkCommand.ModifiedEvent):
            self._observers.add(self.volume_node, event, self._look_at_places)
        for node in (self.segmentation_node, *self.markups.nodes.values()):
            self._observers.add(node, moved, self._look_at_places)

    def _stir(self) -> None:
        """A segment was changed, by whomever: there is something to notice."""
        if not self._stirred:
            self._stirred = True
            self.stirred.emit(None)

    def _notice(self) -> None:
        """Take in what other tools did to our segments, before anything else happens to them."""
        mine = [object_id for object_id in self.session.annotation if object_id in self.segments]
        for object_id, mask in self.segments.edited(mine).items():
            if self.session.annotation[object_id].placed:
                self.said.emit(f"{self.segments.name(object_id)} was edited: its earlier prompts are part of it now.")
            self.session.rebase(object_id, mask)
        for object_id in mine:
            value = self.session.annotation[object_id]
            name, color = self.segments.name(object_id), self.segments.color(object_id)
            status = self.segments.status(object_id)
            if status is not value.status and object_id not in self._unsaved:
                self.session.set_status(object_id, status)
            if name != value.structure.name or max(abs(a - b) for a, b in zip(color, value.color, strict=True)) > 1e-6:
                self.session.rename(object_id, Structure(name, value.structure.class_id), color)

    def _segment_removed(self) -> None:
        if self._removing:
            return
        for object_id, held in self.segments.vanished().items():
            if object_id in self.session.annotation:
                self.session.remove(object_id, held)

    def _node_removed(self, node: Any) -> None:
        if node in (self.volume_node, self.segmentation_node, *self.markups.nodes.values()):
            self.close()
            self.outdated.emit(f"{node.GetName()} was removed: the annotation has ended.")

    def _look_at_places(self) -> None:
        if self._complaint or self._closed:
            return
        complaint = self._places.complaint()
        if complaint:
            self.keep()  # what is being computed is asked for again when the annotation is opened again
            self._complaint = complaint
            self.session.stop()
            self.outdated.emit(complaint)

    # ------------------------------------------------------------------ into the scene

    def _changed(self, change: ObjectChanged) -> None:
        object_id, before, after = change.object_id, change.before, change.after
        if after is None or after.box is None:
            self.boxes.hide(object_id)
        for placed in before.clicks if before is not None else ():
            if after is None or all(placed.id != kept.id for kept in after.clicks):
                self.markups.hide(placed.id)
        if after is None:
            if object_id in self.segments:
                self._removing = True
                self.segments.remove(object_id)
                self._removing = False
            if object_id == self._selected:
                self.select(None)
        else:
            self._write(object_id, before, after)
            for placed in after.clicks:
                self.markups.show(placed.id, placed.click, object_id)
            self.show_box(object_id)
        self._unsaved.add(object_id)

    def _write(self, object_id: str, before: AnnotatedObject | None, after: AnnotatedObject) -> None:
        exists = object_id in self.segments
        if not exists and not after.mask.mask.any():
            return
        if not exists:
            class_id = after.structure.class_id
            # With its tags from the beginning: each that is noted later has every view of the host drawn anew.
            tags = {**terminology_of(class_id), **after.tags, **provenance_tag(after.provenance)}
            self.segments.create(object_id, after.structure.name, after.color, class_id, tags, after.status)
        unlike = before is None or before.mask is not after.mask or not exists
        if unlike and self.segments.write(object_id, after.mask):
            self.surfaces.touch(object_id)
            latest = self.session.history.done[-1].number if self.session.history.done else None
            # Of a step that changes several the first is shown: others only give way to it.
            if (
                before is not None
                and not self.session.running
                and (not self._last_change or latest != self._shown_step)
            ):
                self._last_change, self._shown_step = (before.mask, after.mask), latest
        self.segments.describe(object_id, after.structure.name, after.color, after.status)
