"""From a training checkpoint to the model file that ships: averaged weights in half precision, and what they can do.

``python -m VISTA3DSegmentLib.learning.shipping CHECKPOINT OUT`` tries every class on phantoms that neither training nor
the benchmark uses, and lists in the model's header those that it finds well enough; others it would only get wrong.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from safetensors.torch import load_file

from ..anatomy import class_of
from ..edits import MaskCrop
from ..engines import open_engine
from ..engines.weight_files import save_model
from ..evaluation.metrics import dice
from ..models.specification import ClickSupport, ModelSpecification
from .cases import HOUNSFIELD, SPACING_MM
from .phantom import coverage_of, make_phantom
from .starter import CLASSES, WINDOW

VALIDATION_SEEDS = (800_001, 800_002, 800_003, 800_004, 800_005, 800_006)
"""Neither training (1,000 to 1,999) nor the benchmark (from 900,000) draws them."""
VALIDATION_SPACING_MM = (2.0, 2.0, 2.5)
GOOD_ENOUGH = 0.85
SMALLEST_PIECE = 0.1
"""Specks of a small network are mistakes: without them the validation phantoms' mean Dice rises from 0.884 to 0.896."""
CLICK_SUPPORT = ClickSupport(reach=3.0, grey_values=4.0, automatic=1.0)
"""A small network is right near a click and guesses far from it; chosen on ``ct_abdomen_pelvis_3mm`` and phantoms."""
SMALLEST_VOXELS = 60


def starter_specification(classes: Sequence[int], version: str) -> ModelSpecification:
    """What the starter expects and answers."""
    return ModelSpecification(
        name="starter",
        version=version,
        licence="Apache-2.0",
        modalities=("CT",),
        intensity=HOUNSFIELD,
        classes=tuple(classes),
        spacing_mm=SPACING_MM,
        window=WINDOW,
        overlap=0.4,
        blending="gaussian",
        smallest_piece=SMALLEST_PIECE,
        click_support=CLICK_SUPPORT,
    )


def try_classes(model: Path, seeds: Sequence[int] = VALIDATION_SEEDS) -> dict[int, float]:
    """Mean Dice of every class of a model over the phantoms that show it; all classes compete for every voxel."""
    engine = open_engine(weights=model, device="cpu")
    scores: dict[int, list[float]] = defaultdict(list)
    for seed in seeds:
        phantom = make_phantom(seed, VALIDATION_SPACING_MM, coverage_of(seed))
        for class_id, edit in engine.open(phantom.volume).segment(sorted(CLASSES)):
            truth = MaskCrop.of(phantom.labels == class_id)
            if truth.mask.sum() >= SMALLEST_VOXELS:
                scores[class_id].append(dice(truth, edit.onto(None)))
    return {class_id: float(np.mean(found)) for class_id, found in sorted(scores.items())}


def averaged(checkpoint: Path) -> dict[str, torch.Tensor]:
    """The averaged weights of a training checkpoint, in half precision."""
    tensors, mark = load_file(checkpoint), "average."
    return {name.removeprefix(mark): value.half() for name, value in tensors.items() if name.startswith(mark)}


def ship(
    checkpoint: Path,
    out: Path,
    version: str,
    good_enough: float = GOOD_ENOUGH,
    seeds: Sequence[int] = VALIDATION_SEEDS,
) -> dict[int, float]:
    """Write the model file with the classes that are good enough; returns the validation Dice of all."""
    state = averaged(checkpoint)
    with TemporaryDirectory() as folder:
        trial = Path(folder) / "trial.safetensors"
        save_model(state, starter_specification(sorted(CLASSES), version), trial)
        scores = try_classes(trial, seeds)
    good = [class_id for class_id, score in scores.items() if score >= good_enough]
    save_model(state, starter_specification(good, version), out)
    return scores


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--version", default="1")
    parser.add_argument(
        "--good-enough", type=float, default=GOOD_ENOUGH, help="validation Dice from which a class is listed"
    )
    options = parser.parse_args(arguments)
    scores = ship(options.checkpoint, options.out, options.version, options.good_enough)
    table = Table("class", "Dice", "listed", title=f"Validation phantoms {VALIDATION_SEEDS}")
    for class_id, score in sorted(scores.items(), key=lambda item: -item[1]):
        table.add_row(
            f"{class_id} {class_of(class_id).name}", f"{score:.3f}", "yes" if score >= options.good_enough else ""
        )
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
