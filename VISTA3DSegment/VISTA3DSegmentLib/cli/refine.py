"""``refine``: clicks correct one structure, and nothing else changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ..edits import Edit, MaskCrop
from ..engine import Cancel, OnProgress, Opened
from ..errors import PromptError
from ..evaluation.metrics import volume_ml, voxels
from ..files.segmentations import Segment, read_segmentation
from ..files.volumes import read_volume
from ..prompts import Box, Click, Structure
from ..volume import Volume
from .collaborators import Collaborators, collaborators_of
from .interrupt import cancel_on_interrupt
from .options import (
    CtArgument,
    DeviceOption,
    ModelOption,
    NoPictureOption,
    OutOption,
    PrecisionOption,
    PrecisionWord,
    QuietOption,
    RegionOption,
    SeriesOption,
    parse_position,
    parse_region,
)
from .output import checked_output, segment_of_class, segment_of_clicks, write_picture, write_result
from .progress import shown_progress
from .wanted import structure_called

BaseOption = Annotated[
    Path | None,
    typer.Option("--base", metavar="SEG", help="The segmentation to correct; its other segments are carried over."),
]
SegmentOption = Annotated[
    str, typer.Option("--segment", metavar="NAME", help="The structure: a class, or any name for a new one.")
]
PositiveOption = Annotated[
    list[str] | None,
    typer.Option("--positive", metavar='"R A S"', help="A click on the structure, in mm, RAS coordinates; repeatable."),
]
NegativeOption = Annotated[
    list[str] | None,
    typer.Option("--negative", metavar='"R A S"', help="A click on what is not the structure; repeatable."),
]

UNNAMED = "Label {}"
"""What a segment of a label map is called, with its value."""


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
    box = parse_region(region) if region else None
    scan = read_volume(ct, series)
    carried = None if base is None else read_segmentation(base, like=scan.volume)
    others = carried.segments if carried else ()
    engine = with_what.open_engine(weights=model, device=device, precision=precision.word)
    structure, understood = structure_called(name, engine.specification)
    corrected = segment_called(name, structure.class_id, others)
    for click in clicks:
        scan.volume.check_inside(click.ras)
    opened = engine.open(scan.volume)
    with cancel_on_interrupt() as cancel:
        before = corrected.mask if corrected else None
        if before is None and structure.class_id is not None:
            with shown_progress(with_what.err, "Segmenting", quiet) as on_progress:
                before = found_by_itself(opened, structure.class_id, box, on_progress, cancel)
        edit = opened.refine(structure, clicks, before, box, cancel)
    after = segment_after(structure, edit.onto(before), corrected, others)
    segments = replaced(others, corrected, after)
    about_file = write_result(output, scan.volume, segments)
    if not no_picture:
        write_picture(output.picture, scan.volume, [after], clicks)
    if not quiet:
        about_base = (*(carried.notices if carried else ()), *_about_base(name, base, corrected, others))
        for notice in (*scan.notices, understood, *about_base, *edit.notices, *about_file):
            with_what.note(notice)
        _say_change(with_what, after, edit, scan.volume)
        with_what.say(f"Wrote {output.path}{'' if no_picture else f', {output.picture}'}.")


def clicks_from(positive: Sequence[str], negative: Sequence[str]) -> tuple[Click, ...]:
    """The clicks that a person typed.

    Raises:
        PromptError: none, or not positions.
    """
    clicks = [Click(parse_position(text), True) for text in positive]
    clicks += [Click(parse_position(text), False) for text in negative]
    if not clicks:
        raise PromptError("There is no click.", 'Give at least one, as --positive "-12.5 30 140".')
    return tuple(clicks)


def segment_called(name: str, class_id: int | None, segments: Sequence[Segment]) -> Segment | None:
    """The segment of that name; case does not matter unless two differ only in it.

    A label map has no names. There, the segment is the one whose value is the id of the class that is meant.

    Raises:
        PromptError: several segments have the name.
    """
    same = [segment for segment in segments if segment.name == name]
    same = same or [segment for segment in segments if segment.name.casefold() == name.strip().casefold()]
    same = same or [segment for segment in segments if segment.name == UNNAMED.format(class_id)]
    if len(same) > 1:
        raise PromptError(f"{len(same)} segments are called {name!r}.", "Rename them, so that one can be meant.")
    return same[0] if same else None


def found_by_itself(
    opened: Opened, class_id: int, region: Box | None, on_progress: OnProgress, cancel: Cancel
) -> MaskCrop:
    """What the model finds of a class without a click: all of it, also where no click is."""
    ((_, edit),) = opened.segment([class_id], region, on_progress, cancel)
    return edit.onto(None)


def segment_after(
    structure: Structure, mask: MaskCrop, corrected: Segment | None, others: Sequence[Segment]
) -> Segment:
    """The segment as the clicks leave it; one that was corrected keeps its name, colour and terminology."""
    if corrected is not None:
        return replace(corrected, mask=mask.tightened())
    if structure.class_id is not None:
        return segment_of_class(structure.class_id, mask)
    return segment_of_clicks(structure.name, mask, others)


def replaced(segments: Sequence[Segment], old: Segment | None, new: Segment) -> tuple[Segment, ...]:
    """All segments in their order, one of them replaced; a new one comes last."""
    if old is None:
        return (*segments, new)
    return tuple(new if segment is old else segment for segment in segments)


def _about_base(name: str, base: Path | None, corrected: Segment | None, others: Sequence[Segment]) -> tuple[str, ...]:
    if base is None:
        return ()
    if corrected is None:
        there = ", ".join(segment.name for segment in others) or "none"
        return (f"{base.name} has no segment {name!r} (its segments: {there}); a new one was added.",)
    if corrected.name == UNNAMED.format(corrected.class_id):
        return (f"{corrected.name} of {base.name} is taken for {name!r}.",)
    return ()


def _say_change(with_what: Collaborators, after: Segment, edit: Edit, volume: Volume) -> None:
    if voxels(after.mask) == 0:
        with_what.say(f"{after.name} is empty. {edit.empty_reason}".strip())
        return
    with_what.say(
        f"{after.name}: {volume_ml(after.mask, volume):.1f} ml "
        f"(+{edit.added * volume.voxel_volume_ml:.1f}, -{edit.removed * volume.voxel_volume_ml:.1f})"
    )
