"""Asking for structures by words and boxes, which engine answers, and what a structure was asked with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import PromptError, SegmentationError
from ..scene.annotator import SceneAnnotator
from ..scene.nodes import remove_with_display
from ..session.annotation import AnnotatedObject
from ..session.listing import PromptLine, prompt_lines
from ..session.prompting import Answering
from ..session.signals import Signal
from . import guidance
from .choices import Choice, is_among, meant_class, texts

if TYPE_CHECKING:
    from .workspace import Workspace

VISTA3D, SEGVOL = "vista3d", "segvol"
ENGINES = (Choice(VISTA3D, "VISTA3D"), Choice(SEGVOL, "SegVol"))
"""What can be chosen to answer; VISTA3D is the first engine, which the session calls ""."""
VISTA3D_ANSWERS = "SegVol's model has no words for {}: VISTA3D, which knows it, answers."


@dataclass(frozen=True)
class _Said:
    """Words that an engine has still to answer.

    Args:
        words: as they were typed.
        object_id: of the structure that they are about.
        step: number of the step that asked.
        chosen: what was chosen before.
    """

    words: str
    object_id: str
    step: int
    chosen: str | None


class Asking:
    """See the module; ``refused`` has the words that were refused and taken back, for the field in which they stood.

    Args:
        workspace: whose.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._drawn: Any | None = None
        self._suggested: tuple[tuple[str, ...], list[Choice]] | None = None
        self._waiting: _Said | None = None
        self._refused = False
        self.refused: Signal[str] = Signal()
        self.clicks, self.words = VISTA3D, SEGVOL

    # ------------------------------------------------------------------ who answers

    def answer_with(self, clicks: str = VISTA3D, words: str = SEGVOL) -> None:
        """Choose which engine answers what is asked from now on, on this scan and on others.

        Args:
            clicks: ``VISTA3D`` or ``SEGVOL``, for clicks.
            words: likewise, for texts and boxes.
        """
        self.clicks, self.words = clicks, words
        if self._workspace.volume is not None:
            self.instruct(self._workspace.annotator)

    def instruct(self, annotator: SceneAnnotator) -> None:
        """Tell a new annotation, or one that goes on, who answers."""
        self._waiting = None
        clicks, words = (_in_session(engine) for engine in (self.clicks, self.words))
        annotator.session.answering = Answering(clicks, words, words)

    # ------------------------------------------------------------------ words

    @property
    def texts(self) -> tuple[str, ...]:
        """What SegVol's model was trained with; empty until the engine is there."""
        ready = None if self._workspace.volume is None else self._workspace.annotator.session.ready
        return () if ready is None else ready.texts

    def suggestions(self) -> list[Choice]:
        """What can be named: what SegVol's model was trained with, then what else VISTA3D's knows."""
        if self._suggested is None or self._suggested[0] != self.texts:
            self._suggested = self.texts, texts(self.texts, self._workspace.classes)
        return self._suggested[1]

    def say(self, words: str) -> str:
        """Ask for a structure in words, and choose it. Returns its id.

        If SegVol is to answer, but only VISTA3D's model knows the structure, that answers, and it is said. Words that
        are refused are taken back, with the structure that they began.

        Raises:
            SegmentationError: there are no words, the structure is done, no scan is open, or no engine can be asked.
        """
        annotator, words = self._workspace.annotator, words.strip()
        usual, chosen = annotator.session.answering, annotator.selected
        is_for_vista3d = self._is_for_vista3d(words)
        if is_for_vista3d:
            annotator.session.answering = replace(usual, texts="")
        try:
            object_id = annotator.say(words)
        finally:
            annotator.session.answering = usual
        if is_for_vista3d:
            self._workspace.said.emit(VISTA3D_ANSWERS.format(words))
        asks = object_id in annotator.session.busy
        steps = [step for step in annotator.session.history.done[-1:] if asks and object_id in step.changes]
        self._waiting = _Said(words, object_id, steps[0].number, chosen) if steps else None
        return object_id

    def note_answer(self, object_id: str) -> None:
        """An engine has answered about an object."""
        if self._waiting is not None and self._waiting.object_id == object_id:
            self._waiting = None

    def note_failure(self, error: SegmentationError) -> None:
        """Something was refused, or went wrong."""
        waits = self._waiting is not None and self._waiting.object_id in self._workspace.annotator.session.busy
        self._refused |= isinstance(error, PromptError) and not waits

    def pump(self) -> None:
        """Take words back that were refused: the next box or click would be refused with them."""
        refused, self._refused = self._refused, False
        if not refused or self._waiting is None or self._workspace.volume is None:
            return
        said, self._waiting = self._waiting, None
        annotator = self._workspace.annotator
        if [step.number for step in annotator.session.history.done[-1:]] == [said.step]:
            annotator.withdraw()
            if annotator.selected is None and said.chosen in annotator.session.annotation:
                annotator.select(said.chosen)
            self.refused.emit(said.words)

    def _is_for_vista3d(self, words: str) -> bool:
        if self.words != SEGVOL or not self.texts or is_among(words, self.texts):
            return False
        return meant_class(words) in self._workspace.classes

    # ------------------------------------------------------------------ boxes

    def draw_box(self) -> Any:
        """A vtkMRMLMarkupsROINode for the host's mode in which the mouse places markups.

        When the person has drawn it, it is the box of the chosen structure, or of a new one.

        Raises:
            SegmentationError: no scan is open, or no engine can be asked now.
        """
        self._workspace.annotator.session.check_engine()
        self._drawn = self._workspace.annotator.draw_box()
        self._workspace.changed.emit(None)
        return self._drawn

    @property
    def drawn(self) -> Any | None:
        """The node of ``draw_box`` while it is being drawn, else None."""
        if self._drawn is not None and self._drawn.GetScene() is None:
            self._drawn = None  # it became a box, or was given up
        return self._drawn

    @property
    def drawing(self) -> bool:
        """A box is being drawn."""
        return self.drawn is not None

    def stop_drawing(self) -> None:
        """Give up the box that is being drawn, if there is one; the host's mode is the shell's to end."""
        if self.drawn is not None:
            remove_with_display(self.drawn)
            self._workspace.changed.emit(None)

    def show_boxes(self) -> None:
        """Show the box of the chosen structure only: each has nine handles in every slice."""
        annotator = self._workspace.annotator
        for object_id, node in annotator.boxes.nodes.items():
            node.GetDisplayNode().SetVisibility(object_id == annotator.selected)

    # ------------------------------------------------------------------ what was asked

    def lines(self) -> tuple[PromptLine, ...]:
        """The prompts of the chosen structure, as lines of a list: the text, the box, the clicks."""
        value = self._chosen()
        return () if value is None else prompt_lines(value)

    def forget(self, line_id: str) -> None:
        """Take a prompt of the chosen structure away.

        Args:
            line_id: ``PromptLine.id``.

        Raises:
            PromptError: the structure is done, or there is no such prompt.
        """
        line, annotator = self._line(line_id), self._workspace.annotator
        if line.kind in ("positive", "negative"):
            annotator.delete(line_id)
        elif annotator.selected is not None:
            (annotator.forget_text if line.kind == "text" else annotator.forget_box)(annotator.selected)

    def flip(self, line_id: str) -> None:
        """Make a positive click of the chosen structure negative, or the reverse.

        Raises:
            PromptError: there is no such prompt, or it is no click.
        """
        if self._line(line_id).ras is None or line_id == "box":
            raise PromptError("Only a click has a sign.", "Delete the text or the box instead.")
        self._workspace.annotator.flip(line_id)

    def _line(self, line_id: str) -> PromptLine:
        for line in self.lines():
            if line.id == line_id:
                return line
        raise PromptError("There is no such prompt any more.", "Choose another.")

    # ------------------------------------------------------------------ guidance

    def hint(self, typed: str = "") -> str:
        """What the person should know of what is typed or drawn now, in a sentence."""
        value = self._chosen()
        drawn = "" if not self.drawing else "the new structure" if value is None else value.structure.name
        return guidance.about(typed, self.words == SEGVOL, drawn)

    def _chosen(self) -> AnnotatedObject | None:
        if self._workspace.volume is None:
            return None
        annotator = self._workspace.annotator
        return annotator.session.annotation.objects.get(annotator.selected or "")


def _in_session(engine: str) -> str:
    return "" if engine == VISTA3D else engine
