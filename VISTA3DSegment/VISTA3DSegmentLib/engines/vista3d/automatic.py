"""The automatic run: every class in one sweep, in memory that grows with neither the classes nor the scan.

A class's logit is the dot product of its vector with the class head's features, and blending is linear, so the weighted
sum of the C features is accumulated instead of one sum per class: the labels are the same. Windows are walked level by
level along S; as soon as no later window reaches a plane it is decided and dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from ...edits import MaskCrop
from ...models.specification import Blending
from ..blending import importance
from ..grid import Box3, ModelGrid, Region
from ..native import interpolate
from .windows import Sweep

Tensor = torch.Tensor

CHUNK_BYTES = 8 * 2**20
"""Logits of all classes that exist at one time."""

EncodeLevel = Callable[[Sequence[Region]], Iterator[tuple[Region, Tensor]]]
"""Encodes windows: yields each with its class features (C, X, Y, Z)."""


@dataclass(frozen=True, eq=False)
class Planes:
    """Finished planes of the feature volume.

    Args:
        region: where they lie in the grid.
        features: (C, R, A, S), float32, blended.
    """

    region: Region
    features: Tensor


def finished_planes(
    lattice: Sweep, asked: Region, blending: Blending, encode: EncodeLevel, keep: torch.dtype, planes_at_once: int
) -> Iterator[Planes]:
    """Walk the lattice and yield the blended features of the asked region, some planes at a time, from below.

    Args:
        lattice: windows that cover the asked region.
        asked: grid points that need an answer.
        blending: how overlapping windows are weighted.
        encode: computes windows.
        keep: dtype of the running sum.
        planes_at_once: planes (along S) that are handed over together at most.
    """
    weights = torch.from_numpy(importance(lattice.window, blending))
    # One level is summed at a time, in the same memory: the planes that the next one needs move to its beginning.
    depth = min(lattice.window[2], asked.shape[2])
    total: Tensor | None = None
    coverage = torch.zeros(asked.shape[0], asked.shape[1], depth)
    first = asked.low[2]
    for level, s in enumerate(lattice.starts[2]):
        last = min(asked.high[2], s + lattice.window[2])
        for window, features in encode(lattice.level(s)):
            if total is None:
                total = _room((len(features), *asked.shape[:2], depth), keep, features.device)
                weights, coverage = weights.to(total.device), coverage.to(total.device)
            slab = Region((*asked.low[:2], first), (*asked.high[:2], last))
            _add(total, coverage, slab, window, features.to(total.device), weights)
        assert total is not None
        done = lattice.starts[2][level + 1] if level + 1 < len(lattice.starts[2]) else asked.high[2]
        for start in range(first, done, planes_at_once):
            stop = min(done, start + planes_at_once)
            part = slice(start - first, stop - first)
            region = Region((*asked.low[:2], start), (*asked.high[:2], stop))
            yield Planes(region, total[..., part].float() / coverage[..., part])
        _move_down(coverage, done - first)
        for channel in total:
            _move_down(channel, done - first)
        first = done


def _room(shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Zeros, on the CPU if the GPU cannot hold them beside the network."""
    try:
        return torch.zeros(shape, dtype=dtype, device=device)
    except torch.OutOfMemoryError:
        return torch.zeros(shape, dtype=dtype)


def _move_down(planes: Tensor, count: int) -> None:
    """Drop the first planes (last axis) in place; zeros follow the others."""
    kept = planes[..., count:].clone()
    planes[..., : kept.shape[-1]] = kept
    planes[..., kept.shape[-1] :] = 0


def _add(total: Tensor, coverage: Tensor, slab: Region, window: Region, features: Tensor, weights: Tensor) -> None:
    here, there = [], []
    for axis in range(3):
        low, high = max(slab.low[axis], window.low[axis]), min(slab.high[axis], window.high[axis])
        here.append(slice(low - slab.low[axis], high - slab.low[axis]))
        there.append(slice(low - window.low[axis], high - window.low[axis]))
    weight = weights[tuple(there)]
    # Channel by channel: a weighted copy of a whole window would double its memory.
    for channel, values in zip(total, features, strict=True):
        channel[tuple(here)] += values[tuple(there)].to(weight.dtype) * weight
    coverage[tuple(here)] += weight


@dataclass
class NativeLabels:
    """The volume's voxels, decided plane by plane: one class each, and up to eight classes that overlap.

    Args:
        grid: the model's grid over the volume.
        exclusive: class ids of which a voxel gets the likeliest, if it is above one half.
        overlapping: class ids that are decided each for itself (lesions, vessels, airway), at most eight.
    """

    grid: ModelGrid
    exclusive: Sequence[int]
    overlapping: Sequence[int]
    labels: npt.NDArray[np.uint8] = field(init=False)
    flags: npt.NDArray[np.uint8] | None = field(init=False)
    _previous: Tensor | None = None
    _boxes: dict[int, Box3] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.exclusive) > 255 or len(self.overlapping) > 8:
            raise ValueError("at most 255 exclusive and 8 overlapping classes")
        self.labels = np.zeros(self.grid.volume.shape_kji, np.uint8)
        self.flags = np.zeros(self.grid.volume.shape_kji, np.uint8) if self.overlapping else None

    def decide(self, planes: Planes, vectors: Tensor) -> None:
        """Decide the voxels between the last plane seen and these.

        Args:
            planes: the next planes upwards.
            vectors: (classes, C): first the exclusive, then the overlapping ones.
        """
        features, region = planes.features, planes.region
        if self._previous is not None:
            features = torch.cat([self._previous, features], dim=-1)
            region = Region((*region.low[:2], region.low[2] - 1), region.high)
        self._previous = planes.features[..., -1:].clone()
        logits = (vectors @ features.flatten(1)).view(len(vectors), *features.shape[1:])
        box = self.grid.native_box(region)
        shape = tuple(part.stop - part.start for part in box)
        best = torch.full(shape, 0.5, device=logits.device)
        winner = torch.zeros(shape, dtype=torch.uint8, device=logits.device)
        flags = torch.zeros(shape, dtype=torch.uint8, device=logits.device)
        for index, part in _positive_parts(logits, region):
            inside = tuple(
                slice(low - o, high - o) for low, high, o in zip(part.low, part.high, region.low, strict=True)
            )
            native = self.grid.native_box(part)
            self._grow_box([*self.exclusive, *self.overlapping][index], native)
            chance = interpolate(torch.sigmoid(logits[index][inside]), self.grid, part, native)
            place = tuple(slice(n.start - b.start, n.stop - b.start) for n, b in zip(native, box, strict=True))
            if index < len(self.exclusive):
                better = chance > best[place]
                best[place][better] = chance[better]
                winner[place][better] = index + 1
            else:
                flags[place] |= (chance > 0.5).to(torch.uint8) << (index - len(self.exclusive))
        self.labels[box] = winner.cpu().numpy()
        if self.flags is not None:
            self.flags[box] = flags.cpu().numpy()

    def _grow_box(self, class_id: int, box: Box3) -> None:
        known = self._boxes.get(class_id, box)
        k, j, i = (slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(known, box, strict=True))
        self._boxes[class_id] = (k, j, i)

    def mask(self, class_id: int) -> MaskCrop:
        """A class's voxels."""
        if class_id not in self._boxes:
            return MaskCrop.of(np.zeros((1, 1, 1), np.bool_))
        box = self._boxes[class_id]
        if class_id in self.exclusive:
            crop = MaskCrop.of(self.labels[box] == list(self.exclusive).index(class_id) + 1)
        else:
            assert self.flags is not None
            crop = MaskCrop.of((self.flags[box] >> list(self.overlapping).index(class_id)) & 1 > 0)
        k, j, i = (part.start + start for part, start in zip(box, crop.start, strict=True))
        return MaskCrop((k, j, i), crop.mask)


def _positive_parts(logits: Tensor, region: Region) -> Iterator[tuple[int, Region]]:
    """For each class with a positive logit: its index, and the part of the region that holds it, one point wider."""
    positive = logits > 0
    along = [positive.any(dim=3).any(dim=2), positive.any(dim=3).any(dim=1), positive.any(dim=2).any(dim=1)]
    used = [axis.cpu().numpy() for axis in along]
    for index in np.flatnonzero(used[0].any(axis=1)):
        low, high = [], []
        for n in range(3):
            where = np.flatnonzero(used[n][index])
            low.append(region.low[n] + max(0, int(where[0]) - 1))
            high.append(region.low[n] + min(region.shape[n], int(where[-1]) + 2))
        yield int(index), Region((low[0], low[1], low[2]), (high[0], high[1], high[2]))
