"""What the benchmarks score against: the masks of the shared data, each under the name of the structure that it is."""

from __future__ import annotations

import csv
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from shared_data import shared
from VISTA3DSegmentLib.anatomy import class_called, class_of
from VISTA3DSegmentLib.files.segmentations import read_segmentation

LIVER, SPLEEN = 1, 3
BENCHMARKS = Path(__file__).resolve().parents[1] / "Benchmarks"


def test_the_small_segvol_is_scored_against_the_organs_that_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    reference, mapping = shared("data/ct_dicom/seg.nii.gz"), shared("data/totalsegmentator_to_vista3d.csv")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    volume, labels = import_module("segvol_starter").real_ct()
    liver, spleen = (volume.ras_of(np.argwhere(labels == n).mean(0)[::-1]) for n in (LIVER, SPLEEN))
    assert liver[0] > 0 > spleen[0], "the liver is on the patient's right"

    with mapping.open() as file:
        names = {
            int(r["totalsegmentator_id"]): r["totalsegmentator_name"]
            for r in csv.DictReader(file)
            if r["task"] == "total"
        }
    segments = read_segmentation(reference, like=volume).segments
    assert len(segments) == 31
    for segment in segments:
        name = names[segment.class_id or 0]
        scored = labels[segment.mask.slices][segment.mask.mask]
        assert set(scored.tolist()) == {class_called(name)}, f"{name} counts as {class_of(int(scored[0])).name}"
