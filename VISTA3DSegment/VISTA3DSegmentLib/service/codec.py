"""Messages as bytes: a JSON header and packed bits. Nothing in them is ever executed, wherever they come from.

A frame is the header's length (4 bytes, little-endian), the header, and at most one mask: eight voxels a byte, in C
order, deflated.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import astuple
from functools import lru_cache
from typing import Any

from .. import errors
from ..edits import Edit, Index3, MaskCrop, unpack_voxels
from ..engine import Progress
from ..errors import FileFormatError, SegmentationError
from ..prompts import Box, Click, Prompt, Structure, Text
from ..provenance import ModelUsed
from .messages import (
    Answered,
    Event,
    Failed,
    Finished,
    Progressed,
    Ready,
    RefineRequest,
    Request,
    SegmentRequest,
    Started,
)

LARGEST_MASK_VOXELS = 2**34


def encode_request(request_id: int, request: Request) -> bytes:
    """A request as a frame."""
    mask: MaskCrop | None = None
    header: dict[str, Any] = {"id": request_id, "region": _box(request.region)}
    if isinstance(request, SegmentRequest):
        header |= {"kind": "segment", "classes": list(request.classes)}
    else:
        header |= {
            "kind": "refine",
            "structure": [request.structure.name, request.structure.class_id],
            "prompts": [_prompt(prompt) for prompt in request.prompts],
            "engine": request.engine,
            "reach_mm": request.reach_mm,
        }
        mask = request.base
    return _frame(header, mask)


def decode_request(frame: bytes) -> tuple[int, Request]:
    """The request of a frame.

    Raises:
        FileFormatError: the frame is damaged or not one.
    """
    try:
        header, mask = _parts(frame)
        region = _as_box(header["region"])
        if header["kind"] == "segment":
            return int(header["id"]), SegmentRequest(tuple(int(n) for n in header["classes"]), region)
        name, class_id = header["structure"]
        structure = Structure(str(name), None if class_id is None else int(class_id))
        prompts = tuple(_as_prompt(prompt) for prompt in header["prompts"])
        reach_mm = None if header["reach_mm"] is None else float(header["reach_mm"])
        return int(header["id"]), RefineRequest(structure, prompts, mask, region, str(header["engine"]), reach_mm)
    except _DAMAGE as error:
        raise _damaged() from error


def encode_event(event: Ready | Started | Progressed | Answered | Finished | Failed) -> bytes:
    """An event as a frame."""
    mask: MaskCrop | None = None
    if isinstance(event, Ready):
        header: dict[str, Any] = {
            "kind": "ready",
            "engine": event.engine,
            "identity": event.identity,
            "classes": list(event.classes),
            "notices": list(event.notices),
            "engines": list(event.engines),
            "texts": list(event.texts),
        }
    elif isinstance(event, Progressed):
        progress = event.progress
        header = {"kind": "progress", "id": event.id, "at": [progress.done, progress.total, progress.seconds_left]}
    elif isinstance(event, Started | Finished):
        header = {"kind": "started" if isinstance(event, Started) else "finished", "id": event.id}
    elif isinstance(event, Failed):
        error = event.error
        header = {"kind": "failed", "id": event.id, "error": [type(error).__name__, error.what, error.remedy]}
    else:
        edit = event.edit
        header = {
            "kind": "answer",
            "id": event.id,
            "class": event.class_id,
            "counts": [edit.added, edit.removed],
            "seconds": dict(edit.seconds),
            "empty": edit.empty_reason,
            "notices": list(edit.notices),
            "by": None if event.by is None else [*astuple(event.by)],
        }
        mask = MaskCrop(edit.start, edit.mask)
    return _frame(header, mask)


def decode_event(frame: bytes) -> Event | Started:
    """The event of a frame.

    Raises:
        FileFormatError: the frame is damaged or not one.
    """
    try:
        header, mask = _parts(frame)
        kind = header["kind"]
        if kind == "ready":
            classes = tuple(int(n) for n in header["classes"])
            words = (tuple(map(str, header[name])) for name in ("notices", "engines", "texts"))
            return Ready(str(header["engine"]), str(header["identity"]), classes, *words)
        request_id = int(header["id"])
        if kind == "progress":
            done, total, seconds = header["at"]
            return Progressed(request_id, Progress(int(done), int(total), None if seconds is None else float(seconds)))
        if kind in ("started", "finished"):
            return Started(request_id) if kind == "started" else Finished(request_id)
        if kind == "failed":
            return Failed(request_id, _error(*map(str, header["error"])))
        if kind != "answer" or mask is None:
            raise ValueError(kind)
        added, removed = header["counts"]
        edit = Edit(
            mask.start,
            mask.mask,
            int(added),
            int(removed),
            {str(stage): float(seconds) for stage, seconds in header["seconds"].items()},
            str(header["empty"]),
            tuple(map(str, header["notices"])),
        )
        class_id = None if header["class"] is None else int(header["class"])
        return Answered(
            request_id, edit, class_id, None if header["by"] is None else ModelUsed(*map(str, header["by"]))
        )
    except _DAMAGE as error:
        raise _damaged() from error


_DAMAGE = (ValueError, KeyError, TypeError, IndexError, AttributeError, struct.error, zlib.error, SegmentationError)


def _damaged() -> FileFormatError:
    return FileFormatError("A message between the program and its worker is damaged.", "Ask again.")


def _frame(header: dict[str, Any], crop: MaskCrop | None) -> bytes:
    packed = b""
    if crop is not None:
        header |= {"start": list(crop.start), "shape": list(crop.mask.shape)}
        packed = crop.packed
    text = json.dumps(header, allow_nan=False).encode()
    return b"".join([struct.pack("<I", len(text)), text, packed])


def _parts(frame: bytes) -> tuple[dict[str, Any], MaskCrop | None]:
    (length,) = struct.unpack_from("<I", frame)
    header = json.loads(frame[4 : 4 + length])
    if "shape" not in header:
        return header, None
    (k, j, i), (first_k, first_j, first_i) = ([int(n) for n in header[name]] for name in ("shape", "start"))
    count = k * j * i
    if min(k, j, i) < 0 or count > LARGEST_MASK_VOXELS:
        raise ValueError("impossible shape")
    return header, _mask((first_k, first_j, first_i), (k, j, i), frame[4 + length :])


@lru_cache(maxsize=2)
def _mask(start: Index3, shape: Index3, packed: bytes) -> MaskCrop:
    # The base of an organ comes again with every click.
    return MaskCrop(start, unpack_voxels(packed, shape))


def _box(box: Box | None) -> list[tuple[float, float, float]] | None:
    return None if box is None else [box.ras_min, box.ras_max]


def _as_box(corners: Any) -> Box | None:
    return None if corners is None else Box(*(tuple(corner) for corner in corners))


def _prompt(prompt: Prompt) -> dict[str, Any]:
    if isinstance(prompt, Click):
        return {"click": prompt.ras, "positive": prompt.positive}
    if isinstance(prompt, Text):
        return {"text": prompt.text}
    return {"box": _box(prompt)}


def _as_prompt(header: dict[str, Any]) -> Prompt:
    if "click" in header:
        return Click(tuple(header["click"]), bool(header["positive"]))
    if "text" in header:
        return Text(str(header["text"]))
    box = _as_box(header["box"])
    if box is None:
        raise ValueError("no box")
    return box


def _error(kind: str, what: str, remedy: str) -> SegmentationError:
    family = getattr(errors, kind, None)
    if not (isinstance(family, type) and issubclass(family, SegmentationError)):
        family = SegmentationError
    return family(what, remedy)
