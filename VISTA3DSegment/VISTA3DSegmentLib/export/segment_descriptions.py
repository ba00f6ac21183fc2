"""What DICOM says of a segment: its codes, its colour, how it was made, and under which name it is tracked."""

from __future__ import annotations

from highdicom import AlgorithmIdentificationSequence
from highdicom.color import CIELabColor
from highdicom.seg import SegmentDescription
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from ..files.dicom_private import keep
from ..files.segments import Segment
from ..files.tracking import Tracking
from ..provenance import NOT_RECORDED, Algorithm, Provenance, provenance_of
from ..terminology import TISSUE, Concept, meaning_of
from .equipment import MANUFACTURER, SHORT_STRING, SHORT_TEXT, fitting

UNSAID = "not recorded"
"""Stands where the standard wants a name or a version, and nobody said it."""


def described(segment: Segment, number: int, tracking: Tracking) -> SegmentDescription:
    """The item of the Segment Sequence for a segment (PS3.3, C.8.20.4), but for what made it: see ``say_algorithm``.

    Args:
        segment: what it is; one without codes becomes a tissue.
        number: of the segment in the object, from 1.
        tracking: its identifiers.
    """
    meaning = meaning_of(segment.terminology, segment.class_id) or TISSUE
    item = SegmentDescription(
        segment_number=number,
        segment_label=fitting(segment.name) or fitting(meaning.type.meaning),
        segmented_property_category=code_of(meaning.category),
        segmented_property_type=code_of(meaning.type),
        algorithm_type=Algorithm.MANUAL.value,
        tracking_uid=tracking.uid,
        tracking_id=tracking.identifier,
        anatomic_regions=None if meaning.region is None else [code_of(meaning.region)],
        display_color=CIELabColor.from_rgb(*segment.color),
    )
    if meaning.modifier is not None:
        type_ = item.SegmentedPropertyTypeCodeSequence[0]
        type_.SegmentedPropertyTypeModifierCodeSequence = [coded(meaning.modifier)]
    if meaning.region is not None and meaning.region_modifier is not None:
        item.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [coded(meaning.region_modifier)]
    if sentence := history_of(provenance_of(segment.tags) or NOT_RECORDED):
        item.SegmentDescription = fitting(sentence, SHORT_TEXT)
    keep(item, segment)
    return item


def say_algorithm(item: Dataset, segment: Segment) -> None:
    """What made a segment; only of a person's own work there is no name (PS3.3, C.8.20.2).

    To be said once highdicom has made the object: it wants an identification of every algorithm, the standard does not.
    """
    provenance = provenance_of(segment.tags) or NOT_RECORDED
    item.SegmentAlgorithmType = provenance.algorithm.value
    identification = identification_of(provenance)
    if identification is not None:
        item.SegmentationAlgorithmIdentificationSequence = identification
        item.SegmentAlgorithmName = identification[0].AlgorithmName
    elif provenance.algorithm is not Algorithm.MANUAL:
        item.SegmentAlgorithmName = algorithm_and_version(provenance) or UNSAID


def code_of(concept: Concept) -> Code:
    """A concept as pydicom's code; its meaning is cut to what the field holds."""
    return Code(concept.value, fitting(concept.scheme, SHORT_STRING), fitting(concept.meaning))


def coded(concept: Concept) -> Dataset:
    """A concept as the item of a code sequence (PS3.3, 8.8)."""
    code = code_of(concept)
    item = Dataset()
    if len(code.value) > SHORT_STRING:
        item.LongCodeValue = code.value
    else:
        item.CodeValue = code.value
    item.CodingSchemeDesignator = code.scheme_designator
    item.CodeMeaning = code.meaning
    return item


def identification_of(provenance: Provenance) -> AlgorithmIdentificationSequence | None:
    """Which algorithm made a segment: name, version, weights (PS3.3, 10.16).

    Returns:
        None for a person's own work, and for an algorithm of which nobody says of what family it is: that must be said.
    """
    if provenance.algorithm is Algorithm.MANUAL:
        return None
    version = fitting(provenance.version) or UNSAID
    if not provenance.engine:
        family = provenance.family.split("^", 2)
        if len(family) < 3:
            return None
        name = fitting(provenance.model) or UNSAID
        return AlgorithmIdentificationSequence(name, code_of(Concept(*family)), version)
    parameters = {"weights_sha256": provenance.sha256, "software": provenance.software}
    return AlgorithmIdentificationSequence(
        fitting(f"{provenance.engine} {provenance.model}"),
        codes.DCM.ArtificialIntelligence,
        version,
        source=MANUFACTURER,
        parameters={key: fitting(value) for key, value in parameters.items() if value},
    )


def algorithm_and_version(provenance: Provenance) -> str:
    """What made a segment, in words, where no identification can say it; "" if nobody said so."""
    return fitting(f"{provenance.model} {provenance.version}")


def is_recorded(segment: Segment) -> bool:
    """Whether a segment says by whom or by what it was made."""
    made = provenance_of(segment.tags) or NOT_RECORDED
    return made.algorithm is not Algorithm.SEMIAUTOMATIC or bool(made.engine or made.model)


def history_of(provenance: Provenance) -> str:
    """How a segment came about, in words; "" if nothing is known."""
    words = []
    if provenance.corrects:
        words.append(f"goes on with {provenance.corrects}")
    if provenance.text:
        words.append(f'asked for as "{provenance.text}"')
    counts = {
        "box": provenance.boxes,
        "positive click": provenance.positive,
        "negative click": provenance.negative,
        "edit by hand": provenance.edits,
    }
    words += [_counted(count, name) for name, count in counts.items() if count]
    if provenance.seconds >= 1:
        words.append(f"{provenance.seconds:.0f} s of work")
    for name, time in (("begun", provenance.created), ("changed", provenance.changed)):
        if time:
            words.append(f"{name} {time}")
    return ", ".join(words)


def _counted(count: int, name: str) -> str:
    plural = {"box": "boxes", "edit by hand": "edits by hand"}.get(name, f"{name}s")
    return f"{count} {name if count == 1 else plural}"
