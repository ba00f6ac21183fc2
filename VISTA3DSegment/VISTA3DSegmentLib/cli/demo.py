"""``demo``: the main job on the sample that comes with the package, from the scan to a corrected organ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from ..edits import MaskCrop
from ..engine import Cancel, Opened
from ..errors import ModelError, ResourceError
from ..evaluation.metrics import dice
from ..evaluation.simulated_user import next_click
from ..files.segmentations import Segment, read_segmentation
from ..files.volumes import read_volume
from ..prompts import Click, Structure
from ..resources import resource
from .collaborators import Collaborators, backend_of, collaborators_of
from .interrupt import cancel_on_interrupt
from .options import DeviceOption, ModelOption
from .output import Output, segment_of_class, write_picture, write_result
from .progress import shown_progress

SAMPLE, TRUTH = "Samples/sample_ct.nrrd", "Samples/sample_truth.nrrd"
CLICKS = 3
SHOWN_FIRST = "liver"
"""The organ that is damaged and mended, if it was found; else the largest."""

OutFolderOption = Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where the pictures go.")]


@dataclass(frozen=True, eq=False)
class Mended:
    """One step of the correction.

    Args:
        clicks: so far.
        mask: the organ after them.
    """

    clicks: tuple[Click, ...]
    mask: MaskCrop


def demo(
    context: typer.Context,
    out: OutFolderOption = Path("demo"),
    model: ModelOption = "starter",
    device: DeviceOption = "auto",
) -> None:
    """Segment the sample CT, damage an organ on purpose, and mend it by clicks."""
    with_what = collaborators_of(context)
    _make(out)
    volume = read_volume(resource(SAMPLE)).volume
    truth = {segment.class_id: segment for segment in read_segmentation(resource(TRUTH), like=volume).segments}
    engine = with_what.open_engine(weights=model, device=device)
    with_what.say(f"A synthetic CT, segmented by the model {engine.specification.name} ({backend_of(engine)}).")
    opened = engine.open(volume)
    found = segmented(with_what, opened, engine.specification.classes)
    real = [segment for segment in found if segment.class_id in truth]
    show_dice(with_what, real, truth)
    found = tuple(segment for segment in found if segment.mask.mask.any())
    if unreal := [segment.name for segment in found if segment.class_id not in truth]:
        with_what.say(f"Found, though not there: {', '.join(unreal)}")

    organ = organ_to_show(real)
    true = truth[organ.class_id].mask
    damaged = cut_in_half(organ.mask)
    with_what.say(f"\nHalf of the {organ.name} is cut away on purpose: Dice {dice(true, damaged):.3f}")
    with cancel_on_interrupt() as cancel:
        steps = list(mended(opened, organ, damaged, true, cancel))
    for step in steps:
        with_what.say(f"{_said(step.clicks)}: Dice {dice(true, step.mask):.3f}")

    clicks, mask = (steps[-1].clicks, steps[-1].mask) if steps else ((), damaged)
    corrected = _with_mask(found, organ, mask)
    result = Output(out / "organs.seg.nrrd")
    write_result(result, volume, corrected)
    through = clicks[0].ras if clicks else None
    write_picture(out / "before.png", volume, found, through=through)
    write_picture(out / "damaged.png", volume, _with_mask(found, organ, damaged), clicks, through)
    write_picture(out / "corrected.png", volume, corrected, clicks, through)
    _say_what_next(with_what, out, result, organ)


def segmented(with_what: Collaborators, opened: Opened, class_ids: Sequence[int]) -> tuple[Segment, ...]:
    """The automatic result; nobody tells the model what is there.

    Raises:
        ModelError: nothing was found, so there is nothing to show.
    """
    with cancel_on_interrupt() as cancel, shown_progress(with_what.err, "Segmenting") as on_progress:
        edits = opened.segment(class_ids, None, on_progress, cancel)
        found = tuple(segment_of_class(class_id, edit.onto(None)) for class_id, edit in edits)
    if not any(segment.mask.mask.any() for segment in found):
        raise ModelError("The model found nothing in the sample.", "Try another one with --model.")
    return found


def show_dice(with_what: Collaborators, found: Sequence[Segment], truth: Mapping[int | None, Segment]) -> None:
    """Each organ's overlap with the truth, and the mean."""
    scores = [dice(truth[seg.class_id].mask, seg.mask) for seg in found]
    table = Table("structure", "Dice", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for segment, score in zip(found, scores, strict=True):
        table.add_row(segment.name, f"{score:.3f}")
    table.add_row("mean", f"{np.mean(scores):.3f}")
    with_what.out.print(table)


def organ_to_show(found: Sequence[Segment]) -> Segment:
    """The organ that the demonstration is about."""
    named = [segment for segment in found if segment.name == SHOWN_FIRST and segment.mask.mask.any()]
    return named[0] if named else max(found, key=lambda segment: int(segment.mask.mask.sum()))


def cut_in_half(mask: MaskCrop) -> MaskCrop:
    """Without the half of its voxels on one side along (i): what a person would notice at once."""
    i = np.nonzero(mask.mask)[2]
    kept = mask.mask.copy()
    kept[:, :, int(np.median(i)) :] = False
    return MaskCrop(mask.start, kept)


def mended(opened: Opened, organ: Segment, damaged: MaskCrop, true: MaskCrop, cancel: Cancel) -> Iterator[Mended]:
    """The organ after each click of the simulated user; every request holds all clicks so far and the damaged mask."""
    structure = Structure(organ.name, organ.class_id)
    clicks: tuple[Click, ...] = ()
    mask = damaged
    while len(clicks) < CLICKS:
        click = next_click(true, mask, opened.volume)
        if click is None:
            return
        clicks = (*clicks, click)
        mask = opened.refine(structure, clicks, damaged, None, cancel).onto(damaged)
        yield Mended(clicks, mask)


def _with_mask(segments: Sequence[Segment], organ: Segment, mask: MaskCrop) -> tuple[Segment, ...]:
    return tuple(replace(segment, mask=mask) if segment is organ else segment for segment in segments)


def _said(clicks: tuple[Click, ...]) -> str:
    last = clicks[-1]
    position = " ".join(f"{mm:.0f}" for mm in last.ras)
    return f"click {len(clicks)}, {'positive' if last.positive else 'negative'} at {position} mm"


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResourceError(
            f"The folder {folder} cannot be made ({error.strerror}).", "Choose another one with --out."
        ) from error


def _say_what_next(with_what: Collaborators, out: Path, result: Output, organ: Segment) -> None:
    pictures = ", ".join(str(out / f"{name}.png") for name in ("before", "damaged", "corrected"))
    clicked = f'--segment "{organ.name}" --positive "R A S"'
    for sentence in (
        f"\nPictures: {pictures}",
        f"Segmentation, to be opened in 3D Slicer: {result.path}",
        "\nNext, with a CT of your own:",
        "  vista3dsegment segment CT -o organs.seg.nrrd",
        f"  vista3dsegment refine CT --base organs.seg.nrrd {clicked} -o better.seg.nrrd",
    ):
        with_what.say(sentence)
