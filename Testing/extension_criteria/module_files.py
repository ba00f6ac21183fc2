"""The two lists of the module's CMakeLists.txt: what is not in them is not installed."""

from __future__ import annotations

import re

from .tree import MODULE_FILE, MODULE_FOLDER, Tree, UnreadableError

LISTS = f"{MODULE_FOLDER}/CMakeLists.txt"
SCRIPTS = "MODULE_PYTHON_SCRIPTS"
RESOURCES = "MODULE_PYTHON_RESOURCES"


def wanted(tree: Tree) -> dict[str, list[str]]:
    """What the lists must hold, sorted, below the module's folder: every script, and every other file as a resource.

    The scripted module itself is always wanted: an extension without it builds nothing.
    """
    found = {*tree.below(MODULE_FOLDER), MODULE_FILE} - {LISTS}
    below = sorted(path.removeprefix(f"{MODULE_FOLDER}/") for path in found)
    is_script = {path: path.endswith(".py") for path in below}
    return {
        SCRIPTS: [path for path in below if is_script[path]],
        RESOURCES: [path for path in below if not is_script[path]],
    }


def listed(tree: Tree) -> dict[str, list[str]]:
    """What the lists hold, in their order."""
    text = tree.text(LISTS)
    name = re.search(r"^set\(MODULE_NAME (\w+)\)$", text, re.MULTILINE)
    if not name:
        raise UnreadableError(f"{LISTS} does not set MODULE_NAME")
    return {variable: _block(text, variable)[1].replace("${MODULE_NAME}", name[1]).split() for variable in
            (SCRIPTS, RESOURCES)}  # fmt: skip


def differences(tree: Tree) -> list[str]:
    """One phrase for each file that a list lacks, has too much, twice, or where it breaks the order."""
    phrases = []
    for variable, right in wanted(tree).items():
        there = listed(tree)[variable]
        phrases += [f"{variable} lacks {path}" for path in right if path not in there]
        phrases += [f"{variable} lists {path}, which is not in the tree" for path in there if path not in right]
        phrases += [f"{variable} lists {path} twice" for path in sorted(set(there)) if there.count(path) > 1]
        if not phrases and there != right:
            phrases.append(f"{variable} is not sorted")
    return phrases


def rewritten(tree: Tree) -> str:
    """The text of the CMakeLists.txt with the lists as they must be."""
    text = tree.text(LISTS)
    for variable, right in wanted(tree).items():
        whole, _ = _block(text, variable)
        text = text.replace(whole, "\n".join([f"set({variable}", *(f"  {path}" for path in right), "  )"]))
    return text.replace(f"  {MODULE_FILE.partition('/')[2]}\n", "  ${MODULE_NAME}.py\n")


def _block(text: str, variable: str) -> tuple[str, str]:
    """The whole ``set(...)`` of a list, and what stands in it."""
    found = re.search(rf"^set\({variable}\s([^)]*)\)", text, re.MULTILINE)
    if not found:
        raise UnreadableError(f"{LISTS} does not set {variable}")
    return found[0], found[1]
