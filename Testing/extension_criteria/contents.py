"""What lies in the repository: its size, its licence, no programs, names that every system takes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from . import module_files
from .criterion import Criterion
from .tree import MODULE_FILE, NAME, Tree
from .words import words

MB = 1 << 20
CLONE_AT_MOST_BYTES = 100 * MB

PROGRAM_SUFFIXES = words(
    ".exe .dll .so .dylib .pyd .pyc .o .a .lib .obj .com .msi .jar .class .whl .egg .deb .rpm .dmg .pkg .apk .wasm"
)
PROGRAM_BEGINNINGS = {
    b"\x7fELF": "ELF",
    b"MZ": "Windows",
    b"\xfe\xed\xfa\xce": "Mach-O",
    b"\xfe\xed\xfa\xcf": "Mach-O",
    b"\xce\xfa\xed\xfe": "Mach-O",
    b"\xcf\xfa\xed\xfe": "Mach-O",
    b"\xca\xfe\xba\xbe": "Mach-O or Java",
    b"!<arch>\n": "library",
    b"\x00asm": "WebAssembly",
}

REFUSED_BY_WINDOWS = re.compile(r'[<>:"\\|?*\x00-\x1f]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE)


def clone_bytes(tree: Tree) -> int:
    """How large a clone is: the files, and every object of git that this commit and its history need."""
    size = sum((tree.root / path).stat().st_size for path in tree.files)
    return size + int(tree.git("rev-list", "--disk-usage", "--objects", "HEAD")) if tree.has_git else size


def clone_is_small(tree: Tree) -> Iterator[str]:
    size = clone_bytes(tree)
    if size > CLONE_AT_MOST_BYTES:
        yield f"a clone has {size / MB:.0f} MB, more than {CLONE_AT_MOST_BYTES // MB}"


def licence_is_there(tree: Tree) -> Iterator[str]:
    text = tree.text("LICENSE")
    if "Apache License" not in text or "Version 2.0" not in text:
        yield "LICENSE is not the Apache License 2.0"


def tree_holds_no_programs(tree: Tree) -> Iterator[str]:
    for path in tree.files:
        with (tree.root / path).open("rb") as file:
            beginning = file.read(8)
        kinds = [kind for magic, kind in PROGRAM_BEGINNINGS.items() if beginning.startswith(magic)]
        if kinds or PurePosixPath(path).suffix.lower() in PROGRAM_SUFFIXES:
            yield f"{path} is a program ({kinds[0] if kinds else 'by its name'})"


def names_suit_every_system(tree: Tree) -> Iterator[str]:
    for path in tree.files:
        if any(REFUSED_BY_WINDOWS.search(part) for part in path.split("/")):
            yield f"Windows refuses the name {path}"
        if len(path) > 150:
            yield f"{path} has {len(path)} characters"
        if path.startswith(f"{NAME}/") and re.search(r"[\s;]", path):
            yield f"CMake splits the name {path}"
    counted = Counter(path.lower() for path in tree.files)
    yield from (
        f"{path} differs from another file by upper and lower case only" for path in counted if counted[path] > 1
    )


def module_lists_are_the_tree(tree: Tree) -> Iterator[str]:
    found = module_files.differences(tree)
    if found:
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        yield f"{', '.join(found[:3])}{more}: Testing/list_module_files.py --write"


def module_is_built_and_tested(tree: Tree) -> Iterator[str]:
    text = tree.text(module_files.LISTS)
    needed = {
        "slicerMacroBuildScriptedModule(": r"^slicerMacroBuildScriptedModule\(",
        "WITH_GENERIC_TESTS": r"^  WITH_GENERIC_TESTS$",
        "slicer_add_python_unittest(": r"^\s*slicer_add_python_unittest\(SCRIPT \$\{MODULE_NAME\}\.py\)",
    }
    yield from (
        f"{module_files.LISTS} lacks {what}" for what, p in needed.items() if not re.search(p, text, re.MULTILINE)
    )
    if not tree.has(MODULE_FILE):
        yield f"{MODULE_FILE} is not there"


CRITERIA = (
    Criterion(1, "a clone has at most 100 MB", clone_is_small),
    Criterion(1, "LICENSE is in the root", licence_is_there),
    Criterion(1, "the tree holds no programs", tree_holds_no_programs),
    Criterion(3, "file names suit Windows, macOS and CMake", names_suit_every_system),
    Criterion(3, "the module's CMakeLists.txt lists the tree", module_lists_are_the_tree),
    Criterion(3, "the module is built and tested by Slicer's macros", module_is_built_and_tested),
)
