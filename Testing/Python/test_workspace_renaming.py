"""A segment gets another name: only the name, in one step, everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("trame_slicer", reason="needs a scene")
from fake_engine import LIVER, SPLEEN
from VISTA3DSegmentLib.errors import PromptError
from VISTA3DSegmentLib.export.formats import Form
from VISTA3DSegmentLib.session.annotation import Status
from VISTA3DSegmentLib.workspace.exporting import Choice
from workspace_world import IN_LIVER, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Somebody who has the liver and the spleen."""
    desk = Desk(tmp_path)
    desk.workspace.segment([LIVER, SPLEEN])
    desk.settle()
    desk.said.clear()
    return desk


def steps(desk: Desk) -> list[str]:
    return [step.name for step in desk.workspace.annotator.session.history.done]


def host_names(desk: Desk) -> list[str]:
    segmentation = desk.workspace.annotator.segmentation_node.GetSegmentation()
    return [segmentation.GetSegment(segment_id).GetName() for segment_id in segmentation.GetSegmentIDs()]


@pytest.mark.parametrize("status", Status)
def test_the_name_goes_everywhere_and_comes_back_by_one_undo(desk: Desk, tmp_path: Path, status: Status) -> None:
    liver, before = desk.segments()["liver"], desk.saved(tmp_path)["liver"]
    desk.workspace.annotator.set_status(liver.id, status)
    count = len(steps(desk))
    desk.workspace.rename(liver.id, " Left lobe ")
    desk.settle()
    assert steps(desk)[count:] == ["rename liver"]
    assert host_names(desk) == list(desk.segments()) == ["Left lobe", "spleen"]
    wish = desk.workspace.export_wish(Choice((Form.REPORT,)))
    assert [one.name for one in wish.segmentation.segments] == host_names(desk)
    after = desk.saved(tmp_path)["Left lobe"]
    assert (after.class_id, after.color, after.terminology) == (LIVER, before.color, before.terminology)
    assert (after.mask.mask == before.mask.mask).all()
    assert desk.segments()["Left lobe"].status is status
    assert desk.said == []
    desk.workspace.annotator.undo()
    assert host_names(desk) == list(desk.segments()) == ["liver", "spleen"]
    desk.workspace.annotator.redo()
    assert host_names(desk) == ["Left lobe", "spleen"]


def test_no_name_is_refused_and_the_same_name_is_no_step(desk: Desk) -> None:
    liver, before = desk.segments()["liver"].id, steps(desk)
    with pytest.raises(PromptError, match=r"needs a name. liver keeps its own"):
        desk.workspace.rename(liver, "  ")
    desk.workspace.rename(liver, "liver ")
    assert steps(desk) == before
    assert list(desk.segments()) == ["liver", "spleen"]


def test_a_name_that_another_segment_bears_is_taken_and_said(desk: Desk, tmp_path: Path) -> None:
    lesion = desk.workspace.begin_structure("")
    desk.workspace.begin_structure("node")
    desk.workspace.rename(lesion, "node")
    (said,) = desk.said
    assert "another segment of the same name" in said
    assert [view.name for view in desk.workspace.segments()] == ["liver", "spleen", "node", "node"]


@pytest.mark.parametrize("name", ["spleen", "Milz 2"])
def test_an_organs_name_makes_no_other_organ_of_a_segment_and_that_is_said(
    desk: Desk, tmp_path: Path, name: str
) -> None:
    desk.workspace.annotator.remove(desk.segments()["spleen"].id)
    desk.workspace.rename(desk.segments()["liver"].id, name)
    assert [said for said in desk.said if "Only the name has changed" in said] == (
        desk.said if name == "spleen" else []
    )
    found = desk.saved(tmp_path)[name]
    assert found.class_id == LIVER
    assert "Liver" in found.terminology
    desk.workspace.segment([LIVER])
    desk.settle()
    assert list(desk.segments()) == [name], "the liver is still known by its class"


def test_while_an_answer_is_awaited_the_new_name_stays_and_the_answer_comes(desk: Desk) -> None:
    lesion = desk.workspace.begin_structure("")
    desk.workspace.annotator.click(IN_LIVER)
    desk.workspace.rename(lesion, "cyst")
    assert desk.segments()["cyst"].busy
    desk.settle()
    assert desk.segments()["cyst"].ml > 0
    assert host_names(desk)[-1] == "cyst"


def test_a_segment_that_another_tool_made_is_renamed_too(desk: Desk) -> None:
    segmentation = desk.workspace.annotator.segmentation_node.GetSegmentation()
    segment_id = segmentation.AddEmptySegment("painted", "painted")
    desk.workspace.rename(segment_id, "marrow")
    assert host_names(desk)[-1] == list(desk.segments())[-1] == "marrow"


def test_the_name_comes_back_with_the_work(desk: Desk) -> None:
    desk.workspace.rename(desk.segments()["liver"].id, "Left lobe")
    array = np.array(desk.workspace.volume.array)  # type: ignore[union-attr]
    desk.show(array + 1)
    assert list(desk.segments()) == []
    desk.show(array)
    assert list(desk.segments()) == ["Left lobe", "spleen"]
