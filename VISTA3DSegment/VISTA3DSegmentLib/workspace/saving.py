"""Saving: the segments as Slicer's .seg.nrrd or as a label map, or the whole scene. Never half a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any

from ..errors import FileFormatError, PromptError, ResourceError
from ..files.label_maps import told_values
from ..files.seg_nrrd import TERMINOLOGY_TAG
from ..files.segmentations import Segment, Segmentation, write_segmentation
from ..files.tracking import TRACKING_TAG
from ..provenance import TAG
from ..scene.annotator import SceneAnnotator
from ..scene.labelmaps import LABELMAP
from ..scene.nodes import quiet_host
from ..scene.segments import STATUS_TAG


class Format(Enum):
    """What can be saved; the value is the ending of the file."""

    SEGMENTS = ".seg.nrrd"
    LABEL_MAP = ".nii.gz"
    SCENE = ".mrb"


def begin(annotator: SceneAnnotator, path: Path, form: Format, tell: Callable[[str], None]) -> Callable[[], None]:
    """Save what was annotated: what needs the scene is done at once, the rest is returned and may run in any thread.

    Args:
        annotator: of what is open.
        path: the file.
        form: what is saved.
        tell: told, at once, which values in a label map no class explains: no table comes with it.

    Raises:
        FileFormatError: there is nothing to save, segments overlap in a label map, or what was written reads back
            differently. ResourceError: the disk is full or not writable. Both may come from what is returned, too.
    """
    annotator.keep()
    if form is Format.SCENE:
        _save_scene(annotator, path)
        return lambda: None
    segmentation = segmentation_of(annotator)
    drawn = segmentation.drawn
    if not drawn:
        raise FileFormatError("There is no segment to save yet.", "Press Segment, or begin a structure and click.")
    if form is Format.LABEL_MAP:
        segmentation = replace(segmentation, segments=drawn)
        if told := told_values(segmentation, path.name):
            tell(told)
    return lambda: write_segmentation(path, segmentation)


def segmentation_of(annotator: SceneAnnotator, shown_only: bool = False) -> Segmentation:
    """The segments of the scene as values; those that are hidden, too, or without them.

    Raises:
        PromptError: only those that are shown are wanted, and all are hidden.
    """
    volume = annotator.session.volume
    ids = annotator.segments.shown() if shown_only else annotator.segments.ids()
    if not ids and annotator.segments.ids():
        raise PromptError("All segments are hidden.", "Show those that you want.")
    segments = tuple(_segment_of(annotator, segment_id) for segment_id in ids)
    return Segmentation(volume.shape_kji, volume.ijk_to_ras, segments)


def _segment_of(annotator: SceneAnnotator, segment_id: str) -> Segment:
    segments, known = annotator.segments, annotator.session.annotation.objects.get(segment_id)
    names = {STATUS_TAG, TAG, TRACKING_TAG, *(known.tags if known is not None else ())} - {TERMINOLOGY_TAG}
    return segments.value(segment_id, sorted(names))


def _save_scene(annotator: SceneAnnotator, path: Path) -> None:
    with _layers_kept(annotator.segmentation_node.GetSegmentation()), quiet_host():
        written = annotator.scene.WriteToMRB(str(path), None)
    if not written:
        raise ResourceError("The scene could not be written.", "Check the free space of the disk.")


@contextmanager
def _layers_kept(segmentation: Any) -> Iterator[None]:
    """The host's writer puts segments together into shared layers; afterwards each has its own labelmap again."""
    segments = [segmentation.GetSegment(segment_id) for segment_id in segmentation.GetSegmentIDs()]
    held = [(segment, segment.GetRepresentation(LABELMAP), segment.GetLabelValue()) for segment in segments]
    try:
        yield
    finally:
        for segment, labelmap, label in held:
            segment.SetLabelValue(label)
            segment.AddRepresentation(LABELMAP, labelmap)
