"""Finds what code reads (the table of classes, the starter model, the sample), wherever the package was installed."""

from __future__ import annotations

from pathlib import Path

from .errors import ResourceError

PACKAGE = Path(__file__).resolve().parent


def resource(relative: str) -> Path:
    """Where a file or folder of ``Resources`` lies.

    A wheel carries ``Resources`` inside the package. In the source tree, and in Slicer's folder of scripted modules, it
    lies beside the package, in Slicer together with other modules' resources. So the package's own is asked first.

    Args:
        relative: path below ``Resources`` with forward slashes, as ``"anatomy.csv"``.

    Raises:
        ResourceError: the installation lacks it.
    """
    places = (PACKAGE / "Resources", PACKAGE.parent / "Resources")
    for place in places:
        if (place / relative).exists():
            return place / relative
    searched = " and ".join(str(place) for place in places)
    raise ResourceError(
        f"The file {relative}, a part of VISTA3DSegment, was not found in {searched}.", "Install VISTA3DSegment again."
    )
