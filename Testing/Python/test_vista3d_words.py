"""What VISTA3D makes of a text and of a box: the class that is named, within the box."""

from __future__ import annotations

import numpy as np
import pytest
from engine_builders import COLOURS, LIVER, MM, SPLEEN, click_at, colour_engine, painted_scan, whole
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.engine import Opened
from VISTA3DSegmentLib.errors import PromptError
from VISTA3DSegmentLib.prompts import Box, Prompts, Structure, Text
from VISTA3DSegmentLib.volume import Volume

BLOCK = (slice(4, 12), slice(5, 14), slice(6, 15))
OTHER = (slice(14, 18), slice(15, 20), slice(4, 9))
NEW = Structure("thing")


def opened() -> Opened:
    """A scan with a liver and a spleen, opened."""
    volume = painted_scan((20, 24, 22), [(BLOCK, COLOURS[LIVER]), (OTHER, COLOURS[SPLEEN])], ground=-500)
    return colour_engine()[0].open(volume)


def mask_of(volume: Volume, part: tuple[slice, slice, slice]) -> np.ndarray:
    """A block of voxels."""
    mask = np.zeros(volume.shape_kji, np.bool_)
    mask[part] = True
    return mask


def answer(asked: Opened, prompts: Prompts, structure: Structure = NEW, base: MaskCrop | None = None) -> np.ndarray:
    """The whole mask after prompts."""
    before = None if base is None else base.full(asked.volume.shape_kji)
    return whole(asked.refine(structure, prompts, base), asked.volume, before)


def half(volume: Volume) -> Box:
    """The box around the lower half of the liver."""
    low, high = volume.ras_of((6.0, 5.0, 4.0)), volume.ras_of((14.0, 13.0, 7.0))
    corners = np.sort(np.stack([low, high]), axis=0)
    return Box(tuple(corners[0] - 0.1 * MM), tuple(corners[1] + 0.1 * MM))


@pytest.mark.parametrize(("text", "part"), [("liver", BLOCK), ("Hepar", BLOCK), ("spleen", OTHER)])
def test_a_text_that_names_a_class_is_its_automatic_result(text: str, part: tuple[slice, slice, slice]) -> None:
    asked = opened()
    np.testing.assert_array_equal(answer(asked, (Text(text),)), mask_of(asked.volume, part))


def test_a_text_replaces_what_was_there() -> None:
    asked = opened()
    base = MaskCrop.of(mask_of(asked.volume, (slice(0, 3), slice(0, 3), slice(0, 3))))
    np.testing.assert_array_equal(answer(asked, (Text("liver"),), base=base), mask_of(asked.volume, BLOCK))


def test_a_text_that_finds_nothing_takes_away_nothing_and_says_so() -> None:
    asked = opened()
    without = np.where(asked.volume.array == COLOURS[SPLEEN], -500, asked.volume.array)
    asked = colour_engine()[0].open(Volume(without, asked.volume.ijk_to_ras))
    base = MaskCrop.of(mask_of(asked.volume, OTHER))
    edit = asked.refine(NEW, (Text("spleen"),), base)
    assert (edit.added, edit.removed) == (0, 0)
    assert "it stays as it was" in edit.empty_reason


def test_a_box_without_the_structure_takes_away_nothing() -> None:
    asked = opened()
    base = mask_of(asked.volume, (slice(4, 8), slice(5, 8), slice(6, 9)))
    found = answer(asked, (Text("spleen"), half(asked.volume)), base=MaskCrop.of(base))
    np.testing.assert_array_equal(found, base)


def test_a_box_limits_the_region_and_leaves_the_rest_alone() -> None:
    asked = opened()
    within = (slice(4, 8), *BLOCK[1:])
    np.testing.assert_array_equal(answer(asked, (Text("liver"), half(asked.volume))), mask_of(asked.volume, within))
    away = mask_of(asked.volume, (slice(0, 2), slice(0, 2), slice(0, 2)))
    found = answer(asked, (half(asked.volume),), Structure("liver", LIVER), MaskCrop.of(away))
    np.testing.assert_array_equal(found, mask_of(asked.volume, within) | away)


def test_clicks_beside_a_text_correct_the_class_that_it_names() -> None:
    engine, spy = colour_engine()
    asked = engine.open(opened().volume)
    click = click_at(asked.volume, (9, 10, 11))
    np.testing.assert_array_equal(answer(asked, (Text("liver"), click)), mask_of(asked.volume, BLOCK))
    assert [clicked.zero_shot for clicked in spy.clicked] == [False]


@pytest.mark.parametrize(
    ("prompts", "sentence"),
    [
        ((Text("left ear of my dog"),), "knows no structure called 'left ear of my dog'"),
        ((Text("kidneys"),), "several structures"),
        ((Text("liver"), Text("spleen")), "name several structures"),
        ((Box((-10.0, -10.0, 0.0), (10.0, 10.0, 20.0)),), "cannot segment a new structure without a click"),
    ],
)
def test_what_it_cannot_translate_is_refused_with_what_to_do(prompts: Prompts, sentence: str) -> None:
    with pytest.raises(PromptError, match=sentence):
        opened().refine(NEW, prompts)


def test_nothing_to_change_says_so() -> None:
    asked = opened()
    base = MaskCrop.of(mask_of(asked.volume, BLOCK))
    edit = asked.refine(NEW, (Text("liver"),), base)
    assert (edit.added, edit.removed) == (0, 0)
    assert "already as the model finds it" in edit.empty_reason
