"""``prompt``: one structure by a text, a box and points."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Annotated

import typer

from ..engines import DEFAULT_WEIGHTS
from ..errors import PromptError
from ..prompts import Prompts, Text, clicks_of
from .collaborators import collaborators_of
from .one_structure import Answering, Question, answer, clicks_from
from .options import (
    BaseOption,
    CtArgument,
    DeviceOption,
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
from .refine import vista3d_for
from .wanted import UNNAMED, structure_named


class System(str, Enum):
    """Who answers."""

    SEGVOL = "segvol"
    VISTA3D = "vista3d"


TextOption = Annotated[
    str | None, typer.Option("--text", metavar="WORDS", help="What it is; see: vista3dsegment texts.")
]
BoxOption = Annotated[
    str | None,
    typer.Option(
        "--box", metavar='"R A S R A S"', help="A box close around it: two opposite corners in mm, RAS coordinates."
    ),
]
SegmentOption = Annotated[
    str | None,
    typer.Option("--segment", metavar="NAME", help="What to call it, and which of --base it is; else WORDS."),
]
EngineOption = Annotated[
    System,
    typer.Option(
        "--engine", help="vista3d takes the text for one of its classes, and changes nothing outside the box."
    ),
]
PromptModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="NAME_OR_PATH", help="See: vista3dsegment models list; else the small one that comes along."
    ),
]


def prompt(
    context: typer.Context,
    ct: CtArgument,
    out: OutOption,
    text: TextOption = None,
    box: BoxOption = None,
    positive: PositiveOption = None,
    negative: NegativeOption = None,
    name: SegmentOption = None,
    base: BaseOption = None,
    engine: EngineOption = System.SEGVOL,
    model: PromptModelOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = PrecisionWord.AUTO,
    region: RegionOption = None,
    series: SeriesOption = None,
    no_picture: NoPictureOption = False,
    quiet: QuietOption = False,
) -> None:
    """Segment one structure of a CT by a text, a box and points, with SegVol.

    Best: organs, by their name and a box close around them. A loose box hurts.
    Poor: lesions by text alone; left and right by text alone are unreliable:
    add a box or a point. SegVol was made for CT only.
    """
    with_what = collaborators_of(context)
    output = checked_output(out, inputs=[ct])
    prompts: Prompts = (
        *((Text(text),) if text is not None else ()),
        *((parse_box(box, "box"),) if box is not None else ()),
        *clicks_from(positive or (), negative or ()),
    )
    if not prompts:
        raise PromptError(
            "Nothing says which structure is meant.", 'Give --text liver, --box "R A S R A S" or --positive "R A S".'
        )
    inside = parse_box(region) if region else None
    question = Question(ct, name or text or UNNAMED, prompts, output, base, inside, series, no_picture, quiet)
    weights = model or DEFAULT_WEIGHTS[engine.value]

    def segvol() -> Answering:
        return Answering(
            with_what.open_segvol(weights, device, precision.word), structure_named(text, name), finds_by_itself=False
        )

    def vista3d() -> Answering:
        clicked = bool(clicks_of(prompts))
        asked = vista3d_for(with_what, text or question.name, weights, device, precision, clicked)
        return replace(asked, structure=replace(asked.structure, name=name)) if name and text else asked

    answer(with_what, question, segvol if engine is System.SEGVOL else vista3d)
