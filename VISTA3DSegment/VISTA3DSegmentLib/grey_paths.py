"""Paths through an image along which grey values change little: the geodesic distance of interactive segmentation.

A voxel is near a seed if a path leads there that crosses no edge. GrowCut's cells converge to it (Zhu et al. 2014,
after Vezhnevets and Konouchine 2005).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 (the library's own custom)

from .volume import Volume

Float32 = npt.NDArray[np.float32]
Index = npt.NDArray[np.intp]
Millimetres = tuple[float, float, float]

GREY_RANGE = (-200.0, 400.0)
"""HU beyond which a CT is cut off: otherwise air and metal dominate every difference."""

SMOOTHING_STEPS, SMOOTHING_TIME, CONDUCTANCE = 5, 0.04, 2.0
"""Anisotropic diffusion: within tissues, not across edges. The time step is stable from 1 mm spacing on."""

ROUNDS = 60
"""Bound on the rounds of the path search; it is over when nothing changes any more, mostly after about ten."""

UNREACHED = np.float32(1e9)


def grey_range(volume: Volume) -> tuple[float, float]:
    """The grey values that matter: ``GREY_RANGE`` for a CT, told by its air, else the 1st to 99th percentile."""
    if volume.lowest < GREY_RANGE[0]:
        return GREY_RANGE
    low, high = np.percentile(volume.array, (1, 99))
    return float(low), float(max(high, low + 1))


def smoothed(image: sitk.Image) -> Float32:
    """The voxels of a float image (axes z, y, x) without their noise, edges kept."""
    diffused = sitk.CurvatureAnisotropicDiffusion(
        image, timeStep=SMOOTHING_TIME, conductanceParameter=CONDUCTANCE, numberOfIterations=SMOOTHING_STEPS
    )
    return np.asarray(sitk.GetArrayFromImage(diffused))


def region_around(
    clicks: Index,
    positive: npt.NDArray[np.bool_],
    margin_mm: float,
    spacing_mm: Millimetres,
    limits: tuple[Index, Index],
) -> tuple[Index, Index]:
    """The box that holds all clicks, and a margin around the positive ones.

    Args:
        clicks: (n, 3), voxels; at least one is positive.
        positive: (n,).
        margin_mm: on all sides, as far as the limits allow.
        spacing_mm: along the three axes.
        limits: first voxel that may be used, and the end, one beyond the last.

    Returns:
        its first voxel, and its end.
    """
    margin = np.ceil(margin_mm / np.array(spacing_mm)).astype(int)
    low = np.minimum(clicks.min(axis=0), clicks[positive].min(axis=0) - margin)
    high = np.maximum(clicks.max(axis=0), clicks[positive].max(axis=0) + margin) + 1
    return np.maximum(low, limits[0]), np.minimum(high, limits[1])


def seeds_of(
    clicks: Index,
    positive: npt.NDArray[np.bool_],
    ball_mm: float,
    spacing_mm: Millimetres,
    shape: Sequence[int] | Index,
    background: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]],
) -> npt.NDArray[np.int8]:
    """Where paths start: balls around clicks, and the outermost planes of a region.

    Args:
        clicks: (n, 3), voxels of the region. Later ones win, and each its own voxel.
        positive: (n,).
        ball_mm: radius.
        spacing_mm: along the three axes.
        shape: of the region.
        background: whether the first plane of each axis is background, and the last: not where the image ends, a
            structure goes on beyond it.

    Returns:
        int8, of that shape: 1 for the structure, -1 for the background, else 0.
    """
    seeds = np.zeros(shape, np.int8)
    for axis in range(3):
        planes = np.moveaxis(seeds, axis, 0)
        for place, is_background in zip((0, -1), background, strict=True):
            if is_background[axis]:
                planes[place] = -1
    for radius_mm in (ball_mm, 0.0):
        for at, inside in zip(clicks, positive, strict=True):
            seeds[squared_mm(shape, at, spacing_mm) <= radius_mm**2] = 1 if inside else -1
    return seeds


def squared_mm(shape: Sequence[int] | Index, at: Sequence[int] | Index, spacing_mm: Millimetres) -> Float32:
    """The squared distance of each voxel of a region to one of them, float32 of that shape."""
    r, a, s = (
        ((np.arange(n) - c) * mm).astype(np.float32) ** 2 for n, c, mm in zip(shape, at, spacing_mm, strict=True)
    )
    return np.asarray(r[:, None, None] + a[None, :, None] + s[None, None, :])


def path_costs(grey: Float32, seeds: npt.NDArray[np.bool_], rounds: int = ROUNDS) -> Float32:
    """The smallest sum of grey value differences on a path from any seed to each voxel, by sweeps along the axes.

    Args:
        grey: three axes.
        seeds: bool, those axes, and before them any number of others: sets of seeds, each by itself.
        rounds: sweeps in both directions of every axis, at most. With few of them paths that turn often are missed.

    Returns:
        float32, of the seeds' shape; ``UNREACHED`` where no path leads.
    """
    cost = np.where(seeds, np.float32(0), UNREACHED)
    steps = [np.ascontiguousarray(np.moveaxis(np.abs(np.diff(grey, axis=axis)), axis, 0)) for axis in range(3)]
    for _ in range(rounds):
        before = cost.copy()
        for axis in range(3):
            # Plane after plane in memory: half the time of sweeping across it.
            planes = np.ascontiguousarray(np.moveaxis(cost, axis - 3, 0))
            _sweep(planes, steps[axis])
            cost = np.moveaxis(planes, 0, axis - 3)
        if np.array_equal(before, cost):
            break
    return np.ascontiguousarray(cost)


def _sweep(planes: Float32, steps: Float32) -> None:
    """Carry costs from plane to plane, forwards and backwards, in place."""
    carried = np.empty_like(planes[0])
    for order in (slice(None), slice(None, None, -1)):
        ordered = list(planes[order])
        for before, plane, step in zip(ordered[:-1], ordered[1:], steps[order], strict=True):
            np.add(before, step, out=carried)
            np.minimum(plane, carried, out=plane)
