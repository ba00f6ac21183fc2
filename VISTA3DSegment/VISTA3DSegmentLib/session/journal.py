"""What survives a crash: every change of an annotation, on disk before the person is told that it is done.

A journal belongs to the content of one volume and holds nothing of the patient but what the person typed as names. Each
line is a checksum and a JSON object; a line that a crash cut off is left out when the journal is read.

A saved scene keeps a mark of the journal beside its own records. What the journal holds beyond the mark was done after
saving; a journal that does not lead over the mark is about other work on the same volume, and is left as it is.
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
from ..prompts import Box, Click, Structure
from ..provenance import provenance_from
from .annotation import NO_TAGS, AnnotatedObject, Annotation, PlacedClick, Status
from .deltas import Delta
from .rules import Limits

ENDING = ".journal-2"
"""With the number of the form: journals that another version of this program wrote are left alone."""


class Journal:
    """The journal of one annotation.

    When it was read, ``waiting`` holds the objects whose mask the engine had not told yet.

    Args:
        folder: of all journals; in the user's cache.
        volume_key: by which the volume is known again (``Volume.sample_key``).
    """

    def __init__(self, folder: Path, volume_key: str) -> None:
        self._folder, self._key = folder, volume_key
        self.path = folder / f"{volume_key}{ENDING}"
        self._file: int | None = None
        self._written = Annotation()
        self.waiting: frozenset[str] = frozenset()
        self._size = self._checksum = 0

    @property
    def mark(self) -> str:
        """Where the journal is now: its length and a checksum of all of it; "" while nothing was written."""
        return f"{self._size}:{self._checksum:08x}" if self._size else ""

    def restore(self) -> Annotation:
        """The annotation as it was after the last complete line of the latest journal; empty if there is none."""
        paths = self._paths()
        if paths:
            self.path = max(paths, key=lambda path: path.stat().st_mtime_ns)
            self._replay()
        return self._written

    def since(self, mark: str) -> dict[str, AnnotatedObject | None]:
        """What became of the objects that were changed after a mark; None: deleted. Empty: nothing was done since.

        The journal with the mark goes on; if there is none a new one is begun.
        """
        for path in self._paths():
            content = path.read_bytes()
            size = int(mark.partition(":")[0] or 0)
            if 0 < size <= len(content) and mark == f"{size}:{zlib.crc32(content[:size]):08x}":
                self.path = path
                changed = self._replay(size)
                return {object_id: self._written.objects.get(object_id) for object_id in changed}
        names = (self._folder / f"{self._key}{suffix}{ENDING}" for suffix in ("", *(f"-{n}" for n in range(1, 10**6))))
        self.path = next(path for path in names if not path.exists())
        return {}

    def _paths(self) -> list[Path]:
        return sorted((*self._folder.glob(f"{self._key}{ENDING}"), *self._folder.glob(f"{self._key}-*{ENDING}")))

    def _replay(self, mark: int = 0) -> list[str]:
        """Read the journal, to go on with it. Returns the objects that its lines behind a mark are about."""
        content = self.path.read_bytes()
        annotation, end, changed, waiting = Annotation(), 0, [], set[str]()
        for line in content.splitlines(keepends=True):
            entry = _read(line)
            if entry is None:
                os.truncate(self.path, end)
                break
            annotation = _applied(annotation, entry)
            waiting -= {entry["object"]}
            waiting |= {entry["object"]} if entry.get("waiting") else set()
            changed += [entry["object"]] if end >= mark else []
            end += len(line)
        self._written, self.waiting = annotation, frozenset(waiting)
        self._size, self._checksum = end, zlib.crc32(content[:end])
        return list(dict.fromkeys(changed))

    def append(self, annotation: Annotation, waiting: frozenset[str] = frozenset()) -> None:
        """Write what is different from what was written last, and wait until it is on disk.

        Args:
            annotation: as it is now.
            waiting: objects whose mask the engine still has to tell.

        Raises:
            ResourceError: the disk is full or cannot be written.
        """
        before, after = self._written.objects, annotation.objects
        entries = [
            _entry(object_id, before.get(object_id), after.get(object_id), object_id in waiting)
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
            self._size, self._checksum = size + len(lines), zlib.crc32(lines, self._checksum)
        except OSError as error:
            raise ResourceError(
                f"The journal {self.path} cannot be written ({error.strerror or error}).",
                "What you do now would be lost in a crash: free disk space, then save your work.",
            ) from error

    def discard(self) -> None:
        """Throw it away. Nobody in this package does: whether a scene was written to its files, or the work is not
        wanted, is known to the shell alone, which may do it after the annotation is closed. A journal that stays costs
        disk: whoever opens the saved scene goes on with its records."""
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


def _entry(
    object_id: str, before: AnnotatedObject | None, after: AnnotatedObject | None, waiting: bool
) -> dict[str, Any]:
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
        "tags": dict(after.tags),
        "clicks": [[placed.id, placed.click.ras, placed.click.positive] for placed in after.clicks],
        "text": after.text,
        "box": None if after.box is None else [after.box.ras_min, after.box.ras_max],
        "engine": after.engine,
        "made": after.made.to_json(),
        "base": None if after.base is None else Delta.between(old_base, after.base).to_json(),
        "mask": Delta.between(before.mask if before else NOTHING, after.mask).to_json(),
        "waiting": waiting,
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
        entry.get("tags", NO_TAGS),  # older journals have none, and know clicks only
        entry.get("text", ""),
        None if entry.get("box") is None else Box(*map(tuple, entry["box"])),
        entry.get("engine", ""),
        provenance_from(entry.get("made", {})),
    )
    return annotation.replaced(object_id, value)
