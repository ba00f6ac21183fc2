"""Paths of little grey value change."""

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra
from VISTA3DSegmentLib.grey_paths import UNREACHED, path_costs


def test_path_costs_are_those_of_dijkstra() -> None:
    rng = np.random.default_rng(1)
    grey = rng.integers(0, 20, (5, 6, 7)).astype(np.float32)
    seeds = np.zeros(grey.shape, np.bool_)
    seeds[0, 0, 0] = seeds[4, 2, 6] = True
    index = np.arange(grey.size).reshape(grey.shape)
    edges = [
        (a.ravel(), b.ravel())
        for axis in range(3)
        for a, b in ((np.delete(index, -1, axis), np.delete(index, 0, axis)),)
    ]
    start, end = (np.concatenate(ends) for ends in zip(*edges, strict=True))
    # A step of no cost would be no edge for SciPy.
    weights = np.maximum(np.abs(grey.ravel()[start] - grey.ravel()[end]), 1e-9)
    graph = coo_matrix((weights, (start, end)), shape=(grey.size, grey.size))
    expected = dijkstra(graph, directed=False, indices=index[seeds], min_only=True).reshape(grey.shape)
    np.testing.assert_allclose(path_costs(grey, seeds), expected, atol=1e-4)


def test_without_a_seed_nothing_is_reached() -> None:
    assert (path_costs(np.zeros((2, 3, 4), np.float32), np.zeros((2, 3, 4), np.bool_)) == UNREACHED).all()


def test_sets_of_seeds_are_each_by_themselves() -> None:
    grey = np.random.default_rng(2).integers(0, 20, (4, 5, 6)).astype(np.float32)
    seeds = np.zeros((2, *grey.shape), np.bool_)
    seeds[0, 0, 0, 0] = seeds[1, 3, 4, 5] = True
    np.testing.assert_array_equal(path_costs(grey, seeds), [path_costs(grey, one) for one in seeds])


def test_few_rounds_never_find_cheaper_paths() -> None:
    grey = np.random.default_rng(3).integers(0, 20, (6, 7, 8)).astype(np.float32)
    seeds = np.zeros(grey.shape, np.bool_)
    seeds[2, 3, 4] = True
    assert (path_costs(grey, seeds, rounds=1) >= path_costs(grey, seeds)).all()
