"""``models``: the weights on this machine. Nothing is downloaded unasked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from ..errors import ModelError
from ..models import store
from ..models.registry import KnownModel
from .collaborators import Collaborators, collaborators_of
from .options import JsonOption
from .progress import byte_progress

app = typer.Typer(no_args_is_help=True, help="List, download, add, verify and remove models.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A name of: vista3dsegment models list.")]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A .safetensors, .pt, .pth or .bin file.")]
NameOption = Annotated[str | None, typer.Option("--name", help="What to call it; else its known or its own name.")]
VocabularyOption = Annotated[
    Path | None,
    typer.Option("--vocabulary", metavar="merges.txt", help="For SegVol: the vocabulary that free text needs."),
]
AcceptOption = Annotated[
    bool, typer.Option("--accept-licence", help="You have read the licence and accept it: do not ask.")
]


def megabytes(size_bytes: int | None) -> str:
    """A size for people."""
    return "" if size_bytes is None else f"{size_bytes / 1e6:.1f} MB"


def size_bytes(model: store.ListedModel) -> int | None:
    """Of its file, here or as it is published; None: not known."""
    if model.path:
        return model.path.stat().st_size
    return model.known.size_bytes if model.known else None


def document_of(model: store.ListedModel) -> dict[str, Any]:
    """A model for other programs; null where nothing is known."""
    known = model.known
    return {
        "name": model.name,
        "path": str(model.path) if model.path else None,
        "lacks_vocabulary": bool(model.file and model.file.lacks_vocabulary),
        "system": model.system or None,
        "size_bytes": size_bytes(model),
        "modality": known.modality if known else None,
        "licence": known.licence.name if known else None,
        "title": known.title if known else None,
    }


@app.command("list")
def list_(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the known models and your own, and which of them are on this machine."""
    with_what = collaborators_of(context)
    if as_json:
        with_what.say(json.dumps([document_of(model) for model in store.list_models()], indent=1))
        return
    table = Table("name", "here", "system", "size", "for", "licence", "what it is", box=None, pad_edge=False)
    for model in store.list_models():
        known = model.known
        table.add_row(
            model.name,
            "no" if model.file is None else "yes, but no vocabulary" if model.file.lacks_vocabulary else "yes",
            model.system,
            megabytes(size_bytes(model)),
            known.modality if known else "",
            known.licence.name if known else "",
            known.title if known else "your own",
        )
    with_what.out.print(table)
    with_what.say(
        "\nVISTA3D finds classes and takes clicks: segment, refine. SegVol takes text, box and points: prompt."
    )


@app.command()
def download(context: typer.Context, name: NameArgument, accept_licence: AcceptOption = False) -> None:
    """Download a model after showing its licence; a broken download is continued."""
    with_what = collaborators_of(context)

    def ask(model: KnownModel) -> bool:
        show_licence(with_what, model)
        return accept_licence or confirm(with_what, model)

    with byte_progress(with_what.err, f"Downloading {name}") as on_bytes:
        file = store.download(name, ask, on_bytes)
    with_what.say(f"The model {name} is here: {file.path}")


def show_licence(with_what: Collaborators, model: KnownModel) -> None:
    """What would be downloaded, from where, and under which terms."""
    with_what.say(f"{model.title}, from {model.source} ({megabytes(model.size_bytes) or 'size unknown'})")
    with_what.say(f"Licence of the weights: {model.licence.name}. {model.licence.summary}")
    with_what.say(f"Its text: {model.licence.url}")


def confirm(with_what: Collaborators, model: KnownModel) -> bool:
    """Ask the person at the terminal.

    Raises:
        ModelError: there is nobody to ask.
    """
    if not with_what.out.is_terminal:
        raise ModelError(
            f"Nobody is here to accept the licence of {model.name}.",
            "Read it, then run the command again with --accept-licence.",
        )
    return typer.confirm("Download it and accept this licence?", default=False)


@app.command()
def add(
    context: typer.Context, file: FileArgument, name: NameOption = None, vocabulary: VocabularyOption = None
) -> None:
    """Import a file of weights, without a network."""
    added = store.add(file, name, vocabulary)
    with_what = collaborators_of(context)
    with_what.say(f"Added {added.path.stem}: {added.path}")
    if added.known:
        with_what.say(f"Licence of the weights: {added.known.licence.name}. {added.known.licence.summary}")
    if added.lacks_vocabulary:
        with_what.note(
            "It has no vocabulary yet, so it understands only the texts that it was trained with. "
            "Add it again with --vocabulary merges.txt, which is published beside it."
        )


@app.command()
def verify(context: typer.Context, name: NameArgument) -> None:
    """Read a model again and compare it with what it should be."""
    file = store.verify(name)
    collaborators_of(context).say(f"{name} is intact: SHA-256 {file.sha256}")


@app.command()
def remove(context: typer.Context, name: NameArgument) -> None:
    """Delete a model from this machine."""
    store.remove(name)
    collaborators_of(context).say(f"Removed {name}.")
