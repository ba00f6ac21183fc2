"""Prompts on one scan with SegVol: the first against later ones, beside the authors' way with the same weights; memory.

The authors encode the whole scan and every window again for every prompt. Each side runs in a process of its own. The
weights are random, so the masks mean nothing; what is compared is the time, and the logits of one window with the same
network in PyTorch. ``--quick`` uses a small network and a small scan.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from report import Report, measure
from VISTA3DSegmentLib.engines import open_engine
from VISTA3DSegmentLib.engines.segvol.backend import TorchBackend, WindowPrompts
from VISTA3DSegmentLib.engines.segvol.network import FULL, SegVolShape, build_network
from VISTA3DSegmentLib.engines.segvol.weights import load_segvol
from VISTA3DSegmentLib.engines.weight_files import save_model
from VISTA3DSegmentLib.models.registry import SEGVOL_SPECIFICATION
from VISTA3DSegmentLib.models.segvol_specification import SegVolSpecification
from VISTA3DSegmentLib.models.specification import HounsfieldWindow
from VISTA3DSegmentLib.prompts import Box, Click, Prompts, Structure, Text
from VISTA3DSegmentLib.volume import Volume

SMALL = SegVolShape(
    window=(16, 64, 64), grid=(4, 8, 8), width=64, blocks=2, encoder_mlp=128, decoder_mlp=64, masks=1, iou_width=16,
    text_width=64, text_blocks=1, text_mlp=64, vocabulary=49408,
)  # fmt: skip
FULL_SHAPE, QUICK_SHAPE = (160, 512, 512), (40, 160, 160)
"""Voxels (k, j, i) of the scan."""
NEW = Structure("structure")
TIMES_FASTER, MOST_BYTES = 5.0, 4 * 2**30


def expects(quick: bool) -> SegVolSpecification:
    """Of the network that is measured."""
    if not quick:
        return SEGVOL_SPECIFICATION
    return SegVolSpecification(
        "small", "", "none", ("CT",), HounsfieldWindow(-1000.0, 1000.0), SEGVOL_SPECIFICATION.texts, SMALL.window
    )


def write_model(path: Path, quick: bool) -> None:
    """Random weights, always the same."""
    torch.manual_seed(7)
    save_model(build_network(SMALL if quick else FULL).state_dict(), expects(quick), path)


def scan_of(quick: bool) -> Volume:
    """A body of noise in air."""
    shape = QUICK_SHAPE if quick else FULL_SHAPE
    rng = np.random.default_rng(5)
    array = np.full(shape, -1000, np.int16)
    array[2:-2, 30:-30, 20:-20] = rng.integers(-200, 300, tuple(n - m for n, m in zip(shape, (4, 60, 40), strict=True)))
    return Volume(array, np.diag([-0.8, -0.8, 1.5, 1.0]))


def asked(volume: Volume) -> list[tuple[str, Prompts]]:
    """What a person asks one after the other: about an organ of the size of a kidney to a spleen."""
    k, j, i = volume.shape_kji
    middle = volume.ras_of((i / 2, j / 2, k / 2))

    def box(shift_mm: float) -> Box:
        half = np.array([i * 0.8, j * 0.8, k * 1.5]) / 10
        low, high = middle - half + shift_mm, middle + half + shift_mm
        return Box(tuple(low), tuple(high))

    point = (float(middle[0]), float(middle[1]), float(middle[2]))
    return [
        ("a box", (box(0.0),)),
        ("the box, moved a little", (box(2.0),)),
        ("a text and the box", (Text("spleen"), box(0.0))),
        ("the box and a click", (box(0.0), Click(point))),
        ("the box and two clicks", (box(0.0), Click(point), Click((point[0] + 9.0, *point[1:]), False))),
    ]


def side(weights: Path, quick: bool, precision: str, reference: bool) -> dict[str, Any]:
    """Seconds of each prompt, and the process's peak of memory."""
    volume = scan_of(quick)
    engine = open_engine("segvol", weights, "cpu", precision, reference=reference)
    opened = engine.open(volume)
    seconds = []
    for _, prompts in asked(volume)[: 2 if reference else None]:
        started = time.perf_counter()
        opened.refine(NEW, prompts)
        seconds.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": seconds, "peak_bytes": peak, "backend": engine.backend.description}


def logit_difference(weights: Path, quick: bool, precision: str) -> float:
    """Of one window's logits, between the engine's backend and PyTorch in float32, relative to their spread."""
    backend = open_engine("segvol", weights, "cpu", precision).backend
    exact = TorchBackend(load_segvol(weights, expects(quick)).network)
    image = torch.rand(1, *expects(quick).window, generator=torch.Generator().manual_seed(1))
    prompts = WindowPrompts(box=torch.tensor([5.0, 20, 22, 9, 40, 50]))
    theirs = exact.decode(exact.encode(image), prompts)
    ours = backend.decode(backend.encode(image), prompts)
    return float((ours - theirs).abs().max() / theirs.std())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--side", nargs=3, metavar=("WEIGHTS", "PRECISION", "REFERENCE"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.side:
        weights, precision, reference = options.side
        print(json.dumps(side(Path(weights), options.quick, precision, reference == "yes")))
        return 0
    report = Report("segvol_prompts", "Prompts on one scan with SegVol, CPU, seconds", [])
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "segvol.safetensors"
        write_model(weights, options.quick)
        compare(report, weights, options)
    return report.finish()


def compare(report: Report, weights: Path, options: argparse.Namespace) -> None:
    quick = ["--quick"] if options.quick else []
    sides = {}
    for name, precision, reference in (("authors' way", "fp32", "yes"), ("fp32", "fp32", "no"), ("bf16", "bf16", "no")):
        more = ["--threads", options.threads, *quick]
        sides[name] = measure(__file__, "--side", weights, precision, reference, *more)
    report.columns = ["prompt", *(f"{name}: {one['backend']}" for name, one in sides.items())]
    for n, (name, _) in enumerate(asked(scan_of(options.quick))):
        report.row(name, *(one["seconds"][n] if n < len(one["seconds"]) else "" for one in sides.values()))
    report.row("peak memory, GiB", *(one["peak_bytes"] / 2**30 for one in sides.values()))
    for name in ("fp32", "bf16"):
        first, *later = sides[name]["seconds"]
        report.bar(f"later prompts faster than the first, {name}", first / max(later), TIMES_FASTER)
        report.bar(f"peak memory, {name}, bytes", sides[name]["peak_bytes"], MOST_BYTES, at_least=False)
        bar = 1e-3 if name == "fp32" else 0.5
        difference = logit_difference(weights, options.quick, name)
        report.bar(f"largest difference of a window's logits, {name}, of their spread", difference, bar, at_least=False)
    report.figures = dict(sides)


if __name__ == "__main__":
    sys.exit(main())
