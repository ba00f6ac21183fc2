"""``texts``: what can be named to a model of SegVol."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from ..anatomy import class_of, find
from ..engines import DEFAULT_WEIGHTS
from ..errors import PromptError
from ..models import store
from ..models.registry import SEGVOL_SPECIFICATION
from ..words import Nearness, nearness, terms
from .collaborators import collaborators_of
from .wanted import class_meant

WordsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="WORDS", help="A name, or a part of one.", show_default=False)
]
TextsModelOption = Annotated[str, typer.Option("--model", metavar="NAME_OR_PATH", help="A model of SegVol.")]

ANY_WORDS = "Any other words can be tried too; those listed are what it was trained with."
NEEDS_VOCABULARY = "Other words need its vocabulary: add the model again with --vocabulary merges.txt."


def texts(
    context: typer.Context, words: WordsArgument = None, model: TextsModelOption = DEFAULT_WEIGHTS["segvol"]
) -> None:
    """List what can be named to SegVol with: vista3dsegment prompt --text."""
    with_what = collaborators_of(context)
    file = store.find(model)
    known = (file.for_segvol() or SEGVOL_SPECIFICATION).texts
    wanted = " ".join(words or ())
    found = tuple(sorted(known)) if not wanted else matching(known, wanted)
    beyond = ANY_WORDS if file.vocabulary else NEEDS_VOCABULARY if file.lacks_vocabulary else ""
    if not found:
        raise PromptError(f"The model {file.name} was not trained with {wanted!r}.", beyond or "See all without words.")
    table = Table("text", "class", box=None, pad_edge=False)
    for text in found:
        class_id = class_meant(text)
        table.add_row(text, "" if class_id is None else f"{class_of(class_id).name} ({class_id})")
    with_what.out.print(table)
    if beyond:
        with_what.say(f"\n{beyond}")


def matching(texts: tuple[str, ...], words: str) -> tuple[str, ...]:
    """The texts that a person may mean, the best first; also by another name of the class that a text means."""
    query, meant = terms(words), {row.id for row in find(words)}

    def rank(text: str) -> Nearness:
        near = nearness(query, terms(text))
        return near if near is not Nearness.NONE or class_meant(text) not in meant else Nearness.BEGINNINGS

    ranked = sorted((rank(text), text) for text in texts)
    return tuple(text for near, text in ranked if near is not Nearness.NONE)
