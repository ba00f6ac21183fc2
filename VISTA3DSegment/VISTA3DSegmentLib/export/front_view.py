"""A view of all segments in space from the front: the first surface that each ray meets, shaded; without OpenGL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..drawing import Canvas, Rgb, new_canvas
from ..edits import BoolArray, MaskCrop
from ..engine import Cancel
from ..engines.reporting import check
from ..pictures import NamedSegment
from ..slices import corners
from ..volume import FloatArray, Volume
from .diameters import AXIAL_COSINE, upright

LONGEST_PX = 640
"""The longer side of the picture."""

FINEST_MM = 0.25
"""A pixel is not smaller, however small the segments are."""

MARGIN_PX = 10
BACKGROUND: Rgb = (255, 255, 255)

AMBIENT = 0.28
LIGHT = np.array((-0.35, 0.45, 0.82)) / np.linalg.norm((-0.35, 0.45, 0.82))
"""Where the light comes from, as x to the right, y up, z to the viewer: from the left, above and the front."""

SMOOTHINGS = 4
"""How often depths are averaged: so that the steps between voxels do not show as terraces."""

LEDGE_VOXELS = 3.0
"""Depths further apart than this are two surfaces, one behind the other, and are not averaged."""


@dataclass(frozen=True, eq=False)
class _Relief:
    """What is seen of one segment.

    Args:
        hit: whether a line of voxels from anterior to posterior meets it; axes (S, R), both upwards.
        depth: where it is met, A in mm; nothing where it is not.
        low_sr: position of the first element, S and R in mm.
        step_sr: distance of neighbours in mm.
    """

    hit: BoolArray
    depth: FloatArray
    low_sr: tuple[float, float]
    step_sr: tuple[float, float]


def front_view(volume: Volume, segments: Sequence[NamedSegment], cancel: Cancel | None = None) -> Canvas:
    """Draw the segments as seen from the front of the patient, whose right is on the image's left.

    Args:
        volume: the grid of the masks.
        segments: what is drawn; empty ones are not seen.
        cancel: asked before each segment.

    Returns:
        (rows, columns, 3), 0 to 255, on white.

    Raises:
        Cancelled.
    """
    seen = [(color, crop) for _, color, crop in segments if crop.mask.any()]
    if not seen:
        return new_canvas(2 * MARGIN_PX, 2 * MARGIN_PX, BACKGROUND)
    boxes = np.concatenate([corners(volume, crop.start, crop.shape) for _, crop in seen])
    low, high = boxes.min(axis=0), boxes.max(axis=0)
    pixel_mm = max(float(max(high[0] - low[0], high[2] - low[2])) / (LONGEST_PX - 2 * MARGIN_PX), FINEST_MM)
    # Both image directions run against S and R: the first pixel is the highest of both.
    s, r = (
        high[axis] + pixel_mm * (MARGIN_PX - 0.5)
        - pixel_mm * np.arange(int(np.ceil((high[axis] - low[axis]) / pixel_mm)) + 2 * MARGIN_PX)
        for axis in (2, 0)
    )  # fmt: skip
    depth, owner = np.full((s.size, r.size), -np.inf), np.full((s.size, r.size), -1)
    for n, (_, crop) in enumerate(seen):
        check(cancel)
        here = _on_pixels(_relief_of(volume, crop.tightened()), s, r)
        nearer = here > depth
        depth[nearer] = here[nearer]
        owner[nearer] = n
    return _shaded(depth, owner, np.array([color for color, _ in seen], dtype=np.float64), pixel_mm)


def _relief_of(volume: Volume, crop: MaskCrop) -> _Relief:
    """The front of a mask that has voxels."""
    cosines = volume.ijk_to_ras[:3, :3] / volume.spacing_mm
    if np.abs(cosines).max(axis=0).min() < AXIAL_COSINE:
        volume, crop = upright(volume, crop)
        cosines = volume.ijk_to_ras[:3, :3] / volume.spacing_mm
    along = np.abs(cosines).argmax(axis=1)  # of R, A and S: the index, of (i, j, k), that runs along it
    signs = [cosines[axis, along[axis]] for axis in range(3)]
    r, a, s = (2 - int(index) for index in along)
    mask = np.transpose(crop.mask, (s, a, r))
    mask = mask[:: 1 if signs[2] > 0 else -1, :: -1 if signs[1] > 0 else 1, :: 1 if signs[0] > 0 else -1]
    first = corners(volume, crop.start, crop.shape)
    steps = [volume.spacing_mm[index] for index in along]
    hit = np.asarray(mask.any(axis=1))
    depth = np.where(hit, first[:, 1].max() - steps[1] * mask.argmax(axis=1), 0.0)
    for _ in range(SMOOTHINGS):
        depth = _averaged(hit, depth, LEDGE_VOXELS * steps[1])
    low = first.min(axis=0)
    return _Relief(hit, depth, (low[2] + steps[2] / 2, low[0] + steps[0] / 2), (steps[2], steps[0]))


def _averaged(hit: BoolArray, depth: FloatArray, ledge_mm: float) -> FloatArray:
    """Depths averaged with their four neighbours of the same surface."""
    deep, met = np.pad(depth, 1), np.pad(hit, 1)
    total, weight = 2 * depth, np.full(depth.shape, 2.0)
    for rows, columns in ((0, 1), (2, 1), (1, 0), (1, 2)):
        part = slice(rows, rows + depth.shape[0]), slice(columns, columns + depth.shape[1])
        same = met[part] & hit & (np.abs(deep[part] - depth) <= ledge_mm)
        total += np.where(same, deep[part], 0.0)
        weight += same
    return np.asarray(np.where(hit, total / weight, 0.0))


def _on_pixels(relief: _Relief, s: FloatArray, r: FloatArray) -> FloatArray:
    """A in mm of a relief at the rows (S) and columns (R) of the picture; -inf where it is not seen."""
    across, along = (
        _weights(places, low, step, count)
        for places, low, step, count in zip((s, r), relief.low_sr, relief.step_sr, relief.hit.shape, strict=True)
    )
    out = np.full((s.size, r.size), -np.inf)
    rows, columns = (np.flatnonzero(matrix.any(axis=1)) for matrix in (across, along))
    share = across[rows] @ relief.hit.astype(np.float64) @ along[columns].T
    total = across[rows] @ relief.depth @ along[columns].T
    seen = share >= 0.5
    out[np.ix_(rows, columns)] = np.where(seen, total / np.where(seen, share, 1.0), -np.inf)
    return out


def _weights(places: FloatArray, low: float, step: float, count: int) -> FloatArray:
    """Linear interpolation as a matrix: (places, elements); an element beyond the ends counts as nothing.

    An end is drawn half an element further than its centre, so that one voxel is as wide as it is.
    """
    position = (places[:, None] - low) / step - np.arange(count)
    return np.asarray(np.clip(1 - np.abs(position), 0, 1))


def _shaded(depth: FloatArray, owner: npt.NDArray[np.int_], colors: FloatArray, pixel_mm: float) -> Canvas:
    """Colours by how the surface lies to the light."""
    # In the picture rows run down, against y.
    slope_x = _slope(depth, owner, 1) / pixel_mm
    slope_y = -_slope(depth, owner, 0) / pixel_mm
    normal = np.stack((-slope_x, -slope_y, np.ones(depth.shape)), axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light = AMBIENT + (1 - AMBIENT) * np.clip(normal @ LIGHT, 0, 1)
    canvas = new_canvas(depth.shape[1], depth.shape[0], BACKGROUND)
    hit = owner >= 0
    canvas[hit] = colors[owner[hit]] * light[hit, None]
    return canvas


def _slope(depth: FloatArray, owner: npt.NDArray[np.int_], axis: int) -> FloatArray:
    """Rise of depth from pixel to pixel along an axis: the flatter of both sides, 0 beside another segment."""
    found = []
    for way in (1, -1):
        next_depth, next_owner = np.roll(depth, -way, axis), np.roll(owner, -way, axis)
        same = (owner >= 0) & (next_owner == owner)
        found.append(way * (np.where(same, next_depth, 0.0) - np.where(same, depth, 0.0)))
    return np.where(np.abs(found[0]) <= np.abs(found[1]), *found)
