"""Names in a sentence."""

from __future__ import annotations

from collections.abc import Collection

UNCODED = 'These have no code that says what they are and are exported as "Tissue": {}.'

SHOWN = 6
"""Of a hundred names nobody reads more."""


def listed(names: Collection[str]) -> str:
    """Names as a sentence lists them: the first few, and how many more there are."""
    shown = list(names)[:SHOWN]
    return ", ".join(shown) + (f" and {len(names) - len(shown)} more" if len(names) > len(shown) else "")
