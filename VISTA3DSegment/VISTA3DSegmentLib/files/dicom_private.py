"""What DICOM has no place for, in private elements of a segment's item: so that nothing is lost on the way back.

The block (PS3.5, 7.8.1) stands in the items of a segmentation's Segment Sequence and may stand in those of a structure
set's Structure Set ROI Sequence. Other programs pass over it.
"""

from __future__ import annotations

from dataclasses import replace

from pydicom.dataset import Dataset

from ..provenance import TAG, provenance_of
from .label_maps import MAX_LABEL
from .segments import Segment

GROUP = 0x0071
CREATOR = "VISTA3DSegment"

PROVENANCE, CLASS_ID, NAME = 0x01, 0x02, 0x03
"""Element numbers in the block: JSON as in Slicer's tag, the class of the table, the whole name."""


def keep(item: Dataset, segment: Segment) -> None:
    """Write what DICOM has no place for into the item of a segment."""
    block = item.private_block(GROUP, CREATOR, create=True)
    block.add_new(NAME, "UT", segment.name)
    if TAG in segment.tags:
        block.add_new(PROVENANCE, "UT", segment.tags[TAG])
    if segment.class_id is not None:
        block.add_new(CLASS_ID, "IS", str(segment.class_id))


def restored(item: Dataset, segment: Segment) -> Segment:
    """A segment read from an item, with what ``keep`` wrote into it; unchanged if that is nothing."""
    name, tag, class_id = (_text(item, element) for element in (NAME, PROVENANCE, CLASS_ID))
    tags = dict(segment.tags)
    if "|" not in tag and provenance_of({TAG: tag}) is not None:
        tags[TAG] = tag
    return replace(
        segment,
        name=name or segment.name,
        class_id=int(class_id) if class_id.isdecimal() and 0 < int(class_id) <= MAX_LABEL else segment.class_id,
        tags=tags,
    )


def _text(item: Dataset, element: int) -> str:
    """The value as text; "" if there is none. Programs that do not know the element pass it on as bytes."""
    try:
        value = item.private_block(GROUP, CREATOR)[element].value
    except (KeyError, ValueError):
        return ""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.strip("\0 ")
