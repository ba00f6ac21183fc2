"""Two classical interactive methods, given the same clicks, as the bar that a network must beat.

Both work on the scan smoothed and resampled to ``GRID_MM``, inside a region round the clicks. They are set up as a careful
user would set them up, on a scan that is not among the test scans; nothing about the structure is known to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 (the library's own custom)

from ..edits import BoolArray, Edit, MaskCrop
from ..errors import PromptError
from ..prompts import Click, Prompts, Structure, clicks_of
from ..volume import Volume
from .metrics import Kji

FloatGrid = npt.NDArray[np.float32]

GRID_MM = 2.0
"""Finer axes are resampled to this: noise is averaged away, and a click costs a second instead of a minute."""

GREY_RANGE = (-200.0, 400.0)
"""HU beyond which nothing is told apart: otherwise air and metal dominate every difference. Other scans: percentiles."""


@dataclass(frozen=True)
class Site:
    """The clicks and the part of the scan round them, on the working grid.

    Args:
        start: (k, j, i) of the region's first voxel on the working grid.
        grey: float32 (k, j, i): the smoothed scan in the region.
        spacing_mm: of the working grid along (k, j, i).
        positive: (k, j, i) of the positive clicks within the region.
        negative: likewise.
    """

    start: Kji
    grey: FloatGrid
    spacing_mm: tuple[float, float, float]
    positive: tuple[Kji, ...]
    negative: tuple[Kji, ...]

    def ball(self, centre: Kji, radius_mm: float) -> BoolArray:
        """The voxels of the region within a distance of a voxel; always that voxel itself."""
        squared = np.zeros(self.grey.shape)
        for axis, (middle, spacing) in enumerate(zip(centre, self.spacing_mm, strict=True)):
            offset = (np.arange(self.grey.shape[axis]) - middle) * spacing
            squared += np.expand_dims(offset**2, tuple(other for other in range(3) if other != axis))
        return np.asarray(squared <= radius_mm**2)

    def balls(self, centres: Sequence[Kji], radius_mm: float) -> BoolArray:
        """The voxels within a distance of any of these voxels."""
        out = np.zeros(self.grey.shape, dtype=np.bool_)
        for centre in centres:
            out |= self.ball(centre, radius_mm)
        return out


@dataclass(frozen=True, eq=False)
class WorkingGrid:
    """A scan smoothed and resampled for the classical methods.

    Args:
        volume: the scan.
    """

    volume: Volume

    @cached_property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Of the working grid along (k, j, i)."""
        i, j, k = (max(GRID_MM, spacing) for spacing in self.volume.spacing_mm)
        return k, j, i

    @cached_property
    def steps(self) -> npt.NDArray[np.float64]:
        """Voxels of the scan per voxel of the working grid, along (k, j, i)."""
        return np.divide(self.spacing_mm, self.volume.spacing_mm[::-1])

    @cached_property
    def grey(self) -> FloatGrid:
        """float32 (k, j, i): the scan on the working grid, smoothed within tissues but not across edges."""
        image = sitk.GetImageFromArray(np.clip(self.volume.array, *grey_range(self.volume)).astype(np.float32))
        image.SetSpacing(self.volume.spacing_mm)
        size = [int(np.ceil(n / step)) for n, step in zip(image.GetSize(), self.steps[::-1], strict=True)]
        # Averaging first: a scan finer than the grid would otherwise keep its noise.
        image = sitk.DiscreteGaussian(image, [max(0.0, (step - 1) * s / 2) ** 2 for step, s in zip(self.steps[::-1], self.volume.spacing_mm, strict=True)])
        image = sitk.Resample(image, size, sitk.Transform(), sitk.sitkLinear, image.GetOrigin(), self.spacing_mm[::-1], image.GetDirection(), 0.0)
        image = sitk.CurvatureAnisotropicDiffusion(image, timeStep=0.04, conductanceParameter=2.0, numberOfIterations=5)
        return np.asarray(sitk.GetArrayFromImage(image))

    def site(self, clicks: Sequence[Click], margin_mm: float) -> Site:
        """The region round the clicks."""
        at = [self._index(click) for click in clicks]
        size = np.array(self.grey.shape)
        margin = np.ceil(margin_mm / np.array(self.spacing_mm)).astype(int)
        positive = [index for index, click in zip(at, clicks, strict=True) if click.positive]
        low = np.maximum(np.min(at, axis=0), 0)
        low = np.maximum(np.minimum(low, np.min(positive, axis=0) - margin), 0)
        high = np.minimum(np.maximum(np.max(at, axis=0) + 1, np.max(positive, axis=0) + margin + 1), size)
        region = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        inner = [tuple(int(n) for n in np.subtract(index, low)) for index in at]
        split = [tuple(p for p, click in zip(inner, clicks, strict=True) if click.positive is sign) for sign in (True, False)]
        return Site(tuple(int(n) for n in low), self.grey[region], self.spacing_mm, split[0], split[1])

    def _index(self, click: Click) -> npt.NDArray[np.intp]:
        kji = self.volume.ijk_of(click.ras)[::-1] / self.steps
        return np.clip(np.rint(kji), 0, np.subtract(self.grey.shape, 1)).astype(np.intp)

    def to_scan(self, site: Site, mask: BoolArray) -> MaskCrop:
        """A mask of the region on the scan's own grid, by linear interpolation."""
        # TODO
        low = np.maximum(np.floor((np.array(site.start) - 0.5) * self.steps), 0).astype(int)
        high = np.minimum(np.ceil((np.add(site.start, mask.shape) - 0.5) * self.steps) + 1, self.volume.shape_kji).astype(int)
        out = mask.astype(np.float32)
        for axis in range(3):
            at = np.arange(low[axis], high[axis]) / self.steps[axis] - site.start[axis]
            first = np.clip(np.floor(at).astype(int), 0, mask.shape[axis] - 1)
            second = np.minimum(first + 1, mask.shape[axis] - 1)
            share = np.clip(at - first, 0, 1).astype(np.float32)
            share = np.expand_dims(share, tuple(other for other in range(3) if other != axis))
            out = np.take(out, first, axis) * (1 - share) + np.take(out, second, axis) * share
        return MaskCrop(tuple(int(n) for n in low), out >= 0.5)


def grey_range(volume):
    if volume.array.min() < -200:
        return GREY_RANGE
    low, high = np.percentile(volume.array, (1, 99))
    return float(low), float(high)


@dataclass(frozen=True, eq=False)
class RegionGrower:
    grid: WorkingGrid
    multipliers: tuple = (2.5, 2.0, 1.5, 1.0)
    iterations: int = 2
    margin_mm: float = 50.0
    neg_mm: float = 10.0
    pos_mm: float = 4.0
    closing: int = 1
    cache: dict = __import__('dataclasses').field(default_factory=dict)

    @property
    def volume(self): return self.grid.volume

    def grow(self, click, multiplier):
        key = (click, multiplier)
        if key not in self.cache:
            site = self.grid.site([click], self.margin_mm)
            p = site.positive[0]
            m = sitk.ConfidenceConnected(sitk.GetImageFromArray(site.grey), [tuple(int(x) for x in p[::-1])], self.iterations, multiplier, 1, 1)
            if self.closing:
                m = sitk.BinaryFillhole(sitk.BinaryMorphologicalClosing(m, [self.closing]*3, sitk.sitkBall, 0, True))
            self.cache[key] = MaskCrop.of(sitk.GetArrayFromImage(m) > 0), site.start
        m, start = self.cache[key]
        return MaskCrop(tuple(int(n) for n in np.add(m.start, start)), m.mask)

    def refine(self, structure, prompts, base=None):
        clicks = clicks_of(prompts)
        if not any(c.positive for c in clicks): return Edit((0,0,0), np.zeros((0,0,0),bool),0,0)
        site = self.grid.site(clicks, self.margin_mm)
        grown = site.balls(site.positive, self.pos_mm)
        for c in clicks:
            if not c.positive: continue
            for m in self.multipliers:
                one = self.grow(c, m).inside(site.start, site.grey.shape)
                if not any(one[n] for n in site.negative): break
            else:
                pass
            grown |= one
        for n in site.negative:
            d = min(np.linalg.norm(np.subtract(n, p) * site.spacing_mm) for p in site.positive)
            grown &= ~site.ball(n, min(self.neg_mm, d * 0.6))
        labels = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(grown.view(np.uint8)), False))
        keep = {labels[p] for p in site.positive} - {0}
        grown = np.isin(labels, list(keep))
        crop = self.grid.to_scan(site, grown)
        return Edit(crop.start, crop.mask, 0, 0)


def path_costs(grey, spacing, seeds, scale, per_mm, power=1.0):
    cost = np.where(seeds, 0, np.inf).astype(np.float32)
    steps = [((np.abs(np.diff(grey, axis=a)) / scale) ** power + per_mm * spacing[a]).astype(np.float32) for a in range(3)]
    for _ in range(40):
        before = cost.copy()
        for a in range(3):
            c, w = np.moveaxis(cost, a, 0), np.moveaxis(steps[a], a, 0)
            for n in range(1, len(c)): np.minimum(c[n], c[n-1] + w[n-1], out=c[n])
            for n in range(len(c)-2, -1, -1): np.minimum(c[n], c[n+1] + w[n], out=c[n])
        if np.array_equal(before, cost): break
    return cost


@dataclass(frozen=True, eq=False)
class GrowCut:
    grid: WorkingGrid
    margin_mm: float = 40.0
    seed_mm: float = 5.0
    scale: float = 50.0
    per_mm: float = 0.02
    power: float = 1.0
    data: float = 0.0
    border: bool = True

    @property
    def volume(self): return self.grid.volume

    def refine(self, structure, prompts, base=None):
        clicks = clicks_of(prompts)
        if not any(c.positive for c in clicks): return Edit((0,0,0), np.zeros((0,0,0),bool),0,0)
        site = self.grid.site(clicks, self.margin_mm)
        pos, neg = site.balls(site.positive, self.seed_mm), site.balls(site.negative, self.seed_mm)
        if neg.any() :
            for p in site.positive: neg[p] = False
            for p in site.negative: pos[p] = False
            both = pos & neg
            pos &= ~both; neg &= ~both
        if self.border:
            for a in range(3):
                m = np.moveaxis(neg, a, 0)
                if site.start[a] > 0: m[0] = True
                if site.start[a] + site.grey.shape[a] < self.grid.grey.shape[a]: m[-1] = True
            for p in site.positive: neg[p] = False
        a = path_costs(site.grey, site.spacing_mm, pos, self.scale, self.per_mm, self.power)
        b = path_costs(site.grey, site.spacing_mm, neg, self.scale, self.per_mm, self.power)
        if self.data:
            mean = np.mean([site.grey[p] for p in site.positive]); 
            a = a + self.data * np.abs(site.grey - mean) / self.scale
        grown = a < b
        crop = self.grid.to_scan(site, grown)
        return Edit(crop.start, crop.mask, 0, 0)
