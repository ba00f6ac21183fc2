"""Lesions: each connected part of what was segmented as one, numbered, with the organ in which it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..edits import Index3, MaskCrop
from ..engine import Cancel
from ..engines.reporting import check
from ..evaluation.metrics import distance_mm
from ..files.class_codes import classes_with_name
from ..files.segments import Segment, Segmentation
from ..prompts import Ras
from ..terminology import TISSUE, Meaning, class_meaning, meaning_of
from ..volume import Volume
from .measures import Measures, measured, parts_of

ALTERED = "49755003"
"""SNOMED CT: Morphologically Altered Structure, the category of tumours, cysts and other lesions."""

NEAR_MM = 10.0
"""A lesion that overlaps no organ belongs to the nearest one within this distance."""

MOST_LESIONS = 200
"""Of a segment that falls into more parts than anybody reads, the largest are listed."""


@dataclass(frozen=True, eq=False)
class Lesion:
    """A connected part of a segment that is a lesion.

    Args:
        number: from 1, by volume, the largest first.
        segment: name of the segment of which it is a part.
        mask: its voxels.
        measures: of this part alone.
        centre_ras: mean position of its voxels, RAS in mm.
        meaning: what the codes of its segment say; None: nothing.
        organ: name of the segment in which it lies, or beside which; else of the region that the codes of its segment
            say; "" if nothing does.
        distance_mm: from the organ's nearest voxel, centre to centre; 0 if they overlap; None if the organ is known by
            codes only, or not at all.
    """

    number: int
    segment: str
    mask: MaskCrop
    measures: Measures
    centre_ras: Ras
    meaning: Meaning | None = None
    organ: str = ""
    distance_mm: float | None = None


@dataclass(frozen=True, eq=False)
class Lesions:
    """All lesions of a segmentation.

    Args:
        found: by number.
        left_out: how many more there are, smaller than those.
    """

    found: tuple[Lesion, ...]
    left_out: int = 0


def is_lesion(segment: Segment) -> bool:
    """Whether a segment is a lesion: its codes say so, or nobody said what it is, not even by the name of an organ."""
    meaning = meaning_of(segment.terminology, segment.class_id)
    if meaning is None or meaning == TISSUE:
        return segment.class_id is None and not _is_called_as_an_organ(segment.name)
    return meaning.category.value == ALTERED


def _is_called_as_an_organ(name: str) -> bool:
    meanings = [class_meaning(class_id) for class_id in classes_with_name(name)]
    return bool(meanings) and all(one is not None and one.category.value != ALTERED for one in meanings)


def lesions_of(
    segmentation: Segmentation,
    volume: Volume,
    grey: bool = True,
    cancel: Cancel | None = None,
    most: int = MOST_LESIONS,
) -> Lesions:
    """Find the lesions of a segmentation.

    Args:
        segmentation: on the volume's grid.
        volume: the scan.
        grey: whether its grey values are to be measured.
        cancel: asked before each lesion.
        most: so many are given, the largest; their numbers do not depend on it.

    Raises:
        Cancelled.
    """
    parts: list[tuple[MaskCrop, Segment]] = []
    count = 0
    for segment in filter(is_lesion, segmentation.segments):
        found, here = parts_of(segment.mask, most)
        parts += [(part, segment) for part in found]
        count += here
    # Python's sort keeps the order of equals: the same segmentation always gives the same numbers.
    parts.sort(key=lambda part: -np.count_nonzero(part[0].mask))
    organs = [segment for segment in segmentation.segments if not is_lesion(segment)]
    lesions = []
    for number, (part, segment) in enumerate(parts[:most], 1):
        check(cancel)
        organ, distance = organ_of(part, segment, organs, volume)
        centre, meaning = centre_ras(part, volume), meaning_of(segment.terminology, segment.class_id)
        measures = measured(part, volume, grey)
        lesions.append(Lesion(number, segment.name, part, measures, centre, meaning, organ, distance))
    return Lesions(tuple(lesions), count - len(lesions))


def organ_of(part: MaskCrop, segment: Segment, organs: Sequence[Segment], volume: Volume) -> tuple[str, float | None]:
    """In which organ a lesion lies: the one with which it shares most voxels, else the nearest within ``NEAR_MM``.

    Returns:
        Its name and distance; see ``Lesion``.
    """
    shared = [(np.count_nonzero(part.mask & organ.mask.inside(part.start, part.shape)), organ) for organ in organs]
    voxels, organ = max(shared, key=lambda pair: pair[0], default=(0, segment))
    if voxels:
        return organ.name, 0.0
    distances = _distances_mm(part, organs, volume)
    if distances:
        distance, name = min(distances)
        return name, distance
    return _region(meaning_of(segment.terminology, segment.class_id)), None


def _distances_mm(part: MaskCrop, organs: Sequence[Segment], volume: Volume) -> list[tuple[float, str]]:
    """Distance and name of each organ within ``NEAR_MM`` of a lesion."""
    margin = np.ceil(NEAR_MM / np.asarray(volume.spacing_mm[::-1])).astype(int)
    low = np.maximum(np.subtract(part.start, margin), 0)
    high = np.minimum(np.add(part.start, part.shape) + margin, volume.shape_kji)
    start, shape = _index(low), _index(high - low)
    beside = [(organ.name, organ.mask.inside(start, shape)) for organ in organs if _meet(organ.mask, start, shape)]
    if not beside:
        return []
    distance = distance_mm(part.inside(start, shape), volume.spacing_mm)
    nearest = [(float(distance[mask].min()), name) for name, mask in beside if mask.any()]
    return [(near, name) for near, name in nearest if near <= NEAR_MM]


def _meet(crop: MaskCrop, start: Index3, shape: Index3) -> bool:
    return all(a < b + m and b < a + n for a, n, b, m in zip(crop.start, crop.mask.shape, start, shape, strict=True))


def _index(numbers: npt.NDArray[np.int_]) -> Index3:
    k, j, i = (int(number) for number in numbers)
    return k, j, i


def _region(meaning: Meaning | None) -> str:
    if meaning is None or meaning.region is None:
        return ""
    side = "" if meaning.region_modifier is None else f"{meaning.region_modifier.meaning} "
    return f"{side}{meaning.region.meaning}".lower()


def centre_ras(mask: MaskCrop, volume: Volume) -> Ras:
    """Mean position of the voxels of a mask that has some, RAS in mm."""
    k, j, i = (float(axis.mean()) + first for axis, first in zip(mask.mask.nonzero(), mask.start, strict=True))
    r, a, s = volume.ras_of((i, j, k))
    return float(r), float(a), float(s)
