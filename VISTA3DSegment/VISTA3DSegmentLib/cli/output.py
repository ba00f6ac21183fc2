"""What a command leaves behind: the segmentation, a picture beside it, a report."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..anatomy import Kind, class_of, terminology_entry
from ..edits import MaskCrop
from ..errors import FileFormatError, PromptError, ResourceError
from ..files.segmentations import Segment, Segmentation, write_segmentation
from ..pictures import picture
from ..prompts import Click
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
        suffix = next(suffix for suffix in SUFFIXES if self.path.name.lower().endswith(suffix))
        return self.path.with_name(self.path.name[: -len(suffix)])

    @property
    def picture(self) -> Path:
        """Where the picture goes: beside it, under the same name."""
        return self.stem.with_name(self.stem.name + ".png")

    @property
    def holds_overlaps(self) -> bool:
        """Whether a voxel may belong to several structures."""
        return self.path.name.lower().endswith(LAYERED)


def checked_output(path: Path, inputs: Sequence[Path | None]) -> Output:
    """Refuse, before minutes of work, a place where the result could not be written.

    Args:
        path: where the person wants it.
        inputs: what the command reads: never overwritten.

    Raises:
        FileFormatError: the name ends in no known format, or is one of the inputs.
        ResourceError: the folder does not exist or is not writable.
    """
    name = path.name.lower()
    if not any(name.endswith(suffix) and name != suffix for suffix in SUFFIXES):
        raise FileFormatError(f"The name {path.name} says no known format.", f"End it in one of {', '.join(SUFFIXES)}.")
    if any(given is not None and path.exists() and given.exists() and path.samefile(given) for given in inputs):
        raise FileFormatError(
            f"{path} is also an input and would be overwritten.", "Choose another name for the output."
        )
    check_folder(path)
    return Output(path)


def check_folder(path: Path) -> None:
    """Refuse a file whose folder cannot hold it.

    Raises:
        ResourceError: there is no such folder, it is not writable, or the file is a folder.
    """
    folder = path.absolute().parent
    if path.is_dir():
        raise ResourceError(f"{path} is a folder.", "Give the name of a file.")
    if not folder.is_dir():
        raise ResourceError(f"There is no folder {folder}.", "Make it first, or choose another place.")
    if not os.access(folder, os.W_OK):
        raise ResourceError(f"The folder {folder} cannot be written.", "Choose another place.")


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


def segment_of_class(class_id: int, mask: MaskCrop) -> Segment:
    """A class of the table as a segment: its name, colour and terminology."""
    row = class_of(class_id)
    # A few classes have no code of their own; Slicer shows such a segment under its name.
    terminology = terminology_entry(row) if row.type is not None else ""
    return Segment(row.name, trimmed(mask), row.color, class_id, terminology, tags={})


def segment_of_clicks(name: str, mask: MaskCrop, beside: Sequence[Segment]) -> Segment:
    """A new structure as a segment, in a colour that no other has."""
    used = {segment.color for segment in beside}
    color = next((color for color in FALLBACK_COLORS if color not in used), FALLBACK_COLORS[0])
    return Segment(name, trimmed(mask), color, class_id=None, terminology="", tags={})


def trimmed(mask: MaskCrop) -> MaskCrop:
    """The same mask in the smallest box: an engine answers in boxes of windows."""
    inner = MaskCrop.of(mask.mask)
    k, j, i = (outer + within for outer, within in zip(mask.start, inner.start, strict=True))
    return MaskCrop((k, j, i), inner.mask)


def voxels_of(segment: Segment) -> int:
    """How many voxels a segment has."""
    return int(segment.mask.mask.sum())


def write_result(output: Output, volume: Volume, segments: Sequence[Segment]) -> None:
    """Write a segmentation on the grid of its scan; it appears whole or not at all."""
    write_segmentation(output.path, Segmentation(volume.shape_kji, volume.ijk_to_ras, tuple(segments)))


def write_picture(path: Path, volume: Volume, segments: Sequence[Segment], clicks: Sequence[Click] = ()) -> None:
    """Three slices of the scan with the outlines of the segments."""
    picture(volume, [(segment.name, segment.color, segment.mask) for segment in segments], path, clicks=tuple(clicks))


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a report; it appears whole or not at all.

    Raises:
        ResourceError: the disk is full or not writable.
    """
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=".report-", dir=path.absolute().parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=1, ensure_ascii=False)
            file.write("\n")
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        raise ResourceError(
            f"The report {path} could not be written ({error.strerror}).", "Free some space."
        ) from error
    finally:
        Path(temporary).unlink(missing_ok=True) if temporary else None
