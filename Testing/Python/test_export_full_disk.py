"""A disk that is full while something is exported: what was there stays, and nothing half is left."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from builders import box_mask
from export_world import scan, segment, segmentation, series_of
from VISTA3DSegmentLib.errors import ResourceError
from VISTA3DSegmentLib.export.exporting import Wish, export, export_archive
from VISTA3DSegmentLib.export.formats import Form

BYTES = 64
"""So long a file may become: less than any that is exported."""


@pytest.fixture
def wish(tmp_path: Path) -> Wish:
    one = segmentation(segment(box_mask(scan().shape_kji, (1, 2, 3), (5, 7, 9))))
    return Wish(one, (), "a", series_of(tmp_path / "series"), scan())


@contextmanager
def full_disk() -> Iterator[None]:
    """The system itself refuses to write more than a few bytes into any file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("form", Form)
def test_a_full_disk_is_said_and_the_files_of_an_earlier_export_stay(form: Form, wish: Wish, tmp_path: Path) -> None:
    folder = tmp_path / "exported"
    folder.mkdir()
    export(replace(wish, forms=(form,)), folder)
    before = contents(folder)
    with full_disk(), pytest.raises(ResourceError, match="could not be written"):
        export(replace(wish, forms=(form,)), folder)
    assert contents(folder) == before


def test_a_full_disk_leaves_an_earlier_zip_and_nothing_beside_it(wish: Wish, tmp_path: Path) -> None:
    folder = tmp_path / "exported"
    folder.mkdir()
    export_archive(replace(wish, forms=(Form.NIFTI,)), folder / "a.zip")
    before = contents(folder)
    with full_disk(), pytest.raises(ResourceError):
        export_archive(replace(wish, forms=(Form.NIFTI,)), folder / "a.zip")
    assert contents(folder) == before
