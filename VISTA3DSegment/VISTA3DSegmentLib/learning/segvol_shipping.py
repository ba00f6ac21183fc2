"""From a training checkpoint to the small SegVol that ships: averaged weights in half precision, and what it can name.

``python -m VISTA3DSegmentLib.learning.segvol_shipping CHECKPOINT OUT`` asks for every structure by text and by box on
phantoms that neither training nor the tests use, and lists in the model's header those that text finds well enough.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from ..edits import MaskCrop
from ..engine import Opened
from ..engines import open_engine
from ..engines.segvol.weights import TABLE
from ..engines.weight_files import save_model
from ..errors import ModelError
from ..evaluation.metrics import dice
from ..models.segvol_specification import SegVolSpecification
from ..prompts import Box, Prompts, Structure, Text
from ..volume import Volume
from .cases import HOUNSFIELD, SPACING_MM
from .phantom import coverage_of, make_phantom
from .segvol_starter import SHAPE, TEXTS
from .shipping import VALIDATION_SEEDS, VALIDATION_SPACING_MM, averaged

GOOD_ENOUGH = 0.75
SMALLEST_VOXELS = 400
SMALLEST_PIECE = 0.1
OVERLAP = 0.25


def segvol_starter_specification(texts: Sequence[str], version: str) -> SegVolSpecification:
    """What the small SegVol expects and answers."""
    return SegVolSpecification(
        name="segvol-starter",
        version=version,
        licence="Apache-2.0",
        modalities=("CT",),
        intensity=HOUNSFIELD,
        texts=tuple(texts),
        window=SHAPE.window,
        overlap=OVERLAP,
        spacing_mm=SPACING_MM,
        resizing="area",
        matching_axes=SHAPE.matching_axes,
        smallest_piece=SMALLEST_PIECE,
    )


def box_around(volume: Volume, mask: MaskCrop) -> Box:
    """The tight box around a mask: along R, A and S, through the faces of its outer voxels."""
    ends = zip(mask.start, mask.shape, strict=True)
    k, j, i = ((start - 0.5, start + count - 0.5) for start, count in ends)
    corners = np.array([volume.ras_of((x, y, z)) for x in i for y in j for z in k])
    low, high = corners.min(0), corners.max(0)
    return Box((float(low[0]), float(low[1]), float(low[2])), (float(high[0]), float(high[1]), float(high[2])))


def try_texts(
    opened: Opened, labels: np.ndarray, names: Sequence[str], classes: Mapping[str, tuple[int, ...]]
) -> dict[str, tuple[float, float]]:
    """Dice by text and by box of every structure that a labelled volume shows.

    Args:
        opened: an engine with the volume.
        labels: class ids, axes (k, j, i), of the volume's grid.
        names: what is asked for.
        classes: of which classes each consists.
    """
    scores = {}
    for name in names:
        truth = MaskCrop.of(np.isin(labels, classes[name]))
        if truth.mask.sum() < SMALLEST_VOXELS:
            continue
        asked: tuple[Prompts, ...] = ((Text(name),), (box_around(opened.volume, truth),))
        by_text, by_box = (dice(truth, opened.refine(Structure(name), prompts).onto(None)) for prompts in asked)
        scores[name] = by_text, by_box
    return scores


def ship(
    checkpoint: Path,
    out: Path,
    version: str,
    good_enough: float = GOOD_ENOUGH,
    seeds: Sequence[int] = VALIDATION_SEEDS,
) -> dict[str, tuple[float, float]]:
    """Write the model file with the texts that are good enough; returns the mean Dice by text and by box of all."""
    state = {name: value for name, value in averaged(checkpoint).items() if not name.startswith("naming.")}
    names = list(TEXTS)
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with TemporaryDirectory() as folder:
        trial = Path(folder) / "trial.safetensors"
        save_model(state, segvol_starter_specification(names, version), trial)
        engine = open_engine("segvol", trial, "cpu")
        for seed in seeds:
            phantom = make_phantom(seed, VALIDATION_SPACING_MM, coverage_of(seed))
            for name, both in try_texts(engine.open(phantom.volume), phantom.labels, names, TEXTS).items():
                found[name].append(both)
    means = {
        name: (float(np.mean([a for a, _ in both])), float(np.mean([b for _, b in both])))
        for name, both in found.items()
    }
    good = [name for name in names if name in means and means[name][0] >= good_enough]
    if not good:
        raise ModelError("The checkpoint finds nothing by text.", "Train it for longer.")
    rows = torch.tensor([names.index(name) for name in good])
    kept = state | {TABLE: state[TABLE][rows]}
    save_model(kept, segvol_starter_specification(good, version), out)
    return means


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--version", default="1")
    parser.add_argument("--good-enough", type=float, default=GOOD_ENOUGH, help="Dice by text from which it is listed")
    options = parser.parse_args(arguments)
    means = ship(options.checkpoint, options.out, options.version, options.good_enough)
    table = Table("structure", "by text", "by box", "listed", title=f"Validation phantoms {VALIDATION_SEEDS}")
    for name, (text, box) in sorted(means.items(), key=lambda item: -item[1][0]):
        table.add_row(name, f"{text:.3f}", f"{box:.3f}", "yes" if text >= options.good_enough else "")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
