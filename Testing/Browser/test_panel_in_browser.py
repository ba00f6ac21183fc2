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


def test_the_tools_of_the_chosen_segment_its_newest_prompt_and_the_newest_step_stay_in_sight(person: Person) -> None:
    for name in ("first", "second", "third", "fourth"):
        person.begin(name)
    for right in (0.30, 0.33, 0.36):
        person.click("Axial", (right, 0.45))
    assert person.selected() == "fourth"
    assert len(person.prompts()) == 3
    room, more = (person.page.locator(name).bounding_box() for name in (".segments", ".segment-more"))
    assert room["y"] <= more["y"]
    assert more["y"] + more["height"] <= room["y"] + room["height"] + 1
    assert is_in_sight(person, ".prompts", ".prompt:last-child")
    assert is_in_sight(person, ".history", ".step:not(.undone)")
    for _ in range(4):  # what was undone stands above
        person.step(lambda: person.page.keyboard.press("Control+z"))
    assert is_in_sight(person, ".history", ".step:not(.undone)")


def is_in_sight(person: Person, room: str, line: str) -> bool:
    """Whether the whole of the first such line is seen in its list."""
    return bool(
        person.page.evaluate(
            """([room, line]) => {
                const [around, one] = [room, line].map(name => document.querySelector(name).getBoundingClientRect());
                return around.top - 1 <= one.top && one.bottom <= around.bottom + 1;
            }""",
            [room, line],
        )
    )


def test_the_first_press_on_segment_begins_the_run_when_organs_were_chosen(person: Person) -> None:
    person.wait_for_model()
    field = person.page.get_by_label("Organs", exact=True)
    for name in ("liver", "spleen", "aorta", "stomach"):  # as many as leave the field a last line that is empty
        field.fill(name)
        person.page.get_by_role("option", name=name).first.click()
        person.wait_for_value("Organs", "")
    field.press("Escape")
    person.wait_until_heard()
    button = person.page.get_by_role("button", name="Segment", exact=True).bounding_box()
    person.page.mouse.move(button["x"] + button["width"] / 2, button["y"] + button["height"] / 2)
    person.page.mouse.down()
    person.wait_until_heard()  # two frames or more: what moves has moved
    person.page.mouse.up()
    person.press("Cancel")
    person.page.get_by_role("button", name="Cancel", exact=True).wait_for(state="detached")


def test_every_stop_of_the_tab_key_has_a_name(person: Person) -> None:
    unnamed = person.page.evaluate(
        """() => [...document.querySelectorAll(".grid [tabindex='0'], .grid button")]
            .filter(one => !one.getAttribute("aria-label"))
            .map(one => one.className)"""
    )
    assert unnamed == []
