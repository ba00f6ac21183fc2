"""Work that is done once in a child process."""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Callable

import pytest
from VISTA3DSegmentLib.errors import Cancelled, ModelError, ResourceError
from VISTA3DSegmentLib.service.errand import Errand, Say

PATIENCE_SECONDS = 30.0


def count(upto: int, say: Say) -> None:
    for n in range(upto):
        say(str(n))


def fail(_say: Say) -> None:
    raise ModelError("There is no such model.", "Choose another one.")


def die(say: Say) -> None:
    say("alive")
    os._exit(3)


def sleep(_say: Say) -> None:
    time.sleep(600)


def leave_slowly(_say: Say) -> None:
    atexit.register(time.sleep, 0.5)


def finished(errand: Errand) -> list[str]:
    told, end = list[str](), time.monotonic() + PATIENCE_SECONDS
    while not errand.ended:
        told += errand.poll()
        assert time.monotonic() < end
        time.sleep(0.01)
    return told


def test_what_it_tells_arrives_in_order_and_then_it_has_ended() -> None:
    errand = Errand(count, 3)
    assert finished(errand) == ["0", "1", "2"]
    assert errand.error is None
    assert errand.poll() == []


@pytest.mark.parametrize(("task", "kind"), [(fail, ModelError), (die, ResourceError)])
def test_a_failure_is_a_sentence(task: Callable[[Say], None], kind: type[Exception]) -> None:
    errand = Errand(task)
    finished(errand)
    assert isinstance(errand.error, kind)


def test_nobody_waits_for_it_and_it_can_be_cancelled() -> None:
    errand = Errand(sleep)
    begun = time.monotonic()
    errand.poll()
    assert not errand.ended
    errand.cancel()
    assert time.monotonic() - begun < 5
    assert isinstance(errand.error, Cancelled)
    assert errand._process.exitcode is not None


def test_nobody_waits_until_its_process_has_left() -> None:
    errand, longest = Errand(leave_slowly), 0.0
    while not errand.ended:
        begun = time.monotonic()
        errand.poll()
        longest = max(longest, time.monotonic() - begun)
        time.sleep(0.01)
    assert longest < 0.4
    assert errand.error is None
    assert errand._process.exitcode == 0
