"""Python packages: what would be installed is noted, and nothing is. ``slicer.packaging`` of 5.12 and later."""

from __future__ import annotations

import importlib.metadata
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from . import messages

calls: list[tuple[str, Any, dict[str, Any]]] = []
"""What was asked to be installed or removed: function, requirements, options."""

missing: set[str] = set()
"""Packages that count as not installed, by their canonical name."""

installs_succeed = True
"""Whether what is asked for counts as installed afterwards."""


def recorded(name: str) -> Callable[..., Any]:
    """Return a function that only notes that it was called."""

    def call(requirements: Any, *arguments: Any, **options: Any) -> None:
        calls.append((name, requirements, options))
        if name == "pip_install" and installs_succeed:
            for text in [requirements] if isinstance(requirements, str) else requirements:
                for word in str(text).split():
                    missing.discard(canonicalize_name(word.split(">")[0].split("=")[0].split("<")[0].split("[")[0]))
        elif name == "pip_install":
            raise RuntimeError(f"pip could not install {requirements} (the test wants it so)")
        callback = options.get("completedCallback")
        if callback is not None:
            callback(0)

    call.__name__ = name
    return call


def pip_check(requirement: str | Requirement | list[str | Requirement]) -> bool:
    """Tell whether requirements are met."""
    if isinstance(requirement, list):
        return all(pip_check(each) for each in requirement)
    wanted = requirement if isinstance(requirement, Requirement) else Requirement(requirement)
    if wanted.marker is not None and not wanted.marker.evaluate():
        return True
    if canonicalize_name(wanted.name) in missing:
        return False
    try:
        return wanted.specifier.contains(importlib.metadata.version(wanted.name), prereleases=True)
    except importlib.metadata.PackageNotFoundError:
        return False


def load_requirements(path: str | Path) -> list[Requirement]:
    """Read a requirements file."""
    lines = (line.split("#")[0].strip() for line in Path(path).read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def pip_ensure(
    requirements: Any,
    constraints: Any = None,
    skip_packages: list[str] | None = None,
    prompt_install: bool = True,
    prompt_restart: bool = True,
    requester: str | None = None,
    skip_in_testing: bool = True,
    show_progress: bool = True,
) -> list[str] | None:
    """Install what is missing, after asking."""
    listed = requirements if isinstance(requirements, list) else [requirements]
    lacking = [str(r) for r in listed if not pip_check(r)]
    if not lacking or (skip_in_testing and messages.testing):
        return None
    if prompt_install and not messages.ask(
        "question", f"{requester or 'A module'} needs: {', '.join(lacking)}", otherwise=True
    ):
        raise RuntimeError("User declined package installation")
    recorded("pip_install")(lacking, constraints=constraints, skip_packages=skip_packages, requester=requester)
    return None if skip_packages is None else []


def packaging_module() -> types.ModuleType:
    """Return what ``slicer.packaging`` is."""
    module = types.ModuleType("slicer.packaging", "Python packages in Slicer 5.12 and later.")
    for name, value in {
        "pip_install": recorded("pip_install"),
        "pip_uninstall": recorded("pip_uninstall"),
        "pip_check": pip_check,
        "pip_ensure": pip_ensure,
        "load_requirements": load_requirements,
        "isPipInstallInProgress": lambda: False,
        "Requirement": Requirement,
        "InvalidRequirement": InvalidRequirement,
        "canonicalize_name": canonicalize_name,
    }.items():
        setattr(module, name, value)
    return module
