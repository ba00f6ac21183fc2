"""What an automatic run can be asked for: presets and structures, as a list to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..anatomy import PRESETS, class_called, class_of, expand, parse_classes
from ..errors import PromptError

PRESET = "preset:"


@dataclass
class Choice:
    """Something that can be chosen in a field.

    Args:
        value: what is meant.
        title: what is read.
        subtitle: other words for it, which find it too.
    """

    value: str
    title: str
    subtitle: str = ""


def presets(known: Sequence[int]) -> list[Choice]:
    """The presets of which a model knows something.

    Args:
        known: ids of the classes that the model knows.
    """
    return [
        Choice(f"{PRESET}{name}", name.replace("-", " "), f"{len(set(ids) & set(known))} structures")
        for name, ids in PRESETS.items()
        if set(ids) & set(known)
    ]


def structures(known: Sequence[int]) -> list[Choice]:
    """The structures that a model knows, with their synonyms; what is chosen is their ids."""
    return [Choice(str(row.id), row.name, ", ".join(row.synonyms)) for row in map(class_of, known)]


def texts(named: Sequence[str], known: Sequence[int]) -> list[Choice]:
    """The structures that can be asked for in words, with other words for them.

    Args:
        named: what a model of texts was trained with; these come first.
        known: ids of the classes that another model knows.
    """
    first = [Choice(text, text, _synonyms(meant_class(text))) for text in sorted(named)]
    others = [row.title for row in structures(known) if not is_among(row.title, named)]
    return [*first, *(Choice(title, title, _synonyms(meant_class(title))) for title in others)]


def meant_class(words: str) -> int | None:
    """The class that words mean; None: none, or several."""
    try:
        return class_called(words)
    except PromptError:
        return None


def is_among(words: str, named: Sequence[str]) -> bool:
    """Whether words are one of those that a model was trained with, or mean a class of which it was trained with the
    name."""
    class_id, spelled = meant_class(words), {_spelled(text) for text in named}
    return _spelled(words) in spelled or (class_id is not None and class_of(class_id).name.lower() in spelled)


def classes_of(values: Iterable[str]) -> tuple[int, ...]:
    """The ids that chosen values mean, each once.

    Raises:
        PromptError: a value that means nothing.
    """
    return tuple(dict.fromkeys(n for value in values for n in _meant(value)))


def named(name: str, known: Sequence[int]) -> tuple[str, int | None]:
    """What a person means who types the name of a structure: the table's name and the class, if a model knows it.

    Args:
        name: as typed.
        known: ids of the classes that the model knows.
    """
    class_id = class_called(name)
    return (name, None) if class_id is None or class_id not in known else (class_of(class_id).name, class_id)


def _synonyms(class_id: int | None) -> str:
    return "" if class_id is None else ", ".join(class_of(class_id).synonyms)


def _spelled(words: str) -> str:
    return " ".join(words.replace("_", " ").lower().split())


def _meant(value: str) -> tuple[int, ...]:
    return PRESETS[value.removeprefix(PRESET)] if value.startswith(PRESET) else expand(parse_classes(value))
