"""MetaImage: files with their voxels inside are read as ITK does; everything doubtful is refused."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
from builders import gradient, itk_image, oblique_geometry, written
from VISTA3DSegmentLib.errors import FileFormatError, VolumeError
from VISTA3DSegmentLib.files.volumes import read_volume

SOUND = {
    "ObjectType": "Image",
    "NDims": "3",
    "BinaryData": "True",
    "BinaryDataByteOrderMSB": "False",
    "CompressedData": "False",
    "TransformMatrix": "1 0 0 0 1 0 0 0 1",
    "Offset": "10 20 30",
    "ElementSpacing": "1 2 3",
    "DimSize": "6 5 4",
    "ElementType": "MET_SHORT",
    "ElementDataFile": "LOCAL",
}


def metaimage(body: bytes = gradient().tobytes(), **changes: str | None) -> bytes:
    """A MetaImage file; None leaves a field out."""
    data_file = changes.pop("ElementDataFile", "LOCAL")
    fields = {**SOUND, **changes}
    del fields["ElementDataFile"]
    lines = [f"{key} = {value}" for key, value in fields.items() if value is not None]
    return "\n".join([*lines, f"ElementDataFile = {data_file}", ""]).encode() + body


@pytest.mark.parametrize("compressed", [False, True])
def test_image_written_by_itk_is_read_alike(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "scan.mha"
    sitk.WriteImage(itk_image(gradient(), oblique_geometry()), str(path), compressed)
    read = read_volume(path)
    np.testing.assert_allclose(read.volume.ijk_to_ras, oblique_geometry(), atol=1e-9)
    np.testing.assert_array_equal(read.volume.array, gradient())
    assert (read.volume.array.dtype, read.volume.name) == (np.dtype(np.int16), "scan")


def test_big_endian_voxels_are_read(tmp_path: Path) -> None:
    content = metaimage(gradient().astype(">i2").tobytes(), BinaryDataByteOrderMSB="True")
    np.testing.assert_array_equal(read_volume(written(tmp_path / "a.mha", content)).volume.array, gradient())


BROKEN: dict[str, tuple[dict[str, str | None], str]] = {
    "voxels in another file": ({"ElementDataFile": "/etc/passwd"}, "another file"),
    "voxels in a list of files": ({"ElementDataFile": "LIST"}, "another file"),
    "NaN spacing": ({"ElementSpacing": "1 nan 3"}, "ElementSpacing"),
    "zero spacing": ({"ElementSpacing": "1 0 3"}, "voxel sizes"),
    "negative spacing": ({"ElementSpacing": "1 -2 3"}, "voxel sizes"),
    "no spacing": ({"ElementSpacing": None}, "ElementSpacing"),
    "infinite origin": ({"Offset": "1 inf 3"}, "Offset"),
    "short matrix": ({"TransformMatrix": "1 0 0 0 1"}, "TransformMatrix"),
    "2-D": ({"NDims": "2", "DimSize": "6 20"}, "2 dimensions"),
    "4-D": ({"NDims": "4", "DimSize": "6 5 4 2"}, "4 dimensions"),
    "colours": ({"ElementNumberOfChannels": "3"}, "3 values per voxel"),
    "unknown type": ({"ElementType": "MET_STRING"}, "MET_STRING"),
    "absurd size": ({"DimSize": "99999 99999 99999"}, "more than can be real"),
    "size is no number": ({"DimSize": "6 5 x"}, "whole numbers"),
    "truncated": ({"DimSize": "6 5 5"}, "truncated"),
    "not compressed as said": ({"CompressedData": "True"}, "damaged"),
    "text": ({"BinaryData": "False"}, "text"),
    "gap": ({"HeaderSize": "-1"}, "gap"),
    "centimetres": ({"DistanceUnits": "cm"}, "measures in cm"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_header_is_refused_by_name(tmp_path: Path, fault: str) -> None:
    changes, sentence = BROKEN[fault]
    with pytest.raises(FileFormatError, match=sentence) as caught:
        read_volume(written(tmp_path / "bad.mha", metaimage(**changes)))
    assert "bad.mha" in caught.value.what
    assert caught.value.remedy


def test_truncated_compression_is_refused(tmp_path: Path) -> None:
    packed = zlib.compress(gradient().tobytes())
    for kept in (len(packed) // 2, len(packed) - 2):
        with pytest.raises(FileFormatError, match="truncated"):
            read_volume(written(tmp_path / "bad.mha", metaimage(packed[:kept], CompressedData="True")))


def test_singular_axes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match="singular"):
        read_volume(written(tmp_path / "bad.mha", metaimage(TransformMatrix="1 0 0 1 0 0 0 0 1")))


def test_file_that_is_no_metaimage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="not a MetaImage"):
        read_volume(written(tmp_path / "bad.mha", bytes(5000)))
