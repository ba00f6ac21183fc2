"""A small extension in a folder of its own that meets every criterion; tests spoil it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK
from extension_criteria.module_files import LISTS, rewritten
from extension_criteria.pictures import MODULE_ICON
from extension_criteria.tree import CATALOGUE_ENTRY, MODULE_FILE, Tree

PROJECT = Path(__file__).resolve().parents[2]
PACKAGE = "VISTA3DSegment/VISTA3DSegmentLib"
DESKTOP_FILE = f"{PACKAGE}/desktop/panel.py"
UI = "VISTA3DSegment/Resources/UI/VISTA3DSegment.ui"
STORE = f"{PACKAGE}/models/store.py"
WEIGHTS = f"{PACKAGE}/engines/weights.py"
SERVING = f"{PACKAGE}/app/serving.py"
SCREENSHOTS = ("slicer", "panel", "panel-dark")

README = """# VISTA3DSegment

Outlines the organs of a CT in 3D Slicer and lets you correct each of them by clicks.

![The organs of a scan](Resources/page.png)

- **VISTA3DSegment**, a module: finds organs and corrects them.
- **VISTA3D**, an effect of the Segment Editor: one click adds or
  removes.

## Tutorial, step by step

![Slicer with the sample](Resources/Screenshots/slicer.png)

1. Open Sample Data, choose SmallCT.
2. Open the module.
3. Press Segment.
4. Click.
5. Save.

![The panel, all of it](Resources/Screenshots/panel.png)

## Troubleshooting

Open the Doctor at the end of the panel; it says what this computer has.

## Models and their licences

NVIDIA's weights are downloaded after their licence was accepted; they are kept in the folder models, remove them there.
The code is Apache-2.0, see [LICENSE](LICENSE).

## Privacy

Scans stay here: nothing is sent anywhere, and no use is counted by anybody.

## Citation

He et al., *VISTA3D: A Unified Segmentation Foundation Model For 3D Medical
Imaging*, CVPR 2025, [arXiv:2406.05285](https://arxiv.org/abs/2406.05285).
"""

MODULE = """import logging

import numpy as np
import qt
import slicer
from slicer.i18n import tr as _, translate
from slicer.ScriptedLoadableModule import *

from VISTA3DSegmentLib.desktop.panel import Panel


class VISTA3DSegment(ScriptedLoadableModule):
    def __init__(self, parent):
        super().__init__(parent)
        parent.title = _("VISTA3DSegment")
        parent.helpText = _("Finds organs.")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        slicer.app.connect("startupCompleted()", register)


def register():
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(sampleName="SmallCT", uris=None)


class VISTA3DSegmentWidget(ScriptedLoadableModuleWidget):
    def setup(self):
        self.panel = Panel()
        self.button = qt.QPushButton("+")
        self.button.setToolTip(_("{count} organs").format(count=3))
        logging.info("a line of the log")


class VISTA3DSegmentLogic(ScriptedLoadableModuleLogic):
    pass


class VISTA3DSegmentTest(ScriptedLoadableModuleTest):
    pass
"""

PANEL = '''"""The panel."""

import qt
from slicer.i18n import tr as _

from ..words import plural


class Panel:
    def __init__(self):
        self.label = qt.QLabel(_("Nothing yet"))
        self.label.setText("{:.1f} ml".format(1.0))
'''

UI_TEXT = """<?xml version="1.0" encoding="UTF-8"?>
<ui version="4.0">
 <widget class="qMRMLWidget" name="Panel">
  <property name="toolTip"><string>What it is for</string></property>
  <property name="text"><string notr="true">+</string></property>
 </widget>
</ui>
"""

SOURCES = {
    f"{PACKAGE}/__init__.py": "",
    f"{PACKAGE}/words.py": "def plural(count):\n    return str(count)\n",
    f"{PACKAGE}/desktop/__init__.py": "",
    f"{PACKAGE}/models/__init__.py": "",
    f"{PACKAGE}/models/transfer.py": "import urllib.request\n",
    STORE: "def download(name, ask, opener=None):\n    if ask(name):\n        return opener\n",
    WEIGHTS: "import torch\n\n\ndef read(path):\n    return torch.load(path, weights_only=True)\n",
    SERVING: 'LOCAL = "127.0.0.1"\n\n\ndef serve(port, host=LOCAL):\n    return host\n',
    DESKTOP_FILE: PANEL,
    MODULE_FILE: MODULE,
    UI: UI_TEXT,
    MODULE_ICON: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"/>',
    "README.md": README,
}
"""The files of it that are not the project's own."""

OWN = ("CMakeLists.txt", "LICENSE", LISTS, CATALOGUE_ENTRY)
"""The files that it has from the project."""

Spoil = Callable[[Path], None]


def sound_tree(root: Path) -> Path:
    """Build it; returns the root."""
    for path in OWN:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / path, root / path)
    for path, text in SOURCES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    draw(root / "Resources" / "VISTA3DSegment.png", 128, 128)
    draw(root / "Resources" / "page.png", 320, 320)
    for name in SCREENSHOTS:
        draw(root / "Resources" / "Screenshots" / f"{name}.png", 320, 480)
    list_files(root)
    return root


def list_files(root: Path) -> None:
    """Put the lists of the module right."""
    (root / LISTS).write_text(rewritten(Tree(root)), encoding="utf-8")


def draw(path: Path, width: int, height: int, blank: bool = False) -> None:
    """A PNG of noise, or of one grey."""
    shape = (height, width, 3)
    values = np.full(shape, 200) if blank else np.random.default_rng(1).integers(0, 256, shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(values.astype(np.uint8), isVector=True), path)


def replaced(path: str, old: str, new: str) -> Spoil:
    """Changes a passage of a file, which must be there."""

    def spoil(root: Path) -> None:
        text = (root / path).read_text(encoding="utf-8")
        assert old in text
        (root / path).write_text(text.replace(old, new), encoding="utf-8", newline="")

    return spoil


def added(path: str, text: str) -> Spoil:
    """Adds lines at the end of a file, which need not be there, and lists it."""

    def spoil(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        with (root / path).open("a", encoding="utf-8") as file:
            file.write(text)
        list_files(root)

    return spoil


def removed(path: str) -> Spoil:
    return lambda root: (root / path).unlink()


def holding(path: str, content: bytes) -> Spoil:
    """Writes a file."""

    def spoil(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)

    return spoil


def drawn(path: str, width: int, height: int, blank: bool = False) -> Spoil:
    return lambda root: draw(root / path, width, height, blank)
