"""The panel beside the views: a name that is given up is gone, and the chosen segment stays in sight."""

from __future__ import annotations

import pytest
from browser import Person


@pytest.mark.parametrize("typed", ["cyst", "li"])  # the latter opens the list of what may be meant
def test_a_name_that_is_given_up_by_esc_is_gone_and_no_click_begins_it(person: Person, typed: str) -> None:
    person.wait_for_model()
    person.page.keyboard.press("t")
    person.page.keyboard.type(typed, delay=40)
    person.page.wait_for_timeout(600)
    person.page.keyboard.press("Escape")
    person.wait_for_value("Name of a structure", "")
    person.wait_until_heard()
    person.click_and_go_on("Axial", (0.3, 0.45))
    person.wait_for_message("No segment is chosen.")
    assert person.names() == []


def test_the_opacity_and_the_bin_of_the_chosen_segment_stay_in_sight_when_it_has_prompts(person: Person) -> None:
    for name in ("first", "second", "third", "fourth"):
        person.begin(name)
    for right in (0.30, 0.33, 0.36):
        person.click("Axial", (right, 0.45))
    assert person.selected() == "fourth"
    assert len(person.prompts()) == 3
    room, more = (person.page.locator(name).bounding_box() for name in (".segments", ".segment-more"))
    assert room["y"] <= more["y"]
    assert more["y"] + more["height"] <= room["y"] + room["height"] + 1


def test_every_stop_of_the_tab_key_has_a_name(person: Person) -> None:
    unnamed = person.page.evaluate(
        """() => [...document.querySelectorAll(".grid [tabindex='0'], .grid button")]
            .filter(one => !one.getAttribute("aria-label"))
            .map(one => one.className)"""
    )
    assert unnamed == []
