"""A segment is renamed in its line, and it is told when the views show how it was before."""

from __future__ import annotations

import pytest
from browser import Person


@pytest.fixture(scope="module")
def worker(person: Person) -> Person:
    """Somebody who has asked for two organs."""
    person.wait_for_model()
    for name in ("liver", "spleen"):
        person.find(name)
    return person


@pytest.mark.parametrize("by", ["double click", "button"])
def test_a_segment_is_renamed_in_its_line_and_undone(worker: Person, by: str) -> None:
    worker.choose("liver")
    field, before = worker.page.get_by_label("Name of the segment"), worker.history()

    def begin(name: str) -> None:
        if by == "button":
            worker.press(f"Rename {name}")
        else:
            worker.page.get_by_role("button", name=f"Choose {name}", exact=True).dblclick()
        worker.page.wait_for_function("() => document.activeElement.selectionEnd > 0")

    begin("liver")
    assert field.input_value() == "liver"
    worker.page.keyboard.type("n d b, lobe")  # keys of the page
    worker.page.keyboard.press("Space")
    worker.page.keyboard.type("2")
    worker.step(lambda: worker.page.keyboard.press("Enter"))
    assert worker.history() == ["rename liver", *before]
    assert worker.names() == ["n d b, lobe 2", "spleen"]
    assert field.count() == 0
    begin("n d b, lobe 2")
    worker.page.keyboard.type("left")
    worker.page.keyboard.press("Escape")
    field.wait_for(state="detached")
    begin("n d b, lobe 2")
    worker.page.keyboard.press("Delete")
    worker.page.keyboard.press("Enter")
    worker.wait_for_message("A segment needs a name.")
    assert worker.names() == ["n d b, lobe 2", "spleen"]
    assert worker.history() == ["rename liver", *before]
    begin("n d b, lobe 2")
    worker.page.keyboard.type("lobe")
    worker.step(lambda: worker.page.mouse.click(*worker.point("3-D", (0.5, 0.9))))  # leaves the field
    assert worker.names() == ["lobe", "spleen"]
    for _ in range(2):
        worker.step(lambda: worker.page.keyboard.press("Control+z"))
    assert worker.names() == ["liver", "spleen"]


def test_a_name_that_is_given_up_is_not_sent(worker: Person) -> None:
    worker.choose("liver")
    worker.press("Rename liver")
    worker.page.wait_for_function("() => document.activeElement.selectionEnd > 0")
    worker.page.keyboard.type("left")

    def give_up() -> None:
        worker.page.keyboard.press("Escape")  # that the field has gone may be heard first, as it loses the focus
        worker.page.get_by_label("Name of the segment").wait_for(state="detached")

    assert [args for _, args in worker.asked(give_up)] == [["", "left"]]
    assert worker.names() == ["liver", "spleen"]


def test_it_is_told_over_the_views_that_they_show_how_it_was_before(worker: Person) -> None:
    badge = worker.page.get_by_text("Before the last change", exact=False)
    assert badge.count() == 0
    worker.page.mouse.click(*worker.point("3-D", (0.5, 0.9)))
    for press in (
        lambda: worker.page.keyboard.press("Space"),
        lambda: worker.press("Before or after the last change"),
    ):
        press()
        badge.wait_for()
        worker.shoot("3-before")
        press()
        badge.wait_for(state="detached")
    worker.press("Before or after the last change")
    badge.wait_for()
    worker.step(lambda: worker.press("Undo"))
    badge.wait_for(state="detached")  # what is left is shown as it is


def test_all_that_is_shown_is_accepted_at_once(worker: Person) -> None:
    if "spleen" not in worker.names():
        worker.find("spleen")

    def choose(title: str) -> None:
        worker.press("All segments")
        worker.page.get_by_text(title, exact=True).click()

    status = worker.page.get_by_label("Status of liver: done")
    worker.step(lambda: choose("What is shown: done"))
    status.wait_for()
    worker.shoot("3-accepted")
    worker.step(lambda: worker.press("Undo"))
    status.wait_for(state="detached")
    choose("Hide all")
    hidden = worker.page.locator(".segment .mdi-eye-off-outline")
    hidden.nth(1).wait_for()
    choose("Show all")
    hidden.first.wait_for(state="detached")
