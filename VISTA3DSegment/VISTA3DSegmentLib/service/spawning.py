"""Starting a child process from any program, also from one in which Python is embedded."""

from __future__ import annotations

import multiprocessing
import sys
from multiprocessing.context import SpawnProcess
from typing import Any


def start(python: str | None, target: Any, arguments: tuple[Any, ...], name: str) -> SpawnProcess:
    """Start a process that runs a function.

    Args:
        python: the interpreter to run; None: this one, and ``target`` may lie in the script that it runs. With another
            one that script is none of the child's business: in desktop Slicer it is a part of the application, which
            a process without the application could not import.
        target: what it runs.
        arguments: of the function.
        name: of the process.
    """
    context = multiprocessing.get_context("spawn")
    main = vars(sys.modules["__main__"])
    hidden: dict[str, Any] = {}
    if python is not None:
        context.set_executable(python)
        hidden = {key: main.pop(key) for key in ("__file__", "__spec__") if key in main}
        main["__spec__"] = None
    process = context.Process(target=target, args=arguments, daemon=True, name=name)
    try:
        process.start()
    finally:
        main.update(hidden)
    return process
