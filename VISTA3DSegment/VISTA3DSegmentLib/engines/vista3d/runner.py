"""Runs windows on a backend: as many at once as fit, fewer when memory runs out, on the CPU when nothing is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch

from ...errors import ResourceError
from .backend import Backend

Tensor = torch.Tensor
Answer = TypeVar("Answer")

REMEDY = "Close other programs, choose a smaller region, or use a machine with more memory."


class Runner:
    """A backend that survives a lack of memory. What it did about it is said in ``notices``.

    Args:
        backend: where to run.
        batch: windows at once to begin with.
        fallback: makes the CPU's backend, for when a GPU cannot hold even one window; None: there is nothing to fall
            back to.
    """

    def __init__(self, backend: Backend, batch: int = 1, fallback: Callable[[], Backend] | None = None) -> None:
        self.backend = backend
        self.batch = batch
        self.notices: list[str] = []
        self.make_room: Callable[[], None] = lambda: None
        """Called when memory runs out, before the next try."""
        self._fallback = fallback

    def encode(
        self, count: int, read: Callable[[int], Tensor], classes: bool, clicks: bool
    ) -> Iterator[tuple[int, Tensor | None, Tensor | None]]:
        """Encode windows one after the other.

        Args:
            count: how many.
            read: gives the n-th window's image (1, X, Y, Z).
            classes: see ``Backend.encode``.
            clicks: see ``Backend.encode``.

        Yields:
            (n, class features (C, X, Y, Z) or None, click features (1, C, x, y, z) or None).

        Raises:
            ResourceError: not even one window fits into memory.
        """
        start = 0
        while start < count:
            stop = min(count, start + self.batch)
            images = torch.stack([read(n) for n in range(start, stop)])
            answer = self.attempt(lambda images=images: self.backend.encode(images, classes, clicks))  # type: ignore[misc]
            if answer is None:
                continue
            features, low = answer
            for n in range(stop - start):
                yield start + n, None if features is None else features[n], None if low is None else low[n : n + 1]
            start = stop

    def attempt(self, run: Callable[[], Answer]) -> Answer | None:
        """Run something on the backend; None if it did not fit and should be tried again in a smaller way."""
        try:
            return run()
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
            self._retreat(error)
            return None

    def _retreat(self, error: BaseException) -> None:
        self.make_room()
        if self.batch > 1:
            self.batch //= 2
            self.notices.append(f"Memory ran out; going on with {self.batch} window(s) at a time.")
        elif self._fallback is not None:
            self.backend, self._fallback = self._fallback(), None
            self.notices.append("The GPU's memory does not hold one window; going on with the CPU, which is slower.")
        else:
            raise ResourceError("There is not enough memory for one window of the network.", REMEDY) from error


OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "bad_alloc", "bad allocation")
"""What PyTorch and OpenVINO say when memory runs out; they have no error type of their own for it on CPUs."""


def _out_of_memory(error: BaseException) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return any(words in text for words in OUT_OF_MEMORY)


def batch_for(free_bytes: int, window: Sequence[int], feature_size: int) -> int:
    """Windows at once for so much free GPU memory.

    A window needs about twelve times its features: skips, two decoders' levels and the class head's residual
    blocks, in half precision.
    """
    voxels = window[0] * window[1] * window[2]
    return max(1, min(8, int(0.8 * free_bytes) // (12 * feature_size * voxels * 2)))
