"""The page of the first start, in a Slicer in which packages are missing, on the stand-in."""

from __future__ import annotations

import sys
from subprocess import CalledProcessError
from typing import Any

import pytest
from panel_bench import Bench


@pytest.fixture
def bare(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A Slicer in which nothing is installed that models need."""
    from VISTA3DSegmentLib.doctor import requirements

    lacks = {"torch", "monai", "einops", "safetensors"}
    monkeypatch.setattr(requirements, "versions", lambda names: {n: None if n in lacks else "99" for n in names})
    for name in lacks:
        monkeypatch.setitem(sys.modules, name, None)
    bench.lacks = lacks  # type: ignore[attr-defined]
    return bench


def test_the_first_page_says_what_is_missing_and_gets_it_in_the_right_order(bare: Bench) -> None:
    lacks: set[str] = bare.lacks  # type: ignore[attr-defined]
    bare.open()
    assert bare.ui.setupPage.visible
    assert "torch, monai, einops, safetensors" in bare.ui.setupLabel.text
    assert "packages above" in bare.ui.segmentButton.toolTip
    assert bare.workspace.volume is None, "nothing is opened that could not be computed"
    assert not bare.ui.packagesButton.enabled
    assert "PyTorch first" in bare.ui.packagesButton.toolTip
    lacks.discard("torch")
    bare.press("torchButton")
    assert not bare.ui.torchButton.visible
    assert bare.ui.packagesButton.enabled
    lacks.clear()
    bare.host.set_testing(False)
    bare.host.answers.append(True)
    bare.press("packagesButton")
    bare.host.set_testing(True)
    assert not bare.ui.setupPage.visible
    assert bare.workspace.volume is not None


def test_who_declines_is_asked_again_and_a_failure_is_a_sentence(bare: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from slicer import packaging

    lacks: set[str] = bare.lacks  # type: ignore[attr-defined]
    lacks.discard("torch")
    bare.open()
    bare.host.set_testing(False)
    bare.host.answers.append(False)
    bare.press("packagesButton")
    assert bare.ui.setupPage.visible
    assert "wrong" not in bare.said

    def fail(*_: Any, **__: Any) -> None:
        raise CalledProcessError(1, "pip")

    monkeypatch.setattr(packaging, "pip_ensure", fail)
    bare.host.answers.append(True)
    bare.press("packagesButton")
    bare.host.set_testing(True)
    assert "could not be installed" in bare.said
