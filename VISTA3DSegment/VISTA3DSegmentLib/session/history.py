"""Undo and redo: steps over prompts and voxels together, exact to the bit.

A step is one action of the person. It is there as soon as the person acted; its voxels follow when the engine has
answered. Where an answer never came, because a newer click overtook it, going back to that state asks the engine again
(a mask is a pure function of its prompts), and the steps beside it are put right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ..edits import NOTHING, MaskCrop
from .annotation import AnnotatedObject, Annotation
from .deltas import Delta

MEMORY_BYTES = 256 * 2**20


@dataclass(frozen=True, eq=False)
class Change:
    """What a step did to one object.

    Args:
        before: the object before, without its mask; None: there was none.
        after: likewise, after.
        voxels: the difference of the masks.
        answered: the mask after the step is known.
    """

    before: AnnotatedObject | None
    after: AnnotatedObject | None
    voxels: Delta = Delta()  # noqa: RUF009 (it is immutable)
    answered: bool = True


@dataclass(frozen=True, eq=False)
class Step:
    """One action of the person.

    Args:
        name: what it was, in the person's words.
        changes: by object id.
        number: no other step of a history has it.
        joins: it belongs to the step before it: to the person they are one action.
    """

    name: str
    changes: Mapping[str, Change]
    number: int = 0
    joins: bool = False

    def __str__(self) -> str:
        added = sum(change.voxels.added for change in self.changes.values())
        removed = sum(change.voxels.removed for change in self.changes.values())
        counts = [f"{sign}{count:,}" for sign, count in (("+", added), ("-", removed)) if count]
        return f"{self.name}, {' '.join(counts)} voxels" if counts else self.name

    @property
    def nbytes(self) -> int:
        """Memory of its differences."""
        return sum(len(change.voxels.packed) for change in self.changes.values())

    def masks(self) -> Iterator[MaskCrop]:
        """The masks that it keeps, bases above all; steps share most of them."""
        for change in self.changes.values():
            for value in (change.before, change.after):
                if value is not None:
                    yield from (*value.took.values(), *([] if value.base is None else [value.base]))


class History:
    """Steps that were done, and steps that were undone.

    Args:
        memory_bytes: of all voxels; the oldest steps are forgotten beyond it.
        waiting: objects whose mask the engine still has to tell before any step.
    """

    def __init__(self, memory_bytes: int = MEMORY_BYTES, waiting: frozenset[str] = frozenset()) -> None:
        self._memory_bytes = memory_bytes
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._waiting = set(waiting)
        self._count = 0

    @property
    def done(self) -> tuple[Step, ...]:
        """What can be undone, the latest last."""
        return tuple(self._done)

    @property
    def undone(self) -> tuple[Step, ...]:
        """What can be redone, the next one last."""
        return tuple(self._undone)

    def push(self, name: str, before: Annotation, after: Annotation, waiting: frozenset[str] = frozenset()) -> Step:
        """Record an action.

        Args:
            name: in the person's words.
            before: the annotation before.
            after: the annotation after.
            waiting: objects whose mask the engine still has to tell.
        """
        changes = {}
        for object_id in dict.fromkeys((*before, *after)):
            old, new = (state.objects.get(object_id) for state in (before, after))
            if old is not new:
                known = object_id not in waiting and (not _asks_alike(old, new) or self._answered(object_id))
                changes[object_id] = _change(old, new, known)
        self._count += 1
        step = Step(name, changes, self._count)
        self._done.append(step)
        self._undone.clear()
        self._forget()
        return step

    def join(self) -> None:
        """The latest step belongs to the one before it: a structure is begun with the first that is asked of it."""
        if len(self._done) > 1:
            self._done[-1] = replace(self._done[-1], joins=True)

    def forget_undone(self) -> None:
        """What was undone leads nowhere any more."""
        self._undone.clear()

    def amend(self, after: Annotation, object_id: str) -> None:
        """The latest step goes on (a marker is still being dragged): an object is now as in this annotation."""
        step = self._done[-1]
        change = replace(step.changes[object_id], after=_bare(after[object_id]), answered=False)
        self._done[-1] = _with_change(step, object_id, change)

    def extend(self, step: Step, object_id: str, before: Annotation, after: Annotation, waiting: bool) -> Step:
        """Add an object to a step that brings many, one by one (an automatic run).

        Where a later step has touched the object meanwhile, or the step is forgotten, this becomes a step of its own.
        Undone steps that touch it lead nowhere any more.

        Args:
            step: as it was returned last.
            object_id: of the object that arrived.
            before: the annotation before it arrived.
            after: the annotation with it.
            waiting: the engine still has to tell its mask.

        Returns:
            The step to extend next.
        """
        if any(object_id in undone.changes for undone in self._undone):
            self._undone.clear()
        places = [n for n, known in enumerate(self._done) if known.number == step.number]
        if not places or any(object_id in known.changes for known in self._done[places[0] + 1 :]):
            self.push(step.name, before, after, frozenset({object_id} if waiting else ()))
            return step
        old, new = before.objects.get(object_id), after.objects.get(object_id)
        step = self._done[places[0]]  # answers may have changed it
        change = _joined(step.changes.get(object_id), old, new, not waiting)
        self._done[places[0]] = extended = _with_change(step, object_id, change)
        self._forget()
        return extended

    def drop(self, step: Step) -> None:
        """Forget a step that came to nothing."""
        self._done = [known for known in self._done if known is not step]

    def answer(
        self,
        object_id: str,
        before: AnnotatedObject,
        after: AnnotatedObject,
        taker_id: str = "",
        waiting: bool = False,
    ) -> None:
        """An answer changed an object: that belongs to its latest step, and the next undone step is put right.

        Args:
            object_id: which.
            before: the object before.
            after: the object after.
            taker_id: the object that the answer was for, if this one lost voxels to it or got them back. It belongs to
                the latest step of either then.
            waiting: the engine still has to tell the object's mask.
        """
        for n, step in reversed(list(enumerate(self._undone))):
            if object_id in step.changes or taker_id in step.changes:
                # Where it leads to is as before: what was taken in a state of the past is given back on the way.
                nothing = Change(_bare(before), _bare(before), answered=self._answered(object_id))
                change = step.changes.get(object_id, nothing)
                voxels = _difference(before, after).combined(change.voxels)
                self._undone[n] = _with_change(step, object_id, replace(change, before=_bare(after), voxels=voxels))
                break
        for n, step in reversed(list(enumerate(self._done))):
            if object_id in step.changes or taker_id in step.changes:
                change = _joined(step.changes.get(object_id), before, after, not waiting)
                self._done[n] = _with_change(step, object_id, change)
                self._forget()
                return
        self._waiting.discard(object_id)

    def undo(self, annotation: Annotation) -> tuple[Annotation, frozenset[str]]:
        """Take back the latest step.

        Returns:
            The annotation before it, and the objects whose mask must be asked for again.
        """
        if not self._done:
            return annotation, frozenset()
        step = self._done.pop()
        self._undone.append(step)
        for object_id, change in step.changes.items():
            annotation = _moved(annotation, object_id, change, change.before)
        return annotation, frozenset(self._unanswered(step, annotation))

    def redo(self, annotation: Annotation) -> tuple[Annotation, frozenset[str]]:
        """Do the latest undone step again; returns as ``undo`` does."""
        if not self._undone:
            return annotation, frozenset()
        step = self._undone.pop()
        waiting = set()
        for object_id, change in step.changes.items():
            before = annotation.objects.get(object_id)
            annotation = _moved(annotation, object_id, change, change.after)
            after = annotation.objects.get(object_id)
            step = _with_change(step, object_id, replace(change, voxels=_difference(before, after)))
            if not change.answered:
                waiting.add(object_id)
        self._done.append(step)
        return annotation, frozenset(waiting)

    def _unanswered(self, undone: Step, annotation: Annotation) -> Iterator[str]:
        for object_id in undone.changes:
            if object_id in annotation and not self._answered(object_id):
                yield object_id

    def _answered(self, object_id: str) -> bool:
        changes = (step.changes[object_id] for step in reversed(self._done) if object_id in step.changes)
        return next((change.answered for change in changes), object_id not in self._waiting)

    def _forget(self) -> None:
        while len(self._done) > 1 and self._nbytes() > self._memory_bytes:
            self._done.pop(0)

    def _nbytes(self) -> int:
        steps = [*self._done, *self._undone]
        bases = {id(base): base.mask.nbytes for step in steps for base in step.masks()}
        return sum(step.nbytes for step in steps) + sum(bases.values())


def _change(old: AnnotatedObject | None, new: AnnotatedObject | None, answered: bool) -> Change:
    return Change(_bare(old), _bare(new), _difference(old, new), answered)


def _joined(first: Change | None, old: AnnotatedObject | None, new: AnnotatedObject | None, answered: bool) -> Change:
    """What leads over a change and a second one behind it."""
    second = _change(old, new, answered)
    if first is None:
        return second
    start = first.voxels.onto(old.mask if old is not None else NOTHING)
    voxels = Delta.between(start, new.mask if new is not None else NOTHING)
    return replace(second, before=first.before, voxels=voxels)


def _difference(old: AnnotatedObject | None, new: AnnotatedObject | None) -> Delta:
    return Delta.between(old.mask if old else NOTHING, new.mask if new else NOTHING)


def _bare(value: AnnotatedObject | None) -> AnnotatedObject | None:
    return None if value is None else replace(value, mask=NOTHING)


def _asks_alike(old: AnnotatedObject | None, new: AnnotatedObject | None) -> bool:
    """The mask of both is the same function of the same prompts: only a name, colour or status differs."""
    if old is None or new is None:
        return False
    asks, asked = ((v.structure.class_id, v.engine, v.placed, v.limits) for v in (old, new))
    return asks == asked and old.base is new.base


def _with_change(step: Step, object_id: str, change: Change) -> Step:
    return replace(step, changes={**step.changes, object_id: change})


def _moved(annotation: Annotation, object_id: str, change: Change, to: AnnotatedObject | None) -> Annotation:
    if to is None:
        return annotation.replaced(object_id, None)
    now = annotation.objects.get(object_id)
    return annotation.replaced(object_id, replace(to, mask=change.voxels.onto(now.mask if now else NOTHING)))
