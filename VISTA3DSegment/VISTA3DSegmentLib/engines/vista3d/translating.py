"""Prompts that VISTA3D was not trained with, as what it knows: a text that names a class is that class."""

from __future__ import annotations

from dataclasses import replace

from ...anatomy import class_called
from ...errors import PromptError
from ...prompts import Prompts, Structure, Text


def translated(structure: Structure, prompts: Prompts) -> tuple[Structure, Prompts]:
    """The structure that the texts mean, and the other prompts.

    Raises:
        PromptError: a text names no class, several, or two texts name two.
    """
    texts = [prompt.text for prompt in prompts if isinstance(prompt, Text)]
    others = tuple(prompt for prompt in prompts if not isinstance(prompt, Text))
    meant = {text: class_called(text) for text in texts}
    for text, class_id in meant.items():
        if class_id is None:
            raise PromptError(f"VISTA3D knows no structure called {text!r}.", "Ask SegVol for it, or click on it.")
        structure = replace(structure, class_id=class_id)
    if len(set(meant.values())) > 1:
        raise PromptError(f"The texts {', '.join(texts)} name several structures.", "Leave one of them.")
    return structure, others
