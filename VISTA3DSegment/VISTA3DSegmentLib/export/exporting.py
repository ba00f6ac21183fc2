"""One export: everything that a person asked for, in a folder or a zip, after a look at what could go wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ..engine import Cancel, OnProgress, Progress
from ..engines.reporting import Reporter
from ..engines.reporting import check as stop_if_asked
from ..errors import FileFormatError
from ..files.segmentations import Segmentation, write_segmentation
from ..volume import Volume
from .archive import files_in, write_archive
from .ct_series import write_ct_series
from .dicom_seg import write_dicom_seg
from .formats import ENDINGS, STEM, Form
from .label_tables import check_separate_tables, check_tables, write_label_map, write_separate_label_maps
from .preflight import Consequence, Finding, preflight
from .report import make_report, write_csv, write_html, write_json
from .rtstruct import write_rtstruct
from .source import DicomSource, matched
from .structured_report import write_structured_report
from .surfaces import SurfaceForm, write_surfaces

STEPS = 1000
"""Into so many parts an export is divided for progress."""
WRITTEN = 0.9
"""Of the progress of an archive so much is over when the files are written; the rest is the zip."""
SURFACES = {Form.STL: SurfaceForm.STL, Form.OBJ: SurfaceForm.OBJ, Form.PLY: SurfaceForm.PLY}


@dataclass(frozen=True, eq=False)
class Wish:
    """What a person wants exported.

    Args:
        segmentation: the segments.
        forms: kinds of files.
        stem: with which the names of all files begin.
        source: the DICOM series of the scan; None: there is none.
        volume: the scan, for the grey values of reports; None: it is not known.
        prior: an earlier segmentation, for the report.
        agreed: the person has read what was found and wants it nevertheless.
        each: a file for each segment where several are possible: label maps may overlap then.
        new_series: where there is no series, the scan is written as one, of nobody, to which DICOM objects refer.
    """

    segmentation: Segmentation
    forms: tuple[Form, ...]
    stem: str = STEM
    source: DicomSource | None = None
    volume: Volume | None = None
    prior: Segmentation | None = None
    agreed: bool = False
    each: bool = False
    new_series: bool = False

    @property
    def makes_series(self) -> bool:
        """Whether a series is made before: DICOM objects are wanted, which have none to refer to."""
        return self.new_series and self.source is None and any(form.is_dicom for form in self.forms)


@dataclass(frozen=True)
class Exported:
    """What was written.

    Args:
        paths: files and folders, in the order of the wish.
        notices: what the person should know of them.
    """

    paths: tuple[Path, ...]
    notices: tuple[str, ...]


def export(wish: Wish, folder: Path, progress: OnProgress | None = None, cancel: Cancel | None = None) -> Exported:
    """Write all files into a folder; each appears whole or not at all, and was read back before.

    Raises:
        FileFormatError: the pre-flight refuses it, or asks and nobody agreed, or a table would speak for another image.
            VolumeError, ResourceError, Cancelled.
    """
    findings = check(wish)
    _check_tables(wish, folder)
    paths: list[Path] = []
    if wish.makes_series:
        wish = _with_series(wish, folder / f"{wish.stem}_series", cancel)
        paths.append(folder / f"{wish.stem}_series")
        findings = check(wish)
    forms = dict.fromkeys(wish.forms)
    if Form.DICOM_SR in forms:  # it measures segments of a segmentation that must be there
        forms = dict.fromkeys((Form.DICOM_SEG, *forms))
    ready = replace(wish, segmentation=_drawn(wish))
    notices = [finding.what for finding in findings]
    for number, form in enumerate(forms):
        stop_if_asked(cancel)
        own = _part(progress, number / len(forms), (number + 1) / len(forms))
        written, said = _write(ready, form, folder, own, cancel)
        paths += written
        notices += said
    about = () if wish.source is None else wish.source.notices
    return Exported(tuple(paths), tuple(dict.fromkeys((*about, *notices))))


def export_archive(
    wish: Wish, path: Path, progress: OnProgress | None = None, cancel: Cancel | None = None, *, packs_one: bool = True
) -> Exported:
    """Write all files into one zip; see ``export``.

    Args:
        wish: likewise.
        path: the zip.
        progress: likewise.
        cancel: likewise.
        packs_one: also if there is only one file; else that one is put where the zip would be, under its own name.
    """
    with TemporaryDirectory(dir=path.absolute().parent, prefix=".export-") as folder:
        exported = export(wish, Path(folder), _part(progress, 0, WRITTEN), cancel)
        members = files_in(Path(folder))
        stop_if_asked(cancel)
        if len(members) == 1 and not packs_one:
            ((name, only),) = members.items()
            path = path.with_name(name if "/" not in name else f"{wish.stem}{only.suffix}")
            only.replace(path)
        else:
            write_archive(path, members, progress=_part(progress, WRITTEN, 1), cancel=cancel)
    return replace(exported, paths=(path,))


def found(wish: Wish) -> tuple[Finding, ...]:
    """What the pre-flight says of a wish."""
    forms = [form for form in wish.forms if not (wish.each and form in (Form.NIFTI, Form.NRRD))]
    made_of = wish.volume if wish.makes_series else None
    return preflight(wish.segmentation, forms, wish.source, made_of, wish.prior, wish.volume)


def check(wish: Wish) -> tuple[Finding, ...]:
    """Refuse, before anything is written, what the pre-flight refuses, or asks about while nobody has agreed.

    Returns:
        What else the pre-flight says.

    Raises:
        FileFormatError: why, and what to do.
    """
    if Form.REPORT in wish.forms and wish.volume is None:
        raise FileFormatError(
            "A report measures the grey values of the scan, which is not known.",
            "Give the scan (at the command line: --scan, or --source).",
        )
    if wish.makes_series and wish.volume is None:
        raise FileFormatError(
            "A new DICOM series is made of the scan, which is not known.",
            "Give the scan (at the command line: --scan).",
        )
    findings = found(wish)
    for finding in findings:
        if finding.consequence is Consequence.REFUSED:
            raise FileFormatError(finding.what, finding.remedy)
        if finding.consequence is Consequence.ASKED and not wish.agreed:
            raise FileFormatError(
                finding.what, f"{finding.remedy} Or agree to it (at the command line: --agree).".strip()
            )
    return findings


def _drawn(wish: Wish) -> Segmentation:
    return replace(wish.segmentation, segments=wish.segmentation.drawn)


def _check_tables(wish: Wish, folder: Path) -> None:
    """Refuse, before anything is written, label maps whose tables would speak for other images.

    Raises:
        FileFormatError: which table, and whose it is.
    """
    endings = {form: ENDINGS[form] for form in wish.forms if form in (Form.NIFTI, Form.NRRD)}
    if wish.each:
        for form, ending in endings.items():
            check_separate_tables(folder / f"{wish.stem}_{form.value}", _drawn(wish), ending)
    elif endings:
        check_tables([folder / f"{wish.stem}{ending}" for ending in endings.values()], _drawn(wish))


def _with_series(wish: Wish, folder: Path, cancel: Cancel | None) -> Wish:
    assert wish.volume is not None  # ``check`` refuses it otherwise
    name = f"ANON-{wish.volume.sample_key[:8].upper()}"
    return replace(wish, source=write_ct_series(folder, wish.volume, name, cancel=cancel))


def _part(progress: OnProgress | None, begin: float, end: float) -> OnProgress | None:
    """Progress of a part of an export, which begins and ends at these shares of it."""
    if progress is None:
        return None
    tell: Callable[[Progress], None] = progress

    def told(now: Progress) -> None:
        share = begin + (end - begin) * now.done / max(now.total, 1)
        tell(Progress(round(STEPS * share), STEPS, now.seconds_left if end == 1 else None))

    return told


def _write(
    wish: Wish, form: Form, folder: Path, progress: OnProgress | None, cancel: Cancel | None
) -> tuple[Sequence[Path], Sequence[str]]:
    segmentation = wish.segmentation
    if form is Form.REPORT:
        return _write_report(wish, folder, progress, cancel)
    if form in SURFACES:
        path = folder / f"{wish.stem}_{form.value}"
        return [path], write_surfaces(path, segmentation, SURFACES[form], progress=progress, cancel=cancel)
    path = folder / f"{wish.stem}{ENDINGS[form]}"
    if form is Form.SEG_NRRD:
        write_segmentation(path, segmentation, _teller(segmentation.shape_kji[0], progress, cancel))
    elif form in (Form.NIFTI, Form.NRRD) and wish.each:
        path = folder / f"{wish.stem}_{form.value}"
        said = write_separate_label_maps(path, segmentation, ENDINGS[form], progress=progress, cancel=cancel)
        return [path], said
    elif form in (Form.NIFTI, Form.NRRD):
        write_label_map(path, segmentation)
    else:
        return [path], _write_dicom(wish, form, path, progress, cancel)
    return [path], ()


def _teller(planes: int, progress: OnProgress | None, cancel: Cancel | None) -> Callable[[], None]:
    """What is called after each of so many planes."""
    reporter = Reporter(planes, progress, cancel)

    def after_plane() -> None:
        reporter.done()
        reporter.check()

    return after_plane


def _write_dicom(
    wish: Wish, form: Form, path: Path, progress: OnProgress | None, cancel: Cancel | None
) -> tuple[str, ...]:
    assert wish.source is not None  # the pre-flight refuses it otherwise
    placed = matched(wish.segmentation, wish.source, resample=wish.agreed)
    if form is Form.RTSTRUCT:
        return write_rtstruct(path, placed, wish.source, progress=progress, cancel=cancel)
    if form is Form.DICOM_SR:
        beside = path.with_name(f"{wish.stem}{ENDINGS[Form.DICOM_SEG]}")
        return write_structured_report(path, placed, wish.source, beside, wish.volume, progress=progress, cancel=cancel)
    is_map = form is Form.DICOM_LABELMAP
    return write_dicom_seg(path, placed, wish.source, labelmap=is_map, progress=progress, cancel=cancel)


def _write_report(
    wish: Wish, folder: Path, progress: OnProgress | None, cancel: Cancel | None
) -> tuple[Sequence[Path], Sequence[str]]:
    assert wish.volume is not None  # ``check`` refuses it otherwise
    report = make_report(wish.volume, wish.segmentation, wish.prior, progress=progress, cancel=cancel)
    paths = []
    for suffix, write in ((".html", write_html), (".csv", write_csv), (".json", write_json)):
        path = folder / f"{wish.stem}_report{suffix}"
        write(path, report)
        paths.append(path)
    return paths, report.notices
