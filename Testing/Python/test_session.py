"""A session: what a person does, undoes and loses nothing of."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_engine import LIVER, RIGHT_KIDNEY, SPLEEN, FakeEngine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from session_world import COLORS, NAMES, RED, SHAPE, World, client_on, random_mask, volume
from VISTA3DSegmentLib.edits import NOTHING, MaskCrop
from VISTA3DSegmentLib.errors import PromptError, ResourceError
from VISTA3DSegmentLib.prompts import Box, Structure
from VISTA3DSegmentLib.provenance import current_time
from VISTA3DSegmentLib.service import InProcess
from VISTA3DSegmentLib.session.annotation import AnnotatedObject, Annotation, Status
from VISTA3DSegmentLib.session.deltas import Delta
from VISTA3DSegmentLib.session.history import History, Step
from VISTA3DSegmentLib.session.journal import Journal
from VISTA3DSegmentLib.session.prompting import Answering
from VISTA3DSegmentLib.session.rules import UNLIMITED
from VISTA3DSegmentLib.session.runs import Run
from VISTA3DSegmentLib.session.session import Session
from VISTA3DSegmentLib.volume import Volume

# Deltas


def test_a_delta_leads_there_and_back_to_the_bit():
    rng = np.random.default_rng(1)
    for _ in range(50):
        a, b, c = (random_mask(rng) if rng.random() > 0.1 else NOTHING for _ in range(3))
        delta = Delta.between(a, b)
        assert np.array_equal(delta.onto(a).full(SHAPE), b.full(SHAPE))
        assert np.array_equal(delta.onto(b).full(SHAPE), a.full(SHAPE))
        assert delta.added == (b.full(SHAPE) & ~a.full(SHAPE)).sum()
        assert delta.removed == (a.full(SHAPE) & ~b.full(SHAPE)).sum()
        both = delta.combined(Delta.between(b, c))
        assert np.array_equal(both.onto(a).full(SHAPE), c.full(SHAPE))
        assert bool(delta) == (not np.array_equal(a.full(SHAPE), b.full(SHAPE)))


def test_a_delta_is_small():
    big = np.ones((100, 200, 200), dtype=np.bool_)
    other = big.copy()
    other[40:50, 90:110, 90:110] = False
    assert len(Delta.between(MaskCrop.of(big), MaskCrop.of(other)).packed) < 1000


def test_a_delta_of_an_earlier_scene_or_journal_is_read():
    mask = np.zeros(SHAPE, dtype=np.bool_)
    mask[1, 2, 3] = mask[1, 3, 5] = mask[2, 2, 4] = True
    words = [1, 2, 3, 2, 2, 3, "eAFrZQAAAQwAhg=="]
    np.testing.assert_array_equal(Delta.from_json(words).onto(NOTHING).full(SHAPE), mask)
    assert Delta.from_json(words).to_json() == words
    for damaged in (words[:6], [*words[:6], "eAFr*QAAAQwAhg=="]):
        with pytest.raises(ValueError, match=r"values to unpack|base64"):
            Delta.from_json(damaged)


# Clicks


def test_a_click_changes_its_object_when_the_engine_has_answered():
    world = World()
    lesion = world.session.add(Structure("lesion"), RED)
    other = world.session.add(Structure("other"), RED, random_mask(np.random.default_rng(2)))
    before = world.mask(other)
    seen = []
    world.session.changed.connect(seen.append)
    world.session.click(lesion, (5, 5, 4))
    assert world.session.busy == {lesion}
    world.settle()
    assert world.mask(lesion)[4, 5, 5]
    assert np.array_equal(world.mask(other), before)
    assert {change.object_id for change in seen} == {lesion}
    assert str(world.session.history.done[-1]) == f"+ lesion, +{world.mask(lesion).sum():,} voxels"


def test_the_latest_click_wins_and_none_is_lost():
    world = World()
    lesion = world.session.add(Structure("lesion"), RED)
    for i in range(4):
        world.session.click(lesion, (2 * i, 5, 4))
    world.settle()
    asked = [entry for entry in world.engine.asked if len(entry) == 4]
    assert len(asked) == 1
    assert len(asked[0][1]) == 4
    world.check_pure()


def test_clicks_of_a_class_without_a_mask_correct_the_automatic_result():
    world = World()
    liver = world.session.add(Structure("liver", LIVER), RED)
    world.session.click(liver, (8, 8, 6))
    world.settle()
    assert world.mask(liver)[volume().array == 10 * LIVER].all()


def test_moving_flipping_and_deleting_a_click_ask_again():
    world = World()
    base = MaskCrop.of(np.ones(SHAPE, dtype=np.bool_))
    lesion = world.session.add(Structure("lesion"), RED, base)
    click = world.session.click(lesion, (5, 5, 4), positive=False)
    world.settle()
    assert not world.mask(lesion)[4, 5, 5]
    world.session.move_click(lesion, click, (1, 1, 1))
    world.settle()
    assert world.mask(lesion)[4, 5, 5]
    assert not world.mask(lesion)[1, 1, 1]
    world.session.flip_click(lesion, click)
    world.settle()
    assert world.mask(lesion).all()
    world.session.flip_click(lesion, click)
    world.session.delete_click(lesion, click)
    world.settle()
    assert world.mask(lesion).all()
    assert world.session.annotation[lesion].clicks == ()


def test_a_drag_is_one_step():
    world = World()
    lesion = world.session.add(Structure("lesion"), RED)
    click = world.session.click(lesion, (2, 2, 2))
    world.settle()
    before, steps = world.state(), len(world.session.history.done)
    for i in range(3, 7):
        world.session.move_click(lesion, click, (i, 2, 2), dragging=True)
        world.session.pump()
    world.session.move_click(lesion, click, (7, 2, 2))
    world.settle()
    world.check_pure()
    assert len(world.session.history.done) == steps + 1
    world.session.move_click(lesion, click, (8, 2, 2), dragging=True)
    assert len(world.session.history.done) == steps + 2
    world.session.undo()
    world.session.undo()
    world.settle()
    assert world.state() == before


def test_a_click_outside_the_scan_is_refused_and_changes_nothing():
    world = World()
    lesion = world.session.add(Structure("lesion"), RED)
    before = world.state()
    with pytest.raises(PromptError, match="outside"):
        world.session.click(lesion, (5, 5, 7.6))
    world.session.click(lesion, (5, 5, 7.4))
    world.session.undo()
    assert world.state() == before


def test_an_engine_that_fails_leaves_the_mask_and_says_so():
    def fail() -> None:
        raise ResourceError("The memory ran out.", "Choose less.")

    world = World(FakeEngine(during=fail))
    lesion = world.session.add(Structure("lesion"), RED)
    world.session.click(lesion, (5, 5, 4))
    world.settle()
    assert [error.remedy for error in world.failed] == ["Choose less."]
    assert not world.mask(lesion).any()
    assert len(world.session.annotation[lesion].clicks) == 1


# Automatic


def test_of_many_organs_that_are_cut_a_few_are_named_and_the_others_counted():
    run = Run(1, Step("run", {}), {}, {}, UNLIMITED, Annotation(), current_time(), cut=[f"rib {n}" for n in range(26)])
    (said,) = run.summary()
    assert said == "Cut at the edge of the scan: rib 0, rib 1, rib 2, rib 3, rib 4, rib 5 and 20 more."


def test_organs_arrive_one_by_one_as_one_step():
    world = World()
    world.session.segment([LIVER, SPLEEN, RIGHT_KIDNEY], NAMES, COLORS)
    world.session.pump()
    assert [v.structure.name for v in world.session.annotation.objects.values()] == ["liver"]
    world.settle()
    assert [v.structure.class_id for v in world.session.annotation.objects.values()] == [LIVER, SPLEEN]
    assert world.said == ["Not found in this scan: right kidney."]
    world.check_pure()
    assert str(world.session.undo()) == "segment 3 structures, +26 voxels"
    assert len(world.session.annotation) == 0
    world.session.redo()
    assert len(world.session.annotation) == 2
    world.check_pure()


def test_a_second_run_keeps_the_clicks_and_leaves_what_is_done():
    world = World()
    world.session.segment([LIVER, SPLEEN], NAMES, COLORS)
    world.settle()
    liver, spleen = (world.session.annotation.of_class(n) for n in (LIVER, SPLEEN))
    world.session.click(liver, (8, 8, 6))
    world.session.rebase(spleen, NOTHING)
    world.session.set_status(spleen, Status.DONE)
    world.settle()
    with_click = world.mask(liver)
    world.session.segment([LIVER, SPLEEN], NAMES, COLORS)
    world.settle()
    assert np.array_equal(world.mask(liver), with_click)
    assert with_click[6, 8, 8]
    assert not world.mask(spleen).any()


def test_a_cancelled_run_keeps_what_has_arrived():
    world = World()
    world.session.segment([LIVER, SPLEEN], NAMES, COLORS)
    world.session.pump()
    world.session.cancel_run()
    world.settle()
    assert [v.structure.name for v in world.session.annotation.objects.values()] == ["liver"]
    assert world.failed == []
    world.session.undo()
    assert len(world.session.annotation) == 0
    world.session.segment([SPLEEN], NAMES, COLORS)
    world.session.cancel_run()
    assert world.session.history.done == ()


def test_a_run_and_clicks_interleave():
    world = World()
    world.session.segment([LIVER, SPLEEN], NAMES, COLORS)
    world.session.pump()
    liver = world.session.annotation.of_class(LIVER)
    world.session.click(liver, (8, 8, 6))
    world.settle()
    world.check_pure()
    assert world.mask(liver)[6, 8, 8]
    assert len(world.session.annotation) == 2
    while world.session.undo():
        world.settle()
        world.check_pure()
    assert len(world.session.annotation) == 0


def test_undo_of_a_click_made_during_a_run_lets_the_run_go_on():
    world = World()
    spleen = world.session.add(Structure("spleen", SPLEEN), RED)
    world.session.segment([LIVER, SPLEEN, RIGHT_KIDNEY], NAMES, COLORS)
    world.session.pump()
    liver = world.session.annotation.of_class(LIVER)
    whole = world.mask(liver)
    world.session.click(liver, (8, 8, 6))
    world.session.undo()
    assert world.session.running
    assert np.array_equal(world.mask(liver), whole)
    world.session.click(spleen, (8, 8, 6))
    world.session.undo()
    world.settle()
    assert world.mask(spleen).any()
    assert world.said == ["Not found in this scan: right kidney."]
    assert world.session.redo() is None, "the click was on a spleen that is another one now"
    world.check_pure()
    world.session.undo()
    world.check_pure()
    assert list(world.session.annotation) == [spleen]


def test_undo_of_a_run_that_is_under_way_ends_it_and_says_so():
    world = World()
    world.session.segment([LIVER, SPLEEN], NAMES, COLORS)
    world.session.pump()
    world.session.undo()
    assert not world.session.running
    world.settle()
    assert len(world.session.annotation) == 0
    assert world.said == ["The automatic run was cancelled."]


# The person's own voxels


def test_voxels_from_another_tool_become_what_clicks_correct():
    world = World()
    lesion = world.session.add(Structure("lesion"), RED)
    world.session.click(lesion, (5, 5, 4))
    world.settle()
    painted = world.mask(lesion).copy()
    painted[0, 0, 0] = True
    world.session.rebase(lesion, MaskCrop.of(painted), "paint")
    world.session.click(lesion, (2, 2, 2), positive=False)
    world.settle()
    assert world.mask(lesion)[0, 0, 0]
    assert world.mask(lesion)[4, 5, 5]
    world.check_pure()
    world.session.undo()
    assert np.array_equal(world.mask(lesion), painted)


# Undo


def test_going_back_to_a_state_that_was_never_answered_asks_for_it():
    world = World()
    lesion = world.session.add(Structure("lesion"), RED)
    world.session.click(lesion, (2, 2, 2))
    world.session.click(lesion, (7, 7, 6))
    world.settle()
    both = world.state()
    world.session.undo()
    assert world.session.busy == {lesion}
    world.settle()
    world.check_pure()
    assert world.mask(lesion)[2, 2, 2]
    assert not world.mask(lesion)[6, 7, 7]
    world.session.redo()
    assert world.state() == both
    assert not world.session.busy


def test_what_a_state_of_the_past_takes_when_it_is_answered_late_is_given_back_on_the_way_forth():
    world = World()
    one = world.session.add(Structure("liver", LIVER), RED)
    world.session.click(one, (0, 0, 0), positive=False)
    two = world.session.add(Structure("liver too", LIVER), RED)
    world.rules.on = True
    click = world.session.click(two, (0, 0, 0), positive=False)
    world.session.flip_click(two, click)
    world.settle()
    last = world.state()
    world.session.undo()
    world.settle()
    assert not world.mask(one).any(), "the other one took it"
    world.session.redo()
    world.settle()
    assert world.state() == last


def test_old_steps_are_forgotten_when_memory_is_short():
    rng = np.random.default_rng(1)
    history, annotation = History(memory_bytes=2000), Annotation()
    for n in range(50):
        value = AnnotatedObject(Structure("x"), RED, mask=MaskCrop((0, 0, 0), rng.random((12, 12, 12)) < 0.5))
        after = annotation.replaced("x", value)
        history.push(str(n), annotation, after)
        annotation = after
    assert 1 <= len(history.done) < 10
    assert history.done[-1].name == "49"
    assert sum(step.nbytes for step in history.done) <= 2000


POSITION = st.tuples(st.integers(0, 9), st.integers(0, 8), st.integers(0, 7))
ACTION = st.one_of(
    st.tuples(st.just("add"), st.sampled_from([LIVER, SPLEEN, None]), st.booleans()),
    st.tuples(st.just("click"), POSITION, st.booleans()),
    st.tuples(st.sampled_from(["move", "drag"]), st.integers(0, 5), POSITION),
    st.tuples(st.sampled_from(["flip", "delete"]), st.integers(0, 5)),
    st.tuples(st.just("paint"), st.integers(0, 99)),
    st.tuples(st.just("text"), st.sampled_from(["liver", "spleen", ""])),
    st.tuples(st.just("box"), POSITION, st.integers(0, 3), st.booleans()),
    st.tuples(st.just("answering"), st.sampled_from(["", "fake", "segvol"]), st.sampled_from(["", "segvol"])),
    st.tuples(st.sampled_from(["switch", "undo", "redo", "pump", "settle", "segment", "cancel", "remove", "flag"])),
    st.tuples(st.just("overwrite"), st.booleans()),
)


def prompt(session: Session, target: str, kind: str, *arguments: Any) -> None:
    if kind == "click":
        session.click(target, tuple(map(float, arguments[0])), arguments[1])
    elif kind == "text":
        session.set_text(target, arguments[0])
    else:
        low, size, dragging = arguments
        box = Box(tuple(map(float, low)), tuple(float(at + size) for at in low)) if size else None
        session.set_box(target, box, dragging)


def do(world: World, action: tuple[Any, ...], chosen: int) -> int:
    """One action on the chosen object; returns which is chosen next."""
    session, (kind, *arguments) = world.session, action
    ids = list(session.annotation)
    target = ids[chosen % len(ids)] if ids else None
    if kind == "add":
        class_id, painted = arguments
        mask = random_mask(np.random.default_rng(class_id)) if painted else None
        session.add(Structure(f"object {class_id}", class_id), RED, mask)
        return len(ids)
    if kind in ("undo", "redo", "pump"):
        getattr(session, kind)()
    elif kind == "settle":
        world.settle()
    elif kind == "segment":
        session.segment([LIVER, SPLEEN, RIGHT_KIDNEY], NAMES, COLORS)
    elif kind == "cancel":
        session.cancel_run()
    elif kind == "overwrite":
        world.rules.on = arguments[0]
    elif kind == "answering":
        session.answering = Answering(arguments[0], *arguments)
    elif kind == "switch" or target is None:
        return chosen + 1
    elif kind in ("click", "text", "box"):
        with suppress(PromptError):  # another engine has still to answer
            prompt(session, target, kind, *arguments)
    elif kind == "paint":
        session.rebase(target, random_mask(np.random.default_rng(arguments[0])), "paint")
    elif kind == "remove":
        session.remove(target)
    elif kind == "flag":
        session.set_status(target, Status.FLAGGED)
    elif clicks := session.annotation[target].clicks:
        click = clicks[arguments[0] % len(clicks)].id
        if kind in ("move", "drag"):
            session.move_click(target, click, tuple(map(float, arguments[1])), dragging=kind == "drag")
        elif kind == "flip":
            session.flip_click(target, click)
        else:
            session.delete_click(target, click)
    return chosen


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(ACTION, min_size=5, max_size=60))
def test_whatever_a_person_does_masks_follow_prompts_and_undo_leads_back(actions):
    world, chosen = World(), 0
    for action in actions:
        chosen = do(world, action, chosen)
    world.settle()
    world.check_pure()
    last = world.state()
    count = len(world.session.history.done)
    while world.session.undo():
        world.settle()
        world.check_pure()
    assert world.state() == {}
    for _ in range(count):
        world.session.redo()
        world.settle()
        world.check_pure()
    assert world.state() == last


# The journal


def test_what_was_done_comes_back_from_the_journal(tmp_path):
    world = World(journal=Journal(tmp_path, "key"))
    world.session.segment([LIVER, SPLEEN], NAMES, COLORS)
    world.settle()
    lesion = world.session.add(Structure("Läsion 1"), RED)
    click = world.session.click(lesion, (5, 5, 4))
    world.settle()
    world.session.move_click(lesion, click, (4, 4, 4))
    world.session.rebase(world.session.annotation.of_class(LIVER), NOTHING, "erase")
    world.session.click(lesion, (1, 1, 1), positive=False)
    world.session.set_status(lesion, Status.FLAGGED)
    world.session.undo()
    world.settle()
    again = World(journal=Journal(tmp_path, "key"))
    assert again.state() == world.state()
    again.check_pure()
    again.session.click(lesion, (5, 2, 2))
    again.settle()
    assert World(journal=Journal(tmp_path, "key")).state() == again.state()


def test_a_click_that_a_crash_left_without_an_answer_is_answered_also_by_undo(tmp_path):
    world = World(journal=Journal(tmp_path, "0"))
    lesion = world.session.add(Structure("lesion"), RED)
    world.session.click(lesion, (2, 2, 2))
    journal = Journal(tmp_path, "0")
    again = World(annotation=journal.restore(), waiting=journal.waiting, journal=journal)
    again.session.click(lesion, (7, 7, 6))
    again.settle()
    again.session.undo()
    again.settle()
    again.check_pure()
    assert again.mask(lesion)[2, 2, 2]


def test_the_journal_of_another_version_is_left_alone(tmp_path):
    other = tmp_path / "key.journal"
    other.write_bytes(b"another form\n")
    assert not Journal(tmp_path, "key").restore()
    assert Journal(tmp_path, "key").since("") == {}
    assert other.read_bytes() == b"another form\n"


def test_a_journal_holds_no_patient_data_and_is_for_its_owner_only(tmp_path):
    secret = Volume(volume().array, np.eye(4), "DOE^JANE 1950-01-01")
    journal = Journal(tmp_path, secret.sample_key)
    session = Session(secret, client_on(secret, FakeEngine()), journal)
    session.add(Structure("liver", LIVER), RED)
    assert b"DOE" not in journal.path.read_bytes()
    assert "DOE" not in journal.path.name
    assert journal.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("lost", [1, 7, 40])
def test_a_line_that_a_crash_cut_off_is_left_out(tmp_path, lost):
    journal = Journal(tmp_path, "key")
    one = Annotation().replaced("a", AnnotatedObject(Structure("a"), RED, mask=random_mask(np.random.default_rng(1))))
    two = one.replaced("b", AnnotatedObject(Structure("b"), RED))
    journal.append(one)
    journal.append(two)
    os.truncate(journal.path, journal.path.stat().st_size - lost)
    again = Journal(tmp_path, "key")
    assert list(again.restore()) == ["a"]
    again.append(two)
    assert list(Journal(tmp_path, "key").restore()) == ["a", "b"]


def test_a_full_disk_is_told_the_work_goes_on_and_the_journal_stays_whole(tmp_path, monkeypatch):
    world = World(journal=Journal(tmp_path, "key"))
    lesion = world.session.add(Structure("lesion"), RED)
    kept = world.state()
    write = os.write
    with monkeypatch.context() as disk:
        disk.setattr(os, "write", lambda file, content: write(file, content[: len(content) // 2]))
        world.session.click(lesion, (5, 5, 4))
        world.settle()
    assert world.mask(lesion).any()
    assert len(world.failed) == 2
    assert all(isinstance(error, ResourceError) and "free disk space" in error.remedy for error in world.failed)
    assert World(journal=Journal(tmp_path, "key")).state() == kept
    world.session.click(lesion, (1, 1, 1))
    world.settle()
    assert len(world.failed) == 2
    assert World(journal=Journal(tmp_path, "key")).state() == world.state()


def test_a_session_that_is_killed_at_any_step_comes_back(tmp_path):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import test_session as t\n"
        "from pathlib import Path\n"
        "world = t.World(journal=t.Journal(Path(sys.argv[2]), 'key'))\n"
        "lesion = world.session.add(t.Structure('lesion'), t.RED, object_id='lesion')\n"
        "for n in range(6):\n"
        "    world.session.click('lesion', (n, n, n), n % 3 != 2, f'c{n}'); print('clicked', n, flush=True)\n"
        "    world.settle(); print('settled', n, flush=True)\n"
        "    if n == 3: world.session.undo(); world.settle(); print('undone', n, flush=True)\n"
    )
    for step in range(13):
        folder = tmp_path / str(step)
        command = [sys.executable, "-c", program, str(Path(__file__).parent), str(folder)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        lines = [child.stdout.readline().split() for _ in range(step + 1)]
        child.send_signal(signal.SIGKILL)
        child.wait()
        kind, n = lines[-1][0], int(lines[-1][1])
        world = World(journal=Journal(folder, "key"))
        clicks = [placed.id for placed in world.session.annotation["lesion"].clicks]
        done = [f"c{m}" for m in range(n + 1) if m != 3]
        promised = done if n != 3 or kind == "undone" else [f"c{m}" for m in range(4)]
        # The program may have gone further before the signal came; what it said was done must be there.
        assert clicks[: len(promised)] == promised or (kind != "undone" and n == 3 and clicks[:3] == promised[:3])
        if kind == "settled" and clicks == promised:
            world.check_pure()
        if step % 4:
            continue
        session = world.session
        session.click("lesion", (9, 8, 7))
        world.settle()
        world.check_pure()
        assert replace(session.annotation["lesion"]).mask.mask.any()


def test_a_volume_is_known_again_by_a_sample_of_its_voxels_and_its_place():
    rng = np.random.default_rng(3)
    array = rng.integers(-1000, 1000, (130, 140, 150)).astype(np.int16)
    volume, same = Volume(array, np.eye(4)), Volume(array.copy(), np.eye(4), "another name")
    assert volume.sample_key == same.sample_key
    moved = np.eye(4)
    moved[0, 3] = 1.0
    others = [Volume(array, moved), Volume(array[:-1], np.eye(4)), Volume(array + 1, np.eye(4))]
    assert len({volume.sample_key, *(other.sample_key for other in others)}) == 4


def test_answers_that_come_all_at_once_are_taken_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from VISTA3DSegmentLib.session import session as module

    ticks = iter(range(10**6))
    monkeypatch.setattr(module.time, "perf_counter", lambda: float(next(ticks)))

    class Eager(InProcess):
        """A client that has everything at once."""

        def pump(self) -> list[Any]:
            return [event for _ in range(50) for event in super(Eager, self).pump()]

    client = Eager(FakeEngine())
    client.open(volume())
    session = Session(volume(), client)
    session.segment((LIVER, SPLEEN), {LIVER: "liver", SPLEEN: "spleen"}, {LIVER: RED, SPLEEN: RED})
    counts = []
    while session.running:
        session.pump()
        counts.append(len(session.annotation))
    assert sorted(set(counts)) == [0, 1, 2]
