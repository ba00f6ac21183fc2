"""A CT series for a volume that did not come from DICOM."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np
import pydicom
import pytest
from builders import gradient, oblique_geometry
from export_world import errors_of, scan
from shared_data import shared
from VISTA3DSegmentLib.errors import Cancelled, FileFormatError, PromptError, ResourceError
from VISTA3DSegmentLib.export import ct_series
from VISTA3DSegmentLib.export.ct_series import write_ct_series
from VISTA3DSegmentLib.files.dicom import read_dicom
from VISTA3DSegmentLib.files.usual_order import in_usual_order
from VISTA3DSegmentLib.files.volumes import read_volume
from VISTA3DSegmentLib.volume import Volume


def assert_same_in_space(found: Volume, expected: Volume, within: float = 0.0) -> None:
    """Every voxel of the expected volume has its value where it lies."""
    step = found.ras_to_ijk @ expected.ijk_to_ras
    k, j, i = np.indices(expected.shape_kji).reshape(3, -1)
    places = np.stack([i, j, k], axis=1) @ step[:3, :3].T + step[:3, 3]
    whole = np.rint(places).astype(int)
    assert np.abs(places - whole).max() < 0.01
    assert sorted(found.shape_kji) == sorted(expected.shape_kji)
    np.testing.assert_allclose(found.array[tuple(whole[:, ::-1].T)], expected.array[k, j, i], rtol=0, atol=within)


def test_the_series_is_the_volume(tmp_path: Path) -> None:
    source = write_ct_series(tmp_path / "ct", scan(), "ANON-1")
    found = read_dicom(tmp_path / "ct").volume
    assert_same_in_space(found, scan())
    np.testing.assert_allclose(source.ijk_to_ras, found.ijk_to_ras)
    assert source.notices == ()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1), (1, -1, -1), (-1, -1, -1)], ids=str)
def test_axes_are_put_in_the_usual_order_without_moving_a_voxel(
    order: tuple[int, int, int], signs: tuple[int, int, int]
) -> None:
    turn = np.eye(4)
    turn[:3, :3] = np.eye(3)[:, order] * signs
    volume = Volume(gradient(), turn @ np.diag((0.7, 0.9, 2.5, 1.0)))
    usual = in_usual_order(volume)
    assert_same_in_space(usual, volume)
    # To the left, to the back, upwards.
    assert np.all(np.diag(usual.ijk_to_ras)[:3] * (-1, -1, 1) > 0)


def test_dciodvfy_finds_no_error(tmp_path: Path) -> None:
    write_ct_series(tmp_path / "ct", scan(), "ANON-1")
    for file in (tmp_path / "ct").iterdir():
        assert errors_of(file) == []


def test_it_is_of_nobody_and_says_that_it_is_derived(tmp_path: Path) -> None:
    write_ct_series(tmp_path / "ct", Volume(scan().array, oblique_geometry(), "name of a file"), "ANON-1")
    image = pydicom.dcmread(tmp_path / "ct" / "00001.dcm")
    assert (str(image.PatientName), image.PatientID, image.PatientIdentityRemoved) == ("ANON-1^", "ANON-1", "YES")
    assert list(image.ImageType) == ["DERIVED", "SECONDARY", "AXIAL"]
    assert "name of a file" not in str(image)


def test_the_same_volume_gets_the_same_identifiers(tmp_path: Path) -> None:
    one, again = (write_ct_series(tmp_path / name, scan(), "ANON-1") for name in "ab")
    other = write_ct_series(tmp_path / "c", scan(), "ANON-2")
    assert one.series_uid == again.series_uid != other.series_uid
    assert len({one.study_uid, one.series_uid, one.frame_of_reference_uid}) == 3
    assert [s.SOPInstanceUID for s in one.slices] == [s.SOPInstanceUID for s in again.slices]


def test_fractional_values_are_rounded_and_that_is_told(tmp_path: Path) -> None:
    volume = Volume(scan().array * np.float32(0.37), oblique_geometry())
    source = write_ct_series(tmp_path / "ct", volume, "ANON-1")
    assert "rounded to steps" in " ".join(source.notices)
    extent = float(np.ptp(volume.array))
    assert_same_in_space(read_dicom(tmp_path / "ct").volume, volume, within=extent / 65000)


def test_whole_values_in_floating_point_are_kept_exactly(tmp_path: Path) -> None:
    volume = Volume(scan().array.astype(np.float64), oblique_geometry())
    assert write_ct_series(tmp_path / "ct", volume, "ANON-1").notices == ()
    assert_same_in_space(read_dicom(tmp_path / "ct").volume, volume)


def test_values_that_are_no_hounsfield_units_are_said_to_have_no_unit(tmp_path: Path) -> None:
    source = write_ct_series(tmp_path / "ct", Volume(scan().array + 1000, oblique_geometry()), "ANON-1")
    assert "no unit" in " ".join(source.notices)
    assert source.slices[0].RescaleType == "US"


def test_a_folder_with_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileFormatError, match=r"mine\.txt, which is not of this series"):
        write_ct_series(tmp_path, scan(), "ANON-1")
    assert [one.name for one in tmp_path.iterdir()] == ["mine.txt"]


def test_the_same_series_may_be_written_again_also_over_a_part_of_it(tmp_path: Path) -> None:
    write_ct_series(tmp_path / "ct", scan(), "ANON-1")
    before = files_in(tmp_path / "ct")
    (tmp_path / "ct" / "00002.dcm").unlink()
    os.truncate(tmp_path / "ct" / "00003.dcm", 600)
    write_ct_series(tmp_path / "ct", scan(), "ANON-1")
    assert files_in(tmp_path / "ct") == before


@pytest.mark.parametrize("name", ["00001.dcm", "copy.dcm", "00099.dcm", "folder"])
def test_what_is_not_of_the_series_is_never_replaced_nor_mixed_with_it(tmp_path: Path, name: str) -> None:
    write_ct_series(tmp_path / "other", Volume(scan().array + 1, oblique_geometry()), "ANON-1")
    write_ct_series(tmp_path / "ct", scan(), "ANON-1")
    image = {"00001.dcm": tmp_path / "other" / name, "copy.dcm": tmp_path / "ct" / "00001.dcm"}
    place = tmp_path / "ct" / name
    place.mkdir() if name == "folder" else place.write_bytes(image.get(name, Path(__file__)).read_bytes())
    before = files_in(tmp_path / "ct")
    with pytest.raises(FileFormatError, match=f"{name}, which is not of this series"):
        write_ct_series(tmp_path / "ct", scan(), "ANON-1")
    assert files_in(tmp_path / "ct") == before


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResourceError):
        write_ct_series(tmp_path / "missing" / "ct", scan(), "ANON-1")


def test_a_patient_without_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="no name"):
        write_ct_series(tmp_path / "ct", scan(), " ")


def test_cancelling_leaves_nothing(tmp_path: Path) -> None:
    asked: list[None] = []

    def after_three() -> bool:
        asked.append(None)
        return len(asked) > 3

    with pytest.raises(Cancelled):
        write_ct_series(tmp_path / "ct", scan(), "ANON-1", cancel=after_three)
    assert list(tmp_path.iterdir()) == []


def test_a_series_that_reads_back_wrong_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = ct_series.pydicom.dcmwrite

    def worse(file: Path, dataset: pydicom.Dataset, **options: object) -> None:
        dataset.PixelData = bytes(2) + dataset.PixelData[2:]
        original(file, dataset, **options)

    monkeypatch.setattr(ct_series.pydicom, "dcmwrite", worse)
    with pytest.raises(FileFormatError, match="did not read back"):
        write_ct_series(tmp_path / "ct", scan(), "ANON-1")
    assert list(tmp_path.iterdir()) == []


def test_a_real_nifti_becomes_a_series(tmp_path: Path) -> None:
    volume = read_volume(shared("data/ct_slab_3mm/ct.nii.gz")).volume
    write_ct_series(tmp_path / "ct", volume, "ANON-1")
    assert_same_in_space(read_dicom(tmp_path / "ct").volume, volume)
    assert errors_of(tmp_path / "ct" / "00001.dcm") == []
