"""What a model expects of an image and what it answers: data about the model, never constants in the code that runs it.

It travels with the weights: as JSON in the header of a safetensors file under ``METADATA_KEY``, and in ``registry`` for
files that were published without it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from ..errors import ModelError

LENGTH_BYTES, MAX_HEADER_BYTES = 8, 100_000_000
"""Of a safetensors file: it begins with the length of its header; the format allows no longer one."""
METADATA_KEY = "vista3dsegment"
"""Key of the specification in the metadata of a safetensors header."""

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

DAMAGED_REMEDY = "Download or copy the file again, and check it with: vista3dsegment models verify."
REMEDY = "Ask whoever made the model for a corrected file."


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
        _refuse(not _ordered(self.low, self.high), f"scales Hounsfield units from {self.low} to {self.high}")


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
        valid = _ordered(self.low, self.high) and self.low >= 0 and self.high <= 100
        _refuse(not valid, f"scales between the percentiles {self.low} and {self.high}")


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
        _refuse(not reach_valid, f"lets clicks reach {self.reach} times as far as the error is deep")
        for name, weight in (("grey values", self.grey_values), ("automatic answers", self.automatic)):
            _refuse(not (math.isfinite(weight) and weight >= 0), f"weighs {name} by {weight}")


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
        _refuse(not self.name.strip(), "has no name")
        modalities_known = all(modality in get_args(Modality) for modality in self.modalities)
        _refuse(not (self.modalities and modalities_known), f"is for the modalities {self.modalities}")
        strange = [i for i in self.classes if not 1 <= i <= HIGHEST_CLASS_ID]
        _refuse(bool(strange), f"lists the classes {strange}, outside 1 to {HIGHEST_CLASS_ID}")
        _refuse(len(set(self.classes)) != len(self.classes), "lists a class twice")
        _refuse(self.zero_shot and not self.clicks, "takes new structures by clicks, yet takes no clicks")
        _refuse(not (self.classes or self.clicks), "answers no class and takes no clicks")
        spacing_valid = len(self.spacing_mm) == 3 and all(math.isfinite(mm) and mm > 0 for mm in self.spacing_mm)
        _refuse(not spacing_valid, f"works on a spacing of {self.spacing_mm} mm")
        window_valid = len(self.window) == 3 and all(0 < voxels <= LARGEST_WINDOW for voxels in self.window)
        _refuse(not window_valid, f"works on windows of {self.window} voxels")
        _refuse(not 0 <= self.overlap < 1, f"has windows that overlap by {self.overlap}")
        _refuse(self.blending not in get_args(Blending), f"blends windows in the unknown way {self.blending!r}")
        _refuse(not 0 <= self.smallest_piece <= 1, f"drops pieces below {self.smallest_piece} of the largest")
        _refuse(self.orientation != "RAS", f"works in the orientation {self.orientation!r}; only RAS is run here")

    def to_json(self) -> str:
        """The specification as one JSON object, the inverse of ``from_json``; keys in a fixed order."""
        document: dict[str, Any] = {"format": FORMAT}
        document |= {field.name: getattr(self, field.name) for field in fields(self)}
        kind = next(kind for kind, cls in INTENSITY_KINDS.items() if isinstance(self.intensity, cls))
        document["intensity"] = {"kind": kind, "low": self.intensity.low, "high": self.intensity.high}
        document["click_support"] = None if self.click_support is None else asdict(self.click_support)
        return json.dumps(document, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ModelSpecification:
        """Read what ``to_json`` wrote. Strict: no key may be missing, unknown, or of another type.

        Raises:
            ModelError: the text is not such a specification; the sentence names the key.
        """
        document = _parsed(text)
        format_ = document.pop("format", None)
        newer = isinstance(format_, int) and format_ > FORMAT
        if newer:
            raise ModelError(
                f"The model's specification has format {format_}, but this version reads {FORMAT}.",
                "Update VISTA3DSegment.",
            )
        _refuse(type(format_) is not int or format_ < 1, f"has the unknown format {format_!r}")
        if format_ == 1:
            document = SINCE_2 | document
        _only(document, {field.name for field in fields(cls)})
        return cls(
            name=_text(document, "name"),
            version=_text(document, "version"),
            licence=_text(document, "licence"),
            modalities=tuple(_list(document, "modalities", str)),
            intensity=_intensity(document["intensity"]),
            classes=tuple(_list(document, "classes", int)),
            clicks=_truth(document, "clicks"),
            zero_shot=_truth(document, "zero_shot"),
            spacing_mm=_triple(
                [_float(mm, "spacing_mm") for mm in _list(document, "spacing_mm", int, float)], "spacing_mm"
            ),
            window=_triple(_list(document, "window", int), "window"),
            overlap=_number(document, "overlap"),
            blending=_text(document, "blending"),  # type: ignore[arg-type]  # the constructor checks the word
            orientation=_text(document, "orientation"),  # type: ignore[arg-type]  # the constructor checks the word
            smallest_piece=_number(document, "smallest_piece"),
            click_support=_click_support(document["click_support"]),
        )


def specification_of(path: Path) -> ModelSpecification | None:
    """What the header of a safetensors file says; None: nothing. The weights are not read.

    Raises:
        ModelError: the file cannot be read, or says something that is not valid.
    """
    # Read without the library: desktop Slicer has none until it was installed, and the panel is there before.
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(LENGTH_BYTES), "little")
            if not 0 < size <= min(MAX_HEADER_BYTES, path.stat().st_size - LENGTH_BYTES):
                raise ValueError("its header has no length that is possible")
            text = (json.loads(file.read(size)).get("__metadata__") or {}).get(METADATA_KEY)
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"The model file {path.name} is damaged ({error}).", DAMAGED_REMEDY) from error
    return ModelSpecification.from_json(text) if text else None


def _refuse(wrong: bool, what: str) -> None:
    if wrong:
        raise ModelError(f"The model's specification {what}, which is not valid.", REMEDY)


def _ordered(low: float, high: float) -> bool:
    return math.isfinite(low) and math.isfinite(high) and low < high


def _parsed(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"The model's specification is not JSON ({error}).", REMEDY) from error
    if not isinstance(document, dict):
        raise ModelError("The model's specification is not a JSON object.", REMEDY)
    return document


def _only(document: Mapping[str, Any], expected: set[str]) -> None:
    missing, unknown = sorted(expected - set(document)), sorted(set(document) - expected)
    _refuse(bool(missing), f"lacks {', '.join(missing)}")
    _refuse(bool(unknown), f"holds the unknown {', '.join(unknown)}")


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document[key]
    _refuse(not isinstance(value, str), f"gives {key} as {value!r}")
    return str(value)


def _truth(document: Mapping[str, Any], key: str) -> bool:
    value = document[key]
    _refuse(not isinstance(value, bool), f"gives {key} as {value!r}")
    return bool(value)


def _number(document: Mapping[str, Any], key: str) -> float:
    value = document[key]
    _refuse(type(value) not in (int, float), f"gives {key} as {value!r}")
    return _float(value, key)


def _float(value: int | float, key: str) -> float:
    try:
        return float(value)
    except OverflowError:  # JSON knows integers of any length
        raise ModelError(f"The model's specification gives a {key} too large for a number.", REMEDY) from None


def _list(document: Mapping[str, Any], key: str, *types: type) -> list[Any]:
    values = document[key]
    # type() and not isinstance(): in Python True is an int, in a specification it is a mistake.
    valid = isinstance(values, list) and all(type(value) in types for value in values)
    _refuse(not valid, f"gives {key} as {values!r}")
    return list(values)


def _triple(values: list[Any], key: str) -> tuple[Any, Any, Any]:
    _refuse(len(values) != 3, f"gives {len(values)} values as {key}")
    return values[0], values[1], values[2]


def _click_support(document: Any) -> ClickSupport | None:
    if document is None:
        return None
    _refuse(not isinstance(document, dict), f"gives click_support as {document!r}")
    names = [field.name for field in fields(ClickSupport)]
    _only(document, set(names))
    return ClickSupport(**{name: _number(document, name) for name in names})


def _intensity(document: Any) -> Intensity:
    _refuse(not isinstance(document, dict), f"gives intensity as {document!r}")
    _only(document, {"kind", "low", "high"})
    kind = _text(document, "kind")
    _refuse(kind not in INTENSITY_KINDS, f"scales intensity in the unknown way {kind!r}")
    return INTENSITY_KINDS[kind](low=_number(document, "low"), high=_number(document, "high"))
