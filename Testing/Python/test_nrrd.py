"""NRRD: attached files are read as ITK does; detached, damaged and doubtful ones are refused or told."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
from builders import gradient, itk_image, oblique_geometry, written
from shared_data import shared
from VISTA3DSegmentLib.errors import FileFormatError, VolumeError
from VISTA3DSegmentLib.files.volumes import read_volume

SOUND = {
    "type": "short",
    "dimension": "3",
    "space": "left-posterior-superior",
    "sizes": "6 5 4",
    "space directions": "(1,0,0) (0,2,0) (0,0,3)",
    "kinds": "domain domain domain",
    "endian": "little",
    "encoding": "raw",
    "space origin": "(10,20,30)",
}


def nrrd(body: bytes = gradient().tobytes(), **changes: str | None) -> bytes:
    """An NRRD file; underscores in the names of fields stand for spaces, None leaves a field out."""
    fields = SOUND | {key.replace("_", " "): value for key, value in changes.items()}
    lines = [f"{key}: {value}" for key, value in fields.items() if value is not None]
    return "\n".join(["NRRD0004", "# comment", *lines, "", ""]).encode() + body


@pytest.mark.parametrize("compressed", [False, True])
def test_image_written_by_itk_is_read_alike(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "scan.nrrd"
    sitk.WriteImage(itk_image(gradient(), oblique_geometry()), str(path), compressed)
    read = read_volume(path)
    np.testing.assert_allclose(read.volume.ijk_to_ras, oblique_geometry(), atol=1e-9)
    np.testing.assert_array_equal(read.volume.array, gradient())
    assert (read.volume.array.dtype, read.volume.name, read.notices) == (np.dtype(np.int16), "scan", ())


def test_file_of_another_program_is_read() -> None:
    path = shared("data/dcmqi/heart_seg.nrrd")
    np.testing.assert_array_equal(read_volume(path).volume.array, sitk.GetArrayFromImage(sitk.ReadImage(str(path))))


@pytest.mark.parametrize(
    ("space", "corner"),
    [("left-posterior-superior", (-10, -20, 30)), ("RAS", (10, 20, 30)), ("left-anterior-superior", (-10, 20, 30))],
)
def test_every_named_space_ends_in_ras(tmp_path: Path, space: str, corner: tuple[int, int, int]) -> None:
    volume = read_volume(written(tmp_path / "a.nrrd", nrrd(space=space))).volume
    np.testing.assert_array_equal(volume.ras_of((0, 0, 0)), corner)
    step = np.sign(corner[0]), 0, 0
    np.testing.assert_array_equal(volume.ras_of((1, 0, 0)) - volume.ras_of((0, 0, 0)), step)


def test_all_encodings_and_byte_orders_give_the_same_voxels(tmp_path: Path) -> None:
    raw = gradient().tobytes()
    swapped = gradient().astype(">i2").tobytes()
    for content in (
        nrrd(),
        nrrd(gzip.compress(raw), encoding="gzip"),
        nrrd(bz2.compress(raw), encoding="bz2"),
        nrrd(swapped, endian="big"),
    ):
        array = read_volume(written(tmp_path / "a.nrrd", content)).volume.array
        np.testing.assert_array_equal(array, gradient())
        assert array.dtype.isnative


def test_image_without_orientation_is_read_as_itk_does_and_told(tmp_path: Path) -> None:
    content = nrrd(space=None, space_directions=None, space_origin=None, spacings="1 2 3", kinds=None)
    read = read_volume(written(tmp_path / "a.nrrd", content))
    assert read.volume.spacing_mm == (1, 2, 3)
    assert sitk.ReadImage(str(tmp_path / "a.nrrd")).GetDirection() == (1, 0, 0, 0, 1, 0, 0, 0, 1)
    np.testing.assert_array_equal(np.sign(np.diag(read.volume.ijk_to_ras)), (-1, -1, 1, 1))
    assert "does not say how the patient lies" in read.notices[0]


BROKEN: dict[str, tuple[dict[str, str | None], str]] = {
    "voxels in another file": ({"data_file": "/etc/passwd"}, "another file"),
    "voxels in another file, short name": ({"datafile": "LIST"}, "another file"),
    "unknown space": ({"space": "scanner-xyz"}, "how the patient lies"),
    "no space": ({"space": None}, "how the patient lies"),
    "NaN axis": ({"space_directions": "(nan,0,0) (0,2,0) (0,0,3)"}, "not made of numbers"),
    "zero axis": ({"space_directions": "(0,0,0) (0,2,0) (0,0,3)"}, "zero"),
    "NaN origin": ({"space_origin": "(10,nan,30)"}, "not made of numbers"),
    "NaN spacing": ({"space_directions": None, "spacings": "1 nan 3"}, "voxel sizes"),
    "negative spacing": ({"space_directions": None, "spacings": "1 -2 3"}, "voxel sizes"),
    "no geometry": ({"space_directions": None}, "voxel sizes"),
    "two axes": ({"space_directions": "(1,0,0) (0,2,0)"}, "2 axes"),
    "four axes": ({"dimension": "4", "sizes": "3 6 5 4"}, "4 dimensions"),
    "sizes and dimension differ": ({"sizes": "6 5"}, "3 axes and 2 sizes"),
    "size is no number": ({"sizes": "6 5 x"}, "size"),
    "absurd size": ({"sizes": "99999 99999 99999"}, "more than can be real"),
    "empty": ({"sizes": "6 0 4"}, "empty"),
    "truncated": ({"sizes": "6 5 5"}, "truncated"),
    "gzip that is none": ({"encoding": "gzip"}, "damaged"),
    "text": ({"encoding": "ascii"}, "encoding"),
    "byte skip": ({"byte_skip": "-1"}, "gap"),
    "blocks": ({"type": "block"}, "type block"),
    "byte order unknown": ({"endian": None}, "byte order"),
    "metres": ({"space_units": '"m" "m" "m"'}, "measures in m"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_header_is_refused_by_name(tmp_path: Path, fault: str) -> None:
    changes, sentence = BROKEN[fault]
    with pytest.raises(FileFormatError, match=sentence) as caught:
        read_volume(written(tmp_path / "bad.nrrd", nrrd(**changes)))
    assert "bad.nrrd" in caught.value.what
    assert caught.value.remedy


@pytest.mark.parametrize("axes", ["(1,0,0) (1,0,0) (0,0,3)", "(1,0,0) (1,2,0) (0,0,3)"])
def test_singular_and_sheared_axes_are_refused(tmp_path: Path, axes: str) -> None:
    with pytest.raises(VolumeError, match=r"singular|right angles"):
        read_volume(written(tmp_path / "bad.nrrd", nrrd(space_directions=axes)))


def test_damaged_compression_is_refused(tmp_path: Path) -> None:
    for encoding, packed in (
        ("gzip", gzip.compress(gradient().tobytes())),
        ("bzip2", bz2.compress(gradient().tobytes())),
    ):
        with pytest.raises(FileFormatError, match="truncated"):
            read_volume(written(tmp_path / "bad.nrrd", nrrd(packed[:-12], encoding=encoding)))


def test_header_that_never_ends_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="does not end"):
        read_volume(written(tmp_path / "bad.nrrd", nrrd(b"").rstrip()))
