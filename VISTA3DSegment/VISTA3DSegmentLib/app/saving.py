"""Saving: the segments as Slicer's .seg.nrrd or as a label map, or the whole scene. Never half a file."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from ..edits import MaskCrop
from ..errors import FileFormatError, ResourceError
from ..evaluation.metrics import voxels
from ..files.segmentations import Segment, Segmentation, read_segmentation, write_segmentation
from ..scene.annotator import SceneAnnotator
from ..volume import Volume

TRY_AGAIN = "Try again; if it stays so, save the scene instead."


class Format(Enum):
    """What can be saved; the value is the ending of the file."""

    SEGMENTS = ".seg.nrrd"
    LABEL_MAP = ".nii.gz"
    SCENE = ".mrb"


def begin(annotator: SceneAnnotator, path: Path, form: Format) -> Callable[[], None]:
    """Save what was annotated: what needs the scene is done at once, the rest is returned and may run in any thread.

    Raises:
        FileFormatError: there is nothing to save, segments overlap in a label map, or what was written reads back
            differently. ResourceError: the disk is full or not writable. Both may come from what is returned, too.
    """
    annotator.keep()
    if form is Format.SCENE:
        _save_scene(annotator.scene, path)
        return lambda: None
    segmentation = segmentation_of(annotator)
    if not segmentation.segments:
        raise FileFormatError("There is no segment to save yet.", "Press Segment, or begin a structure and click.")
    if form is Format.LABEL_MAP:
        return lambda: write_segmentation(path, segmentation)
    partial = path.with_name(f".{path.name}.partial{Format.SEGMENTS.value}")
    _write_segments(annotator, partial)
    return lambda: _check_segments(partial, annotator.session.volume, segmentation, path)


def segmentation_of(annotator: SceneAnnotator) -> Segmentation:
    """The segments of the scene as values; empty ones are left out."""
    segments, volume = annotator.segments, annotator.session.volume
    found = []
    for segment_id in segments.ids():
        mask = segments.read(segment_id)
        if mask.mask.any():
            red, green, blue = (round(255 * part) for part in segments.color(segment_id))
            class_id = segments.class_id(segment_id)
            found.append(Segment(segments.name(segment_id), mask, (red, green, blue), class_id))
    return Segmentation(volume.shape_kji, volume.ijk_to_ras, tuple(found))


def _write_segments(annotator: SceneAnnotator, path: Path) -> None:
    """By the host's own writer, which keeps tags that Python cannot list."""
    storage = annotator.scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    try:
        storage.SetFileName(str(path))
        if not storage.WriteData(annotator.segmentation_node):
            path.unlink(missing_ok=True)
            raise ResourceError("The segments could not be written.", "Check the free space of the disk.")
    finally:
        annotator.scene.RemoveNode(storage)


def _check_segments(written: Path, volume: Volume, expected: Segmentation, path: Path) -> None:
    """Read back by our own reader and compare, before the file gets its name."""
    try:
        read = read_segmentation(written, like=volume).segments
        for segment in expected.segments:
            if not any(found.name == segment.name and _same(found.mask, segment.mask) for found in read):
                raise FileFormatError(f"What was written of {segment.name} did not read back the same.", TRY_AGAIN)
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)


def _same(a: MaskCrop, b: MaskCrop) -> bool:
    return voxels(a) == voxels(b) and np.array_equal(a.inside(b.start, b.shape), b.mask)


def _save_scene(scene: Any, path: Path) -> None:
    if not scene.WriteToMRB(str(path), None):
        raise ResourceError("The scene could not be written.", "Check the free space of the disk.")
