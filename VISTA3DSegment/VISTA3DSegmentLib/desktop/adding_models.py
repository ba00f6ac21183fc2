"""Weights from a file, and the licence that the person accepts before they are used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from ..models import store
from ..models.identity import digest_of, may_be_recognised, recognised
from ..models.model_file import ModelFile
from ..models.registry import KnownModel
from ..models.vocabulary import PUBLISHED_NAME, vocabulary_beside
from .engine_choice import GROUP


def add_from_file(parent: Any, settings: Any) -> ModelFile | None:
    """Let the person choose a file of weights and import it; None: they do not want it.

    If it is a published model its licence is shown first, and its vocabulary is imported with it.

    Args:
        parent: the widget to which the dialogs belong.
        settings: QSettings of the application.

    Raises:
        ModelError, ResourceError: see ``store.add``.
    """
    chosen = qt.QFileDialog.getOpenFileName(parent, _("Weights"), "", _("Weights (*.safetensors *.pt *.pth *.bin)"))
    if not chosen:
        return None
    path = Path(chosen)
    known = recognised(digest_of(path)) if may_be_recognised(path) else None
    if known is not None and not accepts(known, _("Use it and accept this licence?"), settings):
        return None
    return store.add(path, vocabulary=None if known is None else _vocabulary_of(known, path, parent))


def accepts(model: KnownModel, question: str, settings: Any) -> bool:
    """Whether the person wants a model under its licence; the acceptance is remembered.

    Args:
        model: which.
        question: at the end of what is shown.
        settings: QSettings of the application.
    """
    licence = model.licence
    size = "" if model.size_bytes is None else f" ({model.size_bytes / 1e6:.0f} MB)"
    accepted = slicer.util.confirmOkCancelDisplay(
        _("{title}{size}, from {source}.\n\nLicence of the weights: {licence}. {summary}\n\nIts text: {url}\n\n"
          "{question}").format(
            title=model.title, size=size, source=model.source, licence=licence.name, summary=licence.summary,
            url=licence.url, question=question),
        windowTitle=_("Licence of {name}").format(name=model.name),
    )  # fmt: skip
    if accepted:
        settings.setValue(f"{GROUP}/accepted/{licence.name}", licence.url)
    return bool(accepted)


def _vocabulary_of(model: KnownModel, weights: Path, parent: Any) -> Path | None:
    """The vocabulary that lies beside weights, or that the person chooses; None: there is none, or it is not here."""
    if model.vocabulary is None:
        return None
    beside = vocabulary_beside(weights)
    if beside is not None or not slicer.util.confirmOkCancelDisplay(
        _(
            "With its vocabulary, the file {file} that is published beside these weights, the model understands any "
            "words; without it those that it was trained with. Choose that file?"
        ).format(file=PUBLISHED_NAME)
    ):
        return beside
    chosen = qt.QFileDialog.getOpenFileName(parent, _("Vocabulary"), str(weights.parent), _("Vocabulary (*.txt)"))
    return Path(chosen) if chosen else None
