"""The part of the panel in which a person corrects: by clicks, boxes and names, step by step and back again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from ..scene.latency import Latency
from ..workspace import telling
from ..workspace.workspace import Workspace
from .mouse import Mouse
from .naming import Naming
from .prompt_list import PromptList
from .views import Views
from .widgets import enable, fill, set_checked, show_text


class CorrectingSection:
    """See the module.

    Args:
        ui: widgets of the panel.
        application: qSlicerApplication.
        workspace: in which the person corrects.
        views: in which the person clicks.
        act: does what the person asked; whatever goes wrong is told.
        wake: called when there is something else to show; ``settle`` is to be called soon.
    """

    def __init__(
        self,
        ui: Any,
        application: Any,
        workspace: Workspace,
        views: Views,
        act: Callable[[Callable[[], object]], None],
        wake: Callable[[], None],
    ) -> None:
        self._ui, self._application, self._workspace, self._views = ui, application, workspace, views
        self._act, self._wake = act, wake
        self._mouse: Mouse | None = None
        self._latency = ""
        asking = workspace.asking
        self._prompts = PromptList(
            ui,
            views.go_to,
            lambda line_id: act(lambda: asking.flip(line_id)),
            lambda line_id: act(lambda: asking.forget(line_id)),
        )
        self._naming = Naming(ui, asking)
        asking.refused.connect(self._naming.give_back)
        workspace.measured.connect(self._measured)
        self._connect()

    def _connect(self) -> None:
        ui, workspace, act = self._ui, self._workspace, self._act
        pressed: list[tuple[Any, Callable[[], object]]] = [
            (ui.structureButton, self._begin_structure),
            (ui.lesionButton, self._begin_lesion),
            (ui.findButton, self._find),
            (ui.beforeButton, workspace.toggle_before),
            (ui.acceptButton, lambda: workspace.annotator.accept()),
            (ui.rejectButton, lambda: workspace.annotator.reject()),
            (ui.undoButton, lambda: workspace.annotator.undo()),
            (ui.redoButton, lambda: workspace.annotator.redo()),
        ]
        for button, action in pressed:
            button.connect("clicked()", lambda action=action: act(action))
        ui.structureEdit.connect("returnPressed()", lambda: act(self._find))
        ui.addButton.connect("clicked(bool)", lambda checked: act(lambda: self._click_with(checked, True)))
        ui.removeButton.connect("clicked(bool)", lambda checked: act(lambda: self._click_with(checked, False)))
        ui.boxButton.connect("clicked(bool)", lambda checked: act(lambda: self._draw_box(checked)))

    # ------------------------------------------------------------------ the scan that is open

    def opened(self) -> None:
        """A scan was opened."""
        self._mouse = Mouse(self._application, self._workspace, self._wake)

    @property
    def is_open(self) -> bool:
        """A scan was opened, and not left since."""
        return self._mouse is not None

    def leave(self) -> None:
        """The scan is left."""
        self._latency = ""
        if self._mouse is not None:
            self._mouse.close()
            self._mouse = None

    def let_go(self) -> None:
        """The mouse is the host's again."""
        if self._mouse is not None:
            self._mouse.let_go()

    def settle(self) -> None:
        """After ``Workspace.pump``: leave nothing behind of what has ended."""
        if self._mouse is not None:
            self._mouse.settle()

    # ------------------------------------------------------------------ what the person does

    @property
    def keys(self) -> dict[str, Callable[[], object]]:
        """What keys do."""
        workspace = self._workspace
        return {
            "Ctrl+Z": lambda: workspace.annotator.undo(),
            "Ctrl+Y": lambda: workspace.annotator.redo(),
            "Ctrl+Shift+Z": lambda: workspace.annotator.redo(),
            "Esc": self._cancel,
            "A": lambda: self._toggle_clicks(True),
            "D": lambda: self._toggle_clicks(False),
            "N": self._begin_lesion,
            "T": self._naming.begin,
            "B": self._toggle_box,
        }

    def _begin_structure(self) -> None:
        self._workspace.begin_structure(self._naming.name)
        self._leave_name()
        self._click_with(True, True)

    def _begin_lesion(self) -> None:
        self._workspace.begin_structure("")
        self._click_with(True, True)

    def _find(self) -> None:
        self._views.seek(self._workspace.asking.say(self._naming.name))
        self._leave_name()

    def _leave_name(self) -> None:
        """The name was taken: letters are keys again."""
        self._naming.clear()
        (self._views.widget or self._ui.VISTA3DSegment).setFocus()

    def _click_with(self, wanted: bool, positive: bool) -> None:
        if self._mouse is not None:
            self._mouse.click(positive) if wanted else self._mouse.let_go()

    def _toggle_clicks(self, positive: bool) -> None:
        self._click_with(self._mouse is not None and self._mouse.sign is not positive, positive)

    def _draw_box(self, wanted: bool) -> None:
        if self._mouse is not None:
            self._mouse.draw() if wanted else self._mouse.let_go()

    def _toggle_box(self) -> None:
        self._draw_box(not self._draws)

    @property
    def _draws(self) -> bool:
        return self._mouse is not None and self._mouse.draws

    def _cancel(self) -> None:
        """Esc: stop drawing a box; else stop what is computed; if nothing is, stop placing clicks."""
        workspace = self._workspace
        computes = telling.is_running(workspace) or (workspace.volume is not None and workspace.annotator.session.busy)
        if computes and not self._draws:
            workspace.cancel()
        else:
            self.let_go()

    # ------------------------------------------------------------------ showing

    @property
    def hint(self) -> str:
        """What the next click in a view does, or what is looked for; "": neither. A scan is open."""
        if self._draws:
            return _("Click at a corner of the box in a view, then at the opposite one. Esc ends it.")
        if self._mouse is not None and self._mouse.sign is not None:
            word = _("goes on") if self._mouse.sign else _("is too large")
            return _("Click in a view where it {word}. Esc ends it.").format(word=word)
        if self._views.sought:
            return _("Looking for the {name}. Esc takes it back.").format(name=self._views.sought)
        return ""

    @property
    def takes_clicks(self) -> bool:
        """The next click in a view is a prompt."""
        return self._mouse is not None and self._mouse.is_ours

    def show(self, why_not: str) -> None:
        """Show what is different.

        Args:
            why_not: why nothing can be corrected, in a sentence; "": it can, if the workspace says nothing else.
        """
        ui, workspace = self._ui, self._workspace
        there, mouse = workspace.volume is not None, self._mouse
        why_not = why_not or telling.why_no_click(workspace)
        for button in (
            ui.addButton, ui.removeButton, ui.boxButton, ui.findButton, ui.structureButton, ui.lesionButton
        ):  # fmt: skip
            enable(button, why_not)
        set_checked(ui.addButton, mouse is not None and mouse.sign is True)
        set_checked(ui.removeButton, mouse is not None and mouse.sign is False)
        set_checked(ui.boxButton, self._draws)
        set_checked(ui.beforeButton, workspace.shows_before)
        history = workspace.annotator.session.history if there else None
        nothing = _("Nothing was done yet.")
        enable(ui.undoButton, "" if history and history.done else nothing)
        enable(ui.redoButton, "" if history and history.undone else _("Nothing was undone."))
        for button in (ui.beforeButton, ui.acceptButton, ui.rejectButton):
            enable(button, "" if history and history.done else nothing)
        done, undone = telling.history(workspace)
        fill(ui.historyList, [*(_("(undone) {step}").format(step=step) for step in undone), *done])
        selected = workspace.annotator.selected if there else None
        value = workspace.annotator.session.annotation.objects.get(selected) if selected else None
        show_text(ui.targetLabel, "" if value is None else _("Chosen: {name}").format(name=value.structure.name))
        self._prompts.show(workspace.asking.lines())
        self._naming.show()
        show_text(ui.latencyLabel, self._latency)

    def _measured(self, latency: Latency) -> None:
        self._latency = telling.latency(latency)
        self._wake()
