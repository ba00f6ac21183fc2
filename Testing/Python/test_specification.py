"""What a model expects, as data that travels with it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from VISTA3DSegmentLib.errors import ModelError
from VISTA3DSegmentLib.models.specification import ClickSupport, HounsfieldWindow, ModelSpecification, Percentiles


def specification(**changes: Any) -> ModelSpecification:
    plain = ModelSpecification(
        name="tiny",
        version="1",
        licence="Apache-2.0",
        modalities=("CT",),
        intensity=HounsfieldWindow(-1000.0, 1000.0),
        classes=(1, 3),
    )
    return replace(plain, **changes)


def as_document(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(specification().to_json())
    return document | changes


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"intensity": Percentiles(1.0, 99.0), "modalities": ("CT", "MR"), "window": (192, 192, 128)},
        {"click_support": ClickSupport(3.0, 4.0, 1.0), "smallest_piece": 0.1},
        {"clicks": False, "zero_shot": False, "blending": "gaussian", "overlap": 0.625},
        {"classes": (), "name": "nur Klicks, übersetzt", "spacing_mm": (0.7, 0.7, 1.5)},
        {"intensity": HounsfieldWindow(-963.8247715525971, 1053.678477684517)},
    ],
)
def test_what_is_written_is_what_is_read(changed: dict[str, Any]) -> None:
    assert ModelSpecification.from_json(specification(**changed).to_json()) == specification(**changed)


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"name": " "}, "no name"),
        ({"modalities": ()}, "modalities"),
        ({"modalities": ("PET",)}, "PET"),
        ({"classes": (0,)}, r"\[0\]"),
        ({"classes": (512,)}, "512"),
        ({"classes": (1, 1)}, "twice"),
        ({"clicks": False}, "takes no clicks"),
        ({"clicks": False, "zero_shot": False, "classes": ()}, "answers no class"),
        ({"spacing_mm": (1.5, 0.0, 1.5)}, "spacing"),
        ({"spacing_mm": (1.5, float("nan"), 1.5)}, "spacing"),
        ({"window": (128, 128)}, "windows of"),
        ({"window": (128, 128, 0)}, "windows of"),
        ({"window": (128, 128, 1 << 20)}, "windows of"),
        ({"overlap": 1.0}, "overlap"),
        ({"overlap": float("nan")}, "overlap"),
        ({"smallest_piece": 1.5}, "pieces"),
        ({"smallest_piece": float("nan")}, "pieces"),
        ({"blending": "mean"}, "mean"),
        ({"orientation": "LPS"}, "LPS"),
    ],
)
def test_a_model_that_could_segment_nothing_is_refused(changed: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        specification(**changed)


def test_intensity_ranges_are_ordered_and_finite() -> None:
    for wrong in ((1.0, 1.0), (2.0, 1.0), (float("-inf"), 1.0), (float("nan"), 1.0)):
        with pytest.raises(ModelError, match="Hounsfield"):
            HounsfieldWindow(*wrong)
    for wrong in ((99.0, 1.0), (-1.0, 99.0), (1.0, 101.0)):
        with pytest.raises(ModelError, match="percentiles"):
            Percentiles(*wrong)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ((0.0, 1.0, 1.0), "reach"),
        ((float("inf"), 1.0, 1.0), "reach"),
        ((3.0, -1.0, 1.0), "grey values"),
        ((3.0, 1.0, float("nan")), "automatic"),
    ],
)
def test_support_of_clicks_is_finite_and_helps(wrong: tuple[float, float, float], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        ClickSupport(*wrong)


def test_format_1_did_not_say_what_came_with_format_2() -> None:
    document = as_document(format=1)
    del document["smallest_piece"], document["click_support"]
    assert ModelSpecification.from_json(json.dumps(document)) == specification()


@pytest.mark.parametrize("key", list(as_document()))
def test_a_missing_key_is_named(key: str) -> None:
    document = as_document()
    del document[key]
    with pytest.raises(ModelError, match=key):
        ModelSpecification.from_json(json.dumps(document))


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"extra": 1}, "unknown extra"),
        ({"format": 0}, "unknown format"),
        ({"format": True}, "unknown format"),
        ({"name": 7}, "name"),
        ({"clicks": 1}, "clicks"),
        ({"overlap": "0.25"}, "overlap"),
        ({"overlap": 10**400}, "too large"),
        ({"classes": [1.0]}, "classes"),
        ({"classes": [True]}, "classes"),
        ({"classes": "1"}, "classes"),
        ({"window": [128, 128, 128.5]}, "window"),
        ({"spacing_mm": [1.5, 1.5]}, "spacing_mm"),
        ({"spacing_mm": [1.5, 1.5, 10**400]}, "too large"),
        ({"intensity": "hu"}, "intensity"),
        ({"click_support": 3.0}, "click_support"),
        ({"click_support": {"reach": 3.0}}, "lacks automatic, grey_values"),
        ({"intensity": {"kind": "zscore", "low": 0, "high": 1}}, "zscore"),
        ({"intensity": {"kind": "percentiles", "low": 1}}, "lacks high"),
        ({"intensity": {"kind": "percentiles", "low": 1, "high": 99, "mean": 0}}, "unknown mean"),
    ],
)
def test_a_wrong_value_is_named(changed: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        ModelSpecification.from_json(json.dumps(as_document(**changed)))


def test_a_newer_format_asks_for_an_update() -> None:
    with pytest.raises(ModelError, match="Update VISTA3DSegment"):
        ModelSpecification.from_json(json.dumps(as_document(format=3)))


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "[" * 100_000])
def test_text_that_is_no_specification_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="JSON"):
        ModelSpecification.from_json(text)
