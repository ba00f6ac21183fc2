"""Models, device and the doctor in the panel, on the stand-in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_engine import LIVER
from panel_bench import IN_LIVER, MODULE, Bench, select
from VISTA3DSegmentLib.models import store
from VISTA3DSegmentLib.models.header import METADATA_KEY
from VISTA3DSegmentLib.models.identity import digest_of
from VISTA3DSegmentLib.resources import resource


def test_another_device_is_asked_for_if_steps_are_lost_and_remembered(bench: Bench) -> None:
    bench.open()
    bench.segment(LIVER)
    bench.host.set_testing(False)
    bench.host.answers.append(False)
    select(bench.ui.deviceSelector, "cpu")
    assert len(bench.engines) == 1
    assert bench.ui.deviceSelector.currentText == "auto"
    bench.host.answers.append(True)
    select(bench.ui.deviceSelector, "cpu")
    bench.settle()
    bench.host.set_testing(True)
    assert [choice.device for choice in bench.choices] == ["auto", "cpu"]
    assert list(bench.ml()) == ["liver"]
    bench.press("removeButton")
    bench.place(IN_LIVER)
    assert bench.ml()["liver"] < 0.28
    bench.host.leave_module()
    bench.host.unload("VISTA3DSegment")
    bench.host.load_module(MODULE)
    bench.open()
    assert bench.ui.deviceSelector.currentText == "cpu"


def test_a_model_is_added_from_a_file_chosen_and_removed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import qt
    import torch
    from safetensors.torch import load_file, save_file

    bench.open()
    own = tmp_path / "mine.safetensors"
    starter = resource("Models/starter/starter.safetensors")
    tensors = load_file(starter)
    tensors = {
        name: tensor + 0 if n else tensor + torch.ones_like(tensor) for n, (name, tensor) in enumerate(tensors.items())
    }
    from VISTA3DSegmentLib.models.header import specification_of

    save_file(tensors, own, metadata={METADATA_KEY: specification_of(starter).to_json()})
    monkeypatch.setattr(qt.QFileDialog, "getOpenFileName", lambda *_: str(own))
    bench.press("addModelButton")
    assert bench.ui.modelSelector.currentText == "mine"
    assert bench.choices[-1].model == "mine"
    assert "your own" in bench.ui.modelLabel.text
    bench.host.set_testing(False)
    bench.host.answers.append(True)
    bench.press("deleteModelButton")
    bench.host.set_testing(True)
    assert bench.choices[-1].model == "starter"
    assert all(model.name != "mine" for model in store.list_models())
    assert bench.ui.modelSelector.currentText == "starter"


def test_a_model_is_downloaded_only_after_its_licence_was_accepted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from VISTA3DSegmentLib.desktop import models_section

    started: list[str] = []

    class Fetching:
        """A download that gets half, then all."""

        ended, error = False, None

        def __init__(self, _task: Callable[..., None], name: str, python: str | None) -> None:
            started.append(name)
            self._lines = [["10 20"], ["20 20"], []]

        def poll(self) -> list[str]:
            lines = self._lines.pop(0)
            self.ended = not self._lines
            return lines

        def cancel(self) -> None: ...

    monkeypatch.setattr(models_section, "Errand", Fetching)
    bench.open()
    select(bench.ui.modelSelector, "nv-segment-ct (not here)")
    assert "NVIDIA" in bench.ui.modelLabel.text
    assert bench.choices[-1].model == "starter", "what is not here is not used"
    bench.host.set_testing(False)
    bench.host.answers.append(False)
    bench.press("downloadButton")
    assert started == []
    assert "Licence of the weights" in bench.host.messages[-1].text
    bench.host.answers.append(True)
    bench.ui.downloadButton.click()
    bench.host.set_testing(True)
    bench.host.wait_until(lambda: not bench.ui.downloadWidget.visible)
    assert started == ["nv-segment-ct"]


class Published:
    """SegVol as a few bytes, known to the registry by their hash, and its vocabulary.

    Args:
        folder: in which they lie as if the person had downloaded them.
        monkeypatch: of the test.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from VISTA3DSegmentLib.models import identity, registry, vocabulary

        folder.mkdir()
        self.weights, self.vocabulary = folder / "pytorch_model.bin", folder / "merges.txt"
        self.weights.write_bytes(b"PK\x03\x04 weights of SegVol")
        self.vocabulary.write_text("\n".join(f"a b{n}" for n in range(vocabulary.PAIRS)))
        segvol = replace(
            registry.BY_NAME["segvol"],
            size_bytes=self.weights.stat().st_size,
            sha256=digest_of(self.weights).sha256,
            vocabulary=registry.PublishedVocabulary("https://example.org", self.vocabulary.stat().st_size),
        )
        models = tuple(segvol if model.name == "segvol" else model for model in registry.KNOWN_MODELS)
        for module in (registry, store, identity):
            monkeypatch.setattr(module, "KNOWN_MODELS", models)
        for module in (registry, store):
            monkeypatch.setattr(module, "BY_NAME", {model.name: model for model in models})


def test_models_of_segvol_have_a_list_of_their_own(bench: Bench) -> None:
    bench.open()
    lists = [
        [selector.itemText(row) for row in range(selector.count)]
        for selector in (bench.ui.modelSelector, bench.ui.segvolSelector)
    ]
    assert lists[1] == ["segvol-starter", "segvol (not here)"]
    assert "starter" in lists[0]
    assert not set(lists[0]) & set(lists[1])
    select(bench.ui.segvolSelector, "segvol (not here)")
    assert "SegVol of BAAI" in bench.ui.modelLabel.text
    assert bench.ui.downloadButton.enabled
    assert len(bench.choices) == 1, "what is not here is not used"
    assert (bench.choices[0].model, bench.choices[0].segvol) == ("starter", "segvol-starter")
    bench.host.set_testing(False)
    bench.host.answers.append(False)
    bench.press("downloadButton")
    bench.host.set_testing(True)
    assert "names no licence" in bench.host.messages[-1].text, "the licence is told as it is"
    select(bench.ui.segvolSelector, "segvol-starter")
    assert not bench.ui.downloadButton.enabled
    assert not bench.ui.deleteModelButton.enabled


@pytest.mark.parametrize("beside", [True, False])
def test_segvol_is_added_after_its_licence_with_its_vocabulary(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, beside: bool
) -> None:
    import qt

    published = Published(tmp_path / "downloads", monkeypatch)
    if not beside:
        published.vocabulary = published.vocabulary.rename(tmp_path / "words.txt")
    chosen = [published.weights, published.weights, published.vocabulary]
    monkeypatch.setattr(qt.QFileDialog, "getOpenFileName", lambda *_: str(chosen.pop(0)))
    bench.open()
    bench.host.set_testing(False)
    bench.host.answers.append(False)
    bench.press("addModelButton")
    assert "Licence of the weights: MIT" in bench.host.messages[-1].text
    assert bench.choices[-1].segvol == "segvol-starter"
    assert not store.models_folder().exists(), "who declines the licence has nothing of it"
    bench.host.answers.extend([True] if beside else [True, True])
    bench.press("addModelButton")
    bench.host.set_testing(True)
    assert bench.ui.segvolSelector.currentText == "segvol"
    assert bench.choices[-1].segvol == "segvol"
    assert bench.choices[-1].model == "starter"
    assert store.find("segvol").vocabulary is not None
    assert "without its vocabulary" not in bench.ui.modelLabel.text
    assert bench.ui.modelSelector.currentText == "starter"
    bench.host.set_testing(False)
    bench.host.answers.append(True)
    bench.press("deleteModelButton")
    bench.host.set_testing(True)
    assert bench.choices[-1].segvol == "segvol-starter"
    assert list(store.models_folder().iterdir()) == []


def test_segvol_without_its_vocabulary_says_so_and_can_still_download_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import qt

    published = Published(tmp_path / "downloads", monkeypatch)
    published.vocabulary.unlink()
    monkeypatch.setattr(qt.QFileDialog, "getOpenFileName", lambda *_: str(published.weights))
    bench.open()
    bench.host.set_testing(False)
    bench.host.answers.extend([True, False])
    bench.press("addModelButton")
    bench.host.set_testing(True)
    assert "understands any words" in bench.host.messages[-1].text
    assert "without its vocabulary" in bench.ui.modelLabel.text
    assert bench.ui.downloadButton.enabled


def test_who_does_not_want_the_other_model_keeps_the_one_that_is_used(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    published = Published(tmp_path / "downloads", monkeypatch)
    store.add(published.weights)
    bench.open()
    bench.segment(LIVER)
    bench.host.set_testing(False)
    bench.host.answers.append(False)
    select(bench.ui.segvolSelector, "segvol")
    bench.host.set_testing(True)
    assert bench.ui.segvolSelector.currentText == "segvol-starter"
    assert "comes with VISTA3DSegment" in bench.ui.modelLabel.text
    assert len(bench.choices) == 1


@pytest.mark.parametrize("kind", ["damaged", "of VISTA3D"])
def test_a_model_of_segvol_that_cannot_be_used_does_not_keep_the_panel_away(bench: Bench, kind: str) -> None:
    import slicer

    store.models_folder().mkdir(parents=True)
    path = store.models_folder() / "broken.safetensors"
    if kind == "damaged":
        path.write_bytes(b"no weights at all")
    else:
        path.write_bytes(resource("Models/starter/starter.safetensors").read_bytes())
    slicer.app.userSettings().setValue("VISTA3DSegment/segvol", "broken")
    bench.open()
    assert bench.choices[-1].segvol == "segvol-starter"
    bench.find("liver")
    assert bench.ml()["liver"] > 0


def test_the_engine_is_started_with_both_models(monkeypatch: pytest.MonkeyPatch) -> None:
    from VISTA3DSegmentLib.desktop import engine_choice

    made: list[Any] = []
    monkeypatch.setattr(engine_choice, "ChildProcess", lambda make_engine, python: made.append((make_engine, python)))
    engine_choice.EngineChoice("mine", "cpu", "fp32", 256, "my-segvol").start("python")
    ((make_engine, python),) = made
    assert (make_engine.func.__name__, make_engine.args) == ("open_politely", ("mine", "cpu", "fp32"))
    assert make_engine.keywords == {"segvol": "my-segvol", "cache_bytes": 256 << 20}
    assert python == "python"


def test_a_damaged_model_of_the_last_time_does_not_keep_the_panel_away(bench: Bench) -> None:
    import slicer

    store.models_folder().mkdir(parents=True)
    (store.models_folder() / "broken.safetensors").write_bytes(b"no weights at all")
    (store.models_folder() / "broken.json").write_text("{")
    slicer.app.userSettings().setValue("VISTA3DSegment/model", "broken")
    bench.open()
    assert bench.choices[-1].model == "starter"
    bench.segment(LIVER)
    assert list(bench.ml()) == ["liver"]


def test_the_doctor_says_what_is_here_and_it_can_be_copied(bench: Bench) -> None:
    import qt

    bench.open()
    bench.ui.doctorButton.click()
    bench.host.wait_until(lambda: "What runs a model" in bench.ui.doctorText.plainText)
    assert "torch" in bench.ui.doctorText.plainText
    bench.press("copyButton")
    assert qt.QApplication.clipboard().text() == bench.ui.doctorText.plainText
