"""The four views: what they show stays as it was when the page is loaded again or has another size."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pytest
from browser import FADED, HEIGHT, WIDTH, Person, Server, unlike

SAMPLE = "Sample CT (synthetic)"
SLICES = ("Axial", "Sagittal", "Coronal")
SHARE_ALONG = 0.2
"""Of a slider: far from its middle, where a view is when it is fitted."""


def start_afresh(person: Person) -> None:
    """Throw all work on the scan away."""
    person.press("Open")
    person.page.get_by_text("Start afresh on this scan").click()
    person.press("Throw it away")
    person.page.wait_for_function("() => !document.querySelector('.segment')")
    person.page.get_by_text("All work on this scan will be lost").wait_for(state="hidden")


def test_ctrl_clicks_go_on_after_the_work_was_thrown_away(server: Server, person: Person) -> None:
    person.wait_for_model()
    for _ in range(6):  # what the host had read again after its end was not always overwritten by then
        person.find("liver")
        person.click_and_go_on("Axial", (0.3, 0.45), negative=True)
        person.wait_until(lambda: server.process.poll() is not None or person.prompts()[-1:] == ["negative"])
        assert server.process.poll() is None
        person.wait_until_still()
        start_afresh(person)


def test_a_drag_with_ctrl_leaves_the_segments_as_opaque_as_they_are(person: Person) -> None:
    person.wait_for_model()
    person.find("liver")
    person.page.wait_for_timeout(FADED)
    before = person.picture("Axial")
    person.page.keyboard.down("Control")
    person.page.mouse.move(*person.point("Axial", (0.7, 0.45)))
    person.page.mouse.down()
    person.page.mouse.move(*person.point("Axial", (0.3, 0.45)), steps=5)
    person.page.mouse.up()
    person.page.keyboard.up("Control")
    person.wait_until_heard()
    person.wait_for_picture("Axial", before, lambda pixels: pixels < 200)
    start_afresh(person)


@pytest.fixture
def elsewhere(person: Person) -> dict[str, npt.NDArray[np.uint8]]:
    """The pictures of slices far from the middle."""
    person.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    for name in SLICES:
        thumb = person.page.get_by_role("slider", name=f"{name} slice")
        low, high = (float(thumb.get_attribute(f"aria-value{end}")) for end in ("min", "max"))
        person.scroll_to(name, low + SHARE_ALONG * (high - low))
    return {name: person.picture(name) for name in SLICES}


def wait_for_the_same(person: Person, before: dict[str, npt.NDArray[np.uint8]]) -> None:
    """Until every slice is seen as it was."""
    for name, picture in before.items():
        person.wait_for_picture(name, picture, lambda pixels: pixels == 0)


@pytest.mark.parametrize("size", [(1100, 720), (1280, 600), (1000, 560)])
def test_another_size_and_back_shows_the_same_slices(
    elsewhere: dict[str, npt.NDArray[np.uint8]], person: Person, size: tuple[int, int]
) -> None:
    at = {name: person.slice_mm(name) for name in SLICES}
    person.page.set_viewport_size({"width": size[0], "height": size[1]})
    person.picture("Axial")
    assert {name: person.slice_mm(name) for name in SLICES} == at
    person.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    wait_for_the_same(person, elsewhere)
    assert {name: person.slice_mm(name) for name in SLICES} == at


def test_a_page_that_is_loaded_again_shows_the_same_slices(
    elsewhere: dict[str, npt.NDArray[np.uint8]], person: Person
) -> None:
    person.page.reload()
    person.wait_for_scan(SAMPLE)
    wait_for_the_same(person, elsewhere)


def test_what_a_person_has_zoomed_stays_so_in_another_size(
    elsewhere: dict[str, npt.NDArray[np.uint8]], person: Person
) -> None:
    x, y = person.point("Axial", (0.5, 0.5))
    person.page.mouse.move(x, y)
    person.page.mouse.down(button="right")
    person.page.mouse.move(x, y + 60, steps=5)
    person.page.mouse.up(button="right")
    zoomed = person.wait_for_picture("Axial", elsewhere["Axial"], lambda pixels: pixels > 1000)
    person.page.set_viewport_size({"width": 1000, "height": 560})
    person.picture("Axial")
    person.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    person.wait_for_picture("Axial", zoomed, lambda pixels: pixels == 0)
    person.press("Whole axial picture")


def test_a_drag_changes_the_grey_values_and_the_menu_brings_them_back(person: Person) -> None:
    before = person.picture("Axial")
    person.page.mouse.move(*person.point("Axial", (0.4, 0.5)))
    person.page.mouse.down()
    person.page.mouse.move(*person.point("Axial", (0.6, 0.3)), steps=5)
    person.page.mouse.up()
    menu = person.page.locator(".window-select")
    menu.filter(has_text=re.compile(r"^W \d+ L -?\d+$")).wait_for()
    person.wait_for_picture("Axial", before, lambda pixels: pixels > 1000)
    assert person.names() == [], "it was no click"
    person.shoot("v1-dragged")
    menu.click()
    person.page.get_by_role("option", name="Soft tissue").click()
    person.wait_for_picture("Axial", before, lambda pixels: pixels == 0)


def test_a_click_on_a_marker_moves_no_view(person: Person) -> None:
    person.wait_for_model()
    person.page.keyboard.press("n")
    person.click("Axial", (0.7, 0.5))
    person.page.mouse.move(5, 5)
    person.page.wait_for_timeout(FADED)
    before = person.picture("Coronal")
    person.click_and_go_on("Axial", (0.7, 0.5))
    assert unlike(person.picture("Coronal"), before) < 200  # the marker's size
    start_afresh(person)
