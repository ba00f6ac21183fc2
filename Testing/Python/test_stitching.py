"""From windows on the model's grid to the scan's voxels: how answers are blended and where borders fall."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch
from click_world import NEW, crop
from engine_builders import (
    AIR,
    click_at,
    cloudy_scan,
    engine_of,
    geometry,
    painted_scan,
    tiny_network,
    whole,
)
from VISTA3DSegmentLib.engines.grid import Region
from VISTA3DSegmentLib.engines.vista3d.backend import TorchBackend
from VISTA3DSegmentLib.engines.vista3d.interactive import stitch, union_of
from VISTA3DSegmentLib.volume import Volume


def test_where_windows_overlap_the_nearer_one_counts_more() -> None:
    windows = [Region((0, 0, 0), (8, 8, 8)), Region((4, 0, 0), (12, 8, 8))]
    union = union_of(windows, Region((0, 0, 0), (20, 20, 20)))
    chance = stitch(windows, union, lambda window: torch.full((8, 8, 8), 9.0 if window is windows[0] else -9.0))
    along = chance.values[:, 4, 4].numpy()
    assert union == Region((0, 0, 0), (12, 8, 8))
    assert (np.diff(along) <= 1e-6).all()
    assert along[4] > 0.5 > along[7]
    np.testing.assert_allclose(along[:4], torch.sigmoid(torch.tensor(9.0)), rtol=1e-5)


def test_what_no_window_sees_is_unknown_and_not_a_number_nowhere() -> None:
    windows = [Region((0, 0, 0), (4, 4, 4)), Region((6, 6, 6), (10, 10, 10))]
    chance = stitch(windows, Region((0, 0, 0), (10, 10, 10)), lambda _: torch.full((4, 4, 4), 9.0))
    assert torch.isfinite(chance.values).all()
    assert chance.known.sum() == 128
    assert not chance.values.numpy()[~chance.known].any()


def test_an_edit_never_reaches_beyond_what_a_window_saw() -> None:
    volume = cloudy_scan((60, 20, 20))
    opened = engine_of().open(volume)
    base = np.ones(volume.shape_kji, np.bool_)
    clicks = (click_at(volume, (4, 10, 10), False), click_at(volume, (56, 10, 10), False))
    result = whole(opened.refine(NEW, clicks, crop(base)), volume, base)
    assert (~result).any()
    assert result[22:38].all()


def test_a_fine_scan_gets_a_fine_border() -> None:
    k, j, i = np.meshgrid(*(np.arange(64),) * 3, indexing="ij")
    distance = np.sqrt((k - 31.3) ** 2 + (j - 32.1) ** 2 + (i - 30.7) ** 2) * 0.5
    truth = distance <= 5.0
    soft = np.clip((5.0 - distance) / 3.0 + 0.5, 0, 1)
    volume = Volume((soft * 1000 - 500).astype(np.float32), geometry(spacing_mm=(0.5, 0.5, 0.5)))
    edit = engine_of(Threshold()).open(volume).refine(NEW, (click_at(volume, (31, 32, 31)),))
    result = whole(edit, volume)
    assert 2 * (result & truth).sum() / (result.sum() + truth.sum()) > 0.97


@pytest.mark.parametrize("positive", [True, False])
def test_a_neighbour_one_grid_point_away_is_left_alone_to_the_last_voxel(positive: bool) -> None:
    # Three voxels to a grid point. Between the two lies one grid point, at which the network is nearly undecided.
    mine, gap, theirs = slice(3, 14), slice(14, 17), slice(17, 30)
    volume = painted_scan((36, 36, 36), [], spacing_mm=(0.5, 0.5, 0.5), ground=900 if not positive else AIR)
    arm = (slice(0, 3), slice(3, 30))  # of mine, past the other one
    for part, hounsfield in ((mine, 900), (gap, -50), (theirs, 900)):
        volume.array[6:30, 6:30, part] = hounsfield if positive else -hounsfield
    for rows, columns in ((slice(0, 6), mine), arm):
        volume.array[6:30, rows, columns] = 900 if positive else -900
    base = np.full(volume.shape_kji, not positive)
    click = click_at(volume, (18, 18, 9), positive)
    result = whole(engine_of(Threshold()).open(volume).refine(NEW, (click,), crop(base)), volume, base)
    assert (result != base)[18, 18, 4:13].all()
    assert (result != base)[18, 1, 16:28].all()
    assert not (result != base)[:, 6:, 16:].any()


class Threshold(TorchBackend):
    """A network that answers with what is brighter than 0 HU, as surely as it is bright."""

    def __init__(self) -> None:
        super().__init__(deepcopy(tiny_network()))

    def encode(
        self, images: torch.Tensor, classes: bool, clicks: bool
    ) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """See ``Backend``."""
        return None, images

    def click_logits(
        self, low: torch.Tensor, points: torch.Tensor, labels: torch.Tensor, zero_shot: bool
    ) -> torch.Tensor:
        """See ``Backend``: the specification's -1000..1000 HU are 0..1."""
        return (low[0, 0] - 0.5) * 8
