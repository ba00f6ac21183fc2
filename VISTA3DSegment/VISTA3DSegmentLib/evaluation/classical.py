"""Two classical interactive methods, given the same clicks: the bar that a network must beat.

Both are set up as a careful user would, with values that were chosen on ``ct_abdomen_pelvis_3mm`` and never on a scan
that is tested; they know nothing about the structure. Both start from nothing: clicks describe it, no base is mended.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
import SimpleITK as sitk  # noqa: N813 (the library's own custom)

from ..edits import BoolArray, Edit, MaskCrop
from ..errors import PromptError
from ..grey_paths import path_costs
from ..prompts import Click, Prompts, Structure, clicks_of
from ..volume import Volume
from .metrics import as_kji
from .working_grid import Site, WorkingGrid, connected_to

MULTIPLIERS = (2.5, 2.0, 1.5, 1.0)
"""Standard deviations of grey value that a region may span: the widest that does not run into a negative click."""

GROWTH_ROUNDS = 2
GROWTH_MARGIN_MM = 50.0
"""A region grows no farther than this from its click: most leaks are longer."""

SEED_BALL_MM = 4.0
CUT_BALL_MM = 10.0
CUT_SHARE = 0.6
"""A negative click removes a ball, which ends well before the nearest positive click."""

PATH_MARGIN_MM = 32.0
PATH_BALL_MM = 5.0


@dataclass(frozen=True, eq=False)
class RegionGrower:
    """Region growing by grey value (SimpleITK's ConfidenceConnected) from each positive click.

    A negative click first narrows the range of the regions that hold it, if need be to the ball round their click; then
    it cuts a ball away, together with everything that this separates from the positive clicks.

    Args:
        grid: the scan.
        grown: regions by click and multiplier on the working grid; a cache.
    """

    grid: WorkingGrid
    grown: dict[tuple[Click, float], MaskCrop] = field(default_factory=dict)

    @property
    def volume(self) -> Volume:
        """The scan."""
        return self.grid.volume

    def refine(self, structure: Structure, prompts: Prompts, base: MaskCrop | None = None) -> Edit:
        """The region that the clicks describe.

        Raises:
            PromptError: there is no positive click, or a base.
        """
        began = time.perf_counter()
        clicks = _checked_clicks(structure, prompts, base)
        site = self.grid.site(clicks, GROWTH_MARGIN_MM)
        mask = np.zeros(site.grey.shape, dtype=np.bool_)
        for click, mark in zip(clicks, site.marks, strict=True):
            if mark.positive:
                mask |= self._widest_region(click, site) | site.ball(mark.voxel, SEED_BALL_MM)
        for cut in site.voxels(positive=False):
            nearest_mm = min(site.mm_between(cut, seed) for seed in site.voxels(positive=True))
            mask &= ~site.ball(cut, min(CUT_BALL_MM, CUT_SHARE * nearest_mm))
        mask = connected_to(mask, site.voxels(positive=True))
        return _edit(self.grid.on_scan(site, mask), began)

    def _widest_region(self, click: Click, site: Site) -> BoolArray:
        """The widest region from a click that no negative click lies in; empty if even the narrowest holds one."""
        k, j, i = site.grey.shape
        for multiplier in MULTIPLIERS:
            region = self._region(click, multiplier).inside(site.start, (k, j, i))
            if not any(region[voxel] for voxel in site.voxels(positive=False)):
                return region
        return np.zeros((k, j, i), dtype=np.bool_)

    def _region(self, click: Click, multiplier: float) -> MaskCrop:
        """What grows from one click, on the working grid, with holes closed."""
        key = (click, multiplier)
        if key not in self.grown:
            site = self.grid.site([click], GROWTH_MARGIN_MM)
            seed = site.marks[0].voxel[::-1]
            grown = sitk.ConfidenceConnected(
                sitk.GetImageFromArray(site.grey), [seed], GROWTH_ROUNDS, multiplier, initialNeighborhoodRadius=1
            )
            filled = sitk.BinaryFillhole(sitk.BinaryMorphologicalClosing(grown, [1, 1, 1], sitk.sitkBall, 0, True))
            crop = MaskCrop.of(sitk.GetArrayFromImage(filled) > 0)
            self.grown[key] = MaskCrop(as_kji(np.add(crop.start, site.start)), crop.mask)
        return self.grown[key]


@dataclass(frozen=True, eq=False)
class GrowCut:
    """Seeds grow until they meet (GrowCut, Vezhnevets and Konouchine 2005), as Slicer's "Grow from seeds" does.

    A voxel goes to the seed to which it has the path of the smallest grey value differences, which is what GrowCut's
    cells converge to (Zhu et al. 2014). Seeds are balls round the clicks; the border of the region is background.

    Args:
        grid: the scan.
    """

    grid: WorkingGrid

    @property
    def volume(self) -> Volume:
        """The scan."""
        return self.grid.volume

    def refine(self, structure: Structure, prompts: Prompts, base: MaskCrop | None = None) -> Edit:
        """What the positive clicks win.

        Raises:
            PromptError: there is no positive click, or a base.
        """
        began = time.perf_counter()
        clicks = _checked_clicks(structure, prompts, base)
        site = self.grid.site(clicks, PATH_MARGIN_MM)
        seeds = site.seeds(PATH_BALL_MM)
        inside, outside = path_costs(site.grey, np.stack([seeds > 0, seeds < 0]))
        mask = inside < outside
        return _edit(self.grid.on_scan(site, mask), began)


def _checked_clicks(structure: Structure, prompts: Prompts, base: MaskCrop | None) -> tuple[Click, ...]:
    clicks = clicks_of(prompts)
    if not any(click.positive for click in clicks):
        raise PromptError(f"{structure.name} has no positive click.", "Click into the structure first.")
    if base is not None and base.mask.any():
        raise PromptError("The classical methods cannot mend a mask.", "Start them from nothing.")
    return clicks


def _edit(crop: MaskCrop, began: float) -> Edit:
    added = int(np.count_nonzero(crop.mask))
    reason = "" if added else "The clicks contradict each other."
    return Edit(crop.start, crop.mask, added, 0, {"total": time.perf_counter() - began}, reason)
