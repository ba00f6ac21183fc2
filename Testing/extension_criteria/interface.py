"""What people see in Slicer: texts that can be translated, Slicer's own style, the parts of a scripted module."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from xml.etree import ElementTree

from .criterion import Criterion
from .syntax import REGISTERING, Function, aliases, calls, constants, dotted
from .tree import DESKTOP, MODULE_FILE, MODULE_FOLDER, NAME, Tree, UnreadableError
from .words import words

TRANSLATES = ("_", "tr", "translate")
TRANSLATED_BY = ("slicer.i18n.tr", "slicer.i18n.translate")

SHOWN_FIRST = words(
    """setText setToolTip setStatusTip setWhatsThis setWindowTitle setTitle setPlaceholderText setInformativeText
    setDetailedText setLabelText setPrefix setSuffix setAccessibleName setAccessibleDescription setHeaderLabels
    setHorizontalHeaderLabels setVerticalHeaderLabels setHeaderLabel setSpecialValueText addItem addItems addAction
    addMenu addRow addSection addButton setItemText setTabText setItemToolTip setEmptyText setSummary showMessage
    showStatusMessage tryWithErrorDisplay addLabeledOptionsWidget addTab insertItem insertTab setHeaderData
    QLabel QPushButton QToolButton QCheckBox QRadioButton QGroupBox QAction QMenu QTableWidgetItem QTreeWidgetItem
    QListWidgetItem QStandardItem QDockWidget ctkCollapsibleButton ctkMenuButton ctkPushButton ctkExpandButton"""
)
"""Methods and classes whose text arguments people read."""

SHOWN_ALL = words(
    """infoDisplay warningDisplay errorDisplay messageBox confirmOkCancelDisplay confirmYesNoDisplay
    confirmRetryCloseDisplay createProgressDialog information warning critical question about getText getItem getInt
    getDouble getOpenFileName getOpenFileNames getSaveFileName getExistingDirectory"""
)
"""Functions that open a window."""

SHOWN_KEYWORDS = words("text title windowTitle labelText toolTip detailedText message label caption")
SHOWN_PROPERTIES = words(
    """text title toolTip statusTip whatsThis windowTitle placeholderText informativeText detailedText prefix suffix
    accessibleName helpText acknowledgementText labelText"""
)
SHOWN_IN_UI = SHOWN_PROPERTIES | {"specialValueText"}
NAMES_OF_DIALOGS = ("QMessageBox", "QInputDialog", "QFileDialog", "slicer.util", "util")
GENERIC = words("information warning critical question about getText getItem getInt getDouble")
"""Words that other objects than dialogs have too, a logger for one."""

LETTERS = re.compile(r"[^\W\d_]{2,}")
FORMATS = re.compile(
    r"\{[^}]*\}|%[sd]|<[^>]+>|&\w+;|\b(mm|ml|GB|MB|HU|RAS|CT|MR|Dice|VISTA3D\w*|NVIDIA|MONAI|PyTorch|CUDA)\b"
)
"""What is not a word of a language: places to fill, HTML, units and names."""


def texts_are_translated(tree: Tree) -> Iterator[str]:
    for path in _faces(tree):
        module = tree.parsed(path)
        named = constants(module)
        for line, shown in _shown(module):
            for text in untranslated(shown, named):
                yield f"{path}:{line} shows {text!r} without _()"
        known = aliases(module)
        for call in calls(module):
            if isinstance(call.func, ast.Name) and call.func.id in TRANSLATES:
                if known.get(call.func.id) not in TRANSLATED_BY:
                    yield f"{path}:{call.lineno} calls {call.func.id}(), which is not Slicer's"
                if any(not _is_plain(argument) for argument in call.args):
                    yield f"{path}:{call.lineno} translates what is not a plain text; fill in with .format() afterwards"
    for path in tree.below(MODULE_FOLDER, ".ui"):
        for text in _kept_from_translators(tree, path):
            yield f"{path} shows {text!r} as not to be translated"


def untranslated(node: ast.expr, named: dict[str, str]) -> Iterator[str]:
    """The texts in a language that reach the reader of an expression's value without having passed ``_()``."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str) and LETTERS.search(FORMATS.sub(" ", node.value)):
            yield node.value
    elif isinstance(node, ast.Name):
        if node.id in named:
            yield from untranslated(ast.Constant(named[node.id]), {})
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            yield from untranslated(part.value if isinstance(part, ast.FormattedValue) else part, named)
    elif isinstance(node, ast.BinOp | ast.BoolOp | ast.IfExp | ast.List | ast.Tuple | ast.Starred):
        test = node.test if isinstance(node, ast.IfExp) else None
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.expr) and inner is not test:
                yield from untranslated(inner, named)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "join"):
        for inner in (node.func.value, *node.args, *(keyword.value for keyword in node.keywords)):
            yield from untranslated(inner, named)


def nothing_has_a_style_of_its_own(tree: Tree) -> Iterator[str]:
    for path in tree.sources:
        for node in ast.walk(tree.parsed(path)):
            if isinstance(node, ast.Attribute) and node.attr in ("setStyleSheet", "styleSheet"):
                yield f"{path}:{node.lineno} sets a style sheet"
            elif isinstance(node, ast.Constant) and node.value == "styleSheet":
                yield f"{path}:{node.lineno} sets the property styleSheet"
    for path in tree.below(MODULE_FOLDER, ".ui"):
        if any(element.get("name") == "styleSheet" for element in _ui(tree, path).iter("property")):
            yield f"{path} sets a style sheet"


def module_has_its_classes(tree: Tree) -> Iterator[str]:
    classes = {node.name: node for node in tree.parsed(MODULE_FILE).body if isinstance(node, ast.ClassDef)}
    wanted = {
        NAME: "ScriptedLoadableModule",
        f"{NAME}Widget": "ScriptedLoadableModuleWidget",
        f"{NAME}Logic": "ScriptedLoadableModuleLogic",
        f"{NAME}Test": "ScriptedLoadableModuleTest",
    }
    for name, base in wanted.items():
        if name not in classes:
            yield f"{MODULE_FILE} has no class {name}"
        elif base not in [dotted(parent, {}).rpartition(".")[2] for parent in classes[name].bases]:
            yield f"{name} is not a {base}"


def logic_has_no_widgets(tree: Tree) -> Iterator[str]:
    tree.content(MODULE_FILE)
    for path in tree.module_files:
        for node in ast.walk(tree.parsed(path)):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Logic"):
                yield from (
                    f"{path}:{inner.lineno} {node.name} uses {inner.id}"
                    for inner in ast.walk(node)
                    if isinstance(inner, ast.Name) and inner.id in ("qt", "ctk")
                )


def samples_are_registered(tree: Tree) -> Iterator[str]:
    tree.content(MODULE_FILE)
    found = [call for path in tree.face_files for call in calls(tree.parsed(path))
             if dotted(call.func, {}).rpartition(".")[2] == REGISTERING]  # fmt: skip
    if not found:
        yield f"neither the module nor {DESKTOP} calls {REGISTERING}()"


def _faces(tree: Tree) -> tuple[str, ...]:
    if not tree.has(MODULE_FILE):
        raise UnreadableError(f"{MODULE_FILE} is not there")
    return tree.face_files


def _shown(module: ast.Module) -> Iterator[tuple[int, ast.expr]]:
    """Line and expression of each value that people read."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            yield from ((node.lineno, shown) for shown in _arguments_shown(node))
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Attribute) and target.attr in SHOWN_PROPERTIES for target in targets):
                yield node.lineno, node.value
        elif isinstance(node, Function) and node.name == "helpText":  # of an effect
            yield from (
                (inner.lineno, inner.value) for inner in ast.walk(node) if isinstance(inner, ast.Return) and inner.value
            )


def _arguments_shown(call: ast.Call) -> Iterator[ast.expr]:
    owner, _, name = dotted(call.func, {}).rpartition(".")
    if name in SHOWN_ALL and (name not in GENERIC or owner.endswith(NAMES_OF_DIALOGS)):
        yield from call.args
    elif name in SHOWN_FIRST:
        # An icon, an index or a widget may stand before the text; what follows the text is data, a parent or a slot.
        texts = [argument for argument in call.args if not _is_no_text(argument)]
        yield from texts[:1]
    else:
        return
    yield from (keyword.value for keyword in call.keywords if keyword.arg in SHOWN_KEYWORDS)


def _is_no_text(argument: ast.expr) -> bool:
    if isinstance(argument, ast.Constant):
        return not isinstance(argument.value, str)
    name = dotted(argument.func if isinstance(argument, ast.Call) else argument, {}).rpartition(".")[2]
    return bool(re.search(r"(^Q(Icon|Pixmap|Widget)$|[iI]con$|[wW]idget$|[iI]ndex$|^[ij]$|^row$|^column$)", name))


def _is_plain(argument: ast.expr) -> bool:
    return isinstance(argument, ast.Constant) and isinstance(argument.value, str)


def _ui(tree: Tree, path: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(tree.text(path))
    except ElementTree.ParseError as error:
        raise UnreadableError(f"{path} is not XML ({error})") from error


def _kept_from_translators(tree: Tree, path: str) -> Iterator[str]:
    for element in _ui(tree, path).iter():
        if element.tag in ("property", "attribute") and element.get("name") in SHOWN_IN_UI:
            for text in element.iter("string"):
                if text.get("notr") == "true" and LETTERS.search(FORMATS.sub(" ", text.text or "")):
                    yield text.text or ""


CRITERIA = (
    Criterion(3, "the module has the classes of a scripted module", module_has_its_classes),
    Criterion(3, "the module's logic has no widgets", logic_has_no_widgets),
    Criterion(3, "every text that people read can be translated", texts_are_translated),
    Criterion(3, "nothing has a style of its own", nothing_has_a_style_of_its_own),
    Criterion(3, "the sample is registered with Sample Data", samples_are_registered),
)
