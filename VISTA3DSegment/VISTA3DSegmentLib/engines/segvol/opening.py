"""From a name of weights and a wish for a device to a running engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import ModelError
from ...models import store
from ...models.registry import SEGVOL_SPECIFICATION
from ...models.segvol_texts import segvol_texts
from ...models.specification_fields import REMEDY
from ..choice import Choice, choose
from .backend import Backend, TorchBackend
from .engine import Options, SegVolEngine
from .network import SegVolNetwork
from .texts import Texts, text_tower
from .tokens import Tokenizer
from .weights import load_segvol


def open_segvol(weights: str | Path, device: str, precision: str, **options: Any) -> SegVolEngine:
    """See ``engines.open_engine``."""
    file = store.find(weights)
    published = file.for_segvol() or SEGVOL_SPECIFICATION
    choice = choose(device, precision)
    model = load_segvol(file.path, published, file.sha256)
    tower = text_tower(model.network)
    if model.table is not None:
        words = Texts(model.table, model.specification.texts)
    elif tower is None:
        raise ModelError(f"The model file {file.path.name} holds neither a text tower nor a table of texts.", REMEDY)
    else:
        ids = {text.name: text.ids for text in segvol_texts()}
        tokenizer = None if file.vocabulary is None else _tokenizer(file.vocabulary, model.shape.vocabulary)
        words = Texts(None, tuple(ids), ids, tower, tokenizer)
    backend = _backend(model.network, choice)
    return SegVolEngine(backend, model.specification, words, f"{model.sha256} {choice}", Options(**options))


def _backend(network: SegVolNetwork, choice: Choice) -> Backend:
    if choice.library == "torch":
        return TorchBackend(network, choice.device, choice.precision)
    from .openvino_backend import OpenVinoBackend

    return OpenVinoBackend(network, choice.precision)


def _tokenizer(path: Path, vocabulary: int) -> Tokenizer:
    tokenizer = Tokenizer.read(path)
    if tokenizer.size != vocabulary:
        raise ModelError(
            f"The vocabulary {path.name} has {tokenizer.size} tokens, the model's text tower {vocabulary}.",
            "Add the model again, with the merges.txt that was published beside it.",
        )
    return tokenizer
