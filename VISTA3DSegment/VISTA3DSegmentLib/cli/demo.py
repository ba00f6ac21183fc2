"""``demo``: the main job on the sample that comes with the package, from the scan to a corrected organ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from ..edits import BoolArray, MaskCrop
from ..engine import Cancel, Opened
from ..errors import ModelError, ResourceError
from ..evaluation.metrics import dice
from ..evaluation.simulated_user import next_click
from ..files.segmentations import Segment, read_segmentation
from ..files.volumes import read_volume
from ..prompts import Click, Structure
from ..resources import resource
from ..volume import Volume
from .collaborators import Collaborators, collaborators_of
from .interrupt import cancel_on_interrupt
from .options import Device, DeviceOption, ModelOption
from .output import Output, segment_of_class, write_picture, write_result
from .progress import window_progress

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
    device: DeviceOption = Device.AUTO,
) -> None:
    """Segment the sample CT, damage an organ on purpose, and mend it by clicks."""
    with_what = collaborators_of(context)
    _make(out)
    volume = read_volume(resource(SAMPLE)).volume
    truth = read_segmentation(resource(TRUTH), like=volume).segments
    engine = with_what.open_engine(weights=model, device=device.value)
    with_what.say(f"A synthetic CT, segmented by the model {engine.specification.name} on {engine.backend}.")
    asked = {true.class_id: true for true in truth if true.class_id in engine.specification.classes}
    opened = engine.open(volume)
    with cancel_on_interrupt() as cancel, window_progress(with_what.err, "Segmenting") as on_progress:
        ids = [class_id for class_id in asked if class_id is not None]
        edits = opened.segment(ids, None, on_progress, cancel)
        found = [segment_of_class(class_id, edit.onto(None)) for class_id, edit in edits]
    if not any(segment.mask.mask.any() for segment in found):
        raise ModelError(f"The model {engine.specification.name} found nothing in the sample.", "Try another --model.")
    show_dice(with_what, volume, found, {segment.class_id: segment for segment in truth})

    before = organ_to_show(found)
    true = asked[before.class_id].mask.full(volume.shape_kji)
    damaged = replace(before, mask=cut_in_half(before.mask))
    with_what.say(f"\nHalf of the {before.name} is cut away: Dice {_dice(true, damaged.mask, volume):.3f}")
    with cancel_on_interrupt() as cancel:
        steps = list(mended(opened, before, damaged.mask, true, cancel))
    for step in steps:
        last = step.clicks[-1]
        with_what.say(
            f"click {len(step.clicks)} ({'+' if last.positive else '-'}) at "
            f"{' '.join(f'{mm:.0f}' for mm in last.ras)} mm: Dice {_dice(true, step.mask, volume):.3f}"
        )
    corrected = replace(before, mask=steps[-1].mask) if steps else damaged

    result = Output(out / "organs.seg.nrrd")
    write_result(result, volume, [corrected if segment is before else segment for segment in found])
    write_picture(out / "before.png", volume, found)
    write_picture(out / "damaged.png", volume, [damaged])
    write_picture(out / "corrected.png", volume, [corrected], steps[-1].clicks if steps else ())
    _say_what_next(with_what, out, result)


def show_dice(
    with_what: Collaborators, volume: Volume, found: Sequence[Segment], truth: dict[int | None, Segment]
) -> None:
    """Each organ's overlap with the truth, and the mean."""
    scores = [_dice(truth[seg.class_id].mask.full(volume.shape_kji), seg.mask, volume) for seg in found]
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


def mended(opened: Opened, organ: Segment, damaged: MaskCrop, true: BoolArray, cancel: Cancel) -> Iterator[Mended]:
    """The organ after each click of the simulated user; every request holds all clicks so far and the damaged mask."""
    structure = Structure(organ.name, organ.class_id)
    clicks: tuple[Click, ...] = ()
    mask = damaged
    while len(clicks) < CLICKS:
        click = next_click(true, mask.full(true.shape), opened.volume)
        if click is None:
            return
        clicks = (*clicks, click)
        mask = opened.refine(structure, clicks, damaged, None, cancel).onto(damaged)
        yield Mended(clicks, mask)


def _dice(true: BoolArray, mask: MaskCrop, volume: Volume) -> float:
    return dice(true, mask.full(volume.shape_kji))


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResourceError(
            f"The folder {folder} cannot be made ({error.strerror}).", "Choose another --out."
        ) from error


def _say_what_next(with_what: Collaborators, out: Path, result: Output) -> None:
    with_what.say(f"\nPictures: {out / 'before.png'}, {out / 'damaged.png'}, {out / 'corrected.png'}")
    with_what.say(f"Segmentation, to be opened in 3D Slicer: {result.path}")
    with_what.say("\nNext, with a CT of your own:")
    with_what.say("  vista3dsegment segment CT.nii.gz -o organs.seg.nrrd")
    with_what.say(
        '  vista3dsegment refine CT.nii.gz --base organs.seg.nrrd --segment liver --positive "R A S" -o new.seg.nrrd'
    )
