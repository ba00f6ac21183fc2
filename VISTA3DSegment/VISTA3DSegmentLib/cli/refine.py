"""``refine``: clicks correct one structure, and nothing else changes."""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import PromptError
from .collaborators import Collaborators, collaborators_of
from .one_structure import Answering, Question, answer, clicks_from
from .options import (
    BaseOption,
    CtArgument,
    DeviceOption,
    ModelOption,
    NegativeOption,
    NoPictureOption,
    OutOption,
    PositiveOption,
    PrecisionOption,
    PrecisionWord,
    QuietOption,
    RegionOption,
    SeriesOption,
    parse_box,
)
from .output import checked_output
from .wanted import structure_called

SegmentOption = Annotated[
    str, typer.Option("--segment", metavar="NAME", help="The structure: a class, or any name for a new one.")
]


def refine(
    context: typer.Context,
    ct: CtArgument,
    name: SegmentOption,
    out: OutOption,
    base: BaseOption = None,
    positive: PositiveOption = None,
    negative: NegativeOption = None,
    model: ModelOption = "starter",
    device: DeviceOption = "auto",
    precision: PrecisionOption = PrecisionWord.AUTO,
    region: RegionOption = None,
    series: SeriesOption = None,
    no_picture: NoPictureOption = False,
    quiet: QuietOption = False,
) -> None:
    """Correct one structure by clicks, or describe a new one."""
    with_what = collaborators_of(context)
    output = checked_output(out, inputs=[ct])
    clicks = clicks_from(positive or (), negative or ())
    if not clicks:
        raise PromptError("There is no click.", 'Give at least one, as --positive "-12.5 30 140".')
    inside = parse_box(region) if region else None
    question = Question(ct, name, clicks, output, base, inside, series, no_picture, quiet)
    answer(with_what, question, lambda: vista3d_for(with_what, name, model, device, precision))


def vista3d_for(
    with_what: Collaborators, name: str, model: str, device: str, precision: PrecisionWord, clicked: bool = True
) -> Answering:
    """VISTA3D, with what a name means to its model."""
    engine = with_what.open_engine(weights=model, device=device, precision=precision.word)
    return Answering(engine, *structure_called(name, engine.specification, clicked))
