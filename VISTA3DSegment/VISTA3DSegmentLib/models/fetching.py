"""A download as an errand: what ``store.download`` does, told in lines."""

from __future__ import annotations

from collections.abc import Callable

from . import store

STEP_BYTES = 1_000_000


def fetch(name: str, say: Callable[[str], None]) -> None:
    """Download a model whose licence the person has accepted; every megabyte is told as "done total" in bytes.

    Args:
        name: of the registry.
        say: told how far it is.

    Raises:
        ModelError, ResourceError: see ``store.download``.
    """
    told = -STEP_BYTES

    def tell(done: int, total: int | None) -> None:
        nonlocal told
        if done - told >= STEP_BYTES or done == total:
            told = done
            say(f"{done} {total or 0}")

    store.download(name, lambda _: True, tell)
