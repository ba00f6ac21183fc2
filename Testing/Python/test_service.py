"""Engines that run elsewhere: the same answers, whatever happens to the process they run in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from fake_engine import LIVER, RIGHT_KIDNEY, SPLEEN, WORDS, FakeEngine, two_engines
from VISTA3DSegmentLib.edits import Edit, MaskCrop
from VISTA3DSegmentLib.engine import Progress
from VISTA3DSegmentLib.errors import Cancelled, FileFormatError, ModelError, PromptError, ResourceError
from VISTA3DSegmentLib.prompts import Box, Click, Structure, Text
from VISTA3DSegmentLib.service import (
    Answered,
    Broken,
    ChildProcess,
    Client,
    Event,
    Failed,
    Finished,
    InProcess,
    Progressed,
    Ready,
    RefineRequest,
    Restarted,
    SegmentRequest,
)
from VISTA3DSegmentLib.service.codec import decode_event, decode_request, encode_event, encode_request
from VISTA3DSegmentLib.service.messages import Started
from VISTA3DSegmentLib.service.routing import answering
from VISTA3DSegmentLib.volume import Volume

WAIT_SECONDS = 120.0


def volume() -> Volume:
    array = np.zeros((6, 8, 10), dtype=np.int16)
    array[1:3, 2:5, 3:6], array[4, 5:7, 1:3] = 10 * LIVER, 10 * SPLEEN
    return Volume(array, np.diag([1.5, 1.5, 2.0, 1.0]), "painted")


def at(i: int, j: int, k: int, positive: bool = True) -> Click:
    return Click((1.5 * i, 1.5 * j, 2.0 * k), positive)


# What runs in the child: functions that it can import.


def slow_engine(seconds: float) -> FakeEngine:
    """An engine that takes its time in each window."""
    return FakeEngine(during=partial(time.sleep, seconds))


def held_engine(flag: str) -> FakeEngine:
    """An engine that leaves a file in its first window and goes on when that is gone; another grows in each window."""
    path, windows = Path(flag), Path(f"{flag} windows")

    def during() -> None:
        is_first = not windows.exists()
        with windows.open("ab") as file:
            file.write(b".")
        if is_first:
            path.touch()
        while path.exists():
            time.sleep(0.01)
        time.sleep(0.05)

    return FakeEngine(during=during)


def deadly_engine(flag: str, once: bool = False) -> FakeEngine:
    """An engine that takes its process with it while a file is there, or removes that first."""

    def during() -> None:
        if Path(flag).exists():
            if once:
                Path(flag).unlink()
            os.kill(os.getpid(), signal.SIGKILL)

    return FakeEngine(during=during)


def hanging_engine(flag: str) -> FakeEngine:
    """An engine that hangs once, when it has removed a file."""

    def during() -> None:
        if Path(flag).exists():
            Path(flag).unlink()
            time.sleep(3600)

    return FakeEngine(during=during)


def no_engine() -> FakeEngine:
    raise ModelError("The weights are damaged.", "Download them again.")


def greedy_engine() -> FakeEngine:
    def during() -> None:
        raise MemoryError

    return FakeEngine(during=during)


@pytest.fixture
def child() -> Iterator[Callable[..., ChildProcess]]:
    made: list[ChildProcess] = []

    def make(engine: Callable[[], FakeEngine] = FakeEngine, patience_seconds: float = 60.0) -> ChildProcess:
        made.append(ChildProcess(engine, patience_seconds))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture(params=["in process", "child process"])
def client(request: pytest.FixtureRequest, child: Callable[..., ChildProcess]) -> Client:
    return InProcess(FakeEngine()) if request.param == "in process" else child()


def until(client: Client, kind: type[Event], seen: list[Event] | None = None) -> list[Event]:
    """All events up to the first of a kind."""
    events = seen if seen is not None else []
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        events += client.pump()
        if any(isinstance(event, kind) for event in events):
            return events
        time.sleep(0.005)
    raise AssertionError(f"no {kind.__name__} in {events}")


def wait_for(holds: Callable[[], object]) -> None:
    """Until something holds in the child."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it does not come to hold"
        time.sleep(0.01)


def answers(events: list[Event]) -> list[Answered]:
    return [event for event in events if isinstance(event, Answered)]


def same(a: Edit, b: Edit) -> bool:
    return (a.start, a.added, a.removed) == (b.start, b.added, b.removed) and np.array_equal(a.mask, b.mask)


# One client like the other


def test_a_client_answers_as_the_engine_itself(client):
    opened = FakeEngine().open(volume())
    client.open(volume())
    (ready,) = until(client, Ready)
    assert (ready.engine, ready.classes) == ("fake", FakeEngine().specification.classes)

    base = MaskCrop((1, 1, 1), np.ones((2, 2, 2), dtype=np.bool_))
    for structure, prompts, before, reach_mm in [
        (Structure("liver", LIVER), (at(7, 5, 2),), None, None),
        (Structure("new"), (at(7, 5, 2), at(2, 2, 4, False)), base, None),
        (Structure("new"), (at(7, 5, 2), at(2, 2, 4, False)), base, 1.5),
    ]:
        request = RefineRequest(structure, prompts, before, reach_mm=reach_mm)
        n = client.submit(request)
        events = until(client, Finished)
        assert [event.id for event in events] == [n, n]
        assert same(answers(events)[0].edit, opened.refine(structure, prompts, before, reach_mm=reach_mm))

    n = client.submit(SegmentRequest((SPLEEN, LIVER, RIGHT_KIDNEY)))
    events = until(client, Finished)
    expected = dict(opened.segment((SPLEEN, LIVER, RIGHT_KIDNEY)))
    assert [event.class_id for event in answers(events)] == [SPLEEN, LIVER, RIGHT_KIDNEY]
    assert all(same(event.edit, expected[event.class_id]) for event in answers(events))
    assert answers(events)[2].edit.empty_reason
    assert [event.progress.done for event in events if isinstance(event, Progressed)] == [1, 2, 3]


def test_an_error_comes_back_as_what_it_is_and_the_client_goes_on(client):
    client.open(volume())
    n = client.submit(RefineRequest(Structure("new"), (at(900, 0, 0),)))
    failed = until(client, Failed)[-1]
    assert failed.id == n
    assert isinstance(failed.error, PromptError)
    assert failed.error.remedy == "Place it inside."
    client.submit(RefineRequest(Structure("new"), (at(5, 5, 2),)))
    assert answers(until(client, Finished))[0].edit.added > 0


def test_a_cancelled_request_never_answers(client):
    client.open(volume())
    until(client, Ready)
    n = client.submit(SegmentRequest((LIVER,)))
    client.cancel(n)
    client.cancel(n)
    later = client.submit(RefineRequest(Structure("new"), (at(5, 5, 2),)))
    events = until(client, Finished)
    assert [event.id for event in events if isinstance(event, Failed)] == [n]
    assert isinstance(next(event for event in events if isinstance(event, Failed)).error, Cancelled)
    assert {event.id for event in answers(events)} == {later}


def test_another_volume_cancels_what_was_asked_of_the_first(client):
    client.open(volume())
    first = client.submit(SegmentRequest((LIVER,)))
    empty = Volume(np.zeros((3, 3, 3), np.uint8), np.eye(4))
    client.open(empty)
    second = client.submit(RefineRequest(Structure("new"), (Click((1, 1, 1)),)))
    events = until(client, Finished)
    assert [event.id for event in events if isinstance(event, Failed)] == [first]
    assert [(event.id, event.edit.mask.shape) for event in answers(events)] == [(second, (3, 3, 3))]


def test_memory_that_runs_out_is_an_error_with_a_remedy(child):
    for client in (InProcess(greedy_engine()), child(greedy_engine)):
        client.open(volume())
        client.submit(SegmentRequest((LIVER,)))
        error = until(client, Failed)[-1].error
        assert isinstance(error, ResourceError)
        assert error.remedy


@pytest.mark.parametrize("where", ["in process", "child process"])
def test_a_request_goes_to_the_engine_that_it_names(child, where):
    client = InProcess(two_engines()) if where == "in process" else child(two_engines)
    client.open(volume())
    (ready,) = until(client, Ready)
    assert (ready.engines, ready.texts) == (("fake", "segvol"), tuple(WORDS))
    nothing_known = (Text("gall bladder"),)
    for engine, who in (("", "fake"), ("segvol", "segvol")):
        client.submit(RefineRequest(Structure("new"), nothing_known, engine=engine))
        assert until(client, Failed)[-1].error.what == f"{who} knows no gall bladder."
    client.submit(RefineRequest(Structure("new"), (Text("spleen"),), engine="segvol"))
    expected = two_engines().open(volume()).by("segvol").refine(Structure("new"), (Text("spleen"),))
    assert same(answers(until(client, Finished))[0].edit, expected)


@pytest.mark.parametrize("where", ["in process", "child process"])
def test_an_engine_that_is_not_there_is_refused_by_its_name_and_the_client_goes_on(child, where):
    client = InProcess(two_engines()) if where == "in process" else child(two_engines)
    client.open(volume())
    client.submit(RefineRequest(Structure("new"), (Text("liver"),), engine="sam"))
    error = until(client, Failed)[-1].error
    assert isinstance(error, PromptError)
    assert "no engine called sam" in error.what
    client.submit(RefineRequest(Structure("new"), (at(5, 5, 2),)))
    assert answers(until(client, Finished))


def test_an_engine_that_stands_alone_takes_no_request_for_another():
    class Alone:
        """Opened, and with no other engine beside it."""

    with pytest.raises(PromptError, match="no engine called segvol"):
        answering(Alone(), "segvol")
    alone = Alone()
    assert answering(alone, "") is alone


# A worker has a life


def test_a_click_overtakes_a_long_automatic_run(child, tmp_path):
    flag = tmp_path / "running"
    client = child(partial(held_engine, str(flag)))
    client.open(volume())
    run = client.submit(SegmentRequest((LIVER, SPLEEN) * 20))
    wait_for(flag.exists)
    click = client.submit(RefineRequest(Structure("new"), (at(5, 5, 2),)))
    flag.unlink()
    events: list[Event] = []
    while len([event for event in events if isinstance(event, Finished)]) < 2:
        events += until(client, Finished, client.pump())
    assert [event.id for event in events if isinstance(event, Finished)] == [click, run]
    classes = [event.class_id for event in answers(events) if event.id == run]
    assert classes == [LIVER, SPLEEN] * 20
    after = events.index(next(event for event in answers(events) if event.id == click))
    assert len([event for event in events[:after] if isinstance(event, Answered)]) < 20


def test_cancelling_a_run_takes_effect_at_the_next_window(child, tmp_path):
    flag = tmp_path / "running"
    client = child(partial(held_engine, str(flag)))
    client.open(volume())
    run = client.submit(SegmentRequest((LIVER,) * 100))
    wait_for(flag.exists)
    client.cancel(run)
    client.submit(SegmentRequest((SPLEEN,)))
    flag.unlink()
    until(client, Finished)
    assert (tmp_path / "running windows").stat().st_size < 50


@pytest.mark.parametrize("moment", ["before", "during"])
def test_a_killed_worker_is_started_again_and_the_request_repeated(child, tmp_path, moment):
    flag = tmp_path / "die"
    client = child(partial(deadly_engine, str(flag), once=True))
    client.open(volume())
    until(client, Ready)
    if moment == "during":
        flag.touch()
    else:
        client._process.kill()
        client._process.join()
    request = RefineRequest(Structure("new"), (at(5, 5, 2),))
    n = client.submit(request)
    events = until(client, Finished)
    (told,) = [event for event in events if isinstance(event, Restarted)]
    assert "signal 9" in told.why
    assert "\n" not in told.why
    (answer,) = answers(events)
    assert answer.id == n
    assert same(answer.edit, FakeEngine().open(volume()).refine(request.structure, request.prompts))


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_ctrl_c_in_a_terminal_is_left_to_the_parent(child):
    client = child()
    client.open(volume())
    until(client, Ready)
    os.kill(client._process.pid, signal.SIGINT)
    client.submit(SegmentRequest((LIVER,)))
    events = until(client, Finished)
    assert len(answers(events)) == 1
    assert not [event for event in events if isinstance(event, Restarted)]


def test_a_request_that_kills_every_worker_is_given_up(child, tmp_path):
    flag = tmp_path / "die"
    client = child(partial(deadly_engine, str(flag)))
    client.open(volume())
    until(client, Ready)
    flag.touch()
    n = client.submit(SegmentRequest((LIVER,)))
    (failed,) = [event for event in until(client, Failed) if isinstance(event, Failed)]
    assert failed.id == n
    assert isinstance(failed.error, ResourceError)
    flag.unlink()
    client.submit(SegmentRequest((LIVER,)))
    assert answers(until(client, Finished))


def test_a_request_that_only_waited_is_not_given_up(child, tmp_path):
    flag = tmp_path / "die"
    client = child(partial(deadly_engine, str(flag)))
    client.open(volume())
    until(client, Ready)
    flag.touch()
    waiting = client.submit(SegmentRequest((LIVER,)))
    deadly = client.submit(RefineRequest(Structure("new"), (at(5, 5, 2),)))
    (failed,) = [event for event in until(client, Failed) if isinstance(event, Failed)]
    flag.unlink()
    assert {waiting, deadly} == {
        failed.id,
        *(event.id for event in until(client, Finished) if isinstance(event, Finished)),
    }


def test_a_hanging_worker_is_started_again(child, tmp_path):
    flag = tmp_path / "hang"
    client = child(partial(hanging_engine, str(flag)))
    client.open(volume())
    until(client, Ready)
    flag.touch()
    client.submit(RefineRequest(Structure("new"), (at(5, 5, 2),)))
    wait_for(lambda: not flag.exists())
    patience, client._patience = client._patience, 0.5
    events = until(client, Restarted)
    client._patience = patience
    assert "did not answer" in events[-1].why
    assert answers(until(client, Finished, events))


def test_an_engine_that_cannot_be_made_breaks_the_client_with_its_own_words(child):
    client = child(no_engine)
    client.open(volume())
    n = client.submit(SegmentRequest((LIVER,)))
    events = until(client, Broken)
    assert events[-1].error.remedy == "Download them again."
    assert [event.id for event in events if isinstance(event, Failed)] == [n]
    client.submit(SegmentRequest((LIVER,)))
    assert until(client, Failed)[-1].error.remedy == "Download them again."


def test_a_large_volume_is_copied_piece_by_piece_while_requests_wait(child, monkeypatch):
    monkeypatch.setattr("VISTA3DSegmentLib.service.child.COPY_SECONDS", 0.0)
    client = child(FakeEngine)
    client.open(volume())
    request_id = client.submit(SegmentRequest((LIVER, SPLEEN)))
    for _ in range(volume().shape_kji[0] - 2):  # a plane each
        assert client.pump() == []
    found = {answer.class_id: answer for answer in answers(until(client, Finished))}
    assert set(found) == {LIVER, SPLEEN}
    assert found[SPLEEN].edit.added == (volume().array == 10 * SPLEEN).sum()
    assert all(answer.id == request_id for answer in found.values())


def test_the_callers_side_has_no_thread_and_never_waits_for_an_answer(child):
    before = set(threading.enumerate())
    client = child(partial(slow_engine, 0.3))
    client.open(volume())
    until(client, Ready)
    client.submit(SegmentRequest((LIVER, SPLEEN)))
    took: list[float] = []
    events: list[Event] = []
    while not any(isinstance(event, Finished) for event in events):
        started = time.perf_counter()
        events += client.pump()
        took.append(time.perf_counter() - started)
        assert set(threading.enumerate()) <= before
        time.sleep(0.005)
    assert np.median(took) < 0.1  # a window takes 0.3 s; a busy machine may hold up some


def test_a_worker_ends_with_its_parent():
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "import test_service as t, os, time\n"
        "if __name__ == '__main__':\n"
        "    client = t.ChildProcess(t.partial(t.slow_engine, 0.05))\n"
        "    client.open(t.volume()); t.until(client, t.Ready)\n"
        "    client.submit(t.SegmentRequest((t.LIVER,) * 10000)); client.pump()\n"
        "    print(client._process.pid, flush=True); time.sleep(3600)\n"
    )
    paths = [str(Path(__file__).parent)]
    parent = subprocess.Popen([sys.executable, "-c", program, *paths], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    os.kill(pid, 0)
    parent.kill()
    parent.wait()
    wait_for(lambda: not _runs(pid))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


# Messages


def test_messages_come_back_as_they_were():
    mask = MaskCrop((3, 0, 7), np.random.default_rng(1).random((5, 3, 11)) < 0.3)
    region = Box((-1.5, 0, 0), (1, 2, 3))
    for request in (
        SegmentRequest((1, 3), region),
        RefineRequest(Structure("läsion", None), (at(1, 2, 3), at(4, 5, 6, False), Text("spleen"), region), mask),
        RefineRequest(Structure("liver", 1), (), None, region, "segvol"),
    ):
        n, back = decode_request(encode_request(7, request))
        assert n == 7
        if isinstance(request, SegmentRequest):
            assert back == request
            continue
        assert (back.structure, back.prompts, back.region) == (request.structure, request.prompts, request.region)
        assert back.engine == request.engine
        assert (back.base is None) == (request.base is None)
        if request.base is not None:
            assert back.base.start == request.base.start
            assert np.array_equal(back.base.mask, request.base.mask)
    edit = Edit(mask.start, mask.mask, 5, 6, {"decode": 0.25}, "", ("fell back",))
    back = decode_event(encode_event(Answered(9, edit, 3)))
    assert same(back.edit, edit)
    assert (back.id, back.class_id, back.edit.seconds, back.edit.notices) == (9, 3, {"decode": 0.25}, ("fell back",))
    ready = Ready("a", "b", (1,), ("c",), ("vista3d", "segvol"), ("liver",))
    for event in (ready, Ready("a", "b"), Started(2), Progressed(1, Progress(1, 2, None)), Finished(4)):
        assert decode_event(encode_event(event)) == event
    failed = decode_event(encode_event(Failed(3, PromptError("what", "remedy"))))
    assert (type(failed.error), failed.error.what, failed.error.remedy) == (PromptError, "what", "remedy")


def test_damaged_messages_are_refused():
    frame = encode_event(Answered(1, Edit((0, 0, 0), np.ones((8, 8, 8), np.bool_), 512, 0), 1))
    request = encode_request(
        1, RefineRequest(Structure("x"), (at(1, 1, 1),), MaskCrop((0, 0, 0), np.ones((2, 2, 2), bool)))
    )
    for decode, good in ((decode_event, frame), (decode_request, request)):
        for bad in (
            b"",
            b"\xff\xff\xff\x7f",
            good[:-3],
            good[:9],
            good.replace(b'"shape": [', b'"shape": [9'),
            b"\0" * 99,
        ):
            with pytest.raises(FileFormatError):
                decode(bad)
    for wrong in (b'"shape": [-8', b'"shape": [99999999'):
        longer = frame.replace(b'"shape": [8', wrong)
        header = int.from_bytes(frame[:4], "little") + len(wrong) - len(b'"shape": [8')
        with pytest.raises(FileFormatError):
            decode_event(header.to_bytes(4, "little") + longer[4:])
