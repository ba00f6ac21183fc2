"""Which object a click corrects."""

from __future__ import annotations

import numpy as np
import pytest
from builders import box_mask, oblique_geometry
from VISTA3DSegmentLib.prompts import Click, Structure
from VISTA3DSegmentLib.session.annotation import AnnotatedObject, Annotation, Status
from VISTA3DSegmentLib.session.targeting import REACH_MM, object_under, objects_at
from VISTA3DSegmentLib.volume import Volume

SHAPE = (30, 40, 50)
VOLUME = Volume(np.zeros(SHAPE, np.int16), oblique_geometry((1.0, 1.0, 2.0)))
RED = (1.0, 0.0, 0.0)


def annotation(done: str = "") -> Annotation:
    """An organ with a lesion in it, and another organ."""
    boxes = {
        "liver": ((5, 5, 5), (15, 20, 20)),
        "lesion": ((8, 8, 8), (11, 11, 11)),
        "spleen": ((5, 5, 35), (15, 15, 45)),
    }
    found = Annotation()
    for name, (start, end) in boxes.items():
        status = Status.DONE if name == done else Status.DRAFT
        value = AnnotatedObject(Structure(name), RED, mask=box_mask(SHAPE, start, end), status=status)
        found = found.replaced(name, value)
    return found


def meant(kji: tuple[int, int, int], positive: bool, selected: str | None, done: str = "") -> str | None:
    r, a, s = VOLUME.ras_of(kji[::-1])
    return object_under(annotation(done), VOLUME, Click((r, a, s), positive), selected)


@pytest.mark.parametrize(
    ("kji", "positive", "selected", "expected"),
    [
        ((10, 10, 24), True, "spleen", "liver"),  # nearer to the liver's border
        ((10, 10, 31), True, "liver", "spleen"),
        ((10, 22, 12), True, None, "liver"),
        ((10, 10, 10), True, "spleen", "spleen"),  # in the liver: it can only be meant for the chosen one
        ((10, 18, 18), False, "spleen", "liver"),
        ((9, 9, 9), False, "spleen", "lesion"),  # the smallest of those that lie there
        ((9, 9, 9), False, "liver", "liver"),  # the chosen one lies there too
        ((28, 38, 2), True, "spleen", "spleen"),  # nothing near
        ((28, 38, 2), True, None, None),
        ((28, 38, 2), False, "lesion", "lesion"),
    ],
)
def test_what_lies_under_a_click_decides(kji, positive, selected, expected):
    assert meant(kji, positive, selected) == expected


def test_what_is_done_is_not_meant():
    assert meant((10, 10, 24), True, None, done="liver") == "spleen"
    assert meant((10, 18, 18), False, "spleen", done="liver") == "spleen"


def test_what_is_hidden_is_not_meant_unless_it_is_chosen():
    r, a, s = VOLUME.ras_of((18, 18, 10))
    click = Click((r, a, s), positive=False)
    assert object_under(annotation(), VOLUME, click, "spleen", hidden={"liver"}) == "spleen"
    assert object_under(annotation(), VOLUME, click, "liver", hidden={"liver"}) == "liver"


def test_distances_are_millimetres():
    # Two slices of 2 mm beyond the liver are as far as four voxels of 1 mm.
    steps = int(REACH_MM / 2.0)
    assert meant((14 + steps, 10, 12), True, None) == "liver"
    assert meant((14 + steps + 1, 10, 12), True, None) is None


@pytest.mark.parametrize(("positive", "expected"), [(True, "begun"), (False, "liver")])
def test_a_click_beside_an_organ_is_about_the_structure_that_was_just_begun(positive: bool, expected: str) -> None:
    with_new = annotation().replaced("begun", AnnotatedObject(Structure("node"), RED))
    r, a, s = VOLUME.ras_of((24, 10, 10) if positive else (18, 18, 10))
    assert object_under(with_new, VOLUME, Click((r, a, s), positive), "begun") == expected


def test_what_an_earlier_click_has_chosen_does_not_take_a_click_inside_another_organ():
    r, a, s = VOLUME.ras_of((40, 10, 10))
    click = Click((r, a, s), True)
    assert object_under(annotation(), VOLUME, click, "liver", explicitly=True) == "liver"
    assert object_under(annotation(), VOLUME, click, "liver", explicitly=False) == "spleen"
    assert object_under(annotation(), VOLUME, click, None) == "spleen"


@pytest.mark.parametrize(
    ("kji", "expected"),
    [((9, 9, 9), ["liver", "lesion"]), ((14, 19, 19), ["liver"]), ((15, 19, 19), []), ((-1, 9, 9), [])],
)
def test_objects_at_a_place_hold_its_voxel(kji: tuple[int, int, int], expected: list[str]) -> None:
    r, a, s = VOLUME.ras_of(kji[::-1])
    assert objects_at(annotation(done="lesion"), VOLUME, (r, a, s)) == expected
