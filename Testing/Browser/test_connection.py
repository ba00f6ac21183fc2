"""Who gets in, and what happens when the line is cut."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
import numpy.typing as npt
import pytest
from browser import VISIBLE, Person, Server
from VISTA3DSegmentLib.resources import resource
from VISTA3DSegmentLib.workspace.news import NEWS_SECONDS

SCAN = "sample_ct"


class Line:
    """A line to a server that can be cut: a TCP proxy on a port of its own.

    Args:
        port: of the server.
    """

    def __init__(self, port: int) -> None:
        self._port, self._sockets = port, list[socket.socket]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listener.accept()
                there = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                return
            self._sockets += [here, there]
            for source, target in ((here, there), (there, here)):
                threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            end.close()

    def cut(self) -> None:
        """End every connection; new ones are taken."""
        for end in self._sockets:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def close(self) -> None:
        """End."""
        self._listener.close()
        self.cut()


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server]) -> Server:
    """One that was started with a scan of the person's."""
    return serve(resource(f"Samples/{SCAN}.nrrd"))


@pytest.fixture
def line(server: Server) -> Iterator[Line]:
    line = Line(urlsplit(server.url).port or 0)
    yield line
    line.close()


def test_a_connection_that_drops_comes_back_by_itself_and_nothing_is_lost(
    server: Server, line: Line, browser: Any, tmp_path: Any
) -> None:
    page = browser.new_page()
    person = Person(page, tmp_path)
    page.goto(server.url.replace(f":{urlsplit(server.url).port}", f":{line.port}"))
    person.wait_for_scan(SCAN)
    person.begin("cyst")
    steps = person.history()
    line.cut()
    page.locator(".brand").wait_for(state="detached")
    person.wait_for_scan(SCAN)
    assert person.history() == steps
    page.keyboard.press("n")
    page.get_by_role("list", name="Segment list").get_by_text("Lesion 1").wait_for()
    page.close()


def test_when_the_program_has_ended_the_page_says_so(
    serve: Callable[..., Server], visit: Callable[..., Person]
) -> None:
    server = serve()
    person = visit(server)
    person.wait_for_scan("Sample CT (synthetic)")
    server.stop()
    said = person.page.get_by_text("The program has ended or cannot be reached. Your work is kept")
    said.wait_for()
    behind = person.page.locator(".lost").evaluate("(element) => getComputedStyle(element).backgroundColor")
    assert behind == "rgb(243, 245, 247)", "trame writes in black"


def _in_the_liver(person: Person) -> npt.NDArray[np.float64]:
    picture = person.picture("Coronal")
    rows, columns = picture.shape[0] // 5, picture.shape[1] * 29 // 100
    return picture[rows - 10 : rows + 10, columns - 10 : columns + 10].astype(np.float64)


def _redness(pixels: npt.NDArray[np.float64]) -> float:
    red, _, blue = pixels.mean((0, 1))
    return float(red - blue)


def _worked_on(serve: Callable[..., Server], visit: Callable[..., Person]) -> Path:
    """A home in which the sample's liver was found, and from which the server is gone."""
    first = serve()
    person = visit(first)
    person.wait_for_scan("Sample CT (synthetic)")
    person.wait_for_model()
    person.find("liver")
    first.stop()
    return first.home


def test_work_that_is_back_at_the_next_start_does_not_hide_the_scan(
    serve: Callable[..., Server], visit: Callable[..., Person]
) -> None:
    person = visit(serve(home=_worked_on(serve, visit)))
    person.wait_for_message("Your earlier work on this scan is back.")
    person.rows().and_(person.page.locator('[aria-label="liver"]')).wait_for()
    person.wait_until(lambda: _redness(_in_the_liver(person)) > VISIBLE)
    assert _in_the_liver(person).std((0, 1)).min() > 1, "the scan is seen through its colour"


@pytest.mark.slow  # it waits for what the line does of itself
def test_what_is_said_before_anybody_looks_stays_until_it_was_seen(
    serve: Callable[..., Server], visit: Callable[..., Person]
) -> None:
    again = serve(home=_worked_on(serve, visit))
    time.sleep(NEWS_SECONDS + 5)
    person = visit(again)
    person.wait_for_message("Your earlier work on this scan is back.")
    person.page.close()
    time.sleep(NEWS_SECONDS + 5)
    person = visit(again)
    person.wait_for_message("Your earlier work on this scan is back.")
    person.wait_until(lambda: "is back" not in person.message())


def test_the_server_listens_on_this_computer_only_and_says_nothing_without_the_token(server: Server) -> None:
    address = urlsplit(server.url)
    assert address.hostname == "127.0.0.1"
    listening = {
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(f":{address.port:04X}")
    }
    assert listening == {f"0100007F:{address.port:04X}"}
    with pytest.raises(OSError, match="403"):
        urlopen(f"http://127.0.0.1:{address.port}/index.html")


def test_a_page_without_the_token_cannot_speak_with_the_session(server: Server, browser: Any) -> None:
    page = browser.new_page()
    page.goto("about:blank")
    socket_of = server.url.partition("?")[0].replace("http", "ws") + "ws"
    opened = page.evaluate(
        "url => new Promise(go => {"
        "  const socket = new WebSocket(url); socket.onopen = () => go(true); socket.onerror = () => go(false); })",
        socket_of,
    )
    assert opened is False
    page.close()


def test_the_log_names_neither_the_scan_nor_its_folder(server: Server) -> None:
    assert SCAN not in "".join(server.said)
    assert len(server.said) == 2, server.said


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
def test_nothing_is_cut_off_light_or_dark(server: Server, visit: Callable[..., Person], size: tuple[int, int]) -> None:
    person = visit(server, size)
    person.wait_for_scan(SCAN)
    for theme in ("dark", "light"):
        person.page.locator(f".v-application.v-theme--{theme}").wait_for()
        person.page.wait_for_timeout(800)
        assert person.page.evaluate("document.documentElement.scrollWidth") <= size[0]
        for label in ("Axial view", "Sagittal view", "Coronal view", "3-D view"):
            box = person.page.get_by_label(label).bounding_box()
            assert box["width"] > 300
            assert box["height"] > 200
            assert box["x"] + box["width"] <= size[0]
            assert box["y"] + box["height"] <= size[1]
        person.shoot(f"9-{theme}-{size[0]}")
        person.press("Light or dark")


def test_controls_that_cannot_be_used_say_why(server: Server, visit: Callable[..., Person]) -> None:
    person = visit(server)
    person.wait_for_scan(SCAN)
    redo = person.page.locator(".why").filter(has=person.page.get_by_role("button", name="Redo", exact=True))
    redo.hover()
    person.page.get_by_text("Nothing was undone").wait_for()
    assert redo.get_by_role("button").is_disabled()
