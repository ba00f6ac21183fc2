"""Too little memory: smaller batches, then the CPU, then a sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
import torch
from VISTA3DSegmentLib.engines.vista3d.runner import Runner, batch_for
from VISTA3DSegmentLib.errors import ResourceError

Tensor = torch.Tensor
GIB = 2**30


@dataclass
class SmallMemory:
    """A backend that holds so many windows at once; its features are the image plus one, those for clicks minus one."""

    holds: int
    error: Callable[[], Exception] = lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
    batches: list[int] = field(default_factory=list)
    description: str = "small"
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def encode(self, images: Tensor, classes: bool, clicks: bool) -> tuple[Tensor | None, Tensor | None]:
        """See ``Backend``."""
        self.batches.append(len(images))
        if len(images) > self.holds:
            raise self.error()
        return images + 1 if classes else None, images - 1 if clicks else None

    def class_vectors(self, ids: Sequence[int]) -> Tensor:
        """See ``Backend``."""
        raise NotImplementedError

    def click_logits(self, low: Tensor, points: Tensor, labels: Tensor, zero_shot: bool) -> Tensor:
        """See ``Backend``."""
        raise NotImplementedError


def image(n: int) -> Tensor:
    return torch.full((1, 2, 2, 2), float(n))


def answers(runner: Runner, count: int) -> list[tuple[int, float]]:
    return [
        (n, float(features.mean()))
        for n, features, _ in runner.encode(count, image, True, False)
        if features is not None
    ]


def test_windows_are_run_in_batches_and_answered_in_order() -> None:
    backend = SmallMemory(8)
    assert answers(Runner(backend, batch=3), 7) == [(n, n + 1.0) for n in range(7)]
    assert backend.batches == [3, 3, 1]


def test_only_what_is_asked_for_comes_back() -> None:
    (_, features, low) = next(Runner(SmallMemory(1)).encode(1, image, False, True))
    assert features is None
    assert low is not None
    assert low.shape == (1, 1, 2, 2, 2)


def test_a_batch_that_does_not_fit_is_halved_and_no_window_is_lost() -> None:
    backend = SmallMemory(2)
    runner = Runner(backend, batch=8)
    assert answers(runner, 5) == [(n, n + 1.0) for n in range(5)]
    assert backend.batches == [5, 4, 2, 2, 1]
    assert len(runner.notices) == 2
    assert "2 window" in runner.notices[-1]


def test_a_gpu_that_holds_not_one_window_hands_over_to_the_cpu() -> None:
    gpu, cpu = SmallMemory(0), SmallMemory(8)
    runner = Runner(gpu, batch=2, fallback=lambda: cpu)
    freed: list[int] = []
    runner.make_room = lambda: freed.append(runner.batch)
    assert answers(runner, 3) == [(n, n + 1.0) for n in range(3)]
    assert runner.backend is cpu
    assert "CPU" in runner.notices[-1]
    assert freed == [2, 1]
    assert cpu.batches == [1, 1, 1]


def test_without_anything_left_to_try_it_says_so() -> None:
    runner = Runner(SmallMemory(0), batch=2, fallback=lambda: SmallMemory(0))
    with pytest.raises(ResourceError, match=r"not enough memory.*smaller region"):
        answers(runner, 1)
    assert len(runner.notices) == 2


@pytest.mark.parametrize(
    "error",
    [
        lambda: MemoryError(),
        lambda: RuntimeError(
            "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried ..."
        ),
        lambda: RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        lambda: RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 99 bytes."),
    ],
    ids=["Python", "Linux", "MPS", "Windows"],
)
def test_every_way_to_say_that_memory_ran_out_is_understood(error: Callable[[], Exception]) -> None:
    backend = SmallMemory(1, error)
    assert len(answers(Runner(backend, batch=2), 2)) == 2


def test_other_failures_pass_through_unchanged() -> None:
    runner = Runner(SmallMemory(0, lambda: RuntimeError("mat1 and mat2 shapes cannot be multiplied")), batch=4)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        answers(runner, 4)
    assert runner.notices == []
    assert runner.batch == 4


def test_the_batch_fits_the_memory_and_is_never_none() -> None:
    window = (128, 128, 128)
    assert batch_for(0, window, 48) == 1
    assert batch_for(4 * GIB, window, 48) == 1
    assert 2 <= batch_for(12 * GIB, window, 48) <= 8
    assert batch_for(1000 * GIB, window, 48) == 8
