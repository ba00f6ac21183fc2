"""How objects of a session came about: by which model and prompts; through undo, the journal and a saved scene."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from fake_engine import LIVER, SPLEEN
from session_world import COLORS, NAMES, RED, SHAPE, World
from VISTA3DSegmentLib import __version__
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.prompts import Structure
from VISTA3DSegmentLib.provenance import TAG, Algorithm, Provenance
from VISTA3DSegmentLib.session.annotation import Status
from VISTA3DSegmentLib.session.journal import Journal


def segmented() -> tuple[World, str]:
    world = World()
    world.session.segment([LIVER, SPLEEN], NAMES, COLORS)
    world.settle()
    object_id = world.session.annotation.of_class(LIVER)
    assert object_id is not None
    return world, object_id


def made(world: World, object_id: str) -> Provenance:
    return world.session.annotation[object_id].provenance


def test_an_organ_of_the_automatic_run_is_automatic_and_says_which_model_found_it() -> None:
    world, liver = segmented()
    found = made(world, liver)
    assert found.algorithm is Algorithm.AUTOMATIC
    assert (found.engine, found.model, found.version, found.sha256) == ("fake", "fake", "7", "f" * 64)
    assert found.software == f"vista3dsegment {__version__}"
    assert found.created
    assert not found.changed


def test_a_click_makes_it_semiautomatic_and_undo_automatic_again() -> None:
    world, liver = segmented()
    world.session.click(liver, (4.0, 3.0, 6.0))
    world.session.click(liver, (4.0, 3.0, 2.0), positive=False)
    world.settle()
    found = made(world, liver)
    assert (found.algorithm, found.positive, found.negative) == (Algorithm.SEMIAUTOMATIC, 1, 1)
    assert found.changed
    world.session.undo()
    world.session.undo()
    world.settle()
    assert made(world, liver).algorithm is Algorithm.AUTOMATIC
    assert made(world, spleen_of(world)).algorithm is Algorithm.AUTOMATIC


class Clock:
    """The time of a session; it stands still.

    Args:
        monkeypatch: of the test.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        monkeypatch.setattr("VISTA3DSegmentLib.session.session.current_time", self.now)

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=self.seconds)


def test_the_time_before_a_prompt_went_into_its_object_also_if_it_is_the_only_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch)
    world, liver = segmented()
    spleen = spleen_of(world)
    clock.seconds += 8
    world.session.click(liver, (4.0, 3.0, 6.0))
    clock.seconds += 5
    world.session.click(spleen, (4.0, 3.0, 6.0))
    clock.seconds += 3
    world.session.rebase(spleen, MaskCrop.of(np.ones(SHAPE, np.bool_)))
    assert (made(world, liver).seconds, made(world, spleen).seconds) == (8, 5 + 3)


@pytest.mark.parametrize("ends_with", ["a run", "done"])
def test_time_that_went_into_nothing_or_something_else_is_not_counted(
    ends_with: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    world, liver = segmented()
    if ends_with == "a run":
        world.session.segment([SPLEEN], NAMES, COLORS)
        clock.seconds += 40
        world.settle()
    else:
        clock.seconds += 40
        world.session.set_status(spleen_of(world), Status.DONE)
    clock.seconds += 2
    world.session.click(liver, (4.0, 3.0, 6.0))
    assert made(world, liver).seconds == 2


def test_who_works_on_during_a_run_is_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    world, liver = segmented()
    world.session.segment([SPLEEN], NAMES, COLORS)
    clock.seconds += 30
    world.session.click(liver, (4.0, 3.0, 6.0))
    clock.seconds += 29
    world.settle()
    clock.seconds += 1
    world.session.click(liver, (4.0, 3.0, 5.0))
    assert made(world, liver).seconds == 60


def test_a_run_keeps_the_work_of_the_prompts_that_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(0, 1000, 4))
    monkeypatch.setattr(
        "VISTA3DSegmentLib.session.session.current_time",
        lambda: datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=next(seconds)),
    )
    world, liver = segmented()
    for i in (6.0, 5.0, 4.0):
        world.session.click(liver, (4.0, 3.0, i))
        world.settle()
    before = made(world, liver)
    world.session.segment([LIVER, SPLEEN], NAMES, COLORS)
    world.settle()
    assert made(world, liver).clicks == 3
    assert (made(world, liver).seconds, made(world, liver).changed) == (before.seconds, before.changed)
    assert before.seconds > 0


def spleen_of(world: World) -> str:
    spleen = world.session.annotation.of_class(SPLEEN)
    assert spleen is not None
    return spleen


def test_a_text_that_another_engine_answers_names_that_engine_and_stays_counted_when_a_click_follows() -> None:
    world = World()
    object_id = world.session.add(Structure("liver", LIVER), RED)
    world.session.set_text(object_id, "liver")
    world.settle()
    found = made(world, object_id)
    assert (found.engine, found.text, found.algorithm) == ("segvol", "liver", Algorithm.SEMIAUTOMATIC)
    world.session.click(object_id, (4.0, 3.0, 2.0))
    world.settle()
    found = made(world, object_id)
    assert not world.session.annotation[object_id].text
    assert (found.engine, found.text, found.clicks) == ("fake", "liver", 1)


def test_what_other_tools_did_is_counted_and_what_no_model_made_is_manual() -> None:
    world, liver = segmented()
    mask = MaskCrop.of(np.ones(SHAPE, np.bool_))
    world.session.rebase(liver, mask)
    assert (made(world, liver).edits, made(world, liver).algorithm) == (1, Algorithm.SEMIAUTOMATIC)
    drawn = world.session.add(Structure("cyst"), RED, mask)
    assert made(world, drawn).algorithm is Algorithm.MANUAL


def test_a_segment_from_a_file_goes_on_with_what_the_file_says() -> None:
    world = World()
    known = Provenance(Algorithm.AUTOMATIC, "vista3d", "starter", "1", "ab" * 32, positive=2)
    drawn = world.session.add(Structure("cyst"), RED, MaskCrop.of(np.ones(SHAPE, np.bool_)), tags={TAG: known.to_tag()})
    found = made(world, drawn)
    assert (found.model, found.positive, found.algorithm) == ("starter", 2, Algorithm.SEMIAUTOMATIC)


def test_voxels_of_which_no_file_says_how_they_were_made_do_not_become_handwork_by_a_stroke() -> None:
    world = World()
    mask = MaskCrop.of(np.ones(SHAPE, np.bool_))
    smaller = MaskCrop((0, 0, 0), np.ones((2, 2, 2), np.bool_))
    came = world.session.add(Structure("liver"), RED, mask)
    world.session.adopt("other", Structure("spleen"), RED, mask)
    said = world.session.add(Structure("cyst"), RED, mask, tags={TAG: Provenance().to_tag()})
    for object_id in (came, "other", said):
        world.session.rebase(object_id, smaller)
    assert [made(world, key).algorithm for key in (came, "other")] == 2 * [Algorithm.SEMIAUTOMATIC]
    assert (made(world, came).edits, made(world, came).engine) == (1, "")
    assert made(world, said).algorithm is Algorithm.MANUAL


def test_what_is_drawn_from_nothing_is_handwork() -> None:
    world = World()
    drawn = world.session.add(Structure("cyst"), RED)
    world.session.rebase(drawn, MaskCrop((0, 0, 0), np.ones((2, 2, 2), np.bool_)))
    world.session.rebase(drawn, MaskCrop((0, 0, 0), np.ones((2, 2, 3), np.bool_)))
    assert (made(world, drawn).algorithm, made(world, drawn).edits) == (Algorithm.MANUAL, 2)


def test_an_object_of_another_tool_goes_on_with_what_its_tags_say() -> None:
    world = World()
    known = Provenance(Algorithm.AUTOMATIC, model="TotalSegmentator", version="2.4")
    world.session.adopt(
        "other", Structure("liver"), RED, MaskCrop.of(np.ones(SHAPE, np.bool_)), tags={TAG: known.to_tag()}
    )
    assert made(world, "other") == known


def test_the_journal_keeps_it(tmp_path: Path) -> None:
    world = World(journal=Journal(tmp_path, "scan"))
    world.session.segment([LIVER], NAMES, COLORS)
    world.settle()
    (liver,) = world.session.annotation
    world.session.click(liver, (4.0, 3.0, 6.0))
    world.settle()
    before = made(world, liver)
    world.session.close()
    assert Journal(tmp_path, "scan").restore()[liver].provenance == before


def test_a_saved_scene_and_its_segments_keep_it(tmp_path: Path) -> None:
    pytest.importorskip("slicer", reason="needs the scene extra")
    from scene_world import corrected
    from VISTA3DSegmentLib.provenance import provenance_of

    world, object_id = corrected()
    world.annotator.keep()
    found = world.session.annotation[object_id].provenance
    assert found.clicks
    assert provenance_of({TAG: world.annotator.segments.tag(object_id, TAG)}) == found
    kept = world.annotator.records.recall(
        object_id,
        world.annotator.segments.read(object_id),
        world.annotator.markups.positions(),
        None,
    )
    assert kept.as_kept
    assert kept.value.provenance == found


def test_a_segment_is_born_with_its_provenance_and_of_a_foreign_one_nothing_is_claimed() -> None:
    pytest.importorskip("slicer", reason="needs the scene extra")
    from scene_world import of
    from scene_world import segmented as in_scene
    from VISTA3DSegmentLib.provenance import provenance_of

    world = in_scene()
    tag = world.annotator.segments.tag(of(world, LIVER), TAG)
    found = provenance_of({TAG: tag})
    assert found is not None
    assert found.algorithm is Algorithm.AUTOMATIC
    drawn = world.session.add(Structure("cyst"), RED, MaskCrop((0, 0, 0), np.ones((2, 2, 2), np.bool_)))
    world.annotator.keep()
    assert world.annotator.segments.tag(drawn, TAG) == ""


def test_a_segment_that_the_host_loaded_itself_goes_on_with_what_its_tags_say() -> None:
    pytest.importorskip("slicer", reason="needs the scene extra")
    from scene_world import SceneWorld, shared_layer
    from VISTA3DSegmentLib.provenance import provenance_of

    world = SceneWorld()
    first, *_ = shared_layer(world)
    known = Provenance(Algorithm.AUTOMATIC, model="TotalSegmentator", version="2.4")
    world.annotator.segments.note(first, TAG, known.to_tag())
    world.annotator.select(first)
    mine = np.zeros(world.voxels(first).shape, np.bool_)
    mine[1:3, 1:3, 1:3] = True
    world.paint(first, mine)
    world.annotator.keep()
    found = provenance_of({TAG: world.annotator.segments.tag(first, TAG)})
    assert found is not None
    assert (found.algorithm, found.model, found.edits) == (Algorithm.SEMIAUTOMATIC, "TotalSegmentator", 1)
