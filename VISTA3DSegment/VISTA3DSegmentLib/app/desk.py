"""Connects what a person works on with what the page shows, and with the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from trame_server.utils.typed_state import TypedState

from ..errors import FileFormatError, SegmentationError
from ..files.segments import Segmentation
from ..prompts import Ras
from ..scene.latency import Latency
from ..scene.picking import marker_at
from ..session.annotation import Status
from ..volume import Volume
from ..workspace import choices, telling
from ..workspace.news import News
from ..workspace.saving import Format
from ..workspace.workspace import SegmentView
from .box_tool import BoxTool
from .click_tool import ClickTool
from .opening import Scan, read, read_sample
from .panels.segment_list import Wish
from .pointer import Pointer
from .scan_workspace import ScanWorkspace
from .state import PageState, PromptRow, SegmentRow
from .transfer import Inbox
from .views import WHOLE_RANGE, WINDOWS, Views

KEPT = "Your work on {} is kept: open that scan again to go on with it."
PUMP_SECONDS, IDLE_SECONDS = 0.02, 0.1
BROKEN_OFF = "Not all files arrived: the page was closed or loaded again.", "Open them again."


class Desk:
    """See the module.

    Args:
        workspace: what a person works on.
        views: of the page.
        state: of the page.
    """

    def __init__(self, workspace: ScanWorkspace, views: Views, state: TypedState[PageState]) -> None:
        self._workspace, self._views, self._state = workspace, views, state
        self._shown = state.data
        self._dirty = True
        self._news = News()
        self.watch(False)
        self._activity_shown: tuple[bool, frozenset[str]] = (False, frozenset())
        self._opening = asyncio.Lock()
        self._lasting: dict[object, str] = {}
        self._awaited = ""
        workspace.acted.connect(self._news.go_on)
        workspace.said.connect(self._say)
        workspace.failed.connect(self._fail)
        workspace.measured.connect(self._show_latency)
        workspace.asking.refused.connect(self._give_name_back)
        workspace.changed.connect(self._mark_dirty)
        self._pointer = Pointer(views.slices())
        for view in views.slices().values():
            ClickTool(view, self._is_mouse_taken, self._is_over_box, self._clicked, self._dragged)
            BoxTool(view, lambda: self._workspace.asking.drawn)
        state.bind_changes(
            {
                state.name.scan.window: self._window_chosen,
                state.name.click.follows: self._follows_chosen,
                state.name.click.structure: lambda _: self._mark_dirty(),
                (state.name.click.clicks_by, state.name.click.words_by): lambda *_: self._engines_chosen(),
                state.name.run.chosen: lambda _: self._mark_dirty(),
            }
        )
        structures = choices.structures(workspace.classes)
        presets = [replace(preset, title=f"Preset: {preset.title}") for preset in choices.presets(workspace.classes)]
        self._shown.run.choices = [*presets, *structures]

    # ------------------------------------------------------------------ doing

    def act(self, action: Callable[[], object]) -> None:
        """Do what the person asked; whatever goes wrong becomes one line."""
        self._news.forget_failure()
        try:
            action()
        except Exception as error:
            self._fail(error)
        self._dirty = True
        self.refresh()

    async def act_in_time(self, what: str, action: Callable[[], Awaitable[object]]) -> None:
        """Likewise, for what takes long; the page says meanwhile what it is."""
        self._news.forget_failure()
        self._tell_lasting(action, what)
        try:
            await action()
        except Exception as error:
            self._fail(error)
        self._tell_lasting(action, "")
        self._dirty = True
        self.refresh()

    def _tell_lasting(self, key: object, what: str) -> None:
        """Of what lasts the latest is shown; "": it has ended."""
        self._lasting.pop(key, None)
        if what:
            self._lasting[key] = what
        self._shown.scan.busy = next(reversed(self._lasting.values()), "")
        self._state.state.flush()

    async def open(self, given: Path | Scan | None) -> None:
        """Open what a path holds, or a scan that was read; None: the sample.

        Until it is read the person works on with what is open.
        """

        async def opening() -> None:
            volume, scan = self._workspace.volume, self._workspace.identifiers
            found: Scan | Segmentation
            if isinstance(given, Scan):
                found = given
            else:
                found = await asyncio.to_thread(read_sample if given is None else lambda: read(given, volume, scan))
            if isinstance(found, Segmentation):
                self._workspace.add(found)
            else:
                self._show(found)

        async with self._opening:  # one after the other: segments are read for the scan that they are put onto
            await self.act_in_time("Reading the scan", opening)

    def tell_upload(self, upload: str, done: int, total: int) -> None:
        """The browser has sent so many files."""
        self._news.forget_failure()
        self._dirty = True
        self._tell_lasting(upload, f"Receiving {total} file{'' if total == 1 else 's'}, {done} are here")

    def lose_upload(self, upload: str) -> None:
        """The browser sends no more, and has not said that this was all."""
        self._tell_lasting(upload, "")
        self._fail(FileFormatError(*BROKEN_OFF))
        self.refresh()

    async def open_upload(self, inbox: Inbox, upload: str, count: int) -> None:
        """Open what the browser sent: so many files."""
        path = self.take_upload(inbox, upload, count)
        if path is not None:
            await self.open(path)

    def take_upload(self, inbox: Inbox, upload: str, count: int) -> Path | None:
        """What the browser sent, a file or a folder; None: not everything came, and the page says so."""
        self._tell_lasting(upload, "")
        try:
            return inbox.take(upload, count)
        except SegmentationError as error:
            self._fail(error)
            self.refresh()
            return None

    async def save(self, folder: Path, form: Format) -> Path | None:
        """Save into a folder; None: it could not be done, and the page says why."""
        written: list[Path] = []

        async def saving() -> None:
            written.append(await asyncio.to_thread(self._workspace.begin_save(folder, form)))

        await self.act_in_time("Saving", saving)
        return written[0] if written else None

    def _show(self, scan: Scan) -> None:
        self._news.clear()  # it was about the scan that was open
        left, volume = self._workspace.scan, self._workspace.volume
        worked = bool(self._workspace.segments())
        self._workspace.show(scan)
        self._opened()
        self._shown.scan.window = _window_for(scan.volume, self._shown.scan.window)
        self._views.show(self._workspace.annotator.volume_node, self._shown.scan.window)
        if worked and left is not None and volume is not None and volume.sample_key != scan.volume.sample_key:
            self._say(KEPT.format(left.name))

    def _opened(self) -> None:
        annotator = self._workspace.annotator
        self._shown.status.latency = ""
        self._shown.run.chosen = []
        self._shown.segments.renamed = ""
        annotator.follows_clicks = self._shown.click.follows
        display = annotator.segmentation_node.GetDisplayNode()
        display.SetOpacity2DFill(0.4)
        display.SetOpacity2DOutline(1.0)

    def start_afresh(self) -> None:
        """Forget what was done on this scan."""
        self._shown.afresh = False
        self._news.clear()
        self._workspace.start_afresh()
        self._opened()

    # ------------------------------------------------------------------ the run

    def segment(self) -> None:
        """Start the automatic run."""
        chosen = self._shown.run.chosen
        self._workspace.segment(choices.classes_of(chosen) if chosen else self._workspace.classes)

    def cancel(self) -> None:
        """Stop what is being done: the drawing of a box, else what is being computed."""
        if self._workspace.asking.drawing:
            self._stop_drawing()
        else:
            self._workspace.cancel()

    # ------------------------------------------------------------------ segments and clicks

    def choose(self, wish: Wish) -> None:
        """Choose a segment, and go there."""
        self._workspace.annotator.select(wish.segment_id)
        middle = self._workspace.centre_of(wish.segment_id)
        if middle is not None:
            self._views.jump(middle)

    def set_visible(self, wish: Wish) -> None:
        """Show a segment, or hide it."""
        self._workspace.set_visible(wish.segment_id, bool(wish.value))

    def set_opacity(self, wish: Wish) -> None:
        """How opaque a segment is."""
        self._workspace.set_opacity(wish.segment_id, float(wish.value))

    def set_status(self, wish: Wish) -> None:
        """How far a segment is."""
        self._workspace.annotator.set_status(wish.segment_id, Status(wish.value))

    def set_all_visible(self, visible: bool) -> None:
        """Show all segments, or hide them."""
        self._workspace.set_all_visible(visible)

    def set_all_statuses(self, status: Status) -> None:
        """How far the segments are that are shown and have a voxel."""
        self._workspace.settle_view()  # one is hidden for how it was before
        shown = [view.id for view in self._workspace.segments() if view.visible and view.ml]
        self._workspace.annotator.set_statuses(shown, status)

    def rename(self, wish: Wish) -> None:
        """Give a segment the name that was typed; no id: that was given up."""
        if wish.segment_id:
            self._shown.segments.renamed = ""
            self._workspace.rename(wish.segment_id, wish.value)

    def remove(self, wish: Wish) -> None:
        """Delete a segment."""
        self._workspace.annotator.remove(wish.segment_id)

    def find(self) -> None:
        """Ask for the structure whose name was typed; a box that is being drawn is given up for it."""
        self._stop_drawing()
        self._awaited = self._workspace.asking.say(self._typed)
        self._shown.click.structure = None

    def draw_box(self) -> None:
        """Let the mouse draw a box, for the structure whose name was typed, if one was; or no more."""
        if self._workspace.asking.drawing:
            self._stop_drawing()
            return
        if self._typed:
            self.begin_structure()
        self._views.start_placing(self._workspace.asking.draw_box())

    def _stop_drawing(self) -> None:
        self._workspace.asking.stop_drawing()
        self._views.stop_placing()

    def go_to_prompt(self, prompt_id: str) -> None:
        """Show the place of a prompt of the chosen structure."""
        place = next((line.ras for line in self._workspace.asking.lines() if line.id == prompt_id), None)
        if place is not None:
            self._views.jump(place)

    def forget_prompt(self, prompt_id: str) -> None:
        """Take a prompt of the chosen structure away."""
        self._workspace.asking.forget(prompt_id)

    def begin_structure(self) -> None:
        """Begin the structure whose name was typed."""
        self._workspace.begin_structure(self._typed)
        self._shown.click.structure = None
        self._shown.click.positive = True

    def forget_name(self) -> None:
        """The name that was typed is not meant."""
        self._shown.click.structure = None

    def _give_name_back(self, words: str) -> None:
        """Words that were refused stand in the field again, if the person has typed no others."""
        if not self._typed:
            self._shown.click.structure = words

    @property
    def _typed(self) -> str:
        return (self._shown.click.structure or "").strip()

    def begin_lesion(self) -> None:
        """Begin the next numbered lesion."""
        self._workspace.begin_structure("")
        self._shown.click.positive = True

    def set_sign(self, positive: bool) -> None:
        """What the next clicks do."""
        self._shown.click.positive = positive

    def undo(self) -> None:
        """Take back what was begun last: the drawing of a box, else the latest step."""
        if self._workspace.asking.drawing:
            self._stop_drawing()
        else:
            self._workspace.annotator.undo()

    def redo(self) -> None:
        """Do it again; a box that is being drawn is given up for it."""
        self._stop_drawing()
        self._workspace.annotator.redo()

    def toggle_before(self) -> None:
        """Show how it was before the last change, or how it is."""
        self._workspace.toggle_before()

    def open_marker_menu(self, view: str, right: float, down: float, x: int, y: int) -> None:
        """The person pressed the right button in a slice view; if there is a marker its menu opens."""
        views = self._views.slices()
        if view not in views:
            return
        annotator, menu = self._workspace.annotator, self._shown.marker
        click_id = marker_at(views[view].get_view_node(), self._views.pixel(view, right, down), annotator.markups)
        if click_id is not None:
            owner = next(
                value for value in annotator.session.annotation.objects.values()
                if any(placed.id == click_id for placed in value.clicks)
            )  # fmt: skip
            sign = "+" if owner.click(click_id).click.positive else "\N{MINUS SIGN}"
            menu.click_id, menu.title, menu.x, menu.y = click_id, f"{sign} {owner.structure.name}", x, y
            menu.shown = True

    def flip_marker(self) -> None:
        """Make the click of the menu's marker negative, or the reverse."""
        self._workspace.annotator.flip(self._shown.marker.click_id)

    def delete_marker(self) -> None:
        """Take the click of the menu's marker away."""
        self._workspace.annotator.delete(self._shown.marker.click_id)

    def _is_mouse_taken(self) -> bool:
        if self._workspace.volume is None:
            return False
        annotator = self._workspace.annotator
        return self._views.placing or annotator.markups.dragging or annotator.boxes.dragging

    def _is_over_box(self) -> bool:
        return self._workspace.volume is not None and self._workspace.annotator.boxes.hovered

    def _clicked(self, ras: Ras, with_ctrl: bool) -> None:
        def click() -> None:
            if self._typed and not with_ctrl:  # named and clicked: the click is about what was named
                self.begin_structure()
            self._workspace.annotator.click(ras, self._shown.click.positive and not with_ctrl)

        self.act(click)

    def _window_chosen(self, window: str) -> None:
        if self._workspace.volume is not None and window in WINDOWS:  # else it was dragged
            self._views.set_window(self._workspace.annotator.volume_node, window)

    def _dragged(self, right: int, up: int) -> None:
        if self._workspace.volume is not None:
            self._shown.scan.window = self._views.drag_window(self._workspace.annotator.volume_node, right, up)
            self._state.state.flush()

    def _follows_chosen(self, follows: bool) -> None:
        if self._workspace.volume is not None:
            self._workspace.annotator.follows_clicks = follows

    def _engines_chosen(self) -> None:
        click = self._shown.click
        self.act(lambda: self._workspace.asking.answer_with(click.clicks_by, click.words_by))

    # ------------------------------------------------------------------ time

    def watch(self, is_watched: bool) -> None:
        """Whether a browser shows the page: what is said before one does stays until it has been seen."""
        self._news.watch(is_watched)

    async def keep_time(self) -> None:
        """Take the engine's answers for as long as the page lives; nothing here waits for the engine."""
        while True:
            await asyncio.sleep(IDLE_SECONDS if self._workspace.idle else PUMP_SECONDS)
            try:
                self.pump()
            except Exception as error:
                self._fail(error)
            self._dirty |= self._news.forget_old()
            self.refresh()

    def pump(self) -> None:
        """Take what the engine has answered, and what the mouse has drawn."""
        self._workspace.pump()
        self._end_drawing()
        self._go_to_what_was_asked()
        self._tell_what_is_under_the_mouse()
        self._news.settle()

    def _go_to_what_was_asked(self) -> None:
        """What was asked for by its name is there: the views go to it, if the person has not gone on to another."""
        if self._awaited and self._workspace.volume is not None:
            annotator, awaited = self._workspace.annotator, self._awaited
            if awaited not in annotator.session.busy:
                self._awaited = ""
                middle = self._workspace.centre_of(awaited) if annotator.selected == awaited else None
                if middle is not None:
                    self._views.jump(middle)

    def _tell_what_is_under_the_mouse(self) -> None:
        place = self._pointer.place
        if place is not None and self._views.tell_under(place[0], telling.under(self._workspace, place[1])):
            self._state.state.flush()

    def _end_drawing(self) -> None:
        """The mouse places a box as long as one is drawn, and one is drawn as long as the mouse places it."""
        if not self._views.placing:
            self._workspace.asking.stop_drawing()  # one that is complete has just become a box
        elif not self._workspace.asking.drawing:
            self._views.stop_placing()
            self._dirty = True

    # ------------------------------------------------------------------ showing

    def refresh(self) -> None:
        """Show what is different."""
        activity = self._activity()
        if not self._dirty and activity == self._activity_shown:
            return
        self._dirty, self._activity_shown = False, activity
        self._show_scan()
        self._show_segments()
        self._show_asking()
        self._show_run()
        self._show_history()
        self._shown.status.busy = activity[0]
        self._shown.status.message, self._shown.status.failed = self._news.message, self._news.failed
        self._state.state.flush()

    def _activity(self) -> tuple[bool, frozenset[str]]:
        """Whether something is computed, and for which segments an answer is awaited."""
        there = self._workspace.volume is not None
        return telling.is_busy(self._workspace), self._workspace.annotator.session.busy if there else frozenset()

    def _show_scan(self) -> None:
        scan, volume = self._workspace.scan, self._workspace.volume
        self._shown.scan.name = scan.name if scan else ""
        self._shown.scan.size = "" if volume is None else telling.size(volume)
        self._shown.click.why_not = telling.why_no_click(self._workspace)

    def _show_run(self) -> None:
        run, workspace = self._shown.run, self._workspace
        run.estimate = str(workspace.estimate() or "")
        run.why_not = telling.why_no_run(workspace)
        run.running = telling.is_running(workspace)
        run.percent = telling.percent(workspace)
        run.told = telling.progress_of_run(workspace) if run.running else ""
        self._shown.status.engine = telling.engine(workspace)
        self._shown.status.hint = telling.hint(workspace)

    def _show_segments(self) -> None:
        self._shown.segments.rows = [_row(view) for view in self._workspace.segments()]
        self._shown.segments.before = self._workspace.shows_before
        there = self._workspace.volume is not None
        self._shown.segments.selected = (self._workspace.annotator.selected or "") if there else ""

    def _show_asking(self) -> None:
        asking, click = self._workspace.asking, self._shown.click
        click.structures, click.hint, click.drawing = asking.suggestions(), asking.hint(self._typed), asking.drawing
        click.prompts = [PromptRow(line.id, line.kind, line.words) for line in asking.lines()]

    def _show_history(self) -> None:
        self._shown.history.done, self._shown.history.undone = telling.history(self._workspace)

    def _show_latency(self, latency: Latency) -> None:
        self._shown.status.latency = telling.latency(latency)

    def _mark_dirty(self, _: object = None) -> None:
        self._dirty = True

    def _say(self, sentence: str) -> None:
        self._news.say(sentence)
        self._dirty = True

    def _fail(self, error: Exception) -> None:
        self._news.fail(error)
        self._dirty = True


def _window_for(volume: Volume, before: str) -> str:
    """The window through which a scan is seen first: that of the scan before if it is one for every CT, not a dragged
    one; of what is not in HU the whole range."""
    if not volume.looks_like_hounsfield:
        return WHOLE_RANGE
    return before if WINDOWS.get(before) else next(iter(WINDOWS))


def _row(view: SegmentView) -> SegmentRow:
    color = "#" + "".join(f"{round(255 * part):02x}" for part in view.color)
    volume = f"{view.ml:.1f}" if view.ml else ""
    return SegmentRow(
        view.id, view.name, color, volume, view.visible, round(view.opacity, 2), view.status.value, view.busy
    )
