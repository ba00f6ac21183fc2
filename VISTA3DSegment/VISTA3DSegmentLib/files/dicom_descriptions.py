"""What a DICOM segmentation says of its segments: names, codes, colours, how they were made."""

from __future__ import annotations

from highdicom.color import CIELabColor
from pydicom.dataset import Dataset
from pydicom.sr._snomed_dict import mapping as snomed_mapping  # not public, but pydicom's Code compares by it
from pydicom.uid import UID

from ..edits import MaskCrop
from ..provenance import TAG, Algorithm, Provenance
from ..terminology import SNOMED, TISSUE, Concept, Meaning, entry_of
from .class_codes import class_with_codes, concept_of
from .dicom_private import restored
from .label_maps import label_color
from .segments import Rgb, Segment
from .tracking import TRACKING_TAG, Tracking

BACKGROUND = ("DCM", "125040")
"""Type of the segment that says which value of a label map is nothing (PS3.3, C.8.20.2)."""


def is_background(description: Dataset) -> bool:
    """Whether an item of the Segment Sequence stands for no structure."""
    type_ = _concept(description, "SegmentedPropertyTypeCodeSequence")
    return type_ is not None and (type_.scheme, type_.value) == BACKGROUND


def segment_of(description: Dataset, mask: MaskCrop, dataset: Dataset) -> Segment:
    """A segment from an item of the Segment Sequence; what this program wrote comes back whole.

    Args:
        description: the item.
        mask: its voxels.
        dataset: of the whole object.
    """
    number, meaning = int(description.SegmentNumber), meaning_in(description)
    provenance, tracking = provenance_in(description, dataset), _tracking_in(description)
    tags = {} if provenance is None else {TAG: provenance.to_tag()}
    label = str(description.get("SegmentLabel", "")).strip()
    segment = Segment(
        name=label or (meaning.type.meaning if meaning else f"Segment {number}"),
        mask=mask,
        color=_color(description, number),
        class_id=None if meaning is None else class_with_codes(meaning),
        terminology="" if meaning is None else entry_of(meaning),
        tags=tags if tracking is None else {**tags, TRACKING_TAG: tracking.to_tag()},
    )
    return restored(description, segment)


def meaning_in(description: Dataset) -> Meaning | None:
    """What the codes say; None: they lack a category or a type, or say no more than that it is tissue."""
    category = _concept(description, "SegmentedPropertyCategoryCodeSequence")
    type_ = _concept(description, "SegmentedPropertyTypeCodeSequence")
    if category is None or type_ is None or type_.value == TISSUE.type.value:
        return None
    region = _first(description, "AnatomicRegionSequence")
    return Meaning(
        category,
        type_,
        _concept(_first(description, "SegmentedPropertyTypeCodeSequence"), "SegmentedPropertyTypeModifierCodeSequence"),
        _concept(description, "AnatomicRegionSequence"),
        _concept(region, "AnatomicRegionModifierSequence"),
    )


def _first(dataset: Dataset | None, keyword: str) -> Dataset | None:
    items = None if dataset is None else dataset.get(keyword)
    return items[0] if items else None


def _concept(dataset: Dataset | None, keyword: str) -> Concept | None:
    """The first code of a sequence; codes of SNOMED's old scheme (SRT) become those of today."""
    item = _first(dataset, keyword)
    if item is None:
        return None
    value = next((str(item.get(key)) for key in ("CodeValue", "LongCodeValue", "URNCodeValue") if item.get(key)), "")
    scheme = str(item.get("CodingSchemeDesignator", "") or "URN")
    if scheme == "SRT" and value in snomed_mapping["SRT"]:
        scheme, value = SNOMED, snomed_mapping["SRT"][value]
    return concept_of(scheme, value, str(item.get("CodeMeaning", "")).strip() or value)


def _color(description: Dataset, number: int) -> Rgb:
    stored = description.get("RecommendedDisplayCIELabValue")
    if stored is None or len(stored) != 3:
        return label_color(number)
    red, green, blue = CIELabColor.from_dicom_value([int(part) for part in stored]).to_rgb(clip=True)
    return red, green, blue


def _tracking_in(description: Dataset) -> Tracking | None:
    identifier, uid = (str(description.get(keyword) or "").strip() for keyword in ("TrackingID", "TrackingUID"))
    return Tracking(identifier, uid) if identifier and UID(uid).is_valid else None


def provenance_in(description: Dataset, dataset: Dataset) -> Provenance | None:
    """How a segment was made, as other programs say it: type, name, version and family of the algorithm.

    Returns:
        None if they do not say of what type it was: then nobody's work may be claimed.
    """
    kinds = {algorithm.value: algorithm for algorithm in Algorithm}
    algorithm = kinds.get(str(description.get("SegmentAlgorithmType", "")))
    if algorithm is None:
        return None
    identification = _first(description, "SegmentationAlgorithmIdentificationSequence") or Dataset()
    family = _concept(identification, "AlgorithmFamilyCodeSequence")
    versions = dataset.get("SoftwareVersions", "")
    software = [dataset.get("ManufacturerModelName", ""), versions if isinstance(versions, str) else " ".join(versions)]
    return Provenance(
        algorithm,
        model=str(identification.get("AlgorithmName", "") or description.get("SegmentAlgorithmName", "")),
        version=str(identification.get("AlgorithmVersion", "")),
        software=" ".join(str(word) for word in software if word),
        family="" if family is None else f"{family.scheme}^{family.value}^{family.meaning}",
    )
