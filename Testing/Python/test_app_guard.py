"""Who may speak with the server of the page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

web = pytest.importorskip("aiohttp.web", reason="needs the app extra")
from aiohttp.test_utils import TestClient, TestServer  # noqa: E402
from VISTA3DSegmentLib.app.guard import Guard, own_token  # noqa: E402


def asked(talk: Callable[[TestClient], Awaitable[None]], guard: Guard) -> None:
    async def all_of_it() -> None:
        async def page(_: web.Request) -> web.Response:
            return web.Response(text="the page")

        app = web.Application(middlewares=[guard.check])
        app.router.add_get("/index.html", page)
        async with TestClient(TestServer(app)) as client:
            await talk(client)

    # In a thread of its own: where browser tests ran before, this one's event loop is taken.
    with ThreadPoolExecutor(1) as alone:
        alone.submit(asyncio.run, all_of_it()).result()


def test_without_the_token_nothing_is_told() -> None:
    async def talk(client: TestClient) -> None:
        for path in ("/", "/index.html", "/ws", "/index.html?token=wrong"):
            answer = await client.get(path)
            assert answer.status == 403
            assert "the page" not in await answer.text()

    asked(talk, Guard("secret"))


def test_the_token_opens_the_page_once_and_a_cookie_keeps_it_open() -> None:
    async def talk(client: TestClient) -> None:
        answer = await client.get("/?token=secret")
        assert await answer.text() == "the page"
        assert "secret" not in str(answer.url)
        assert await (await client.get("/index.html")).text() == "the page"
        assert answer.headers["X-Frame-Options"] == "DENY"

    asked(talk, Guard("secret"))


def test_what_the_browser_is_started_with_lets_in_once() -> None:
    guard = Guard("secret")
    ticket = guard.ticket()

    async def talk(client: TestClient) -> None:
        assert await (await client.get(f"/?token={ticket}")).text() == "the page"
        assert await (await client.get("/index.html")).text() == "the page"
        client.session.cookie_jar.clear()
        assert (await client.get(f"/?token={ticket}")).status == 403
        assert (await client.get("/?token=")).status == 403

    asked(talk, guard)


def test_a_page_of_another_site_is_refused_even_with_the_cookie() -> None:
    async def talk(client: TestClient) -> None:
        await client.get("/?token=secret")
        assert (await client.get("/index.html", headers={"Origin": "http://elsewhere.example"})).status == 403
        assert (await client.get("/?token=secret", headers={"Origin": "http://elsewhere.example"})).status == 403

    asked(talk, Guard("secret"))


def test_every_start_has_a_token_of_its_own() -> None:
    assert Guard().token != Guard().token
    assert len(Guard().token) >= 32


def test_a_token_of_ones_own_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISTA3DSEGMENT_TOKEN", raising=False)
    assert own_token() is None
    monkeypatch.setenv("VISTA3DSEGMENT_TOKEN", "a-token_of-24-characters")
    assert own_token() == "a-token_of-24-characters"
