"""Asking for structures by words and boxes: who answers, what can be named, what is listed, what is said about it."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("trame_slicer", reason="needs the app extra")
from fake_engine import HEPATIC_TUMOR, LIVER, FakeEngine, two_engines
from scene_world import empty_scene, painted
from VISTA3DSegmentLib.errors import PromptError
from VISTA3DSegmentLib.prompts import Box, Text
from VISTA3DSegmentLib.service import InProcess
from VISTA3DSegmentLib.session.annotation import Status
from VISTA3DSegmentLib.workspace import guidance, telling
from VISTA3DSegmentLib.workspace.asking import ENGINES, SEGVOL, VISTA3D
from VISTA3DSegmentLib.workspace.estimate import Estimator
from VISTA3DSegmentLib.workspace.workspace import Workspace
from workspace_world import IN_LIVER, Desk

CORNERS = (16.0, 4.0, 2.0), (22.0, 9.0, 5.0)
"""Of a box (RAS, mm), away from what is painted."""


@pytest.fixture
def engine() -> FakeEngine:
    return two_engines()


@pytest.fixture
def desk(tmp_path: Path, engine: FakeEngine) -> Desk:
    return Desk(tmp_path / "home", engine=engine)


def answered_by(engine: FakeEngine) -> list[tuple[object, ...]]:
    """The prompts that an engine was asked with."""
    return [asked[1] for asked in engine.asked if len(asked) == 4]  # type: ignore[arg-type, misc]


def draw(desk: Desk, corners: tuple[tuple[float, ...], tuple[float, ...]] = CORNERS) -> None:
    """What the host does when the mouse has placed both corners."""
    node = desk.workspace.asking.draw_box()
    for corner in corners:
        node.AddControlPointWorld(*corner)
    desk.settle()


def test_an_organ_that_is_named_appears_is_chosen_and_was_found_by_segvol(desk: Desk, engine: FakeEngine) -> None:
    liver = desk.workspace.asking.say("liver")
    desk.settle()
    assert desk.workspace.annotator.selected == liver
    assert desk.segments()["liver"].ml == pytest.approx((painted() == 10 * LIVER).sum() / 1000)
    assert answered_by(engine.others["segvol"]) == [(Text("liver"),)]
    assert answered_by(engine) == []


def test_begun_by_words_corrected_by_clicks_and_all_of_it_undone(desk: Desk, engine: FakeEngine) -> None:
    desk.workspace.asking.say("liver")
    desk.settle()
    whole = desk.segments()["liver"].ml
    desk.workspace.annotator.click(IN_LIVER, positive=False)
    desk.settle()
    assert 0 < desk.segments()["liver"].ml < whole
    assert len(answered_by(engine)) == 1, "the click was VISTA3D's"
    desk.workspace.annotator.undo()
    desk.settle()
    assert desk.segments()["liver"].ml == whole
    while desk.workspace.annotator.undo():
        desk.settle()
    assert desk.segments() == {}


def test_who_answers_can_be_chosen_and_holds_for_the_next_scan_too(desk: Desk, engine: FakeEngine) -> None:
    asking, segvol = desk.workspace.asking, engine.others["segvol"]
    assert [choice.title for choice in ENGINES] == ["VISTA3D", "SegVol"]
    asking.answer_with(clicks=SEGVOL, words=VISTA3D)
    desk.show(painted().copy() + 1)
    asking.say("liver")
    desk.settle()
    assert answered_by(engine) == [(Text("liver"),)]
    desk.workspace.annotator.click(IN_LIVER, positive=False)
    desk.settle()
    assert len(answered_by(segvol)) == 1
    asking.answer_with()
    assert (asking.clicks, asking.words) == (VISTA3D, SEGVOL)


def test_words_that_only_vista3d_knows_are_answered_by_it_and_that_is_said(desk: Desk, engine: FakeEngine) -> None:
    desk.workspace.asking.say("hepatic tumor")
    desk.settle()
    assert answered_by(engine.others["segvol"]) == []
    assert answered_by(engine) == [(Text("hepatic tumor"),)]
    assert any("has no words for hepatic tumor: VISTA3D" in sentence for sentence in desk.said)
    desk.workspace.asking.say("spleen")
    desk.settle()
    assert answered_by(engine.others["segvol"]) == [(Text("spleen"),)], "and SegVol answers the next"


def test_a_structure_goes_and_comes_with_the_words_or_the_box_that_began_it(desk: Desk) -> None:
    annotator = desk.workspace.annotator
    desk.workspace.asking.say("spleen")
    desk.settle()
    annotator.select(None)
    annotator.box(*CORNERS)
    desk.settle()
    ml = {name: view.ml for name, view in desk.segments().items()}
    assert set(ml) == {"spleen", "Lesion 1"}
    assert [step.joins for step in annotator.session.history.done] == [False, True, False, True]
    assert annotator.undo() is not None
    assert set(desk.segments()) == {"spleen"}
    annotator.undo()
    assert desk.segments() == {}
    assert annotator.undo() is None
    for _ in range(2):
        annotator.redo()
        desk.settle()
    assert {name: view.ml for name, view in desk.segments().items()} == ml


def test_words_that_are_refused_leave_nothing_and_come_back_to_the_field(desk: Desk) -> None:
    refused: list[str] = []
    desk.workspace.asking.refused.connect(refused.append)
    liver = desk.workspace.asking.say("liver")
    desk.settle()
    desk.workspace.asking.say(" Gizzard ")
    desk.settle()
    history = desk.workspace.annotator.session.history
    assert "knows no Gizzard" in str(desk.failed[-1])
    assert set(desk.segments()) == {"liver"}
    assert [step.name for step in history.done] == ["new liver", "text for liver"]
    assert history.undone == (), "to do it again would be refused again"
    assert desk.workspace.annotator.selected == liver, "what was chosen before"
    assert refused == ["Gizzard"]
    desk.workspace.begin_structure("gizzard")
    desk.workspace.annotator.box(*CORNERS)
    desk.settle()
    assert desk.segments()["gizzard"].ml > 0
    assert len(desk.failed) == 1


def test_words_that_are_refused_for_a_structure_that_was_begun_leave_it_for_a_box(desk: Desk) -> None:
    gizzard = desk.workspace.begin_structure("gizzard")
    assert desk.workspace.asking.say("gizzard") == gizzard
    desk.settle()
    assert desk.workspace.annotator.selected == gizzard
    assert desk.workspace.asking.lines() == ()
    assert [step.name for step in desk.workspace.annotator.session.history.done] == ["new gizzard"]
    desk.workspace.annotator.box(*CORNERS)
    desk.settle()
    assert desk.segments()["gizzard"].ml > 0
    assert len(desk.failed) == 1


def test_words_that_are_refused_after_a_box_was_drawn_leave_the_box(desk: Desk) -> None:
    gizzard = desk.workspace.asking.say("gizzard")
    desk.workspace.annotator.box(*CORNERS, gizzard)
    desk.settle()
    assert "gizzard" in desk.segments()
    assert "box" in [line.kind for line in desk.workspace.asking.lines()]


def test_words_that_were_answered_stay_when_something_else_is_refused(desk: Desk) -> None:
    desk.workspace.asking.say("liver")
    desk.settle()
    desk.workspace.asking.say("liver")
    desk.workspace.annotator.click((500.0, 0.0, 0.0))
    desk.settle()
    assert len(desk.failed) == 1
    assert [line.kind for line in desk.workspace.asking.lines()] == ["text"]


def test_without_words_nothing_is_asked(desk: Desk) -> None:
    with pytest.raises(PromptError, match="empty"):
        desk.workspace.asking.say("  ")


def test_what_segvol_knows_is_suggested_first_and_found_by_other_words_too(desk: Desk) -> None:
    suggested = desk.workspace.asking.suggestions()
    assert [choice.title for choice in suggested] == [
        "left kidney", "liver", "right kidney", "spleen",  # SegVol's
        "hepatic tumor",  # VISTA3D's
    ]  # fmt: skip
    assert "hepar" in suggested[1].subtitle
    assert desk.workspace.asking.suggestions() is suggested
    assert HEPATIC_TUMOR in desk.workspace.classes


def test_a_drawn_box_is_that_of_the_chosen_structure_and_the_drawing_ends(desk: Desk) -> None:
    cyst = desk.workspace.begin_structure("cyst")
    asking = desk.workspace.asking
    assert not asking.drawing
    asking.draw_box()
    assert asking.drawing
    draw(desk)
    assert not asking.drawing
    box = desk.workspace.annotator.session.annotation[cyst].box
    assert isinstance(box, Box)
    assert box.ras_min == pytest.approx(CORNERS[0])
    assert desk.segments()["cyst"].ml > 0


def test_a_drawing_that_is_given_up_leaves_nothing(desk: Desk) -> None:
    scene = desk.workspace.annotator.scene
    before = scene.GetNumberOfNodes()
    desk.workspace.asking.draw_box()
    desk.workspace.asking.stop_drawing()
    desk.settle()
    assert not desk.workspace.asking.drawing
    assert scene.GetNumberOfNodes() == before
    assert desk.segments() == {}


def test_the_prompts_of_the_chosen_structure_are_listed_flipped_and_deleted(desk: Desk) -> None:
    asking, annotator = desk.workspace.asking, desk.workspace.annotator
    assert asking.lines() == ()
    liver = asking.say("liver")
    annotator.box((3.0, 3.0, 3.0), (12.0, 12.0, 9.0))
    desk.settle()
    assert [line.kind for line in asking.lines()] == ["text", "box"]
    asking.forget("box")
    asking.forget("text")
    desk.settle()
    assert asking.lines() == ()
    assert desk.segments()["liver"].ml == 0
    annotator.click(IN_LIVER)
    desk.settle()
    (click,) = asking.lines()
    asking.flip(click.id)
    assert [line.kind for line in asking.lines()] == ["negative"]
    asking.forget(click.id)
    assert asking.lines() == ()
    with pytest.raises(PromptError, match="no such prompt"):
        asking.forget(click.id)
    asking.say("liver")
    with pytest.raises(PromptError, match="Only a click"):
        asking.flip("text")
    annotator.set_status(liver, Status.DONE)
    with pytest.raises(PromptError, match="is done"):
        asking.forget("text")


def test_starting_afresh_and_opening_another_scan_leave_no_box_in_the_scene(desk: Desk) -> None:
    def boxes() -> int:
        return int(desk.workspace.annotator.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode"))

    for leave in (desk.workspace.start_afresh, lambda: desk.show(painted().copy() + 1)):
        desk.workspace.annotator.box(*CORNERS)
        desk.settle()
        assert boxes() == 1
        leave()
        desk.settle()
        assert boxes() == 0


def test_when_the_scan_is_taken_out_of_the_scene_its_boxes_leave_too(desk: Desk) -> None:
    desk.workspace.annotator.box(*CORNERS)
    desk.settle()
    scene = desk.workspace.annotator.scene
    scene.RemoveNode(desk.workspace.annotator.volume_node)
    desk.workspace.pump()
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode") == 0


def test_what_is_typed_or_drawn_decides_what_is_said_about_it(desk: Desk) -> None:
    asking = desk.workspace.asking
    assert asking.hint() == asking.hint("liver") == guidance.BEST
    assert "Lesions are found poorly" in asking.hint("liver tumour")
    assert "Left and right" in asking.hint("left kidney")
    asking.draw_box()
    assert "close around the new structure: a loose box" in asking.hint("liver")
    asking.answer_with(words=VISTA3D)
    assert "inside the box only" in asking.hint()
    asking.stop_drawing()
    assert asking.hint("left kidney") == guidance.CLASSES
    assert not any("IoU" in sentence or "confiden" in sentence for sentence in guidance.ALL)


def test_without_a_scan_nothing_can_be_asked_and_nothing_is_listed(tmp_path: Path) -> None:
    estimator = Estimator("starter", tmp_path)
    asking = Workspace(empty_scene(), lambda: InProcess(two_engines()), estimator, tmp_path).asking
    assert asking.lines() == ()
    assert asking.texts == ()
    assert not asking.drawing
    asking.stop_drawing()
    asking.answer_with(clicks=SEGVOL)
    for wish in (lambda: asking.say("liver"), asking.draw_box):
        with pytest.raises(PromptError, match="No scan is open"):
            wish()
    assert telling.hint(asking._workspace) == ""


def test_only_the_box_of_the_chosen_structure_is_shown(desk: Desk) -> None:
    annotator = desk.workspace.annotator
    first = annotator.box(*CORNERS)
    annotator.select(None)
    second = annotator.box((3.0, 16.0, 6.0), (9.0, 21.0, 9.0))

    def shown() -> set[str]:
        return {n for n, node in annotator.boxes.nodes.items() if node.GetDisplayNode().GetVisibility()}

    desk.settle()
    assert shown() == {second}
    annotator.select(first)
    assert shown() == {first}
