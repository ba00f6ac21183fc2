"""The same page in windows of different size: in each a person sees and clicks as if it were the only one."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from browser import Person, Server
from places import place_of
from VISTA3DSegmentLib.volume import Volume

SAMPLE = "Sample CT (synthetic)"
SMALL = (820, 640)
PLACES = ((40.0, 30.0), (-45.0, 20.0), (30.0, -35.0), (-20.0, 45.0), (10.0, 5.0))
"""R and A in mm of the middle of the sample, where it is clicked."""
CLICK_MM = 2.0
"""How far from the place that was meant a click may be: a pixel of the small window, and rounding."""


def clicked_at(person: Person) -> list[tuple[float, float, float]]:
    """Where the clicks of the chosen structure are (RAS, mm), as the list of prompts says it."""
    lines = person.page.locator(".prompt-words").all_inner_texts()
    places = [re.findall(r"([RLAPSI]) ([\d.]+)", line) for line in lines]
    return [tuple(float(mm) * (1 if side in "RAS" else -1) for side, mm in place) for place in places]


def test_a_click_lands_where_it_is_seen_whichever_window_was_opened_or_closed_last(
    server: Server, person: Person, visit: Callable[..., Person], volume: Volume
) -> None:
    middle = volume.ras_of([(n - 1) / 2 for n in volume.shape_kji[::-1]])
    meant = [np.add(middle, (*place, 0.0)) for place in PLACES]
    person.wait_for_model()
    before = person.picture("Axial")
    other = visit(server, SMALL)
    other.wait_for_scan(SAMPLE)
    other.picture("Axial")
    person.wait_for_picture("Axial", before, lambda pixels: pixels == 0)
    person.page.keyboard.press("n")

    def click(one: Person, place: npt.NDArray[np.float64], count: int) -> None:
        one.click("Axial", place_of(one, volume, "Axial", place))
        person.page.wait_for_function("n => document.querySelectorAll('.prompt-words').length === n", arg=count)

    for n, one in enumerate((person, other, person, other)):
        click(one, meant[n], n + 1)
    other.page.close()
    click(person, meant[4], 5)
    assert np.allclose([place[:2] for place in clicked_at(person)], [place[:2] for place in meant], atol=CLICK_MM)
