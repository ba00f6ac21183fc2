"""The scan as the classical methods see it: smoothed, on a coarser grid, and of that the region round the clicks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 (the library's own custom)

from ..edits import BoolArray, MaskCrop
from ..grey_paths import grey_range, region_around, seeds_of, smoothed, squared_mm
from ..prompts import Click
from ..volume import Volume
from .metrics import Kji, as_kji

FloatGrid = npt.NDArray[np.float32]

GRID_MM = 2.0
"""Finer axes are resampled to this: noise is averaged away, and a click costs a second instead of a minute."""


@dataclass(frozen=True)
class Mark:
    """A click on the working grid.

    Args:
        voxel: (k, j, i) within the region.
        positive: as the click.
    """

    voxel: Kji
    positive: bool


@dataclass(frozen=True, eq=False)
class Site:
    """The clicks and the part of the scan round them, on the working grid.

    Args:
        start: (k, j, i) of the region's first voxel on the working grid.
        grey: float32 (k, j, i): the smoothed scan in the region.
        spacing_kji_mm: of the working grid along (k, j, i).
        marks: the clicks, in their order.
        scan_shape_kji: of the whole working grid.
    """

    start: Kji
    grey: FloatGrid
    spacing_kji_mm: tuple[float, float, float]
    marks: tuple[Mark, ...]
    scan_shape_kji: Kji

    def voxels(self, positive: bool) -> list[Kji]:
        """Where the positive, or the negative clicks are."""
        return [mark.voxel for mark in self.marks if mark.positive is positive]

    def ball(self, centre: Kji, radius_mm: float) -> BoolArray:
        """The voxels of the region within a distance of a voxel; always that voxel itself."""
        return squared_mm(self.grey.shape, centre, self.spacing_kji_mm) <= radius_mm**2

    def mm_between(self, a: Kji, b: Kji) -> float:
        """Distance of two voxels."""
        return float(np.linalg.norm(np.subtract(a, b) * self.spacing_kji_mm))

    def seeds(self, ball_mm: float) -> npt.NDArray[np.int8]:
        """1 around positive clicks, -1 around negative ones and at the border of the region, 0 elsewhere."""
        voxels = np.array([mark.voxel for mark in self.marks])
        positive = np.array([mark.positive for mark in self.marks])
        shape = self.grey.shape
        background = np.array(self.start) > 0, np.add(self.start, shape) < self.scan_shape_kji
        return seeds_of(voxels, positive, ball_mm, self.spacing_kji_mm, shape, background)


@dataclass(frozen=True, eq=False)
class WorkingGrid:
    """A scan smoothed and resampled for the classical methods; computed when first asked for.

    Args:
        volume: the scan.
    """

    volume: Volume

    @cached_property
    def spacing_kji_mm(self) -> tuple[float, float, float]:
        """Of the working grid along (k, j, i)."""
        i, j, k = (max(GRID_MM, spacing) for spacing in self.volume.spacing_mm)
        return k, j, i

    @cached_property
    def steps_kji(self) -> npt.NDArray[np.float64]:
        """Voxels of the scan per voxel of the working grid; voxel 0 is the same in both."""
        return np.asarray(np.divide(self.spacing_kji_mm, self.volume.spacing_mm[::-1]))

    @cached_property
    def grey(self) -> FloatGrid:
        """float32 (k, j, i): the scan on the working grid, smoothed within tissues but not across edges."""
        image = sitk.GetImageFromArray(np.clip(self.volume.array, *grey_range(self.volume)).astype(np.float32))
        image.SetSpacing(self.volume.spacing_mm)
        steps_ijk = self.steps_kji[::-1]
        # Averaging over the coarser voxel first, so that resampling does not pick single noisy voxels.
        sigmas = [(step - 1) * mm / 2 for step, mm in zip(steps_ijk, self.volume.spacing_mm, strict=True)]
        image = sitk.DiscreteGaussian(image, [sigma**2 for sigma in sigmas])
        size = [int(np.ceil(count / step)) for count, step in zip(image.GetSize(), steps_ijk, strict=True)]
        origin, direction = image.GetOrigin(), image.GetDirection()
        coarse = sitk.Resample(
            image, size, sitk.Transform(), sitk.sitkLinear, origin, self.spacing_kji_mm[::-1], direction, 0.0
        )
        return smoothed(coarse)

    def site(self, clicks: Sequence[Click], margin_mm: float) -> Site:
        """The region that holds all clicks, and round the positive ones a margin.

        Args:
            clicks: at least one of them positive.
            margin_mm: in all directions, as far as the scan goes.
        """
        at = np.array([self._voxel(click) for click in clicks])
        positive = np.array([click.positive for click in clicks])
        limits = np.zeros(3, np.intp), np.array(self.grey.shape)
        low, high = region_around(at, positive, margin_mm, self.spacing_kji_mm, limits)
        k, j, i = (slice(first, last) for first, last in zip(low, high, strict=True))
        marks = tuple(Mark(as_kji(voxel - low), click.positive) for voxel, click in zip(at, clicks, strict=True))
        return Site(as_kji(low), self.grey[k, j, i], self.spacing_kji_mm, marks, as_kji(self.grey.shape))

    def _voxel(self, click: Click) -> npt.NDArray[np.intp]:
        kji = self.volume.ijk_of(click.ras)[::-1] / self.steps_kji
        return np.clip(np.rint(kji), 0, np.subtract(self.grey.shape, 1)).astype(np.intp)

    def on_scan(self, site: Site, mask: BoolArray) -> MaskCrop:
        """A mask of the region on the scan's own grid: interpolated linearly and cut at one half.

        Args:
            site: the region.
            mask: bool (k, j, i), of its shape.
        """
        low = np.maximum(np.ceil((np.array(site.start) - 0.5) * self.steps_kji), 0).astype(int)
        end = np.floor((np.add(site.start, mask.shape) - 0.5) * self.steps_kji).astype(int) + 1
        high = np.minimum(end, self.volume.shape_kji)
        share = mask.astype(np.float32)
        for axis in range(3):
            share = _interpolate(
                share, axis, np.arange(low[axis], high[axis]) / self.steps_kji[axis] - site.start[axis]
            )
        return MaskCrop(as_kji(low), share >= 0.5)


def _interpolate(array: FloatGrid, axis: int, at: npt.NDArray[np.float64]) -> FloatGrid:
    """The array at fractional indices of one axis; beyond its ends as at the ends."""
    at = np.clip(at, 0, array.shape[axis] - 1)
    first = np.floor(at).astype(np.intp)
    second = np.minimum(first + 1, array.shape[axis] - 1)
    share = np.expand_dims((at - first).astype(np.float32), tuple(other for other in range(3) if other != axis))
    return np.asarray(np.take(array, first, axis) * (1 - share) + np.take(array, second, axis) * share)


def connected_to(mask: BoolArray, seeds: Iterable[Kji]) -> BoolArray:
    """The 6-connected components of a mask that hold at least one of these voxels."""
    labels = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.view(np.uint8)), False))
    return np.isin(labels, sorted({int(labels[seed]) for seed in seeds} - {0}))
