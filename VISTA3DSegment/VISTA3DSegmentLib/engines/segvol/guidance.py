"""What SegVol is good at, said where it matters; from the evaluations of its published weights.

Text finds large organs of a CT. It finds lesions poorly, and it tells left from right unreliably: SegVol was trained on
flipped scans of mixed orientation. A box five coarse voxels too wide costs 0.12 to 0.16 of Dice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...prompts import Prompts, Text

LESIONS = re.compile(r"tumou?r|lesion|cancer|cyst|metasta|nodule|carcinoma|mass\b", re.IGNORECASE)
SIDES = re.compile(r"\b(left|right)\b", re.IGNORECASE)


def notices_for(prompts: Prompts) -> tuple[str, ...]:
    """What a person should know who asked in this way."""
    texts = [prompt.text for prompt in prompts if isinstance(prompt, Text)]
    if not texts or len(prompts) > 1:
        return ()
    if LESIONS.search(texts[0]):
        return ("Lesions are found poorly by text alone: add a tight box or a click.",)
    if SIDES.search(texts[0]):
        return ("Left and right are unreliable by text alone: check the side, or add a box or a click.",)
    return ()


def unseen_notices(name: str, sides: Sequence[str]) -> tuple[str, ...]:
    """What a person should know about a structure that ends because nothing was looked at further on.

    Args:
        name: of the structure.
        sides: of the patient.
    """
    if not sides:
        return ()
    where = " and the ".join(sides)
    return (
        f"The {name} goes on towards the {where}, where SegVol did not look: "
        "click on it there too, or draw a box around all of it.",
    )
