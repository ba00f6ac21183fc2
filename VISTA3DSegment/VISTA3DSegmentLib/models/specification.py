"""What a model expects of an image and what it answers: data about the model, never constants in the code that runs it.

It travels with the weights: as JSON in the header of a safetensors file (see ``header``), and in ``registry`` for files
that were published without it.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, TypeAlias, get_args

from .specification_fields import (
    as_float,
    list_of,
    number_of,
    only_keys,
    ordered,
    parsed,
    refuse,
    take_format,
    text_of,
    triple_of,
    truth_of,
)

FORMAT = 2
"""Version of the JSON form. A reader refuses a higher one instead of guessing."""
SINCE_2: dict[str, Any] = {"smallest_piece": 0.0, "click_support": None}
"""What a specification of format 1 means by not saying it."""

HIGHEST_CLASS_ID = 511
"""VISTA3D's table of class embeddings has 512 rows; row 0 is the background."""

LARGEST_WINDOW = 1024
"""Voxels along an axis of one network pass; no machine runs more, so a larger number is a mistake."""

Blending: TypeAlias = Literal["constant", "gaussian"]
Modality: TypeAlias = Literal["CT", "MR"]


@dataclass(frozen=True)
class HounsfieldWindow:
    """Intensity scaling by fixed values: ``low`` becomes 0, ``high`` becomes 1, values beyond are clipped.

    Args:
        low: HU.
        high: HU.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        refuse(not ordered(self.low, self.high), f"scales Hounsfield units from {self.low} to {self.high}")


@dataclass(frozen=True)
class Percentiles:
    """Intensity scaling by each image's own grey values, for MR and for models trained on several modalities.

    Args:
        low: percentile (0 to 100) that becomes 0; values below are clipped.
        high: percentile (0 to 100) that becomes 1; values above are clipped.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        valid = ordered(self.low, self.high) and self.low >= 0 and self.high <= 100
        refuse(not valid, f"scales between the percentiles {self.low} and {self.high}")


Intensity: TypeAlias = HounsfieldWindow | Percentiles

INTENSITY_KINDS: dict[str, type[HounsfieldWindow] | type[Percentiles]] = {
    "hounsfield_window": HounsfieldWindow,
    "percentiles": Percentiles,
}


@dataclass(frozen=True)
class ClickSupport:
    """What helps a small model with clicks; a large one needs none of it.

    Args:
        reach: a click on something given changes nothing farther from it than so many times the depth of the error
            there.
        grey_values: largest logit that paths of equal grey value from the clicks add to the model's own.
        automatic: share of a class's automatic logits that is added, but not around clicks that contradict them.
    """

    reach: float
    grey_values: float
    automatic: float

    def __post_init__(self) -> None:
        reach_valid = math.isfinite(self.reach) and self.reach > 0
        refuse(not reach_valid, f"lets clicks reach {self.reach} times as far as the error is deep")
        for name, weight in (("grey values", self.grey_values), ("automatic answers", self.automatic)):
            refuse(not (math.isfinite(weight) and weight >= 0), f"weighs {name} by {weight}")


@dataclass(frozen=True)
class ModelSpecification:
    """What one model expects and answers.

    Args:
        name: short name, for messages and files.
        version: the publisher's version; "" if there is none.
        licence: short name of the licence of the weights.
        modalities: what it was trained on, as DICOM codes.
        intensity: how grey values become the network's 0 to 1.
        classes: ids of ``anatomy`` that it answers automatically, without duplicates.
        clicks: whether it can be corrected by clicks.
        zero_shot: whether clicks alone can describe a new structure; needs ``clicks``.
        spacing_mm: of the grid on which it works, along (x, y, z) = (R, A, S).
        window: voxels of one network pass along (x, y, z) = (R, A, S) of that grid.
        overlap: share of a window that it has in common with the next, 0 to below 1.
        blending: how overlapping windows are weighted.
        orientation: directions in which the indices of that grid grow.
        smallest_piece: an automatic answer loses pieces smaller than so much of its largest one, 0 to 1; 0: none.
        click_support: what helps it with clicks; None: nothing, and a click changes all of the error that it touches,
            as VISTA3D's authors do.

    Raises:
        ModelError: a value with which no image could be segmented.
    """

    name: str
    version: str
    licence: str
    modalities: tuple[Modality, ...]
    intensity: Intensity
    classes: tuple[int, ...]
    clicks: bool = True
    zero_shot: bool = True
    spacing_mm: tuple[float, float, float] = (1.5, 1.5, 1.5)
    window: tuple[int, int, int] = (128, 128, 128)
    overlap: float = 0.25
    blending: Blending = "constant"
    orientation: Literal["RAS"] = "RAS"
    smallest_piece: float = 0.0
    click_support: ClickSupport | None = None

    def __post_init__(self) -> None:
        refuse(not self.name.strip(), "has no name")
        modalities_known = all(modality in get_args(Modality) for modality in self.modalities)
        refuse(not (self.modalities and modalities_known), f"is for the modalities {self.modalities}")
        strange = [i for i in self.classes if not 1 <= i <= HIGHEST_CLASS_ID]
        refuse(bool(strange), f"lists the classes {strange}, outside 1 to {HIGHEST_CLASS_ID}")
        refuse(len(set(self.classes)) != len(self.classes), "lists a class twice")
        refuse(self.zero_shot and not self.clicks, "takes new structures by clicks, yet takes no clicks")
        refuse(not (self.classes or self.clicks), "answers no class and takes no clicks")
        spacing_valid = len(self.spacing_mm) == 3 and all(math.isfinite(mm) and mm > 0 for mm in self.spacing_mm)
        refuse(not spacing_valid, f"works on a spacing of {self.spacing_mm} mm")
        window_valid = len(self.window) == 3 and all(0 < voxels <= LARGEST_WINDOW for voxels in self.window)
        refuse(not window_valid, f"works on windows of {self.window} voxels")
        refuse(not 0 <= self.overlap < 1, f"has windows that overlap by {self.overlap}")
        refuse(self.blending not in get_args(Blending), f"blends windows in the unknown way {self.blending!r}")
        refuse(not 0 <= self.smallest_piece <= 1, f"drops pieces below {self.smallest_piece} of the largest")
        refuse(self.orientation != "RAS", f"works in the orientation {self.orientation!r}; only RAS is run here")

    def to_json(self) -> str:
        """The specification as one JSON object, the inverse of ``from_json``; keys in a fixed order."""
        document: dict[str, Any] = {"format": FORMAT}
        document |= {field.name: getattr(self, field.name) for field in fields(self)}
        document["intensity"] = intensity_to_json(self.intensity)
        document["click_support"] = None if self.click_support is None else asdict(self.click_support)
        return json.dumps(document, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ModelSpecification:
        """Read what ``to_json`` wrote. Strict: no key may be missing, unknown, or of another type.

        Raises:
            ModelError: the text is not such a specification; the sentence names the key.
        """
        document = parsed(text)
        if take_format(document, FORMAT) == 1:
            document = SINCE_2 | document
        only_keys(document, {field.name for field in fields(cls)})
        return cls(
            name=text_of(document, "name"),
            version=text_of(document, "version"),
            licence=text_of(document, "licence"),
            modalities=tuple(list_of(document, "modalities", str)),
            intensity=intensity_of(document["intensity"]),
            classes=tuple(list_of(document, "classes", int)),
            clicks=truth_of(document, "clicks"),
            zero_shot=truth_of(document, "zero_shot"),
            spacing_mm=triple_of(
                [as_float(mm, "spacing_mm") for mm in list_of(document, "spacing_mm", int, float)], "spacing_mm"
            ),
            window=triple_of(list_of(document, "window", int), "window"),
            overlap=number_of(document, "overlap"),
            blending=text_of(document, "blending"),  # type: ignore[arg-type]  # the constructor checks the word
            orientation=text_of(document, "orientation"),  # type: ignore[arg-type]  # the constructor checks the word
            smallest_piece=number_of(document, "smallest_piece"),
            click_support=_click_support(document["click_support"]),
        )


def _click_support(document: Any) -> ClickSupport | None:
    if document is None:
        return None
    refuse(not isinstance(document, dict), f"gives click_support as {document!r}")
    names = [field.name for field in fields(ClickSupport)]
    only_keys(document, set(names))
    return ClickSupport(**{name: number_of(document, name) for name in names})


def intensity_to_json(intensity: Intensity) -> dict[str, Any]:
    """The inverse of ``intensity_of``."""
    kind = next(kind for kind, cls in INTENSITY_KINDS.items() if isinstance(intensity, cls))
    return {"kind": kind, "low": intensity.low, "high": intensity.high}


def intensity_of(document: Any) -> Intensity:
    """How grey values are scaled, from JSON."""
    refuse(not isinstance(document, dict), f"gives intensity as {document!r}")
    only_keys(document, {"kind", "low", "high"})
    kind = text_of(document, "kind")
    refuse(kind not in INTENSITY_KINDS, f"scales intensity in the unknown way {kind!r}")
    return INTENSITY_KINDS[kind](low=number_of(document, "low"), high=number_of(document, "high"))
