"""What of ``slicer.util`` is changed: dialogs are noted and answered by the test; nothing is installed or fetched."""

# ruff: noqa: N803 (the names are those of Qt and of Slicer)

from __future__ import annotations

import logging
import types
from typing import Any

import slicer

from . import choice, messages
from .installs import recorded


def install() -> None:
    """Change ``slicer.util``, and take from ``slicer`` the functions that only slicer-core puts there."""
    import slicer.util as util

    for name, value in list(vars(util).items()):
        if name in vars(slicer) and isinstance(value, type | types.FunctionType) and value.__module__ == util.__name__:
            delattr(slicer, name)
    util._messageDisplay = message_display
    util.messageBox = message_box
    util.delayDisplay = delay_display
    util.pip_install = recorded("pip_install")
    util.pip_uninstall = recorded("pip_uninstall")
    util.downloadFile = refuse_download


KINDS = {logging.INFO: "information", logging.WARNING: "warning", logging.ERROR: "error"}


def message_display(
    level: int,
    text: str,
    testing_answer: Any,
    mainWindowNeeded: bool = False,
    parent: Any = None,
    windowTitle: str | None = None,
    **options: Any,
) -> Any:
    """Log a message and note it; a question is answered from ``host.answers``.

    Without an answer, while testing, Slicer returns True where it then compares with a button: nothing is confirmed.
    """
    import qt
    import slicer.util as util

    logging.log(level, text)
    title = windowTitle or f"{slicer.app.applicationName} {KINDS[level]}"
    detail = options.get("detailedText", "")
    if testing_answer is None:
        if mainWindowNeeded and not messages.testing and util.mainWindow() is None:
            return None
        messages.tell(KINDS[level], text, title, detail)
        return None if messages.testing else qt.QMessageBox.Ok
    if messages.testing and not messages.answers:
        return messages.tell("question", text, title, detail, testing_answer)
    return answered(messages.ask("question", text, title, detail), options.get("standardButtons"))


def answered(answer: Any, buttons: Any) -> Any:
    """Return the button that an answer means: yes is the first of Ok, Yes and Retry that is offered."""
    import qt

    box = qt.QMessageBox
    offered = [b for b in (box.Ok, box.Yes, box.Retry) if buttons is not None and int(buttons) & int(b)]
    if isinstance(answer, bool):
        return (offered or [box.Ok])[0] if answer else box.Cancel
    return answer


def message_box(text: str, parent: Any = None, **options: Any) -> Any:
    """Show a message in a box, which closes by itself."""
    import qt

    messages.tell("box", text, options.get("windowTitle", ""), options.get("detailedText", ""))
    return qt.QMessageBox.Ok


def delay_display(message: str, autoCloseMsec: int = 1000, parent: Any = None, **options: Any) -> None:
    """Note a message that goes away by itself, without waiting."""
    logging.info(message)
    messages.tell("delay", message)
    slicer.app.processEvents()


def refuse_download(url: str, targetFilePath: str, *rest: Any, **options: Any) -> None:
    """Nothing is downloaded in a test: replace ``slicer.util.downloadFile`` where a test needs a file."""
    raise AssertionError(f"The stand-in downloads nothing: {url}")


def has_packaging() -> bool:
    """Tell whether the played Slicer has ``slicer.packaging``."""
    return choice.SLICER >= (5, 12)
