"""The sample case that ships with the project is the one that its script draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
from VISTA3DSegmentLib.learning import sample
from VISTA3DSegmentLib.learning.phantom import Phantom, make_phantom
from VISTA3DSegmentLib.resources import resource


def shipped(name: str) -> sitk.Image:
    return sitk.ReadImage(str(resource(f"Samples/{name}")))


@pytest.fixture(scope="module")
def drawn() -> Phantom:
    """The sample without the fine voxels of its image: the same person and truth, in a tenth of the time."""
    look = replace(sample.APPEARANCE, oversampling=1)
    return make_phantom(sample.SEED, sample.SPACING_MM, sample.COVERAGE_MM, look)


def test_the_shipped_truth_is_the_one_that_the_script_draws(drawn):
    truth = sitk.GetArrayFromImage(shipped(sample.TRUTH_NAME))
    assert truth.dtype == np.uint8
    assert truth.shape == drawn.labels.shape
    # Rounding of sine and power differs between processors: a voxel here and there.
    assert (truth != drawn.labels).mean() < 1e-4


def test_the_shipped_ct_shows_the_person_that_the_script_draws(drawn):
    image = sitk.GetArrayFromImage(shipped(sample.CT_NAME))
    assert image.dtype == np.int16
    for class_id in (1, 3, 5, 6, 14, 33):
        inside = drawn.labels == class_id
        assert abs(np.median(image[inside]) - np.median(drawn.volume.array[inside])) < 25


def test_the_shipped_ct_lies_where_the_phantom_lies(drawn):
    for name in (sample.CT_NAME, sample.TRUTH_NAME):
        image = shipped(name)
        assert image.GetSpacing() == pytest.approx(sample.SPACING_MM)
        assert np.allclose(image.GetDirection(), np.eye(3).ravel())
        right, anterior, superior = drawn.volume.ras_of((0, 0, 0))
        assert image.GetOrigin() == pytest.approx((-right, -anterior, superior), abs=1e-3)


def test_the_sample_is_small_enough_to_live_in_the_repository():
    assert resource(f"Samples/{sample.CT_NAME}").stat().st_size <= 4e6
    assert resource(f"Samples/{sample.TRUTH_NAME}").stat().st_size <= 4e5


def test_the_sample_says_that_it_is_synthetic():
    text = resource("Samples/README.md").read_text(encoding="utf-8")
    assert "synthetic" in text
    assert "CC0" in text


def test_who_asks_for_help_gets_it_and_no_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        sample.main(["--help"])
    assert ended.value.code == 0
    assert "learning.sample FOLDER" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_writing_the_sample_again_gives_the_shipped_files(tmp_path):
    sample.write_sample(tmp_path)
    for name in (sample.CT_NAME, sample.TRUTH_NAME):
        again = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / name))).astype(np.int32)
        assert (np.abs(again - sitk.GetArrayFromImage(shipped(name))) > 1).mean() < 1e-3
