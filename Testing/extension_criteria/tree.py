"""The files of the extension, as a clone of its repository would hold them."""

from __future__ import annotations

import ast
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

NAME = "VISTA3DSegment"
MODULE_FOLDER = NAME
MODULE_FILE = f"{NAME}/{NAME}.py"
LIBRARY = f"{NAME}Lib"
DESKTOP = f"{MODULE_FOLDER}/{LIBRARY}/desktop"
CATALOGUE_ENTRY = f"Resources/ExtensionsIndex/{NAME}.json"

BUILT = frozenset({".git", ".venv", "__pycache__", "build", "dist"})
"""Folders that a tree without git may hold and a clone does not."""


class UnreadableError(Exception):
    """A file that a criterion looks at is absent or not what its name says."""


@dataclass(frozen=True)
class Tree:
    """See the module.

    Args:
        root: folder of the repository.
    """

    root: Path
    _parsed: dict[str, ast.Module] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Every file that git knows or would take, sorted; paths below the root with forward slashes."""
        found = self._known_to_git() if self.has_git else self._walked()
        return tuple(sorted(path for path in found if (self.root / path).is_file()))

    @cached_property
    def has_git(self) -> bool:
        """Whether the root is a git work tree of its own; a copy of the files alone has none."""
        return (self.root / ".git").exists()

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.root, capture_output=True, encoding="utf-8", check=True)
        return done.stdout

    def below(self, folder: str, suffix: str = "") -> tuple[str, ...]:
        """The files below a folder whose names end so."""
        return tuple(path for path in self.files if path.startswith(f"{folder}/") and path.endswith(suffix))

    def has(self, path: str) -> bool:
        return (self.root / path).is_file()

    def content(self, path: str) -> bytes:
        """Raises UnreadableError where there is no such file."""
        if not self.has(path):
            raise UnreadableError(f"{path} is not there")
        return (self.root / path).read_bytes()

    def text(self, path: str) -> str:
        """Raises UnreadableError where there is no such file, or one that is not UTF-8."""
        try:
            return self.content(path).decode("utf-8")
        except UnicodeDecodeError as error:
            raise UnreadableError(f"{path} is not UTF-8 text ({error})") from error

    def parsed(self, path: str) -> ast.Module:
        """A Python file, read once; raises UnreadableError where it is absent or none."""
        if path not in self._parsed:
            try:
                self._parsed[path] = ast.parse(self.text(path), path)
            except SyntaxError as error:
                raise UnreadableError(f"{path} is not Python ({error})") from error
        return self._parsed[path]

    @property
    def cmake(self) -> str:
        return self.text("CMakeLists.txt")

    @property
    def readme(self) -> str:
        return self.text("README.md")

    @property
    def catalogue_entry(self) -> dict[str, Any]:
        try:
            entry = json.loads(self.text(CATALOGUE_ENTRY))
        except ValueError as error:
            raise UnreadableError(f"{CATALOGUE_ENTRY} is not JSON ({error})") from error
        if not isinstance(entry, dict):
            raise UnreadableError(f"{CATALOGUE_ENTRY} does not hold an object")
        return entry

    @property
    def module_files(self) -> tuple[str, ...]:
        """The scripted modules: the Python files that lie right in the module's folder."""
        return tuple(path for path in self.below(MODULE_FOLDER, ".py") if path.count("/") == 1)

    @property
    def face_files(self) -> tuple[str, ...]:
        """Where the desktop's widgets are made: all but the library, and the library's desktop folder."""
        library = (f"{MODULE_FOLDER}/{LIBRARY}/", f"{MODULE_FOLDER}/Resources/")
        return tuple(path for path in self.sources if path.startswith(f"{DESKTOP}/") or not path.startswith(library))

    @property
    def sources(self) -> tuple[str, ...]:
        """Every Python file that is installed."""
        return self.below(MODULE_FOLDER, ".py")

    def _known_to_git(self) -> set[str]:
        return set(self.git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")) - {""}

    def _walked(self) -> Iterator[str]:
        for path in self.root.rglob("*"):
            parts = path.relative_to(self.root).parts
            if BUILT.isdisjoint(parts) and not any(part.endswith(".egg-info") for part in parts):
                yield "/".join(parts)
