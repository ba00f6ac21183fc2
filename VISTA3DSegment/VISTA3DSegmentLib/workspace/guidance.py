"""What words and boxes are good for, in the sentences that every shell shows beside the places where they are given.

No confidence is among them, nor anywhere: SegVol's own estimate was never trained.
"""

from __future__ import annotations

from ..engines.segvol.guidance import notices_for
from ..prompts import Text

BEST = "By name: large organs of a CT. A box: close around the structure."
TIGHT = "Draw close around {}: a loose box finds less. Esc ends."
CLASSES = "VISTA3D finds by name what it knows as a class."
INSIDE = "VISTA3D changes {} inside the box only. Esc ends."
ALL = (
    "Good: large organs of a CT, by their name.",
    "Surer: a name and a box close around the structure. A loose box finds less.",
    "Poor: lesions by name alone. Draw a box, or click.",
    "Unreliable: left and right by name alone. Check the side, or add a box or a click.",
)
"""Of names and boxes as SegVol takes them, from the evaluations of its published weights."""


def about(words: str, by_segvol: bool, drawn: str = "") -> str:
    """What a person should know now, in a sentence.

    Args:
        words: typed as the name of a structure; "": none yet.
        by_segvol: SegVol will answer.
        drawn: name of the structure for which a box is being drawn; "": none is.
    """
    if drawn:
        return (TIGHT if by_segvol else INSIDE).format(drawn)
    if not by_segvol:
        return CLASSES
    cautions = notices_for((Text(words),)) if words.strip() else ()
    return cautions[0] if cautions else BEST
