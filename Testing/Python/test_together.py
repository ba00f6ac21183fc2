"""Several engines as one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_engine import FakeEngine
from VISTA3DSegmentLib.engines import open_engine, open_together, texts_of
from VISTA3DSegmentLib.engines.together import Together
from VISTA3DSegmentLib.errors import ModelError, PromptError
from VISTA3DSegmentLib.volume import Volume

VOLUME = Volume(np.zeros((4, 5, 6), np.int16), np.eye(4))


def test_an_engine_is_made_when_it_is_first_asked_and_once() -> None:
    made = []

    def make() -> FakeEngine:
        made.append(1)
        return FakeEngine(name="other")

    together = Together(FakeEngine(), {"other": make}, ("liver",))
    opened = together.open(VOLUME)
    assert not made
    assert opened.by("other") is opened.by("other")
    together.open(VOLUME).by("other")
    assert made == [1]


def test_who_names_none_means_the_first() -> None:
    together = Together(FakeEngine(), {"other": FakeEngine})
    opened = together.open(VOLUME)
    assert opened.by("") is opened.by(together.name)
    assert together.engines == (FakeEngine().name, "other")
    assert [class_id for class_id, _ in opened.segment([1])] == [1]


def test_an_unknown_name_is_refused_with_those_that_are_there() -> None:
    with pytest.raises(PromptError, match="There are fake, other"):
        Together(FakeEngine(), {"other": FakeEngine}).open(VOLUME).by("third")


def test_what_an_engine_lacks_is_said_when_it_is_asked_and_the_first_goes_on() -> None:
    def broken() -> FakeEngine:
        raise ModelError("The weights are gone.", "Add them again.")

    opened = Together(FakeEngine(), {"other": broken}).open(VOLUME)
    with pytest.raises(ModelError, match="weights are gone"):
        opened.by("other")
    assert list(opened.segment([1]))


def test_there_are_two_systems_and_no_third() -> None:
    with pytest.raises(ModelError, match="vista3d or segvol"):
        open_engine("unet")


def test_without_its_model_segvol_says_so_when_it_is_asked_and_vista3d_goes_on(tmp_path: Path) -> None:
    together = open_together(segvol=tmp_path / "gone.safetensors", device="cpu")
    assert isinstance(together, Together)
    assert together.texts == ()
    opened = together.open(VOLUME)
    with pytest.raises(ModelError, match="gone"):
        opened.by("segvol")
    assert opened.by("").volume is VOLUME


def test_the_published_texts_are_known_without_its_weights(tmp_path: Path) -> None:
    (tmp_path / "published.bin").write_bytes(b"weights")
    assert "portal vein and splenic vein" in texts_of(tmp_path / "published.bin")
