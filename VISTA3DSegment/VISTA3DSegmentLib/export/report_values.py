"""What a report says of a segmentation, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..files.segments import Rgb, Segment
from ..provenance import Algorithm, Provenance, provenance_of
from ..terminology import Meaning, meaning_of
from .changes import Change, Changes
from .lesions import Lesions, is_lesion
from .measures import Measures
from .preflight import STATUS_TAG, STATUSES

SPECK_ML = 0.1
"""An organ of a smaller volume, a cube of less than 5 mm, is rather a mistake of the model."""

DISCLAIMER = "Not a medical device: for research. Every segment and every figure must be checked by a person."


@dataclass(frozen=True)
class SegmentReport:
    """One segment.

    Args:
        name: what the person calls it.
        color: red, green, blue, 0 to 255.
        meaning: what it is, in codes; None if nobody said so.
        class_id: of the model's class, if it has one.
        is_lesion: whether its parts are listed as lesions.
        measures: in numbers.
        provenance: how it came about; None if that is not recorded.
        status: how far a person is with it, in words; "" if that is not recorded.
        change: of its volume in ml since the earlier segmentation; None if there is none to compare with.
        name_before: what it was called there; "" likewise.
    """

    name: str
    color: Rgb
    meaning: Meaning | None
    class_id: int | None
    is_lesion: bool
    measures: Measures
    provenance: Provenance | None
    status: str
    change: Change | None = None
    name_before: str = ""

    @classmethod
    def of(cls, segment: Segment, measures: Measures, change: Change | None, name_before: str) -> SegmentReport:
        """What is said of a segment."""
        return cls(
            name=segment.name,
            color=segment.color,
            meaning=meaning_of(segment.terminology, segment.class_id),
            class_id=segment.class_id,
            is_lesion=is_lesion(segment),
            measures=measures,
            provenance=provenance_of(segment.tags),
            status=status_of(segment.tags),
            change=change,
            name_before=name_before,
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader must know before trusting its figures."""
        if not self.measures.voxels:
            return ("empty",)
        found = []
        if not self.is_lesion and self.measures.volume_ml < SPECK_ML:
            found.append("only a speck")
        if self.measures.cut_at:
            found.append(f"cut at {', '.join(self.measures.cut_at)} edge")
        if self.status not in ("", STATUSES["completed"]):
            found.append(self.status)
        return tuple(found)


@dataclass(frozen=True)
class Pictures:
    """JPEG files.

    Args:
        front: all segments in space, from the front.
        segments: outlines on three planes of each segment, in their order; of an empty one no bytes.
        lesions: the first lesions, by number, each with its diameters in an axial slice.
    """

    front: bytes
    segments: tuple[bytes, ...]
    lesions: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Report:
    """What a report says.

    Args:
        scan: what the person calls the scan; never patient data.
        made: when, ISO 8601 in UTC.
        software: name and version of the program.
        unit: of grey values: HU for a CT, else "".
        shape_kji: number of voxels of the scan along (k, j, i).
        spacing_mm: of the scan, along (i, j, k).
        segments: in their order.
        lesions: all of them.
        changes: since the earlier segmentation; None if there is none.
        pictures: None if they were not asked for.
        notices: what the person should know about how it was made.
    """

    scan: str
    made: str
    software: str
    unit: str
    shape_kji: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    segments: tuple[SegmentReport, ...]
    lesions: Lesions
    changes: Changes | None = None
    pictures: Pictures | None = None
    notices: tuple[str, ...] = ()

    @property
    def models(self) -> tuple[tuple[str, str, str, str], ...]:
        """Engine, name, version and SHA-256 of all weights that made a segment, each once."""
        made = (one.provenance for one in self.segments if one.provenance is not None and one.provenance.engine)
        return tuple(dict.fromkeys((one.engine, one.model, one.version, one.sha256) for one in made))


def status_of(tags: Mapping[str, str]) -> str:
    """How far a person is with a segment, in words; "" if its tags do not say."""
    return STATUSES.get(tags.get(STATUS_TAG, ""), "")


def made_by(provenance: Provenance | None) -> str:
    """How a segment was made, in two words."""
    if provenance is None:
        return "not recorded"
    return {
        Algorithm.AUTOMATIC: "automatic",
        Algorithm.SEMIAUTOMATIC: "by model and person",
        Algorithm.MANUAL: "by hand",
    }[provenance.algorithm]


def meaning_in_words(meaning: Meaning | None) -> str:
    """What a segment is: "Kidney, Left" or "Neoplasm of Liver"; "" if nobody said so."""
    if meaning is None:
        return ""
    words = meaning.type.meaning
    if meaning.modifier is not None:
        words += f", {meaning.modifier.meaning}"
    if meaning.region is not None:
        side = "" if meaning.region_modifier is None else f"{meaning.region_modifier.meaning} "
        words += f" of {side}{meaning.region.meaning}"
    return words
