"""Work that is done once in a child process."""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from VISTA3DSegmentLib.errors import Cancelled, ModelError, ResourceError
from VISTA3DSegmentLib.files.atomic import partial_of
from VISTA3DSegmentLib.service.errand import Errand, Say

PATIENCE_SECONDS = 120.0


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


def leave_slowly(folder: str, _say: Say) -> None:
    atexit.register(stay, Path(folder))


def stay(folder: Path) -> None:
    """Tell by a file that one is on one's way out, and stay until it is gone."""
    leaving, end = folder / "leaving", time.monotonic() + PATIENCE_SECONDS
    leaving.touch()
    while leaving.exists() and time.monotonic() < end:
        time.sleep(0.01)


def write_half(folder: str, dies: bool, say: Say) -> None:
    Path(folder, "whole").write_bytes(b"")
    partial_of(Path(folder, "half")).mkdir()
    say("half")
    if dies:
        os._exit(9)
    time.sleep(600)


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
    errand.poll()
    assert not errand.ended
    errand.cancel()
    assert isinstance(errand.error, Cancelled)
    assert errand._process.exitcode is not None


def test_nobody_waits_until_its_process_has_left(tmp_path: Path) -> None:
    errand, end = Errand(leave_slowly, str(tmp_path)), time.monotonic() + PATIENCE_SECONDS
    while not (tmp_path / "leaving").exists():
        errand.poll()
        assert time.monotonic() < end
        time.sleep(0.01)
    for _ in range(3):
        errand.poll()
    assert not errand.ended
    (tmp_path / "leaving").unlink()
    finished(errand)
    assert errand.error is None
    assert errand._process.exitcode == 0


@pytest.mark.parametrize("dies", [True, False])
def test_what_it_left_half_written_is_removed_when_it_was_ended(tmp_path: Path, dies: bool) -> None:
    (tmp_path / ".half.1.abcdef01.partial").mkdir()
    errand, end = Errand(write_half, str(tmp_path), dies, folder=tmp_path), time.monotonic() + PATIENCE_SECONDS
    while len(list(tmp_path.iterdir())) < 3:
        assert time.monotonic() < end
        time.sleep(0.01)
    if dies:
        finished(errand)
    else:
        errand.cancel()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".half.1.abcdef01.partial", "whole"]
    assert isinstance(errand.error, ResourceError if dies else Cancelled)
