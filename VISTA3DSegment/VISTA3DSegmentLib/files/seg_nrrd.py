"""Slicer's segmentation files (.seg.nrrd): an NRRD label map whose header says what each segment is.

Segments that overlap lie in different layers; within a layer each has its own label value. Source: Slicer's
vtkMRMLSegmentationStorageNode. Slicer up to 4.10 wrote one layer for each segment and neither layer nor label value:
these files are read as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from ..edits import NOTHING, MaskCrop
from ..errors import FileFormatError
from .label_maps import LabelArray, as_labels, crops_of, label_color, label_type
from .nrrd import NrrdHeader, geometry_of, read_header, sizes_of, voxels_of, write_nrrd
from .segments import Rgb, Segment, Segmentation

TERMINOLOGY_TAG = "TerminologyEntry"
CLASS_TAG = "VISTA3DSegment.ClassId"
"""Our tag: the id of the model's class. Slicer keeps tags that it does not know."""

MAX_LAYERS = 1000
CORRECT = "Open and save it again in Slicer."


def holds_segments(header: NrrdHeader) -> bool:
    """Whether an NRRD header describes segments."""
    return any(re.fullmatch(r"Segment\d+_ID", key) for key in header.values)


def read_seg_nrrd(path: Path) -> Segmentation:
    """Read a segmentation written by Slicer, or by ``write_seg_nrrd``.

    Raises:
        FileFormatError: damaged, truncated, hostile, or its segments do not fit its layers.
    """
    header = read_header(path)
    layers = layers_of(header)
    ijk_to_ras, notices = geometry_of(header)
    crops: dict[int, dict[int, MaskCrop]] = {}
    segments = []
    for order, number in enumerate(_numbers(header.values)):
        values = _values_of(number, header.values)
        layer = _integer(values, "Layer", order if len(layers) > 1 else 0, path)
        if not 0 <= layer < len(layers):
            raise FileFormatError(
                f"The file {path.name} has {len(layers)} layers, but a segment in layer {layer}.", CORRECT
            )
        if layer not in crops:
            crops[layer] = crops_of(layers[layer], path.name)
        label = _integer(values, "LabelValue", 1, path)
        segments.append(_segment(values, crops[layer].get(label, NOTHING), order))
    k, j, i = layers[0].shape
    return Segmentation((k, j, i), ijk_to_ras, tuple(segments), notices)


def layers_of(header: NrrdHeader) -> list[LabelArray]:
    """The label maps of a file, axes (k, j, i), in the order of layers.

    Raises:
        FileFormatError: neither a 3-D image nor a 4-D one whose first axis is a list.
    """
    name, sizes = header.path.name, sizes_of(header)
    if len(sizes) == 3:
        return [as_labels(voxels_of(header), name)]
    axes = header.fields.get("spacedirections", "").split()
    if len(sizes) != 4 or not axes or axes[0] != "none" or sizes[0] > MAX_LAYERS:
        raise FileFormatError(f"The layers of {name} are not its first of four axes.", CORRECT)
    voxels: npt.NDArray[Any] = voxels_of(header)
    return [as_labels(np.ascontiguousarray(voxels[..., layer]), name) for layer in range(sizes[0])]


def _numbers(values: Mapping[str, str]) -> list[int]:
    return sorted(int(match[1]) for key in values if (match := re.fullmatch(r"Segment(\d{1,6})_ID", key)))


def _values_of(number: int, values: Mapping[str, str]) -> dict[str, str]:
    prefix = f"Segment{number}_"
    return {key[len(prefix) :]: value for key, value in values.items() if key.startswith(prefix)}


def _integer(values: Mapping[str, str], key: str, default: int, path: Path) -> int:
    text = values.get(key, str(default)).strip()
    if not re.fullmatch(r"-?\d{1,9}", text):
        raise FileFormatError(f"A segment of {path.name} has the {key} {text}, which is no whole number.", CORRECT)
    return int(text)


def _segment(values: Mapping[str, str], mask: MaskCrop, order: int) -> Segment:
    pairs = (part.partition(":") for part in values.get("Tags", "").split("|") if part.strip())
    tags = {key.strip(): text for key, _, text in pairs}
    class_id = tags.pop(CLASS_TAG, "")
    return Segment(
        name=values.get("Name", "").strip() or values["ID"].strip() or f"Segment {order + 1}",
        mask=mask,
        color=_color(values.get("Color", ""), order),
        class_id=int(class_id) if re.fullmatch(r"\d{1,9}", class_id) else None,
        terminology=tags.pop(TERMINOLOGY_TAG, ""),
        tags=tags,
    )


def _color(text: str, order: int) -> Rgb:
    """Slicer's three fractions as 0 to 255; a colour by order where there is none."""
    words = re.findall(r"\d*\.?\d+(?:[eE][-+]?\d+)?", text)
    if len(words) != 3:
        return label_color(order + 1)
    red, green, blue = (round(min(1.0, float(word)) * 255) for word in words)
    return red, green, blue


def write_seg_nrrd(
    file: BinaryIO,
    segmentation: Segmentation,
    layers: list[LabelArray],
    places: list[tuple[int, int]],
    after_plane: Callable[[], None],
) -> None:
    """Write a segmentation as Slicer does.

    Args:
        file: where to.
        segmentation: what to write.
        layers: of ``in_layers``.
        places: layer and label value of each segment, of ``in_layers``.
        after_plane: see ``nrrd.write_nrrd``.
    """
    write_nrrd(file, layers, segmentation.ijk_to_ras, _header_values(segmentation, places), after_plane)


def in_layers(segmentation: Segmentation) -> tuple[list[LabelArray], list[tuple[int, int]]]:
    """Segments put into as few layers as their overlaps allow: each into the first in which it overlaps none.

    Returns:
        The layers, axes (k, j, i), at least one, and for each segment its layer and label value.
    """
    dtype = label_type(len(segmentation.segments))
    layers: list[LabelArray] = [np.zeros(segmentation.shape_kji, dtype)]
    used = [0]
    places = []
    for segment in segmentation.segments:
        box, mask = segment.mask.slices, segment.mask.mask
        number = next((n for n, layer in enumerate(layers) if not (layer[box][mask] > 0).any()), len(layers))
        if number == len(layers):
            layers.append(np.zeros(segmentation.shape_kji, dtype))
            used.append(0)
        used[number] += 1
        layers[number][box][mask] = used[number]
        places.append((number, used[number]))
    return layers, places


def _header_values(segmentation: Segmentation, places: list[tuple[int, int]]) -> dict[str, str]:
    values: dict[str, str] = {}
    for number, (segment, (layer, label)) in enumerate(zip(segmentation.segments, places, strict=True)):
        tags = {**segment.tags}
        if segment.class_id is not None:
            tags[CLASS_TAG] = str(segment.class_id)
        if segment.terminology:
            tags[TERMINOLOGY_TAG] = segment.terminology
        own = {
            "Color": " ".join(f"{part / 255:.6g}" for part in segment.color),
            "ColorAutoGenerated": "0",
            "Extent": _extent(segment.mask),
            "ID": f"Segment_{number + 1}",
            "LabelValue": str(label),
            "Layer": str(layer),
            "Name": segment.name,
            "NameAutoGenerated": "0",
            "Tags": "".join(f"{key}:{text}|" for key, text in tags.items()),
        }
        values |= {f"Segment{number}_{key}": text for key, text in own.items()}
    return values | {
        "Segmentation_ContainedRepresentationNames": "Binary labelmap|",
        "Segmentation_MasterRepresentation": "Binary labelmap",
        "Segmentation_ReferenceImageExtentOffset": "0 0 0",
    }


def _extent(crop: MaskCrop) -> str:
    """First and last index along i, j, k of the voxels in use; Slicer writes 0 -1 where there are none."""
    if not crop.mask.any():
        return "0 -1 0 -1 0 -1"
    tight = MaskCrop.of(crop.mask)
    starts = [outer + inner for outer, inner in zip(crop.start, tight.start, strict=True)]
    ends = [start + length - 1 for start, length in zip(starts, tight.mask.shape, strict=True)]
    return " ".join(f"{start} {end}" for start, end in zip(reversed(starts), reversed(ends), strict=True))
