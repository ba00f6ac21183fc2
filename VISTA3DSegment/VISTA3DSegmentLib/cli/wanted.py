"""Which structures a person asked for, and which of them the model can answer."""

from __future__ import annotations

from dataclasses import dataclass

from ..anatomy import EVERYTHING, Kind, class_called, class_of, expand, find, names_of, parse_classes, preset
from ..errors import PromptError
from ..models.specification import ModelSpecification
from ..prompts import Structure

UNNAMED = "structure"
"""What a structure is called that only a box or points describe."""


@dataclass(frozen=True)
class Wanted:
    """What was asked for.

    Args:
        classes: ids without groups, in the order asked for.
        named: those of them that were named one by one: to leave one of these out is an error, not a notice.
    """

    classes: tuple[int, ...]
    named: frozenset[int] = frozenset()


def wanted_classes(classes: str | None, preset_name: str | None) -> Wanted | None:
    """Read ``--classes`` and ``--preset``; None with neither: all that the model knows of "everything".

    Raises:
        PromptError: both were given, or a word is not known.
    """
    if classes and preset_name:
        raise PromptError("Both --classes and --preset were given.", "Give one; a preset may stand among the classes.")
    if preset_name:
        return Wanted(expand(preset(preset_name)))
    if classes is None:
        return None
    ids: list[int] = []
    named: set[int] = set()
    for word in filter(str.strip, classes.split(",")):
        of_word = parse_classes(word)
        ids += of_word
        if len(of_word) == 1:
            named.update(expand(of_word) if class_of(of_word[0]).kind is not Kind.GROUP else ())
    return Wanted(expand(ids) or parse_classes(classes), frozenset(named))


def answerable(wanted: Wanted | None, model: ModelSpecification) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The classes that the model answers, and a notice about the others.

    Raises:
        PromptError: the model does not know a class that was named, or none of all.
    """
    known = frozenset(model.classes)
    if wanted is None:
        return tuple(class_id for class_id in EVERYTHING if class_id in known) or model.classes, ()
    missing = [class_id for class_id in wanted.classes if class_id not in known]
    refused = [class_id for class_id in missing if class_id in wanted.named] or (
        missing if len(missing) == len(wanted.classes) else []
    )
    if refused:
        raise PromptError(
            f"The model {model.name} does not know {names_of(refused)}.",
            "Choose another model with --model, or describe it by clicks with: vista3dsegment refine.",
        )
    notices = (f"The model {model.name} does not know {names_of(missing)}; left out.",) if missing else ()
    return tuple(class_id for class_id in wanted.classes if class_id in known), notices


def class_meant(words: str) -> int | None:
    """The one class that words mean; None: they mean none, or several, as "kidney"."""
    try:
        return class_called(words)
    except PromptError:
        return None


def structure_named(text: str | None, name: str | None) -> Structure:
    """The structure that SegVol is asked for.

    Args:
        text: what it is told, if anything: this says what the structure is.
        name: what the person calls it; this says it where the text means no class.
    """
    for words in filter(None, (text, name)):
        if (class_id := class_meant(words)) is not None:
            own_label = name is not None and class_meant(name) != class_id
            return Structure(name if name and own_label else class_of(class_id).name, class_id)
    return Structure(name or text or UNNAMED)


def structure_called(name: str, model: ModelSpecification, clicked: bool = True) -> tuple[Structure, str]:
    """The structure that clicks or a text are about, and a sentence that says how it is understood.

    A name of the table means that class, if the model knows it; any other name a new structure, which clicks alone
    describe.

    Args:
        name: as the person calls it.
        model: that is asked.
        clicked: there are clicks.

    Raises:
        PromptError: the name means several structures, or the model takes no clicks for it.
    """
    class_id = class_called(name)
    if clicked and not model.clicks:
        raise PromptError(f"The model {model.name} takes no clicks.", "Choose another model with --model.")
    if class_id is not None and class_id in model.classes:
        row = class_of(class_id)
        corrects = ": your clicks correct it" if clicked else ""
        return Structure(row.name, class_id), f"{name!r} is the class {row.name} ({row.id}){corrects}."
    if not model.zero_shot:
        raise PromptError(
            f"The model {model.name} does not know {name!r} and takes no new structures.",
            "Choose another model with --model.",
        )
    why = "no class of VISTA3D" if class_id is None else f"a class that the model {model.name} does not know"
    near = [row.name for row in find(name) if row.kind is not Kind.UNSUPPORTED][:3] if class_id is None else []
    hint = f" (Similar classes: {', '.join(near)}.)" if near else ""
    return Structure(name), f"{name!r} is {why}: a new structure, which your clicks alone describe.{hint}"
