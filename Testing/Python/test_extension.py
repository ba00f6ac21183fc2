"""What Slicer builds and installs is what lies in the tree, and works from where Slicer puts it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from extension_criteria.module_files import LISTS, RESOURCES, SCRIPTS, differences, listed
from extension_criteria.tree import MODULE_FILE, MODULE_FOLDER, Tree
from extension_tree import PACKAGE, PROJECT, sound_tree

PROJECT_TREE = Tree(PROJECT)

# What Slicer's macros do with the lists, and nothing else: an absent file is an error, the others are copied.
STAND_IN = """
set(Slicer_USE_FILE "${CMAKE_CURRENT_LIST_DIR}/Nothing.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${CMAKE_CURRENT_LIST_DIR}/Nothing.cmake")
set(Slicer_EXTENSION_CPACK "${CMAKE_CURRENT_LIST_DIR}/Cpack.cmake")
macro(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(GIVEN "WITH_GENERIC_TESTS" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(GIVEN_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "not understood: ${GIVEN_UNPARSED_ARGUMENTS}")
  endif()
  foreach(path ${GIVEN_SCRIPTS} ${GIVEN_RESOURCES})
    if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${path}")
      message(FATAL_ERROR "nonexistent file ${path}")
    endif()
    get_filename_component(folder "${path}" DIRECTORY)
    file(COPY "${path}" DESTINATION "${CMAKE_BINARY_DIR}/installed/${folder}")
  endforeach()
endmacro()
macro(slicer_add_python_unittest)
  file(APPEND "${CMAKE_BINARY_DIR}/tests.txt" "${ARGN}\\n")
endmacro()
"""


def run_lister(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, PROJECT / "Testing" / "list_module_files.py", "--root", root, *options]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


def install(destination: Path) -> None:
    """Copy what the project's lists name, as Slicer's build does."""
    lists = listed(PROJECT_TREE)
    for path in (*lists[SCRIPTS], *lists[RESOURCES]):
        if path == MODULE_FILE.partition("/")[2]:
            continue  # needs Slicer
        (destination / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / MODULE_FOLDER / path, destination / path)


def said_by(code: str, site: Path) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment = {**clean, "PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=site, env=environment, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_lists_of_the_module_are_the_tree() -> None:
    assert differences(PROJECT_TREE) == []


def test_the_module_is_listed_and_its_package_with_every_folder() -> None:
    scripts = listed(PROJECT_TREE)[SCRIPTS]
    assert "VISTA3DSegment.py" in scripts
    assert "VISTA3DSegmentLib/engines/vista3d/engine.py" in scripts
    assert scripts == sorted(scripts)


def test_what_is_installed_finds_its_resources(tmp_path: Path) -> None:
    install(tmp_path)
    code = (
        "from VISTA3DSegmentLib.resources import PACKAGE, resource\n"
        "print(PACKAGE.parent, resource('Models/starter/starter.safetensors'), resource('Samples/sample_ct.nrrd'))"
    )
    places = said_by(code, tmp_path).split(" ")
    assert all(Path(place).is_relative_to(tmp_path.resolve()) for place in places)


def test_every_installed_module_that_needs_neither_host_nor_torch_is_imported(tmp_path: Path) -> None:
    install(tmp_path)
    code = (
        "import importlib, pkgutil, VISTA3DSegmentLib as package\n"
        "for found in pkgutil.walk_packages(package.__path__, 'VISTA3DSegmentLib.'):\n"
        "    if found.name.split('.')[1] not in ('app', 'desktop', 'engines', 'learning'):\n"
        "        found.name.endswith('__main__') or importlib.import_module(found.name)\n"
        "print('done')"
    )
    assert said_by(code, tmp_path) == "done"


@pytest.mark.parametrize("path", [f"{PACKAGE}/more.py", f"{PACKAGE}/deep/er/more.py", "VISTA3DSegment/Resources/a.csv"])
def test_one_file_too_many_in_the_tree_is_told(tmp_path: Path, path: str) -> None:
    root = sound_tree(tmp_path)
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text("")
    done = run_lister(root)
    assert done.returncode == 1
    assert f"lacks {path.removeprefix('VISTA3DSegment/')}" in done.stdout


@pytest.mark.parametrize("path", [f"{PACKAGE}/words.py", "VISTA3DSegment/Resources/UI/VISTA3DSegment.ui"])
def test_one_file_too_few_in_the_tree_is_told(tmp_path: Path, path: str) -> None:
    root = sound_tree(tmp_path)
    (root / path).unlink()
    done = run_lister(root)
    assert done.returncode == 1
    assert f"lists {path.removeprefix('VISTA3DSegment/')}, which is not in the tree" in done.stdout


def test_a_file_listed_twice_or_out_of_order_is_told(tmp_path: Path) -> None:
    root = sound_tree(tmp_path)
    right = (root / LISTS).read_text()
    first, second = "  VISTA3DSegmentLib/models/store.py\n", "  VISTA3DSegmentLib/models/transfer.py\n"
    (root / LISTS).write_text(right.replace(first, first + first))
    assert differences(Tree(root)) == [f"{SCRIPTS} lists VISTA3DSegmentLib/models/store.py twice"]
    (root / LISTS).write_text(right.replace(first + second, second + first))
    assert differences(Tree(root)) == [f"{SCRIPTS} is not sorted"]


def test_without_write_nothing_is_written(tmp_path: Path) -> None:
    root = sound_tree(tmp_path)
    (root / PACKAGE / "more.py").write_text("")
    before = (root / LISTS).read_bytes()
    run_lister(root)
    assert (root / LISTS).read_bytes() == before


def test_write_puts_both_lists_right_and_leaves_the_rest(tmp_path: Path) -> None:
    root = sound_tree(tmp_path)
    before = (root / LISTS).read_text()
    (root / PACKAGE / "more.py").write_text("")
    (root / PACKAGE / "words.py").unlink()
    assert run_lister(root, "--write").returncode == 0
    assert differences(Tree(root)) == []
    after = (root / LISTS).read_text()
    assert set(before.splitlines()) - set(after.splitlines()) == {"  VISTA3DSegmentLib/words.py"}
    assert set(after.splitlines()) - set(before.splitlines()) == {"  VISTA3DSegmentLib/more.py"}
    assert b"\r" not in (root / LISTS).read_bytes()


def test_the_module_is_listed_before_it_exists(tmp_path: Path) -> None:
    root = sound_tree(tmp_path)
    (root / MODULE_FILE).unlink()
    assert differences(Tree(root)) == []
    assert "  ${MODULE_NAME}.py\n" in (root / LISTS).read_text()


@pytest.mark.skipif(not shutil.which("cmake") or not shutil.which("c++"), reason="needs cmake and a compiler")
def test_cmake_reads_the_extension_as_slicer_would(tmp_path: Path) -> None:
    root, slicer, build = sound_tree(tmp_path / "extension"), tmp_path / "slicer", tmp_path / "build"
    slicer.mkdir()
    (slicer / "SlicerConfig.cmake").write_text(STAND_IN)
    (slicer / "Nothing.cmake").write_text("")
    (slicer / "Cpack.cmake").write_text('message(STATUS "depends on ${EXTENSION_DEPENDS}")')
    command = ["cmake", "-S", root, "-B", build, f"-DSlicer_DIR={slicer}", "-DBUILD_TESTING=ON"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "depends on PyTorch" in done.stdout
    installed = {path.relative_to(build / "installed").as_posix() for path in (build / "installed").rglob("*.*")}
    wanted = {path.removeprefix("VISTA3DSegment/") for path in Tree(root).below(MODULE_FOLDER)} - {"CMakeLists.txt"}
    assert installed == wanted
    assert (build / "tests.txt").read_text() == "SCRIPT;VISTA3DSegment.py\n"
