"""The automatic run against MONAI's sliding-window inference: same weights, same scan; labels, time, peak memory.

``--quick`` uses a small network. The scan is real (3 mm CT), cut to one window's length and half its width and repeated
to lengths 1x to 8x; the largest peak is measured on the whole cross-section. Each measurement is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from networks import model_file, network_of, peak_gib, scan, specification
from report import Report, measure
from VISTA3DSegmentLib.anatomy import EVERYTHING

SLICES = {False: 64, True: 36}
"""Slices of 3 mm at length 1x, by ``--quick``: no fewer than a window has, for all of one is summed anyway."""
HALF, WHOLE = 64, 122
"""Columns of 3 mm: one window, and the whole cross-section."""

LARGEST_REFERENCE_GIB = 20
"""The reference is left out where its logits alone would need more; such a machine has 24 GiB."""


def classes(count: int) -> list[int]:
    """The first ids of the automatic run."""
    return list(EVERYTHING[:count])


def run_ours(weights: Path, quick: bool, count: int, length: int, columns: int, precision: str) -> np.ndarray:
    """Labels on the model's grid by our engine."""
    from VISTA3DSegmentLib.engines import open_engine

    return (
        open_engine(weights=weights, device="cpu", precision=precision)
        .open(scan(length, SLICES[quick], columns))
        .grid_labels(classes(count))
    )


def run_reference(weights: Path, quick: bool, count: int, length: int, columns: int) -> np.ndarray:
    """The same by MONAI's sliding_window_inference over all classes' logits, as the bundle's inferer calls it."""
    from monai.inferers import sliding_window_inference
    from VISTA3DSegmentLib.engines.grid import ModelGrid
    from VISTA3DSegmentLib.engines.vista3d.intensity import scale

    expected = specification(quick)
    grid = ModelGrid(scan(length, SLICES[quick], columns), expected.spacing_mm)
    image = torch.from_numpy(scale(grid.read(grid.foreground), expected.intensity))[None, None]
    network, ids = network_of(weights), torch.tensor(classes(count))[:, None]
    with torch.inference_mode():
        logits = sliding_window_inference(
            image,
            expected.window,
            1,
            lambda window: network(window, class_vector=ids, transpose=True),
            overlap=expected.overlap,
            mode=expected.blending,
            padding_mode="replicate",
        )[0]
        best, index = logits.max(dim=0)
        return torch.where(best > 0, ids[:, 0][index], 0).numpy().astype(np.uint16)


def one_side(options: argparse.Namespace) -> None:
    """Measure one configuration and print it as JSON."""
    torch.set_num_threads(options.threads)
    started = time.perf_counter()
    if options.side == "reference":
        labels = run_reference(options.weights, options.quick, options.classes, options.length, options.columns)
    else:
        labels = run_ours(
            options.weights, options.quick, options.classes, options.length, options.columns, options.side
        )
    seconds = time.perf_counter() - started
    np.save(options.out, labels)
    print(json.dumps({"seconds": seconds, "gib": peak_gib()}))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--side", choices=["reference", "fp32", "bf16"])
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--classes", type=int, default=117)
    parser.add_argument("--length", type=int, default=1)
    parser.add_argument("--columns", type=int, default=HALF)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if options.side:
        one_side(options)
        return 0
    report = Report("automatic", "Automatic run, CPU", ["side", "classes", "length", "seconds", "peak GiB", "labels"])
    with tempfile.TemporaryDirectory() as temporary:
        compare(report, Path(temporary), options)
    return report.finish()


def compare(report: Report, folder: Path, options: argparse.Namespace) -> None:
    weights = model_file(folder, options.quick)
    quick = ["--quick"] if options.quick else []

    def side(name: str, count: int, length: int, columns: int = HALF) -> tuple[dict[str, float], np.ndarray]:
        out = folder / "labels.npy"
        arguments = ("--side", name, "--weights", weights, "--classes", count, "--length", length, "--out", out)
        figures = measure(__file__, *arguments, "--columns", columns, "--threads", options.threads, *quick)
        report.figures[f"{name} {count} classes {length}x {columns} columns"] = figures
        return figures, np.load(out)

    ours: dict[tuple[int, int], float] = {}
    for count, length in [(1, 1), (20, 1), (117, 1), *[(117, n) for n in ((8,) if options.quick else (2, 8))]]:
        mine, labels = side("fp32", count, length)
        ours[count, length] = mine["gib"]
        report.row("ours, fp32", count, f"{length}x", mine["seconds"], mine["gib"], "")
        if labels.size * count * 4 * 2.3 / 2**30 > LARGEST_REFERENCE_GIB:
            report.row("reference", count, f"{length}x", "-", "does not fit", "")
            continue
        if length > 1:
            continue
        theirs, expected = side("reference", count, length)
        same = float((labels == expected).mean())
        report.row("reference", count, f"{length}x", theirs["seconds"], theirs["gib"], f"{100 * same:.3f} % equal")
        report.bar(f"labels equal, {count} classes, {length}x", same, 0.999)
        report.bar(
            f"times faster than the reference, {count} classes, {length}x", theirs["seconds"] / mine["seconds"], 1
        )
    for count in () if options.quick else (117,):
        half, _ = side("bf16", count, 1)
        report.row("ours, bf16", count, "1x", half["seconds"], half["gib"], "")
    whole, _ = side("fp32", 117, 2, WHOLE)
    report.row("ours, fp32, whole cross-section", 117, "2x", whole["seconds"], whole["gib"], "")
    report.bar("memory, 117 against 1 class", ours[117, 1] / ours[1, 1], 1.1, at_least=False)
    report.bar("memory, 8x against 1x length", ours[117, 8] / ours[117, 1], 1.1, at_least=False)
    report.bar("peak GiB", max(*ours.values(), whole["gib"]), 6.0, at_least=False)


if __name__ == "__main__":
    sys.exit(main())
