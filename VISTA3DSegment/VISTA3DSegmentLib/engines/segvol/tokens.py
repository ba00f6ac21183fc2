"""CLIP's tokens: a text as numbers, by merging its most frequent pairs of letters (byte-pair encoding).

Source: Sennrich et al. 2016 (arXiv:1508.07909), in the form of CLIP (arXiv:2103.00020): lower case, ends marked.
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from ...errors import ModelError, PromptError

END_OF_WORD = "</w>"
LONGEST = 77
"""Tokens that the text tower takes, the first and the last among them."""
PIECES = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[^\W\d_]+|\d|(?:[^\s\w]|_)+", re.IGNORECASE)
"""Words, single digits, runs of other signs."""


class Tokenizer:
    """Text to token ids.

    Args:
        pairs: merged pairs, the most frequent first, as in ``merges.txt`` without its first line.
    """

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        letters = list(_letter_of_byte().values())
        words = [*letters, *(letter + END_OF_WORD for letter in letters), *("".join(pair) for pair in pairs)]
        self._ids = {word: n for n, word in enumerate(words)}
        self._ranks = {pair: n for n, pair in enumerate(pairs)}
        self.start, self.end = len(words), len(words) + 1

    @classmethod
    def read(cls, path: Path) -> Tokenizer:
        """From ``merges.txt``.

        Raises:
            ModelError: it cannot be read, or is something else.
        """
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"The vocabulary {path.name} cannot be read ({error}).", "Add the model again.") from error
        pairs = [tuple(line.split()) for line in lines[1:] if line]  # the first says the version
        if not pairs or any(len(pair) != 2 for pair in pairs):
            raise ModelError(f"The file {path.name} is no vocabulary of CLIP.", "Add the model with its merges.txt.")
        return cls([(pair[0], pair[1]) for pair in pairs])

    @property
    def size(self) -> int:
        """How many tokens there are; the last ends a text."""
        return self.end + 1

    def ids(self, text: str) -> list[int]:
        """The ids of a text, from the start token to the end token.

        Raises:
            PromptError: the text is too long.
        """
        found = [self.start]
        for piece in PIECES.findall(" ".join(text.lower().split())):
            found += [self._ids[part] for part in self._merged(piece)]
        found.append(self.end)
        if len(found) > LONGEST:
            raise PromptError("The text is too long for the model.", "Name the structure in a few words.")
        return found

    def _merged(self, piece: str) -> list[str]:
        letters = [self._letters[byte] for byte in piece.encode()]
        parts = [*letters[:-1], letters[-1] + END_OF_WORD]
        while len(parts) > 1:
            pairs = list(pairwise(parts))
            best = min(pairs, key=lambda pair: self._ranks.get(pair, len(self._ranks)))
            if best not in self._ranks:
                break
            joined, n = [], 0
            while n < len(parts):
                if n + 1 < len(parts) and (parts[n], parts[n + 1]) == best:
                    joined.append(parts[n] + parts[n + 1])
                    n += 2
                else:
                    joined.append(parts[n])
                    n += 1
            parts = joined
        return parts

    @cached_property
    def _letters(self) -> dict[int, str]:
        return _letter_of_byte()


def _letter_of_byte() -> dict[int, str]:
    """A printable letter for each byte, in the order of the vocabulary: printable ones stand for themselves."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    letters = {byte: chr(byte) for byte in printable}
    for n, byte in enumerate(byte for byte in range(256) if byte not in letters):
        letters[byte] = chr(256 + n)
    return letters
