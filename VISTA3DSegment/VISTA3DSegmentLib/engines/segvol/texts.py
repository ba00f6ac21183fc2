"""What a model can be told in words: a table of texts that came with it, or any text where it has a text tower."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import torch

from ...anatomy import class_called, class_of
from ...errors import PromptError
from .tokens import Tokenizer

Tensor = torch.Tensor

TEMPLATE = "A computerized tomography of a {}."
"""Around every name that SegVol was trained with."""
SHOWN = 12
ALIKE = 0.75
"""Of names that are suggested for a misspelt one (0 to 1, by ``difflib``): "livr" is meant as liver, "Niere" is not."""


@dataclass(eq=False)
class Texts:
    """Words become the vectors that the network takes.

    Args:
        table: (n, width), a vector for each name; None: the text tower makes them.
        names: of the rows of the table, or those whose tokens are known.
        ids: token ids of names, for a model that has a text tower but no vocabulary.
        tower: token ids (1, n) to a vector (1, width); None: only the table is known.
        tokenizer: text to token ids; None: the vocabulary is not there.
    """

    table: Tensor | None
    names: Sequence[str]
    ids: Mapping[str, Sequence[int]] = field(default_factory=dict)
    tower: Callable[[Tensor], Tensor] | None = None
    tokenizer: Tokenizer | None = None
    _made: dict[str, Tensor] = field(default_factory=dict, init=False, repr=False)

    def vector(self, text: str) -> Tensor:
        """The vector (1, width) of a text.

        Raises:
            PromptError: the model does not know these words.
        """
        name = self.known(text)
        key = name if name is not None else spelled(text)
        if key not in self._made:
            self._made[key] = self._make(name, text)
        return self._made[key]

    def known(self, text: str) -> str | None:
        """The name among those that are known which a text means: its own, or that of the class that it names."""
        by_spelling = {spelled(name): name for name in self.names}
        if spelled(text) in by_spelling:
            return by_spelling[spelled(text)]
        if self.tokenizer is not None:
            return None  # the person's own words are said to the model
        try:
            class_id = class_called(text)
        except PromptError:  # it means several
            return None
        return None if class_id is None else by_spelling.get(spelled(class_of(class_id).name))

    def _make(self, name: str | None, text: str) -> Tensor:
        if name is not None and self.table is not None:
            return self.table[self.names.index(name)][None]
        if self.tower is not None:
            if name is not None and name in self.ids:
                return self.tower(torch.tensor([list(self.ids[name])]))
            if self.tokenizer is not None:
                return self.tower(torch.tensor([self.tokenizer.ids(TEMPLATE.format(spelled(text)))]))
        raise PromptError(f"The model has no words for {' '.join(text.split())!r}.", self._remedy(text))

    def _remedy(self, text: str) -> str:
        near = get_close_matches(spelled(text), self.names, n=3, cutoff=ALIKE)
        if near:
            return f"Did you mean {' or '.join(near)}?"
        more = f" and {len(self.names) - SHOWN} more" if len(self.names) > SHOWN else ""
        return f"It knows {', '.join(self.names[:SHOWN])}{more}. Or click on the structure, or draw a box around it."


def spelled(text: str) -> str:
    """A text as it is compared: lower case, one space between words."""
    return re.sub(r"[\s_]+", " ", text).strip().lower()


def text_tower(network: Any) -> Callable[[Tensor], Tensor] | None:
    """The text tower of a network, if it has one."""
    encoder = getattr(network, "text_encoder", None)
    if encoder is None:
        return None

    @torch.inference_mode()
    def answer(ids: Tensor) -> Tensor:
        return encoder(ids).float()

    return answer
