"""Lets a browser in: the server of the page, its ways in and out for files, and its end."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import webbrowser
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from trame.app import get_server
from trame_server.utils.asynchronous import create_task
from trame_server.utils.typed_state import TypedState
from trame_slicer.core import SlicerApp
from wslink.websocket import LinkProtocol

from ..engines import texts_of
from ..errors import ResourceError
from ..models import store
from ..resources import resource
from ..service import ChildProcess
from ..workspace.estimate import Estimator
from ..workspace.polite import open_politely
from .desk import Desk
from .downloads import Downloads
from .exporting import Exporting
from .guard import TOKEN_VARIABLE, Guard, own_token
from .opening import read_first
from .page import Page
from .scan_workspace import ScanWorkspace
from .state import PageState
from .transfer import Inbox
from .views import Views

TITLE = "VISTA3DSegment"
LOST = (
    '<div class="lost"><trame-reconnect :max-retry="30" :delay="500" message="The connection is lost: connect again" '
    'give-up-message="The program has ended or cannot be reached. Your work is kept: start it again and open the '
    'address that it tells."/></div>'
)
"""What stands in place of a page whose server is gone."""
CALLS_LOGGER = "wslink.protocol"
"""The library that hands the page's calls on tells here, with a traceback, what went wrong in them."""
LOCAL = "127.0.0.1"
BEYOND = (
    "The page can be reached from other computers: whoever has the address with its token sees the scan. "
    "It is not encrypted; put it behind a proxy that is."
)
ENDING = "Ctrl-C ends it; the work is kept."


def serve(
    scan: Path | None,
    series: str | None,
    model: str,
    device: str,
    host: str,
    port: int,
    browser: bool,
    segvol: str,
    say: Callable[[str], None],
    warn: Callable[[str], None],
) -> None:
    """Serve the page until it is ended with ctrl-C.

    Args:
        scan: what is opened; None: the sample.
        series: which series of a DICOM folder; see ``files.volumes.read_volume``.
        model: name or path of VISTA3D's weights.
        device: where to compute.
        host: address to listen on.
        port: likewise; 0: any that is free.
        browser: open the page in the person's browser.
        segvol: name or path of SegVol's weights.
        say: told the address, with its token.
        warn: told what is to be known of the scan.

    Raises:
        ModelError: there is no such model. FileFormatError, VolumeError: the scan cannot be read. ResourceError: the
            address is taken, or the token of the environment is none.
    """
    token = own_token()
    estimator = Estimator(model, store.home())
    texts_of(segvol)  # refuses what is no model of SegVol, before the page opens
    first = [None if scan is None else read_first(scan, series)]  # a list, from which it is given away
    for notice in first[0].notices if first[0] else ():
        warn(notice)
    server = get_server(client_type="vue3")
    server.state.trame__title = TITLE
    server.state.trame__template_error_reconnect = LOST
    server.enable_module({"serve": {"vista": str(resource("Web"))}, "scripts": ["vista/page.js"],
                          "styles": ["vista/page.css"]})  # fmt: skip
    app, guard, inbox = SlicerApp(), Guard(token), Inbox()
    app.scene.GlobalWarningDisplayOff()  # of VTK, to the console: a missing X server, events of other versions
    state: TypedState[PageState] = TypedState(server.state, PageState)
    make_client = partial(ChildProcess, partial(open_politely, model, device, segvol=segvol))
    workspace = ScanWorkspace(app.scene, make_client, estimator, store.home())
    views = Views(app, server)
    desk = Desk(workspace, views, state)
    page = Page(server, state, views, desk)
    tasks = set[asyncio.Task[None]]()  # the event loop itself keeps none alive

    def start(doing: Coroutine[Any, Any, None]) -> None:
        task = create_task(doing)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    exporting = Exporting(workspace, desk, state, start)
    downloads = Downloads(desk, exporting, inbox.root)
    page.sample_asked.connect(lambda _: start(desk.open(None)))
    page.export_dialog.cancel_asked.connect(lambda _: exporting.cancel())
    page.export_dialog.prior_dropped.connect(lambda _: exporting.drop_prior())

    def uploading(upload: str, done: int, total: int) -> None:
        inbox.hear(upload)
        desk.tell_upload(upload, done, total)

    # What follows is not awaited: until then nothing else of this page would be heard.
    def uploaded(upload: str, count: int) -> None:
        start(forgetting(upload, desk.open_upload(inbox, upload, count)))

    def uploaded_prior(upload: str, count: int) -> None:
        start(forgetting(upload, exporting.open_prior(inbox, upload, count)))

    async def forgetting(upload: str, doing: Coroutine[Any, Any, None]) -> None:
        try:
            await doing
        finally:
            inbox.forget(upload)

    async def lose_uploads() -> None:
        while True:
            await asyncio.sleep(1)
            for upload in inbox.silent():
                inbox.forget(upload)
                desk.lose_upload(upload)

    server.trigger("uploading")(uploading)
    server.trigger("uploaded")(uploaded)
    server.trigger("uploaded_prior")(uploaded_prior)

    def on_bind(bound: Any) -> None:
        bound.app.middlewares.append(guard.check)
        bound.app.router.add_put(r"/upload/{upload:[\w-]+}", inbox.receive)
        downloads.add_to(bound.app.router)

    def on_ready(**_: Any) -> None:
        address = f"http://{host}:{server.port}/?token="
        for sentence in greeting(address, guard.token, host, is_own=token is not None):
            say(sentence)
        if browser:
            webbrowser.open(f"{address}{guard.ticket()}")
        asyncio.get_event_loop().set_exception_handler(unless_somebody_left)
        logging.getLogger(CALLS_LOGGER).addFilter(is_worth_telling)
        start(desk.keep_time())
        start(lose_uploads())
        start(desk.open(first.pop()))

    server.add_protocol_to_configure(lambda root: root.registerLinkProtocol(Audience(lambda: desk.watch(False))))
    server.controller.on_client_connected.add(lambda: desk.watch(True))
    server.controller.on_server_bind.add(on_bind)
    server.controller.on_server_ready.add(on_ready)
    try:
        server.start(host=host, port=port, open_browser=False, show_connection_info=False, timeout=0)
    except OSError as error:
        raise ResourceError(
            f"The page cannot be served at {host}, port {port} ({os.strerror(error.errno or 0)}).",
            "Give another one with --port.",
        ) from error
    finally:
        workspace.end()
        inbox.close()


class Audience(LinkProtocol):  # type: ignore[misc]  # it has no types
    """Notices when the last browser is gone, however it went.

    Args:
        gone: called then.
    """

    def __init__(self, gone: Callable[[], object]) -> None:
        super().__init__()
        self._gone, self._there = gone, set[str]()

    def onConnect(self, request: object, client_id: str) -> None:  # noqa: N802 (wslink's)
        """One has come; see wslink."""
        self._there.add(client_id)

    def onClose(self, client_id: str) -> None:  # noqa: N802 (wslink's)
        """One is gone; see wslink."""
        self._there.discard(client_id)
        if not self._there:
            self._gone()


def greeting(address: str, token: str, host: str, is_own: bool) -> tuple[str, ...]:
    """What is said when the page is open.

    Args:
        address: without its token.
        token: of the page.
        host: address that is listened on.
        is_own: the token is the person's own, and need not come into a log.
    """
    shown = f"{address} and the token of {TOKEN_VARIABLE}" if is_own else f"{address}{token}"
    return (f"The page is open at {shown}", *(() if host == LOCAL else (BEYOND,)), ENDING)


def is_worth_telling(_: logging.LogRecord) -> bool:
    """Whether what went wrong in a call of the page is told: not that its browser went before it was answered."""
    return not isinstance(sys.exc_info()[1], ConnectionError)


def unless_somebody_left(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Tell an error that nobody waits for; that a browser went while it was sent something is none."""
    if not isinstance(context.get("exception"), ConnectionError):
        loop.default_exception_handler(context)
