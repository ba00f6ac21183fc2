"""Dialogs: nobody sits before the stand-in, so each is noted in ``messages`` and answered from there."""

# ruff: noqa: N801, N802 (the names are those of Qt and of Slicer)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6 import QtCore, QtWidgets
from PySide6.QtWidgets import QMessageBox

from .. import messages
from .plain import keeps


def ask_for_path(parent: QtWidgets.QWidget | None, title: str, filters: Sequence[str]) -> str:
    """Return the path that the user of a test gives, or nothing."""
    return str(messages.ask("file", title, detail="; ".join(filters), otherwise="") or "")


def ask_for_text(title: str, label: str, text: str) -> str | None:
    """Return the text that the user of a test types, or None where the dialog is cancelled."""
    answer = messages.ask("text", label, title, text, otherwise=None)
    return None if answer is None or answer is False else str(answer)


def box_answer(box: QMessageBox) -> int:
    """Run a message box: return the button that the user of a test presses, by name, by value or as yes or no."""
    standard = [box.standardButton(button) for button in box.buttons()] or [QMessageBox.StandardButton.Ok]
    yes = [b for b in standard if box.button(b) and box.buttonRole(box.button(b)) in ACCEPTING] or standard[:1]
    no = [b for b in standard if b not in yes] or standard[-1:]
    icon = {QMessageBox.Icon.Question: "question", QMessageBox.Icon.Warning: "warning"}.get(box.icon(), "information")
    answer = messages.ask(icon, box.text(), box.windowTitle(), box.detailedText(), otherwise=yes[0])
    if isinstance(answer, bool):
        answer = yes[0] if answer else no[0]
    if isinstance(answer, str):
        own = next((b for b in box.buttons() if b.text().replace("&", "") == answer), None)
        if own is None:
            raise AssertionError(f"The dialog has no button '{answer}': {[b.text() for b in box.buttons()]}")
        own.click()
        return int(box.standardButton(own).value)
    button = box.button(QMessageBox.StandardButton(int(getattr(answer, "value", answer))))
    if button is not None:
        button.click()
    return int(getattr(answer, "value", answer))


ACCEPTING = (QMessageBox.ButtonRole.AcceptRole, QMessageBox.ButtonRole.YesRole, QMessageBox.ButtonRole.ApplyRole)


@keeps(dontShowAgainSettingsKey="", dontShowAgainVisible=False, dontShowAgain=False)
class ctkMessageBox(QMessageBox):
    """A message box that can be told not to appear again."""

    def exec(self) -> int:  # type: ignore[override]
        """Run it, unless the settings say that it is not to appear."""
        key = self.dontShowAgainSettingsKey()
        if key:
            kept = QtCore.QSettings().value(key)
            if kept not in (None, "", 0, "0", False, "false"):
                standard = QMessageBox.StandardButton
                try:
                    return int(kept)
                except (TypeError, ValueError):
                    return int((standard.Yes if self.standardButtons() & standard.Yes else standard.Ok).value)
        result = box_answer(self)
        if key and self.dontShowAgain():
            QtCore.QSettings().setValue(key, result)
        return result


class RecordedMessageBox(QMessageBox):
    """QMessageBox, answered from ``messages``."""

    def exec(self) -> int:  # type: ignore[override]
        """Run it."""
        return box_answer(self)


RecordedMessageBox.__name__ = "QMessageBox"


class RecordedDialog(QtWidgets.QDialog):
    """QDialog: a modal run is noted; the user of a test may give a function that plays with the open dialog."""

    def exec(self) -> int:  # type: ignore[override]
        """Show it, let the answer be given, close it."""
        answer = messages.ask("dialog", self.windowTitle(), otherwise=False)
        if callable(answer):
            self.show()
            QtCore.QCoreApplication.processEvents()
            answer(self)
        else:
            self.done(int(QtWidgets.QDialog.DialogCode.Accepted.value if answer else 0))
        return self.result()


RecordedDialog.__name__ = "QDialog"


class RecordedFileDialog(QtWidgets.QFileDialog):
    """QFileDialog, whose questions are answered from ``messages``."""

    @staticmethod
    def getOpenFileName(parent: Any = None, title: str = "", folder: str = "", filters: str = "", *rest: Any) -> str:  # type: ignore[override]
        """Ask for one file that exists."""
        return ask_for_path(parent, title, [filters])

    @staticmethod
    def getSaveFileName(parent: Any = None, title: str = "", folder: str = "", filters: str = "", *rest: Any) -> str:  # type: ignore[override]
        """Ask for a file to be written."""
        return ask_for_path(parent, title, [filters])

    @staticmethod
    def getExistingDirectory(parent: Any = None, title: str = "", folder: str = "", *rest: Any) -> str:  # type: ignore[override]
        """Ask for a folder."""
        return ask_for_path(parent, title, [])

    @staticmethod
    def getOpenFileNames(
        parent: Any = None, title: str = "", folder: str = "", filters: str = "", *rest: Any
    ) -> list[str]:  # type: ignore[override]
        """Ask for files that exist."""
        answer = messages.ask("file", title, detail=filters, otherwise=())
        return [str(answer)] if isinstance(answer, str) else [str(path) for path in answer or ()]


RecordedFileDialog.__name__ = "QFileDialog"


class RecordedInputDialog(QtWidgets.QInputDialog):
    """QInputDialog, whose questions are answered from ``messages``."""

    @staticmethod
    def getText(parent: Any, title: str, label: str, mode: Any = None, text: str = "", *rest: Any) -> str:  # type: ignore[override]
        """Ask for a line; nothing where the dialog is cancelled."""
        return ask_for_text(title, label, text) or ""


RecordedInputDialog.__name__ = "QInputDialog"
