"""A browser for all tests of a worker, and a server for each module."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from browser import HEIGHT, WIDTH, Person, Server, browser_path
from VISTA3DSegmentLib.files.volumes import read_volume
from VISTA3DSegmentLib.resources import resource
from VISTA3DSegmentLib.volume import Volume

NEEDS_ALL = "needs playwright and a Chromium (Debian: apt-get install chromium)"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With a test that failed stands what is to be seen: where it fails by timing, it may be the only time."""
    report = yield
    if report.failed and call.when == "call":
        with suppress(Exception):  # the page may be gone, or closed
            report.sections.append(("The page", Person.latest.seen()))
        with suppress(AttributeError):
            report.sections.append(("The server", "".join(Server.latest.said)))
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason=NEEDS_ALL)
    pytest.importorskip("trame_slicer", reason="needs trame-slicer")
    path = browser_path()
    if path is None:
        pytest.skip(NEEDS_ALL)
    with playwright.sync_playwright() as running:
        launched = running.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def serve(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Starts servers; they end with the module."""
    servers: list[Server] = []

    def start(*arguments: str | Path, home: Path | None = None) -> Server:
        servers.append(Server(home or tmp_path_factory.mktemp("home"), arguments))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def visit(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Server], Person]]:
    """Opens the page of a server."""
    pages: list[Any] = []

    def open_page(server: Server, size: Sequence[int] = (WIDTH, HEIGHT)) -> Person:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, accept_downloads=True)
        pages.append(context)
        person = Person(context.new_page(), tmp_path_factory.mktemp("downloads"))
        person.page.goto(server.url)
        person.page.get_by_role("button", name="Open", exact=True).wait_for()
        return person

    yield open_page
    for context in pages:
        context.close()


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server]) -> Server:
    """One that was started without a scan, and so shows the sample."""
    return serve()


@pytest.fixture(scope="module")
def person(server: Server, visit: Callable[..., Person]) -> Person:
    """Somebody who has the sample before them."""
    person = visit(server)
    person.wait_for_scan("Sample CT (synthetic)")
    return person


@pytest.fixture(scope="session")
def volume() -> Volume:
    """The sample."""
    return read_volume(resource("Samples/sample_ct.nrrd")).volume
