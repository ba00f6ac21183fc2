"""The results of click sessions as a table for people and as CSV."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from ..errors import ResourceError
from .clicks import CLICKS, GOOD_DICE, ClickCurve

MEAN = "mean"


def mean_dice(curves: Sequence[ClickCurve], clicks: int) -> float:
    """Mean Dice over structures after this many clicks; each structure counts alike."""
    return sum(curve.scores[clicks].dice for curve in curves) / len(curves)


def mean_nsd(curves: Sequence[ClickCurve], clicks: int) -> float:
    """Mean NSD over structures after this many clicks."""
    return sum(curve.scores[clicks].nsd for curve in curves) / len(curves)


def click_table(curves: Sequence[ClickCurve], clicks: Sequence[int] = CLICKS, title: str = "") -> Table:
    """A table for the terminal: a row per structure, and their mean.

    Args:
        curves: sessions, all equally long.
        clicks: the columns; 0 (before any click) stands first where a base was given.
        title: over the table.
    """
    tolerance = f" at {curves[0].tolerance_mm:g} mm" if curves else ""
    table = Table(title=title or None, caption=f"Dice (NSD{tolerance}) after n clicks", caption_justify="left")
    table.add_column("structure", no_wrap=True)
    table.add_column("ml", justify="right")
    columns = _columns(curves, clicks)
    for count in columns:
        table.add_column("base" if count == 0 else str(count), justify="right", no_wrap=True)
    table.add_column(f"to {GOOD_DICE:.2f}", justify="right")
    table.add_column("s/click", justify="right")
    for curve in curves:
        scores = [f"{curve.scores[count].dice:.2f} ({curve.scores[count].nsd:.2f})" for count in columns]
        table.add_row(
            curve.name, f"{curve.reference_ml:.1f}", *scores, _clicks_to_90(curve), f"{curve.seconds_per_click:.2f}"
        )
    if len(curves) > 1:
        table.add_section()
        means = [f"{mean_dice(curves, count):.2f} ({mean_nsd(curves, count):.2f})" for count in columns]
        reached = sum(curve.clicks_to_90 is not None for curve in curves)
        seconds = sum(curve.seconds_per_click for curve in curves) / len(curves)
        table.add_row(MEAN, "", *means, f"{reached}/{len(curves)}", f"{seconds:.2f}", style="bold")
    return table


def write_csv(curves: Sequence[ClickCurve], path: Path, clicks: Sequence[int] = CLICKS) -> None:
    """Write one row per structure: volume, Dice and NSD after each number of clicks, clicks to 0.90, seconds per click.

    Args:
        curves: sessions, all equally long.
        path: of the CSV; replaced if it exists.
        clicks: the numbers of clicks that get columns.

    Raises:
        ResourceError: the file cannot be written.
    """
    columns = _columns(curves, clicks)
    scores = [f"{metric}_{count}" for count in columns for metric in ("dice", "nsd")]
    rows: list[list[str]] = [["structure", "reference_ml", *scores, "clicks_to_90", "seconds_per_click"]]
    for curve in curves:
        values = [f"{v:.4f}" for count in columns for v in (curve.scores[count].dice, curve.scores[count].nsd)]
        needed = "" if curve.clicks_to_90 is None else str(curve.clicks_to_90)
        rows.append([curve.name, f"{curve.reference_ml:.3f}", *values, needed, f"{curve.seconds_per_click:.3f}"])
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
    except OSError as error:
        raise ResourceError(f"The table {path} could not be written.", "Check that its folder is writable.") from error


def _columns(curves: Sequence[ClickCurve], clicks: Sequence[int]) -> list[int]:
    """The numbers of clicks that were asked for and reached, and 0 where there was a base or nothing else."""
    reached = {count for count in clicks if all(count < len(curve.scores) for curve in curves)}
    with_base = any(curve.scores[0].dice > 0 for curve in curves)
    return sorted(reached | {0} if with_base or not reached else reached)


def _clicks_to_90(curve: ClickCurve) -> str:
    """The number, or that it was not reached within the session."""
    if curve.clicks_to_90 is not None:
        return str(curve.clicks_to_90)
    return f"> {len(curve.scores) - 1}" if len(curve.scores) > 1 else "-"
