"""``segment``: a scan in, organs out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from .. import __version__
from ..anatomy import class_of
from ..durations import duration
from ..edits import Edit
from ..evaluation.metrics import volume_ml, voxels
from ..files.segmentations import Segment
from ..volume import Volume
from .collaborators import Collaborators, ModelEngine, backend_of, collaborators_of, weights_of
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
    parse_box,
)
from .output import (
    check_overlaps,
    check_place,
    checked_output,
    made_by,
    segment_of_class,
    write_json,
    write_picture,
    write_result,
)
from .progress import shown_progress
from .scan import identity_of, read_scan, tell
from .wanted import answerable, wanted_classes

ClassesOption = Annotated[
    str | None,
    typer.Option("--classes", metavar="NAMES", help="Names or ids separated by commas, as liver,spleen,kidney."),
]
PresetOption = Annotated[
    str | None, typer.Option("--preset", metavar="NAME", help="A set of structures; see: vista3dsegment classes.")
]
ReportOption = Annotated[
    Path | None, typer.Option("--report", metavar="OUT.json", help="Write volumes and how they were computed as JSON.")
]


def segment(
    context: typer.Context,
    ct: CtArgument,
    out: OutOption,
    classes: ClassesOption = None,
    preset: PresetOption = None,
    model: ModelOption = "starter",
    device: DeviceOption = "auto",
    precision: PrecisionOption = PrecisionWord.AUTO,
    region: RegionOption = None,
    series: SeriesOption = None,
    report: ReportOption = None,
    no_picture: NoPictureOption = False,
    quiet: QuietOption = False,
) -> None:
    """Segment the organs of a CT; without --classes or --preset, every organ that the model knows."""
    with_what = collaborators_of(context)
    began = time.perf_counter()
    output = checked_output(out, inputs=[ct])
    if report is not None:
        check_place(report, inputs=[ct])
    wanted = wanted_classes(classes, preset)
    box = parse_box(region) if region else None
    scan = read_scan(with_what, ct, series)
    identity = {} if report is None else identity_of(ct, scan)
    engine = with_what.open_engine(weights=model, device=device, precision=precision.word)
    asked, left_out = answerable(wanted, engine.specification)
    check_overlaps(output, asked)
    with (
        cancel_on_interrupt() as cancel,
        shown_progress(with_what.err, "Segmenting", quiet) as on_progress,
    ):
        edits = dict(engine.open(scan.volume).segment(asked, box, on_progress, cancel))
    found = [i for i in asked if i in edits and edits[i].mask.any()]
    segments = tuple(made_by(segment_of_class(i, edits[i].onto(None)), engine) for i in found)
    notices = (*left_out, *dict.fromkeys(notice for edit in edits.values() for notice in edit.notices))
    write_result(output, scan.volume, segments)
    written = [output.path]
    if not no_picture:
        write_picture(output.picture, scan.volume, segments)
        written.append(output.picture)
    seconds = time.perf_counter() - began
    if report is not None:
        said = (*scan.notices, *notices)
        document = report_of(engine, scan.volume, identity, asked, edits, segments, said, seconds)
        write_json(report, document)
        written.append(report)
    if not quiet:
        tell(with_what, notices)
        show_volumes(with_what, scan.volume, segments)
        say_what_is_missing(with_what, asked, segments)
        with_what.say(f"Wrote {', '.join(map(str, written))} in {duration(seconds)}.")


def show_volumes(with_what: Collaborators, volume: Volume, segments: Sequence[Segment]) -> None:
    """A table of what was found."""
    table = Table("structure", "ml", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for found in segments:
        table.add_row(found.name, f"{volume_ml(found.mask, volume):.1f}")
    if segments:
        with_what.out.print(table)


def say_what_is_missing(with_what: Collaborators, asked: Sequence[int], segments: Sequence[Segment]) -> None:
    """Name the classes that were asked for and are not in the scan."""
    found = {segment.class_id for segment in segments}
    missing = [class_of(class_id).name for class_id in asked if class_id not in found]
    if missing:
        with_what.say(f"Not found in this scan: {', '.join(missing)}.")


def report_of(
    engine: ModelEngine,
    volume: Volume,
    identity: Mapping[str, str],
    asked: Sequence[int],
    edits: Mapping[int, Edit],
    segments: Sequence[Segment],
    notices: Sequence[str],
    seconds: float,
) -> dict[str, Any]:
    """What was computed, and how; nothing that tells whose scan it is, not even the name of its file."""
    found = {segment.class_id: segment for segment in segments}
    model = engine.specification
    return {
        "software": {"name": "vista3dsegment", "version": __version__},
        "model": {"name": model.name, "version": model.version, "sha256": weights_of(engine), "licence": model.licence},
        "device": backend_of(engine),
        "scan": {**identity, "shape_kji": list(volume.shape_kji), "spacing_ijk_mm": list(volume.spacing_mm)},
        "classes": list(asked),
        "structures": [
            {
                "class_id": class_id,
                "name": class_of(class_id).name,
                "voxels": voxels(found[class_id].mask) if class_id in found else 0,
                "volume_ml": volume_ml(found[class_id].mask, volume) if class_id in found else 0.0,
                "empty_reason": edits[class_id].empty_reason if class_id in edits else "",
            }
            for class_id in asked
        ],
        "seconds": seconds,
        "notices": list(notices),
    }
