"""Names of structures as people write them, made comparable.

``terms`` turns any spelling into canonical words. The table's names and the person's words go through the same door, so
a rule here need not be good English, only harmless.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from enum import IntEnum

Terms = tuple[str, ...]

CANONICAL = {
    "rt": "right",
    "r": "right",
    "lt": "left",
    "l": "left",
    "renal": "kidney",
    "hepatic": "liver",
    "splenic": "spleen",
    "pancreatic": "pancreas",
    "pulmonary": "lung",
    "gastric": "stomach",
    "cardiac": "heart",
    "aortic": "aorta",
    "colonic": "colon",
    "duodenal": "duodenum",
    "esophageal": "esophagus",
    "tracheal": "trachea",
    "osseous": "bone",
    "bony": "bone",
    "skeletal": "bone",
    "costal": "rib",
    "vertebral": "vertebra",
    "vertebrae": "vertebra",
    "vertebre": "vertebra",
    "bronchi": "bronchus",
    "bronchial": "bronchus",
    "venous": "vein",
    "vena": "vein",
    "tumour": "tumor",
    "neoplasm": "tumor",
    "nodule": "lesion",
    "metastases": "metastasis",
    "sacral": "sacrum",
}
"""Adjectives, abbreviations, irregular plurals and spellings, and the word that stands for them."""

ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth"),
    *("seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"),
)
EMPTY_WORDS = frozenset({"of", "the", "and"})


class Nearness(IntEnum):
    """How well a phrase answers a query; lower is nearer."""

    EXACT = 0
    WHOLE_WORDS = 1
    BEGINNINGS = 2
    NONE = 3


def terms(text: str) -> Terms:
    """The canonical words of a name: lower case, singular, US spelling, numbers for ordinals, sides written out.

    >>> terms("R. Kidneys"), terms("vertebrae_L1"), terms("5th rib (left)"), terms("L 3")
    (('right', 'kidney'), ('vertebra', 'l1'), ('5', 'rib', 'left'), ('l3',))
    """
    spaced = " ".join(re.findall(r"[^\W_]+", text.lower()))
    # "L 3" is a vertebra, but "rib L 3" a left rib.
    spaced = re.sub(r"(?<!rib )\b([ctls]) (\d{1,2})\b", r"\1\2", spaced)
    return tuple(_canonical(word) for word in spaced.split() if word not in EMPTY_WORDS)


def _canonical(word: str) -> str:
    if word in ORDINALS:
        return str(ORDINALS.index(word) + 1)
    if ordinal := re.fullmatch(r"0*(\d+)(?:st|nd|rd|th)?", word):
        return ordinal[1]
    if word not in CANONICAL:
        word = _singular(word.replace("oe", "e").replace("ae", "e"))
    return CANONICAL.get(word, word)


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    # Not pancreas, iliopsoas, humerus, pelvis, abscess.
    if len(word) > 3 and word.endswith("s") and not word.endswith(("as", "us", "is", "ss")):
        return word[:-1]
    return word


def without_side(phrase: Terms) -> Terms:
    """The terms of a name without left and right."""
    return tuple(term for term in phrase if term not in ("left", "right"))


def nearness(query: Terms, phrase: Terms) -> Nearness:
    """How well a phrase answers a query; the order of the words does not matter."""
    if sorted(query) == sorted(phrase) or "".join(query) == "".join(phrase):
        return Nearness.EXACT
    if set(query) <= set(phrase):
        return Nearness.WHOLE_WORDS
    if all(any(_begins(term, other) for other in phrase) for term in query):
        return Nearness.BEGINNINGS
    return Nearness.NONE


def _begins(beginning: str, term: str) -> bool:
    # "1" is not the beginning of "12": a number is meant whole.
    return beginning == term if _has_digit(beginning) else term.startswith(beginning)


def likeness(query: Terms, phrase: Terms) -> float:
    """Share of letters that two phrases have in common, 0 to 1; 0 if their numbers differ: T11 is no misspelt T12."""
    if _numbers(query) != _numbers(phrase):
        return 0.0
    return SequenceMatcher(None, " ".join(sorted(query)), " ".join(sorted(phrase)), autojunk=False).ratio()


def _has_digit(term: str) -> bool:
    return any(letter.isdigit() for letter in term)


def _numbers(phrase: Terms) -> list[str]:
    return sorted(term for term in phrase if _has_digit(term))
