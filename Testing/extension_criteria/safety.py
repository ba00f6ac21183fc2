"""What the code does to a computer: when it imports, installs, connects, listens and unpickles."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator

from .criterion import Criterion
from .syntax import (
    Function,
    aliases,
    calls,
    constants,
    dotted,
    files_of,
    imported_at_import,
    run_at_import,
    strings_in,
)
from .tree import LIBRARY, MODULE_FILE, MODULE_FOLDER, Tree, UnreadableError
from .words import words

HOST_MODULES = words(
    """slicer vtk vtkmodules numpy qt ctk SimpleITK mrml SampleData SegmentEditorEffects
    MRMLCorePython vtkSegmentationCorePython vtkSlicerSegmentationsModuleLogicPython"""
)
"""What is in Slicer before any package is installed."""

ACTS = re.compile(
    r"(^|\.)(pip_\w+|urlopen|urlretrieve|downloadFile|downloadAndExtractArchive|downloadFromURL|downloadSample\w*|"
    r"installTorch|launchConsoleProcess|executePythonModule|create_connection|Popen)$"
    r"|^os\.(system|popen|startfile|(exec|spawn|posix_spawn)\w*)$"
    r"|^(subprocess|socket|requests|httpx|urllib\.request|http\.client|ftplib|smtplib)\."
)
"""Calls that connect, install or start a program."""

CONNECTS = words(
    "urllib.request urllib3 http.client requests httpx aiohttp ftplib smtplib telnetlib websocket websockets paramiko"
)
SERVES = ("aiohttp.web",)
FETCHES = re.compile(r"(^|\.)(downloadFile|downloadAndExtractArchive|downloadFileIntoCache)$")
MAY_CONNECT = (f"{MODULE_FOLDER}/{LIBRARY}/models/transfer.py",)
"""The only file that fetches: a model, after its licence was accepted."""

STORE = f"{MODULE_FOLDER}/{LIBRARY}/models/store.py"
LOCAL = ("127.0.0.1", "localhost")
LISTENS = re.compile(
    r"(^|\.)(bind|listen|TCPServer|UDPServer|HTTPServer|ThreadingHTTPServer|create_server|start_server)$"
)
TORCH = re.compile(r"^(torch|torchvision|torchaudio)\s*(\[.*\])?\s*([<>=!~;@,].*)?$")
SPARED_BY_PIP = ("skip_packages", "constraints", "requester")


def module_imports_what_slicer_has(tree: Tree) -> Iterator[str]:
    if not tree.has(MODULE_FILE):
        raise UnreadableError(f"{MODULE_FILE} is not there")
    seen, waiting = set[str](), [*tree.face_files]
    while waiting:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        for line, name in imported_at_import(tree.parsed(path), path):
            root = name.partition(".")[0]
            own = [*files_of(tree, name)]
            waiting += own
            if not own and root not in HOST_MODULES and root not in sys.stdlib_module_names and root != LIBRARY:
                yield f"{path}:{line} imports {name}"


def import_does_nothing(tree: Tree) -> Iterator[str]:
    for path in tree.sources:
        module = tree.parsed(path)
        known = aliases(module)
        for node in run_at_import(module):
            if isinstance(node, ast.Call) and ACTS.search(dotted(node.func, known)):
                yield f"{path}:{node.lineno} calls {dotted(node.func, known)} when it is imported"


def torch_comes_by_the_pytorch_extension(tree: Tree) -> Iterator[str]:
    files = [path for path in tree.below(MODULE_FOLDER, ".txt") if "requirements" in path]
    torch_is_required = any(TORCH.match(line.strip()) for path in files for line in tree.text(path).splitlines())
    for path in tree.sources:
        module = tree.parsed(path)
        named, known = constants(module), aliases(module)
        for call in calls(module):
            words = {word for argument in _given_to_pip(call) for text in strings_in(argument, named)
                     for word in (text, *text.split())}  # fmt: skip
            is_pip = re.search(r"(^|\.)pip_\w+$", dotted(call.func, known)) or {"pip", "install"} <= words
            reads_file = "-r" in words or any("load_requirements" in dotted(inner.func, known) for inner in calls(call))
            if is_pip and reads_file and torch_is_required and not _skips_torch(call, named):
                yield f"{path}:{call.lineno} installs a file of requirements that names torch, without skipping it"
            if is_pip and any(TORCH.match(word) for word in words):
                yield f"{path}:{call.lineno} installs torch by pip"


def weights_are_read_as_tensors_only(tree: Tree) -> Iterator[str]:
    for path in tree.sources:
        module = tree.parsed(path)
        known = aliases(module)
        for call in calls(module):
            name = dotted(call.func, known)
            given = {keyword.arg: keyword.value for keyword in call.keywords}
            if name == "torch.load" and not _is_true(given.get("weights_only")):
                yield f"{path}:{call.lineno} calls torch.load without weights_only=True"
            if name == "numpy.load" and _is_true(given.get("allow_pickle")):
                yield f"{path}:{call.lineno} lets numpy.load unpickle"


def nothing_listens_beyond_this_computer(tree: Tree) -> Iterator[str]:
    for path in tree.sources:
        module = tree.parsed(path)
        known, named = aliases(module), constants(module)
        for node in ast.walk(module):
            if isinstance(node, Function):
                yield from (f"{path}:{node.lineno} {node.name}() has host={host!r} by default"
                            for host in _default_hosts(node, named) if host not in LOCAL)  # fmt: skip
            elif isinstance(node, ast.Call):
                yield from (f"{path}:{node.lineno} listens on {host!r}"
                            for host in _hosts_given(node, known, named) if host not in LOCAL)  # fmt: skip
            elif isinstance(node, ast.Constant) and node.value in ("0.0.0.0", "::"):
                yield f"{path}:{node.lineno} names the address {node.value}"


def only_downloads_connect(tree: Tree) -> Iterator[str]:
    for path in tree.sources:
        if path in MAY_CONNECT:
            continue
        module = tree.parsed(path)
        known = aliases(module)
        for node in ast.walk(module):
            names = []
            if isinstance(node, ast.Import):
                names = [name.name for name in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [
                    name for name in (f"{node.module}.{member.name}" for member in node.names) if name not in SERVES
                ]
                names += [node.module] if names else []
            elif isinstance(node, ast.Call) and FETCHES.search(dotted(node.func, known)):
                yield f"{path}:{node.lineno} calls {dotted(node.func, known)}"
            yield from (f"{path}:{node.lineno} imports {name}" for name in names if name in CONNECTS)


def downloads_ask_first(tree: Tree) -> Iterator[str]:
    functions = {node.name: node for node in tree.parsed(STORE).body if isinstance(node, Function)}
    if "download" not in functions:
        raise UnreadableError(f"{STORE} has no function download")
    asked = functions["download"].args
    required = [argument.arg for argument in asked.args[: len(asked.args) - len(asked.defaults)]]
    if "ask" not in required or not any(dotted(call.func, {}) == "ask" for call in calls(functions["download"])):
        yield f"download() in {STORE} does not ask whether the licence is accepted"


def _given_to_pip(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg not in SPARED_BY_PIP)]


def _skips_torch(call: ast.Call, named: dict[str, str]) -> bool:
    skipped = [keyword.value for keyword in call.keywords if keyword.arg == "skip_packages"]
    return any("torch" in strings_in(argument, named) for argument in skipped)


def _default_hosts(function: Function, named: dict[str, str]) -> Iterator[str]:
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    pairs = [
        *zip(positional[len(positional) - len(given.defaults) :], given.defaults, strict=True),
        *zip(given.kwonlyargs, given.kw_defaults, strict=True),
    ]
    for argument, default in pairs:
        if argument.arg == "host" and default:
            yield from strings_in(default, named)


def _hosts_given(call: ast.Call, known: dict[str, str], named: dict[str, str]) -> Iterator[str]:
    for keyword in call.keywords:
        if keyword.arg == "host" and isinstance(keyword.value, ast.Constant | ast.Name):
            yield from strings_in(keyword.value, named)
    if LISTENS.search(dotted(call.func, known)) and call.args and isinstance(call.args[0], ast.Tuple):
        yield from strings_in(call.args[0].elts[0], named)


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


CRITERIA = (
    Criterion(1, "the module imports only what is in Slicer", module_imports_what_slicer_has),
    Criterion(1, "no import connects, installs or starts a program", import_does_nothing),
    Criterion(1, "torch comes by the PyTorch extension, never by pip", torch_comes_by_the_pytorch_extension),
    Criterion(1, "weights are read as tensors only", weights_are_read_as_tensors_only),
    Criterion(1, "nothing listens beyond 127.0.0.1 by default", nothing_listens_beyond_this_computer),
    Criterion(1, "only the download of models connects", only_downloads_connect),
    Criterion(3, "no weights are downloaded before their licence is accepted", downloads_ask_first),
)
