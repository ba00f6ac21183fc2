"""What a person gives as a scan: the kind is found, and what cannot be read is said in a sentence."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from builders import gradient, nifti_bytes, written
from VISTA3DSegmentLib.errors import FileFormatError
from VISTA3DSegmentLib.files.volumes import read_volume


def told(path: Path) -> str:
    """What a person is told of a file that is refused."""
    with pytest.raises(FileFormatError) as caught:
        read_volume(path)
    assert caught.value.remedy
    return caught.value.what


def test_missing_file_is_named(tmp_path: Path) -> None:
    assert "missing.nii.gz does not exist" in told(tmp_path / "missing.nii.gz")


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha", "a.dcm"])
def test_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    assert f"{name} is empty" in told(written(tmp_path / name, b""))


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha", "a.dcm", "a"])
def test_file_of_other_content_is_refused(tmp_path: Path, name: str) -> None:
    assert name in told(written(tmp_path / name, b"GIF89a, or what else a person may give" * 50))


def test_folder_without_dicom_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    assert "holds no DICOM image" in told(tmp_path)


@pytest.mark.parametrize("name", ["a.nhdr", "a.mhd", "a.hdr", "a.img"])
def test_half_of_a_detached_pair_is_refused(tmp_path: Path, name: str) -> None:
    assert "two files" in told(written(tmp_path / name, b"anything"))


@pytest.mark.skipif(os.name != "posix", reason="needs a device file")
def test_device_is_not_read() -> None:
    assert "is not a file" in told(Path("/dev/zero"))


def test_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.nii", nifti_bytes(gradient()))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert "a.nii cannot be opened (Permission denied)" in told(path)


def test_suffix_in_capitals_and_path_as_text_are_understood(tmp_path: Path) -> None:
    path = written(tmp_path / "Scan.NII", nifti_bytes(gradient()))
    volume = read_volume(str(path)).volume
    np.testing.assert_array_equal(volume.array, gradient())
    assert volume.name == "Scan"
