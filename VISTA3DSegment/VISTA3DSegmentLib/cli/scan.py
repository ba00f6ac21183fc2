"""The scan of a command: what was read is said before anything is computed on it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..files.reading import ReadVolume
from ..files.scan_identity import identifiers_in
from ..files.volumes import read_volume
from ..models.identity import digest_of
from .collaborators import Collaborators


def read_scan(with_what: Collaborators, path: Path, series: str | None = None) -> ReadVolume:
    """Read a scan and say at once what is to be known of it, also to who wants quiet: minutes of work would else go
    into the wrong series.

    Raises:
        FileFormatError, VolumeError, ResourceError: as ``read_volume``.
    """
    scan = read_volume(path, series)
    tell(with_what, scan.notices)
    return scan


def tell(with_what: Collaborators, notices: Iterable[str]) -> None:
    """Say each of some sentences once."""
    for notice in dict.fromkeys(notices):
        with_what.note(notice)


def identity_of(path: Path, scan: ReadVolume) -> dict[str, str]:
    """What tells which scan was read and not whose it is: the UID of a DICOM series, else a checksum of the file, or of
    the first image of a series."""
    series_uid = "" if scan.image is None else identifiers_in(scan.image).series_uid
    return {"series_uid": series_uid} if series_uid else {"sha256": digest_of(scan.image or path).sha256}
