"""Prepare training cases for the starter model: phantoms, real scans, and real label maps painted with random contrast.

``python -m VISTA3DSegmentLib.learning.cases CASES --shared SHARED`` fills a folder, case by case, and can be stopped
and resumed. Only the scans that may be trained on are used (see the shared data's README); the test scans are never
opened.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 (the library's own custom)

from ..engines.grid import ModelGrid
from ..engines.vista3d.intensity import scale
from ..files.segmentations import read_segmentation
from ..files.volumes import read_volume
from ..models.specification import HounsfieldWindow, Intensity, Percentiles
from ..volume import Volume
from .patches import Case
from .phantom import coverage_of, make_phantom, random_deformation, randomise_contrast, warp

LabelArray = npt.NDArray[np.uint8]

SPACING_MM = (3.0, 3.0, 3.0)
HOUNSFIELD = HounsfieldWindow(-350.0, 650.0)
"""Narrower than VISTA3D's: a small network sees soft tissue better, and fine detail is below its grid anyway."""

PHANTOM_SPACINGS_MM = ((2.0, 2.0, 2.5), (3.0, 3.0, 3.0), (1.5, 1.5, 3.0), (2.0, 2.0, 5.0))
"""A phantom is a scan: noise and blur belong to its own voxels, not to the grid's."""
PHANTOMS, REAL_VARIANTS, PAINTED = 400, 60, 80
BACKGROUND_TISSUES = 6


@dataclass(frozen=True)
class RealScan:
    """A scan that may be trained on.

    Args:
        image: path in shared/data. labels: likewise, or None. table: column of ids ("" = VISTA3D's own; else the task's
            name).
        intensity: how its grey values are scaled. share: weight among the real scans.
    """

    image: str
    labels: str | None
    table: str
    intensity: Intensity
    share: float


REAL_SCANS = (
    RealScan("ct_abdomen_pelvis_3mm/ct.nii.gz", "ct_abdomen_pelvis_3mm/seg_vista3d.nii.gz", "", HOUNSFIELD, 0.55),
    RealScan("crlm_ct_1004/series", None, "", HOUNSFIELD, 0.2),
    RealScan("mr_slab_3mm/mr.nii.gz", "mr_slab_3mm/seg.nii.gz", "total_mr", Percentiles(1.0, 99.0), 0.15),
    RealScan("sarcoma/STS_001/CT/image.nii.gz", None, "", HOUNSFIELD, 0.05),
    RealScan("sarcoma/STS_001/MR_T1/image.nii.gz", None, "", Percentiles(1.0, 99.0), 0.05),
)


def prepare_phantom(seed: int) -> Case:
    """A random phantom on the model's grid; its lesions are labelled over their organs."""
    spacing_mm = PHANTOM_SPACINGS_MM[int(np.random.default_rng(seed).integers(len(PHANTOM_SPACINGS_MM)))]
    phantom = make_phantom(seed, spacing_mm, coverage_of(seed))
    labels = phantom.labels.copy()
    for name, lesion, _ in phantom.lesions:
        labels[lesion.slices][lesion.mask] = LESION_CLASSES.get(name, 0) or labels[lesion.slices][lesion.mask]
    grid = ModelGrid(phantom.volume, SPACING_MM)
    return Case(
        scale(grid.read(grid.whole), HOUNSFIELD).astype(np.float16),
        _labels_on(grid, phantom.volume, labels),
        None,
        PHANTOM_CLASSES,
        "phantom",
    )


LESION_CLASSES = {
    "lung tumor": 23,
    "hepatic tumor": 26,
    "bone lesion": 128,
    "left kidney cyst": 116,
    "right kidney cyst": 117,
}
PHANTOM_CLASSES = frozenset(range(1, 128)) - {2, 16, 18, 20, 21, 24, 25, 27}


def prepare_real(scan: RealScan, data: Path, seed: int, paint: bool) -> Case:
    """A variant of a real scan: other proportions, bent, and on request its labels painted with random contrast."""
    rng = np.random.default_rng(seed)
    volume = _stretched(read_volume(data / scan.image).volume, rng)
    labels = _labels_of(scan, data, volume)
    grid = ModelGrid(volume, SPACING_MM)
    image = scale(grid.read(grid.whole), scan.intensity)
    on_grid = _labels_on(grid, volume, labels) if labels is not None else np.zeros(image.shape, np.uint8)
    field = random_deformation(image.shape, seed, max_mm=8.0, spacing=SPACING_MM)
    image, on_grid = warp(image, field, 1).astype(np.float32), warp(on_grid, field, 0).astype(np.uint8)
    regions = supervoxels(image, rng)
    if paint:
        image = np.clip(randomise_contrast(_with_tissues(image, on_grid), seed), 0, 1)
    return Case(
        image.astype(np.float16),
        on_grid,
        regions,
        frozenset(int(n) for n in np.unique(on_grid) if n),
        "synthetic" if paint else "real",
    )


def supervoxels(image: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.uint16]:
    """Regions of similar grey value, from the watershed of the gradient; 0 for air and for specks.

    They stand in for structures that nobody labelled (the paper's supervoxels come from SAM's features instead).
    """
    # At half resolution: the watershed of a whole scan takes minutes.
    half = sitk.Shrink(
        sitk.DiscreteGaussian(sitk.GetImageFromArray(image), [float(rng.uniform(1.0, 2.0))] * 3), [2, 2, 2]
    )
    edges = sitk.GradientMagnitude(half)
    basins = sitk.GetArrayFromImage(sitk.MorphologicalWatershed(edges, float(rng.uniform(0.002, 0.004)), False, True))
    indices = [np.minimum(np.arange(n) // 2, m - 1) for n, m in zip(image.shape, basins.shape, strict=True)]
    basins = np.where(image < 0.02, 0, basins[np.ix_(*indices)])
    sizes = np.bincount(basins.ravel())
    kept = (sizes >= 120) & (sizes < image.size // 4)
    kept[0] = False
    return np.where(kept, np.cumsum(kept), 0)[basins].astype(np.uint16)


def _stretched(volume: Volume, rng: np.random.Generator) -> Volume:
    matrix = volume.ijk_to_ras.copy()
    matrix[:3, :3] *= rng.uniform(0.8, 1.2) * rng.uniform(0.93, 1.07, size=3)
    return Volume(volume.array, matrix, volume.name)


def _labels_of(scan: RealScan, data: Path, volume: Volume) -> LabelArray | None:
    if scan.labels is None:
        return None
    segmentation = read_segmentation(data / scan.labels)
    ids = _class_ids(scan.table, data)
    labels = np.zeros(volume.shape_kji, np.uint8)
    for segment in segmentation.segments:
        class_id = ids.get(segment.class_id or 0, 0) if scan.table else (segment.class_id or 0)
        labels[segment.mask.slices][segment.mask.mask] = class_id
    return labels


def _class_ids(table: str, data: Path) -> dict[int, int]:
    with (data / "totalsegmentator_to_vista3d.csv").open(newline="") as file:
        return {
            int(row["totalsegmentator_id"]): int(row["vista3d_id"])
            for row in csv.DictReader(file)
            if row["task"] == table and row["vista3d_id"]
        }


def _labels_on(grid: ModelGrid, volume: Volume, labels: LabelArray) -> LabelArray:
    """Labels at the nearest voxel of each grid point, axes (R, A, S)."""
    indices: list[Any] = [None, None, None]
    for axis in grid.axes:
        nearest = np.round(axis.to_source(np.arange(axis.count, dtype=np.float64))).astype(np.intp)
        indices[axis.source] = np.clip(nearest, 0, axis.source_count - 1)
    return np.ascontiguousarray(np.transpose(labels[np.ix_(*indices)], [axis.source for axis in grid.axes]))


def _with_tissues(image: npt.NDArray[np.float32], labels: LabelArray) -> npt.NDArray[np.int32]:
    """Labels, and what nobody labelled cut by grey value into tissues, numbered from 200: painting leaves no void."""
    bounds = np.quantile(image[image > 0.02], np.linspace(0, 1, BACKGROUND_TISSUES + 1)[1:-1])
    tissue = np.where(image > 0.02, 201 + np.digitize(image, bounds), 200)
    return np.where(labels > 0, labels, tissue).astype(np.int32)


def fill(folder: Path, shared: Path) -> None:
    """Prepare all cases that are not there yet, the kinds in turn, so that training can begin at once."""
    data = shared / "data"
    shares = np.array([scan.share for scan in REAL_SCANS])
    rng = np.random.default_rng(1)
    scans = rng.choice(len(REAL_SCANS), size=PHANTOMS, p=shares / shares.sum())
    for n in range(max(PHANTOMS, REAL_VARIANTS, PAINTED)):
        if n < REAL_VARIANTS:
            _prepare(folder / f"real_{n:03d}", lambda n=n: prepare_real(REAL_SCANS[scans[n]], data, 10_000 + n, False))
        if n < PAINTED:
            scan = REAL_SCANS[2 if n % 8 == 7 else 0]
            _prepare(folder / f"painted_{n:03d}", lambda n=n, scan=scan: prepare_real(scan, data, 20_000 + n, True))
        if n < PHANTOMS:
            _prepare(folder / f"phantom_{n:03d}", lambda n=n: prepare_phantom(1_000 + n))


def _prepare(folder: Path, make: Any) -> None:
    if not (folder / "image.npy").exists():
        make().save(folder)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line of the preparation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--shared", type=Path, required=True, help="folder with the shared data")
    options = parser.parse_args(arguments)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    fill(options.cases, options.shared)


if __name__ == "__main__":
    main()
