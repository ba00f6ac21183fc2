"""``classes``: what can be asked for."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from ..anatomy import PRESETS, AnatomicalClass, Kind, all_classes, class_of, find
from ..errors import PromptError
from .collaborators import collaborators_of

KINDS = {
    Kind.EVERYTHING: "",
    Kind.SECOND_PASS: "inside others",
    Kind.GROUP: "group",
    Kind.UNSUPPORTED: "unsupported",
}

WordArgument = Annotated[str | None, typer.Argument(metavar="WORD", help="A name, a part of one, or an id.")]


def classes(context: typer.Context, word: WordArgument = None) -> None:
    """List the structures that can be segmented, or find one by a word."""
    with_what = collaborators_of(context)
    rows = all_classes() if word is None else find(word)
    if not rows:
        raise PromptError(f"No structure is called {word!r}.", "See all with: vista3dsegment classes.")
    with_what.out.print(table_of(rows))
    if word is None:
        with_what.say(f"\nPresets: {', '.join(f'{name} ({len(ids)})' for name, ids in PRESETS.items())}.")


def table_of(rows: tuple[AnatomicalClass, ...]) -> Table:
    """Ids, names and what is special about each."""
    table = Table("id", "name", "kind", "also called", box=None, pad_edge=False)
    table.columns[0].justify = "right"
    for row in rows:
        group = "" if row.parent is None else f"part of {class_of(row.parent).name}"
        table.add_row(str(row.id), row.name, KINDS[row.kind] or group, row.note or ", ".join(row.synonyms))
    return table
