"""Checks the extension against the criteria of Slicer's Extensions Index that its files can show; one line for each.

Exit status 1 if one fails. What only a person can look at is listed as such.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from extension_criteria import BY_HAND, CRITERIA
from extension_criteria.tree import Tree

SHOWN_AT_MOST = 4


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1], help="of the repository")
    tree = Tree(parser.parse_args(arguments).root)
    failed = 0
    for criterion in CRITERIA:
        faults = criterion.found_in(tree)
        failed += bool(faults)
        more = f"; and {len(faults) - SHOWN_AT_MOST} more" if len(faults) > SHOWN_AT_MOST else ""
        verdict = f"FAILS: {'; '.join(faults[:SHOWN_AT_MOST])}{more}" if faults else "ok"
        print(f"tier {criterion.tier}  {criterion.title}: {verdict}")
    for thing in BY_HAND:
        print(f"tier {thing.tier}  {thing.title}: by hand")
    print(f"{len(CRITERIA) - failed} of {len(CRITERIA)} criteria hold, {len(BY_HAND)} are looked at by hand.")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
