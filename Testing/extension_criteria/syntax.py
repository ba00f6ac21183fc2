"""What Python files do, read from their syntax trees, without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .tree import MODULE_FOLDER, Tree

Function = ast.FunctionDef | ast.AsyncFunctionDef
REGISTERING = "registerCustomSampleDataSource"


def aliases(module: ast.Module) -> dict[str, str]:
    """What the names that a file imports, anywhere in it, stand for: {"pip": "slicer.util.pip_install"}."""
    found: dict[str, str] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for name in node.names:
                found[name.asname or name.name.partition(".")[0]] = (
                    name.name if name.asname else name.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for name in node.names:
                found[name.asname or name.name] = f"{node.module}.{name.name}"
    return found


def dotted(node: ast.expr, known: dict[str, str]) -> str:
    """``slicer.util.pip_install`` of that expression; a part that is no name is a question mark."""
    if isinstance(node, ast.Name):
        return known.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value, known)}.{node.attr}"
    return "?"


def calls(node: ast.AST) -> Iterator[ast.Call]:
    return (inner for inner in ast.walk(node) if isinstance(inner, ast.Call))


def run_at_import(module: ast.Module) -> Iterator[ast.AST]:
    """Every node that runs when the file is imported: all but the bodies of functions and what only a type checker or a
    start as a program reads. Bodies of classes, decorators and default values do run."""
    waiting: list[ast.AST] = [*module.body]
    while waiting:
        node = waiting.pop(0)
        yield node
        if isinstance(node, Function):
            waiting += [*node.decorator_list, *node.args.defaults, *(d for d in node.args.kw_defaults if d)]
        elif isinstance(node, ast.Lambda):
            waiting += [*node.args.defaults, *(d for d in node.args.kw_defaults if d)]
        elif isinstance(node, ast.If) and _is_never_true_at_import(node.test):
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def constants(module: ast.Module) -> dict[str, str]:
    """The strings that a file gives a name to, outside of functions."""
    found: dict[str, str] = {}
    for node in run_at_import(module):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if isinstance(node.value.value, str):
                found |= {target.id: node.value.value for target in targets if isinstance(target, ast.Name)}
    return found


def strings_in(node: ast.AST, named: dict[str, str]) -> Iterator[str]:
    """Every string of an expression, also those behind a name."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value
        elif isinstance(inner, ast.Name) and inner.id in named:
            yield named[inner.id]


def imported_at_import(module: ast.Module, path: str) -> Iterator[tuple[int, str]]:
    """Line and absolute dotted name of every module (or member of one) that the import of a file imports."""
    package = path.removeprefix(f"{MODULE_FOLDER}/").split("/")[:-1]
    for node in run_at_import(module):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield node.lineno, origin
            yield from ((node.lineno, f"{origin}.{name.name}") for name in node.names if name.name != "*")


def files_of(tree: Tree, name: str) -> Iterator[str]:
    """The files of the tree that the import of an absolute dotted name runs: its packages, and itself."""
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        stem = "/".join([MODULE_FOLDER, *parts[:count]])
        yield from (path for path in (f"{stem}/__init__.py", f"{stem}.py") if path in tree.sources)


def registered_samples(tree: Tree) -> set[str]:
    """Names under which the extension registers samples with the Sample Data module, where they stand in its text."""
    names = set()
    for path in tree.face_files:
        module = tree.parsed(path)
        named = constants(module)
        for call in calls(module):
            if dotted(call.func, {}).rpartition(".")[2] == REGISTERING:
                for keyword in call.keywords:
                    if keyword.arg == "sampleName":
                        names |= set(strings_in(keyword.value, named))
    return names


def _is_never_true_at_import(test: ast.expr) -> bool:
    text = ast.unparse(test)
    return text in ("TYPE_CHECKING", "typing.TYPE_CHECKING") or ("__name__" in text and "__main__" in text)
