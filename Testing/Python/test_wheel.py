"""A built wheel, installed in an environment of its own outside the tree, works from its own resources."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from VISTA3DSegmentLib import __version__

PROJECT = Path(__file__).resolve().parents[2]


def said_by(command: list[str | Path], cwd: Path) -> str:
    """Run a command as a user would, without the paths of this test run."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment = {**clean, "VISTA3DSEGMENT_HOME": str(cwd / "home"), "PYTHONSAFEPATH": "1", "PYTHONUTF8": "1"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: building leaves files in the tree it builds from."""
    pytest.importorskip("setuptools")
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for named in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / named, source)
    unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(PROJECT / "VISTA3DSegment", source / "VISTA3DSegment", ignore=unwanted)
    code = f"import setuptools.build_meta as build; build.build_wheel({str(out)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=source, check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment with the wheel in it; its dependencies are those of this test run."""
    pytest.importorskip("pip")
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, with_pip=False, symlinks=os.name != "nt")
    scheme = sysconfig.get_paths("venv", vars={"base": str(environment), "platbase": str(environment)})
    site, programs = Path(scheme["purelib"]), Path(scheme["scripts"])
    install = [sys.executable, "-m", "pip", "--python", str(programs / "python"), "install", "--no-deps", "--no-index"]
    subprocess.run([*install, "--quiet", str(wheel)], check=True, capture_output=True)
    here = Path(sysconfig.get_paths()["purelib"])
    # Behind the wheel's own packages; .pth files there (an editable install of this very project) are not followed.
    (site / "dependencies.pth").write_text(f"{here}\n")
    return programs


def test_the_wheel_says_its_version_and_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        lines = archive.read(metadata).decode().splitlines()
        assert any(name.endswith("/LICENSE") for name in archive.namelist())
    assert "Name: vista3dsegment" in lines
    assert f"Version: {__version__}" in lines  # pip installs no second one of the same version
    assert "License-Expression: Apache-2.0" in lines


def test_the_program_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    assert "liver" in said_by([installed / "vista3dsegment", "classes", "liver"], tmp_path)


def test_the_module_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    out = said_by([installed / "python", "-m", "VISTA3DSegmentLib", "doctor"], tmp_path)
    assert "What runs a model" in out
    assert "torch" in out


def test_the_wheel_reads_its_own_resources(installed: Path, tmp_path: Path) -> None:
    code = "from VISTA3DSegmentLib.resources import resource; print(resource('anatomy.csv'))"
    table = Path(said_by([installed / "python", "-c", code], tmp_path).strip())
    assert table.is_relative_to(installed.parent)


@pytest.mark.parametrize("relative", ["Samples/sample_ct.nrrd", "Models/starter/starter.safetensors"])
def test_the_wheel_carries_what_the_tree_has(installed: Path, tmp_path: Path, relative: str) -> None:
    code = f"from VISTA3DSegmentLib.resources import resource; print(resource({relative!r}))"
    assert Path(said_by([installed / "python", "-c", code], tmp_path).strip()).is_relative_to(installed.parent)


def test_neither_the_package_nor_its_help_loads_torch(installed: Path, tmp_path: Path) -> None:
    code = (
        "import sys, VISTA3DSegmentLib, VISTA3DSegmentLib.cli as cli; status = cli.main(['--help']); "
        "loaded = [name for name in ('torch', 'monai', 'openvino', 'slicer') if name in sys.modules]; "
        "sys.exit(loaded or status)"
    )
    assert "segment" in said_by([installed / "python", "-c", code], tmp_path)
