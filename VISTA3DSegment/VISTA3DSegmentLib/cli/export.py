"""``export``: a segmentation as files that other systems accept."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..anatomy import all_classes
from ..durations import duration
from ..errors import FileFormatError, ResourceError
from ..export.formats import ENDINGS, Form
from ..files.dicom_objects import is_object
from ..files.label_maps import is_unnamed, of_no_class
from ..files.placing import placed_on
from ..files.reading import ReadVolume
from ..files.segmentations import Segment, Segmentation, read_on_own_grid
from ..files.volumes import read_volume
from .collaborators import collaborators_of
from .interrupt import cancel_on_interrupt
from .options import QuietOption, SeriesOption
from .output import check_place, segment_of_class
from .progress import shown_progress
from .scan import tell

if TYPE_CHECKING:
    from ..export.source import DicomSource
    from ..files.scan_identity import ScanIdentifiers

SegArgument = Annotated[
    Path,
    typer.Argument(
        metavar="SEG", help="The segmentation: .seg.nrrd, label map, DICOM Segmentation or RT structure set."
    ),
]
ToOption = Annotated[
    list[Form], typer.Option("--to", metavar="KIND", help=f"{', '.join(form.value for form in Form)}; repeatable.")
]
SourceOption = Annotated[
    Path | None,
    typer.Option("--source", metavar="FOLDER", help="The DICOM series of the scan, to which DICOM objects refer."),
]
ScanOption = Annotated[
    Path | None, typer.Option("--scan", metavar="CT", help="The scan, for a report; else the one of --source.")
]
PriorOption = Annotated[
    Path | None, typer.Option("--prior", metavar="SEG", help="An earlier segmentation, with which a report compares.")
]
IntoOption = Annotated[
    Path, typer.Option("--out", "-o", metavar="FOLDER_OR_ZIP", help="A folder, or a .zip that holds all files.")
]
NameOption = Annotated[str, typer.Option("--name", metavar="STEM", help="How the files' names begin; else as SEG's.")]
EachOption = Annotated[
    bool, typer.Option("--one-file-each", help="A label map for each segment, so that they may overlap.")
]
ClassesOption = Annotated[
    bool, typer.Option("--values-are-classes", help="Values of a label map that no table explains are VISTA3D's ids.")
]
NewSeriesOption = Annotated[
    bool, typer.Option("--new-series", help="Write --scan, where it is no DICOM, as a new, anonymous series.")
]
AgreeOption = Annotated[
    bool, typer.Option("--agree", help="Export although something was found that would else be asked about.")
]


def export(
    context: typer.Context,
    seg: SegArgument,
    to: ToOption,
    source: SourceOption = None,
    series: SeriesOption = None,
    scan: ScanOption = None,
    prior: PriorOption = None,
    out: IntoOption = Path(),
    name: NameOption = "",
    one_file_each: EachOption = False,
    values_are_classes: ClassesOption = False,
    new_series: NewSeriesOption = False,
    agree: AgreeOption = False,
    quiet: QuietOption = False,
) -> None:
    """Export a segmentation: DICOM, label maps, surfaces, a report. Every file is read back and compared."""
    from ..export import exporting  # here: other commands do not wait for the packages that write DICOM
    from ..export.source import read_source

    with_what = collaborators_of(context)
    began = time.perf_counter()
    stem = name or stem_of(seg)
    check_place(out, [seg, scan, prior]) if is_archive(out) else _check_folder(out, stem, to, [seg, scan, prior])
    dicom = None if source is None else read_source(source, series)
    read = _scan_of(scan, source, series)
    about_scan = (*(dicom.notices if dicom else ()), *(read.notices if read else ()))
    tell(with_what, about_scan)
    volume = None if read is None else read.volume
    segmentation = _named(_read(seg, read, dicom), values_are_classes)
    wish = exporting.Wish(
        segmentation,
        tuple(to),
        stem,
        dicom,
        volume,
        None if prior is None else _named(_prior(prior, to, read, dicom), values_are_classes),
        agree,
        one_file_each,
        new_series,
    )
    write = exporting.export_archive if is_archive(out) else exporting.export
    place = nullcontext() if is_archive(out) else _folder_made(out)
    shown = shown_progress(with_what.err, "Exporting", quiet, "")
    with place, cancel_on_interrupt() as cancel, shown as on_progress:
        exported = write(wish, out, on_progress, cancel)
    if not quiet:
        tell(with_what, (said for said in (*segmentation.notices, *exported.notices) if said not in about_scan))
        with_what.say(f"Wrote {', '.join(map(str, exported.paths))} in {duration(time.perf_counter() - began)}.")


def is_archive(path: Path) -> bool:
    """Whether everything goes into one zip."""
    return path.suffix.lower() == ".zip"


def stem_of(path: Path) -> str:
    """The name of a segmentation without what tells its kind."""
    name = path.name
    for ending in (".seg.nrrd", ".nii.gz"):
        if name.lower().endswith(ending):
            return name[: -len(ending)] or "segmentation"
    return path.stem or "segmentation"


def _check_folder(folder: Path, stem: str, forms: Sequence[Form], inputs: Sequence[Path | None]) -> None:
    if not folder.exists():
        check_place(folder, inputs)
        return
    if not folder.is_dir():
        raise ResourceError(f"{folder} is a file.", "Give the name of a folder, or one that ends in .zip.")
    for form in forms:
        check_place(folder / f"{stem}{ENDINGS.get(form, '_')}", inputs)


@contextmanager
def _folder_made(folder: Path) -> Iterator[None]:
    """The folder of an export is there; one that was made for it does not stay empty."""
    is_new = not folder.exists()
    folder.mkdir(exist_ok=True)
    try:
        yield
    finally:
        if is_new and not any(folder.iterdir()):
            folder.rmdir()


def _read(path: Path, scan: ReadVolume | None, source: DicomSource | None) -> Segmentation:
    """A segmentation on its own grid, so that the pre-flight sees whether it must be resampled or cut.

    A DICOM object stores no more planes than it needs: where nothing is lost by it, it is put onto the scan's grid.
    """
    if scan is None:
        return read_on_own_grid(path, None)
    if not is_object(path):
        return read_on_own_grid(path, scan.volume)
    found = read_on_own_grid(path, scan.volume, _identifiers(scan, source))
    placed = placed_on(found, scan.volume)
    return placed if placed.notices == found.notices else found


def _identifiers(scan: ReadVolume, source: DicomSource | None) -> ScanIdentifiers | None:
    """By which DICOM objects of another scan are known; None: nothing is known of the scan."""
    from ..files.scan_identity import identifiers_in

    if source is not None:
        return source.identifiers
    return None if scan.image is None else identifiers_in(scan.image)


def _scan_of(scan: Path | None, source: Path | None, series: str | None) -> ReadVolume | None:
    if scan is not None:
        return read_volume(scan, series if source is None else None)
    if source is not None:
        return read_volume(source, series)
    if series is not None:
        raise FileFormatError("--series is given without the folder that it is of.", "Give it with --source.")
    return None


def _prior(path: Path, forms: Sequence[Form], scan: ReadVolume | None, source: DicomSource | None) -> Segmentation:
    from ..export.prior import read_prior

    if Form.REPORT not in forms:
        raise FileFormatError(
            "An earlier segmentation is compared in a report, which is not wanted.", "Add --to report."
        )
    if scan is None:
        raise FileFormatError("Two segmentations are compared on their scan, which is not known.", "Give --scan.")
    return read_prior(path, scan.volume, _identifiers(scan, source))


def _by_value(segment: Segment) -> Segment:
    """A segment as its value says, if nothing else says what it is; a name that it has stays."""
    value = segment.class_id if is_unnamed(segment) else segment.label_value
    if value is None:
        return segment
    class_id = value if value in {row.id for row in all_classes()} else None
    if class_id is None or not is_unnamed(segment):
        return replace(segment, class_id=class_id)
    return segment_of_class(class_id, segment.mask)


def _named(segmentation: Segmentation, values_are_classes: bool) -> Segmentation:
    """Segments of a label map whose values no table explains are of no class, unless the person says so."""
    if values_are_classes:
        return replace(segmentation, segments=tuple(map(_by_value, segmentation.segments)))
    if not any(map(is_unnamed, segmentation.segments)):
        return segmentation
    notice = (
        "The label map has no table beside it that says what its values mean; with --values-are-classes they are "
        "taken for VISTA3D's ids."
    )
    return replace(of_no_class(segmentation), notices=(*segmentation.notices, notice))
