"""The command line with SegVol itself, as small as it gets: from words to a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from cli_world import write_scan
from segvol_builders import TEXTS, TINY, specification
from VISTA3DSegmentLib.cli import FAILED, main
from VISTA3DSegmentLib.engines.segvol.network import build_network
from VISTA3DSegmentLib.engines.segvol.weights import TABLE
from VISTA3DSegmentLib.engines.weight_files import save_model
from VISTA3DSegmentLib.files.segmentations import read_segmentation
from VISTA3DSegmentLib.files.volumes import read_volume


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return write_scan(tmp_path)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Random weights, and a table of two texts in place of a text tower."""
    torch.manual_seed(0)
    network = build_network(replace(TINY, text_width=0, text_blocks=0, text_mlp=0, vocabulary=0, longest_text=0))
    state = {**network.state_dict(), TABLE: torch.randn(len(TEXTS), TINY.width)}
    save_model(state, specification(), tmp_path / "tiny.safetensors")
    return tmp_path / "tiny.safetensors"


def prompt(scan: Path, model: Path, out: Path, *words: str) -> int:
    return main(["prompt", str(scan), "--model", str(model), "--device", "cpu", "-o", str(out), *words])


def test_a_text_a_box_and_a_point_become_a_file(scan: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.seg.nrrd"
    words = ["--text", TEXTS[0], "--box", "4 6 4 16 16 14", "--positive", "10 10 10", "--segment", "lesion"]
    assert prompt(scan, model, out, *words) == 0
    written = read_segmentation(out, like=read_volume(scan).volume).segments
    assert [segment.name for segment in written] == ["lesion"]
    assert (tmp_path / "o.png").exists()


def test_words_that_the_model_does_not_know_are_refused_and_the_nearest_are_named(
    scan: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "o.seg.nrrd"
    assert prompt(scan, model, out, "--text", "brigth") == FAILED
    assert "Did you mean bright?" in capsys.readouterr().err
    assert not out.exists()


def test_a_model_of_vista3d_is_refused_before_its_weights_are_read(
    scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prompt(scan, Path("starter"), tmp_path / "o.seg.nrrd", "--text", "liver") == FAILED
    assert "starter is a model of VISTA3D" in capsys.readouterr().err
