"""What a model needs, and what of it is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tomllib
from VISTA3DSegmentLib.doctor.requirements import Requirement, missing, requirements

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
NOT_FOR_MODELS = {"typer", "rich", "numpy", "SimpleITK", "vtk"}
"""Of the command line, or a part of Slicer."""


@pytest.mark.parametrize(
    ("version", "enough"),
    [
        ("2.10", True),
        ("2.10.0", True),
        ("2.13.0+cpu", True),
        ("10.0", True),
        ("2.9.1", False),
        ("2", False),
        (None, False),
    ],
)
def test_versions_are_compared_as_numbers(version: str | None, enough: bool) -> None:
    assert Requirement("torch", "2.10").is_met_by(version) is enough


def test_the_file_for_slicer_says_what_the_project_says() -> None:
    wanted = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]
    here = {re.split("[<>=]", line)[0]: line for line in wanted}
    assert {one.name: str(one) for one in requirements()} == {
        name: line for name, line in here.items() if name not in NOT_FOR_MODELS
    }


def test_torch_comes_first_since_monai_would_bring_one_of_its_own() -> None:
    assert requirements()[0].name == "torch"


def test_what_is_absent_or_too_old_is_missing() -> None:
    absent, old, here = Requirement("no-such-thing", "1"), Requirement("numpy", "99"), Requirement("numpy", "1.26")
    assert missing((absent, old, here)) == (absent, old)
    assert missing() == ()
