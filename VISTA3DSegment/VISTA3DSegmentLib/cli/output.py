"""What a command leaves behind: the segmentation, a picture beside it, a report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from ..anatomy import Kind, class_of, terminology_entry
from ..edits import MaskCrop
from ..engine import Engine
from ..errors import FileFormatError, PromptError, ResourceError
from ..export.label_tables import check_tables, write_label_map
from ..files.atomic import write_atomically
from ..files.label_maps import told_values
from ..files.label_tables import table_beside
from ..files.segmentations import Segment, Segmentation, write_segmentation
from ..pictures import picture
from ..prompts import Click, Prompts, Ras
from ..provenance import TAG, UNKNOWN, current_time, provenance_of
from ..service.routing import used
from ..volume import Volume

LAYERED = ".seg.nrrd"
LABEL_MAPS = (".nii.gz", ".nrrd", ".mha")
SUFFIXES = (LAYERED, *LABEL_MAPS)

FALLBACK_COLORS = ((255, 170, 30), (60, 200, 240), (240, 90, 160), (160, 220, 60), (150, 110, 250), (250, 240, 90))
"""For new structures: apart from one another and from the flesh tones of the table."""


@dataclass(frozen=True)
class Output:
    """Where a segmentation goes.

    Args:
        path: the file; its name decides the format.
    """

    path: Path

    @property
    def stem(self) -> Path:
        """The path without what names the format."""
        return self.path.with_name(self.path.name[: -len(suffix_of(self.path))])

    @property
    def picture(self) -> Path:
        """Where the picture goes: beside it, under the same name."""
        return self.stem.with_name(self.stem.name + ".png")

    @property
    def holds_overlaps(self) -> bool:
        """Whether a voxel may belong to several structures."""
        return suffix_of(self.path) == LAYERED


def suffix_of(path: Path) -> str:
    """The suffix that names the format, in lower case; all of the name if it names none."""
    name = path.name.lower()
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), name)


def checked_output(path: Path, inputs: Sequence[Path | None]) -> Output:
    """Refuse, before minutes of work, a place where the result could not be written.

    Args:
        path: where the person wants it.
        inputs: what the command reads: never overwritten.

    Raises:
        FileFormatError: the name ends in no known format, it is one of the inputs, or a label map's tables would speak
            for another image.
        ResourceError: the folder does not exist or is not writable.
    """
    if not path.name[: -len(suffix_of(path))]:
        raise FileFormatError(f"The name {path.name} says no known format.", f"End it in one of {', '.join(SUFFIXES)}.")
    check_place(path, inputs)
    output = Output(path)
    if not output.holds_overlaps:
        check_tables([path])
    return output


def check_place(path: Path, inputs: Sequence[Path | None]) -> None:
    """Refuse a file that would overwrite an input or its table, or whose folder cannot hold it.

    Raises:
        FileFormatError: it is one of the inputs, or the table beside one.
        ResourceError: there is no such folder, it is not writable, the file is a folder, or its name is too long.
    """
    folder = path.absolute().parent
    images = [given for given in inputs if given is not None and given.exists()]
    given = [*images, *filter(None, map(table_beside, images))]
    if _is_there(path) and any(map(path.samefile, given)):
        raise FileFormatError(
            f"{path} is also an input and would be overwritten.", "Choose another name for the output."
        )
    if path.is_dir():
        raise ResourceError(f"{path} is a folder.", "Give the name of a file.")
    if folder.exists() and not folder.is_dir():
        raise ResourceError(f"{folder} is a file and no folder.", "Choose another place.")
    if not folder.is_dir():
        raise ResourceError(f"There is no folder {folder}.", "Make it first, or choose another place.")
    try:
        TemporaryFile(dir=folder).close()  # what may be written, nothing but writing tells: /sys says yes, and refuses
    except OSError as error:
        raise ResourceError(
            f"The folder {folder} cannot be written ({error.strerror}).", "Choose another place."
        ) from error


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise ResourceError(f"{path} cannot be written ({error.strerror}).", "Choose another name or place.") from error
    return True


def check_overlaps(output: Output, classes: Sequence[int]) -> None:
    """Refuse, before minutes of work, structures inside others in a file that holds one structure per voxel.

    Raises:
        PromptError: a second-pass class is asked for beside others, in a label map.
    """
    inside = [class_of(class_id).name for class_id in classes if class_of(class_id).kind is Kind.SECOND_PASS]
    if inside and len(classes) > 1 and not output.holds_overlaps:
        raise PromptError(
            f"{', '.join(inside)} can lie inside others, but {output.path.name} holds one structure per voxel.",
            f"Use .seg.nrrd: -o {output.stem.name}{LAYERED}; or segment it alone.",
        )


def made_by(segment: Segment, engine: Engine, prompts: Prompts = ()) -> Segment:
    """A segment that says how it came about: as it did before, then by an engine that answered prompts."""
    known = provenance_of(segment.tags) or UNKNOWN
    made = known.answered(used(engine), current_time()).counting(prompts)
    return replace(segment, tags={**segment.tags, TAG: made.to_tag()})


def segment_of_class(class_id: int, mask: MaskCrop) -> Segment:
    """A class of the table as a segment: its name, colour and terminology."""
    row = class_of(class_id)
    # A few classes have no code of their own; Slicer shows such a segment under its name.
    terminology = terminology_entry(row) if row.type is not None else ""
    return Segment(row.name, mask.tightened(), row.color, class_id, terminology, tags={})


def segment_of_clicks(name: str, mask: MaskCrop, beside: Sequence[Segment]) -> Segment:
    """A new structure as a segment, in a colour that no other has."""
    used = {segment.color for segment in beside}
    color = next((color for color in FALLBACK_COLORS if color not in used), FALLBACK_COLORS[0])
    return Segment(name, mask.tightened(), color, class_id=None, terminology="", tags={})


def write_result(output: Output, volume: Volume, segments: Sequence[Segment]) -> tuple[str, ...]:
    """Write a segmentation on the grid of its scan, a label map with its tables; it appears whole or not at all.

    Returns:
        What the person should know about the file.
    """
    segmentation = Segmentation(volume.shape_kji, volume.ijk_to_ras, tuple(segments))
    if output.holds_overlaps:
        write_segmentation(output.path, segmentation)
        return ()
    write_label_map(output.path, segmentation)
    told = told_values(segmentation, output.path.name)
    return (told,) if told else ()


def write_picture(
    path: Path, volume: Volume, segments: Sequence[Segment], clicks: Sequence[Click] = (), through: Ras | None = None
) -> None:
    """Three slices of the scan with the outlines of the segments; through a point, or where most is seen."""
    named = [(segment.name, segment.color, segment.mask) for segment in segments]
    picture(volume, named, path, clicks=tuple(clicks), through=through)


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a report; it appears whole or not at all.

    Raises:
        ResourceError: the disk is full or not writable.
    """
    content = (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
    write_atomically(path, lambda file: _write(file, content), lambda _: None)


def _write(file: BinaryIO, content: bytes) -> None:
    file.write(content)
