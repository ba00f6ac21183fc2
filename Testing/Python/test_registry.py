"""The published models."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from VISTA3DSegmentLib import anatomy
from VISTA3DSegmentLib.errors import ModelError
from VISTA3DSegmentLib.models.registry import KNOWN_MODELS, known
from VISTA3DSegmentLib.models.segvol_specification import ForegroundPercentiles, SegVolSpecification
from VISTA3DSegmentLib.models.segvol_texts import SegVolText, read_texts, segvol_texts
from VISTA3DSegmentLib.models.specification import HounsfieldWindow, ModelSpecification, Percentiles


def specification_of(name: str) -> ModelSpecification:
    specification = known(name).specification
    assert isinstance(specification, ModelSpecification)
    return specification


def test_names_and_files_are_unambiguous() -> None:
    assert len({model.name for model in KNOWN_MODELS}) == len(KNOWN_MODELS)
    # The store finds a file by the model's name.
    assert all(Path(model.file).stem == model.name for model in KNOWN_MODELS)


def test_a_person_can_decide_before_a_download() -> None:
    for model in KNOWN_MODELS:
        assert model.title
        assert model.source
        assert len(model.licence.summary) > 40
        assert urlsplit(model.licence.url).scheme == "https"
        assert model.url is None or urlsplit(model.url).scheme == "https"


def test_ct_is_scaled_and_tiled_as_nvidias_bundle_does() -> None:
    for name in ("nv-segment-ct", "nv-segment-ct-pt", "nv-segment-ct-monai1.3", "vista3d-0.5"):
        expected = specification_of(name)
        assert expected.intensity == HounsfieldWindow(-963.8247715525971, 1053.678477684517)
        assert expected.spacing_mm == (1.5, 1.5, 1.5)
        assert expected.window == (128, 128, 128)
        assert (expected.overlap, expected.blending) == (0.25, "constant")
        assert sorted(expected.classes) == sorted(anatomy.EVERYTHING + anatomy.SECOND_PASS)
        assert expected.clicks
        assert expected.zero_shot


def test_ctmr_is_automatic_only_and_scaled_by_percentiles() -> None:
    expected = specification_of("nv-segment-ctmr")
    assert expected.intensity == Percentiles(1.0, 99.0)
    assert expected.window == (192, 192, 128)
    assert not expected.clicks
    assert not expected.zero_shot
    assert expected.classes == anatomy.EVERYTHING
    assert known("nv-segment-ctmr").modality == "CT, MR"
    assert "no commercial use" in known("nv-segment-ctmr").licence.summary


def test_published_sizes_and_hashes_are_kept_exactly() -> None:
    assert known("nv-segment-ct").size_bytes == 871_894_112
    assert known("nv-segment-ctmr").size_bytes == 871_892_040
    old = known("nv-segment-ct-monai1.3")
    assert old.size_bytes == 872_073_824
    assert old.sha256 == "889042ab37dbb9f9b2467e4a91654fb3b56482b74b98d315fc89026ab1570af8"
    assert known("vista3d-0.5").md5 == "6ce45a8edde4400c5d28d5e74d7b61d5"
    segvol = known("segvol")
    assert segvol.size_bytes == 723_726_667
    assert segvol.sha256 == "500f2758a8f989339b2b2baf09a819169bc87549795193d3cfe505726ac0b399"
    assert segvol.vocabulary is not None
    assert segvol.vocabulary.size_bytes == 524_657


def test_segvol_is_scaled_and_tiled_as_its_authors_do() -> None:
    segvol = known("segvol")
    assert segvol.architecture == "segvol"
    expected = segvol.specification
    assert isinstance(expected, SegVolSpecification)
    assert expected.intensity == ForegroundPercentiles(0.05, 99.95)
    assert (expected.window, expected.overlap, expected.spacing_mm) == ((32, 256, 256), 0.5, None)
    assert (expected.resizing, expected.matching_axes) == ("nearest-exact", False)
    assert expected.texts == tuple(text.name for text in segvol_texts())
    assert {"liver", "spleen", "left kidney"} <= set(expected.texts)


def test_segvols_licence_says_what_its_authors_leave_open() -> None:
    licence = known("segvol").licence
    assert licence.name == "MIT"
    assert "ModelScope" in licence.summary
    assert "names no licence" in licence.summary


def test_segvols_texts_are_names_with_what_the_training_called_them(tmp_path: Path) -> None:
    path = tmp_path / "categories.json"
    path.write_text('{"source": "x", "texts": [{"name": "aorta", "key": "arota", "ids": [7, 8]}]}', encoding="utf-8")
    assert read_texts(path) == (SegVolText("aorta", "arota", (7, 8)),)
    assert all(text.name and text.key and text.ids for text in segvol_texts())


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(ModelError, match=r"'nv-segmnt-ct'.*Did you mean nv-segment-ct"):
        known("nv-segmnt-ct")
    with pytest.raises(ModelError, match="Known are starter"):
        known("xyzzy")
