"""The findings of a check-up, as facts; every shell shows them in its own way."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path
from tempfile import gettempdir

from .. import __version__
from ..engines import describe_backend
from ..errors import SegmentationError
from ..models import store
from .machine import memory, place, processor, size_of, versions

DISTRIBUTIONS = {
    "torch": "", "monai": "", "numpy": "", "SimpleITK": "", "safetensors": "", "typer": "", "rich": "",
    "pydicom": "", "highdicom": "", "vtk": "Slicer has its own",
    "slicer-core": "for scenes of Slicer: pip install 'vista3dsegment[scene]'",
    "trame-slicer": "for the web page: pip install 'vista3dsegment[app]'",
    "openvino": "faster on processors: pip install 'vista3dsegment[cpu]'",
}  # fmt: skip
"""What is looked for, and what it is for if it may be missing."""
DEVICES = ("auto", "cpu", "cuda", "mps")
GIB = 1 << 30

Facts = list[tuple[str, str]]
DescribeBackend = Callable[[str], str]


def checkup(describe: DescribeBackend = describe_backend) -> dict[str, Facts]:
    """All there is to know, by section. It imports torch: in desktop Slicer it is called in a child process.

    Args:
        describe: what would run a model on a device, in words.
    """
    return {
        "Versions": _versions(),
        "Computer": _computer(),
        "What runs a model": [(device, _backend(describe, device)) for device in DEVICES],
        "Folders": _folders(),
        "Models": _models(),
    }


def report(sections: dict[str, Facts]) -> str:
    """The findings as plain text, to be copied into a question for help."""
    lines = []
    for title, facts in sections.items():
        width = max((len(name) for name, _ in facts), default=0)
        lines += [title, *(f"  {name:<{width}}  {value}".rstrip() for name, value in facts)]
    return "\n".join(lines)


def _versions() -> Facts:
    installed = versions(tuple(DISTRIBUTIONS))
    facts = [("vista3dsegment", __version__), ("Python", platform.python_version())]
    facts += [(name, number or "; ".join(filter(None, ("not installed", DISTRIBUTIONS[name]))))
              for name, number in installed.items()]  # fmt: skip
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


def _backend(describe: DescribeBackend, device: str) -> str:
    # A doctor must not fall ill: what is wrong with a device is its finding.
    try:
        return describe(device)
    except (SegmentationError, ImportError, OSError, RuntimeError) as error:
        return f"cannot be used: {error}"


def _folders() -> Facts:
    # Listing fails where it may not be read, finding the folder of temporary files where none can be written.
    home = store.home()
    try:
        folders = sorted(path for path in home.iterdir() if path.is_dir()) if home.is_dir() else []
        sizes = [(f"  {folder.name}", f"{size_of(folder) / 1e6:.1f} MB") for folder in folders]
    except OSError as error:
        sizes = [("", f"cannot be read: {error.strerror}")]
    try:
        temporary = _folder(Path(gettempdir()))
    except OSError as error:
        temporary = f"cannot be written: {error.strerror or error}"
    return [("models, work", _folder(home)), *sizes, ("temporary", temporary)]


def _folder(folder: Path) -> str:
    found = place(folder)
    writable = f"cannot be written: {found.problem}" if found.problem else "can be written"
    return f"{folder} ({_gib(found.free_bytes)} free, {writable})"


def _models() -> Facts:
    # One model that is broken must not hide the others, nor what is said above.
    try:
        here = [model for model in store.list_models() if model.path]
    except SegmentationError as error:
        return [("", str(error))]
    except OSError as error:
        return [("", f"cannot be read: {error.strerror or error}")]
    return [(model.name, _model(model)) for model in here] or [("none", "see: vista3dsegment models list")]


def _model(model: store.ListedModel) -> str:
    lacks = ", without its vocabulary" if model.file and model.file.lacks_vocabulary else ""
    return f"{model.path} ({model.system or 'of an unknown system'}{lacks})"


def tell_report(say: Callable[[str], None]) -> None:
    """The report as an errand."""
    say(report(checkup()))
