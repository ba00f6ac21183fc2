"""SegVol's texts and grey values: tokens, tables, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from segvol_builders import TINY, specification, tiny_network
from VISTA3DSegmentLib.engines.segvol.intensity import grey_bounds
from VISTA3DSegmentLib.engines.segvol.texts import TEMPLATE, Texts, text_tower
from VISTA3DSegmentLib.engines.segvol.tokens import Tokenizer
from VISTA3DSegmentLib.errors import ModelError, PromptError
from VISTA3DSegmentLib.models.segvol_specification import ForegroundPercentiles
from VISTA3DSegmentLib.models.segvol_texts import segvol_texts
from VISTA3DSegmentLib.models.specification import HounsfieldWindow

SEEN = [("l", "i"), ("v", "e"), ("li", "ve"), ("live", "r</w>"), ("a", "r"), ("o", "f</w>")]
PAIRS = SEEN + [(chr(0x100 + n), "q") for n in range(TINY.vocabulary - 512 - 2 - len(SEEN))]


def vocabulary(folder: Path) -> Path:
    """A small one, in the form of CLIP's."""
    path = folder / "merges.txt"
    path.write_text("#version: 0.2\n" + "\n".join(" ".join(pair) for pair in PAIRS) + "\n", encoding="utf-8")
    return path


def test_the_most_frequent_pairs_are_merged_first(tmp_path: Path) -> None:
    tokens = Tokenizer.read(vocabulary(tmp_path))
    assert tokens.size == TINY.vocabulary
    assert tokens.ids("liver of") == [tokens.start, 512 + 3, 512 + 5, tokens.end]
    assert tokens.ids("LIVER  OF") == tokens.ids("liver of")
    assert len(tokens.ids("arm")) == 2 + 2  # ar, m at the end of a word


def test_words_digits_and_signs_are_pieces_of_their_own(tmp_path: Path) -> None:
    tokens = Tokenizer.read(vocabulary(tmp_path))
    assert len(tokens.ids("t13,")) == 2 + 4  # t, 1, 3, and the comma
    assert tokens.ids("a.") == [tokens.start, *tokens.ids("a")[1:-1], *tokens.ids(".")[1:-1], tokens.end]


def test_a_long_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="too long"):
        Tokenizer.read(vocabulary(tmp_path)).ids("x" * 80)


@pytest.mark.parametrize("content", [b"", b"#version\none two three\n", b"\xff\xfe\x00"])
def test_what_is_no_vocabulary_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "merges.txt").write_bytes(content)
    with pytest.raises(ModelError, match=r"merges\.txt"):
        Tokenizer.read(tmp_path / "merges.txt")


def test_the_names_that_come_with_the_package_are_tokens_of_clip() -> None:
    texts = segvol_texts()
    assert len(texts) > 190
    for text in texts:
        assert text.ids[0] == 49406
        assert text.ids[-1] == 49407
        assert max(text.ids[1:-1]) < 49406
        assert len(text.ids) <= 77
    start = {text.ids[1:8] for text in texts}
    assert len(start) == 1  # all begin with the template


def table(*names: str) -> Texts:
    """A table whose vectors are its row numbers."""
    return Texts(torch.arange(float(len(names)))[:, None], names)


def test_a_name_is_found_whatever_its_case_and_spaces() -> None:
    words = table("liver", "left kidney")
    assert float(words.vector(" Left  Kidney")) == float(words.vector("left_kidney")) == 1.0


def test_a_synonym_of_the_anatomy_table_is_found() -> None:
    assert float(table("spleen", "liver").vector("hepar")) == 1.0


def test_an_unknown_word_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(PromptError, match="Did you mean liver"):
        table("liver", "spleen").vector("livver x")
    for unlike in ("Niere", "zzz"):
        with pytest.raises(PromptError, match=f"'{unlike}'.*It knows liver, spleen"):
            table("liver", "spleen").vector(unlike)


def test_free_text_needs_tower_and_vocabulary(tmp_path: Path) -> None:
    tower = text_tower(tiny_network())
    ids = {"liver": (598, 515, 599)}
    with pytest.raises(PromptError, match="no words for"):
        Texts(None, ("liver",), ids, tower).vector("a strange thing")
    free = Texts(None, ("liver",), ids, tower, Tokenizer.read(vocabulary(tmp_path)))
    assert free.vector("a strange thing").shape == (1, 64)
    assert not torch.equal(free.vector("a strange thing"), free.vector("another thing"))
    assert "{}" in TEMPLATE


# ---------------------------------------------------------------------- grey values


def as_the_authors(array: np.ndarray, low: float, high: float) -> np.ndarray:
    """Their normalisation, step by step."""
    values = array.astype(np.float64)
    foreground = values[values > values.mean()]
    values = np.clip(values, *np.percentile(foreground, (low, high)))
    values = (values - foreground.mean()) / max(foreground.std(), 1e-8)
    values -= values.min()
    return values / max(values.max(), 1e-8)


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.int32, np.uint8])
def test_grey_values_become_what_the_authors_make_of_them(dtype: type) -> None:
    rng = np.random.default_rng(1)
    array = (rng.normal(100, 40, (9, 20, 21)) - 900 * (rng.random((9, 20, 21)) < 0.5)).astype(dtype)
    expected = as_the_authors(array, 0.05, 99.95)
    low, high = grey_bounds(ForegroundPercentiles(0.05, 99.95), array)
    ours = np.clip((array.astype(np.float64) - low) / (high - low), 0, 1)
    np.testing.assert_allclose(ours, expected, atol=1e-6)


def test_one_grey_value_everywhere_is_no_division_by_zero() -> None:
    for array in (np.full((3, 4, 5), 7, np.int16), np.full((3, 4, 5), 7.5, np.float32)):
        low, high = grey_bounds(ForegroundPercentiles(0.05, 99.95), array)
        assert high > low


def test_a_wide_range_of_whole_numbers_is_sorted_instead_of_counted() -> None:
    array = np.array([0, 10, 20, 2**30, 2**30 + 100], np.int64).reshape(1, 1, 5)
    low, high = grey_bounds(ForegroundPercentiles(0.0, 100.0), array)
    assert (low, high) == (2**30, 2**30 + 100)


def test_a_window_of_hounsfield_units_is_taken_as_it_is() -> None:
    assert grey_bounds(HounsfieldWindow(-350.0, 650.0), np.zeros((1, 1, 1))) == (-350.0, 650.0)
    assert specification(intensity=HounsfieldWindow(0.0, 1.0)).intensity == HounsfieldWindow(0.0, 1.0)
