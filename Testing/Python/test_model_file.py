"""Which system a file of weights is for, and what it expects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_engine import specification
from safetensors.numpy import save_file
from VISTA3DSegmentLib.errors import ModelError
from VISTA3DSegmentLib.models.header import METADATA_KEY, Specification
from VISTA3DSegmentLib.models.model_file import ModelFile
from VISTA3DSegmentLib.models.registry import CT_SPECIFICATION, SEGVOL_SPECIFICATION, known
from VISTA3DSegmentLib.workspace.estimate import Estimator


def written(path: Path, of: Specification | None) -> Path:
    header = {} if of is None else {METADATA_KEY: of.to_json()}
    save_file({"weights": np.ones(3, dtype=np.float32)}, path, metadata=header)
    return path


def pickled(path: Path) -> Path:
    path.write_bytes(b"PK\x03\x04")
    return path


def test_the_header_says_which_system_a_file_is_for(tmp_path: Path) -> None:
    mine, own = specification(), written(tmp_path / "a.safetensors", specification())
    assert ModelFile(own, None).system == "vista3d"
    assert ModelFile(own, None).for_vista3d() == mine
    segvol = ModelFile(written(tmp_path / "b.safetensors", SEGVOL_SPECIFICATION), None)
    assert segvol.system == "segvol"
    assert segvol.for_segvol() == SEGVOL_SPECIFICATION


def test_the_header_counts_more_than_the_registry(tmp_path: Path) -> None:
    own = written(tmp_path / "a.safetensors", specification())
    assert ModelFile(own, known("nv-segment-ct")).for_vista3d() == specification()


def test_the_registry_speaks_for_published_files(tmp_path: Path) -> None:
    file = pickled(tmp_path / "model.bin")
    assert ModelFile(file, known("segvol")).system == "segvol"
    assert ModelFile(file, known("segvol")).for_segvol() == SEGVOL_SPECIFICATION
    assert ModelFile(file, known("nv-segment-ct")).for_vista3d() == CT_SPECIFICATION


@pytest.mark.parametrize("make", [pickled, lambda path: written(path.with_suffix(".safetensors"), None)])
def test_a_file_that_says_nothing_is_for_whoever_is_asked(make: Callable[[Path], Path], tmp_path: Path) -> None:
    file = ModelFile(make(tmp_path / "own.bin"), None)
    assert (file.system, file.for_vista3d(), file.for_segvol()) == (None, None, None)


def test_a_model_of_segvol_is_not_run_as_vista3d(tmp_path: Path) -> None:
    named = r"segvol is a model of SegVol, which segments by prompts.*'vista3dsegment prompt'"
    with pytest.raises(ModelError, match=named):
        ModelFile(pickled(tmp_path / "model.bin"), known("segvol")).for_vista3d()
    with pytest.raises(ModelError, match=r"mine\.safetensors is a model of SegVol"):
        Estimator(str(written(tmp_path / "mine.safetensors", SEGVOL_SPECIFICATION)), tmp_path)


def test_a_model_of_vista3d_is_not_run_as_segvol(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nv-segment-ct is a model of VISTA3D.*prompt --engine vista3d"):
        ModelFile(pickled(tmp_path / "model.pt"), known("nv-segment-ct")).for_segvol()
