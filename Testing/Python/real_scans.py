"""Real scans, each read once for all tests."""

from __future__ import annotations

from functools import cache

from shared_data import shared
from VISTA3DSegmentLib.files.volumes import read_volume
from VISTA3DSegmentLib.volume import Volume


@cache
def real_scan(relative: str) -> Volume:
    """A scan of the shared data, by its path below the folder of data."""
    return read_volume(shared(f"data/{relative}")).volume
