"""The checker of the extension catches each fault that it says it catches, and nothing in an extension without one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from extension_criteria import BY_HAND, CRITERIA
from extension_criteria.contents import MB, clone_bytes
from extension_criteria.module_files import LISTS
from extension_criteria.pictures import MODULE_ICON
from extension_criteria.tree import CATALOGUE_ENTRY, MODULE_FILE, Tree
from extension_tree import (
    DESKTOP_FILE,
    PACKAGE,
    PROJECT,
    SERVING,
    STORE,
    UI,
    WEIGHTS,
    Spoil,
    added,
    drawn,
    holding,
    removed,
    replaced,
    sound_tree,
)

BY_NAME = {criterion.name: criterion for criterion in CRITERIA}
CMAKE = "CMakeLists.txt"
ICON = "Resources/VISTA3DSegment.png"
SHOT = "Resources/Screenshots/panel.png"
RAW = "https://raw.githubusercontent.com/VISTA3DSegment/SlicerVISTA3DSegment/main"


def shows(statement: str) -> Spoil:
    """One more statement in the method that makes the widgets."""
    return added(DESKTOP_FILE, f"        {statement}\n")


def requiring_torch(statement: str) -> Spoil:
    """A file of requirements with torch, and a statement that uses it."""

    def spoil(root: Path) -> None:
        added("VISTA3DSegment/Resources/requirements.txt", "torch>=2.2\nmonai>=1.4\n")(root)
        shows(statement)(root)

    return spoil


def large(path: str, size_bytes: int) -> Spoil:
    def spoil(root: Path) -> None:
        with (root / path).open("wb") as file:
            file.truncate(size_bytes)

    return spoil


SPOILT: dict[str, list[tuple[Spoil, str]]] = {
    "project_is_the_name_of_the_entry": [
        (replaced(CMAKE, "project(VISTA3DSegment)", "project(Vista)"), "project(Vista)"),
        (removed(CATALOGUE_ENTRY), "is not there"),
        (removed(CMAKE), "CMakeLists.txt is not there"),
    ],
    "name_does_not_begin_with_slicer": [
        (replaced(CMAKE, "project(", "project(slicer"), "slicerVISTA3DSegment"),
    ],
    "entry_is_valid": [
        (replaced(CATALOGUE_ENTRY, '"category"', '"kategorie"'), "category is missing"),
        (replaced(CATALOGUE_ENTRY, '"tier": 3', '"tier": "3"'), "not of type int"),
        (replaced(CATALOGUE_ENTRY, '"tier": 3', '"tier": 5'), "enters at 1 or 3"),
        (replaced(CATALOGUE_ENTRY, "v1.0.1", "v2"), "$schema is"),
        (replaced(CATALOGUE_ENTRY, '"tier"', '"scm_type": "svn",\n  "tier"'), "scm_type is 'svn'"),
        (replaced(CATALOGUE_ENTRY, "}", ""), "is not JSON"),
    ],
    "entry_has_unix_line_ends": [
        (replaced(CATALOGUE_ENTRY, "\n", "\r\n"), "carriage returns"),
    ],
    "category_is_known": [
        (replaced(CATALOGUE_ENTRY, "Segmentation", "Organs"), "'Organs'"),
    ],
    "addresses_are_https": [
        (replaced(CMAKE, 'HOMEPAGE "https', 'HOMEPAGE "http'), "HOMEPAGE is http:"),
        (replaced(CATALOGUE_ENTRY, '_url": "https://', '_url": "git@'), "scm_url is git@"),
    ],
    "repository_is_named_after_the_extension": [
        (replaced(CATALOGUE_ENTRY, "/Slicer", "/Other"), "does not end with"),
        (replaced(CMAKE, "com/VISTA3DSegment/", "com/else/"), "the homepage is"),
    ],
    "revision_is_a_branch": [
        (replaced(CATALOGUE_ENTRY, '"main"', '"16462ce"'), "16462ce"),
    ],
    "dependencies_agree": [
        (replaced(CATALOGUE_ENTRY, '"PyTorch"', '"NNUNet"'), "are not EXTENSION_DEPENDS"),
        (replaced(CMAKE, '"PyTorch"', '"NA"'), "lacks PyTorch"),
    ],
    "description_is_short": [
        (replaced(CMAKE, ", and no image", ". It is fast. No image"), "has 4 sentences"),
        (replaced(CMAKE, "leaves it.", "leaves it"), "full stop"),
    ],
    "settings_stand_on_one_line_each": [
        (replaced(CMAKE, "(EXTENSION_ICONURL ", "(EXTENSION_ICONURL\n  "), "ICONURL"),
        (replaced(CMAKE, "set(EXTENSION_CONTRIBUTORS", "# set("), "CONTRIBUTORS"),
    ],
    "cmake_has_the_parts_of_the_template": [
        (replaced(CMAKE, "## NEXT_MODULE", ""), "lacks ## NEXT_MODULE"),
        (replaced(CMAKE, "cmake_minimum_required", "#"), "does not begin with"),
        (
            replaced(
                CMAKE,
                "find_package(Slicer REQUIRED)\ninclude(${Slicer_USE_FILE})",
                "include(${Slicer_USE_FILE})\nfind_package(Slicer REQUIRED)",
            ),
            "template's order",
        ),
    ],
    "icon_is_there": [
        (removed(ICON), "VISTA3DSegment.png is not there"),
        (drawn(ICON, 64, 64), "64 x 64"),
        (drawn(ICON, 128, 128, blank=True), "is empty"),
        (holding(ICON, b"GIF89a"), "is not a PNG"),
        (holding(ICON, b"\x89PNG\r\n\x1a\n"), "is damaged"),
        (replaced(CMAKE, f"{RAW}/Resources/VISTA", "https://x.org/VISTA"), "not a raw address"),
        (replaced(CMAKE, "/main/Resources/VISTA", "/dev/Resources/VISTA"), "not a raw address"),
    ],
    "screenshots_are_there": [
        (removed(SHOT), "panel.png is not there"),
        (drawn(SHOT, 500, 500, blank=True), "is empty"),
        (drawn(SHOT, 100, 500), "only 100 x 500"),
        (drawn(SHOT, 1000, 1000), "larger than 2 MB"),
    ],
    "module_has_its_icon": [
        (removed(MODULE_ICON), "is not there"),
        (holding(MODULE_ICON, b"<svg"), "is not XML"),
        (holding(MODULE_ICON, b"<svg/>"), "is not an SVG"),
    ],
    "clone_is_small": [
        (large("large", 101 * MB), "more than 100"),
    ],
    "licence_is_there": [
        (removed("LICENSE"), "LICENSE is not there"),
        (holding("LICENSE", b"All rights reserved"), "not the Apache"),
    ],
    "tree_holds_no_programs": [
        (holding("run", b"\x7fELF\x02"), "run is a program (ELF)"),
        (holding("Resources/tool.DLL", b""), "tool.DLL is a program"),
    ],
    "names_suit_every_system": [
        (holding("Resources/Aux.md", b""), "Windows refuses"),
        (holding("RESOURCES/page.PNG", b""), "upper and lower case only"),
        (holding("VISTA3DSegment/Resources/a b.csv", b""), "CMake splits"),
        (holding(f"Resources/{'a' * 150}", b""), "160 characters"),
    ],
    "module_lists_are_the_tree": [
        (holding(f"{PACKAGE}/new.py", b""), "lacks VISTA3DSegmentLib/new.py"),
        (removed(f"{PACKAGE}/words.py"), "words.py, which is not in the tree"),
    ],
    "module_is_built_and_tested": [
        (replaced(LISTS, "  WITH_GENERIC_TESTS", ""), "lacks WITH_GENERIC_TESTS"),
        (replaced(LISTS, "slicer_add_python_unittest", "#"), "slicer_add_python_unittest"),
        (removed(MODULE_FILE), "VISTA3DSegment.py is not there"),
    ],
    "title_is_the_name": [
        (replaced("README.md", "# VISTA3DSegment\n", "# Organs\n"), "heading is Organs"),
    ],
    "begins_with_a_short_description": [
        (replaced("README.md", "Outlines the", "A. B. C. D. Outlines the"), "5 sentences"),
        (replaced("README.md", "in 3D Slicer", "on any computer"), "for 3D Slicer"),
        (replaced("README.md", "Outlines", "- Outlines"), "no paragraph"),
    ],
    "pictures_are_there": [
        (replaced("README.md", "(Resources/page.png)", "(Resources/none.png)"), "none.png is not"),
        (replaced("README.md", "[The organs of a scan]", "[]"), "what it shows"),
        (replaced("README.md", "![", "["), "no picture"),
    ],
    "each_module_has_its_sentence": [
        (replaced("README.md", "- **VISTA3D**", "- the effect"), "**VISTA3D**"),
        (replaced("README.md", "a module: finds", "finds"), "**VISTA3DSegment**"),
        (added("VISTA3DSegment/Another.py", "title = 1\n"), "**Another**"),
    ],
    "tutorial_goes_step_by_step": [
        (replaced("README.md", "5. Save.", ""), "4 numbered steps"),
        (replaced("README.md", "Tutorial, step by step", "Start"), "no section on"),
        (removed(SHOT), "panel.png is not there"),
    ],
    "tutorial_names_its_sample": [
        (replaced("README.md", "SmallCT", "one"), "SmallCT"),
        (replaced("README.md", "Sample Data", "it"), "Sample Data module"),
    ],
    "paper_is_cited": [
        (replaced("README.md", "CVPR 2025", "2025"), "lacks CVPR 2025"),
        (replaced("README.md", "## Citation", "## Notes"), "no section on citation"),
    ],
    "licences_are_named": [
        (replaced("README.md", "[LICENSE](LICENSE)", "there"), "link to LICENSE"),
        (replaced("README.md", "NVIDIA's weights", "The others"), "NVIDIA's weights"),
    ],
    "privacy_is_explained": [
        (replaced("README.md", "nothing is sent anywhere", "all is well"), "whether anything"),
    ],
    "trouble_is_helped": [
        (replaced("README.md", "the Doctor", "it"), "Doctor"),
    ],
    "downloads_can_be_removed": [
        (replaced("README.md", "remove them there", "and stay"), "how they are removed"),
    ],
    "nothing_is_left_to_fill_in": [
        (replaced("README.md", "## Privacy", "TO_BE_FILLED\n\n## Privacy"), "TO_BE_FILLED"),
    ],
    "module_imports_what_slicer_has": [
        (replaced(MODULE_FILE, "import logging", "import torch"), "imports torch"),
        (added(f"{PACKAGE}/words.py", "import scipy.ndimage\n"), "words.py:3 imports scipy"),
        (replaced(DESKTOP_FILE, "import qt", "try:\n    import monai\nexcept E:\n    0"), "imports monai"),
        (removed(MODULE_FILE), "is not there"),
    ],
    "import_does_nothing": [
        (added(MODULE_FILE, 'slicer.util.pip_install("monai")\n'), "calls slicer.util.pip_install"),
        (added(WEIGHTS, "class A:\n    subprocess.run(['ls'])\n"), "subprocess.run"),
        (added(WEIGHTS, "from urllib.request import urlopen as get\nget('x')\n"), "request.urlopen"),
        (added(WEIGHTS, "def f(a=os.system('ls')):\n    pass\n"), "os.system"),
    ],
    "torch_comes_by_the_pytorch_extension": [
        (shows('slicer.util.pip_install("torch>=2.2")'), "installs torch"),
        (shows('slicer.packaging.pip_ensure(["monai", "torch"])'), "installs torch"),
        (shows('subprocess.run([p, "-m", "pip", "install", "torch"])'), "torch"),
        (added(DESKTOP_FILE, '\nT = "torch"\ndef f():\n    slicer.util.pip_install(T)\n'), "installs torch"),
        (requiring_torch("slicer.packaging.pip_ensure(slicer.packaging.load_requirements(f))"), "without skipping it"),
        (requiring_torch('slicer.util.pip_install("-r " + f)'), "without skipping it"),
    ],
    "weights_are_read_as_tensors_only": [
        (replaced(WEIGHTS, ", weights_only=True", ""), "torch.load"),
        (replaced(WEIGHTS, "=True", "=False"), "torch.load"),
        (added(WEIGHTS, "from torch import load as read\nread('a')\n"), "torch.load"),
        (added(WEIGHTS, "import numpy as np\nnp.load('a', allow_pickle=True)\n"), "numpy"),
    ],
    "nothing_listens_beyond_this_computer": [
        (replaced(SERVING, "127.0.0.1", "192.168.1.1"), "192.168.1.1"),
        (added(SERVING, "HTTPServer(('', 80), None)\n"), "listens on ''"),
        (added(SERVING, "start(host='me.example')\n"), "me.example"),
        (added(SERVING, "ANY = '0.0.0.0'\n"), "0.0.0.0"),
    ],
    "only_downloads_connect": [
        (added(DESKTOP_FILE, "import requests\n"), "imports requests"),
        (added(STORE, "from urllib import request\n"), "imports urllib.request"),
        (shows("slicer.util.downloadFile(a, b)"), "downloadFile"),
    ],
    "downloads_ask_first": [
        (replaced(STORE, "ask, opener", "opener"), "does not ask"),
        (replaced(STORE, "if ask(name)", "if name"), "does not ask"),
        (replaced(STORE, "(name, ask,", "(name, ask=print,"), "does not ask"),
    ],
    "module_has_its_classes": [
        (replaced(MODULE_FILE, "class VISTA3DSegmentTest", "class Tests"), "VISTA3DSegmentTest"),
        (replaced(MODULE_FILE, "(ScriptedLoadableModuleLogic)", ""), "is not a Scripted"),
        (replaced(MODULE_FILE, "def register():", "def register(:"), "is not Python"),
    ],
    "logic_has_no_widgets": [
        (replaced(MODULE_FILE, "ModuleLogic):\n    pass", "ModuleLogic):\n    a = qt.QTimer()"), "qt"),
    ],
    "nothing_has_a_style_of_its_own": [
        (shows('self.label.setStyleSheet("color: red")'), "style sheet"),
        (shows('self.label.styleSheet = "color: red"'), "style sheet"),
        (shows('self.label.setProperty("styleSheet", a)'), "styleSheet"),
        (replaced(UI, '"toolTip"', '"styleSheet"'), "VISTA3DSegment.ui sets"),
        (replaced(UI, "</ui>", ""), "is not XML"),
    ],
    "samples_are_registered": [
        (replaced(MODULE_FILE, ".registerCustomSampleDataSource", ".other"), "calls register"),
    ],
    "texts_are_translated": [
        (shows('self.label.setText("Segment")'), "'Segment'"),
        (shows('self.label.setToolTip(f"{n} organs")'), "' organs'"),
        (shows('self.label.text = "Segment"'), "'Segment'"),
        (shows('self.b = qt.QPushButton("Segment", self)'), "'Segment'"),
        (shows('self.box.addItem(icon, "Segment", data)'), "'Segment'"),
        (shows('self.box.addItems([_("Organ"), "Bone"])'), "'Bone'"),
        (shows('self.form.addRow("Volume:", widget)'), "'Volume:'"),
        (shows('self.label.setText("Segment" if a else _("Stop"))'), "'Segment'"),
        (shows('self.label.setText("{} organs".format(3))'), "'{} organs'"),
        (shows('self.label.setText(_("Volume") + " unknown")'), "' unknown'"),
        (shows('slicer.util.confirmOkCancelDisplay("Really?")'), "'Really?'"),
        (shows('slicer.util.errorDisplay(a, windowTitle="Failed")'), "'Failed'"),
        (shows('qt.QMessageBox.warning(None, _("A"), "Bad news")'), "'Bad news'"),
        (shows('self.label.setText(_(f"{n} organs"))'), "not a plain text"),
        (added(DESKTOP_FILE, "\n    def helpText(self):\n        return '<b>Click</b>'\n"), "'<b>Click</b>'"),
        (added(DESKTOP_FILE, '\nT = "Hello"\ndef f(w):\n    w.setText(T)\n'), "'Hello'"),
        (replaced(DESKTOP_FILE, "from slicer.i18n import tr as _", "_ = str"), "is not Slicer's"),
        (replaced(UI, '<string notr="true">+', '<string notr="true">Plus'), "'Plus'"),
        (removed(MODULE_FILE), "is not there"),
    ],
}
"""What spoils a tree, and what is said of it, by criterion."""

CASES = [(name, spoil, said) for name, cases in SPOILT.items() for spoil, said in cases]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return sound_tree(tmp_path)


def checked(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, PROJECT / "Testing" / "check_extension.py", "--root", root]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


def test_an_extension_without_a_fault_passes(root: Path) -> None:
    done = checked(root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILS" not in done.stdout


def test_each_criterion_has_its_line(root: Path) -> None:
    lines = checked(root).stdout.splitlines()
    assert [line for line in lines if line.endswith(": ok")] == [f"tier {c.tier}  {c.title}: ok" for c in CRITERIA]
    assert [line for line in lines if line.endswith(": by hand")] == [
        f"tier {c.tier}  {c.title}: by hand" for c in BY_HAND
    ]


def test_one_fault_is_one_line_and_an_exit_status(root: Path) -> None:
    removed("LICENSE")(root)
    done = checked(root)
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if "FAILS" in line] == [
        "tier 1  LICENSE is in the root: FAILS: LICENSE is not there"
    ]


@pytest.mark.parametrize(("name", "spoil", "said"), CASES, ids=[f"{name}-{said}" for name, _, said in CASES])
def test_the_fault_is_caught(root: Path, name: str, spoil: Spoil, said: str) -> None:
    assert BY_NAME[name].found_in(Tree(root)) == ()
    spoil(root)
    assert said in "; ".join(BY_NAME[name].found_in(Tree(root)))


def test_no_criterion_is_without_a_fault_that_it_catches() -> None:
    assert set(SPOILT) == set(BY_NAME)


@pytest.mark.parametrize(
    "statement",
    [
        'self.label.setText("12.5 ml")',
        'self.label.setObjectName("Segment")',
        'self.label.setText(_("Segment") if a == "yes" else "")',
        'self.box.addItem(_("Organ"), "organ")',
        'self.label.setText(", ".join([_("Liver"), name]))',
        'logging.warning("not for people")',
        'slicer.util.errorDisplay(_("No"), dontShowAgainSettingsKey="VISTA3DSegment/no")',
        'slicer.packaging.pip_ensure(["monai"], skip_packages=["torch"])',
        'slicer.util.pip_install("monai>=1.4 torchmetrics")',
    ],
)
def test_what_is_right_is_not_a_fault(root: Path, statement: str) -> None:
    shows(statement)(root)
    assert {
        criterion.title: criterion.found_in(Tree(root)) for criterion in CRITERIA if criterion.found_in(Tree(root))
    } == {}


def test_requirements_may_name_torch_where_the_installer_skips_it(root: Path) -> None:
    requiring_torch('slicer.packaging.pip_ensure(slicer.packaging.load_requirements(f), skip_packages=["torch"])')(root)
    assert BY_NAME["torch_comes_by_the_pytorch_extension"].found_in(Tree(root)) == ()


def test_an_effect_beside_the_library_is_looked_at_too(root: Path) -> None:
    added("VISTA3DSegment/EffectLib/Effect.py", "import torch\n\n\ndef f(w):\n    w.setText('Click')\n")(root)
    assert "'Click'" in "; ".join(BY_NAME["texts_are_translated"].found_in(Tree(root)))
    assert "imports torch" in "; ".join(BY_NAME["module_imports_what_slicer_has"].found_in(Tree(root)))


def test_what_a_function_does_is_not_done_at_import(root: Path) -> None:
    added(
        WEIGHTS,
        "def f():\n    import subprocess\n    subprocess.run(['ls'])\nif __name__ == '__main__':\n    os.system('a')\n",
    )(root)
    assert BY_NAME["import_does_nothing"].found_in(Tree(root)) == ()


def test_the_history_counts_as_a_part_of_the_clone(root: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)

    git("init", "--quiet")
    drawn("old.png", 1000, 400)(root)
    git("add", "-A")
    git("commit", "--quiet", "-m", "one")
    size = (root / "old.png").stat().st_size
    before = clone_bytes(Tree(root))
    removed("old.png")(root)
    git("commit", "--quiet", "-a", "-m", "two")
    assert size <= before - clone_bytes(Tree(root)) + 2000 < size + 4000
    assert clone_bytes(Tree(root)) > size


def test_what_git_ignores_is_not_a_part_of_the_tree(root: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    holding(".gitignore", b"/training/\n")(root)
    holding("training/run", b"\x7fELF\x02")(root)
    assert BY_NAME["tree_holds_no_programs"].found_in(Tree(root)) == ()
    assert ".gitignore" in Tree(root).files


def test_lint_runs_the_checker() -> None:
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert lint is not None
    assert "Testing/check_extension.py" in lint[1]
