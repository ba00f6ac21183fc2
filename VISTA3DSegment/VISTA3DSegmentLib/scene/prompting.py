"""What the person says by points, boxes and words, as prompts of the objects that it means."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ..anatomy import class_called, class_of
from ..errors import PromptError, SegmentationError
from ..files.label_maps import label_color
from ..prompts import Box, Click, Ras, Structure, Text
from ..session.annotation import AnnotatedObject, Status
from ..session.prompting import StillComputing
from ..session.targeting import REACH_MM, object_under
from .markups import Point
from .nodes import color_of_class, fractions, terminology_of

if TYPE_CHECKING:
    from .annotator import SceneAnnotator


@dataclass(frozen=True)
class _Prompt:
    """A click or a box that the person gave, and that is seen.

    Args:
        object_id: whose.
        id: of the click; of a box that of the object.
        ask: make it a prompt of the object.
        hide: be seen no more.
    """

    object_id: str
    id: str
    ask: Callable[[], object]
    hide: Callable[[], object]


class Prompting:
    """Listens to the points and boxes of an annotation, and takes what shells say in its name.

    Args:
        annotator: whose.
    """

    def __init__(self, annotator: SceneAnnotator) -> None:
        self._annotator = annotator
        self._drag: tuple[Callable[[], str | None], Callable[[bool], None]] | None = None
        self._waiting: deque[_Prompt] = deque()

    @property
    def waiting(self) -> bool:
        """A prompt, or the next place of one that is being dragged, waits until what was asked before is answered."""
        return self._drag is not None or bool(self._waiting)

    def pump(self) -> None:
        """Send on what waits, as fast as the engines are."""
        if self._drag is not None:
            owner, move = self._drag
            if owner() not in self._annotator.session.busy:
                self._drag = None
                move(True)
        while self._waiting:
            prompt = self._waiting[0]
            try:
                if prompt.object_id in self._annotator.session.annotation:
                    self.check_open(prompt.object_id)
                    prompt.ask()
                else:
                    prompt.hide()
            except StillComputing:
                return
            except SegmentationError as error:
                prompt.hide()
                self._annotator.failed.emit(error)
            self._waiting.popleft()

    def take_back(self) -> bool:
        """Forget the latest prompt that waits; whether there was one."""
        if not self._waiting:
            return False
        self._waiting.pop().hide()
        return True

    def _asks(self, prompt: _Prompt) -> bool:
        """Ask, or wait until the other engine has answered what was asked before; whether it was asked at once."""
        if all(prompt.object_id != before.object_id for before in self._waiting):
            try:
                prompt.ask()
                return True
            except StillComputing as still:
                self._annotator.said.emit(f"{still.what} What you asked follows.")
        self._waiting.append(prompt)
        return False

    def _forget(self, prompt_id: str) -> None:
        """The person took a prompt away; if it waits, it was none yet."""
        self._waiting = deque(prompt for prompt in self._waiting if prompt.id != prompt_id)

    def check_open(self, object_id: str) -> None:
        """Refuse to change an object that is done.

        Raises:
            PromptError: it is done.
        """
        self._annotator.adopt(object_id)
        value = self._annotator.session.annotation[object_id]
        if value.status is Status.DONE:
            raise _done(value)

    # ------------------------------------------------------------------ words and boxes

    def say(self, text: str, object_id: str | None = None) -> str:
        """See ``SceneAnnotator.say``."""
        words = " ".join(Text(text).text.split())
        self._take_in()
        self._annotator.session.check_engine()
        known = object_id or self.called(words)
        object_id = known or self._begun(words)
        self.check_open(object_id)
        self._annotator.session.set_text(object_id, words)
        if known is None:
            self._annotator.session.history.join()
        self._annotator.prompted(object_id)
        return object_id

    def box(self, ras_min: Ras, ras_max: Ras, object_id: str | None = None) -> str:
        """See ``SceneAnnotator.box``."""
        (r, a, s), (r_max, a_max, s_max) = np.sort((ras_min, ras_max), axis=0).tolist()
        box = Box((r, a, s), (r_max, a_max, s_max))
        return self._box(box, object_id, self._annotator.session.set_box)

    def _box(self, box: Box, object_id: str | None, take: Callable[[str, Box], None]) -> str:
        """Say in which box an object lies; whoever takes it makes it a prompt."""
        self._take_in()
        self._annotator.session.check_engine()
        self._annotator.session.volume.check_overlap(box)
        known = object_id or self._annotator.selected
        object_id = known or self._annotator.new_structure()
        self.check_open(object_id)
        take(object_id, box)
        if known is None:
            self._annotator.session.history.join()
        self._annotator.prompted(object_id)
        return object_id

    def forget_text(self, object_id: str) -> None:
        """See ``SceneAnnotator.forget_text``."""
        self._take_in()
        self.check_open(object_id)
        self._annotator.session.set_text(object_id, "")

    def forget_box(self, object_id: str) -> None:
        """See ``SceneAnnotator.forget_box``."""
        self._take_in()
        self.check_open(object_id)
        self._annotator.session.set_box(object_id, None)

    def called(self, words: str) -> str | None:
        """An object or segment that words mean; of several one that may be changed, if there is one."""
        segments, annotation = self._annotator.segments, self._annotator.session.annotation
        name, class_id = _meaning(words)
        known = {n: (value.structure, value.status) for n, value in annotation.objects.items()}
        for n in segments.ids():
            if n not in known:
                known[n] = Structure(segments.name(n), segments.class_id(n)), segments.status(n)
        meant = {
            object_id: status
            for object_id, (structure, status) in known.items()
            if (class_id is not None and structure.class_id == class_id) or structure.name.casefold() == name.casefold()
        }
        return min(meant, key=lambda object_id: meant[object_id] is Status.DONE, default=None)

    def _begun(self, words: str) -> str:
        """A new object that words mean. Of a class that no model here can segment it has the name and the looks."""
        session = self._annotator.session
        name, class_id = _meaning(words)
        answered = class_id if session.ready is None or class_id in session.ready.classes else None
        color = color_of_class(class_id) if class_id else fractions(label_color(len(session.annotation) + 1))
        return session.add(Structure(name, answered), color, tags=terminology_of(class_id))

    # ------------------------------------------------------------------ points

    def flip(self, click_id: str) -> None:
        """Make a positive click negative, or the reverse."""
        self._take_in()
        object_id = self._open_owner_of(click_id)
        if object_id is not None:
            self._annotator.session.flip_click(object_id, click_id)

    def placed(self, point: Point, ras: Ras) -> None:
        """The person placed a point: a click of the object that it means."""
        annotator = self._annotator
        try:
            self._take_in()
            object_id = self._meant(Click(ras, point[0]))
            click_id = self._click_id(point)
            annotator.markups.bind(point, click_id)
            ask = partial(self._click, object_id, point, click_id)
            self._asks(_Prompt(object_id, click_id, ask, partial(annotator.markups.drop, point)))
        except SegmentationError as error:
            annotator.markups.drop(point)
            annotator.failed.emit(error)
            return
        annotator.markups.describe(point, object_id)
        chosen = annotator.selected
        if chosen is not None and object_id != chosen:
            objects = annotator.session.annotation
            meant, other = (objects[n].structure.name for n in (object_id, chosen))
            annotator.said.emit(f"The click went to {meant}, which lies there or nearest, not to {other}.")
        annotator.prompted(object_id, by_hand=annotator.chosen_by_hand and object_id == chosen)

    def moved(self, click_id: str, ras: Ras, dragging: bool) -> None:
        """The person moved a point; while it is held the answer follows as fast as the engine is."""
        self._move(lambda: self._owner_of(click_id), partial(self._move_click, click_id, ras), dragging)

    def removed(self, click_id: str) -> None:
        """The person took a point away."""
        self._forget(click_id)
        if self._let_go():
            object_id = self._open_owner_of(click_id)
            if object_id is not None:
                self._annotator.session.delete_click(object_id, click_id)

    def _click(self, object_id: str, point: Point, click_id: str) -> None:
        ras = self._annotator.markups.positions()[point]  # it may have been moved while it waited
        self._annotator.session.click(object_id, ras, point[0], click_id)

    def _move_click(self, click_id: str, ras: Ras, dragging: bool) -> None:
        object_id = self._open_owner_of(click_id)
        if object_id is None:
            return
        try:
            self._annotator.session.move_click(object_id, click_id, ras, dragging)
        except PromptError as error:
            known = self._annotator.session.annotation[object_id].click(click_id)
            if not dragging:
                self._annotator.markups.show(click_id, known.click, object_id)
                self._annotator.failed.emit(error)

    # ------------------------------------------------------------------ boxes

    def box_moved(self, object_id: str, box: Box, dragging: bool) -> None:
        """The person moved a box; while it is held the answer follows as fast as the engine is."""
        self._move(lambda: object_id, partial(self._move_box, object_id, box), dragging)

    def box_removed(self, object_id: str) -> None:
        """The person took a box away."""
        self._forget(object_id)
        if self._let_go() and self._has_open_box(object_id):
            self._annotator.session.set_box(object_id, None)

    def box_drawn(self, box: Box) -> None:
        """The person drew a box: that of the chosen object, or of a new structure."""
        try:
            self._box(box, None, self._take_drawn)
        except SegmentationError as error:
            self._annotator.failed.emit(error)

    def _take_drawn(self, object_id: str, box: Box) -> None:
        ask = partial(self._annotator.session.set_box, object_id, box)
        if not self._asks(_Prompt(object_id, object_id, ask, partial(self._hide_box, object_id))):
            value = self._annotator.session.annotation[object_id]
            self._annotator.boxes.show(object_id, box, value.structure.name, value.color, locked=True)

    def _hide_box(self, object_id: str) -> None:
        """Show an object's own box again, if it has one, instead of one that waited."""
        value = self._annotator.session.annotation.objects.get(object_id)
        if value is None or value.box is None:
            self._annotator.boxes.hide(object_id)
        else:
            self._annotator.show_box(object_id)

    def _move_box(self, object_id: str, box: Box, dragging: bool) -> None:
        if not self._has_open_box(object_id):
            return
        try:
            self._annotator.session.set_box(object_id, box, dragging)
        except PromptError as error:
            if not dragging:
                self._annotator.show_box(object_id)
                self._annotator.failed.emit(error)

    def _has_open_box(self, object_id: str) -> bool:
        """Whether an object has a box that may be changed; if it is done its box is put back and the person told."""
        value = self._annotator.session.annotation.objects.get(object_id)
        if value is None or value.box is None:
            return False
        if value.status is Status.DONE:
            self._annotator.show_box(object_id)
            self._annotator.failed.emit(_done(value))
            return False
        return True

    # ------------------------------------------------------------------ inside

    def _take_in(self) -> None:
        self._annotator.take_in()

    def _move(self, owner: Callable[[], str | None], move: Callable[[bool], None], dragging: bool) -> None:
        try:
            self._take_in()
        except PromptError as error:
            self._annotator.failed.emit(error) if not dragging else None
            return
        # If its segment was edited meanwhile the prompt is part of it now, and there is nothing to move.
        self._drag = (owner, move) if dragging else None
        if dragging:
            self.pump()
        else:
            move(False)

    def _let_go(self) -> bool:
        """A prompt is gone; whether the annotation can take that in."""
        try:
            self._take_in()
        except PromptError as error:
            self._annotator.failed.emit(error)
            return False
        self._drag = None
        return True

    def _meant(self, click: Click) -> str:
        annotator = self._annotator
        object_id = annotator.selected
        if annotator.follows_clicks:
            volume = annotator.session.volume
            i, j, k = (int(at) for at in np.round(volume.ijk_of(click.ras)))
            di, dj, dk = (int(REACH_MM / spacing) + 1 for spacing in volume.spacing_mm)
            box = (k - dk, j - dj, i - di), (2 * dk + 1, 2 * dj + 1, 2 * di + 1)
            for segment_id in annotator.segments.around(*box):
                annotator.adopt(segment_id)
            hidden = set(annotator.segments.ids()) - set(annotator.segments.shown())
            by_hand = annotator.chosen_by_hand
            object_id = object_under(annotator.session.annotation, volume, click, object_id, by_hand, hidden)
        if object_id is None:
            raise PromptError("No segment is chosen.", "Choose the one to correct, or begin a new structure.")
        self.check_open(object_id)
        return object_id

    def _open_owner_of(self, click_id: str) -> str | None:
        """The object of a click, if it may be changed; if it is done its point is put back and the person told."""
        object_id = self._owner_of(click_id)
        if object_id is None:
            return None
        value = self._annotator.session.annotation[object_id]
        if value.status is not Status.DONE:
            return object_id
        self._annotator.markups.show(click_id, value.click(click_id).click, object_id)
        self._annotator.unsaved(object_id)  # it may be another point now
        self._annotator.failed.emit(_done(value))
        return None

    def _owner_of(self, click_id: str) -> str | None:
        for object_id, value in self._annotator.session.annotation.objects.items():
            if any(placed.id == click_id for placed in value.clicks):
                return object_id
        return None

    def _click_id(self, point: Point) -> str:
        click_id = f"{'+' if point[0] else '-'}{point[1]}"
        annotation = self._annotator.session.annotation
        known = {placed.id for value in annotation.objects.values() for placed in value.clicks}
        while click_id in known:
            click_id += "'"
        return click_id


def _meaning(words: str) -> tuple[str, int | None]:
    """The table's name and class of what words mean; of what it does not know, or knows as several, the words."""
    try:
        class_id = class_called(words)
    except PromptError:  # "kidneys": an engine of words finds both as one
        class_id = None
    return (words, None) if class_id is None else (class_of(class_id).name, class_id)


def _done(value: AnnotatedObject) -> PromptError:
    return PromptError(f"{value.structure.name} is done.", "Set it back to draft to correct it.")
