"""What the page shows and does, without a browser."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("trame_slicer", reason="needs the app extra")
from fake_engine import LIVER, SPLEEN, FakeEngine, FakeOpened, two_engines
from page_world import Page
from scene_world import painted
from VISTA3DSegmentLib.app.opening import Scan
from VISTA3DSegmentLib.app.panels.segment_list import Wish
from VISTA3DSegmentLib.edits import Edit
from VISTA3DSegmentLib.errors import ModelError
from VISTA3DSegmentLib.service import Broken, InProcess
from VISTA3DSegmentLib.session.annotation import Status
from VISTA3DSegmentLib.volume import Volume
from VISTA3DSegmentLib.workspace.telling import NEXT_HINT, RUN_HINT

IN_LIVER, IN_SPLEEN, ELSEWHERE = (6.0, 8.0, 6.0), (19.0, 16.0, 13.0), (20.0, 20.0, 3.0)
"""RAS; the scan's grid is that of the world."""


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return Page(tmp_path, InProcess(two_engines()))


@pytest.mark.parametrize("typed", ["liver", "Liver", " LIVER ", "hepar", str(LIVER)])
def test_a_structure_is_recognised_by_name_synonym_or_id_however_it_is_written(page: Page, typed: str) -> None:
    page.type(typed)
    page.desk.act(page.desk.begin_structure)
    assert page.structures() == {"liver": LIVER}
    assert not page.shown.click.structure


def test_what_no_class_is_called_becomes_a_structure_of_that_name(page: Page) -> None:
    for typed in ("My cyst", "pancreas"):  # the model does not know the latter
        page.type(typed)
        page.desk.act(page.desk.begin_structure)
    assert page.structures() == {"My cyst": None, "pancreas": None}


def test_a_name_of_several_structures_is_refused_and_stays_in_the_field(page: Page) -> None:
    page.type("kidney")
    page.desk.act(page.desk.begin_structure)
    assert page.structures() == {}
    assert "several structures" in page.shown.status.message
    assert page.shown.click.structure == "kidney"


def test_all_that_is_shown_is_accepted_in_one_step(page: Page) -> None:
    def statuses() -> dict[str, str]:
        return {row.name: row.status for row in page.shown.segments.rows}

    page.desk.act(lambda: page.workspace.segment([LIVER, SPLEEN]))
    page.settle()
    page.desk.begin_lesion()
    spleen = next(row.id for row in page.shown.segments.rows if row.name == "spleen")
    page.desk.act(lambda: page.desk.set_visible(Wish(spleen, False)))
    page.desk.act(lambda: page.desk.set_all_statuses(Status.DONE))
    assert statuses() == {"liver": "done", "spleen": "draft", "Lesion 1": "draft"}, "it is hidden; it has no voxel"
    page.desk.act(lambda: page.desk.set_all_visible(True))
    page.desk.act(lambda: page.desk.set_all_statuses(Status.DONE))
    page.desk.act(lambda: page.desk.set_all_statuses(Status.DRAFT))
    assert page.shown.history.done[0] == "2 segments: draft"
    page.desk.act(page.desk.undo)
    assert statuses() == {"liver": "done", "spleen": "done", "Lesion 1": "draft"}
    page.desk.act(lambda: page.desk.set_all_statuses(Status.DRAFT))
    page.workspace.annotator.select(next(row.id for row in page.shown.segments.rows if row.name == "liver"))
    page.desk._clicked(ELSEWHERE, False)
    page.settle()
    page.desk.act(page.desk.toggle_before)
    assert page.workspace.shows_before
    page.desk.act(lambda: page.desk.set_all_statuses(Status.FLAGGED))
    assert statuses() == {"liver": "flagged", "spleen": "flagged", "Lesion 1": "draft"}, "also what shows how it was"
    page.desk.act(lambda: page.desk.set_all_visible(False))
    assert not any(row.visible for row in page.shown.segments.rows if row.volume)


def test_a_click_is_about_the_structure_whose_name_was_typed(page: Page) -> None:
    page.desk.act(lambda: page.workspace.segment([LIVER]))
    page.settle()
    liver = page.ml("liver")
    page.type("cyst")
    page.desk.set_sign(False)
    page.desk._clicked(IN_LIVER, False)
    page.settle()
    assert page.ml("liver") == liver
    assert page.ml("cyst") > 0
    page.type("nodule")
    page.desk._clicked(IN_LIVER, True)
    page.settle()
    assert list(page.structures()) == ["liver", "cyst"], "to remove with ctrl is not about something new"
    assert page.ml("cyst") == 0


@pytest.mark.parametrize("name", ["liver", "hepar", "Left lobe"])
def test_a_click_after_a_name_that_a_structure_has_is_about_that_one(page: Page, name: str) -> None:
    page.desk.act(lambda: page.workspace.segment([LIVER, SPLEEN]))
    page.settle()
    liver, spleen = page.shown.segments.rows
    if name != "liver":
        page.workspace.rename(liver.id, "left lobe")
    page.workspace.annotator.select(spleen.id)
    page.type(name)
    page.desk._clicked(IN_SPLEEN, False)
    page.settle()
    assert page.shown.segments.selected == liver.id
    assert len(page.structures()) == 2
    assert [row.kind for row in page.shown.click.prompts] == ["positive"]


def test_a_click_after_the_name_of_one_that_is_done_is_refused_and_begins_no_second_one(page: Page) -> None:
    page.desk.act(lambda: page.workspace.segment([LIVER, SPLEEN]))
    page.settle()
    liver, _ = page.shown.segments.rows
    page.desk.act(lambda: page.desk.set_status(Wish(liver.id, Status.DONE)))
    page.type("liver")
    for action in (page.desk.find, page.desk.draw_box, lambda: page.desk._clicked(IN_LIVER, False)):
        page.workspace.annotator.select(None)
        page.desk.act(action)
        page.settle()
        assert page.shown.status.message == "liver is done. Set it back to draft to correct it."
        assert page.shown.click.structure == "liver"
    assert not page.shown.click.drawing
    assert page.shown.segments.selected == liver.id
    assert len(page.shown.segments.rows) == 2
    assert page.workspace.annotator.markups.positions() == {}


def test_of_two_of_one_name_a_click_is_about_the_one_that_may_be_changed(page: Page) -> None:
    page.desk.act(lambda: page.workspace.segment([LIVER, SPLEEN]))
    page.settle()
    liver, spleen = page.shown.segments.rows
    page.workspace.rename(spleen.id, "liver")
    page.desk.act(lambda: page.desk.set_status(Wish(liver.id, Status.DONE)))
    page.type("liver")
    page.desk._clicked(IN_SPLEEN, False)
    page.settle()
    assert page.shown.segments.selected == spleen.id
    assert not page.shown.status.failed


def test_a_name_that_is_entered_is_found_chosen_and_gone_to(page: Page) -> None:
    page.type(" Liver ")
    page.desk.act(page.desk.find)
    assert not page.shown.click.structure
    assert page.views.at is None, "it is not there yet"
    page.settle()
    assert page.ml("liver") > 0
    (row,) = page.shown.segments.rows
    assert page.shown.segments.selected == row.id
    assert page.views.at is not None
    assert [(row.kind, row.words) for row in page.shown.click.prompts] == [("text", "“Liver”")]
    page.views.at = None
    page.settle()
    assert page.views.at is None, "only once"


def test_with_no_name_the_person_is_told_to_name_something(page: Page) -> None:
    page.desk.act(page.desk.find)
    assert "Name the structure" in page.shown.status.message
    assert page.structures() == {}


def test_the_views_stay_where_they_are_if_the_person_has_gone_on(page: Page) -> None:
    page.type("liver")
    page.desk.act(page.desk.find)
    page.desk.act(page.desk.begin_lesion)
    page.settle()
    assert page.ml("liver") > 0
    assert page.views.at is None


@pytest.mark.parametrize("typed_since", ["", "spleen"])
def test_words_that_are_refused_stand_in_the_field_again_unless_others_do(page: Page, typed_since: str) -> None:
    page.type("Gizzard")
    page.desk.act(page.desk.find)
    page.type(typed_since)
    page.settle()
    assert "knows no Gizzard" in page.shown.status.message
    assert page.shown.click.structure == (typed_since or "Gizzard")
    assert page.structures() == {}


def test_a_box_is_drawn_for_what_was_typed_and_the_mouse_is_free_again(page: Page) -> None:
    page.type("cyst")
    page.desk.act(page.desk.draw_box)
    assert page.shown.click.drawing
    assert "close around cyst" in page.shown.click.hint
    node = page.views.placing
    for corner in ((16.0, 4.0, 2.0), (22.0, 9.0, 5.0)):
        node.AddControlPointWorld(*corner)
    page.settle()
    assert not page.shown.click.drawing
    assert page.views.placing is None
    assert page.ml("cyst") > 0
    (row,) = page.shown.click.prompts
    assert row.kind == "box"
    page.desk.act(lambda: page.desk.go_to_prompt(row.id))
    assert page.views.at == pytest.approx((19.0, 6.5, 3.5))
    page.desk.act(lambda: page.desk.forget_prompt(row.id))
    page.settle()
    assert page.shown.click.prompts == []
    assert page.ml("cyst") == 0


@pytest.mark.parametrize("end", ["cancel", "draw_box", "host"])
def test_drawing_ends_by_esc_by_the_button_again_and_by_the_host(page: Page, end: str) -> None:
    page.desk.act(page.desk.draw_box)
    if end == "host":
        page.views.placing = None
        page.settle()
    else:
        page.desk.act(getattr(page.desk, end))
    assert not page.shown.click.drawing
    assert page.views.placing is None
    assert page.workspace.annotator.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode") == 0
    assert page.structures() == {}


def test_a_click_while_a_box_is_drawn_is_none(page: Page) -> None:
    assert not page.desk._is_mouse_taken()
    page.desk.act(page.desk.draw_box)
    assert page.desk._is_mouse_taken()


def test_another_scan_ends_the_drawing(page: Page) -> None:
    page.desk.act(page.desk.draw_box)
    page.desk._show(Scan(Volume(painted() + 1, np.eye(4)), "another"))
    page.settle()
    assert page.views.placing is None


def test_who_begins_a_lesion_is_told_to_click_on_it(page: Page) -> None:
    page.desk.act(lambda: page.workspace.segment([LIVER]))
    page.settle()
    page.desk.act(page.desk.begin_lesion)
    assert page.shown.status.hint == "Click on Lesion 1, or draw a box around it."
    page.desk._clicked(ELSEWHERE, False)
    page.settle()
    assert "Click where an organ is wrong" in page.shown.status.hint


def test_undo_while_a_box_is_drawn_takes_back_the_drawing_and_no_step(page: Page) -> None:
    page.desk.act(page.desk.begin_lesion)
    page.desk.act(page.desk.draw_box)
    page.desk.act(page.desk.undo)
    assert not page.shown.click.drawing
    assert page.views.placing is None
    assert page.structures() == {"Lesion 1": None}
    page.desk.act(page.desk.undo)
    assert page.structures() == {}
    page.desk.act(page.desk.draw_box)
    page.desk.act(page.desk.redo)
    assert page.views.placing is None
    assert page.structures() == {"Lesion 1": None}


def test_what_is_asked_for_by_its_name_ends_the_drawing(page: Page) -> None:
    page.desk.act(page.desk.draw_box)
    page.type("liver")
    page.desk.act(page.desk.find)
    page.settle()
    assert not page.shown.click.drawing
    assert page.views.placing is None
    assert page.ml("liver") > 0


@pytest.mark.parametrize("turn", ["another scan", "afresh", "undo", "redo"])
def test_what_was_said_of_work_that_is_gone_is_not_shown_any_more(page: Page, turn: str) -> None:
    page.desk.act(page.desk.begin_lesion)
    if turn == "redo":
        page.desk.act(page.desk.undo)
    page.workspace.said.emit("Not found in this scan: spleen.")
    page.settle()
    turns = {
        "another scan": lambda: page.desk._show(Scan(Volume(painted() + 1, np.eye(4)), "another")),
        "afresh": page.desk.start_afresh,
        "undo": page.desk.undo,
        "redo": page.desk.redo,
    }
    page.desk.act(turns[turn])
    page.settle()
    assert "Not found" not in page.shown.status.message


def test_what_was_chosen_for_a_run_is_forgotten_with_the_scan_and_with_the_work(page: Page) -> None:
    page.shown.run.chosen = [str(LIVER)]
    page.desk.act(page.desk.start_afresh)
    assert page.shown.run.chosen == []
    page.shown.run.chosen = [str(LIVER)]
    page.desk._show(Scan(Volume(painted() + 1, np.eye(4)), "another"))
    assert page.shown.run.chosen == []


def test_what_is_typed_is_commented_at_once(page: Page) -> None:
    page.type("left kidney")
    page.desk.act(lambda: None)
    assert "Left and right are unreliable" in page.shown.click.hint


def test_who_answers_is_chosen_on_the_page(page: Page) -> None:
    page.shown.click.words_by = "vista3d"
    page.desk._engines_chosen()
    page.type("liver")
    page.desk.act(page.desk.find)
    page.settle()
    assert next(iter(page.workspace.annotator.session.annotation.objects.values())).engine == ""


class NoEngine(InProcess):
    """A client whose engine cannot be made."""

    def pump(self) -> list[Any]:
        return [Broken(ModelError("The weights are damaged.", "Download them again."))]


def test_the_page_goes_on_saying_why_there_is_no_engine_and_a_click_leaves_nothing(tmp_path: Path) -> None:
    page, why = Page(tmp_path, NoEngine(FakeEngine())), "The weights are damaged. Download them again."
    page.desk.act(page.desk.begin_lesion)
    assert not page.shown.status.message
    assert page.shown.status.hint == page.shown.run.why_not == page.shown.click.why_not == why
    page.desk._clicked(ELSEWHERE, False)
    assert page.shown.status.message == why
    assert page.workspace.annotator.markups.positions() == {}
    assert [str(step) for step in page.workspace.annotator.session.history.done] == ["new Lesion 1"]


def test_start_afresh_forgets_the_work_and_closes_what_asked_for_it(page: Page) -> None:
    page.desk.act(lambda: page.workspace.segment([LIVER, SPLEEN]))
    page.settle()
    page.shown.afresh = True
    page.desk.act(page.desk.start_afresh)
    assert page.structures() == {}
    assert not page.shown.afresh


def test_the_name_that_is_typed_goes_to_the_segment_for_which_it_is_typed(page: Page) -> None:
    page.desk.act(lambda: page.workspace.segment([LIVER, SPLEEN]))
    page.settle()
    segments, (liver, _) = page.shown.segments, page.shown.segments.rows
    segments.renamed = liver.id
    page.desk.act(lambda: page.desk.rename(Wish(liver.id, "Left lobe")))
    assert [row.name for row in segments.rows] == ["Left lobe", "spleen"]
    assert segments.renamed == ""
    page.desk.act(lambda: page.desk.rename(Wish("", "elsewhere")))
    assert [row.name for row in segments.rows] == ["Left lobe", "spleen"], "it was given up"
    segments.renamed = liver.id
    page.desk.act(lambda: page.desk.rename(Wish(liver.id, "")))
    assert "A segment needs a name" in page.shown.status.message
    assert segments.renamed == ""


def test_with_another_scan_no_name_is_being_typed_any_more(page: Page) -> None:
    page.shown.segments.renamed = "object-1"
    page.desk._show(Scan(Volume(painted() + 1, np.eye(4)), "another"))
    assert page.shown.segments.renamed == ""


def test_a_drag_changes_window_and_level_and_the_menu_says_them(page: Page) -> None:
    display = page.workspace.annotator.volume_node.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(400.0, 40.0)
    page.desk._dragged(0, 20)
    assert (display.GetWindow(), display.GetLevel()) == (400.0, 0.0), "upwards it gets brighter"
    page.desk._dragged(100, 0)
    assert display.GetWindow() == pytest.approx(659.5, abs=0.1)
    assert not display.GetAutoWindowLevel()
    assert page.shown.scan.window == "W 659 L 0"
    for _ in range(100):
        page.desk._dragged(-20, 0)
    assert 0 < display.GetWindow() < 1, "it never turns round"
    assert page.shown.scan.window == "W 0.030 L 0.000"


@pytest.mark.parametrize(
    ("before", "lowest", "window"),
    [
        ("Lung", -1024, "Lung"),
        ("Whole range", -1024, "Soft tissue"),
        ("dragged", -1024, "Soft tissue"),
        ("Lung", 0, "Whole range"),
        ("dragged", 0, "Whole range"),
    ],
)
def test_the_next_scan_keeps_the_preset_if_it_is_a_ct_and_is_seen_whole_if_not(
    page: Page, before: str, lowest: int, window: str
) -> None:
    if before == "dragged":
        page.desk._dragged(100, 0)
    else:
        page.shown.scan.window = before
    page.desk._show(Scan(Volume(painted() + lowest, np.eye(4)), "another"))
    assert page.shown.scan.window == page.views.window == window


def test_who_starts_afresh_goes_on_with_the_grey_values_that_were_chosen(page: Page) -> None:
    page.views.window = ""
    page.desk._dragged(100, 0)
    dragged = page.shown.scan.window
    page.desk.act(page.desk.start_afresh)
    assert page.shown.scan.window == dragged
    assert page.views.window == "", "nor are they changed in the views"


def test_who_begins_a_lesion_is_told_what_to_do_and_not_what_was_before(page: Page) -> None:
    page.workspace.said.emit("The clicks changed nothing in liver.")
    page.settle()
    page.desk.act(page.desk.begin_lesion)
    assert page.shown.status.message == ""
    assert page.shown.status.hint.startswith("Click on Lesion 1")


NOTHING_CHANGED = "The clicks changed nothing in liver."
DEEP_IN_LIVER = 9.0, 8.0, 6.0


@dataclass
class TellingEngine(FakeEngine):
    """One that says when clicks came to nothing."""

    def open(self, volume: Volume) -> TellingOpened:
        return TellingOpened(volume, self)


class TellingOpened(FakeOpened):
    def refine(self, *args: Any, **kwargs: Any) -> Edit:
        edit = super().refine(*args, **kwargs)
        return edit if edit.added or edit.removed else replace(edit, empty_reason=NOTHING_CHANGED)


@pytest.fixture
def told(tmp_path: Path) -> Page:
    """A page with a liver, and a click in it that has changed nothing."""
    page = Page(tmp_path, InProcess(TellingEngine(others={"segvol": FakeEngine(name="segvol")})))
    page.desk.act(lambda: page.workspace.segment([LIVER]))
    page.settle()
    page.desk._clicked(DEEP_IN_LIVER, False)
    page.settle()
    assert page.shown.status.message == NOTHING_CHANGED
    return page


@pytest.mark.parametrize("turn", ["click", "flip", "delete", "text", "box", "status", "remove", "segment"])
def test_what_was_said_goes_when_the_person_goes_on(told: Page, turn: str) -> None:
    annotator = told.workspace.annotator
    (line,) = told.workspace.asking.lines()
    told.shown.marker.click_id = line.id
    told.type("spleen")
    liver = annotator.selected
    assert liver is not None
    turns: dict[str, Any] = {
        "click": lambda: annotator.click(ELSEWHERE),
        "flip": told.desk.flip_marker,
        "delete": told.desk.delete_marker,
        "text": told.desk.find,
        "box": lambda: annotator.box((16.0, 4.0, 2.0), (22.0, 9.0, 5.0)),
        "status": lambda: told.desk.set_status(Wish(liver, Status.FLAGGED)),
        "remove": lambda: told.desk.remove(Wish(liver)),
        "segment": lambda: told.workspace.segment([SPLEEN]),
    }
    told.desk.act(turns[turn])
    assert NOTHING_CHANGED not in told.shown.status.message, "at once: what it does is not known yet"
    told.settle()
    assert NOTHING_CHANGED not in told.shown.status.message


def test_what_is_said_of_the_very_action_stays_until_the_next(page: Page) -> None:
    page.desk.act(lambda: page.workspace.segment([LIVER, SPLEEN]))
    page.settle()
    page.desk._clicked(IN_SPLEEN, False)
    page.settle()
    page.desk._clicked(IN_LIVER, False)
    page.settle()
    assert page.shown.status.message.startswith("The click went to liver")
    page.desk._clicked(IN_LIVER, False)
    page.settle()
    assert page.shown.status.message == ""


def test_of_a_click_that_is_dragged_its_last_place_is_told_and_once(told: Page) -> None:
    node = told.workspace.annotator.markups.nodes[True]
    for places, said in [((8.0, 11.0), NOTHING_CHANGED), ((10.0, 20.0), "")]:
        node.InvokeEvent(node.PointStartInteractionEvent, 0)
        for r in places:
            node.SetNthControlPointPositionWorld(0, r, *DEEP_IN_LIVER[1:])
        told.settle()  # the last place is asked about when the first is answered
        node.InvokeEvent(node.PointEndInteractionEvent, 0)
        told.settle()
        assert told.shown.status.message == said


def test_while_a_run_is_under_way_nobody_is_told_to_start_it(page: Page) -> None:
    page.desk.act(lambda: page.workspace.segment([LIVER]))
    assert page.shown.run.running
    assert page.shown.status.hint == RUN_HINT
    page.settle()
    assert page.shown.status.hint == NEXT_HINT
