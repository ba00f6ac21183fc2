"""Options that several commands share, and how their words become values."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from ..engines import Precision
from ..errors import PromptError
from ..prompts import Box, Ras


class PrecisionWord(str, Enum):
    """In which numbers the network computes."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"

    @property
    def word(self) -> Precision:
        """As engines are asked for it."""
        return self.value


CtArgument: TypeAlias = Annotated[
    Path, typer.Argument(metavar="CT", help="The scan: NIfTI, NRRD, MetaImage, or a folder of DICOM files.")
]
SeriesOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--series", metavar="UID", help="Which series of a DICOM folder; else the longest, of one study only."
    ),
]
OutOption: TypeAlias = Annotated[
    Path,
    typer.Option("--out", "-o", metavar="OUT", help="Where to write: .seg.nrrd (for Slicer), .nii.gz, .nrrd or .mha."),
]
ModelOption: TypeAlias = Annotated[
    str, typer.Option("--model", metavar="NAME_OR_PATH", help="See what there is with: vista3dsegment models list.")
]
DeviceOption: TypeAlias = Annotated[
    str, typer.Option("--device", metavar="DEVICE", help="Where to compute: auto, cpu, cuda, cuda:1 or mps.")
]
PrecisionOption: TypeAlias = Annotated[PrecisionWord, typer.Option("--precision", help="In which numbers to compute.")]
RegionOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--region", metavar='"R A S R A S"', help="Only inside this box: two opposite corners in mm, RAS coordinates."
    ),
]
BaseOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--base", metavar="SEG", help="The segmentation to correct; its other segments are carried over."),
]
PositiveOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--positive", metavar='"R A S"', help="A click on the structure, in mm, RAS coordinates; repeatable."),
]
NegativeOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--negative", metavar='"R A S"', help="A click on what is not the structure; repeatable."),
]
NoPictureOption: TypeAlias = Annotated[
    bool, typer.Option("--no-picture", help="Write no picture beside the segmentation.")
]
QuietOption: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print only errors, and doubts about the scan.")
]

JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")]


def parse_position(text: str) -> Ras:
    """A position as a person types it: "R A S" or "R,A,S", in mm.

    Raises:
        PromptError: not three numbers.
    """
    r, a, s = _numbers(text, 3, f"The position {text!r} is not three numbers.", 'as "-12.5 30 140"')
    return r, a, s


def parse_box(text: str, what: str = "region") -> Box:
    """A box as a person types it: two opposite corners, in any order, "R A S R A S" in mm.

    Args:
        text: as typed.
        what: it is, for messages.

    Raises:
        PromptError: not six numbers, or no extent along an axis.
    """
    numbers = _numbers(text, 6, f"The {what} {text!r} is not six numbers.", 'as "-80 -40 100 80 60 200"')
    corners = list(zip(numbers[:3], numbers[3:], strict=True))
    (r0, a0, s0), (r1, a1, s1) = [min(pair) for pair in corners], [max(pair) for pair in corners]
    return Box((r0, a0, s0), (r1, a1, s1))


def _numbers(text: str, count: int, what: str, example: str) -> list[float]:
    try:
        numbers = [float(word) for word in re.split(r"[\s,]+", text.strip(" \t,"))]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        raise PromptError(what, f"Give right, anterior, superior in mm, {example}, with decimal points.")
    return numbers


def parse_counts(text: str) -> tuple[int, ...]:
    """Numbers of clicks as a person lists them, "1,3,5,10"; sorted, each once.

    Raises:
        PromptError: not whole numbers above zero.
    """
    words = [word for word in re.split(r"[\s,]+", text) if word]
    if not words or not all(word.isdecimal() and int(word) > 0 for word in words):
        raise PromptError(f"{text!r} is no list of numbers of clicks.", "Give whole numbers, as 1,3,5,10.")
    return tuple(sorted({int(word) for word in words}))
