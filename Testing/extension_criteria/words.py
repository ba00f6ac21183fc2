"""Tables of single words, written as text."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text, whatever blanks stand between them."""
    return frozenset(text.split())
