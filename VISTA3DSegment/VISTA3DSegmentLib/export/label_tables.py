"""Label maps with the tables that say what their values are: for Slicer, which reads codes too, and for ITK-SNAP.

A table has the name of its label map but for the suffix, so it speaks for every image of that name in the folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..engine import Cancel, OnProgress
from ..engines.reporting import Reporter
from ..errors import FileFormatError
from ..files.label_maps import label_values
from ..files.label_tables import table_text
from ..files.reading import stem_of
from ..files.segmentations import write_segmentation
from ..files.segments import Segmentation
from ..files.volumes import DETACHED, READERS, suffix_of
from .byte_files import write_bytes
from .file_names import file_names
from .folders import all_or_none, left_in

CODED, SNAP = SUFFIXES = (".csv", ".label")
"""Of Slicer's colour table with codes, and of ITK-SNAP's label descriptions."""
IMAGES, LAYERED = {*READERS, *DETACHED}, ".seg.nrrd"
ELSEWHERE = "Choose another name, or another folder."

SNAP_HEADER = """################################################
# ITK-SnAP Label Description File
# File format:
# IDX   -R-  -G-  -B-  -A--  VIS MSH  LABEL
################################################
    0     0    0    0        0  0  0    "Clear Label"
"""
"""ITK-SNAP knows its files by the first lines, and label 0 by its name."""


def write_label_map(path: Path | str, segmentation: Segmentation) -> None:
    """Write a label map, and beside it NAME.csv (a colour table of Slicer) and NAME.label (ITK-SNAP's descriptions).

    All three appear, or none. ``read_segmentation`` gives names, colours, classes and codes back. Tables that are there
    are replaced: see ``check_tables``.

    Args:
        path: .nii.gz, .nii, .nrrd or .mha.
        segmentation: segments that do not overlap; empty ones stay in the table.

    Raises:
        FileFormatError: another suffix, or two segments overlap: ``write_separate_label_maps`` takes those.
            ResourceError: the disk is full, or the folder cannot be written to.
    """
    path = Path(path)
    _check_suffix(path.name)
    with all_or_none(path.parent) as folder:
        write_segmentation(folder / path.name, segmentation)
        for suffix, content in _tables(segmentation).items():
            write_bytes(folder / f"{stem_of(path)}{suffix}", [content])


def check_tables(images: Sequence[Path], segmentation: Segmentation | None = None) -> None:
    """Refuse label maps whose tables would say of another image what it is not, or replace what is not theirs.

    Nothing is lost where a table is there with the same content already, nor where a label map is written again and no
    other image has its name.

    Args:
        images: label maps of one segmentation that are to be written, of one name but for the suffix.
        segmentation: what they are to hold; None: it is not known yet, and neither is what its tables will say.

    Raises:
        FileFormatError: which table, and whose it is.
    """
    _check_tables(images, None if segmentation is None else _tables(segmentation))


def write_separate_label_maps(
    folder: Path | str,
    segmentation: Segmentation,
    suffix: str = ".nii.gz",
    *,
    progress: OnProgress | None = None,
    cancel: Cancel | None = None,
) -> tuple[str, ...]:
    """Write a label map with a colour table for each segment, called after it; so segments may overlap.

    Args:
        folder: made if it is not there.
        segmentation: segments that may overlap.
        suffix: .nii.gz, .nii, .nrrd or .mha.
        progress: told after each segment.
        cancel: asked before each; True leaves everything as it was.

    Returns:
        Sentences: what else the folder holds.

    Raises:
        FileFormatError: another suffix. ResourceError: the disk is full, or the folder cannot be written to. Cancelled.
    """
    _check_suffix(f"a{suffix}")
    reporter = Reporter(len(segmentation.segments), progress, cancel)
    with all_or_none(Path(folder)) as staging:
        for name, one in _separate(segmentation):
            reporter.check()
            write_segmentation(staging / f"{name}{suffix}", one)
            write_bytes(staging / f"{name}{CODED}", [table_text(one).encode()])
            reporter.done()
        return left_in(Path(folder), staging)


def check_separate_tables(folder: Path, segmentation: Segmentation, suffix: str = ".nii.gz") -> None:
    """Refuse label maps of ``write_separate_label_maps`` as ``check_tables`` does.

    Raises:
        FileFormatError: which table, and whose it is.
    """
    for name, one in _separate(segmentation):
        _check_tables([folder / f"{name}{suffix}"], {CODED: table_text(one).encode()})


def _separate(segmentation: Segmentation) -> Iterator[tuple[str, Segmentation]]:
    """Each segment alone, and the name of its file."""
    names = file_names(segment.name for segment in segmentation.segments)
    for segment, name in zip(segmentation.segments, names, strict=True):
        yield name, replace(segmentation, segments=(segment,))


def _check_tables(images: Sequence[Path], tables: Mapping[str, bytes] | None) -> None:
    first = images[0]
    others = [one for one in _images_called(first) if one.name not in {image.name for image in images}]
    is_again = any(image.exists() for image in images)
    contents = dict.fromkeys(SUFFIXES) if tables is None else tables
    same = {suffix: _holds(_table_of(first, suffix), content) for suffix, content in contents.items()}
    if others and not same[CODED]:
        coded = _table_of(first, CODED).name
        raise FileFormatError(
            f"{first.name} comes with the table {coded}, by which {others[0]} would be read, too.", ELSEWHERE
        )
    for suffix in contents:
        table = _table_of(first, suffix)
        if table.exists() and not same[suffix] and (others or not is_again):
            raise FileFormatError(f"{table} is there already, of something else, and would be replaced.", ELSEWHERE)


def _table_of(image: Path, suffix: str) -> Path:
    return image.with_name(stem_of(image) + suffix)


def _images_called(image: Path) -> list[Path]:
    """The images in a folder that have the name of one, but for the suffix; .seg.nrrd needs no table."""
    stem = stem_of(image).casefold()
    beside = sorted(image.parent.iterdir()) if image.parent.is_dir() else []
    images = (path for path in beside if suffix_of(path) in IMAGES and not path.name.lower().endswith(LAYERED))
    return [path for path in images if stem_of(path).casefold() == stem]


def _holds(table: Path, content: bytes | None) -> bool:
    return content is not None and table.is_file() and table.read_bytes() == content


def _check_suffix(name: str) -> None:
    if suffix_of(Path(name)) not in READERS or name.lower().endswith(LAYERED):
        raise FileFormatError(f"A label map cannot be called {name}.", "Use .nii.gz, .nii, .nrrd or .mha.")


def _tables(segmentation: Segmentation) -> dict[str, bytes]:
    """What the tables of a label map hold, by suffix."""
    return {CODED: table_text(segmentation).encode(), SNAP: b"".join(_label_descriptions(segmentation))}


def _label_descriptions(segmentation: Segmentation) -> Iterator[bytes]:
    yield SNAP_HEADER.encode()
    for value, segment in zip(label_values(segmentation), segmentation.segments, strict=True):
        red, green, blue = segment.color
        name = " ".join(segment.name.replace('"', "'").split())
        yield f'{value:5} {red:5} {green:4} {blue:4}        1  1  1    "{name}"\n'.encode()
