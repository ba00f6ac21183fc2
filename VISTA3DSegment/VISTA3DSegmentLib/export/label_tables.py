"""Label maps with the tables that say what their values are: for Slicer, which reads codes too, and for ITK-SNAP."""

from __future__ import annotations

from collections.abc import Iterator
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
from ..files.volumes import READERS, suffix_of
from .byte_files import write_bytes
from .file_names import file_names
from .folders import all_or_none

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

    All three appear, or none. ``read_segmentation`` gives names, colours, classes and codes back.

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
        _write_with_table(folder / path.name, segmentation)
        write_bytes(folder / f"{stem_of(path)}.label", _label_descriptions(segmentation))


def write_separate_label_maps(
    folder: Path | str,
    segmentation: Segmentation,
    suffix: str = ".nii.gz",
    *,
    progress: OnProgress | None = None,
    cancel: Cancel | None = None,
) -> None:
    """Write a label map with a colour table for each segment, called after it; so segments may overlap.

    Args:
        folder: made if it is not there.
        segmentation: segments that may overlap.
        suffix: .nii.gz, .nii, .nrrd or .mha.
        progress: told after each segment.
        cancel: asked before each; True leaves everything as it was.

    Raises:
        FileFormatError: another suffix. ResourceError: the disk is full, or the folder cannot be written to. Cancelled.
    """
    _check_suffix(f"a{suffix}")
    reporter = Reporter(len(segmentation.segments), progress, cancel)
    names = file_names(segment.name for segment in segmentation.segments)
    with all_or_none(Path(folder)) as staging:
        for segment, name in zip(segmentation.segments, names, strict=True):
            reporter.check()
            _write_with_table(staging / f"{name}{suffix}", replace(segmentation, segments=(segment,)))
            reporter.done()


def _check_suffix(name: str) -> None:
    if suffix_of(Path(name)) not in READERS or name.lower().endswith(".seg.nrrd"):
        raise FileFormatError(f"A label map cannot be called {name}.", "Use .nii.gz, .nii, .nrrd or .mha.")


def _write_with_table(path: Path, segmentation: Segmentation) -> None:
    write_segmentation(path, segmentation)
    write_bytes(path.with_name(f"{stem_of(path)}.csv"), [table_text(segmentation).encode()])


def _label_descriptions(segmentation: Segmentation) -> Iterator[bytes]:
    yield SNAP_HEADER.encode()
    for value, segment in zip(label_values(segmentation), segmentation.segments, strict=True):
        red, green, blue = segment.color
        name = " ".join(segment.name.replace('"', "'").split())
        yield f'{value:5} {red:5} {green:4} {blue:4}        1  1  1    "{name}"\n'.encode()
