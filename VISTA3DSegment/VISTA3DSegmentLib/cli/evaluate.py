"""``evaluate``: how good a model is on a scan with a reference, automatically and click by click."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ..edits import Edit, MaskCrop
from ..engine import Cancel, OnProgress, Opened, Progress
from ..errors import FileFormatError, PromptError
from ..evaluation.clicks import TOLERANCE_MM, ClickCurve, Score, click_session
from ..evaluation.curve_picture import curve_picture
from ..evaluation.metrics import dice, nsd, volume_ml
from ..evaluation.table import click_table, write_csv
from ..files.segmentations import identifiers_for, read_segmentation
from ..models.specification import ModelSpecification
from ..prompts import Prompts, Structure
from ..volume import Volume
from .collaborators import collaborators_of
from .interrupt import cancel_on_interrupt
from .options import (
    CtArgument,
    DeviceOption,
    ModelOption,
    NoPictureOption,
    PrecisionOption,
    PrecisionWord,
    QuietOption,
    SeriesOption,
    parse_counts,
)
from .output import check_place, segment_of_class, write_picture
from .progress import shown_progress
from .reference import Truth, chosen, read_mapping, truths_of
from .scan import read_scan, tell
from .wanted import answerable


class Mode(str, Enum):
    """What is evaluated."""

    CLICKS = "clicks"
    AUTOMATIC = "automatic"
    CORRECT = "correct"


ReferenceArgument = Annotated[
    Path, typer.Argument(metavar="REFERENCE", help="The truth: .seg.nrrd, .nii.gz, .nrrd or .mha.")
]
TableOption = Annotated[Path, typer.Option("--out", "-o", metavar="TABLE.csv", help="Where the table goes.")]
ClicksOption = Annotated[str, typer.Option("--clicks", metavar="NUMBERS", help="After how many clicks to measure.")]
MappingOption = Annotated[
    Path | None,
    typer.Option("--mapping", metavar="CSV", help="Which class each value of a label map is; else VISTA3D's own ids."),
]
TaskOption = Annotated[
    str | None, typer.Option("--task", metavar="NAME", help="Which rows of a mapping with a column 'task'.")
]
StructuresOption = Annotated[
    str | None, typer.Option("--structures", metavar="NAMES", help="Only these of the reference, separated by commas.")
]
MinVoxelsOption = Annotated[int, typer.Option("--min-voxels", min=1, help="Leave out smaller structures.")]
ModeOption = Annotated[
    Mode,
    typer.Option(
        "--mode",
        help="clicks: by clicks alone, as new structures; automatic: without a click; correct: the automatic result, "
        "corrected by clicks.",
    ),
]


def evaluate(
    context: typer.Context,
    ct: CtArgument,
    reference: ReferenceArgument,
    out: TableOption = Path("evaluation.csv"),
    clicks: ClicksOption = "1,3,5,10",
    mapping: MappingOption = None,
    task: TaskOption = None,
    structures: StructuresOption = None,
    min_voxels: MinVoxelsOption = 1,
    mode: ModeOption = Mode.CLICKS,
    model: ModelOption = "starter",
    device: DeviceOption = "auto",
    precision: PrecisionOption = PrecisionWord.AUTO,
    series: SeriesOption = None,
    no_picture: NoPictureOption = False,
    quiet: QuietOption = False,
) -> None:
    """Measure a model against a reference, with a simulated user who clicks into the middle of the largest mistake."""
    with_what = collaborators_of(context)
    check_table(out, inputs=[ct, reference, mapping])
    counts = parse_counts(clicks)
    meanings, about_mapping = read_mapping(mapping, task) if mapping else (None, ())
    scan = read_scan(with_what, ct, series)
    true = read_segmentation(reference, scan.volume, identifiers_for(reference, scan.image))
    truths = chosen(truths_of(true.segments, meanings), structures, min_voxels)
    engine = with_what.open_engine(weights=model, device=device, precision=precision.word)
    opened = engine.open(scan.volume)
    left_out: tuple[str, ...] = ()
    if mode is not Mode.CLICKS:
        truths, left_out = answerable_truths(truths, engine.specification)

    found: Mapping[int, MaskCrop] = {}
    with cancel_on_interrupt() as cancel:
        if mode is not Mode.CLICKS:
            with shown_progress(with_what.err, "Segmenting", quiet) as on_progress:
                found = automatic_masks(opened, engine.specification, truths, on_progress, cancel)
        if mode is Mode.AUTOMATIC:
            counts = (0,)
            curves = tuple(scored(truth, found, scan.volume) for truth in truths)
        else:
            with shown_progress(with_what.err, "Clicking", quiet, unit="clicks") as on_progress:
                refiner = WatchedRefiner(opened, cancel, click_counter(len(truths) * max(counts), on_progress))
                curves = tuple(session(refiner, truth, mode, counts, found) for truth in truths)
    write_csv(curves, out, counts)
    picture = out.with_suffix(".png")
    if not no_picture and mode is Mode.AUTOMATIC:
        write_picture(picture, scan.volume, [segment_of_class(class_id, mask) for class_id, mask in found.items()])
    elif not no_picture:
        curve_picture(curves, picture)
    if not quiet:
        tell(with_what, (*about_mapping, *true.notices, *left_out))
        with_what.out.print(click_table(curves, counts))
        with_what.say(f"Wrote {out}{'' if no_picture else f', {picture}'}.")


def check_table(path: Path, inputs: Sequence[Path | None]) -> None:
    """Refuse, before minutes of work, a place where the table could not be written.

    Raises:
        FileFormatError: its name is not that of a table, or it is one of the inputs.
        ResourceError: its folder does not exist or is not writable.
    """
    if path.suffix.lower() != ".csv" or not path.stem:
        raise FileFormatError(f"The name {path.name} is not that of a table.", "End it in .csv.")
    check_place(path, inputs)


def answerable_truths(truths: Sequence[Truth], model: ModelSpecification) -> tuple[tuple[Truth, ...], tuple[str, ...]]:
    """Those that the model finds by itself, and a notice about the others.

    Raises:
        PromptError: it finds none of them.
    """
    known = tuple(truth for truth in truths if truth.class_id in model.classes)
    others = ", ".join(truth.name for truth in truths if truth.class_id not in model.classes)
    if not known:
        raise PromptError(
            f"The model {model.name} finds none of these by itself: {others}.",
            "Choose another model, say with --mapping which classes they are, or use --mode clicks.",
        )
    return known, (f"The model {model.name} does not find by itself: {others}; left out.",) if others else ()


def automatic_masks(
    opened: Opened, model: ModelSpecification, truths: Sequence[Truth], on_progress: OnProgress, cancel: Cancel
) -> dict[int, MaskCrop]:
    """What the model finds by itself, by class, when all that it knows compete: nobody tells it what is there."""
    asked = [truth.class_id for truth in truths if truth.class_id is not None]
    everything, _ = answerable(None, model)
    edits = opened.segment(list(dict.fromkeys((*everything, *asked))), None, on_progress, cancel)
    return {class_id: edit.onto(None) for class_id, edit in edits if class_id in asked}


def scored(truth: Truth, found: Mapping[int, MaskCrop], volume: Volume) -> ClickCurve:
    """The automatic result as a session without a click."""
    mask = found[truth.class_id or 0]
    surface = nsd(truth.mask, mask, volume.spacing_mm, TOLERANCE_MM)
    score = Score(0, dice(truth.mask, mask), surface, 0.0)
    return ClickCurve(truth.name, volume_ml(truth.mask, volume), (score,), (), TOLERANCE_MM)


def session(
    refiner: WatchedRefiner, truth: Truth, mode: Mode, counts: Sequence[int], found: Mapping[int, MaskCrop]
) -> ClickCurve:
    """A session of the simulated user with one structure."""
    if mode is Mode.CLICKS:
        return click_session(refiner, Structure(truth.name), truth.mask, counts)
    class_id = truth.class_id or 0
    return click_session(refiner, Structure(truth.name, class_id), truth.mask, counts, found[class_id])


@dataclass(frozen=True, eq=False)
class WatchedRefiner:
    """An opened engine as the simulated user clicks on it: every request can be cancelled, and is counted.

    Args:
        opened: the engine with the scan.
        cancel: asked before every window.
        on_click: called after every request.
    """

    opened: Opened
    cancel: Cancel
    on_click: Callable[[], None]

    @property
    def volume(self) -> Volume:
        """The scan."""
        return self.opened.volume

    def refine(self, structure: Structure, prompts: Prompts, base: MaskCrop | None = None) -> Edit:
        """The change that all prompts so far make to the base."""
        edit = self.opened.refine(structure, prompts, base, None, self.cancel)
        self.on_click()
        return edit


def click_counter(total: int, on_progress: OnProgress) -> Callable[[], None]:
    """Counts clicks and estimates what is left; fewer may be needed."""
    done, began = 0, time.perf_counter()

    def on_click() -> None:
        nonlocal done
        done += 1
        each = (time.perf_counter() - began) / done
        on_progress(Progress(done, total, each * (total - done)))

    return on_click
