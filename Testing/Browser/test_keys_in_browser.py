"""What the keys mean after something was pressed: by mouse, or by keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from browser import Person


def heard(person: Person, *keys: str) -> list[str]:
    """What keys were taken for."""

    def press() -> None:
        for key in keys:
            person.page.keyboard.press(key)

    return [args[0] for name, args in person.asked(press) if name == "key"]


@pytest.fixture(autouse=True)
def with_two_structures(person: Person) -> Iterator[None]:
    """Each test begins with two structures that were begun, and ends with none."""
    person.wait_for_model()
    for name in ("first", "second"):
        person.begin(name)
    yield
    while person.history():
        person.step(lambda: person.page.keyboard.press("Control+z"))


def keys_mean_the_views(person: Person) -> None:
    """B, Esc and space are heard as such; nothing is undone, chosen or opened by them."""
    done, grey_values = person.history(), person.page.get_by_role("combobox", name="Grey values")
    window = grey_values.input_value()
    assert heard(person, "b", "Escape", " ") == ["box", "cancel", "before"]
    assert person.history() == done
    assert grey_values.input_value() == window
    assert person.page.locator(".v-overlay--active:not(.v-tooltip)").count() == 0


def _undo(person: Person) -> None:
    person.step(lambda: person.press("Undo"))


def _choose_window(person: Person) -> None:
    person.page.locator(".window-select").click()
    person.page.get_by_role("option", name="Lung", exact=True).click()
    person.page.get_by_role("listbox").wait_for(state="hidden")


def _close_a_menu(person: Person) -> None:
    person.press("Open")
    menu = person.page.get_by_text("Start afresh on this scan")
    menu.wait_for()
    person.page.keyboard.press("Escape")
    menu.wait_for(state="hidden")


def _switch(person: Person) -> None:
    person.press("Advanced")
    switch = person.page.get_by_label("A click corrects the organ under it")
    switch.click()
    switch.click()
    person.page.keyboard.press("Escape")
    switch.wait_for(state="hidden")


def _close_a_dialog(person: Person) -> None:
    person.press("Keys and mouse")
    dialog = person.page.get_by_label("Keys and mouse").and_(person.page.locator(".v-card"))
    dialog.wait_for()
    person.page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")


def _slide(person: Person) -> None:
    person.page.locator(".slice-slider .v-slider-track").first.click(position={"x": 4, "y": 1})


@pytest.mark.parametrize(
    "press",
    [
        _undo,
        lambda person: person.press("Remove"),
        lambda person: person.press("Add"),
        lambda person: person.choose("first"),
        lambda person: person.press("Show first"),
        lambda person: person.press("Whole axial picture"),
        _choose_window,
        _close_a_menu,
        _switch,
        _close_a_dialog,
        _slide,
    ],
    ids=["undo", "remove", "add", "choose", "show", "whole", "window", "menu", "switch", "dialog", "slider"],
)
def test_the_keys_mean_the_views_after_a_press_by_mouse(person: Person, press: Callable[[Person], None]) -> None:
    press(person)
    keys_mean_the_views(person)


def test_a_button_that_was_reached_by_keys_is_pressed_by_space_again_and_again(person: Person) -> None:
    person.page.get_by_role("button", name="Undo", exact=True).focus()
    for key in ("Tab", "Shift+Tab"):
        person.page.keyboard.press(key)
    for _ in range(2):
        person.step(lambda: person.page.keyboard.press(" "))
    assert person.history() == []


def test_a_menu_keeps_the_keys_while_it_is_open(person: Person) -> None:
    done = person.history()
    person.page.locator(".window-select").click()
    person.page.get_by_role("listbox").wait_for()
    assert heard(person, "n", "ArrowDown", "Enter") == []
    person.page.get_by_role("listbox").wait_for(state="hidden")
    keys_mean_the_views(person)
    assert person.history() == done


def test_a_field_keeps_what_is_typed_after_a_press_by_mouse(person: Person) -> None:
    field = person.page.get_by_label("Name of a structure")
    field.click()
    person.page.keyboard.type("b n")
    person.wait_for_value("Name of a structure", "b n")
    field.fill("")
    field.blur()
