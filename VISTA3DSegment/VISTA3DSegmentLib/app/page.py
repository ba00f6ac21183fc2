"""The page: where everything is, and which wish goes where."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from trame.ui.vuetify3 import VAppLayout
from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_server import Server
from trame_server.utils.typed_state import TypedState

from ..session.signals import Signal
from .desk import Desk
from .panels.afresh_dialog import AfreshDialog
from .panels.click_panel import ClickPanel
from .panels.export_dialog import ExportDialog
from .panels.help_dialog import HelpDialog
from .panels.history_panel import HistoryPanel
from .panels.marker_menu import MarkerMenuPanel
from .panels.run_panel import RunPanel
from .panels.segment_list import SegmentList, Wish
from .panels.status_line import StatusLine
from .panels.top_bar import TopBar
from .state import PageState
from .views import WINDOWS, Views

T = TypeVar("T")
PANEL_WIDTH = 320
COLORS = {
    "dark": {"background": "#0d1116", "surface": "#151b22", "primary": "#4fa3d9", "error": "#ff8a80"},
    "light": {"background": "#f3f5f7", "surface": "#ffffff", "primary": "#1769aa", "error": "#b3261e"},
}
THEMES = {name: {"dark": name == "dark", "colors": colors} for name, colors in COLORS.items()}


class Page:
    """Lays out the panels and the views.

    Args:
        server: of the page.
        state: of the page.
        views: of the page.
        desk: does what the person asks.
    """

    def __init__(self, server: Server, state: TypedState[PageState], views: Views, desk: Desk) -> None:
        self._desk = desk
        config = {"theme": {"defaultTheme": "dark", "themes": THEMES}}
        with VAppLayout(server, vuetify_config=config, theme=(state.name.theme,)) as layout:
            top = TopBar(state, list(WINDOWS))
            with v3.VNavigationDrawer(
                permanent=True, width=PANEL_WIDTH, touchless=True, raw_attrs=['aria-label="Annotation"']
            ):
                run = RunPanel(state)
                click = ClickPanel(state)
                segments = SegmentList(state)
                HistoryPanel(state)
            StatusLine(state)
            grid = (f"'grid' + ({state.name.click.drawing} ? ' drawing' : '')",)
            with v3.VMain(classes="views"), html.Div(classes=grid):
                views.place(layout)
                html.Div(
                    "Before the last change (space: as it is now)",
                    v_if=(state.name.segments.before,), classes="before", raw_attrs=['role="status"'],
                )  # fmt: skip
            marker = MarkerMenuPanel(state)
            HelpDialog(state)
            afresh = AfreshDialog(state)
            self.export_dialog = ExportDialog(state)
        asked: list[tuple[Signal[None], Callable[[], object]]] = [
            (top.undo_asked, desk.undo),
            (top.redo_asked, desk.redo),
            (afresh.afresh_asked, desk.start_afresh),
            (run.segment_asked, desk.segment),
            (run.cancel_asked, desk.cancel),
            (click.text_asked, desk.find),
            (click.structure_asked, desk.begin_structure),
            (click.box_asked, desk.draw_box),
            (click.lesion_asked, desk.begin_lesion),
            (click.before_asked, desk.toggle_before),
            (marker.flip_asked, desk.flip_marker),
            (marker.delete_asked, desk.delete_marker),
        ]
        for signal, action in asked:
            signal.connect(self._doing(action))
        wishes: list[tuple[Signal[Wish], Callable[[Wish], object]]] = [
            (segments.chosen, desk.choose),
            (segments.visibility_asked, desk.set_visible),
            (segments.opacity_asked, desk.set_opacity),
            (segments.status_asked, desk.set_status),
            (segments.removal_asked, desk.remove),
            (segments.name_typed, desk.rename),
        ]
        for wished, grant in wishes:
            wished.connect(self._granting(grant))
        segments.all_visible_asked.connect(self._granting(desk.set_all_visible))
        segments.all_statuses_asked.connect(self._granting(desk.set_all_statuses))
        click.prompts.chosen.connect(self._granting(desk.go_to_prompt))
        click.prompts.removal_asked.connect(self._granting(desk.forget_prompt))
        self.sample_asked = top.sample_asked
        keys: dict[str, Callable[[], object]] = {
            "add": lambda: desk.set_sign(True),
            "remove": lambda: desk.set_sign(False),
            "undo": desk.undo,
            "redo": desk.redo,
            "cancel": desk.cancel,
            "lesion": desk.begin_lesion,
            "box": desk.draw_box,
            "before": desk.toggle_before,
            "forget name": desk.forget_name,
        }
        server.trigger("key")(lambda key: desk.act(keys[key]))
        server.trigger("marker_menu")(lambda *where: desk.act(lambda: desk.open_marker_menu(*where)))

    def _doing(self, action: Callable[[], object]) -> Callable[[None], None]:
        return lambda _: self._desk.act(action)

    def _granting(self, grant: Callable[[T], object]) -> Callable[[T], None]:
        return lambda wish: self._desk.act(lambda: grant(wish))
