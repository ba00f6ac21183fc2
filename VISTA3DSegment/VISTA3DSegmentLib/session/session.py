"""A session: a person annotates one volume. Actions in, changes of objects out; an engine is asked in between.

Every action takes effect on the prompts at once and can be undone at once; its voxels follow when the engine answers.
Only ``pump`` hands answers over, on the thread of whoever calls it.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..edits import NOTHING, Edit, MaskCrop
from ..engine import Progress
from ..errors import Cancelled, PromptError, SegmentationError
from ..prompts import Box, Click, Ras, Structure
from ..provenance import NOT_RECORDED, UNKNOWN, Provenance, current_time
from ..service import (
    Answered,
    Broken,
    Client,
    Event,
    Failed,
    Finished,
    Progressed,
    Ready,
    Restarted,
    SegmentRequest,
)
from ..volume import Volume
from .annotation import NO_TAGS, AnnotatedObject, Annotation, Placed, Status, begun
from .history import MEMORY_BYTES, History, Step
from .journal import Journal
from .overwriting import added_by_prompts, exchanged
from .prompting import Answering, joined
from .questions import Questions
from .rules import Anywhere, Rules
from .runs import Run
from .signals import Signal

PUMP_SECONDS = 0.02
"""After so long ``pump`` takes no other answer: the person's thread is theirs."""


@dataclass(frozen=True, eq=False)
class ObjectChanged:
    """One object is no longer as it was.

    Args:
        object_id: which.
        before: None: it is new.
        after: None: it is gone.
    """

    object_id: str
    before: AnnotatedObject | None
    after: AnnotatedObject | None


@dataclass(frozen=True)
class RunProgress:
    """How far the automatic run is; ``progress`` None: it has ended."""

    progress: Progress | None


class Session:
    """The annotation of one volume.

    Args:
        volume: what is annotated.
        client: the engine, wherever it runs, opened on the volume. It is not ended here: it belongs to who made it.
        journal: where every change is kept; None: nowhere.
        history_bytes: memory for undo.
        annotation: to go on with; None: that of the journal, if it holds one.
        rules: what an answer may change.
        is_taken: whether an id must not be given to a new object.
        waiting: objects of the annotation whose mask has still to be asked for.
        saved: the annotation as it was before the work that a crash has left in the journal only; undo leads there,
            if it holds anything.
    """

    def __init__(
        self,
        volume: Volume,
        client: Client,
        journal: Journal | None = None,
        history_bytes: int = MEMORY_BYTES,
        annotation: Annotation | None = None,
        rules: Rules | None = None,
        is_taken: Callable[[str], bool] = lambda _: False,
        waiting: frozenset[str] = frozenset(),
        saved: Annotation | None = None,
    ) -> None:
        self.volume = volume
        self.acted: Signal[bool] = Signal()  # before the person's action takes effect; True: a drag goes on
        self.changed: Signal[ObjectChanged] = Signal()
        self.progressed: Signal[RunProgress] = Signal()
        self.said: Signal[str] = Signal()
        self.failed: Signal[SegmentationError] = Signal()
        self.answered: Signal[tuple[str, Edit]] = Signal()
        self.ready: Ready | None = None
        self.broken: SegmentationError | None = None  # why there is no engine any more
        self.answering = Answering()  # prompts that are placed from now on
        self._client, self._journal = client, journal
        self._rules: Rules = rules if rules is not None else Anywhere()
        self._is_taken = is_taken
        self._questions = Questions(client)
        self._events: deque[Event] = deque()
        if annotation is not None:
            self._record(annotation, waiting)
            self._annotation = annotation
        else:
            self._annotation = journal.restore() if journal is not None else Annotation()
        self._run: Run | None = None
        self._drag: tuple[str, str, int] | None = None  # object, prompt, step
        self._numbers = itertools.count(1)
        self._at_work_since = current_time()
        if saved and saved is not annotation:
            self.history = History(history_bytes)
            self.history.push("restored work", saved, self._annotation, waiting)
        else:  # work that was never saved: there is nothing before it to go back to
            self.history = History(history_bytes, waiting)
        self._ask_all(waiting)

    @property
    def annotation(self) -> Annotation:
        """The objects as they are now."""
        return self._annotation

    @property
    def busy(self) -> frozenset[str]:
        """Objects whose mask is being computed."""
        return self._questions.open

    @property
    def running(self) -> bool:
        """An automatic run is under way."""
        return self._run is not None

    # ------------------------------------------------------------------ objects

    def add(
        self,
        structure: Structure,
        color: tuple[float, float, float],
        mask: MaskCrop | None = None,
        object_id: str = "",
        tags: Mapping[str, str] = NO_TAGS,
    ) -> str:
        """Begin an object; with a mask, its clicks will correct that mask. Returns its id."""
        object_id = object_id or self._free_id("object")
        if object_id in self._annotation:
            raise PromptError(f"There is an object {object_id} already.")
        value = begun(structure, color, mask, tags)
        self._act(f"new {structure.name}", self._annotation.replaced(object_id, value))
        return object_id

    def bring(self, name: str, values: Sequence[AnnotatedObject]) -> None:
        """Add objects that were made elsewhere, in one step of that name."""
        annotation = self._annotation
        for value in values:
            annotation = annotation.replaced(self._free_id("object"), value)
        self._act(name, annotation)

    def remove(self, object_id: str, held: MaskCrop | None = None) -> None:
        """Delete an object.

        Args:
            object_id: which.
            held: what it held in the end, if the person had changed it with another tool: undo brings that back.
        """
        before, name = self._annotation, self._annotation[object_id].structure.name
        self.acted.emit(False)
        edited = before if held is None else before.replaced(object_id, self._settled_as(object_id, held))
        after = before.replaced(object_id, None)
        self._questions.drop(object_id)
        self._record(after, self.busy)
        if held is not None:
            self.history.push(
                f"edit {name}", before, edited, frozenset({object_id} if edited[object_id].placed else ())
            )
        self.history.push(f"delete {name}", edited, after)
        self._tell(before, after)

    def rename(self, object_id: str, structure: Structure, color: tuple[float, float, float]) -> None:
        """Give an object another name, class or colour."""
        before = self._annotation[object_id]
        value = replace(before, structure=structure, color=color)
        asks = before.structure.class_id != structure.class_id and bool(before.placed)
        waiting = frozenset({object_id} if asks else ())
        self._act(f"rename {before.structure.name}", self._annotation.replaced(object_id, value), waiting)

    def set_status(self, object_id: str, status: Status) -> None:
        """Say how far an object is."""
        self.set_statuses([object_id], status)

    def set_statuses(self, object_ids: Iterable[str], status: Status) -> None:
        """Say how far objects are, in one step."""
        after, changed = self._annotation, []
        for object_id in object_ids:
            before = after[object_id]
            if before.status is not status:
                after = after.replaced(object_id, replace(before, status=status))
                changed.append(before.structure.name)
        if changed:
            what = changed[0] if len(changed) == 1 else f"{len(changed)} segments"
            self._act(f"{what}: {status.value}", after)
            self._at_work_since = current_time()

    def adopt(
        self,
        object_id: str,
        structure: Structure,
        color: tuple[float, float, float],
        mask: MaskCrop,
        status: Status = Status.DRAFT,
        tags: Mapping[str, str] = NO_TAGS,
    ) -> None:
        """Know of an object that another tool made. It is no step: undo never takes away what was made elsewhere."""
        value = replace(begun(structure, color, mask, tags), status=status)
        self._become(self._annotation.replaced(object_id, value))

    def rebase(self, object_id: str, mask: MaskCrop, name: str = "edit") -> None:
        """The person changed the voxels with another tool: from now on prompts correct that; none of it is lost.

        Prompts that the engine has answered are in the mask; those that it has not correct the new one.
        """
        value = self._settled_as(object_id, mask)
        made = NOT_RECORDED if self._annotation[object_id].came_unsaid else value.made
        value = replace(value, made=self._worked_on(made, edited=True))
        self._questions.drop(object_id)
        self._questions.note(object_id)
        waiting = frozenset({object_id} if value.placed else ())
        self._act(f"{name} {value.structure.name}", self._annotation.replaced(object_id, value), waiting)

    # ------------------------------------------------------------------ prompts

    def check_engine(self) -> None:
        """Refuse to ask.

        Raises:
            SegmentationError: there is no engine any more that could answer; why.
        """
        if self.broken is not None:
            raise self.broken.with_traceback(None)

    def set_text(self, object_id: str, text: str) -> None:
        """Say in words what an object is; "": say nothing any more. What becomes of earlier prompts: ``prompting``.

        Raises:
            StillComputing: another engine has still to answer. SegmentationError: there is no engine any more.
        """
        before, text = self._annotation[object_id], " ".join(text.split())
        known = self._joined(object_id, self.answering.texts) if text else before
        value = replace(known, text=text)
        if (value.placed, value.engine, value.limits) != (before.placed, before.engine, before.limits):
            self._prompt(object_id, f"{'text for' if text else 'delete text of'} {before.structure.name}", value)

    def set_box(self, object_id: str, box: Box | None, dragging: bool = False) -> None:
        """Say in which box an object lies; None: in none any more. While it is dragged, all moves are one step.

        The engine that answers a box answers it also when it is moved. What becomes of earlier prompts: ``prompting``.

        Raises:
            PromptError: it lies outside the volume. StillComputing: another engine has still to answer.
                SegmentationError: there is no engine any more.
        """
        before = self._annotation[object_id]
        name = before.structure.name
        if box is not None:
            what = f"box for {name}" if before.box is None else f"move box of {name}"
            self._move(object_id, "box", what, lambda: self._with_box(object_id, box), dragging)
        elif before.box is not None:
            self._prompt(object_id, f"delete box of {name}", replace(before, box=None))

    def click(self, object_id: str, ras: Ras, positive: bool = True, click_id: str = "") -> str:
        """Add a click. Returns its id. What becomes of earlier prompts: ``prompting``.

        Raises:
            PromptError: it lies outside the volume. StillComputing: another engine has still to answer.
                SegmentationError: there is no engine any more.
        """
        click = self._inside(Click(ras, positive))
        click_id = click_id or self._free_id("click")
        value = self._joined(object_id, self.answering.clicks, reaches=True).with_click(click_id, click)
        self._prompt(object_id, f"{'+' if positive else '-'} {value.structure.name}", value)
        return click_id

    def move_click(self, object_id: str, click_id: str, ras: Ras, dragging: bool = False) -> None:
        """Put a click elsewhere. While it is dragged, all moves are one step.

        Raises:
            PromptError: no such click, or a place outside the volume.
        """
        before = self._annotation[object_id]
        known = before.click(click_id).click

        def moved() -> AnnotatedObject:
            return before.with_click(click_id, self._inside(replace(known, ras=ras)))

        self._move(object_id, click_id, f"move click of {before.structure.name}", moved, dragging)

    def flip_click(self, object_id: str, click_id: str) -> None:
        """Make a positive click negative, or the reverse."""
        before = self._annotation[object_id]
        click = before.click(click_id).click
        value = before.with_click(click_id, replace(click, positive=not click.positive))
        self._prompt(object_id, f"flip click of {before.structure.name}", value)

    def delete_click(self, object_id: str, click_id: str) -> None:
        """Take a click away."""
        before = self._annotation[object_id]
        self._prompt(object_id, f"delete click of {before.structure.name}", before.without_click(click_id))

    # ------------------------------------------------------------------ automatic

    def segment(
        self, classes: Sequence[int], names: dict[int, str], colors: dict[int, tuple[float, float, float]]
    ) -> None:
        """Segment classes automatically; organs arrive one by one, as one step. Objects that are done stay.

        Args:
            classes: ids.
            names: by class id.
            colors: by class id.
        """
        self.cancel_run()
        done = {value.structure.class_id for value in self._annotation.objects.values() if value.status is Status.DONE}
        wanted = tuple(n for n in dict.fromkeys(classes) if n not in done)
        if not wanted:
            return
        self.acted.emit(False)
        title = names[wanted[0]] if len(wanted) == 1 else f"{len(wanted)} structures"
        step = self.history.push(f"segment {title}", self._annotation, self._annotation)
        limits = self._rules.limits("")
        request_id = self._client.submit(SegmentRequest(wanted, limits.region))
        self._run = Run(request_id, step, names, colors, limits, self._annotation, current_time())

    def cancel_run(self) -> None:
        """End the automatic run at its next window; the organs that have arrived stay."""
        if self._run is not None:
            self._client.cancel(self._run.id)
            self._end_run()

    # ------------------------------------------------------------------ undo

    def undo(self) -> Step | None:
        """Take back the latest action; None if there is none. An automatic run ends with its own step only."""
        step = first = self._travel(back=True)
        while step is not None and step.joins:
            step = self._travel(back=True)
        return first

    def redo(self) -> Step | None:
        """Do what was taken back again; None if there is nothing."""
        step = self._travel(back=False)
        while step is not None and self.history.undone and self.history.undone[-1].joins:
            self._travel(back=False)
        return step

    def withdraw(self) -> None:
        """Take back the latest action for good: it came to nothing, and would again."""
        self.undo()
        self.history.forget_undone()

    # ------------------------------------------------------------------ answers

    def pump(self) -> None:
        """Take the engine's answers; to be called often while something is asked."""
        self._events.extend(self._client.pump())
        begun = time.perf_counter()
        while self._events:
            self._take(self._events.popleft())
            if time.perf_counter() - begun > PUMP_SECONDS:
                return  # a run ends with thirty organs at once: the rest comes with the next calls

    def stop(self) -> None:
        """Ask the engine for nothing any more."""
        self.cancel_run()
        for object_id in self.busy:
            self._questions.drop(object_id)

    def close(self) -> None:
        """End; the journal stays, and so does the engine."""
        self.stop()
        if self._journal is not None:
            self._journal.close()

    def _take(self, event: Event) -> None:
        if isinstance(event, Ready):
            self.ready = event
            for notice in event.notices:
                self.said.emit(notice)
        elif isinstance(event, Restarted):
            self.said.emit(event.why)
        elif isinstance(event, Broken):
            self.broken = event.error
            self.failed.emit(event.error)
        elif self._run is not None and event.id == self._run.id:
            self._take_of_run(self._run, event)
        elif event.id in self._questions:
            self._take_of_job(event)

    def _take_of_run(self, run: Run, event: Progressed | Answered | Finished | Failed) -> None:
        if isinstance(event, Progressed):
            self.progressed.emit(RunProgress(event.progress))
        elif isinstance(event, Answered):
            self._arrive(run, event)
        else:
            if isinstance(event, Failed):
                self.failed.emit(event.error)
            for sentence in run.summary():
                self.said.emit(sentence)
            self._end_run()

    def _arrive(self, run: Run, event: Answered) -> None:
        assert event.class_id is not None
        for notice in event.edit.notices:
            self.said.emit(notice)
        object_id = self._annotation.of_class(event.class_id)
        before = None if object_id is None else self._annotation[object_id]
        if before is not None and before.status is Status.DONE:
            return
        if object_id is not None and before is not None and run.is_edited(object_id, before):
            self.said.emit(f"{before.structure.name} was edited meanwhile: it stays as it is.")
            return
        known = NOTHING if before is None else before.mask
        mask = self._rules.permitted(object_id or "", run.limits, known, run.answer(event.edit, known, self.volume))
        run.note(event.class_id, mask, self.volume)
        if object_id is None:
            if not mask.mask.any():
                return
            object_id = self._free_id("object")
        self._questions.drop(object_id)
        made = UNKNOWN.answered(event.by, current_time())
        value = run.arrived(event.class_id, before, mask, made)
        annotation = self._annotation.replaced(object_id, value)
        run.step = self.history.extend(run.step, object_id, self._annotation, annotation, bool(value.placed))
        self._become(annotation, frozenset({object_id} if value.placed else ()))
        self.answered.emit((object_id, event.edit))

    def _end_run(self) -> None:
        run, self._run = self._run, None
        if run is not None and not run.step.changes:
            self.history.drop(run.step)
        if run is None or self._at_work_since <= run.begun_at:
            self._at_work_since = current_time()  # who only waited for it was not at work
        self.progressed.emit(RunProgress(None))

    def _take_of_job(self, event: Progressed | Answered | Finished | Failed) -> None:
        if isinstance(event, Answered):
            object_id = self._questions.closed(event.id)
            before = self._annotation[object_id]
            base = NOTHING if before.base is None else before.base
            mask = self._rules.permitted(object_id, before.limits, base, event.edit.onto(before.base))
            value = replace(before, mask=mask, made=before.made.answered(event.by, current_time()))
            self.history.answer(object_id, before, value)
            self._questions.note(object_id, before.placed)
            self._become(self._annotation.replaced(object_id, value))
            self._overwrite(object_id)
            for notice in event.edit.notices:
                self.said.emit(notice)
            if event.edit.empty_reason:
                self.said.emit(event.edit.empty_reason)
            self.answered.emit((object_id, event.edit))
        elif isinstance(event, Failed):
            self._questions.closed(event.id)
            if not isinstance(event.error, Cancelled):
                self.failed.emit(event.error)

    def _overwrite(self, object_id: str) -> None:
        """Take what the prompts of an object have added from the others; see ``overwriting``."""
        value = self._annotation[object_id]
        if value.limits.overwrites == "none" and not value.took:
            return
        dragged = self._drag is not None and self._drag[0] == object_id
        added = NOTHING if dragged or value.limits.overwrites == "none" else added_by_prompts(value)
        yielding = self._rules.yielding(object_id, value.limits, added) if added.mask.any() else ()
        took, masks = exchanged(self._annotation, object_id, added, yielding)
        for other_id, mask in masks.items():
            before, after = self._annotation[other_id], self._settled_as(other_id, mask)
            if after.placed != before.placed:
                self.said.emit(f"{before.structure.name} gave way: its earlier prompts are part of it now.")
            self._questions.drop(other_id)
            self._questions.note(other_id)
            self.history.answer(other_id, before, after, object_id, waiting=bool(after.placed))
            waiting = frozenset({other_id} if after.placed else ())
            self._become(self._annotation.replaced(other_id, after), waiting)
        if took or value.took:
            after = replace(value, took=took)
            self.history.answer(object_id, value, after)
            self._become(self._annotation.replaced(object_id, after))

    # ------------------------------------------------------------------ inside

    def _joined(self, object_id: str, engine: str, reaches: bool = False) -> AnnotatedObject:
        """The object as a new prompt finds it, which an engine will answer."""
        self.check_engine()
        limits = self._rules.limits(object_id)
        if self.ready is not None and engine in self.ready.engines[:1]:
            engine = ""
        value, why = joined(
            self._annotation[object_id],
            engine,
            limits if reaches else replace(limits, reach_mm=None),
            self._unanswered(object_id),
        )
        if why:
            self.said.emit(why)
            self._questions.note(object_id)
        return value

    def _with_box(self, object_id: str, box: Box) -> AnnotatedObject:
        self.volume.check_overlap(box)
        before = self._annotation[object_id]
        return replace(before if before.box is not None else self._joined(object_id, self.answering.boxes), box=box)

    def _move(
        self, object_id: str, prompt: str, name: str, moved: Callable[[], AnnotatedObject], dragging: bool
    ) -> None:
        """A prompt is elsewhere; while it is dragged, all its places are one step."""
        before = self._annotation[object_id]
        goes_on = self._drag == (object_id, prompt, self._latest())
        self._drag = None  # also by a place that is refused
        try:
            value = moved()
            if value.placed != before.placed:
                self._prompt(object_id, name, value, amend=goes_on)
            if dragging and (goes_on or value.placed != before.placed):
                self._drag = (object_id, prompt, self._latest())
        finally:
            if not dragging and object_id not in self.busy:
                self._overwrite(object_id)

    def _prompt(self, object_id: str, name: str, value: AnnotatedObject, amend: bool = False) -> None:
        self._questions.drop(object_id)
        value = replace(value, made=self._worked_on(value.made))
        if not value.placed:
            value = replace(value, mask=NOTHING if value.base is None else value.base)
            self._questions.note(object_id)
        after = self._annotation.replaced(object_id, value)
        waiting = frozenset({object_id} if value.placed else ())
        if amend:
            self.acted.emit(True)
            self.history.amend(after, object_id)
            self._become(after, waiting)
        else:
            self._act(name, after, waiting)
        if not value.placed:
            self._overwrite(object_id)

    def _worked_on(self, made: Provenance, edited: bool = False) -> Provenance:
        """How an object came about, with the time that the person has just given to it."""
        since, self._at_work_since = self._at_work_since, current_time()
        return made.acted(since, self._at_work_since, edited)

    def _latest(self) -> int:
        return self.history.done[-1].number if self.history.done else 0

    def _unanswered(self, object_id: str) -> tuple[Placed, ...]:
        return self._questions.unanswered(object_id, self._annotation[object_id])

    def _settled_as(self, object_id: str, mask: MaskCrop) -> AnnotatedObject:
        """The object with a mask that its prompts correct from now on; those that are answered are part of it."""
        return self._annotation[object_id].settled(mask, self._unanswered(object_id))

    def _travel(self, back: bool) -> Step | None:
        steps = self.history.done if back else self.history.undone
        if not steps:
            return None
        self.acted.emit(False)
        self._drag = None
        step = steps[-1]
        if self._run is not None and self._run.step.number == step.number:
            self.cancel_run()
            self.said.emit("The automatic run was cancelled.")
            if not step.changes:  # it has brought nothing yet: to cancel it is to take it back
                return step
        for object_id in step.changes:
            self._questions.drop(object_id)
            self._questions.note(object_id)
        annotation, waiting = (self.history.undo if back else self.history.redo)(self._annotation)
        self._become(annotation, waiting)
        return step

    def _act(self, name: str, after: Annotation, waiting: frozenset[str] = frozenset()) -> None:
        """The person did something. The engine has to tell the masks of the objects that are waiting."""
        self.acted.emit(False)
        self.history.push(name, self._annotation, after, waiting)
        self._become(after, waiting)

    def _become(self, after: Annotation, waiting: frozenset[str] = frozenset()) -> None:
        before = self._annotation
        self._record(after, waiting | self.busy)
        self._tell(before, after)
        self._ask_all(waiting)

    def _ask_all(self, waiting: frozenset[str]) -> None:
        for object_id in sorted(waiting):  # the order decides who answers first
            self._questions.ask(object_id, self._annotation[object_id])

    def _record(self, annotation: Annotation, waiting: frozenset[str]) -> None:
        if self._journal is not None:
            try:
                self._journal.append(annotation, waiting)
            except SegmentationError as error:
                self.failed.emit(error)

    def _tell(self, before: Annotation, after: Annotation) -> None:
        self._annotation = after
        for object_id in dict.fromkeys((*before, *after)):
            old, new = before.objects.get(object_id), after.objects.get(object_id)
            if old is not new:
                self.changed.emit(ObjectChanged(object_id, old, new))

    def _inside(self, click: Click) -> Click:
        self.volume.check_inside(click.ras)
        return click

    def _free_id(self, kind: str) -> str:
        known: Iterable[str] = {
            *self._annotation,
            *(placed.id for value in self._annotation.objects.values() for placed in value.clicks),
        }
        return next(name for n in self._numbers if (name := f"{kind}-{n}") not in known and not self._is_taken(name))
