"""One structure by a text, a box and points at the command line, and what can be named."""

from __future__ import annotations

import os
import re
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_world import LIVER_BOX, LIVER_VOXELS, SPLEEN_VOXELS, Run, masks_of, write_base, write_scan
from fake_engine import LIVER, RIGHT_KIDNEY, SPLEEN, WORDS, FakeEngine, FakeOpened, specification
from safetensors.numpy import save_file
from VISTA3DSegmentLib.anatomy import class_of
from VISTA3DSegmentLib.cli import CANCELLED, FAILED, main
from VISTA3DSegmentLib.cli.collaborators import Collaborators
from VISTA3DSegmentLib.edits import Edit
from VISTA3DSegmentLib.files.segmentations import read_segmentation
from VISTA3DSegmentLib.files.volumes import read_volume
from VISTA3DSegmentLib.models.header import METADATA_KEY, Specification
from VISTA3DSegmentLib.models.registry import SEGVOL_SPECIFICATION
from VISTA3DSegmentLib.prompts import Box, Click, Structure, Text
from VISTA3DSegmentLib.volume import Volume

LIVER_CORNERS, LIVER_OF_BOX = "4 6 4 16 16 14", Box((4.0, 6.0, 4.0), (16.0, 16.0, 14.0))
"""RAS mm of the box that holds the liver of the scan."""
WRONG_USAGE = 2


class FakeSegVol(FakeEngine):
    """Tells something with every answer."""

    def open(self, volume: Volume) -> FakeOpened:
        """Make a volume ready."""
        return FakeOpenedSegVol(volume, self)


class FakeOpenedSegVol(FakeOpened):
    """The engine with a volume."""

    def refine(self, *asked: Any) -> Edit:
        """The fake engine's answer."""
        return replace(super().refine(*asked), notices=("What the engine notices.",))


@pytest.fixture(autouse=True)
def more_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """More that can be named to the fake engine."""
    for word, class_id in (("hepar", LIVER), ("thing", SPLEEN), ("kidney", RIGHT_KIDNEY)):
        monkeypatch.setitem(WORDS, word, class_id)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return write_scan(tmp_path)


@pytest.fixture
def segvol() -> FakeSegVol:
    return FakeSegVol()


@pytest.fixture
def vista3d() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def opened_with() -> list[tuple[str, ...]]:
    return []


@pytest.fixture
def run(
    segvol: FakeSegVol,
    vista3d: FakeEngine,
    opened_with: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Run:
    """Run a command with fake engines, in a folder and with a home of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VISTA3DSEGMENT_HOME", str(tmp_path / "home"))

    def opening(engine: FakeEngine) -> Any:
        def open_(weights: str, device: str = "auto", precision: str = "auto") -> FakeEngine:
            opened_with.append((weights, device, precision))
            return engine

        return open_

    with_what = Collaborators(open_engine=opening(vista3d), open_segvol=opening(segvol))
    return lambda *words: main([str(word) for word in words], with_what)


def written_model(path: Path, of: Specification) -> Path:
    save_file({"weights": np.ones(3, dtype=np.float32)}, path, metadata={METADATA_KEY: of.to_json()})
    return path


# What is asked


def test_a_text_a_box_and_points_reach_segvol_in_this_order(
    run: Run, scan: Path, segvol: FakeSegVol, opened_with: list[tuple[str, ...]]
) -> None:
    words = ["--positive", "10 10 10", "--box", LIVER_CORNERS, "--negative", "-0.5,2,3", "--text", "liver"]
    assert run("prompt", scan, *words, "--precision", "fp32", "-o", "o.seg.nrrd", "--no-picture") == 0
    ((structure, prompts, base, region),) = segvol.asked  # type: ignore[misc]
    assert structure == Structure("liver", LIVER)
    assert prompts == (
        Text("liver"), LIVER_OF_BOX, Click((10.0, 10.0, 10.0)), Click((-0.5, 2.0, 3.0), positive=False),
    )  # fmt: skip
    assert (base, region) == (None, None)
    assert opened_with == [("segvol-starter", "auto", "fp32")]


def test_what_a_text_names_has_the_name_colour_and_code_of_its_class(
    run: Run, scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("prompt", scan, "--text", "hepar", "--box", LIVER_CORNERS, "--segment", "LIVER", "-o", "o.seg.nrrd") == 0
    (segment,) = read_segmentation(tmp_path / "o.seg.nrrd", like=read_volume(scan).volume).segments
    assert (segment.name, segment.color, segment.class_id) == ("liver", class_of(LIVER).color, LIVER)
    assert "10200004" in segment.terminology
    assert masks_of(tmp_path / "o.seg.nrrd", scan)["liver"][LIVER_BOX].all()
    assert (tmp_path / "o.png").read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr()
    assert "What the engine notices." in said.err
    assert re.search(r"^liver: \d+\.\d ml", said.out, re.MULTILINE)
    assert "Wrote o.seg.nrrd, o.png." in said.out


@pytest.mark.parametrize(
    ("words", "name", "class_id"),
    [
        (["--text", "liver"], "liver", LIVER),
        (["--text", "liver", "--segment", "liver before"], "liver before", LIVER),
        (["--text", "thing", "--segment", "Spleen"], "spleen", SPLEEN),
        (["--text", "kidney"], "kidney", None),
        (["--text", "kidney", "--segment", "left kidney"], "left kidney", 14),
        (["--segment", "abscess"], "abscess", None),
        ([], "structure", None),
    ],
)
def test_a_structure_is_called_as_the_person_says_and_is_the_class_that_the_words_mean(
    words: list[str], name: str, class_id: int | None, run: Run, scan: Path, segvol: FakeSegVol, tmp_path: Path
) -> None:
    assert run("prompt", scan, *words, "--box", LIVER_CORNERS, "-o", "o.seg.nrrd", "--no-picture") == 0
    ((structure, *_),) = segvol.asked  # type: ignore[misc]
    assert structure == Structure(name, class_id)
    assert list(masks_of(tmp_path / "o.seg.nrrd", scan)) == [name]


def test_a_segment_of_the_base_is_what_points_correct_and_no_other_changes(
    run: Run, scan: Path, segvol: FakeSegVol, tmp_path: Path
) -> None:
    write_base(tmp_path / "base.seg.nrrd", scan)
    before = masks_of(tmp_path / "base.seg.nrrd", scan)
    words = ["--base", "base.seg.nrrd", "--segment", "liver", "--positive", "14 10 10"]
    assert run("prompt", scan, *words, "-o", "o.seg.nrrd") == 0
    ((_, _, base, _),) = segvol.asked  # type: ignore[misc]
    assert base.mask.sum() == before["Liver"].sum()
    after = masks_of(tmp_path / "o.seg.nrrd", scan)
    assert list(after) == ["Liver", "my spleen"]
    assert (after["my spleen"] == before["my spleen"]).all()
    assert after["Liver"].sum() > before["Liver"].sum()


def test_the_model_that_was_chosen_is_opened(run: Run, scan: Path, opened_with: list[tuple[str, ...]]) -> None:
    run("prompt", scan, "--text", "liver", "--model", "segvol", "--device", "cpu", "-o", "o.seg.nrrd", "--no-picture")
    assert opened_with == [("segvol", "cpu", "auto")]


# VISTA3D


def test_vista3d_answers_a_text_with_its_class(
    run: Run, scan: Path, vista3d: FakeEngine, segvol: FakeSegVol, tmp_path: Path, opened_with: list[tuple[str, ...]]
) -> None:
    words = ["--engine", "vista3d", "--text", "spleen", "--segment", "milt"]
    assert run("prompt", scan, *words, "-o", "o.seg.nrrd", "--no-picture") == 0
    ((structure, prompts, base, _),) = vista3d.asked  # type: ignore[misc]
    assert (structure, prompts, base) == (Structure("milt", SPLEEN), (Text("spleen"),), None)
    assert masks_of(tmp_path / "o.seg.nrrd", scan)["milt"].sum() == SPLEEN_VOXELS
    assert segvol.asked == []
    assert opened_with == [("starter", "auto", "auto")]


def test_a_model_that_takes_no_clicks_still_answers_a_text(
    run: Run, scan: Path, vista3d: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    vista3d.specification = replace(specification(), clicks=False, zero_shot=False)
    words = ["--engine", "vista3d", "--text", "spleen", "-o", "o.seg.nrrd", "--no-picture"]
    assert run("prompt", scan, *words) == 0
    assert "'spleen' is the class spleen (3).\n" in capsys.readouterr().err
    assert run("prompt", scan, *words, "--positive", "30 10 10") == FAILED
    assert "takes no clicks" in capsys.readouterr().err


def test_clicks_correct_what_vista3d_finds_of_a_class_in_the_box(run: Run, scan: Path, vista3d: FakeEngine) -> None:
    words = ["--engine", "vista3d", "--text", "liver", "--box", LIVER_CORNERS, "--positive", "20 10 10"]
    assert run("prompt", scan, *words, "-o", "o.seg.nrrd", "--no-picture") == 0
    asked, (_, prompts, base, _) = vista3d.asked  # type: ignore[misc]
    assert asked == ((LIVER,), LIVER_OF_BOX)
    assert len(prompts) == 3
    assert base.mask.sum() == LIVER_VOXELS


def test_a_word_for_several_classes_is_none_for_vista3d(
    run: Run, scan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("prompt", scan, "--engine", "vista3d", "--text", "kidney", "-o", "o.seg.nrrd") == FAILED
    assert "'kidney' means several structures" in capsys.readouterr().err


# What is refused


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Nothing says which structure is meant. Give --text liver"),
        (["--text", " "], "The text prompt is empty"),
        (["--box", "1 2 3 4 5"], "The box '1 2 3 4 5' is not six numbers"),
        (["--box", "0 0 0 5 0 5"], "no extent along an axis"),
        (["--positive", "1 2"], "is not three numbers"),
        (["--positive", "900 0 0"], "The click at (900.0, 0.0, 0.0) mm lies outside the scan"),
        (["--box", "500 500 500 600 600 600"], "The box lies outside the scan"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence_and_nothing_is_written(
    words: list[str],
    said: str,
    run: Run,
    scan: Path,
    segvol: FakeSegVol,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("prompt", scan, *words, "-o", "o.seg.nrrd") == FAILED
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1
    assert segvol.asked == []
    assert [path.name for path in tmp_path.iterdir()] == ["scan.nrrd"]


def test_an_engine_that_is_none_is_wrong_usage(run: Run, scan: Path) -> None:
    assert run("prompt", scan, "--text", "liver", "--engine", "abacus", "-o", "o.seg.nrrd") == WRONG_USAGE


def test_ctrl_c_writes_nothing(run: Run, scan: Path, segvol: FakeSegVol, tmp_path: Path) -> None:
    segvol.during = lambda: os.kill(os.getpid(), signal.SIGINT)
    assert run("prompt", scan, "--text", "liver", "-o", "o.seg.nrrd") == CANCELLED
    assert [path.name for path in tmp_path.iterdir()] == ["scan.nrrd"]


def test_quiet_says_nothing(run: Run, scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("prompt", scan, "--text", "liver", "-o", "o.seg.nrrd", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_the_help_says_what_segvol_is_good_at_and_what_not(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("prompt", "--help") == 0
    said = " ".join(capsys.readouterr().out.split())
    for guidance in ("organs", "loose box", "lesions by text alone", "left and right", "for CT only"):
        assert guidance in said


@pytest.mark.parametrize("command", [["segment"], ["refine", "--segment", "liver", "--positive", "8 8 8"]])
def test_where_vista3d_is_needed_a_model_of_segvol_is_named_and_the_way_is_shown(
    command: list[str], scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    model = written_model(tmp_path / "mine.safetensors", SEGVOL_SPECIFICATION)
    name, *options = command
    assert main([name, str(scan), *options, "--model", str(model), "-o", "o.seg.nrrd"]) == FAILED
    assert "mine.safetensors is a model of SegVol, which segments by prompts" in capsys.readouterr().err


# texts


@pytest.fixture
def words_of(tmp_path: Path) -> Path:
    texts = ("spleen", "left kidney", "kidney", "postcava", "gallbladder stone")
    return written_model(tmp_path / "mine.safetensors", replace(SEGVOL_SPECIFICATION, texts=texts))


def test_texts_lists_what_the_model_can_be_told_and_which_class_that_is(
    run: Run, words_of: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("texts", "--model", words_of) == 0
    out = capsys.readouterr().out
    assert [line.split("  ")[0] for line in out.splitlines()[1:]] == [
        "gallbladder stone", "kidney", "left kidney", "postcava", "spleen",
    ]  # fmt: skip
    assert re.search(r"^left kidney +left kidney \(14\)", out, re.MULTILINE)
    assert re.search(r"^kidney *$", out, re.MULTILINE)


def test_texts_finds_by_a_part_of_a_name_and_by_another_name_of_the_class(
    run: Run, words_of: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("texts", "kidney", "--model", words_of) == 0
    assert [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()[1:]] == ["kidney", "left kidney"]
    assert run("texts", "left", "renal", "--model", words_of) == 0
    assert "left kidney" in capsys.readouterr().out
    assert run("texts", "zeppelin", "--model", words_of) == FAILED
    assert "was not trained with 'zeppelin'" in capsys.readouterr().err


def test_texts_says_whether_other_words_can_be_tried(
    run: Run, words_of: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("texts", "--model", words_of)
    assert "words" not in capsys.readouterr().out
    (words_of.parent / "merges.txt").write_text("#version: 0.2\n")
    run("texts", "--model", words_of)
    assert "Any other words can be tried too" in capsys.readouterr().out


def test_texts_of_a_model_of_vista3d_are_refused(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("texts", "--model", written_model(tmp_path / "mine.safetensors", specification())) == FAILED
    assert "mine.safetensors is a model of VISTA3D" in capsys.readouterr().err


# models


def test_models_say_which_system_they_are_for_and_take_a_vocabulary(
    run: Run, tmp_path: Path, words_of: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vocabulary = tmp_path / "merges.txt"
    vocabulary.write_text("#version: 0.2\n" + "a b\n" * 48_894)
    assert run("models", "add", words_of, "--vocabulary", vocabulary) == 0
    assert (tmp_path / "home" / "models" / "mine.merges.txt").exists()
    assert run("models", "list") == 0
    out = capsys.readouterr().out
    assert re.search(r"^mine +yes +SegVol", out, re.MULTILINE)
    assert re.search(r"^segvol +no +SegVol", out, re.MULTILINE)
    assert re.search(r"^starter +yes +VISTA3D", out, re.MULTILINE)
    assert run("doctor") == 0
    assert "mine.safetensors(SegVol)" in "".join(capsys.readouterr().out.split())  # wherever a line of the table breaks
    assert run("models", "remove", "mine") == 0
    assert not (tmp_path / "home" / "models" / "mine.merges.txt").exists()


def test_the_licence_of_segvol_is_shown_before_it_is_downloaded(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: pytest.fail("nothing may be downloaded unasked"))
    assert run("models", "download", "segvol") == FAILED
    said = capsys.readouterr()
    assert "names no licence" in said.out
    assert "--accept-licence" in said.err
