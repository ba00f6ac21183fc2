"""The classical methods that a network must beat: honest ones, which do what they are known to do."""

from __future__ import annotations

import numpy as np
import pytest
from builders import box_mask
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.errors import PromptError
from VISTA3DSegmentLib.evaluation import classical
from VISTA3DSegmentLib.evaluation.classical import GrowCut, RegionGrower
from VISTA3DSegmentLib.evaluation.clicks import click_session
from VISTA3DSegmentLib.evaluation.metrics import dice
from VISTA3DSegmentLib.evaluation.working_grid import WorkingGrid
from VISTA3DSegmentLib.prompts import Click, Structure
from VISTA3DSegmentLib.volume import Volume

SHAPE = (24, 56, 56)
SPACING_MM = (1.5, 1.5, 3.0)
ORGAN = Structure("organ")


def ellipsoid(centre_kji: tuple[int, int, int], radii_kji: tuple[int, int, int]) -> MaskCrop:
    distance = sum(((axis - c) / r) ** 2 for axis, c, r in zip(np.indices(SHAPE), centre_kji, radii_kji, strict=True))
    return MaskCrop.of(np.asarray(distance <= 1))


KIDNEY, SPLEEN = ellipsoid((12, 28, 18), (7, 12, 10)), ellipsoid((12, 28, 34), (7, 12, 10))


@pytest.fixture(scope="module")
def grid() -> WorkingGrid:
    """Two organs of the same grey value that touch, in fat, with noise."""
    image = np.full(SHAPE, -100.0)
    for organ in (KIDNEY, SPLEEN):
        image[organ.slices][organ.mask] = 60
    image += np.random.default_rng(3).normal(0, 15, SHAPE)
    image[:, :4] = -1000
    return WorkingGrid(Volume(image.astype(np.int16), np.diag((*SPACING_MM, 1.0))))


def leaked(result: MaskCrop) -> int:
    """Voxels of the other organ."""
    return int((result.full(SHAPE) & SPLEEN.full(SHAPE) & ~KIDNEY.full(SHAPE)).sum())


def click(grid: WorkingGrid, kji: tuple[int, int, int], positive: bool = True) -> Click:
    k, j, i = kji
    r, a, s = grid.volume.ras_of((i, j, k))
    return Click((float(r), float(a), float(s)), positive)


@pytest.mark.parametrize("method", [RegionGrower, GrowCut])
def test_one_click_finds_an_organ_that_stands_alone(method: type[RegionGrower | GrowCut]) -> None:
    image = np.random.default_rng(4).normal(-100, 15, SHAPE)
    image[KIDNEY.slices][KIDNEY.mask] += 160
    alone = WorkingGrid(Volume(image, np.diag((*SPACING_MM, 1.0))))
    edit = method(alone).refine(ORGAN, (click(alone, (12, 28, 18)),))
    assert dice(edit.onto(None), KIDNEY) > 0.88
    assert edit.added == edit.mask.sum()


@pytest.mark.parametrize("method", [RegionGrower, GrowCut])
def test_a_negative_click_takes_its_surroundings_away(grid: WorkingGrid, method: type[RegionGrower | GrowCut]) -> None:
    one, other = (12, 28, 18), (12, 37, 18)
    before = method(grid).refine(ORGAN, (click(grid, one),)).onto(None).full(SHAPE)
    clicks = (click(grid, one), click(grid, other, positive=False))
    after = method(grid).refine(ORGAN, clicks).onto(None).full(SHAPE)
    assert before[one]
    assert before[other]
    assert after[one]
    assert not after[other]


def test_a_region_that_ran_into_the_neighbour_is_called_back(grid: WorkingGrid) -> None:
    one, negative = click(grid, (12, 28, 18)), click(grid, (12, 28, 37), positive=False)
    before, after = (RegionGrower(grid).refine(ORGAN, clicks).onto(None) for clicks in ((one,), (one, negative)))
    assert leaked(before) > 100
    assert leaked(after) < 20


def test_a_region_that_cannot_be_narrowed_enough_is_given_up(
    grid: WorkingGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classical, "MULTIPLIERS", (3.0,))
    one, negative = click(grid, (12, 28, 18)), click(grid, (12, 36, 18), positive=False)
    before, after = (RegionGrower(grid).refine(ORGAN, clicks).added for clicks in ((one,), (one, negative)))
    assert before > 1000
    assert 0 < after < 100


def test_grow_cut_gets_better_as_the_simulated_user_clicks(grid: WorkingGrid) -> None:
    both = MaskCrop.of(KIDNEY.full(SHAPE) | SPLEEN.full(SHAPE))
    curve = click_session(GrowCut(grid), ORGAN, both, (1, 4))
    assert curve.scores[4].dice > max(0.9, curve.scores[1].dice)


@pytest.mark.parametrize("method", [RegionGrower, GrowCut])
def test_the_same_clicks_give_the_same_mask(grid: WorkingGrid, method: type[RegionGrower | GrowCut]) -> None:
    prompts = (click(grid, (12, 28, 18)), click(grid, (12, 28, 40), positive=False))
    used = method(grid)
    used.refine(ORGAN, prompts[:1])
    np.testing.assert_array_equal(
        used.refine(ORGAN, prompts).onto(None).full(SHAPE), method(grid).refine(ORGAN, prompts).onto(None).full(SHAPE)
    )


@pytest.mark.parametrize("method", [RegionGrower, GrowCut])
def test_what_they_cannot_do_is_refused(grid: WorkingGrid, method: type[RegionGrower | GrowCut]) -> None:
    with pytest.raises(PromptError, match="no positive click"):
        method(grid).refine(ORGAN, (click(grid, (12, 28, 18), positive=False),))
    with pytest.raises(PromptError, match="cannot mend a mask"):
        method(grid).refine(ORGAN, (click(grid, (12, 28, 18)),), KIDNEY)


def test_a_mask_of_the_working_grid_lies_where_it_was_on_the_scan(grid: WorkingGrid) -> None:
    site = grid.site([click(grid, (12, 28, 28))], 15.0)
    assert site.spacing_kji_mm == (3.0, 2.0, 2.0)
    assert site.start == (7, 13, 13)
    coarse = np.zeros(site.grey.shape, np.bool_)
    coarse[:9, :12, :12] = True
    # From half a coarse voxel before the first one to half a coarse voxel after the last one, 4/3 voxels each.
    assert dice(grid.on_scan(site, coarse), box_mask(SHAPE, (7, 17, 17), (16, 33, 33))) > 0.99
