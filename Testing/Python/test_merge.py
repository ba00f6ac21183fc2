"""What clicks change: the components of the difference that carry a click."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import monai_reference as reference
import numpy as np
import pytest
import torch
from monai.networks.nets.vista3d import VISTA3D
from monai.transforms.utils import keep_merge_components_with_points
from scipy.ndimage import gaussian_filter
from torch import nn
from VISTA3DSegmentLib.edits import BoolArray
from VISTA3DSegmentLib.engines.components import Index3, components_with
from VISTA3DSegmentLib.engines.merge import merge

SHAPE = (14, 12, 16)
Box = tuple[slice, slice, slice]
LEFT: Box = (slice(2, 5), slice(2, 6), slice(2, 6))
RIGHT: Box = (slice(8, 12), slice(2, 6), slice(9, 13))


def of(*boxes: Box) -> BoolArray:
    mask = np.zeros(SHAPE, np.bool_)
    for box in boxes:
        mask[box] = True
    return mask


def after(base: BoolArray, answer: BoolArray, *clicks: tuple[Index3, bool]) -> BoolArray:
    change = merge(base, answer, clicks)
    assert not (change.added & base).any()
    assert not (change.removed & ~base).any()
    return (base | change.added) & ~change.removed


def test_a_positive_click_adds_its_component_and_no_other() -> None:
    np.testing.assert_array_equal(after(of(), of(LEFT, RIGHT), ((3, 3, 3), True)), of(LEFT))


def test_a_negative_click_removes_its_component_and_no_other() -> None:
    np.testing.assert_array_equal(after(of(LEFT, RIGHT), of(), ((9, 3, 10), False)), of(LEFT))


def test_a_negative_click_cannot_remove_what_the_answer_keeps() -> None:
    change = merge(of(LEFT), of(LEFT), [((3, 3, 3), False)])
    assert not change.removed.any()
    assert change.idle == (0,)


def test_a_click_beside_the_object_leaves_the_objects_own_voxels_alone() -> None:
    # The answer overlaps the object, but the click is outside: only what is new joins.
    wider: Box = (slice(2, 9), slice(2, 6), slice(2, 6))
    np.testing.assert_array_equal(after(of(LEFT), of(wider), ((7, 3, 3), True)), of(LEFT, wider))


def test_several_clicks_act_together() -> None:
    extra: Box = (slice(0, 2), slice(9, 12), slice(13, 16))
    result = after(of(LEFT), of(RIGHT, extra), ((3, 3, 3), False), ((9, 4, 10), True), ((1, 10, 14), True))
    np.testing.assert_array_equal(result, of(RIGHT, extra))


def test_voxels_that_touch_at_a_corner_are_one_component() -> None:
    diagonal = of((slice(2, 4), slice(2, 4), slice(2, 4)), (slice(4, 6), slice(4, 6), slice(4, 6)))
    np.testing.assert_array_equal(after(of(), diagonal, ((2, 2, 2), True)), diagonal)


@pytest.mark.parametrize("click", list(product((0, 13), (0, 11), (0, 15))))
def test_a_click_in_any_corner_of_the_region_counts(click: Index3) -> None:
    corner = np.zeros(SHAPE, np.bool_)
    corner[click] = True
    np.testing.assert_array_equal(after(of(), corner, (click, True)), corner)
    np.testing.assert_array_equal(after(of(), np.ones(SHAPE, np.bool_), (click, True)), np.ones(SHAPE, np.bool_))
    np.testing.assert_array_equal(after(np.ones(SHAPE, np.bool_), of(), (click, False)), of())


def test_a_click_two_voxels_beside_a_component_means_it_and_three_voxels_do_not() -> None:
    np.testing.assert_array_equal(after(of(), of(LEFT), ((6, 3, 3), True)), of(LEFT))
    change = merge(of(), of(LEFT), [((7, 3, 3), True)])
    assert not change.added.any()
    assert change.idle == (0,)


def test_between_two_components_the_nearest_is_meant() -> None:
    near, far = (slice(5, 6), slice(5, 6), slice(4, 5)), (slice(5, 6), slice(5, 6), slice(7, 9))
    for click, expected in (((5, 5, 5), near), ((5, 5, 6), far)):
        np.testing.assert_array_equal(after(of(), of(near, far), (click, True)), of(expected))


def test_a_negative_click_that_the_network_obeyed_is_not_called_idle() -> None:
    # Its work is done inside the answer: nothing is left there to remove.
    change = merge(of(), of(LEFT), [((3, 3, 3), True), ((9, 3, 10), False)])
    assert change.idle == ()


def test_idle_clicks_are_named_by_their_place_among_all_clicks() -> None:
    change = merge(of(LEFT), of(LEFT), [((12, 10, 1), True), ((3, 3, 3), True), ((3, 3, 3), False)])
    assert change.idle == (0, 2)


def test_components_with_keeps_what_holds_the_voxels() -> None:
    np.testing.assert_array_equal(components_with(of(LEFT, RIGHT), [(9, 3, 10)]), of(RIGHT))
    assert not components_with(of(LEFT, RIGHT), []).any()


def algorithm_1(
    monkeypatch: pytest.MonkeyPatch, base: BoolArray, answer: BoolArray, clicks: Sequence[tuple[Index3, bool]]
) -> BoolArray:
    """MONAI's own merge of one object, with scikit-image's labelling by SciPy."""
    reference.with_scikit_image(monkeypatch)
    monkeypatch.setattr("monai.networks.nets.vista3d.lcc", keep_merge_components_with_points)
    merged = VISTA3D(nn.Identity(), nn.Identity(), nn.Identity()).connected_components_combine(
        torch.where(torch.from_numpy(base), 3.0, -3.0)[None, None],
        torch.where(torch.from_numpy(answer), 3.0, -3.0)[None, None],
        torch.tensor([[at for at, _ in clicks]]),
        torch.tensor([[int(positive) for _, positive in clicks]]),
        torch.tensor([True]),
    )
    return np.asarray(merged[0, 0].numpy() > 0)


@pytest.mark.parametrize("seed", range(12))
def test_clicks_on_components_change_what_the_papers_algorithm_1_changes(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    random = np.random.default_rng(seed)
    base, answer = (gaussian_filter(random.standard_normal(SHAPE), 1.5) > 0.03 for _ in range(2))
    # Clicks that lie in a component, where the reference does not have to guess which one is meant.
    added, removed = np.argwhere(answer), np.argwhere(base & ~answer)
    clicks: list[tuple[Index3, bool]] = []
    for candidates, positive in ((added, True), (removed, False), (added, True)):
        k, j, i = (int(n) for n in random.choice(candidates))
        clicks.append(((k, j, i), positive))
    if seed % 2:  # only clicks beside the object
        clicks = [(at, positive) for at, positive in clicks if positive and not base[at]]
        if not clicks:
            k, j, i = (int(n) for n in np.argwhere(answer & ~base)[0])
            clicks = [((k, j, i), True)]
    expected = algorithm_1(monkeypatch, base, answer, clicks)
    assert (expected != base).any()
    np.testing.assert_array_equal(after(base, answer, *clicks), expected)


# How far a click reaches

ORGAN: Box = (slice(1, 13), slice(1, 11), slice(1, 8))
BESIDE: Box = (slice(1, 13), slice(1, 11), slice(8, 16))


def test_a_click_deep_in_an_error_changes_all_of_it() -> None:
    change = merge(of(ORGAN, BESIDE), of(ORGAN), [((7, 6, 12), False)], reach=3.0)
    np.testing.assert_array_equal(change.removed, of(BESIDE))
    change = merge(of(ORGAN), of(ORGAN, BESIDE), [((7, 6, 12), True)], reach=3.0)
    np.testing.assert_array_equal(change.added, of(BESIDE))


def test_a_click_on_a_thin_error_changes_its_neighbourhood_only() -> None:
    rim: Box = (slice(1, 13), slice(1, 11), slice(7, 8))
    for at in ((2, 2, 7), (7, 6, 7)):
        change = merge(of(ORGAN), of(ORGAN) & ~of(rim), [(at, False)], reach=2.0)
        places = np.argwhere(change.removed)
        assert change.removed[at]
        assert not (change.removed & ~of(rim)).any()
        assert np.linalg.norm(places - at, axis=1).max() <= 3
        assert len(places) > 5
    assert merge(of(ORGAN), of(ORGAN) & ~of(rim), [((2, 2, 7), False)]).removed.sum() == 120


def test_what_is_near_but_reached_only_by_a_detour_stays() -> None:
    # A horseshoe: its other arm is two points away, its bend is out of reach.
    horseshoe = of((slice(2, 3), slice(1, 11), slice(2, 3)), (slice(4, 5), slice(1, 11), slice(2, 3)))
    horseshoe[2:5, 10, 2] = True
    change = merge(of(RIGHT) | horseshoe, of(RIGHT), [((2, 1, 2), False)], reach=1.0)
    np.testing.assert_array_equal(np.argwhere(change.removed), [(2, j, 2) for j in range(1, 5)])


def test_a_new_structure_is_whole_however_far_it_goes() -> None:
    thin: Box = (slice(0, 14), slice(3, 4), slice(3, 4))
    np.testing.assert_array_equal(merge(of(), of(thin), [((0, 3, 3), True)], reach=1.0).added, of(thin))
