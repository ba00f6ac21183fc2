"""Writing segments: one layer each, only the box that changed, and nothing of any other segment.

Source of the fast path: the host's own events, measured (a write of the voxels in place with the events that views and
undo listen to, but not the one that throws away every surface).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import slicer
import vtk

from ..edits import NOTHING, BoolArray, Index3, MaskCrop, joint_box
from ..errors import VolumeError
from ..files.seg_nrrd import CLASS_TAG, TERMINOLOGY_TAG
from ..files.segments import Segment
from ..session.annotation import NO_TAGS, Status
from .labelmaps import LABELMAP, SURFACE, Lattice, box_of_difference, has_voxels, voxels_of

STATUS = {
    Status.DRAFT: slicer.vtkSlicerSegmentationsModuleLogic.InProgress,
    Status.FLAGGED: slicer.vtkSlicerSegmentationsModuleLogic.Flagged,
    Status.DONE: slicer.vtkSlicerSegmentationsModuleLogic.Completed,
}
STATUS_TAG = slicer.vtkSlicerSegmentationsModuleLogic.GetStatusTagName()
ROOM_VOXELS = 12
"""A labelmap is made this much larger than its segment, so that the next clicks find room in it."""


@dataclass
class _Written:
    """What a segment held when it was last looked at; ``version`` is another one when its voxels are."""

    segment: Any
    mask: MaskCrop
    stamp: int
    version: int


class Segments:
    """The segments of one segmentation node, written and read on the lattice of the volume.

    Args:
        node: vtkMRMLSegmentationNode with binary labelmaps as source.
        lattice: of the volume.

    Raises:
        VolumeError: the segmentation is made of something else.
    """

    def __init__(self, node: Any, lattice: Lattice) -> None:
        self.node, self.lattice = node, lattice
        self._segmentation = node.GetSegmentation()
        check_source(node)
        self._known: dict[str, _Written] = {}
        self._versions = itertools.count(1)
        self._deleted: dict[str, Any] = {}

    def ids(self) -> tuple[str, ...]:
        """Of all segments, in their order."""
        return tuple(self._segmentation.GetSegmentIDs())

    def shown(self) -> tuple[str, ...]:
        """Of those that are not hidden, in their order."""
        display = self.node.GetDisplayNode()
        return tuple(n for n in self.ids() if display is None or display.GetSegmentVisibility(n))

    def __contains__(self, segment_id: object) -> bool:
        return isinstance(segment_id, str) and self._segmentation.GetSegmentIndex(segment_id) >= 0

    def name(self, segment_id: str) -> str:
        """What the segment is called."""
        return str(self._segmentation.GetSegment(segment_id).GetName())

    def color(self, segment_id: str) -> tuple[float, float, float]:
        """Red, green, blue, each 0..1."""
        red, green, blue = self._segmentation.GetSegment(segment_id).GetColor()
        return red, green, blue

    def class_id(self, segment_id: str) -> int | None:
        """The id of the model's class that the segment was made for."""
        text = self.tag(segment_id, CLASS_TAG)
        return int(text) if text.isdigit() else None

    def tag(self, segment_id: str, name: str) -> str:
        """What the host has noted of a segment under a name; "" if nothing. It does not tell the names."""
        text = vtk.reference("")
        known = self._segmentation.GetSegment(segment_id).GetTag(name, text)
        return str(text) if known else ""

    def note(self, segment_id: str, name: str, text: str) -> None:
        """Have the host note something of a segment under a name, if it is not what it has noted."""
        if self.tag(segment_id, name) != text:
            self._segmentation.GetSegment(segment_id).SetTag(name, text)

    def value(self, segment_id: str, tags: Iterable[str] = ()) -> Segment:
        """A segment as a value, with what the host has noted of it under these names."""
        red, green, blue = (round(255 * part) for part in self.color(segment_id))
        return Segment(
            self.name(segment_id),
            self.read(segment_id),
            (red, green, blue),
            self.class_id(segment_id),
            self.tag(segment_id, TERMINOLOGY_TAG),
            {name: text for name in tags if (text := self.tag(segment_id, name))},
        )

    def status(self, segment_id: str) -> Status:
        """How far the person is with a segment, as the host's list shows it."""
        told = slicer.vtkSlicerSegmentationsModuleLogic.GetSegmentStatus(self._segmentation.GetSegment(segment_id))
        return next((status for status, known in STATUS.items() if known == told), Status.DRAFT)

    def create(
        self,
        segment_id: str,
        name: str,
        color: tuple[float, float, float],
        class_id: int | None = None,
        tags: Mapping[str, str] = NO_TAGS,
        status: Status = Status.DRAFT,
    ) -> None:
        """Add an empty segment on a layer of its own; one that was deleted gets back all that was known of it."""
        segment = self._deleted.pop(segment_id, None)
        if segment is None:
            segment = slicer.vtkSegment()
            segment.SetName(name)
            segment.SetColor(*color)
            segment.SetNameAutoGenerated(False)
            segment.SetColorAutoGenerated(False)
            if class_id is not None:
                segment.SetTag(CLASS_TAG, str(class_id))
            for tag, text in tags.items():
                segment.SetTag(tag, text)
        # Whatever is told after it was added, every view of the host hears of.
        slicer.vtkSlicerSegmentationsModuleLogic.SetSegmentStatus(segment, STATUS[status])
        image = self.lattice.labelmap(np.zeros((1, 1, 1), np.uint8), (0, 0, 0))
        segment.AddRepresentation(LABELMAP, image)
        if self._segmentation.ContainsRepresentation(SURFACE):  # else the host makes one of nothing, and says it failed
            segment.AddRepresentation(SURFACE, vtk.vtkPolyData())
        self._segmentation.AddSegment(segment, segment_id)
        self._known[segment_id] = _Written(segment, NOTHING, _stamp(segment), next(self._versions))

    def remove(self, segment_id: str) -> None:
        """Delete a segment."""
        self._known.pop(segment_id, None)
        self._remember(segment_id, self._segmentation.GetSegment(segment_id))
        self._segmentation.RemoveSegment(segment_id)

    def describe(self, segment_id: str, name: str, color: tuple[float, float, float], status: Status) -> None:
        """Give a segment its name, colour and status, as far as they are different."""
        segment = self._segmentation.GetSegment(segment_id)
        if segment.GetName() != name:
            segment.SetName(name)
        if not np.allclose(segment.GetColor(), color, atol=1e-6):
            segment.SetColor(*color)
        logic = slicer.vtkSlicerSegmentationsModuleLogic
        if logic.GetSegmentStatus(segment) != STATUS[status]:
            logic.SetSegmentStatus(segment, STATUS[status])

    def on_lattice(self, segment_id: str) -> bool:
        """Whether a segment's voxels are those of the volume; if not, it is resampled where it is read and written."""
        image = self._segmentation.GetSegment(segment_id).GetRepresentation(LABELMAP)
        return not has_voxels(image) or self.lattice.start_of(image) is not None

    def read(self, segment_id: str) -> MaskCrop:
        """The voxels of a segment, on the volume's lattice."""
        segment = self._segmentation.GetSegment(segment_id)
        stamp, known = _stamp(segment), self._known.get(segment_id)
        if known is None or known.stamp != stamp:
            mask = self.lattice.mask(segment.GetRepresentation(LABELMAP), segment.GetLabelValue())
            if known is not None and box_of_difference(known.mask, mask) is None:
                known.stamp = stamp
            else:
                known = self._known[segment_id] = _Written(segment, mask, stamp, next(self._versions))
        return known.mask

    def version(self, segment_id: str) -> int:
        """A number that grows when voxels of the segment change, whoever changes them."""
        self.read(segment_id)
        return self._known[segment_id].version

    def edited(self, segment_ids: Iterable[str]) -> dict[str, MaskCrop]:
        """What other tools have changed since these segments were last written or read here; costs next to nothing."""
        found = {}
        for segment_id in segment_ids:
            known = self._known.get(segment_id)
            if known is not None and segment_id in self and self.read(segment_id) is not known.mask:
                found[segment_id] = self._known[segment_id].mask
        return found

    def around(self, start: Index3, shape: Index3) -> tuple[str, ...]:
        """Segments that have a voxel in a box, found without reading whole labelmaps.

        Args:
            start: first voxel (k, j, i) of the box; it may lie outside of the volume.
            shape: its size (k, j, i).
        """
        found, labels_in = [], dict[int, set[int]]()
        for segment_id in self.ids():
            segment = self._segmentation.GetSegment(segment_id)
            image = segment.GetRepresentation(LABELMAP)
            if not has_voxels(image):
                continue
            first = self.lattice.start_of(image)
            if first is None:
                found.append(segment_id)  # on another grid: it has to be resampled before anything is known
                continue
            layer = int(image.GetMTime())
            if layer not in labels_in:
                box = tuple(
                    slice(max(0, s - f), max(0, s - f + n)) for s, n, f in zip(start, shape, first, strict=True)
                )
                labels_in[layer] = set(np.unique(voxels_of(image)[box]).tolist())
            if segment.GetLabelValue() in labels_in[layer]:
                found.append(segment_id)
        return tuple(found)

    def vanished(self) -> dict[str, MaskCrop | None]:
        """Segments that were read or written here and are gone since, told once.

        Returns:
            By id: what it held in the end, if another tool had changed it since it was read or written; else None.
        """
        gone = dict[str, MaskCrop | None]()
        for segment_id in [n for n in self._known if n not in self]:
            known = self._known.pop(segment_id)
            segment = known.segment  # it outlives its removal, with its voxels
            self._remember(segment_id, segment)
            gone[segment_id] = None
            if known.stamp != _stamp(segment):
                mask = self.lattice.mask(segment.GetRepresentation(LABELMAP), segment.GetLabelValue())
                gone[segment_id] = None if box_of_difference(known.mask, mask) is None else mask
        return gone

    def _remember(self, segment_id: str, segment: Any) -> None:
        self._deleted[segment_id] = slicer.vtkSegment()
        self._deleted[segment_id].DeepCopyMetadata(segment)

    def write(self, segment_id: str, mask: MaskCrop) -> bool:
        """Make a segment hold a mask. Only voxels that are different are written; no other segment is touched.

        Returns:
            Whether anything changed.
        """
        before = self.read(segment_id)
        difference = box_of_difference(before, mask)
        segment = self._segmentation.GetSegment(segment_id)
        if difference is not None:
            start, after = difference
            if not self._fits(segment_id, start, after.shape):
                self._move_to_own_layer(segment_id, start, after.shape)
            self._write_box(segment_id, start, after)
        version = self._known[segment_id].version if difference is None else next(self._versions)
        self._known[segment_id] = _Written(segment, mask, _stamp(segment), version)
        return difference is not None

    def _shares_layer(self, segment_id: str) -> bool:
        # The host's IsSharedBinaryLabelmap says yes of every segment that is alone on its layer (5.11).
        image = self._segmentation.GetSegment(segment_id).GetRepresentation(LABELMAP)
        return any(
            self._segmentation.GetSegment(other_id).GetRepresentation(LABELMAP) is image
            for other_id in self.ids()
            if other_id != segment_id
        )

    def _fits(self, segment_id: str, start: tuple[int, int, int], shape: tuple[int, ...]) -> bool:
        segment = self._segmentation.GetSegment(segment_id)
        image = segment.GetRepresentation(LABELMAP)
        if image is None or image.GetPointData().GetScalars() is None:
            return False
        if self._shares_layer(segment_id):
            return False
        first = self.lattice.start_of(image)
        if first is None:
            return False
        i, j, k = image.GetDimensions()
        return all(f <= s and s + n <= f + whole for f, s, n, whole in zip(first, start, shape, (k, j, i), strict=True))

    def _move_to_own_layer(self, segment_id: str, start: tuple[int, int, int], shape: tuple[int, ...]) -> None:
        """Give a segment a labelmap of its own that has room for a box; its voxels stay as they are."""
        segment = self._segmentation.GetSegment(segment_id)
        before = self.lattice.beyond(segment.GetRepresentation(LABELMAP), segment.GetLabelValue())
        at, size = joint_box(before, MaskCrop(start, np.ones(shape, dtype=np.bool_)))
        # Room inside the volume only; what another tool made outside of it stays.
        k, j, i = (min(first, max(0, first - ROOM_VOXELS)) for first in at)
        dk, dj, di = (
            max(first + n, min(whole, first + n + ROOM_VOXELS)) - low
            for first, n, whole, low in zip(at, size, self.lattice.shape, (k, j, i), strict=True)
        )
        image = self.lattice.labelmap(before.inside((k, j, i), (dk, dj, di)), (k, j, i))
        if self._shares_layer(segment_id):
            # What the segment leaves on the shared layer would become somebody else's voxels.
            shared = segment.GetRepresentation(LABELMAP)
            siblings = [
                known
                for other_id, known in self._known.items()
                if (other := self._segmentation.GetSegment(other_id)) is not None
                and other.GetRepresentation(LABELMAP) is shared
                and known.stamp == _stamp(other)  # not edited by another tool since it was read
            ]
            voxels = voxels_of(shared)
            voxels[voxels == segment.GetLabelValue()] = 0
            shared.GetPointData().GetScalars().Modified()
            for known in siblings:
                known.stamp = _stamp(segment)
        segment.SetLabelValue(1)
        segment.AddRepresentation(LABELMAP, image)

    def _write_box(self, segment_id: str, start: tuple[int, int, int], after: BoolArray) -> None:
        segment = self._segmentation.GetSegment(segment_id)
        image = segment.GetRepresentation(LABELMAP)
        first = self.lattice.start_of(image)
        assert first is not None
        box = tuple(slice(s - f, s - f + n) for s, f, n in zip(start, first, after.shape, strict=True))
        np.multiply(after, segment.GetLabelValue(), out=voxels_of(image)[box], casting="unsafe")
        if events_name_the_segment():
            # The scalars' time only: Modified() of the image would throw away the surfaces of all segments.
            image.GetPointData().GetScalars().Modified()
            called = bytearray(segment_id.encode() + b"\0")
            self._segmentation.InvokeEvent(slicer.vtkSegmentation.SourceRepresentationModified, called)
            self._segmentation.InvokeEvent(slicer.vtkSegmentation.RepresentationModified, called)
        else:
            image.Modified()


def check_source(node: Any) -> None:
    """Refuse a segmentation node that is not made of voxels.

    Raises:
        VolumeError: what it is made of.
    """
    source = node.GetSegmentation().GetSourceRepresentationName()
    if source != LABELMAP:
        raise VolumeError(
            f"The segmentation {node.GetName()} is not made of voxels but of {source.lower()}s.",
            "Make the binary labelmap its source in the Segmentations module, or choose another.",
        )


@cache
def events_name_the_segment() -> bool:
    """Whether this host passes a segment id along with an event that Python sends; if not, the slow way is taken."""
    segmentation, heard = slicer.vtkSegmentation(), []

    def hear(_caller: Any, _event: str, segment_id: str) -> None:
        heard.append(segment_id)

    hear.CallDataType = vtk.VTK_STRING  # type: ignore[attr-defined]
    segmentation.AddObserver(slicer.vtkSegmentation.RepresentationModified, hear)
    try:
        segmentation.InvokeEvent(slicer.vtkSegmentation.RepresentationModified, bytearray(b"a segment\0"))
    except TypeError:
        return False
    return heard == ["a segment"]


def _stamp(segment: Any) -> int:
    """The time of a labelmap's last change, its scalars' included; no two objects of the host share one."""
    image = segment.GetRepresentation(LABELMAP)
    return 0 if image is None else int(image.GetMTime())
