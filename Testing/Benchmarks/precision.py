"""bfloat16 against float32: share of voxels that differ, automatic run and click, on a real scan with random weights.

Random weights are the harsh case: all classes lie close together everywhere. The starter is compared too. ``--quick``
uses a small network for the random weights.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from networks import model_file, scan
from report import Report
from VISTA3DSegmentLib.engines import open_engine
from VISTA3DSegmentLib.prompts import Click, Structure


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    report = Report("precision", "bfloat16 against float32", ["weights", "what", "voxels that differ, %"])
    with tempfile.TemporaryDirectory() as temporary:
        compare(report, "random", model_file(Path(temporary), options.quick), bar=None)
    compare(report, "starter", "starter", bar=0.99)
    return report.finish()


def compare(report: Report, name: str, weights: Path | str, bar: float | None) -> None:
    volume = scan(1)
    k, j, i = (n // 2 for n in volume.shape_kji)
    r, a, s = volume.ras_of((i, j, k))
    labels, masks = [], []
    for precision in ("fp32", "bf16"):
        opened = open_engine(weights=weights, device="cpu", precision=precision).open(volume)
        ids = [n for n in opened.engine.specification.classes if n not in (23, 24, 25, 26, 27, 128, 132)]
        labels.append(opened.grid_labels(ids))
        masks.append(opened.refine(Structure("new"), (Click((float(r), float(a), float(s))),)).onto(None))
    same = float((labels[0] == labels[1]).mean())
    clicked = [mask.full(volume.shape_kji) for mask in masks]
    united = int(np.logical_or(*clicked).sum())
    differ = int(np.logical_xor(*clicked).sum()) / max(1, united)
    report.row(name, "automatic, all classes, of the grid", 100 * (1 - same))
    report.row(name, "one click, of the structure", 100 * differ)
    report.figures[name] = {"automatic": 1 - same, "click": differ}
    if bar is not None:
        report.bar(f"labels equal, {name}", same, bar)


if __name__ == "__main__":
    sys.exit(main())
