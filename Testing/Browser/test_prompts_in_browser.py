"""Organs by their names and by boxes, corrected by clicks, and all of it undone, as a person does it.

What is said of how good a mask is depends on the models that come with the package; the rest does not.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from browser import FADED, Person, Server, dice
from places import place_of
from VISTA3DSegmentLib.anatomy import class_of
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.evaluation.simulated_user import next_click
from VISTA3DSegmentLib.files.segmentations import read_segmentation
from VISTA3DSegmentLib.prompts import Ras
from VISTA3DSegmentLib.resources import resource
from VISTA3DSegmentLib.volume import Volume

LIVER, RIGHT_KIDNEY = "liver", "right kidney"
Masks = dict[str, npt.NDArray[np.bool_]]


@pytest.fixture(scope="module")
def truth(volume: Volume) -> Masks:
    segments = read_segmentation(resource("Samples/sample_truth.nrrd"), like=volume).segments
    return {
        class_of(segment.class_id).name: segment.mask.full(volume.shape_kji) for segment in segments if segment.class_id
    }


@pytest.fixture(autouse=True)
def from_the_beginning(person: Person) -> None:
    """Each test begins with nothing done and the mouse away from the views."""
    person.wait_for_model()
    person.page.mouse.move(5, 5)
    while person.history():
        person.step(lambda: person.page.keyboard.press("Control+z"))
    assert person.names() == []


def corners(mask: npt.NDArray[np.bool_], volume: Volume) -> tuple[Ras, Ras]:
    """Of the box around a structure (RAS, mm): the least and the greatest coordinates."""
    where = np.argwhere(mask)
    ends = np.array([volume.ras_of(tuple(corner[::-1])) for corner in (where.min(0) - 0.5, where.max(0) + 0.5)])
    low, high = ends.min(0).tolist(), ends.max(0).tolist()
    return (low[0], low[1], low[2]), (high[0], high[1], high[2])


def draw_around(person: Person, volume: Volume, mask: npt.NDArray[np.bool_], drags: bool = True) -> None:
    """A box close around a structure: drawn in the axial view, and made as high as it is in the coronal one."""
    low, high = corners(mask, volume)
    middle = np.mean([low, high], axis=0)
    person.scroll_to("Axial", middle[2])
    person.scroll_to("Coronal", middle[1])
    at = person.slice_mm("Axial")
    axial = [place_of(person, volume, "Axial", (*corner[:2], at)) for corner in (low, high)]
    person.draw_box("Axial", axial[0], axial[1], drags)
    half = min(high[0] - low[0], high[1] - low[1]) / 2  # the host's guess
    width, depth, height = np.subtract(high, low)
    for face, wanted, then in ((at + half, high[2], high[2] - at + half), (at - half, low[2], height)):
        handle, to = (place_of(person, volume, "Coronal", (*middle[:2], mm)) for mm in (face, wanted))
        person.drag("Coronal", handle, to)
        wait_for_box(person, (width, depth, then))


def wait_for_box(person: Person, sizes_mm: tuple[float, float, float]) -> None:
    """Until the list of prompts says so, within a few pixels; and until that is answered."""
    person.page.wait_for_function(
        """sizes => {
            const told = document.querySelector(".prompt-words")?.innerText.match(/(\\d+) x (\\d+) x (\\d+) mm/);
            return told && sizes.every((mm, n) => Math.abs(told[n + 1] - mm) <= 5);
        }""",
        arg=list(map(float, sizes_mm)),
    )
    person.wait_until_still()


def test_liver_is_typed_and_there_it_is(person: Person, volume: Volume, truth: Masks) -> None:
    before = person.picture("Axial")
    person.find("liver")
    assert person.names() == [LIVER]
    assert person.selected() == LIVER
    assert person.prompts() == ["text"]
    assert person.ml(LIVER) > 0
    person.wait_for_picture("Axial", before, lambda pixels: pixels > 500)
    person.shoot("p1-typed")
    assert dice(truth[LIVER], person.saved(volume)[LIVER]) >= 0.75


def test_what_is_typed_is_completed_and_commented(person: Person) -> None:
    name = "Name of a structure"
    field, guidance = person.page.get_by_label(name), person.page.get_by_label("Guidance")
    person.page.keyboard.press("t")
    person.page.keyboard.type("hep")
    option = person.page.get_by_role("option", name="liver")
    option.wait_for()
    person.shoot("p2-suggested")
    option.click()
    person.wait_for_value(name, "liver")
    field.fill("left kidney")
    person.page.wait_for_function(
        "() => document.querySelector('[aria-label=Guidance]').innerText.includes('Left and right are unreliable')"
    )
    field.fill("liver tumor")
    person.page.wait_for_function(
        "() => document.querySelector('[aria-label=Guidance]').innerText.includes('Lesions are found poorly')"
    )
    person.page.keyboard.press("Control+a")
    person.page.keyboard.press("Delete")
    person.page.keyboard.press("Escape")
    person.page.wait_for_function(
        "() => document.querySelector('[aria-label=Guidance]').innerText.includes('large organs')"
    )
    person.wait_until_heard()
    assert "IoU" not in guidance.inner_text()


@pytest.mark.parametrize("slowness", [1, 6])
def test_a_suggestion_that_is_picked_by_the_keys_is_found_at_once(person: Person, slowness: int) -> None:
    with person.on_a_computer_slower(slowness):  # on a slow one the list goes after what was picked has been asked for
        person.page.keyboard.press("t")
        person.page.keyboard.type("sple", delay=30)
        person.page.get_by_role("option", name="spleen").wait_for()
        person.page.keyboard.press("ArrowDown")
        person.page.wait_for_function("() => document.activeElement.closest('.names')")
        person.step(lambda: person.page.keyboard.press("Enter"))
        person.page.get_by_role("option", name="spleen").wait_for(state="hidden")
    assert person.names() == ["spleen"]
    assert person.prompts() == ["text"]
    person.step(lambda: person.page.keyboard.press("Control+z"))  # the keys mean the view again
    assert person.names() == []


@pytest.mark.parametrize("drags", [True, False], ids=["drag", "two clicks"])
def test_a_box_is_drawn_around_an_organ_and_there_it_is(
    person: Person, volume: Volume, truth: Masks, drags: bool
) -> None:
    draw_around(person, volume, truth[RIGHT_KIDNEY], drags)
    assert person.names() == [person.selected()] == ["Lesion 1"]
    assert person.prompts() == ["box"]
    assert [step.split(",")[0] for step in person.history()] == [
        "move box of Lesion 1", "move box of Lesion 1", "box for Lesion 1", "new Lesion 1",
    ]  # fmt: skip
    assert person.ml("Lesion 1") > 0
    person.page.wait_for_timeout(500)
    person.shoot(f"p3-box-{'drag' if drags else 'clicks'}")
    assert dice(truth[RIGHT_KIDNEY], person.saved(volume)["Lesion 1"]) >= 0.75


def test_begun_by_its_name_corrected_by_clicks_undone_and_done_again(
    person: Person, volume: Volume, truth: Masks
) -> None:
    person.find("liver")
    found = person.saved(volume)[LIVER]
    wrong = next_click(MaskCrop.of(truth[LIVER]), MaskCrop.of(found), volume)
    assert wrong is not None
    person.scroll_to("Axial", wrong.ras[2])
    person.click("Axial", place_of(person, volume, "Axial", wrong.ras), negative=not wrong.positive)
    assert person.prompts() == ["positive" if wrong.positive else "negative"]
    mended = person.saved(volume)[LIVER]
    i, j, k = (round(x) for x in volume.ijk_of(wrong.ras))
    assert found[k, j, i] != wrong.positive == mended[k, j, i]
    assert dice(truth[LIVER], mended) >= dice(truth[LIVER], found)
    person.shoot("p4-corrected")
    person.page.mouse.move(5, 5)
    person.page.wait_for_timeout(FADED)
    after = person.picture("Axial")
    person.page.keyboard.press("Space")
    person.wait_for_picture("Axial", after, lambda pixels: pixels > 0)
    person.page.keyboard.press("Space")
    person.step(lambda: person.page.keyboard.press("Control+z"))
    assert (person.saved(volume)[LIVER] == found).all()
    assert person.prompts() == ["text"]
    while person.history():
        person.step(lambda: person.page.keyboard.press("Control+z"))
    assert person.names() == []
    for _ in range(2):  # it was begun with its name
        person.step(lambda: person.page.keyboard.press("Control+Shift+Z"))
    assert (person.saved(volume)[LIVER] == mended).all()


def test_a_prompt_is_taken_away_in_the_list_and_undo_brings_it_back(
    person: Person, volume: Volume, truth: Masks
) -> None:
    low, high = corners(truth[RIGHT_KIDNEY], volume)
    person.scroll_to("Axial", (low[2] + high[2]) / 2)
    places = [place_of(person, volume, "Axial", corner) for corner in (low, high)]
    person.draw_box("Axial", places[0], places[1])
    ml = person.ml("Lesion 1")
    person.step(lambda: person.press("Delete the box"))
    assert person.prompts() == []
    assert person.ml("Lesion 1") == 0
    person.step(lambda: person.press("Undo"))
    assert person.prompts() == ["box"]
    assert person.ml("Lesion 1") == ml


def test_a_box_of_a_lesions_size_is_changed_by_its_handles_and_corrected_by_a_click_on_them(person: Person) -> None:
    grey_values = person.page.locator(".window-select").inner_text()
    person.draw_box("Axial", (0.38, 0.47), (0.42, 0.53))
    person.drag("Axial", (0.42, 0.5), (0.44, 0.5))
    person.click("Axial", (0.41, 0.5))
    clicked, moved, *_ = person.history()
    assert clicked.startswith("+ Lesion 1")
    assert moved.startswith("move box of Lesion 1")
    assert person.page.locator(".window-select").inner_text() == grey_values


def test_a_click_that_comes_before_the_answer_to_a_box_follows_it(server: Server, person: Person) -> None:
    with server.engine_held():
        person.begin_box()
        person.drag_and_go_on("Axial", (0.38, 0.47), (0.42, 0.53))
        person.click_and_go_on("Axial", (0.41, 0.5))
        person.wait_for_message("Lesion 1 is still being computed")
        person.shoot("p6-waiting")
    person.wait_until(lambda: person.history()[:1] and person.history()[0].startswith("+ Lesion 1"))
    person.wait_until_still()
    clicked, drawn, *_ = person.history()
    assert "voxel" in clicked
    assert drawn.startswith("box for Lesion 1")
    assert person.prompts() == ["positive"]


def test_esc_ends_the_drawing_and_a_click_is_a_click_again(person: Person, volume: Volume) -> None:
    person.begin_box()
    assert "Esc ends" in person.page.get_by_label("Guidance").inner_text()
    person.page.keyboard.press("Escape")
    person.page.locator(".grid:not(.drawing)").wait_for()
    person.step(lambda: person.page.keyboard.press("n"))
    person.click("Axial", (0.4, 0.5))
    assert person.prompts() == ["positive"]


def choose_engine(person: Person, title: str) -> None:
    person.press("Advanced")
    person.press(title)
    person.shoot("p5-advanced")
    person.page.keyboard.press("Escape")
    person.page.get_by_role("button", name=title).wait_for(state="hidden")


def test_a_name_is_answered_by_vista3d_if_that_is_chosen(person: Person, volume: Volume, truth: Masks) -> None:
    choose_engine(person, "Text and boxes: VISTA3D")
    try:
        person.find("liver")
        assert dice(truth[LIVER], person.saved(volume)[LIVER]) >= 0.9
    finally:
        choose_engine(person, "Text and boxes: SegVol")


def test_words_that_no_model_knows_are_refused_with_what_to_do_and_can_be_clicked_on(person: Person) -> None:
    person.page.keyboard.press("t")
    person.page.keyboard.type("gizzard")
    person.page.keyboard.press("Enter")  # its step may have gone again before it is seen
    assert "draw a box around it" in person.wait_for_message("no words for 'gizzard'")
    assert person.page.locator(".message.failed").count()
    assert person.history() == []
    person.begin("gizzard")
    person.click("Axial", (0.4, 0.5))
    assert person.ml("gizzard") > 0
