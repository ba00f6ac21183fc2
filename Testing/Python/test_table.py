"""The tables of an evaluation."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table
from VISTA3DSegmentLib.errors import ResourceError
from VISTA3DSegmentLib.evaluation.clicks import ClickCurve, Score
from VISTA3DSegmentLib.evaluation.table import click_table, mean_dice, write_csv
from VISTA3DSegmentLib.prompts import Click


def curve(name: str, dice: Sequence[float]) -> ClickCurve:
    scores = tuple(Score(n, value, value / 2, 0.25 if n else 0.0) for n, value in enumerate(dice))
    return ClickCurve(name, 12.5, scores, (Click((0.0, 0.0, 0.0)),) * (len(dice) - 1), 3.0)


def text_of(table: Table) -> str:
    console = Console(file=StringIO(), width=120)
    console.print(table)
    file = console.file
    assert isinstance(file, StringIO)
    return file.getvalue()


CURVES = [curve("liver", [0, 0.5, 0.8, 0.92]), curve("spleen", [0, 0.3, 0.4, 0.5])]


def test_the_table_has_a_row_for_each_structure_and_their_mean() -> None:
    lines = text_of(click_table(CURVES, (1, 3), "ct")).splitlines()
    liver = next(line for line in lines if "liver" in line)
    spleen = next(line for line in lines if "spleen" in line)
    mean = next(line for line in lines if "mean" in line)
    assert all(words in liver for words in ("12.5", "0.50 (0.25)", "0.92 (0.46)", " 3 ", "0.25"))
    assert "> 3" in spleen
    assert "0.40 (0.20)" in mean
    assert "1/2" in mean


def test_the_score_of_a_base_is_shown_and_an_empty_start_is_not() -> None:
    assert "base" not in text_of(click_table(CURVES, (1, 3)))
    assert "base" in text_of(click_table([curve("liver", [0.4, 0.5])], (1,)))


def test_an_automatic_result_without_clicks_has_a_table_too() -> None:
    shown = text_of(click_table([curve("liver", [0.75])]))
    assert "0.75 (0.38)" in shown or "0.75 (0.37)" in shown


def test_the_mean_counts_each_structure_alike() -> None:
    assert mean_dice(CURVES, 2) == pytest.approx(0.6)


def test_the_csv_holds_the_figures_and_leaves_unreached_ones_empty(tmp_path: Path) -> None:
    write_csv(CURVES, tmp_path / "t.csv", (1, 3))
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["structure"] for row in rows] == ["liver", "spleen"]
    assert (float(rows[0]["dice_1"]), float(rows[0]["nsd_3"]), rows[0]["clicks_to_90"]) == (0.5, 0.46, "3")
    assert rows[1]["clicks_to_90"] == ""
    assert list(rows[0]) == [
        "structure", "reference_ml", "dice_1", "nsd_1", "dice_3", "nsd_3", "clicks_to_90", "seconds_per_click",
    ]  # fmt: skip


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="could not be written"):
        write_csv(CURVES, tmp_path / "missing" / "t.csv", (1,))
