"""Lesions: each connected part of what was segmented as one, numbered, with the organ in which it lies."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..edits import Index3, MaskCrop
from ..engine import Cancel
from ..engines.reporting import check
from ..evaluation.metrics import distance_mm
from ..files.class_codes import classes_with_name
from ..files.label_maps import is_called_by_value
from ..files.segments import Segment, Segmentation
from ..prompts import Ras
from ..terminology import TISSUE, Meaning, class_meaning, meaning_of
from ..volume import Volume
from .measures import Measures, measured, parts_of
from .wording import listed

ALTERED = "49755003"
"""SNOMED CT: Morphologically Altered Structure, the category of tumours, cysts and other lesions."""

NEAR_MM = 10.0
"""A lesion that overlaps no organ belongs to the nearest one within this distance."""

MOST_LESIONS = 200
"""Of a segment that falls into more parts than anybody reads, the largest are listed."""

SPECK_VOXELS = 8
"""A part of fewer voxels has not two of them in each direction: it is as likely an edge of the mask as a lesion."""

SPECK_SHARE = 0.01
"""A speck is small also beside the largest part of its segment; a lesion of a few voxels in a coarse scan is none."""

SAID_BY_NAME = ("lesion", "tumor", "tumour", "mass", "metast", "nodule", "cyst")
"""Whoever names a structure so knows that it is a lesion."""

NUMBER_IN_NAME = re.compile(r"(?<!\d)(?<!\d[-./])[1-9]\d{0,2}$")
"""What a person has numbered is called by that number; what ends in more digits, or follows some, is rather a date."""

UNKNOWN = "Nobody said what these are, so the report takes them neither for organs nor for lesions: {}."
TAKEN_FOR_LESIONS = "Nobody said by a class or a code what these are, so the report takes them for lesions: {}."


@dataclass(frozen=True, eq=False)
class Lesion:
    """A connected part of a segment that is a lesion.

    Args:
        number: that in which the name of its segment ends, of the largest part of that segment; the others have those
            that are left, from 1, by volume, the largest first.
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
        specks: how many parts of the same segments are specks and no lesions.
        speck_masks: of each segment that has specks, all of them.
    """

    found: tuple[Lesion, ...]
    left_out: int = 0
    specks: int = 0
    speck_masks: tuple[MaskCrop, ...] = ()


def is_lesion(segment: Segment) -> bool:
    """Whether a segment is a lesion: its codes say so, or it has none and a name that is no organ's."""
    meaning = _meaning(segment)
    if meaning is None:
        unsaid = segment.class_id is None and not is_called_by_value(segment.name)
        return unsaid and not _is_called_as_an_organ(segment.name)
    return meaning.category.value == ALTERED


def is_unknown(segment: Segment) -> bool:
    """Whether only the value is known that a segment had in a label map, and no table of it."""
    return is_called_by_value(segment.name) and _meaning(segment) is None


def doubts(segmentation: Segmentation) -> tuple[str, ...]:
    """What a report supposes of segments that do not say what they are, in sentences."""
    unknown = [one.name for one in segmentation.drawn if is_unknown(one)]
    taken = [
        one.name
        for one in segmentation.drawn
        if is_lesion(one) and _meaning(one) is None and not any(word in one.name.lower() for word in SAID_BY_NAME)
    ]
    told = (UNKNOWN, unknown), (TAKEN_FOR_LESIONS, taken)
    return tuple(text.format(listed(names)) for text, names in told if names)


def _meaning(segment: Segment) -> Meaning | None:
    """What the codes of a segment say; None also for Slicer's code of whatever has none."""
    meaning = meaning_of(segment.terminology, segment.class_id)
    return None if meaning == TISSUE else meaning


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
    count, specks, speck_masks = 0, 0, []
    for segment in filter(is_lesion, segmentation.segments):
        found, sizes = parts_of(segment.mask, most)
        here = sum(not _is_speck(size, sizes[0]) for size in sizes)
        parts += [(part, segment) for part in found[:here]]
        count += here
        specks += len(sizes) - here
        if here < len(sizes):
            speck_masks.append(_without(segment.mask, found[:here]))
    # Python's sort keeps the order of equals: the same segmentation always gives the same numbers.
    parts.sort(key=lambda part: -np.count_nonzero(part[0].mask))
    organs = [segment for segment in segmentation.segments if not is_lesion(segment) and not is_unknown(segment)]
    lesions = []
    for number, (part, segment) in zip(_numbers([one for _, one in parts]), parts[:most], strict=False):
        check(cancel)
        organ, distance = organ_of(part, segment, organs, volume)
        centre, meaning = centre_ras(part, volume), meaning_of(segment.terminology, segment.class_id)
        measures = measured(part, volume, grey)
        lesions.append(Lesion(number, segment.name, part, measures, centre, meaning, organ, distance))
    lesions.sort(key=lambda lesion: lesion.number)
    return Lesions(tuple(lesions), count - len(lesions), specks, tuple(speck_masks))


def _numbers(segments: Sequence[Segment]) -> list[int]:
    """Numbers of lesions; see ``Lesion``.

    Args:
        segments: of each lesion, the largest first.
    """
    taken: dict[int, Segment] = {}
    for segment in segments:
        said = NUMBER_IN_NAME.search(segment.name)
        if said is not None and segment not in taken.values():
            taken.setdefault(int(said.group()), segment)
    number_of = {id(segment): number for number, segment in taken.items()}
    free = (number for number in itertools.count(1) if number not in taken)
    return [number_of.pop(id(segment), 0) or next(free) for segment in segments]


def _is_speck(voxels: int, largest: int) -> bool:
    return voxels < SPECK_VOXELS and voxels < SPECK_SHARE * largest


def _without(crop: MaskCrop, parts: Sequence[MaskCrop]) -> MaskCrop:
    """A mask without some of its parts."""
    rest = crop.mask.copy()
    for part in parts:
        k, j, i = (slice(a - b, a - b + n) for a, b, n in zip(part.start, crop.start, part.shape, strict=True))
        rest[k, j, i] &= ~part.mask
    return MaskCrop(crop.start, rest)


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
