"""Exporting by the page: what was chosen is looked at and written in a thread, so that the page never stands still."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from trame_server.utils.typed_state import TypedState

from ..engine import OnProgress, Progress
from ..errors import Cancelled, PromptError
from ..export.exporting import Wish, export_archive
from ..export.exporting import found as found_for
from ..export.formats import Form
from ..export.preflight import Consequence, Finding
from ..files.segments import Segmentation
from ..volume import Volume
from ..workspace.exporting import Choice
from ..workspace.saving import segmentation_of
from .desk import Desk
from .opening import read_earlier
from .scan_workspace import ScanWorkspace
from .state import FindingRow, PageState
from .transfer import Inbox

NO_DICOM = "Only for a scan that was opened from its DICOM series: these files refer to its images."
NOTHING_CHOSEN = "Choose a kind of file."
LOOKING = "The segments are being looked at."
CHANGED = "The segments are not as they were when you agreed.", "Read what was found now, and agree again."
OTHER_SCAN = "The earlier segmentation was chosen for another scan.", "Choose it again, or export without it."


class Exporting:
    """See the module.

    Args:
        workspace: what a person works on.
        desk: tells in the page what lasts and what went wrong.
        state: of the page.
        start: begins what nobody waits for.
    """

    def __init__(
        self,
        workspace: ScanWorkspace,
        desk: Desk,
        state: TypedState[PageState],
        start: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._workspace, self._desk, self._state, self._start = workspace, desk, state, start
        self._shown = state.data.export
        self._found: tuple[Finding, ...] = ()
        self._prior: tuple[Segmentation, Volume] | None = None
        self._latest: object = None
        self._cancel = threading.Event()
        names = state.name.export
        wanted = (names.chosen, names.each, names.new_series, names.shown_only)
        state.bind_changes({names.shown: self._opened, wanted: self._chosen})

    # ------------------------------------------------------------------ before

    def _opened(self, shown: bool) -> None:
        if not shown:
            return
        dialog, source = self._shown, self._workspace.source
        dialog.failure, dialog.agreed = "", False
        with suppress(PromptError):
            self._prior_now()
        possible = [
            form for form in map(Form, dialog.chosen) if source is not None or dialog.new_series or not form.is_dicom
        ]
        usual = Form.NIFTI if source is None else Form.DICOM_SEG
        dialog.chosen = [form.value for form in possible or [usual]]
        self._start(self.look())

    def _chosen(self, *_: object) -> None:
        if self._shown.shown:
            self._start(self.look())

    async def look(self) -> None:
        """Show what the pre-flight finds for what is chosen."""
        dialog = self._shown
        self._latest = this = object()
        dialog.no_dicom = NO_DICOM if self._workspace.source is None else ""
        forms = tuple(map(Form, dialog.chosen))
        if not forms:
            self._show((), NOTHING_CHOSEN)
            return
        dialog.why_not = LOOKING

        async def looking() -> None:
            choice = Choice(forms, each=dialog.each, new_series=dialog.new_series, shown_only=dialog.shown_only)
            found = await asyncio.to_thread(self._finding(choice))
            if self._latest is this:  # and nothing else was chosen meanwhile
                self._show(found)

        await self._desk.act_in_time("Looking at the segments", looking)
        if self._latest is this and dialog.why_not == LOOKING:  # it went wrong
            self._show((), self._state.data.status.message)

    def _finding(self, choice: Choice) -> Callable[[], tuple[Finding, ...]]:
        """The pre-flight, for any thread, of the segments as they are now.

        An export writes down in the scene first how each segment came about; that takes long, and is not needed here.
        """
        self._workspace.settle_view()
        wish = Wish(
            segmentation_of(self._workspace.annotator, choice.shown_only),
            choice.forms,
            source=self._workspace.source,
            volume=self._workspace.volume,
            prior=self._prior_now(),
            each=choice.each,
            new_series=choice.new_series,
        )
        return partial(found_for, wish)

    def _show(self, found: tuple[Finding, ...], why_not: str = "") -> None:
        dialog, asked = self._shown, _asked(found)
        if asked != _asked(self._found):
            dialog.agreed = False
        self._found = found
        dialog.findings = [FindingRow(finding.consequence.value, str(finding)) for finding in found]
        refused = next((str(finding) for finding in found if finding.consequence is Consequence.REFUSED), "")
        dialog.asks, dialog.why_not = bool(asked), why_not or refused
        self._state.state.flush()

    async def open_prior(self, inbox: Inbox, upload: str, count: int) -> None:
        """Take the earlier segmentation that the browser sent: so many files."""
        dialog, status = self._shown, self._state.data.status
        path = self._desk.take_upload(inbox, upload, count)

        async def reading() -> None:
            volume = self._workspace.annotator.session.volume
            assert path is not None
            self._prior = await asyncio.to_thread(read_earlier, path, volume, self._workspace.identifiers), volume
            dialog.prior = path.name if path.is_file() else f"{count} files"
            self._chosen()

        if path is not None:
            dialog.reading = True
            await self._desk.act_in_time("Reading the earlier segmentation", reading)
            dialog.reading = False
        dialog.failure = status.message if status.failed else ""
        self._state.state.flush()

    def drop_prior(self) -> None:
        """Compare with no earlier segmentation."""
        self._prior, self._shown.prior = None, ""
        self._chosen()

    def _prior_now(self) -> Segmentation | None:
        """The earlier segmentation, if one was chosen.

        Raises:
            PromptError: another scan was opened since.
        """
        if self._prior is None:
            return None
        prior, volume = self._prior
        if volume is not self._workspace.volume:
            self.drop_prior()
            raise PromptError(*OTHER_SCAN)
        return prior

    # ------------------------------------------------------------------ doing

    async def export(self, folder: Path, choice: Choice) -> Path | None:
        """Write what is wanted: a kind that is a single file as that, else a zip.

        Args:
            folder: an empty one.
            choice: of the person.

        Returns:
            The file; None: there is none, and the page says why.
        """
        dialog, status = self._shown, self._state.data.status
        if dialog.running:
            return None
        written: list[Path] = []

        async def exporting() -> None:
            if not choice.forms:
                raise PromptError("Nothing was chosen.", NOTHING_CHOSEN)
            found = await asyncio.to_thread(self._finding(choice))
            if choice.agreed and not _asked(found) <= _asked(self._found):
                self._show(found)
                raise PromptError(*CHANGED)
            wish = replace(self._workspace.export_wish(choice), prior=self._prior_now())
            try:
                exported = await asyncio.to_thread(
                    export_archive,
                    wish,
                    folder / f"{wish.stem}.zip",
                    self._teller(),
                    self._cancel.is_set,
                    packs_one=False,
                )
            except Cancelled:
                self._workspace.said.emit("Export cancelled. No file was made.")
            else:
                written.extend(exported.paths)
                known = {finding.what for finding in found}
                told = (f"Exported {written[0].name}.", *(said for said in exported.notices if said not in known))
                self._workspace.said.emit(" ".join(told))

        self._cancel.clear()
        dialog.running, dialog.percent, dialog.told, dialog.failure = True, None, "Writing", ""
        await self._desk.act_in_time("Exporting", exporting)
        dialog.running = False
        if written:
            dialog.shown = dialog.agreed = False
        elif status.failed:
            dialog.failure = status.message
        self._state.state.flush()
        return written[0] if written else None

    def cancel(self) -> None:
        """Stop writing; no file is made."""
        self._cancel.set()
        self._shown.told = "Cancelling"

    def _teller(self) -> OnProgress:
        """Tells the page from another thread how far it is, not more often than can be seen."""
        loop, last = asyncio.get_running_loop(), [-1]

        def tell(progress: Progress) -> None:
            percent = 100 * progress.done // max(1, progress.total)
            if percent != last[0]:
                last[0] = percent
                loop.call_soon_threadsafe(self._tell, percent)

        return tell

    def _tell(self, percent: int) -> None:
        if not self._cancel.is_set():
            self._shown.percent, self._shown.told = float(percent), f"Writing, {percent} %"
            self._state.state.flush()


def _asked(found: tuple[Finding, ...]) -> set[Finding]:
    return {finding for finding in found if finding.consequence is Consequence.ASKED}
