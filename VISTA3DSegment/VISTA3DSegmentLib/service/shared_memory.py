"""Room that this process and a child share, filled piece by piece so that nobody is held up."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing.shared_memory import SharedMemory

import numpy as np

from ..errors import ResourceError


def room_for(size: int) -> SharedMemory:
    """Room of so many bytes.

    Raises:
        ResourceError: there is not so much.
    """
    try:
        return SharedMemory(create=True, size=size)
    except OSError as error:
        raise ResourceError(
            f"There is no room for the scan in shared memory ({size / 2**20:.0f} MB).",
            "Free memory, or enlarge /dev/shm.",
        ) from error


def bytes_of(memory: SharedMemory) -> memoryview:
    """What it holds; for as long as it is not closed."""
    assert memory.buf is not None
    return memory.buf


def copied(array: np.ndarray, memory: SharedMemory, offset: int = 0) -> Iterator[None]:
    """Copies a volume plane by plane: the whole of it would hold the caller for a quarter of a second."""
    shared = np.ndarray(array.shape, array.dtype, memory.buf, offset)
    for plane, source in zip(shared, array, strict=True):
        plane[...] = source
        yield
