"""Tiny DICOM files, right or wrong in any element; explicit VR, little endian."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

UNCOMPRESSED = "1.2.840.10008.1.2.1"
RLE = "1.2.840.10008.1.2.5"
JPEG_LS = "1.2.840.10008.1.2.4.80"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
LONG = ("OB", "OW")


def element(group: int, number: int, kind: str, value: bytes) -> bytes:
    """One data element."""
    value += (b"\0" if kind in ("UI", "OB") else b" ") * (len(value) % 2)
    length = struct.pack("<HI", 0, len(value)) if kind in LONG else struct.pack("<H", len(value))
    return struct.pack("<HH", group, number) + kind.encode() + length + value


def slice_bytes(
    pixels: npt.NDArray[np.uint16],
    position_lps: Sequence[float] | None = (0, 0, 0),
    orientation: Sequence[float] = (1, 0, 0, 0, 1, 0),
    *,
    series: str = "1.2.3",
    study: str = "1.2",
    patient: str = "",
    number: str = "7",
    instance: str = "",
    modality: str = "CT",
    image_type: str = "ORIGINAL\\PRIMARY\\AXIAL",
    pixel_spacing: str = "2\\1",
    rescale: tuple[float, float] = (1, -1024),
    syntax: str = UNCOMPRESSED,
    packed: bytes | None = None,
) -> bytes:
    """A slice: stored values, axes (j, i); pixel spacing as distance of rows, of columns in mm; rescaling as slope and
    intercept; for a compressed transfer syntax the packed frame."""

    def text(group: int, number: int, kind: str, value: object) -> bytes:
        return element(group, number, kind, str(value).encode())

    def numbers(values: Sequence[float]) -> str:
        return "\\".join(f"{value:.10g}" for value in values)

    def short(number: int, value: int) -> bytes:
        return element(0x28, number, "US", struct.pack("<H", value))

    meta = element(2, 1, "OB", b"\0\1") + text(2, 2, "UI", CT_IMAGE) + text(2, 3, "UI", instance or "1.9")
    meta += text(2, 0x10, "UI", syntax)
    body = text(8, 8, "CS", image_type) + text(8, 0x16, "UI", CT_IMAGE) + text(8, 0x18, "UI", instance)
    body += text(8, 0x60, "CS", modality) + text(0x10, 0x20, "LO", patient) + text(0x20, 0xD, "UI", study)
    body += text(0x20, 0xE, "UI", series)
    body += text(0x20, 0x11, "IS", number)
    if position_lps is not None:
        body += text(0x20, 0x32, "DS", numbers(position_lps)) + text(0x20, 0x37, "DS", numbers(orientation))
    body += (
        short(2, 1) + text(0x28, 4, "CS", "MONOCHROME2") + short(0x10, pixels.shape[0]) + short(0x11, pixels.shape[1])
    )
    body += text(0x28, 0x30, "DS", pixel_spacing)
    body += short(0x100, 16) + short(0x101, 16) + short(0x102, 15) + short(0x103, 0)
    body += text(0x28, 0x1052, "DS", rescale[1]) + text(0x28, 0x1053, "DS", rescale[0])
    body += element(0x7FE0, 0x10, "OW", pixels.astype("<u2").tobytes()) if packed is None else _encapsulated(packed)
    return bytes(128) + b"DICM" + element(2, 0, "UL", struct.pack("<I", len(meta))) + meta + body


def _encapsulated(frame: bytes) -> bytes:
    frame += b"\0" * (len(frame) % 2)
    items = struct.pack("<HHI", 0xFFFE, 0xE000, 0) + struct.pack("<HHI", 0xFFFE, 0xE000, len(frame)) + frame
    end = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFFF) + items + end


def rle_frame(pixels: npt.NDArray[np.uint16]) -> bytes:
    """A frame in DICOM's run length encoding (PS3.5, annex G): high bytes, then low bytes; each row one literal run."""
    segments = []
    for part in (pixels >> 8, pixels & 0xFF):
        segment = b"".join(bytes([len(row) - 1]) + row.tobytes() for row in part.astype(np.uint8))
        segments.append(segment + b"\0" * (len(segment) % 2))
    offsets = [64, 64 + len(segments[0])]
    return struct.pack("<16I", len(segments), *offsets, *([0] * 13)) + b"".join(segments)


def write_series(folder: Path, positions_lps: Sequence[Sequence[float]], prefix: str = "", **changes: object) -> Path:
    """A series of 6 x 8 slices; slice n holds the stored values of ``plane(n)``, in unordered files."""
    folder.mkdir(parents=True, exist_ok=True)
    for n, position in enumerate(positions_lps):
        changes_here = {"instance": f"1.4.{prefix or 0}.{n}", **changes}
        content = slice_bytes(plane(n), position, **changes_here)  # type: ignore[arg-type]
        (folder / f"{prefix}{(n * 7) % 11:02d}_{n}").write_bytes(content)
    return folder


def plane(n: int) -> npt.NDArray[np.uint16]:
    """Stored values, axes (j, i), of the n-th slice."""
    return (np.arange(48, dtype=np.uint16).reshape(6, 8) + 100 * n).astype(np.uint16)


def along_z(*heights_mm: float) -> list[tuple[float, float, float]]:
    """Positions of axial slices."""
    return [(-10.0, -20.0, height) for height in heights_mm]
