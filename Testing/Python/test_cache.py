"""The feature cache keeps what was used last, within its budget."""

from __future__ import annotations

from collections.abc import Callable

import torch
from VISTA3DSegmentLib.engines.cache import FeatureCache

KIB = 1024


def kib(n: int = 1, value: float = 0.0) -> torch.Tensor:
    return torch.full((n * KIB // 4,), value)


def never() -> torch.Tensor:
    raise AssertionError("computed again")


def made(calls: list[str], name: str) -> Callable[[], torch.Tensor]:
    def make() -> torch.Tensor:
        calls.append(name)
        return kib(value=len(calls))

    return make


def test_what_is_kept_is_not_computed_again() -> None:
    cache, calls = FeatureCache(4 * KIB), list[str]()
    first = cache.get("a", made(calls, "a"))
    assert cache.get("a", never) is first
    assert (calls, cache.hits, cache.misses) == (["a"], 1, 1)


def test_the_least_recently_used_goes_first() -> None:
    cache = FeatureCache(3 * KIB)
    for name in "abc":
        cache.put(name, kib())
    cache.get("a", never)
    cache.put("d", kib())
    assert [name for name in "abcd" if name in cache] == ["a", "c", "d"]


def test_the_budget_is_never_exceeded() -> None:
    cache = FeatureCache(10 * KIB)
    for n in range(40):
        cache.put(n, kib(1 + n % 4))
        assert cache.bytes <= 10 * KIB
        assert cache.bytes == sum(cache.get(k, never).numel() * 4 for k in range(n + 1) if k in cache)
    assert len(cache) >= 2


def test_something_larger_than_the_budget_is_handed_out_but_not_kept() -> None:
    cache = FeatureCache(2 * KIB)
    cache.put("small", kib())
    assert cache.get("large", lambda: kib(3)).numel() == 3 * KIB // 4
    assert "large" not in cache
    assert "small" in cache


def test_keeping_the_same_twice_counts_once() -> None:
    cache = FeatureCache(4 * KIB)
    cache.put("a", kib())
    cache.put("a", kib())
    assert (cache.bytes, len(cache)) == (KIB, 1)


def test_a_cleared_cache_is_empty_and_usable() -> None:
    cache = FeatureCache(2 * KIB)
    cache.put("a", kib())
    cache.clear()
    assert (cache.bytes, len(cache)) == (0, 0)
    cache.put("b", kib(2))
    assert "b" in cache
