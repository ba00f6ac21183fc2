"""What happens to people and programs: markers dragged and deleted, a worker that dies, a reload, a cancelled run."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from browser import FADED, Person, Server
from VISTA3DSegmentLib.volume import Volume

HERE, THERE, ELSEWHERE = (0.385, 0.585), (0.6, 0.57), (0.335, 0.51)
"""In the axial view as it opens: the right kidney, the left kidney, the liver."""


@pytest.fixture
def person(server: Server, visit: Callable[..., Person]) -> Iterator[Person]:
    """Somebody who comes new to the page; what they have made is deleted afterwards."""
    person = visit(server)
    person.wait_for_scan("Sample CT (synthetic)")
    person.wait_for_model()
    yield person
    for name in person.names():
        person.choose(name)
        person.press(f"Delete {name}")
    person.page.wait_for_function("() => !document.querySelector('.segment')")
    person.page.close()


def centre(mask: np.ndarray) -> np.ndarray:
    return np.argwhere(mask).mean(axis=0)


def test_a_dragged_marker_takes_its_structure_along(person: Person, volume: Volume) -> None:
    person.begin("cyst")
    person.click("Axial", HERE)
    before = person.saved(volume)["cyst"]
    person.drag("Axial", HERE, THERE)
    assert "move click of cyst" in person.history()[0]
    after = person.saved(volume)["cyst"]
    assert not (before == after).all()
    # To the right of the view is the patient's left: i grows.
    assert centre(after)[2] > centre(before)[2] + 5
    person.step(lambda: person.press("Undo"))
    assert (person.saved(volume)["cyst"] == before).all()


def test_a_marker_is_flipped_and_deleted_by_its_menu(person: Person, volume: Volume) -> None:
    person.begin("cyst")
    person.click("Axial", HERE)
    one = person.saved(volume)["cyst"]
    person.click("Axial", ELSEWHERE)
    two = person.saved(volume)["cyst"]
    person.right_click("Axial", ELSEWHERE)
    person.page.get_by_text("Flip its sign").wait_for()
    person.shoot("6-marker-menu")
    person.step(person.page.get_by_text("Flip its sign").click)
    assert not (person.saved(volume)["cyst"] == two).all()
    person.right_click("Axial", ELSEWHERE)
    person.step(person.page.get_by_text("Delete it").click)
    assert (person.saved(volume)["cyst"] == one).all()


def test_a_worker_that_dies_between_two_clicks_costs_nothing(person: Person, volume: Volume, server: Server) -> None:
    person.begin("cyst")
    person.click("Axial", HERE)
    person.click("Axial", THERE)
    both = person.saved(volume)["cyst"]
    person.step(lambda: person.press("Undo"))
    (worker,) = server.workers
    os.kill(worker, signal.SIGKILL)

    def click() -> None:
        person.click_and_go_on("Axial", THERE)
        person.wait_for_message("nothing is lost")  # before the answer: a new worker takes its time to start

    person.step(click)
    assert (person.saved(volume)["cyst"] == both).all()
    assert server.workers != [worker]


def test_a_reload_of_the_page_goes_on_where_it_was(person: Person, volume: Volume) -> None:
    person.begin("cyst")
    person.click("Axial", HERE)
    before, steps = person.saved(volume)["cyst"], person.history()
    person.page.reload()
    person.wait_for_scan("Sample CT (synthetic)")
    assert person.history() == steps
    assert (person.saved(volume)["cyst"] == before).all()
    person.click("Axial", THERE)
    assert person.saved(volume)["cyst"].sum() > 0
    for _ in range(2):
        person.step(lambda: person.press("Undo"))
    person.step(lambda: person.press("Redo"))
    assert (person.saved(volume)["cyst"] == before).all()


def test_a_run_that_is_cancelled_leaves_what_was_there(person: Person, volume: Volume, server: Server) -> None:
    person.begin("cyst")
    person.click("Axial", HERE)
    before = person.saved(volume)["cyst"]
    person.press("Segment")
    person.page.get_by_role("button", name="Cancel", exact=True).wait_for()
    person.page.get_by_label("Progress").get_by_text("windows").wait_for()
    with server.engine_held():  # else it may be through before it is cancelled
        person.shoot("7-running")
        assert person.page.get_by_label("Estimate").count() == 0, "what is left is told"
        person.page.keyboard.press("Escape")
        person.wait_for_message("Cancelled")
    person.page.get_by_role("button", name="Segment", exact=True).wait_for()
    person.page.wait_for_timeout(1500)
    assert person.names() == ["cyst"]
    assert (person.saved(volume)["cyst"] == before).all()


def test_clicks_while_a_run_is_busy_are_kept_and_answered_first(person: Person, volume: Volume, server: Server) -> None:
    person.press("Segment")
    person.page.get_by_label("Progress").get_by_text("windows").wait_for()
    with server.engine_held():  # else it may be through before the last click
        person.begin("nodule")
        for at in (HERE, THERE, ELSEWHERE):
            person.click_and_go_on("Axial", at)
        person.page.wait_for_function(
            "() => [...document.querySelectorAll('.step')].filter(s => s.innerText.startsWith('+ nodule')).length === 3"
        )
    running = person.page.wait_for_function(
        """() => +document.querySelector('.segment[aria-label=nodule] .volume').innerText > 0
            && { then: !!document.querySelector('button[aria-label=Cancel]') }"""
    )
    assert running.json_value() == {"then": True}, "the run was over before the clicks were answered"
    person.page.keyboard.press("Escape")
    person.wait_until_still()
    assert person.saved(volume)["nodule"].any()


def test_what_was_typed_arrives_before_the_button_that_asks_for_it(person: Person) -> None:
    person.page.evaluate(
        """() => {
            trame.client.getRemote().Trame.trigger("marker_menu", ["Axial", 0, 0, 0, 0]); // a call is under way
            const field = document.querySelector("input[aria-label='Name of a structure']");
            field.value = "nodule";
            field.dispatchEvent(new Event("input"));
            document.querySelector("button[aria-label='Begin it empty']").click();
        }"""
    )
    person.page.locator(".segment").wait_for()
    assert person.names() == ["nodule"]
    person.click("Axial", HERE)  # the name is used up: it begins no other structure
    assert person.names() == ["nodule"]


def test_keys_choose_signs_lesions_and_before_or_after(person: Person, volume: Volume) -> None:
    pressed = "button[aria-label='{}'][aria-pressed=true]"
    person.page.keyboard.press("d")
    person.page.locator(pressed.format("Remove")).wait_for()
    person.page.keyboard.press("n")
    person.page.locator(pressed.format("Add")).wait_for()
    assert person.names() == ["Lesion 1"]
    person.click("Axial", HERE)
    person.page.wait_for_timeout(FADED)
    after = person.picture("Axial")
    person.page.keyboard.press(" ")
    person.page.locator(pressed.format("Before or after the last change")).wait_for()
    person.wait_for_picture("Axial", after, lambda pixels: pixels > 50)
    person.page.keyboard.press(" ")
    person.wait_for_picture("Axial", after, lambda pixels: pixels < 20)
    person.page.keyboard.press("n")
    person.page.wait_for_function("() => document.querySelectorAll('.segment').length === 2")
    assert person.names() == ["Lesion 1", "Lesion 2"]
