"""What changed since an earlier segmentation: the volume of each structure, and which lesion became which.

Volumes and diameters of the earlier segmentation are measured on its own grid; only for matching are its lesions put
onto the grid of the new scan, where they lie in space. Nothing is registered.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..edits import MaskCrop
from ..engine import Cancel
from ..errors import VolumeError
from ..files.placing import placed_on
from ..files.segments import Segment, Segmentation
from ..prompts import Ras
from ..terminology import LESION, TISSUE, meaning_of
from ..volume import Volume, grid_of
from .lesions import MOST_LESIONS, Lesion, Lesions, lesions_of

SMALLEST_SHARE = 0.1
"""Two lesions are the same one if they share this part of the smaller one's voxels; less is a neighbour."""

NEAR_MM = 20.0
"""Lesions of the same segment or organ whose centres are this close are the same one, though they do not overlap:
breathing moves the liver by about as much (Langen and Jones 2001, Int J Radiat Oncol Biol Phys 50:265)."""

MOST_MATCHED = 2000
"""More lesions than anybody reads: smaller ones that are not listed may have been, or become, one that is."""

NOT_MATCHED = (
    f"There are so many lesions that only the {MOST_MATCHED} largest of each scan were compared, and only where they "
    "overlap: one that is called new or resolved may be one of the others."
)
NOT_LISTED = "{} changes of lesions that are too small to be listed are not told."

NO_SHARED_SPACE = (
    "The earlier segmentation shares no space with this scan: its lesions cannot be compared, and volumes only by name."
)

MATCHED_BY_POSITION = (
    "Lesions were matched with the earlier ones by their position in the scanner; the scans were not registered."
)


@dataclass(frozen=True)
class Change:
    """A quantity before and now, in one unit.

    Args:
        before: then.
        now: now.
    """

    before: float
    now: float

    @property
    def difference(self) -> float:
        """Now minus before."""
        return self.now - self.before

    @property
    def percent(self) -> float | None:
        """The difference in percent of what it was before; None if it was nothing."""
        return 100 * self.difference / self.before if self.before else None


class Course(Enum):
    """What became of lesions; nobody can say of those that lie where the other scan does not reach."""

    PERSISTING = "persisting"
    NEW = "new"
    RESOLVED = "resolved"
    MERGED = "merged"
    SPLIT = "split"
    REARRANGED = "merged and split"
    SPECK = "in the other scan only a speck"
    NOT_COVERED = "outside the other scan"


@dataclass(frozen=True)
class LesionChange:
    """One lesion, or several that became one another.

    Args:
        course: what happened.
        now: numbers of the lesions now.
        before: numbers of the lesions before, in a count of their own.
        names_before: of their segments.
        volume_ml: of all of them.
        longest_mm: the longest axial diameter, of a lesion that persists; else None.
        place: organ or segment, for people.
    """

    course: Course
    now: tuple[int, ...]
    before: tuple[int, ...]
    names_before: tuple[str, ...]
    volume_ml: Change
    longest_mm: Change | None
    place: str


@dataclass(frozen=True)
class Changes:
    """What changed since an earlier segmentation.

    Args:
        volume_ml: of each segment of now, in their order; None for one that was not there before.
        names_before: what it was called then, likewise; "" for one that was not there.
        gone: names and volumes in ml of segments that are not there any more.
        lesions: those of now by number, then the resolved ones; small ones, which are not listed, only where they
            became, or were, one that is.
        notices: what the person should know about how it was compared.
    """

    volume_ml: tuple[Change | None, ...]
    names_before: tuple[str, ...]
    gone: tuple[tuple[str, float], ...]
    lesions: tuple[LesionChange, ...]
    notices: tuple[str, ...]


def changes_since(
    prior: Segmentation, segmentation: Segmentation, lesions: Lesions, volume: Volume, cancel: Cancel | None = None
) -> Changes:
    """Compare with an earlier segmentation of the same patient.

    Args:
        prior: the earlier one, on any grid.
        segmentation: the new one, on the volume's grid.
        lesions: of the new one.
        volume: the new scan.
        cancel: asked before each lesion.

    Raises:
        Cancelled.
    """
    before, voxel_before = prior.drawn, _voxel_ml(prior)
    partners = _partners(segmentation.segments, before)
    volumes = tuple(
        None if other is None else Change(_voxels(other) * voxel_before, _voxels(one) * volume.voxel_volume_ml)
        for one, other in zip(segmentation.segments, partners, strict=True)
    )
    kept = {id(other) for other in partners if other is not None}
    gone = tuple((one.name, _voxels(one) * voxel_before) for one in before if id(one) not in kept)
    grid = grid_of(prior.shape_kji, prior.ijk_to_ras)
    now = lesions
    if lesions.left_out:
        now = lesions_of(segmentation, volume, grey=False, cancel=cancel, most=MOST_MATCHED)
    earlier = lesions_of(prior, grid, grey=False, cancel=cancel, most=MOST_MATCHED)
    matched, notices = _compared(now, earlier, prior, grid, volume)
    names = tuple("" if other is None else other.name for other in partners)
    return Changes(volumes, names, gone, matched, notices)


def _compared(
    now: Lesions, before: Lesions, prior: Segmentation, grid: Volume, volume: Volume
) -> tuple[tuple[LesionChange, ...], tuple[str, ...]]:
    try:
        masks = _on_grid([one.mask for one in before.found], prior, volume)
        specks = _on_grid(before.speck_masks, prior, volume)
    except VolumeError:
        return (), (NO_SHARED_SPACE,)
    pairs = _overlapping_pairs(now.found, before.found, masks)
    is_cut = bool(now.left_out or before.left_out)
    if not is_cut:
        pairs += _nearest_pairs(now.found, before.found, pairs)
    groups = [
        ([now.found[a] for a in here], [before.found[b] for b in there])
        for here, there in _groups(len(now.found), len(before.found), pairs)
    ]
    large = {id(one) for side in (now.found, before.found) for one in _largest(side)}
    listed = [group for group in groups if any(id(one) in large for side in group for one in side)]
    left = [one for one, mask in zip(before.found, masks, strict=True) if _touches(mask, now.speck_masks)]
    left += [one for one in now.found if _touches(one.mask, specks)]
    changes = tuple(_change(here, there, grid if here else volume, left) for here, there in listed)
    notices = (
        (MATCHED_BY_POSITION, before.found),
        (NOT_MATCHED, is_cut),
        (NOT_LISTED.format(len(groups) - len(listed)), len(groups) > len(listed)),
    )
    return changes, tuple(notice for notice, applies in notices if applies)


def _largest(lesions: Sequence[Lesion]) -> list[Lesion]:
    """Those that a report lists."""
    return sorted(lesions, key=lambda one: -one.measures.voxels)[:MOST_LESIONS]


def _touches(mask: MaskCrop, specks: Sequence[MaskCrop]) -> bool:
    return any(bool((mask.mask & one.inside(mask.start, mask.shape)).any()) for one in specks)


def _on_grid(masks: Sequence[MaskCrop], prior: Segmentation, volume: Volume) -> list[MaskCrop]:
    as_segments = tuple(Segment(f"lesion {number}", mask, (0, 0, 0)) for number, mask in enumerate(masks, 1))
    placed = placed_on(Segmentation(prior.shape_kji, prior.ijk_to_ras, as_segments), volume)
    return [one.mask for one in placed.segments]


def _overlapping_pairs(
    now: Sequence[Lesion], before: Sequence[Lesion], masks: Sequence[MaskCrop]
) -> list[tuple[int, int]]:
    """Lesions that lie where an earlier one lay, in the same organ as far as anybody says in which.

    Args:
        now: those of the new scan.
        before: the earlier ones.
        masks: of the earlier ones, on the grid of the new scan.
    """
    if not now or not masks:
        return []
    starts, other_starts = np.array([one.mask.start for one in now]), np.array([mask.start for mask in masks])
    ends = starts + [one.mask.shape for one in now]
    other_ends = other_starts + [mask.shape for mask in masks]
    meet = ((starts[:, None] < other_ends) & (other_starts < ends[:, None])).all(axis=2)
    return [
        (int(a), int(b))
        for a, b in np.argwhere(meet)
        if _same_by_overlap(now[a].mask, masks[b]) and not _elsewhere(now[a], before[b])
    ]


def _same_by_overlap(one: MaskCrop, other: MaskCrop) -> bool:
    shared = np.count_nonzero(one.mask & other.inside(one.start, one.shape))
    smaller = min(np.count_nonzero(one.mask), np.count_nonzero(other.mask))
    return bool(shared and shared >= SMALLEST_SHARE * smaller)


def _nearest_pairs(
    now: Sequence[Lesion], before: Sequence[Lesion], pairs: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Lesions that overlap none, each with the nearest of its kind; the closest pairs first, each lesion once."""
    free_now = sorted(set(range(len(now))) - {a for a, _ in pairs})
    free_before = sorted(set(range(len(before))) - {b for _, b in pairs})
    if not free_now or not free_before:
        return []
    centres, others = (np.array([one.centre_ras for one in side]) for side in (now, before))
    apart = np.linalg.norm(centres[free_now][:, None] - others[free_before], axis=2)
    near = ((float(apart[m, n]), free_now[m], free_before[n]) for m, n in np.argwhere(apart <= NEAR_MM))
    found: dict[int, int] = {}
    taken: set[int] = set()
    for _, a, b in sorted(near):
        if a not in found and b not in taken and _same_kind(now[a], before[b]):
            found[a] = b
            taken.add(b)
    return list(found.items())


def _elsewhere(one: Lesion, other: Lesion) -> bool:
    """Whether two lesions are said to be of different organs: neither names nor codes leave a doubt.

    Where only one of them says so, or they share a name, that they lie in one place weighs more: a lesion may have been
    renamed, and nobody had segmented its organ before.
    """
    if _same_kind(one, other) or one.meaning is None or other.meaning is None:
        return False
    regions = one.meaning.region, other.meaning.region
    sides = one.meaning.region_modifier, other.meaning.region_modifier
    return any(a is not None and b is not None and a.value != b.value for a, b in (regions, sides))


def _same_kind(one: Lesion, other: Lesion) -> bool:
    return one.segment.casefold() == other.segment.casefold() or (
        one.organ != "" and one.organ.casefold() == other.organ.casefold()
    )


def _groups(now: int, before: int, pairs: Sequence[tuple[int, int]]) -> list[tuple[list[int], list[int]]]:
    """Lesions of now and of before that hang together by pairs; those of now in order, then what is of before alone."""
    groups: list[tuple[set[int], set[int]]] = []
    for a in range(now):
        here, there = {a}, {b for first, b in pairs if first == a}
        for group in [group for group in groups if group[1] & there]:
            groups.remove(group)
            here, there = here | group[0], there | group[1]
        groups.append((here, there))
    groups.sort(key=lambda group: min(group[0]))
    alone = set(range(before)) - {b for _, b in pairs}
    return [(sorted(here), sorted(there)) for here, there in groups] + [([], [b]) for b in sorted(alone)]


def _course(now: Sequence[Lesion], before: Sequence[Lesion], other: Volume, left: Collection[Lesion]) -> Course:
    if not now or not before:
        alone = (*now, *before)[0]
        if alone in left:
            return Course.SPECK
        if not _holds(other, alone.centre_ras):
            return Course.NOT_COVERED
        return Course.NEW if now else Course.RESOLVED
    return {
        (False, False): Course.PERSISTING,
        (False, True): Course.MERGED,
        (True, False): Course.SPLIT,
        (True, True): Course.REARRANGED,
    }[len(now) > 1, len(before) > 1]


def _holds(volume: Volume, ras: Ras) -> bool:
    ijk = volume.ijk_of(ras)
    return bool((ijk >= -0.5).all() and (ijk <= np.array(volume.shape_kji[::-1]) - 0.5).all())


def _change(now: Sequence[Lesion], before: Sequence[Lesion], other: Volume, left: Collection[Lesion]) -> LesionChange:
    """What became of lesions that hang together.

    Args:
        now: those of the new scan.
        before: the earlier ones.
        other: the scan in which those of one side alone are missing.
        left: those of which specks are in the other scan.
    """
    course = _course(now, before, other, left)
    longest = None
    if course is Course.PERSISTING:
        longest = Change(_longest_mm(before[0]), _longest_mm(now[0]))
    first = (*now, *before)[0]
    return LesionChange(
        course=course,
        now=tuple(one.number for one in now),
        before=tuple(one.number for one in before),
        names_before=tuple(one.segment for one in before),
        volume_ml=Change(_sum_ml(before), _sum_ml(now)),
        longest_mm=longest,
        place=first.organ or first.segment,
    )


def _longest_mm(lesion: Lesion) -> float:
    diameters = lesion.measures.diameters
    return 0.0 if diameters is None else diameters.longest.length_mm


def _sum_ml(lesions: Sequence[Lesion]) -> float:
    return float(sum(one.measures.volume_ml for one in lesions))


def _partners(now: Sequence[Segment], before: Sequence[Segment]) -> list[Segment | None]:
    """For each segment the earlier one that is the same structure: of the same name, else the only one of its codes."""
    free = list(before)
    partners: list[Segment | None] = [None] * len(now)
    for same in (_same_name, _same_codes):
        for n, one in enumerate(now):
            alike = [other for other in free if same(one, other)]
            rivals = [m for m, rival in enumerate(now) if partners[m] is None and same(rival, one)]
            if partners[n] is None and len(alike) == 1 and rivals == [n]:
                partners[n] = alike[0]
                free.remove(alike[0])
    return partners


def _same_name(one: Segment, other: Segment) -> bool:
    return one.name.casefold() == other.name.casefold()


def _same_codes(one: Segment, other: Segment) -> bool:
    codes = [_codes(segment) for segment in (one, other)]
    return codes[0] is not None and codes[0] == codes[1]


def _codes(segment: Segment) -> tuple[str, ...] | None:
    meaning = meaning_of(segment.terminology, segment.class_id)
    if meaning is None or meaning in (TISSUE, LESION):  # none says which; Slicer calls tissue whatever has no code
        return None
    concepts = (meaning.category, meaning.type, meaning.modifier, meaning.region, meaning.region_modifier)
    return tuple("" if concept is None else f"{concept.scheme} {concept.value}" for concept in concepts)


def _voxels(segment: Segment) -> int:
    return int(np.count_nonzero(segment.mask.mask))


def _voxel_ml(segmentation: Segmentation) -> float:
    return float(abs(np.linalg.det(segmentation.ijk_to_ras[:3, :3]))) / 1000.0
