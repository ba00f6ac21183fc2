"""Training patches: a window of a prepared case, and the objects in it that can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..anatomy import SPECIAL_POINT_CLASSES

BoolArray = npt.NDArray[np.bool_]
Index3 = tuple[int, int, int]

MIN_VOXELS = 60
"""Smaller objects are not asked for: at 3 mm that is 1.6 ml."""
SOME_SHARE = 0.5
"""How often only some of the classes that are there are asked for."""
REGION_SHARE, NEW_SHARE = 0.2, 0.45
"""How often a click asks for a supervoxel, and else for a class as if it were a new structure."""


@dataclass(frozen=True, eq=False)
class Case:
    """One prepared training case, on the model's grid.

    Args:
        image: float16, axes (R, A, S), scaled to 0..1 as the model expects.
        labels: uint8, same axes: class ids, 0 where nothing is labelled.
        regions: uint16, same axes: supervoxels, 0 for none; or None.
        labelled: the class ids that this case would show if they were there.
        kind: "phantom", "real" or "synthetic".
    """

    image: npt.NDArray[np.float16]
    labels: npt.NDArray[np.uint8]
    regions: npt.NDArray[np.uint16] | None
    labelled: frozenset[int]
    kind: str

    def save(self, folder: Path) -> None:
        """Write the case as arrays that can be mapped into memory."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "labels.npy", self.labels)
        if self.regions is not None:
            np.save(folder / "regions.npy", self.regions)
        (folder / "classes.txt").write_text(" ".join(map(str, sorted(self.labelled))))
        (folder / "kind.txt").write_text(self.kind)
        np.save(folder / "image.tmp.npy", self.image)
        (folder / "image.tmp.npy").replace(folder / "image.npy")  # last: a case with an image is complete

    @classmethod
    def load(cls, folder: Path) -> Case:
        """Map a saved case into memory."""
        regions = folder / "regions.npy"
        return cls(
            np.load(folder / "image.npy", mmap_mode="r"),
            np.load(folder / "labels.npy", mmap_mode="r"),
            np.load(regions, mmap_mode="r") if regions.exists() else None,
            frozenset(int(word) for word in (folder / "classes.txt").read_text().split()),
            (folder / "kind.txt").read_text(),
        )


@dataclass(frozen=True, eq=False)
class Patch:
    """A window of a case.

    Args:
        image: float32, axes (R, A, S); beyond the case, or beyond a slab, the nearest voxels are repeated.
        labels: uint8, same shape.
        regions: uint16, same shape, or None.
        valid: False where voxels were repeated: no loss there.
        labelled: see ``Case``.
    """

    image: npt.NDArray[np.float32]
    labels: npt.NDArray[np.uint8]
    regions: npt.NDArray[np.uint16] | None
    valid: BoolArray
    labelled: frozenset[int]


@dataclass(frozen=True, eq=False)
class Target:
    """One object to be asked for in a patch.

    Args:
        mask: bool, axes (R, A, S).
        class_id: a class, or None for a new structure (zero-shot token).
        special: clicks carry the flag of the ambiguous, nested classes.
    """

    mask: BoolArray
    class_id: int | None
    special: bool = False


def cut_patch(case: Case, window: Index3, rng: np.random.Generator, thin: float = 0.3) -> Patch:
    """A random window of a case, around a labelled voxel more often than not.

    Args:
        case: the case.
        window: its size, axes (R, A, S).
        rng: source of chance.
        thin: how often only a slab of it is real and the rest repeats its border, as in a scan of few slices.
    """
    shape = case.image.shape
    centre = some_labelled_voxel(case.labels, 2, rng) if rng.random() < 0.7 else None
    indices, valid = [], []
    for axis in range(3):
        size, count = window[axis], shape[axis]
        middle = int(centre[axis]) if centre is not None else int(rng.integers(count))
        start = middle - size // 2 + int(rng.integers(-size // 3, size // 3 + 1))
        start = int(np.clip(start, 0, count - size)) if count >= size else -int(rng.integers(size - count + 1))
        low, high = max(0, start), min(count, start + size)
        if axis == 2 and rng.random() < thin:
            thickness = int(rng.integers(10, max(11, 3 * size // 4)))
            low = int(np.clip(middle - rng.integers(thickness), low, max(low, high - thickness)))
            high = min(high, low + thickness)
        wanted = np.arange(start, start + size)
        indices.append(np.clip(wanted, low, high - 1))
        valid.append((wanted >= low) & (wanted < high))
    window_of = np.ix_(*indices)
    return Patch(
        np.asarray(case.image[window_of], dtype=np.float32),
        np.asarray(case.labels[window_of]),
        None if case.regions is None else np.asarray(case.regions[window_of]),
        valid[0][:, None, None] & valid[1][None, :, None] & valid[2][None, None, :],
        case.labelled,
    )


def some_labelled_voxel(
    labels: npt.NDArray[np.uint8], axis: int, rng: np.random.Generator
) -> npt.NDArray[np.intp] | None:
    """A voxel of a random class in a random plane: uniform over classes, without a search of the volume.

    Args:
        labels: class ids, 0 where nothing is labelled.
        axis: along which the planes lie one behind the other.
        rng: source of chance.

    Returns:
        its index; None if no labelled plane was found.
    """
    for _ in range(20):
        n = int(rng.integers(labels.shape[axis]))
        plane = labels.take(n, axis)
        present = np.unique(plane)
        present = present[present > 0]
        if present.size:
            where = np.argwhere(plane == rng.choice(present))
            return np.insert(where[rng.integers(len(where))], axis, n)
    return None


def augment(patch: Patch, rng: np.random.Generator, named: bool) -> Patch:
    """Vary grey values, and where no class is asked for by name also mirror and turn the patch.

    Args:
        patch: what to vary.
        rng: source of chance.
        named: classes are asked for: left and right stay, and grey values vary by little, for they tell organs apart.
    """
    image = patch.image
    strength = 0.15 if named else 1.0
    if rng.random() < 0.6:
        gain, offset = 1 + strength * rng.uniform(-0.2, 0.25), strength * rng.uniform(-0.1, 0.1)
        image = image * np.float32(gain) + np.float32(offset)
    if rng.random() < 0.3:
        image = np.clip(image, 0, 1) ** np.float32(1 + strength * rng.uniform(-0.3, 0.4))
    if rng.random() < 0.4:
        image = image + rng.normal(0, rng.uniform(0.005, 0.03 if named else 0.06), image.shape).astype(np.float32)
    flips = not named and rng.random() < 0.75
    if flips and rng.random() < 0.1:
        image = 1 - image
    image = np.clip(image, 0, 1)
    arrays: list[Any] = [image, patch.labels, patch.regions, patch.valid]
    if flips:
        for axis in range(3):
            if rng.random() < 0.5:
                arrays = [None if array is None else np.flip(array, axis) for array in arrays]
        if image.shape[0] == image.shape[1] and rng.random() < 0.5:
            arrays = [None if array is None else np.swapaxes(array, 0, 1) for array in arrays]
    whole = [None if array is None else np.ascontiguousarray(array) for array in arrays]
    kept: Any = dict(zip(("image", "labels", "regions", "valid"), whole, strict=True))
    return Patch(**kept, labelled=patch.labelled)


def choose_targets(patch: Patch, count: int, rng: np.random.Generator) -> list[Target]:
    """Objects of a patch to click on: classes and supervoxels, large ones more often than small ones.

    Returns:
        ``count`` targets, or none if the patch holds no object.
    """
    classes = _present(patch.labels, patch.valid)
    regions = _present(patch.regions, patch.valid) if patch.regions is not None else {}
    if not classes and not regions:
        return []
    targets = []
    for _ in range(count):
        if patch.regions is not None and regions and (rng.random() < REGION_SHARE or not classes):
            targets.append(Target(patch.regions == _draw(regions, rng), None))
            continue
        class_id = _draw(classes, rng)
        new = rng.random() < NEW_SHARE
        special = class_id in SPECIAL_POINT_CLASSES and not new
        targets.append(Target(patch.labels == class_id, None if new else class_id, special))
    return targets


def _draw(sizes: dict[int, int], rng: np.random.Generator) -> int:
    weights = np.sqrt(np.array(list(sizes.values()), dtype=np.float64))
    return int(rng.choice(list(sizes), p=weights / weights.sum()))


def _present(labels: npt.NDArray[Any], valid: BoolArray) -> dict[int, int]:
    ids, counts = np.unique(labels[valid], return_counts=True)
    return {int(n): int(size) for n, size in zip(ids, counts, strict=True) if n > 0 and size >= MIN_VOXELS}


def choose_classes(
    patch: Patch, wanted: frozenset[int], count: int, rng: np.random.Generator
) -> tuple[list[int], list[BoolArray]]:
    """Classes of a patch to segment automatically: all that are there as often as some of them, and some that are not.

    What is there and not asked for belongs to the background, as when a person asks for the liver only: a network that
    was always asked for everything took bowel for stomach as soon as nobody asked for bowel.

    Returns:
        class ids, and the mask (bool, axes R, A, S) of each.
    """
    answerable = wanted & patch.labelled
    present = [n for n in _present(patch.labels, patch.valid) if n in answerable]
    absent = sorted(answerable - set(np.unique(patch.labels).tolist()))
    rng.shuffle(present)
    rng.shuffle(absent)
    if rng.random() < SOME_SHARE:
        present = present[: 1 + int(rng.integers(max(1, len(present))))]
    ids = present[: count - min(4, len(absent))]
    ids += absent[: max(4, len(present) // 2)]
    return ids, [patch.labels == n for n in ids]
