"""A file of weights on this machine: what is known of it, and which system it is for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError
from .header import Specification, specification_of
from .registry import KnownModel, System
from .segvol_specification import SegVolSpecification
from .specification import ModelSpecification


@dataclass(frozen=True)
class ModelFile:
    """Weights on this machine.

    Args:
        path: the file.
        known: what the registry knows of it; None for a model of one's own.
        sha256: its hash, where the store or the registry recorded one; to be compared before opening.
        vocabulary: of its text tower, where that is here.
    """

    path: Path
    known: KnownModel | None
    sha256: str | None = None
    vocabulary: Path | None = None

    @property
    def name(self) -> str:
        """For messages."""
        return self.known.name if self.known else self.path.name

    @property
    def specification(self) -> Specification | None:
        """What it expects, as its own header says, else the registry; None: neither does.

        Raises:
            ModelError: the header is damaged or not valid.
        """
        own = specification_of(self.path) if self.path.suffix.lower() == ".safetensors" else None
        return own or (self.known.specification if self.known else None)

    @property
    def system(self) -> System | None:
        """The system that it is for; None: neither the registry nor its header says.

        Raises:
            ModelError: the header is damaged or not valid.
        """
        if self.known:
            return self.known.architecture
        specification = self.specification
        if specification is None:
            return None
        return "segvol" if isinstance(specification, SegVolSpecification) else "vista3d"

    @property
    def lacks_vocabulary(self) -> bool:
        """Whether it would understand any text if its vocabulary were here."""
        return self.vocabulary is None and self.known is not None and self.known.vocabulary is not None

    def for_vista3d(self) -> ModelSpecification | None:
        """What it expects when VISTA3D is asked; None: it does not say, and is taken for one of VISTA3D.

        Raises:
            ModelError: it is one of SegVol, or its header is not valid.
        """
        specification = self.specification
        if isinstance(specification, SegVolSpecification):
            raise ModelError(
                f"{self.name} is a model of SegVol, which segments by prompts: a text, a box, points.",
                "Use it with 'vista3dsegment prompt', or choose a model of VISTA3D.",
            )
        return specification

    def for_segvol(self) -> SegVolSpecification | None:
        """What it expects when SegVol is asked; None: it does not say, and is taken for one of SegVol.

        Raises:
            ModelError: it is one of VISTA3D, or its header is not valid.
        """
        specification = self.specification
        if isinstance(specification, ModelSpecification):
            raise ModelError(
                f"{self.name} is a model of VISTA3D, which SegVol cannot run.",
                "Choose a model of SegVol, or ask VISTA3D with 'vista3dsegment prompt --engine vista3d'.",
            )
        return specification
