"""A small stroke alphabet, so that pictures can be labelled without a font file.

Each letter is a few strokes on a grid of half units: the capitals' top is 0, the small letters' top 4, the base line
14, and descenders end at 18. A stroke is a kind and its points, two base-36 digits each (x, y): ``L`` joins them by
straight lines, ``C`` is an open curve drawn towards them, ``O`` a closed one. The alphabet was drawn for this project.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt

Stroke = npt.NDArray[np.float64]
"""A polyline: (points, 2), x to the right and y downwards."""

CAPITAL_HEIGHT = 14
GAP = 4.5
"""Between two letters, in half units."""
SPACE = 3.0
"""Width of a blank, to which the gap is added."""
POINTS_PER_ARC = 6

GLYPHS = {
    "A": "L0e50ae L2989", "B": "L000e C00808707 C07979e0e", "C": "C9390000e9e9b", "D": "L000e C00909e0e",
    "E": "L80000e8e L0767", "F": "L80000e L0767", "G": "C9390000e9e98 L9858", "H": "L000e L909e L0797", "I": "L000e",
    "J": "C606e0e0a", "K": "L000e L9008 L359e", "L": "L000e8e", "M": "L0e0059b0be", "N": "L0e009e90",
    "O": "O00a0ae0e", "P": "L000e C00909808", "Q": "O00a0ae0e L6aaf", "R": "L000e C00909808 L489e",
    "S": "C83800007878e0e0b", "T": "L00a0 L505e", "U": "C000e9e90", "V": "L005ea0", "W": "L003e73bee0",
    "X": "L009e L900e", "Y": "L0057a0 L575e", "Z": "L00900e9e", "a": "C1614747e C79090e5e7b", "b": "L000e O04848e0e",
    "c": "C7674040e7e7c", "d": "L808e O04848e0e", "e": "L0989 C8984040e8e8b", "f": "C6020262e L0464",
    "g": "O04848e0e C848i0i0g", "h": "L000e C0904747e", "i": "L040e L0000", "j": "C343i0i L3030",
    "k": "L000e L740a L377e", "l": "C000e3e", "m": "L040e C0904646e C6964c4ce", "n": "L040e C0904747e",
    "o": "O04848e0e", "p": "L040i O04848e0e", "q": "L848i O04848e0e", "r": "L040e C090454", "s": "C76740409797e0e0c",
    "t": "C202a2e6e L0464", "u": "C040e7e74 L747e", "v": "L044e84", "w": "L043e659ec4", "x": "L047e L740e",
    "y": "L044e L842i", "z": "L04740e7e", "0": "O00808e0e", "1": "L13404e", "2": "C040080860e L0e8e",
    "3": "C0300808737 C37878e0e0b", "4": "L6e600a8a", "5": "L701006 C06858e0e0b", "6": "O05858e0e C0a0071",
    "7": "L00803e", "8": "O10707616 O06868e0e", "9": "O00808909 C848e1d", ".": "L0e0e", ",": "L1d0g",
    ":": "L0606 L0e0e", ";": "L1616 L1d0g", "-": "L0959", "_": "L0f8f", "+": "L0989 L454d", "=": "L0787 L0b8b",
    "(": "C30040b3f", ")": "C00343b0f", "[": "L30000f3f", "]": "L00303f0f", "/": "L0f60", "\\": "L006f",
    "<": "L84098e", ">": "L04890e", "%": "O00404404 L900e O5a9a9e5e", "'": "L0003", '"': "L0003 L3033",
    "*": "L4149 L1377 L7317", "!": "L000a L0e0e", "?": "C030070773a L3e3e", "#": "L301e L705e L0585 L0a8a",
    "|": "L000g", "~": "C0b07474b8b87", "@": "O55959b5b C95999fdae0000ede", "&": "C9e26207075080e6e98",
}  # fmt: skip
UNKNOWN = "L00707e0e00"
"""A box, for a character that was never drawn."""


def placed_letters(text: str, height: float) -> tuple[list[tuple[str, float]], float]:
    """The letters of a line of text and where each begins.

    Args:
        text: any text; accents are dropped.
        height: of a capital letter, in pixels.

    Returns:
        The letters with their x, without the blanks, and the width of the line; in pixels.
    """
    scale = height / CAPITAL_HEIGHT
    letters, x = [], 0.0
    for character in _plain(text):
        if character == " ":
            x += SPACE + GAP
        else:
            letters.append((character, x * scale))
            x += _glyph(character)[1] + GAP
    return letters, max(0.0, x - GAP) * scale


def letter_strokes(character: str, height: float) -> list[Stroke]:
    """The strokes of one letter, in pixels from its top left; a box if it is not in the alphabet."""
    return [stroke * (height / CAPITAL_HEIGHT) for stroke in _glyph(character)[0]]


def text_width(text: str, height: float) -> float:
    """Width in pixels of a line of text whose capitals have this height."""
    return placed_letters(text, height)[1]


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(character for character in decomposed if not unicodedata.combining(character))


@cache
def _glyph(character: str) -> tuple[tuple[Stroke, ...], float]:
    strokes = tuple(_stroke(code) for code in GLYPHS.get(character, UNKNOWN).split())
    return strokes, max(float(stroke[:, 0].max()) for stroke in strokes)


def _stroke(code: str) -> Stroke:
    digits = [int(digit, 36) for digit in code[1:]]
    points = np.array(digits, dtype=np.float64).reshape(-1, 2)
    return points if code[0] == "L" else _curve(points, closed=code[0] == "O")


def _curve(points: Stroke, closed: bool) -> Stroke:
    """Quadratic arcs from the middle of each edge of the control polygon to the middle of the next."""
    if closed:
        points = np.concatenate([points[-1:], points, points[:1]])
    middles = (points[:-1] + points[1:]) / 2
    t = np.linspace(0, 1, POINTS_PER_ARC)[:, None]
    arcs = [
        (1 - t) ** 2 * middles[n] + 2 * t * (1 - t) * points[n + 1] + t**2 * middles[n + 1]
        for n in range(len(middles) - 1)
    ]
    return np.concatenate(arcs if closed else [points[:1], *arcs, points[-1:]])
