"""How good the starter model is: on phantoms, and on real scans by clicks alone, beside classical methods.

The simulated user is that of ``vista3dsegment evaluate``: each click goes to the centre of the largest error, and every
result counts as it is. The real scans are those on which nothing was trained or tuned. ``--quick`` does one phantom and
a few structures of the CT.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from report import Report, shared
from VISTA3DSegmentLib.anatomy import class_of
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.engines import open_engine
from VISTA3DSegmentLib.evaluation.classical import GrowCut, RegionGrower, WorkingGrid
from VISTA3DSegmentLib.evaluation.clicks import ClickCurve, click_session
from VISTA3DSegmentLib.evaluation.metrics import dice
from VISTA3DSegmentLib.files.segmentations import read_segmentation
from VISTA3DSegmentLib.files.volumes import read_volume
from VISTA3DSegmentLib.learning.phantom import coverage_of, make_phantom
from VISTA3DSegmentLib.prompts import Structure
from VISTA3DSegmentLib.volume import Volume

CLICKS = (1, 3, 5, 10)
PHANTOM_SEEDS = (900_001, 900_002, 900_003, 900_004)
"""Never drawn in training, which uses 1,000 to 1,999."""
SMALLEST_VOXELS = 2000
SMALLEST_PHANTOM_VOXELS = 60
TRUNK = (2.0, 2.0, 2.5)


@dataclass(frozen=True)
class Case:
    """A real scan and one structure of it."""

    name: str
    volume: Volume
    truth: MaskCrop


def phantom_rows(report: Report, engine: Any, seeds: tuple[int, ...]) -> None:
    """Automatic Dice per class, and a damaged organ mended by up to three clicks."""
    automatic: dict[int, list[float]] = {}
    mended: dict[str, list[float]] = {"cut": [], "leaked": [], "missing": []}
    for seed in seeds:
        phantom = make_phantom(seed, TRUNK, coverage_of(seed))
        opened = engine.open(phantom.volume)
        # All classes compete for every voxel, also those that are not there, as when a person presses Segment.
        for class_id, edit in opened.segment(engine.specification.classes):
            truth = MaskCrop.of(phantom.labels == class_id)
            if truth.mask.sum() >= SMALLEST_PHANTOM_VOXELS:
                automatic.setdefault(class_id, []).append(dice(truth, edit.onto(None)))
        for kind, class_id, base in damaged(phantom.labels, np.random.default_rng(seed), engine.specification.classes):
            structure = Structure(class_of(class_id).name, class_id)
            curve = click_session(opened, structure, MaskCrop.of(phantom.labels == class_id), (3,), base)
            mended[kind].append(curve.scores[-1].dice)
    for class_id, scores in sorted(automatic.items()):
        report.row(f"phantom, automatic: {class_of(class_id).name}", "", "", "", "", float(np.mean(scores)))
    mean = float(np.mean([np.mean(scores) for scores in automatic.values()]))
    report.row("phantom, automatic: MEAN", "", "", "", "", mean)
    report.bar("phantom, automatic, mean Dice over its classes", mean, 0.90)
    for kind, scores in mended.items():
        report.row(f"phantom, {kind} organ after 3 clicks", "", "", "", "", float(np.mean(scores)))
    report.bar(
        "phantom, damaged base mended by 3 clicks, mean Dice",
        float(np.mean([score for scores in mended.values() for score in scores])),
        0.90,
    )
    report.figures["phantom"] = {"automatic": mean, "mended": {k: float(np.mean(v)) for k, v in mended.items()}}


def damaged(
    labels: np.ndarray, rng: np.random.Generator, answered: tuple[int, ...]
) -> Iterator[tuple[str, int, MaskCrop | None]]:
    """Organs that a person would have to mend: a third cut off, a leak into the neighbour, or not found at all."""
    large = [n for n in (1, 3, 5, 14, 12, 115) if n in answered and (labels == n).sum() > 20_000]
    for class_id in large[:3]:
        organ = labels == class_id
        axis = int(rng.integers(3))
        used = np.flatnonzero(organ.any(axis=tuple(n for n in range(3) if n != axis)))
        cut = organ.copy()
        np.moveaxis(cut, axis, 0)[: used[0] + len(used) // 3] = False
        yield "cut", class_id, MaskCrop.of(cut)
        leaked = organ.copy()
        where = np.argwhere(organ & ~np.roll(organ, 1, axis=axis))
        k, j, i = where[int(rng.integers(len(where)))]
        size = np.array([8, 10, 10])
        low = np.maximum(np.array([k, j, i]) - size, 0)
        leaked[low[0] : k + 8, low[1] : j + 10, low[2] : i + 10] = True
        yield "leaked", class_id, MaskCrop.of(leaked)
        yield "missing", class_id, MaskCrop.of(np.zeros_like(organ))


def real_cases() -> list[Case]:
    """The CT of the upper abdomen, every structure of more than 2,000 voxels."""
    volume = read_volume(shared("data/ct_dicom/series")).volume
    reference = read_segmentation(shared("data/ct_dicom/seg.nii.gz"), like=volume)
    return [
        Case(segment.name, volume, segment.mask)
        for segment in reference.segments
        if segment.mask.mask.sum() > SMALLEST_VOXELS
    ]


def other_cases() -> list[Case]:
    """Vessels and tumours that are reported as well."""
    found = []
    for folder, image, names in (
        (
            "cta_aorta",
            "ct.nii.gz",
            ("aorta", "brachiocephalic_trunk", "common_carotid_artery_left", "subclavian_artery_left"),
        ),
        ("cta_pulmonary", "ct.nii.gz", ("pulmonary_artery",)),
        ("sarcoma/STS_004/CT", "image.nii.gz", ("mask",)),
        ("sarcoma/STS_004/MR_T1", "image.nii.gz", ("mask",)),
    ):
        volume = read_volume(shared(f"data/{folder}/{image}")).volume
        for name in names:
            reference = read_segmentation(shared(f"data/{folder}/{name}.nii.gz"), like=volume)
            for segment in reference.segments[:1]:
                if segment.mask.mask.any():
                    found.append(Case(f"{folder}: {name}", volume, segment.mask))
    return found


def curve_row(report: Report, label: str, method: str, curves: list[ClickCurve]) -> list[float]:
    means = [float(np.mean([curve.scores[n].dice for curve in curves])) for n in CLICKS]
    report.row(label, method, *means)
    return means


def click_rows(report: Report, engine: Any, cases: list[Case], bounded: bool) -> None:
    """Dice by clicks alone (zero-shot), ours and two classical methods with the same simulated user."""
    curves: dict[str, list[ClickCurve]] = {"starter": [], "region growing": [], "GrowCut": []}
    opened, grids = {}, {}
    for case in cases:
        if id(case.volume) not in opened:
            opened[id(case.volume)] = engine.open(case.volume)
            grids[id(case.volume)] = WorkingGrid(case.volume)
        grid = grids[id(case.volume)]
        methods = {"starter": opened[id(case.volume)], "region growing": RegionGrower(grid), "GrowCut": GrowCut(grid)}
        for method, refiner in methods.items():
            curve = click_session(refiner, Structure(case.name), case.truth, CLICKS)
            curves[method].append(curve)
            curve_row(report, case.name, method, [curve])
        print(f"{case.name}: {[round(curves['starter'][-1].scores[n].dice, 2) for n in CLICKS]}", file=sys.stderr)
    if not bounded:
        return
    means = {method: curve_row(report, "MEAN", method, found) for method, found in curves.items()}
    report.figures["ct_dicom"] = means
    for n, clicks in enumerate(CLICKS):
        best = max(means["region growing"][n], means["GrowCut"][n])
        report.bar(f"CT, {clicks} clicks, above the best classical method", means["starter"][n] - best, 0.0)
    rising = min(b - a for a, b in zip(means["starter"], means["starter"][1:], strict=False))
    report.bar("CT, Dice rises with the clicks by at least", rising, 0.0)
    report.bar("CT, 5 clicks, mean Dice", means["starter"][2], 0.60)
    report.bar("CT, 10 clicks, mean Dice", means["starter"][3], 0.70)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--weights", default="starter")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--part", choices=["all", "phantom", "ct", "others"], default="all")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    engine = open_engine(weights=options.weights, device="cpu", precision=options.precision)
    columns = ["structure", "method", *[f"{n} clicks" for n in CLICKS]]
    report = Report("starter", "The starter model, Dice (rows without clicks: last column)", columns)
    if options.part in ("all", "phantom"):
        phantom_rows(report, engine, PHANTOM_SEEDS[: 1 if options.quick else None])
    if options.part in ("all", "ct"):
        click_rows(report, engine, real_cases()[:: 6 if options.quick else 1], bounded=True)
    if options.part in ("all", "others") and not options.quick:
        click_rows(report, engine, other_cases(), bounded=False)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
