"""Label maps: one integer a voxel, 0 for none. From one to segments and back."""

from __future__ import annotations

import colorsys
import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..anatomy import all_classes
from ..edits import MaskCrop
from ..errors import FileFormatError
from ..volume import FloatArray
from .segments import Rgb, Segment, Segmentation

LabelArray = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

MAX_LABEL = 65535
MAX_LABELS = 1000
"""More different values than in any label map of the body: the file is a scan."""

GOLDEN_RATIO = 0.6180339887

UNNAMED = "Label {}"
"""What a segment is called of which only its value is known."""
BY_VALUE = re.compile(UNNAMED.format(r"\d+"))


def label_values(segmentation: Segmentation) -> tuple[int, ...]:
    """The value of each segment in a label map: its class id; without one, the value that it was read with if no class
    here has it; else, and where an earlier segment has it, one that no class has."""
    classes = {segment.class_id for segment in segmentation.segments}
    ids = [
        segment.label_value if segment.class_id is None and segment.label_value not in classes else segment.class_id
        for segment in segmentation.segments
    ]
    free = (value for value in itertools.count(len(all_classes()) + 1) if value not in ids)
    values: list[int] = []
    for number in ids:
        value = number or 0
        values.append(value if 0 < value <= MAX_LABEL and value not in values else next(free))
    return tuple(values)


def told_values(segmentation: Segmentation, file_name: str) -> str:
    """A sentence on the values in a label map that are not the class of their segment; "" if all are."""
    values = zip(segmentation.segments, label_values(segmentation), strict=True)
    told = [f"{segment.name} has the value {value}" for segment, value in values if segment.class_id != value]
    return f"In {file_name}, {', '.join(told)}." if told else ""


def label_map_of(segmentation: Segmentation, values: Sequence[int], file_name: str) -> LabelArray:
    """All segments in one array, axes (k, j, i), uint8 or if needed uint16.

    Args:
        segmentation: segments that do not overlap.
        values: of each segment, 1 to 65535.
        file_name: for messages.

    Raises:
        FileFormatError: two segments overlap.
    """
    labels = np.zeros(segmentation.shape_kji, label_type(max(values, default=0)))
    names = {value: segment.name for segment, value in zip(segmentation.segments, values, strict=True)}
    for segment, value in zip(segmentation.segments, values, strict=True):
        inside = labels[segment.mask.slices]
        painted = int(inside[segment.mask.mask].max(initial=0))
        if painted:
            raise FileFormatError(
                f"The segments {names[painted]} and {segment.name} overlap, "
                f"which a label map such as {file_name} cannot hold.",
                "Write a .seg.nrrd file instead.",
            )
        inside[segment.mask.mask] = value
    return labels


def label_type(largest: int) -> Any:
    """The smallest of uint8 and uint16 that holds a value."""
    return np.uint8 if largest <= 255 else np.uint16


def segments_of(array: npt.NDArray[Any], file_name: str) -> tuple[Segment, ...]:
    """One segment for each value above 0 of a label map.

    A label map does not say which table its values come from, so the segments are ``UNNAMED`` and carry the value as
    class id; who knows the table renames them.

    Args:
        array: axes (k, j, i); whole numbers, also as floating point.
        file_name: for messages.

    Raises:
        FileFormatError: negative or fractional values, or so many that it is a scan.
    """
    labels = as_labels(array, file_name)
    return tuple(
        Segment(UNNAMED.format(value), crop, label_color(value), value)
        for value, crop in crops_of(labels, file_name).items()
    )


def is_unnamed(segment: Segment) -> bool:
    """Whether only the value of a segment is known."""
    return segment.name == UNNAMED.format(segment.class_id)


def is_called_by_value(name: str) -> bool:
    """Whether a name says no more than a value of a label map, whatever table that is of."""
    return BY_VALUE.fullmatch(name) is not None


def of_no_class(segmentation: Segmentation) -> Segmentation:
    """Unnamed segments as such of no class: their values, which they keep, may come from any table."""
    segments = tuple(
        replace(one, class_id=None, label_value=one.class_id) if is_unnamed(one) else one
        for one in segmentation.segments
    )
    return replace(segmentation, segments=segments)


def as_labels(array: npt.NDArray[Any], file_name: str) -> LabelArray:
    """An array of whole numbers from 0 to 65535 as uint8 or uint16.

    Raises:
        FileFormatError: it holds others.
    """
    low, high = array.min(), array.max()
    whole = array.dtype.kind in "iub" or all(bool((plane == np.floor(plane)).all()) for plane in array)
    if not whole or low < 0 or high > MAX_LABEL:
        raise FileFormatError(
            f"The file {file_name} is no label map: it holds values from {low:g} to {high:g}.",
            "Give the segmentation, not the scan.",
        )
    return np.asarray(array).astype(label_type(int(high)), copy=False)


def crops_of(labels: LabelArray, file_name: str) -> dict[int, MaskCrop]:
    """The mask of each value above 0, by value.

    The boxes are found in one pass: a pass for each of a hundred values takes seconds.

    Raises:
        FileFormatError: there are so many values that it is a scan.
    """
    present = [np.zeros((int(labels.max()) + 1, length), np.bool_) for length in labels.shape]
    for k, plane in enumerate(labels):
        j, i = np.nonzero(plane)
        values = plane[j, i]
        present[0][values, k] = True
        present[1][values, j] = True
        present[2][values, i] = True
    found = np.flatnonzero(present[0].any(axis=1))
    if len(found) > MAX_LABELS:
        raise FileFormatError(
            f"The file {file_name} is no label map: it holds {len(found)} different values.",
            "Give the segmentation, not the scan.",
        )
    return {int(value): _crop(labels, int(value), present) for value in found}


def _crop(labels: LabelArray, value: int, present: list[npt.NDArray[np.bool_]]) -> MaskCrop:
    used = [np.flatnonzero(table[value]) for table in present]
    box = tuple(slice(int(indices[0]), int(indices[-1]) + 1) for indices in used)
    return MaskCrop((box[0].start, box[1].start, box[2].start), labels[box] == value)


def label_color(value: int) -> Rgb:
    """A colour for a label without one; neighbouring values get far hues (steps of the golden ratio)."""
    red, green, blue = colorsys.hsv_to_rgb(value * GOLDEN_RATIO % 1.0, 0.65, 0.9)
    return round(red * 255), round(green * 255), round(blue * 255)


def segmentation_of(
    array: npt.NDArray[Any], ijk_to_ras: FloatArray, notices: tuple[str, ...], file_name: str
) -> Segmentation:
    """A label map, axes (k, j, i), as segmentation on its own grid.

    Raises:
        FileFormatError: it is no label map.
    """
    k, j, i = array.shape
    return Segmentation((k, j, i), ijk_to_ras, segments_of(array, file_name), notices)
