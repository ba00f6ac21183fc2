"""DICOM's unique identifiers for what is exported: the same content gets the same one, in any process."""

from __future__ import annotations

import hashlib
import itertools
import uuid
from collections.abc import Collection, Sequence

import numpy as np

from ..edits import MaskCrop
from ..files.segments import Segment
from ..files.tracking import Tracking, tracking_in
from ..provenance import provenance_of

NAMESPACE = uuid.UUID("8fe1f672-9b0c-4e0e-a55a-f380f290acd2")
"""Of this program; drawn once at random, never to be changed: old files would get other identifiers."""


def uid_for(*words: str) -> str:
    """The UID for some words: "2.25." and a UUID of version 5 (PS3.5, B.2). The same words give the same one."""
    # The length before each word keeps ("a", "bc") and ("ab", "c") apart.
    return f"2.25.{uuid.uuid5(NAMESPACE, ''.join(f'{len(word)}:{word}' for word in words)).int}"


def new_uid() -> str:
    """A UID that nobody ever had: of a new object or series."""
    return f"2.25.{uuid.uuid4().int}"


def tracking_of(series_uid: str, segments: Sequence[Segment]) -> list[Tracking]:
    """Under which identifiers the segments of a series are tracked, in a segmentation and in reports about it.

    Those with which a segment came are its own. Others get a UID of when they were begun, so that they keep it when
    they are corrected or renamed, and no other lesion of the series has it; where nobody knows when, of their voxels.

    Args:
        series_uid: Series Instance UID of the source.
        segments: in order, on its voxels; each gets identifiers that no other one has.
    """
    own: list[Tracking | None] = []
    uids: set[str] = set()
    for found in (tracking_in(segment.tags) for segment in segments):
        own.append(found if found is not None and found.uid not in uids else None)
        uids.update(() if found is None else (found.uid,))
    taken = {one.identifier for one in own if one is not None} | {segment.name for segment in segments}
    given = {one.identifier for one in own if one is not None}
    tracked = []
    for segment, known in zip(segments, own, strict=True):
        if known is None:
            identifier = segment.name if segment.name not in given else _free(segment.name, taken)
            uid = _uid_of(series_uid, segment, identifier, uids)
            taken.add(identifier)
            given.add(identifier)
            uids.add(uid)
            known = Tracking(identifier, uid)
        tracked.append(known)
    return tracked


def _free(name: str, taken: Collection[str]) -> str:
    """A name with a number that nothing else has."""
    return next(numbered for n in itertools.count(2) if (numbered := f"{name} ({n})") not in taken)


def _uid_of(series_uid: str, segment: Segment, identifier: str, uids: Collection[str]) -> str:
    """The UID of a segment that came without one; the copy of another one gets one of its own."""
    made = provenance_of(segment.tags)
    if made is not None and made.created:
        words = [made.created, str(segment.class_id or "")]
    else:
        words = [identifier, _digest(segment.mask)]
    uid = uid_for("tracking", series_uid, *words)
    copies = (uid_for("tracking", series_uid, *words, str(n)) for n in itertools.count(2))
    return uid if uid not in uids else next(other for other in copies if other not in uids)


def _digest(mask: MaskCrop) -> str:
    """Of the voxels of a mask, wherever its crop ends."""
    tight = mask.tightened()
    digest = hashlib.sha256(repr((tight.start, tight.shape)).encode())
    digest.update(np.packbits(tight.mask).tobytes())
    return digest.hexdigest()
