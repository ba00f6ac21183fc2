"""What the page calls a scan: by its file, or by what a DICOM series is, and never by its patient."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("trame_slicer", reason="needs the app extra")
from dicom_builder import along_z, write_series
from VISTA3DSegmentLib.app.opening import Scan, read
from VISTA3DSegmentLib.resources import resource


def name_of(path: Path) -> str:
    scan = read(path, None)
    assert isinstance(scan, Scan)
    return scan.name


def test_series_that_are_opened_one_after_the_other_are_told_apart(tmp_path: Path) -> None:
    write_series(tmp_path / "Doe^John", along_z(0, 2, 4), series="1.1", number="2")
    write_series(tmp_path / "Doe^Jane", along_z(0, 2, 4, 6), series="1.2", number="2")
    write_series(tmp_path / "MR", along_z(0, 2, 4), series="1.3", number="", modality="MR")
    names = [name_of(tmp_path / folder) for folder in ("Doe^John", "Doe^Jane", "MR")]
    assert names == ["CT series 2 (3 images)", "CT series 2 (4 images)", "MR series (3 images)"]


def test_a_series_that_is_opened_by_one_of_its_files_is_called_as_the_whole(tmp_path: Path) -> None:
    folder = write_series(tmp_path, along_z(0, 2, 4), number="2")
    assert name_of(sorted(folder.iterdir())[0]) == "CT series 2 (3 images)"


def test_any_other_scan_is_called_as_its_file(tmp_path: Path) -> None:
    shutil.copy(resource("Samples/sample_ct.nrrd"), tmp_path / "Abdomen 3.nrrd")
    assert name_of(tmp_path / "Abdomen 3.nrrd") == name_of(tmp_path) == "Abdomen 3"
