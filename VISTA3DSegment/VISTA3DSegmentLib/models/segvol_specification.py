"""What a SegVol model expects of an image and what can be asked of it by text; it travels as ``specification`` does."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, get_args

from .specification import LARGEST_WINDOW, HounsfieldWindow, Modality, intensity_of, intensity_to_json
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

SEGVOL_FORMAT = 1
"""Version of the JSON form. A reader refuses a higher one instead of guessing."""
ENGINE_KEY, ENGINE = "engine", "segvol"

Resizing: TypeAlias = Literal["nearest-exact", "area"]


@dataclass(frozen=True)
class ForegroundPercentiles:
    """Intensity scaling by the image's own foreground: what is brighter than the mean of all voxels.

    Args:
        low: percentile (0 to 100) of the foreground that becomes 0; values below are clipped.
        high: percentile (0 to 100) of the foreground that becomes 1; values above are clipped.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        valid = ordered(self.low, self.high) and self.low >= 0 and self.high <= 100
        refuse(not valid, f"scales between the percentiles {self.low} and {self.high} of the foreground")


@dataclass(frozen=True)
class SegVolSpecification:
    """What one SegVol model expects and answers.

    Args:
        name: short name, for messages and files.
        version: the publisher's version; "" if there is none.
        licence: short name of the licence of the weights.
        modalities: what it was trained on, as DICOM codes.
        intensity: how grey values become the network's 0 to 1.
        window: voxels of one network pass, axes (k, j, i) of an axial scan.
        texts: structures that can be named; what the file's table of texts holds, row by row, if it has one.
        overlap: share of a window that it has in common with the next, 0 to below 1.
        spacing_mm: of the grid on which it zooms in, along (k, j, i); None: the scan's own voxels, as SegVol does.
        resizing: how the whole scan is brought to the window.
        matching_axes: see ``engines.segvol.prompt_encoder``; False for the published weights.
        smallest_piece: an answer loses pieces smaller than so much of its largest one, 0 to 1; 0: none.

    Raises:
        ModelError: a value with which no image could be segmented.
    """

    name: str
    version: str
    licence: str
    modalities: tuple[Modality, ...]
    intensity: ForegroundPercentiles | HounsfieldWindow
    texts: tuple[str, ...]
    window: tuple[int, int, int] = (32, 256, 256)
    overlap: float = 0.5
    spacing_mm: tuple[float, float, float] | None = None
    resizing: Resizing = "nearest-exact"
    matching_axes: bool = False
    smallest_piece: float = 0.0

    def __post_init__(self) -> None:
        refuse(not self.name.strip(), "has no name")
        modalities_known = all(modality in get_args(Modality) for modality in self.modalities)
        refuse(not (self.modalities and modalities_known), f"is for the modalities {self.modalities}")
        window_valid = len(self.window) == 3 and all(0 < voxels <= LARGEST_WINDOW for voxels in self.window)
        refuse(not window_valid, f"works on windows of {self.window} voxels")
        refuse(len(set(self.texts)) != len(self.texts), "lists a text twice")
        refuse(not all(text.strip() for text in self.texts), "lists an empty text")
        refuse(not 0 <= self.overlap < 1, f"has windows that overlap by {self.overlap}")
        spacing_valid = self.spacing_mm is None or (
            len(self.spacing_mm) == 3 and all(ordered(0.0, mm) for mm in self.spacing_mm)
        )
        refuse(not spacing_valid, f"works on a spacing of {self.spacing_mm} mm")
        refuse(not 0 <= self.smallest_piece <= 1, f"drops pieces below {self.smallest_piece} of the largest")
        refuse(self.resizing not in get_args(Resizing), f"resizes in the unknown way {self.resizing!r}")

    def to_json(self) -> str:
        """The specification as one JSON object, the inverse of ``from_json``; keys in a fixed order."""
        document: dict[str, Any] = {ENGINE_KEY: ENGINE, "format": SEGVOL_FORMAT}
        document |= {field.name: getattr(self, field.name) for field in fields(self)}
        if isinstance(self.intensity, ForegroundPercentiles):
            document["intensity"] = {
                "kind": "foreground_percentiles",
                "low": self.intensity.low,
                "high": self.intensity.high,
            }
        else:
            document["intensity"] = intensity_to_json(self.intensity)
        return json.dumps(document, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> SegVolSpecification:
        """Read what ``to_json`` wrote. Strict: no key may be missing, unknown, or of another type.

        Raises:
            ModelError: the text is not such a specification; the sentence names the key.
        """
        document = parsed(text)
        refuse(document.pop(ENGINE_KEY, None) != ENGINE, "is not one of SegVol")
        take_format(document, SEGVOL_FORMAT)
        only_keys(document, {field.name for field in fields(cls)})
        spacing = None
        if document["spacing_mm"] is not None:
            values = [as_float(mm, "spacing_mm") for mm in list_of(document, "spacing_mm", int, float)]
            spacing = triple_of(values, "spacing_mm")
        return cls(
            name=text_of(document, "name"),
            version=text_of(document, "version"),
            licence=text_of(document, "licence"),
            modalities=tuple(list_of(document, "modalities", str)),
            intensity=_intensity(document["intensity"]),
            texts=tuple(list_of(document, "texts", str)),
            window=triple_of(list_of(document, "window", int), "window"),
            overlap=number_of(document, "overlap"),
            spacing_mm=spacing,
            resizing=text_of(document, "resizing"),  # type: ignore[arg-type]  # the constructor checks the word
            matching_axes=truth_of(document, "matching_axes"),
            smallest_piece=number_of(document, "smallest_piece"),
        )


def is_of_segvol(text: str) -> bool:
    """Whether a specification's JSON is one of SegVol."""
    return bool(parsed(text).get(ENGINE_KEY) == ENGINE)


def _intensity(document: Any) -> ForegroundPercentiles | HounsfieldWindow:
    if isinstance(document, dict) and document.get("kind") == "foreground_percentiles":
        only_keys(document, {"kind", "low", "high"})
        return ForegroundPercentiles(number_of(document, "low"), number_of(document, "high"))
    intensity = intensity_of(document)
    refuse(not isinstance(intensity, HounsfieldWindow), f"scales intensity as {document!r}")
    assert isinstance(intensity, HounsfieldWindow)
    return intensity
