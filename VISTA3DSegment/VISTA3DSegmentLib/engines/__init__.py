"""The engines: what turns prompts into masks. torch and MONAI are imported when one is opened, not before."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from ..engine import Engine
from ..errors import ModelError

Device: TypeAlias = str
"""``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``."""
Precision: TypeAlias = Literal["auto", "fp32", "bf16", "fp16"]


DEFAULT_WEIGHTS = {"vista3d": "starter", "segvol": "segvol-starter"}
"""The models that come with the package, by system."""


def open_engine(
    name: str = "vista3d",
    weights: str | Path | None = None,
    device: Device = "auto",
    precision: Precision = "auto",
    **options: Any,
) -> Engine:
    """Load a model and make it ready to open volumes.

    Args:
        name: the system, "vista3d" or "segvol".
        weights: a name of ``models`` or the path of a file; None: the small model that comes with the package.
        device: where to run; "auto" takes the best that is there.
        precision: "auto" takes half precision where the processor computes with it.
        options: see ``engines.vista3d.engine.Options`` and ``engines.segvol.engine.Options``.

    Raises:
        ModelError: no such system, weights that are missing or damaged, a device that is not there.
    """
    if name not in DEFAULT_WEIGHTS:
        raise ModelError(f"There is no engine called {name}.", f"Use {' or '.join(DEFAULT_WEIGHTS)}.")
    if name == "segvol":
        from .segvol.opening import open_segvol

        return open_segvol(weights or DEFAULT_WEIGHTS[name], device, precision, **options)
    from .vista3d.opening import open_vista3d

    return open_vista3d(weights or DEFAULT_WEIGHTS[name], device, precision, **options)


def open_together(
    weights: str | Path = DEFAULT_WEIGHTS["vista3d"],
    segvol: str | Path = DEFAULT_WEIGHTS["segvol"],
    device: Device = "auto",
    precision: Precision = "auto",
    **options: Any,
) -> Engine:
    """VISTA3D for classes and clicks, and SegVol, which is loaded when it is first asked, for texts and boxes.

    Args:
        weights: VISTA3D's, a name of ``models`` or a path.
        segvol: SegVol's, likewise.
        device: see ``open_engine``.
        precision: likewise.
        options: of VISTA3D.

    Raises:
        ModelError: see ``open_engine``; for SegVol when it is first asked, so that VISTA3D goes on without it.
    """
    from .together import Together

    first = open_engine("vista3d", weights, device, precision, **options)
    try:
        texts = texts_of(segvol)
    except ModelError:  # said when SegVol is asked
        texts = ()
    return Together(first, {"segvol": partial(open_engine, "segvol", segvol, device, precision)}, texts)


def texts_of(segvol: str | Path) -> tuple[str, ...]:
    """What can be named to a SegVol model, without loading it: from its header, or the published list.

    Raises:
        ModelError: there is no such model, its file is damaged, or it is one of VISTA3D.
    """
    from ..models import store
    from ..models.registry import SEGVOL_SPECIFICATION

    return (store.find(segvol).for_segvol() or SEGVOL_SPECIFICATION).texts


def describe_backend(device: Device = "auto", precision: Precision = "auto") -> str:
    """What ``open_engine`` would run on, in words: library, device, precision."""
    from .choice import choose

    return str(choose(device, precision))
