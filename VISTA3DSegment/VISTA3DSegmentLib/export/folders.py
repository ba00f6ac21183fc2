"""Writing several files that belong together: all of them appear, or none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ResourceError
from ..files.atomic import partial_of
from .wording import listed


@contextmanager
def all_or_none(folder: Path) -> Iterator[Path]:
    """A folder on the same disk to write into; what it holds at the end is moved into the wanted one.

    Files of the same name are replaced, each in one step; others in the wanted folder stay. If anything fails before,
    nothing has changed.

    Args:
        folder: where the files go; made if it is not there, in a folder that is.

    Yields:
        The folder to write into.

    Raises:
        ResourceError: the place cannot be written to. Whatever is raised inside.
    """
    target = folder.resolve()
    place = target if target.is_dir() else target.parent
    staging = place / partial_of(target).name
    try:
        try:
            staging.mkdir()
        except OSError as error:
            raise _unwritable(folder, error) from error
        yield staging
        try:
            target.mkdir(exist_ok=True)
            for path in sorted(staging.iterdir()):
                path.replace(target / path.name)
        except OSError as error:
            raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def left_in(folder: Path, staging: Path) -> tuple[str, ...]:
    """A sentence on what else a folder holds, where all files were written anew: it may be of segments that are gone.

    Args:
        folder: where the files go; it need not be there.
        staging: what ``all_or_none`` yields for it, with all files.
    """
    new = {path.name for path in staging.iterdir()}
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    others = [name for name in there if name not in new and not name.startswith(".")]
    return (f"The folder {folder} holds other files, too, from before: {listed(others)}.",) if others else ()


def _unwritable(folder: Path, error: OSError) -> ResourceError:
    return ResourceError(
        f"The folder {folder} could not be written ({error.strerror or error}).",
        "Check that you may write there, and the free space.",
    )
