"""Compares the lists of VISTA3DSegment/CMakeLists.txt with the tree; --write puts them right."""

from __future__ import annotations

import argparse
from pathlib import Path

from extension_criteria.module_files import LISTS, differences, rewritten
from extension_criteria.tree import Tree


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0: the lists are the tree (or were made so); 1: they are not, and how."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="rewrite both lists in place")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1], help="of the repository")
    options = parser.parse_args(arguments)
    tree = Tree(options.root)
    found = differences(tree)
    print("\n".join(found) or f"{LISTS} lists the tree.")
    if not (found and options.write):
        return 1 if found else 0
    (tree.root / LISTS).write_text(rewritten(tree), encoding="utf-8", newline="\n")
    print(f"{LISTS} was written.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
