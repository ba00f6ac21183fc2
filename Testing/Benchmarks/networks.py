"""Networks and volumes that the benchmarks share: seeded weights, real scans."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from report import shared
from VISTA3DSegmentLib.anatomy import EVERYTHING, SECOND_PASS
from VISTA3DSegmentLib.engines.vista3d.network import FULL, NetworkShape, build_network
from VISTA3DSegmentLib.engines.weight_files import save_model
from VISTA3DSegmentLib.files.volumes import read_volume
from VISTA3DSegmentLib.models.registry import HOUNSFIELD
from VISTA3DSegmentLib.models.specification import ModelSpecification
from VISTA3DSegmentLib.volume import Volume

SMALL = NetworkShape(8, 8, (1, 1, 1), 256)


def model_file(folder: Path, quick: bool) -> Path:
    """Random weights from a fixed seed, in a file as a user's: the full network, or with ``quick`` a small one."""
    torch.manual_seed(0)
    path = folder / "random.safetensors"
    if not path.exists():
        network = build_network(SMALL if quick else FULL)
        save_model(network.state_dict(), specification(quick), path)
    return path


def specification(quick: bool) -> ModelSpecification:
    """As NVIDIA's CT model; with ``quick`` windows of 48 at 3 mm."""
    return ModelSpecification(
        name="random weights",
        version="0",
        licence="none",
        modalities=("CT",),
        intensity=HOUNSFIELD,
        classes=EVERYTHING + SECOND_PASS,
        spacing_mm=(3.0, 3.0, 3.0) if quick else (1.5, 1.5, 1.5),
        window=(48, 48, 48) if quick else (128, 128, 128),
    )


def scan(length: int, slices: int = 28, columns: int = 122) -> Volume:
    """A real CT (3 mm, 122 x 101), some slices and columns; longer by repeating, every other time upside down."""
    volume = read_volume(shared("data/ct_abdomen_pelvis_3mm/ct.nii.gz")).volume
    part = volume.array[40 : 40 + slices, :, :columns]
    return Volume(np.concatenate([part[:: (-1) ** n] for n in range(length)]), volume.ijk_to_ras)


def network_of(path: Path) -> Any:
    """The network of a model file, for the reference's side."""
    from VISTA3DSegmentLib.engines.vista3d.weights import load_model

    return load_model(path).network


def peak_gib() -> float:
    """Largest resident memory of this process so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
