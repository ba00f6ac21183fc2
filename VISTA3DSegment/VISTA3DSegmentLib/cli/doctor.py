"""``doctor``: what this computer has, and what would run a model on it."""

from __future__ import annotations

import platform

import typer
from rich.table import Table

from .. import __version__
from ..errors import SegmentationError
from ..models import store
from .collaborators import Collaborators, collaborators_of
from .machine import memory, processor, size_of, versions

DISTRIBUTIONS = ("torch", "monai", "numpy", "SimpleITK", "safetensors", "typer", "rich", "openvino")
DEVICES = ("auto", "cpu", "cuda", "mps")
GIB = 1 << 30

Facts = list[tuple[str, str]]


def doctor(context: typer.Context) -> None:
    """Show versions, devices, processor features, memory, caches and models, to find out why it is slow or fails."""
    with_what = collaborators_of(context)
    sections = {
        "Versions": _versions(),
        "Computer": _computer(),
        "What runs a model": _backends(with_what),
        "Caches": _caches(),
        "Models": _models(),
    }
    for title, facts in sections.items():
        with_what.say(title)
        table = Table.grid(padding=(0, 2))
        for name, value in facts:
            table.add_row(f"  {name}", value)
        with_what.out.print(table)


def _versions() -> Facts:
    installed = versions(DISTRIBUTIONS)
    facts = [("vista3dsegment", __version__), ("Python", platform.python_version())]
    facts += [(name, number or "not installed") for name, number in installed.items()]
    if installed["openvino"] is None:
        facts[-1] = ("openvino", "not installed; faster on processors: pip install 'vista3dsegment[cpu]'")
    return facts


def _computer() -> Facts:
    chip, ram = processor(), memory()
    features = "unknown" if chip.features is None else ", ".join(chip.features) or "none of those that matter"
    return [
        ("system", f"{platform.system()} {platform.release()} ({platform.machine()})"),
        ("processor", f"{chip.name}, {chip.cores} cores"),
        ("features", features),
        ("memory", f"{_gib(ram.total_bytes)} in all, {_gib(ram.free_bytes)} free"),
    ]


def _gib(size_bytes: int | None) -> str:
    return "unknown" if size_bytes is None else f"{size_bytes / GIB:.1f} GiB"


def _backends(with_what: Collaborators) -> Facts:
    return [(device, _backend(with_what, device)) for device in DEVICES]


def _backend(with_what: Collaborators, device: str) -> str:
    # A doctor must not fall ill: what is wrong with a device is its finding.
    try:
        return with_what.describe_backend(device, "auto")
    except (SegmentationError, ImportError, OSError, RuntimeError) as error:
        return f"cannot be used: {error}"


def _caches() -> Facts:
    home = store.home()
    folders = sorted(path for path in home.iterdir() if path.is_dir()) if home.is_dir() else []
    sizes = [(folder.name, f"{size_of(folder) / 1e6:.1f} MB") for folder in folders]
    return [("folder", str(home) if folders else f"{home} (nothing yet)"), *sizes]


def _models() -> Facts:
    # One model that is broken must not hide the others, nor what is said above.
    try:
        here = [model for model in store.list_models() if model.path]
    except SegmentationError as error:
        return [("", str(error))]
    return [(model.name, f"{model.path}") for model in here] or [("none", "see: vista3dsegment models list")]
