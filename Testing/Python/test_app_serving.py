"""What the server's console shows."""

from __future__ import annotations

import asyncio
import gc
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from aiohttp import ClientConnectionResetError
from VISTA3DSegmentLib.app.serving import (
    BEYOND,
    CALLS_LOGGER,
    ENDING,
    Audience,
    greeting,
    is_worth_telling,
    unless_somebody_left,
)


def what_is_told_of(error: Exception, caplog: pytest.LogCaptureFixture) -> str:
    gc.collect()  # what other tests left behind tells its own
    caplog.clear()

    async def fail() -> None:
        raise error

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(unless_somebody_left)
        task = asyncio.create_task(fail())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
        gc.collect()

    with ThreadPoolExecutor(1) as alone:  # another test of this process may have left a running loop in this thread
        alone.submit(asyncio.run, main()).result()
    return caplog.text


def test_a_browser_that_went_while_it_was_sent_something_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    assert what_is_told_of(ClientConnectionResetError("Cannot write to closing transport"), caplog) == ""


def test_any_other_error_that_nobody_waits_for_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert "a defect" in what_is_told_of(ValueError("a defect"), caplog)


@pytest.mark.parametrize(("error", "told"), [(ClientConnectionResetError("Cannot write"), False), (KeyError(1), True)])
def test_what_goes_wrong_in_a_call_is_told_unless_its_browser_went(
    error: Exception, told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger(CALLS_LOGGER)
    logger.addFilter(is_worth_telling)
    try:
        raise error
    except Exception:
        logger.error("Exception raised")
    finally:
        logger.removeFilter(is_worth_telling)
    assert bool(caplog.text) is told


def test_that_nobody_is_there_any_more_is_noticed_when_the_last_browser_went() -> None:
    gone: list[bool] = []
    audience = Audience(lambda: gone.append(True))
    audience.onConnect(None, "one")
    audience.onConnect(None, "other")
    audience.onClose("one")
    assert not gone
    audience.onClose("other")
    assert gone


def test_the_address_how_to_end_it_and_who_can_reach_it_are_said() -> None:
    here = "http://127.0.0.1:8080/?token="
    assert greeting(here, "secret", "127.0.0.1", is_own=False) == (f"The page is open at {here}secret", ENDING)
    assert greeting(here, "secret", "0.0.0.0", is_own=False)[1:] == (BEYOND, ENDING)
    assert "Ctrl-C" in ENDING


def test_a_token_of_ones_own_comes_into_no_log() -> None:
    said = greeting("http://127.0.0.1:8080/?token=", "secret", "127.0.0.1", is_own=True)
    assert "secret" not in "".join(said)
    assert "VISTA3DSEGMENT_TOKEN" in said[0]
