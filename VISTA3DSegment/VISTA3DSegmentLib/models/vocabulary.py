"""The vocabulary of a text tower: the pairs of which CLIP builds its words, most frequent first."""

from __future__ import annotations

from pathlib import Path

from ..errors import ModelError

SUFFIX = ".merges.txt"
"""Of a vocabulary in the store: it lies beside the weights, under their name."""
PUBLISHED_NAME = "merges.txt"

PAIRS = 49_408 - 2 * 256 - 2
"""CLIP's tokens: 256 bytes, in and at the end of a word, a token for each pair, the start and the end of a text."""
MAX_BYTES = 4 << 20
VERSION = "#version"


def vocabulary_beside(weights: Path) -> Path | None:
    """The vocabulary that lies beside a file of weights: under its name, or under the publisher's; None: none."""
    for name in (f"{weights.stem}{SUFFIX}", PUBLISHED_NAME):
        if (path := weights.with_name(name)).is_file():
            return path
    return None


def check_is_vocabulary(path: Path, what: str, size_bytes: int | None = None) -> None:
    """Refuse what is not CLIP's list of pairs.

    Args:
        path: the file.
        what: how to call it in the message.
        size_bytes: of the published one, where it is known.

    Raises:
        ModelError: missing, of another size, or of another kind.
    """
    remedy = f"Get {PUBLISHED_NAME} from the page of the model."
    if not path.is_file():
        raise ModelError(f"There is no file {path}.", remedy)
    size = path.stat().st_size
    if size_bytes not in (None, size):
        raise ModelError(f"{what} is not the published vocabulary: {size} bytes instead of {size_bytes}.", remedy)
    pairs = 0 if size > MAX_BYTES else _pairs(path)
    if pairs != PAIRS:
        raise ModelError(f"{what} is no vocabulary of CLIP: it does not list {PAIRS} pairs, one a line.", remedy)


def _pairs(path: Path) -> int:
    """How many pairs a file lists; 0 if it holds something else."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError:
        return 0
    listed = [line for line in lines[lines[0].startswith(VERSION) :] if line]
    return len(listed) if all(len(line.split(" ")) == 2 for line in listed) else 0
