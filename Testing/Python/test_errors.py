"""Errors are made where they are raised: one that is kept keeps the frames that it came through, and scans in them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import VISTA3DSegmentLib
from VISTA3DSegmentLib import errors

PACKAGE = Path(VISTA3DSegmentLib.__file__).parent
NAMES = {name for name, found in vars(errors).items() if isinstance(found, type)}


def constants(body: Sequence[ast.stmt]) -> Iterator[ast.expr]:
    """The values that a module, and the classes in it, have from the beginning."""
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield from constants(statement.body)
        elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            yield statement.value


def errors_made(value: ast.expr) -> list[ast.Call]:
    calls = (part for part in ast.walk(value) if isinstance(part, ast.Call))
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in NAMES]


def test_no_module_keeps_an_error() -> None:
    kept = [
        f"{path.relative_to(PACKAGE)}:{call.lineno}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for value in constants(ast.parse(path.read_text(encoding="utf-8")).body)
        for call in errors_made(value)
    ]
    assert len(NAMES) > 5
    assert kept == []
