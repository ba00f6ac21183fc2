"""Where code finds its resources: source tree, wheel, Slicer's install tree."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from VISTA3DSegmentLib import resources
from VISTA3DSegmentLib.errors import ResourceError

PACKAGE = resources.PACKAGE
PROJECT = Path(__file__).resolve().parents[2]


def install(package_folder: Path, resources_folder: Path) -> None:
    """Lay the ground floor and one resource out as an installation does."""
    package_folder.mkdir(parents=True)
    for module in ("__init__.py", "errors.py", "resources.py"):
        shutil.copy(PACKAGE / module, package_folder)
    resources_folder.mkdir(parents=True)
    (resources_folder / "anatomy.csv").write_text(str(resources_folder))


def found_by(site: Path) -> str:
    code = "from VISTA3DSegmentLib.resources import resource; print(resource('anatomy.csv').read_text())"
    run = subprocess.run(
        [sys.executable, "-S", "-c", code], env={"PYTHONPATH": str(site)}, capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


def test_the_source_tree_has_its_table() -> None:
    assert resources.resource("anatomy.csv").read_text(encoding="utf-8").startswith("id,name,kind")
    assert resources.resource("Models").is_dir()


def test_a_wheel_finds_resources_inside_the_package(tmp_path: Path) -> None:
    inside = tmp_path / "VISTA3DSegmentLib" / "Resources"
    install(tmp_path / "VISTA3DSegmentLib", inside)
    assert found_by(tmp_path) == str(inside)


def test_slicer_finds_resources_beside_the_package(tmp_path: Path) -> None:
    beside = tmp_path / "Resources"
    install(tmp_path / "VISTA3DSegmentLib", beside)
    assert found_by(tmp_path) == str(beside)


def test_another_modules_resources_beside_an_installed_package_are_not_taken(tmp_path: Path) -> None:
    inside = tmp_path / "VISTA3DSegmentLib" / "Resources"
    install(tmp_path / "VISTA3DSegmentLib", inside)
    (tmp_path / "Resources").mkdir()
    (tmp_path / "Resources" / "anatomy.csv").write_text("somebody else's")
    assert found_by(tmp_path) == str(inside)


def test_a_missing_resource_is_named() -> None:
    with pytest.raises(ResourceError, match=r"no_such\.csv.*Install VISTA3DSegment again"):
        resources.resource("no_such.csv")


def test_the_list_of_packages_is_the_tree() -> None:
    tomllib = pytest.importorskip("tomllib")  # Python 3.11
    listed = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    packages = {".".join(folder.relative_to(PACKAGE.parent).parts) for folder in folders}
    assert set(listed) == packages | {"VISTA3DSegmentLib.Resources"}


def test_a_built_wheel_carries_what_code_reads_and_finds_it(tmp_path: Path) -> None:
    pytest.importorskip("setuptools")
    source, site = tmp_path / "source", tmp_path / "site"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.safetensors", "*.nrrd", "*.nii.gz")
    shutil.copytree(PROJECT / "VISTA3DSegment", source / "VISTA3DSegment", ignore=ignored)
    shutil.copy(PROJECT / "pyproject.toml", source)
    for named in ("README.md", "LICENSE"):
        (source / named).write_text("of the test")
    resources_folder = source / "VISTA3DSegment" / "Resources"
    for relative in ("Models/starter/starter.safetensors", "Samples/sample.nrrd"):
        (resources_folder / relative).parent.mkdir(parents=True, exist_ok=True)
        (resources_folder / relative).write_text("of the test")

    code = f"import setuptools.build_meta as build; build.build_wheel({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=source, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    shutil.unpack_archive(wheel, site, "zip")

    assert found_by(site) == (PACKAGE.parent / "Resources" / "anatomy.csv").read_text(encoding="utf-8").strip()
    carried = site / "VISTA3DSegmentLib" / "Resources"
    assert (carried / "Models" / "starter" / "starter.safetensors").is_file()
    assert (carried / "Samples" / "sample.nrrd").is_file()
    assert sorted(path.name for path in site.iterdir() if not path.name.endswith(".dist-info")) == ["VISTA3DSegmentLib"]
