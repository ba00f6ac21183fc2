"""NIfTI: read as ITK does where the file is sound, refused where ITK guesses."""

from __future__ import annotations

import gzip
import itertools
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
from builders import gradient, itk_image, nifti_bytes, oblique_geometry, ras_geometry, written
from real_scans import real_scan
from VISTA3DSegmentLib.errors import FileFormatError, VolumeError
from VISTA3DSegmentLib.files import reading
from VISTA3DSegmentLib.files.volumes import read_volume

TURNED = [[0, -4, 0, 1], [5, 0, 0, 2], [0, 0, 6, 3]]
STRAIGHT = [[1, 0, 0, 10], [0, 2, 0, 20], [0, 0, 3, 30]]
AT_10_20_30 = (0, 0, 0, 10, 20, 30)
NAN = float("nan")

ORIENTATIONS = [
    "".join(letters) for axes in itertools.permutations(("RL", "AP", "SI")) for letters in itertools.product(*axes)
]


@pytest.mark.parametrize("letters", ORIENTATIONS)
def test_voxels_lie_at_the_same_place_in_every_axis_order(letters: str) -> None:
    # A point of the head, the same in RAS, has the same value in all 48 files.
    reference = real_scan("nifti_orientations/RAS.nii.gz")
    volume = real_scan(f"nifti_orientations/{letters}.nii.gz")
    axes = volume.ijk_to_ras[:3, :3]
    named = ["RAS"[axis] if axes[axis, n] > 0 else "LPI"[axis] for n, axis in enumerate(np.abs(axes).argmax(axis=0))]
    assert "".join(named) == letters
    rng = np.random.default_rng(0)
    for ijk in rng.integers((3, 3, 3), np.array(reference.array.shape[::-1]) - 3, size=(50, 3)):
        i, j, k = np.rint(volume.ijk_of(tuple(reference.ras_of(tuple(ijk))))).astype(int)
        assert volume.array[k, j, i] == reference.array[ijk[2], ijk[1], ijk[0]]


def test_oblique_image_lies_where_itk_puts_it(tmp_path: Path) -> None:
    path = tmp_path / "scan.nii.gz"
    sitk.WriteImage(itk_image(gradient(), oblique_geometry()), str(path))
    read = read_volume(path)
    np.testing.assert_allclose(read.volume.ijk_to_ras, oblique_geometry(), atol=1e-4)
    np.testing.assert_array_equal(read.volume.array, gradient())
    assert read.volume.array.dtype == np.int16
    assert (read.volume.name, read.notices) == ("scan", ())


@pytest.mark.parametrize(("q", "s"), list(itertools.product((0, 1, 2, 4), (0, 1, 2, 4))))
def test_the_form_in_force_is_the_one_that_itk_takes(tmp_path: Path, q: int, s: int) -> None:
    content = nifti_bytes(gradient(), qform=(q, AT_10_20_30), sform=(s, TURNED))
    read = read_volume(written(tmp_path / "scan.nii", content))
    itk = sitk.ReadImage(str(tmp_path / "scan.nii"))
    np.testing.assert_allclose(read.volume.ijk_to_ras, ras_geometry(itk), atol=1e-5)


def test_half_turn_rounded_beyond_length_one_is_read_as_itk_does(tmp_path: Path) -> None:
    content = nifti_bytes(gradient(), qform=(1, (0.70711, 0.70711, 0, 10, 20, 30)))
    read = read_volume(written(tmp_path / "scan.nii", content))
    np.testing.assert_allclose(
        read.volume.ijk_to_ras, ras_geometry(sitk.ReadImage(str(tmp_path / "scan.nii"))), atol=1e-3
    )


def test_disagreeing_forms_are_told(tmp_path: Path) -> None:
    content = nifti_bytes(gradient(), qform=(1, AT_10_20_30), sform=(1, TURNED))
    (notice,) = read_volume(written(tmp_path / "scan.nii", content)).notices
    assert "disagree by up to" in notice
    assert "sform" in notice


def test_agreeing_forms_are_not_told(tmp_path: Path) -> None:
    content = nifti_bytes(gradient(), qform=(1, AT_10_20_30), sform=(1, STRAIGHT))
    assert read_volume(written(tmp_path / "scan.nii", content)).notices == ()


def test_a_file_without_orientation_is_told_to_be_doubtful(tmp_path: Path) -> None:
    (notice,) = read_volume(written(tmp_path / "scan.nii", nifti_bytes(gradient()))).notices
    assert "does not say how the patient lies" in notice


@pytest.mark.parametrize(("unit", "mm"), [(0, 1.0), (1, 1000.0), (3, 0.001)])
def test_units_become_millimetres(tmp_path: Path, unit: int, mm: float) -> None:
    pixdim = np.array((1.0, 2.0, 3.0)) / mm
    matrix = np.array(STRAIGHT, float) / mm
    read = read_volume(
        written(tmp_path / "a.nii", nifti_bytes(gradient(), pixdim=pixdim, sform=(1, matrix), unit=unit))
    )
    np.testing.assert_allclose(read.volume.ijk_to_ras[:3], STRAIGHT, rtol=1e-6)
    assert bool(read.notices) == (mm != 1.0)


@pytest.mark.parametrize(
    ("scaling", "dtype", "first"),
    [
        ((1, 0), np.int16, -50),
        ((0, 7), np.int16, -50),
        ((NAN, NAN), np.int16, -50),
        ((2, -1000), np.int16, -1100),
        ((2000, 0), np.int32, -100000),
        ((0.5, 0), np.float32, -25),
    ],
)
def test_stored_values_are_rescaled_in_the_type_that_holds_them(
    tmp_path: Path, scaling: tuple[float, float], dtype: type, first: float
) -> None:
    volume = read_volume(written(tmp_path / "a.nii", nifti_bytes(gradient(), scaling=scaling))).volume
    assert volume.array.dtype == dtype
    assert volume.array[0, 0, 0] == first


def test_big_endian_files_are_read(tmp_path: Path) -> None:
    content = nifti_bytes(gradient(), qform=(1, AT_10_20_30), order=">")
    volume = read_volume(written(tmp_path / "a.nii", content)).volume
    np.testing.assert_array_equal(volume.array, gradient())
    assert volume.array.dtype.isnative


def test_a_fourth_dimension_of_length_one_is_no_obstacle(tmp_path: Path) -> None:
    content = nifti_bytes(gradient(), dim=(4, 6, 5, 4, 1))
    assert read_volume(written(tmp_path / "a.nii", content)).volume.shape_kji == (4, 5, 6)


BROKEN = {
    "spacing is NaN": ({"pixdim": (1, NAN, 3)}, "voxel sizes"),
    "spacing is zero": ({"pixdim": (1, 0, 3)}, "voxel sizes"),
    "spacing is negative": ({"pixdim": (-1, 2, 3)}, "voxel sizes"),
    "spacing is infinite": ({"pixdim": (1, 2, float("inf"))}, "voxel sizes"),
    "sform is NaN": ({"sform": (1, np.full((3, 4), NAN))}, "sform"),
    "qform is NaN": ({"qform": (1, (0, NAN, 0, 0, 0, 0))}, "qform"),
    "sform is singular": ({"sform": (1, [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0]])}, "singular"),
    "sform is zero": ({"sform": (2, np.zeros((3, 4)))}, "singular"),
    "image is 4-D": ({"dim": (4, 6, 5, 2, 2)}, "4 dimensions"),
    "image is 2-D": ({"dim": (2, 6, 20)}, "2 dimensions"),
    "image is RGB": ({"datatype": 128}, "colours"),
    "image is complex": ({"datatype": 32}, "not grey values"),
    "size is absurd": ({"dim": (3, 32767, 32767, 32767)}, "more than can be real"),
    "voxels are too many": ({"datatype": 2, "dim": (3, 1500, 1500, 1500)}, "more than can be real"),
    "length is negative": ({"dim": (3, 6, -5, 4)}, "empty"),
    "offset is wild": ({"offset": 1e9}, "begin at byte"),
    "offset is NaN": ({"offset": NAN}, "begin at byte"),
    "header of a pair": ({"magic": b"ni1\0"}, "pair"),
    "unit is unknown": ({"unit": 5}, "unit"),
    "scaling is infinite": ({"scaling": (float("inf"), 0)}, "scaling"),
}


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("packed", [False, True])
def test_broken_header_is_refused_by_name(tmp_path: Path, fault: str, packed: bool) -> None:
    changes, sentence = BROKEN[fault]
    content = nifti_bytes(gradient(), **changes)  # type: ignore[arg-type]
    path = written(tmp_path / ("bad.nii.gz" if packed else "bad.nii"), gzip.compress(content) if packed else content)
    with pytest.raises(FileFormatError, match=sentence) as caught:
        read_volume(path)
    assert path.name in caught.value.what
    assert caught.value.remedy


@pytest.mark.parametrize("code", [1, 2])
def test_sheared_sform_is_refused_also_where_a_qform_is_sound(tmp_path: Path, code: int) -> None:
    sheared = [[1, 0.5, 0, 0], [0, 2, 0, 0], [0, 0, 3, 0]]
    content = nifti_bytes(gradient(), sform=(code, sheared), qform=(1 if code == 1 else 0, AT_10_20_30))
    with pytest.raises(VolumeError, match="right angles"):
        read_volume(written(tmp_path / "a.nii", content))


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.97])
def test_truncated_file_is_refused(tmp_path: Path, kept: float) -> None:
    content = nifti_bytes(gradient(), qform=(1, AT_10_20_30))
    for path, whole in ((tmp_path / "a.nii", content), (tmp_path / "a.nii.gz", gzip.compress(content))):
        with pytest.raises(FileFormatError, match="truncated"):
            read_volume(written(path, whole[: int(len(whole) * kept)]))


def test_gzip_that_unpacks_to_too_little_or_to_other_bytes_is_refused(tmp_path: Path) -> None:
    content = nifti_bytes(gradient(), qform=(1, AT_10_20_30))
    with pytest.raises(FileFormatError, match="truncated"):
        read_volume(written(tmp_path / "a.nii.gz", gzip.compress(content[:-2])))
    packed = bytearray(gzip.compress(content, compresslevel=0))
    packed[-20] ^= 0xFF
    with pytest.raises(FileFormatError, match="damaged"):
        read_volume(written(tmp_path / "b.nii.gz", bytes(packed)))


def test_what_a_gzip_bomb_holds_beyond_its_header_is_not_unpacked(tmp_path: Path) -> None:
    bomb = gzip.compress(nifti_bytes(gradient(), qform=(1, AT_10_20_30)) + bytes(20 * 2**20), compresslevel=1)
    asked = []
    real = reading.gzip.GzipFile.read

    def counting(self: gzip.GzipFile, size: int | None = -1) -> bytes:
        chunk = real(self, size)
        asked.append(len(chunk))
        return chunk

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading.gzip.GzipFile, "read", counting)
        assert read_volume(written(tmp_path / "a.nii.gz", bomb)).volume.shape_kji == (4, 5, 6)
    assert sum(asked) < 4 * 2**20


def test_huge_declared_size_in_a_small_file_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    content = nifti_bytes(gradient(), dim=(3, 1290, 1290, 1290))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading.np, "empty", lambda *_: pytest.fail("memory was taken"))
        for path, whole in ((tmp_path / "a.nii", content), (tmp_path / "a.nii.gz", gzip.compress(content))):
            with pytest.raises(FileFormatError, match="truncated"):
                read_volume(written(path, whole))
