"""How good the small SegVol is by text and by box: on phantoms, on the sample, and on a real CT that it never saw.

``--quick`` does one phantom and the sample.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import numpy as np
import torch
from report import Report, shared
from VISTA3DSegmentLib.cli.reference import read_mapping, truths_of
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.engines import open_engine
from VISTA3DSegmentLib.files.segmentations import read_segmentation
from VISTA3DSegmentLib.files.volumes import read_volume
from VISTA3DSegmentLib.learning.phantom import coverage_of, make_phantom
from VISTA3DSegmentLib.learning.segvol_shipping import box_around, try_texts
from VISTA3DSegmentLib.learning.segvol_starter import TEXTS
from VISTA3DSegmentLib.prompts import Click, Structure, Text
from VISTA3DSegmentLib.resources import resource
from VISTA3DSegmentLib.volume import Volume

PHANTOM_SEEDS = (900_001, 900_002, 900_003, 900_004)
"""Never drawn in training, which uses 1,000 to 1,999."""
TRUNK = (2.0, 2.0, 2.5)
BY_TEXT, BY_BOX = 0.75, 0.80
FIRST_SECONDS, LATER_SECONDS = 2.0, 0.5


def phantom_scores(engine: Any, seeds: tuple[int, ...]) -> dict[str, list[tuple[float, float]]]:
    """Dice by text and by box of every structure that the model can be told by name."""
    found: dict[str, list[tuple[float, float]]] = {}
    for seed in seeds:
        phantom = make_phantom(seed, TRUNK, coverage_of(seed))
        for name, both in try_texts(engine.open(phantom.volume), phantom.labels, engine.texts, TEXTS).items():
            found.setdefault(name, []).append(both)
    return found


def sample() -> tuple[Volume, np.ndarray]:
    """The sample that ships with the project, and its truth."""
    volume = read_volume(resource("Samples/sample_ct.nrrd")).volume
    return volume, read_volume(resource("Samples/sample_truth.nrrd")).volume.array.astype(np.uint8)


def real_ct() -> tuple[Volume, np.ndarray]:
    """A CT of the upper abdomen that nothing was trained or tuned on, and TotalSegmentator's masks of it by class id.

    The file holds TotalSegmentator's ids: 5 there is the liver, here the right kidney.
    """
    volume = read_volume(shared("data/ct_dicom/series")).volume
    meanings, _ = read_mapping(shared("data/totalsegmentator_to_vista3d.csv"), "total")
    labels = np.zeros(volume.shape_kji, np.uint8)
    segmentation = read_segmentation(shared("data/ct_dicom/seg.nii.gz"), like=volume)
    for truth in truths_of(segmentation.segments, meanings):
        labels[truth.mask.slices][truth.mask.mask] = truth.class_id or 0
    return volume, labels


def latency(report: Report, engine: Any) -> None:
    """The first prompt on a scan and later ones."""
    volume, truth = sample()
    opened = engine.open(volume)
    box = box_around(volume, MaskCrop.of(truth == 5))
    middle = tuple((a + b) / 2 for a, b in zip(box.ras_min, box.ras_max, strict=True))
    seconds = []
    for prompts in ((box,), (Text("right kidney"),), (box, Click(middle)), (Click(middle),)):
        started = time.perf_counter()
        opened.refine(Structure("right kidney"), prompts)
        seconds.append(time.perf_counter() - started)
    report.row("sample: first prompt, seconds", seconds[0], "")
    report.row("sample: later prompts, seconds at most", max(seconds[1:]), "")
    report.figures["seconds"] = seconds
    report.bar("first prompt, seconds", seconds[0], FIRST_SECONDS, at_least=False)
    report.bar("later prompts, seconds", max(seconds[1:]), LATER_SECONDS, at_least=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--model", default="segvol-starter")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    engine: Any = open_engine("segvol", options.model, "cpu")
    report = Report("segvol_starter", "The small SegVol, Dice", ["", "by text", "by box"])
    latency(report, engine)
    scores = phantom_scores(engine, PHANTOM_SEEDS[:1] if options.quick else PHANTOM_SEEDS)
    for name, both in sorted(scores.items()):
        report.row(f"phantoms: {name}", *np.mean(both, axis=0).tolist())
    by_text, by_box = (float(np.mean([np.mean([b[n] for b in both]) for both in scores.values()])) for n in (0, 1))
    report.row("phantoms: MEAN over structures", by_text, by_box)
    report.bar("phantoms, mean Dice by text", by_text, BY_TEXT)
    report.bar("phantoms, mean Dice by box", by_box, BY_BOX)
    cases = {"sample": sample()} if options.quick else {"sample": sample(), "ct_dicom": real_ct()}
    for case, (volume, labels) in cases.items():
        found = try_texts(engine.open(volume), labels, engine.texts, TEXTS)
        for name, both in sorted(found.items()):
            report.row(f"{case}: {name}", *both)
        means = np.mean(list(found.values()), axis=0).tolist()
        report.row(f"{case}: MEAN", *means)
        report.figures[case] = {"by text": means[0], "by box": means[1], "structures": len(found)}
    report.figures["phantoms"] = {"by text": by_text, "by box": by_box}
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
