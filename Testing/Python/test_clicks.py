"""Sessions of the simulated user."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from builders import box_mask
from VISTA3DSegmentLib.edits import Edit, MaskCrop
from VISTA3DSegmentLib.errors import PromptError
from VISTA3DSegmentLib.evaluation.clicks import click_session
from VISTA3DSegmentLib.prompts import Prompts, Structure
from VISTA3DSegmentLib.volume import Volume

SHAPE = (12, 12, 30)
TRUTH = box_mask(SHAPE, (3, 3, 5), (9, 9, 25))
ORGAN = Structure("organ")


@dataclass
class ScriptedEngine:
    """Answers the n-th click with the n-th mask, and remembers what it was asked."""

    answers: list[MaskCrop]
    volume: Volume = field(default_factory=lambda: Volume(np.zeros(SHAPE, np.int16), np.diag((1.0, 1.0, 2.0, 1.0))))
    asked: list[tuple[Prompts, MaskCrop | None]] = field(default_factory=list)

    def refine(self, structure: Structure, prompts: Prompts, base: MaskCrop | None = None) -> Edit:
        self.asked.append((prompts, base))
        answer = self.answers[len(prompts) - 1]
        return Edit((0, 0, 0), answer.full(SHAPE), 0, 0)


def part(end: int) -> MaskCrop:
    """The organ up to a plane."""
    return box_mask(SHAPE, (3, 3, 5), (9, 9, end))


def test_every_request_carries_all_clicks_and_the_original_base() -> None:
    engine, base = ScriptedEngine([part(15), part(20), part(23)]), part(10)
    curve = click_session(engine, ORGAN, TRUTH, (1, 3), base)
    assert [prompts for prompts, _ in engine.asked] == [curve.prompts[:n] for n in (1, 2, 3)]
    assert all(given is base for _, given in engine.asked)
    assert len(set(curve.prompts)) == 3


def test_the_curve_holds_the_score_before_and_after_every_click() -> None:
    curve = click_session(ScriptedEngine([part(15), part(20), part(23)]), ORGAN, TRUTH, (3,), part(10))
    assert [score.clicks for score in curve.scores] == [0, 1, 2, 3]
    assert [score.dice for score in curve.scores] == pytest.approx([2 * n / (20 + n) for n in (5, 10, 15, 18)])
    assert curve.scores[3].nsd > curve.scores[1].nsd
    assert curve.reference_ml == pytest.approx(6 * 6 * 20 * 2 / 1000)


def test_a_click_that_makes_it_worse_counts_as_it_is() -> None:
    curve = click_session(ScriptedEngine([part(24), part(10)]), ORGAN, TRUTH, (2,))
    assert curve.scores[2].dice == pytest.approx(0.4)


def test_clicks_to_90_is_the_first_time_that_dice_reaches_it() -> None:
    answers = [part(10), part(22), part(10)]
    assert click_session(ScriptedEngine(answers), ORGAN, TRUTH, (3,)).clicks_to_90 == 2
    assert click_session(ScriptedEngine(answers), ORGAN, TRUTH, (1,)).clicks_to_90 is None
    assert click_session(ScriptedEngine(answers), ORGAN, TRUTH, (1,), part(23)).clicks_to_90 == 0


def test_a_perfect_result_ends_the_clicking_and_its_score_is_held() -> None:
    engine = ScriptedEngine([part(25)])
    curve = click_session(engine, ORGAN, TRUTH, (1, 5))
    assert len(engine.asked) == len(curve.prompts) == 1
    assert [score.dice for score in curve.scores] == [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert curve.seconds_per_click == curve.scores[1].seconds > 0


def test_a_reference_without_the_structure_is_refused() -> None:
    with pytest.raises(PromptError, match="reference of organ is empty"):
        click_session(ScriptedEngine([]), ORGAN, MaskCrop((0, 0, 0), np.zeros((2, 2, 2), np.bool_)))


@pytest.mark.parametrize("clicks", [(), (0,)])
def test_a_session_without_clicks_is_refused(clicks: tuple[int, ...]) -> None:
    with pytest.raises(PromptError, match="number of clicks"):
        click_session(ScriptedEngine([]), ORGAN, TRUTH, clicks)
