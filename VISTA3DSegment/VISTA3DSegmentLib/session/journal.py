"""What survives a crash: every change of an annotation, on disk before the person is told that it is done.

A journal belongs to the content of one volume and holds nothing of the patient but what the person typed as names. Each
line is a checksum and a JSON object; a line that a crash cut off is left out when the journal is read.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..edits import NOTHING
from ..errors import ResourceError
from ..prompts import Click, Structure
from .annotation import AnnotatedObject, Annotation, PlacedClick, Status
from .deltas import Delta
from .rules import Limits


class Journal:
    """The journal of one annotation.

    Args:
        folder: of all journals; in the user's cache.
        volume_key: by which the volume is known again (``Volume.sample_key``).
    """

    def __init__(self, folder: Path, volume_key: str) -> None:
        self.path = folder / f"{volume_key}.journal"
        self._file: int | None = None
        self._written = Annotation()

    def restore(self) -> Annotation:
        """The annotation as it was after the last complete line; empty if there is no journal."""
        annotation, end = Annotation(), 0
        try:
            content = self.path.read_bytes()
        except OSError:
            return annotation
        for line in content.splitlines(keepends=True):
            entry = _read(line)
            if entry is None:
                break
            annotation, end = _applied(annotation, entry), end + len(line)
        if end < len(content):
            os.truncate(self.path, end)
        self._written = annotation
        return annotation

    def append(self, annotation: Annotation) -> None:
        """Write what is different from what was written last, and wait until it is on disk.

        Raises:
            ResourceError: the disk is full or cannot be written.
        """
        before, after = self._written.objects, annotation.objects
        entries = [
            _entry(object_id, before.get(object_id), after.get(object_id))
            for object_id in dict.fromkeys((*before, *after))
            if before.get(object_id) is not after.get(object_id)
        ]
        if not entries:
            return
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            size = os.fstat(self._file).st_size
            lines = b"".join(_line(entry) for entry in entries)
            if os.write(self._file, lines) != len(lines):
                os.ftruncate(self._file, size)
                raise OSError("the disk is full")
            os.fsync(self._file)
            self._written = annotation
        except OSError as error:
            raise ResourceError(
                f"The journal {self.path} cannot be written ({error.strerror or error}).",
                "What you do now would be lost in a crash: free disk space, then save your work.",
            ) from error

    def discard(self) -> None:
        """The work is saved elsewhere: the journal is no longer needed."""
        self.close()
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _line(entry: Mapping[str, Any]) -> bytes:
    text = json.dumps(entry, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _read(line: bytes) -> dict[str, Any] | None:
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(text):
        return None
    entry: dict[str, Any] = json.loads(text)
    return entry


def _entry(object_id: str, before: AnnotatedObject | None, after: AnnotatedObject | None) -> dict[str, Any]:
    if after is None:
        return {"object": object_id}
    old_base = before.base if before is not None and before.base is not None else NOTHING
    return {
        "object": object_id,
        "name": after.structure.name,
        "class": after.structure.class_id,
        "color": after.color,
        "status": after.status.value,
        "limits": after.limits.to_json(),
        "took": {other_id: Delta.between(NOTHING, mask).to_json() for other_id, mask in after.took.items()},
        "clicks": [[placed.id, placed.click.ras, placed.click.positive] for placed in after.clicks],
        "base": None if after.base is None else Delta.between(old_base, after.base).to_json(),
        "mask": Delta.between(before.mask if before else NOTHING, after.mask).to_json(),
    }


def _applied(annotation: Annotation, entry: Mapping[str, Any]) -> Annotation:
    object_id = entry["object"]
    if "name" not in entry:
        return annotation.replaced(object_id, None)
    before = annotation.objects.get(object_id)
    old_base = before.base if before is not None and before.base is not None else NOTHING
    red, green, blue = entry["color"]
    value = AnnotatedObject(
        Structure(entry["name"], entry["class"]),
        (red, green, blue),
        None if entry["base"] is None else Delta.from_json(entry["base"]).onto(old_base),
        tuple(PlacedClick(click_id, Click(tuple(ras), positive)) for click_id, ras, positive in entry["clicks"]),
        Delta.from_json(entry["mask"]).onto(before.mask if before is not None else NOTHING),
        Status(entry["status"]),
        Limits.from_json(entry["limits"]),
        {other_id: Delta.from_json(words).onto(NOTHING) for other_id, words in entry["took"].items()},
    )
    return annotation.replaced(object_id, value)
