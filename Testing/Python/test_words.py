"""Spellings of names."""

from __future__ import annotations

import doctest

from VISTA3DSegmentLib import words
from VISTA3DSegmentLib.words import Nearness, likeness, nearness, terms


def test_the_examples_of_the_docstrings_hold() -> None:
    assert doctest.testmod(words).attempted > 0
    assert doctest.testmod(words).failed == 0


def test_spelling_and_order_do_not_matter() -> None:
    assert nearness(terms("Tumours of the oesophagus"), terms("esophagus tumor")) is Nearness.EXACT
    assert nearness(terms("gall-bladder"), terms("gallbladder")) is Nearness.EXACT
    assert nearness(terms("VERTEBRAE_t12"), terms("T12 vertebra")) is Nearness.EXACT


def test_words_that_only_look_like_plurals_stay() -> None:
    for word in ("pancreas", "humerus", "iliopsoas", "pelvis", "mass"):
        assert terms(word) == (word,)
    assert terms("arteries") == ("artery",)


def test_whole_words_are_nearer_than_beginnings_of_words() -> None:
    iliac = terms("left iliac artery")
    assert nearness(terms("artery"), iliac) is Nearness.WHOLE_WORDS
    assert nearness(terms("art ili"), iliac) is Nearness.BEGINNINGS
    assert nearness(terms("vein"), iliac) is Nearness.NONE


def test_a_number_is_never_half_of_another_or_misspelt() -> None:
    assert nearness(terms("rib 1"), terms("left rib 12")) is Nearness.NONE
    assert likeness(terms("vertebrae T11"), terms("vertebrae T12")) == 0.0
    assert likeness(terms("vertebre T12"), terms("vertebrae T12")) > 0.9
