"""What is shown to the user in dialogs, and what the user of a test answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

shown: list[Message] = []
"""Every message and question so far, oldest first."""

answers: list[Any] = []
"""What the user will answer to the next questions, oldest first: True, False, a button, a text or a path."""

testing = True
"""What ``slicer.app.testingEnabled()`` says."""


@dataclass
class Message:
    """One dialog: of which kind, with what text, and what it answered."""

    kind: str
    text: str
    title: str = ""
    detail: str = ""
    answer: Any = None


def ask(kind: str, text: str, title: str = "", detail: str = "", otherwise: Any = None) -> Any:
    """Note a dialog and return its answer: the next of ``answers``, or what it answers by itself while testing.

    Raises:
        AssertionError: outside of testing nobody would answer, and the dialog would stand for ever.
    """
    message = Message(kind, str(text), str(title), str(detail))
    shown.append(message)
    if answers:
        message.answer = answers.pop(0)
    elif testing:
        message.answer = otherwise
    else:
        raise AssertionError(f"A dialog waits for an answer, and host.answers has none: {text!r}")
    return message.answer


def tell(kind: str, text: str, title: str = "", detail: str = "", answer: Any = None) -> Any:
    """Note a message that asks nothing, and return ``answer``."""
    shown.append(Message(kind, str(text), str(title), str(detail), answer))
    return answer
