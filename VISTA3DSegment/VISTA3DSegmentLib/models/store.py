"""The models on this machine: found, added, verified, removed, downloaded. Nothing is ever downloaded unasked."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TypeAlias

from ..errors import Cancelled, ModelError, ResourceError
from ..resources import resource
from .identity import (
    SUFFIXES,
    Digest,
    check_is,
    check_is_weights,
    digest_of,
    digest_while_copying,
    may_be_recognised,
    recognised,
)
from .model_file import ModelFile
from .registry import BY_NAME, KNOWN_MODELS, SYSTEMS, KnownModel, PublishedVocabulary, known
from .specification import ModelSpecification
from .transfer import OnBytes, Opener, Partial, check_room, complete, urllib_opener
from .vocabulary import SUFFIX as VOCABULARY_SUFFIX
from .vocabulary import check_is_vocabulary, vocabulary_beside

Ask: TypeAlias = Callable[[KnownModel], bool]
"""Shows a person what would be downloaded and under which licence; True if they want it and accept."""


@dataclass(frozen=True)
class ListedModel:
    """One line of the list of models.

    Args:
        name: what people type.
        known: what the registry knows of it; None for a model of one's own.
        file: what is on this machine; None: nothing.
    """

    name: str
    known: KnownModel | None
    file: ModelFile | None

    @property
    def path(self) -> Path | None:
        """The file of weights, None if it is not on this machine."""
        return self.file.path if self.file else None

    @property
    def system(self) -> str:
        """What people call the system that it is for; "" if nothing says it."""
        try:
            system = self.file.system if self.file else self.known.architecture if self.known else None
        except ModelError:
            return ""  # who uses it is told that its header is damaged, the list of all others still shows
        return SYSTEMS[system] if system else ""


def home() -> Path:
    """The folder of what this package keeps for its user; it may not exist yet."""
    if chosen := os.environ.get("VISTA3DSEGMENT_HOME"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "VISTA3DSegment"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "VISTA3DSegment"
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification says that a relative path is to be ignored.
    return (cache if cache.is_absolute() else Path.home() / ".cache") / "vista3dsegment"


def models_folder() -> Path:
    """The folder of the weights; it may not exist yet."""
    return home() / "models"


def find(name_or_path: str | Path) -> ModelFile:
    """The weights of a name or path.

    Args:
        name_or_path: a name of the registry or of an added model, or the path of a file (it has a suffix or a folder).

    Raises:
        ModelError: there is no such file, or the model is not on this machine; the sentence says how to get it.
        ResourceError: the installation lacks a model that comes with it.
    """
    if isinstance(name_or_path, Path) or _looks_like_a_path(name_or_path):
        return _at_path(Path(name_or_path).expanduser())
    name = name_or_path
    if (ours := BY_NAME.get(name)) and ours.comes_along:
        return ModelFile(resource(f"Models/{ours.name}/{ours.file}"), ours, ours.sha256)
    path = _stored(name)
    if path is None:
        raise _not_here(name)
    note = _note(name)
    origin = BY_NAME.get(str(note.get("known", name)))
    return ModelFile(path, origin, (origin.sha256 if origin else None) or note.get("sha256"), _vocabulary(name))


def add(file: Path, name: str | None = None, vocabulary: Path | None = None) -> ModelFile:
    """Import weights from a file, without a network.

    The file is copied, verified against the registry where that knows it, and its hash recorded.

    Args:
        file: a .safetensors, .pt, .pth or .bin file.
        name: what to call it; a name of the registry says that it is that file. None: the registry's name for it if its
            content is recognised, else the file's own name.
        vocabulary: the words of its text tower, as SegVol's "merges.txt".

    Raises:
        ModelError: no such file, no usable name, a name that is taken, or not the file that the registry means; a
            vocabulary that is none, or of which the model has no use.
        ResourceError: the disk is full or not writable.
    """
    if not file.is_file() or file.suffix.lower() not in SUFFIXES:
        raise ModelError(f"{file} is not a file of weights.", f"Give a file that ends in {', '.join(SUFFIXES)}.")
    check_is_weights(file, file.suffix.lower(), str(file))
    if name is not None:
        _check_name(name)
    temporary, digest = _copied(file)
    try:
        model = BY_NAME.get(name or "") or recognised(digest)
        name = name or (model.name if model else file.stem)
        _check_name(name)
        if model:
            check_is(model, digest, str(file))
        _check_not_taken(name, digest)
        if vocabulary is not None:
            _check_vocabulary(ModelFile(file, model), vocabulary)
        added = _install(temporary, name, file.suffix.lower(), digest, model, origin=file.name)
    finally:
        temporary.unlink(missing_ok=True)
    if vocabulary is None:
        return added
    copied, _ = _copied(vocabulary)
    return replace(added, vocabulary=_install_vocabulary(copied, name))


def verify(name: str) -> ModelFile:
    """Read a model's file again and compare it with what it should be.

    Returns:
        The file, with the hash that was computed.

    Raises:
        ModelError: it is not on this machine, or has changed.
    """
    file = find(name)
    digest = digest_of(file.path)
    if file.known:
        check_is(file.known, digest, str(file.path))
    if file.sha256 and file.sha256 != digest.sha256:
        raise ModelError(
            f"The file {file.path} has changed since it was stored.", "Remove the model and download or add it again."
        )
    if file.vocabulary:
        _check_vocabulary(file, file.vocabulary)
    return replace(file, sha256=digest.sha256)


def remove(name: str) -> None:
    """Delete a model, its vocabulary, what is noted about it, and an unfinished download of it.

    Raises:
        ModelError: nothing of it is in the store.
    """
    if (ours := BY_NAME.get(name)) and ours.comes_along:
        raise ModelError(f"The model {name} is a part of the installation and cannot be removed alone.")
    _check_name(name)
    belongings = [_stored(name), _note_path(name), _vocabulary(name)]
    if name in BY_NAME:
        model = BY_NAME[name]
        for partial in (_partial(model), _vocabulary_partial(model)):
            belongings += [partial.path, partial.note]
    there = [path for path in belongings if path and path.exists()]
    if not there:
        raise _not_here(name)
    for path in there:
        path.unlink()


def list_models() -> tuple[ListedModel, ...]:
    """Every model of the registry, then one's own, each with its file if it is on this machine."""
    registered = [ListedModel(model.name, model, _file_of(model)) for model in KNOWN_MODELS]
    paths = sorted(models_folder().glob("*")) if models_folder().is_dir() else []
    own = [
        _own(path)
        for path in paths
        if path.suffix in SUFFIXES and not path.name.startswith(".") and path.stem not in BY_NAME
    ]
    return tuple(registered + [ListedModel(file.path.stem, file.known, file) for file in own])


def download(name: str, ask: Ask, on_progress: OnBytes, opener: Opener = urllib_opener) -> ModelFile:
    """Download a model of the registry, verified and whole, or not at all; first its vocabulary, if it has one.

    A model that is here already is returned without a word. An unfinished download is continued, also without asking
    again; it may be broken off by raising from ``on_progress``.

    Args:
        name: of the registry.
        ask: called once, before the first byte.
        on_progress: told how many bytes are here, and how many there are.
        opener: opens a request.

    Raises:
        Cancelled: the person declined.
        ModelError: not a known model, refused by the server, broken off, or not the published file.
        ResourceError: the disk has not enough room.
    """
    model = known(name)
    needs_weights = not (model.comes_along or _stored(name))
    words = None if _vocabulary(name) else model.vocabulary
    if not needs_weights and words is None:
        return find(name)
    if not (_partial(model).was_begun() or _vocabulary_partial(model).was_begun()) and not ask(model):
        raise Cancelled("Nothing was downloaded.")
    _make_folder()
    if words is not None:
        _download_vocabulary(model, words, opener)
    return _download_weights(model, on_progress, opener) if needs_weights else find(name)


def _download_weights(model: KnownModel, on_progress: OnBytes, opener: Opener) -> ModelFile:
    partial = _partial(model)
    complete(partial, model.name, on_progress, opener)
    digest = digest_of(partial.path)
    try:
        check_is_weights(partial.path, Path(model.file).suffix, f"What came from {model.url}")
        check_is(model, digest, f"What came from {model.url}")
    except ModelError:
        partial.forget()  # to continue it would only repeat the mistake
        raise
    file = _install(partial.path, model.name, Path(model.file).suffix, digest, model, origin=partial.url)
    partial.forget()
    return file


def _download_vocabulary(model: KnownModel, published: PublishedVocabulary, opener: Opener) -> None:
    partial = _vocabulary_partial(model)
    complete(partial, f"the vocabulary of {model.name}", lambda *_: None, opener)  # half a megabyte: no progress
    try:
        check_is_vocabulary(partial.path, f"What came from {published.url}", published.size_bytes)
    except ModelError:
        partial.forget()  # to continue it would only repeat the mistake
        raise
    _install_vocabulary(partial.path, model.name)
    partial.forget()


def _looks_like_a_path(text: str) -> bool:
    return Path(text).suffix.lower() in SUFFIXES or len(Path(text).parts) > 1


def _at_path(path: Path) -> ModelFile:
    if not path.is_file():
        raise ModelError(f"There is no file {path}.", "Check the path, or give the name of a model.")
    if path.parent == models_folder() and path.suffix in SUFFIXES:
        return find(path.stem)
    model = recognised(digest_of(path)) if may_be_recognised(path) else None
    return ModelFile(path, model, model.sha256 if model else None, vocabulary_beside(path))


def _stored(name: str) -> Path | None:
    if not _is_name(name):
        return None
    paths = (models_folder() / f"{name}{suffix}" for suffix in SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def _file_of(model: KnownModel) -> ModelFile | None:
    try:
        path = find(model.name).path if model.comes_along else _stored(model.name)
    except ResourceError:
        return None
    return ModelFile(path, model, vocabulary=_vocabulary(model.name)) if path else None


def _own(stored: Path) -> ModelFile:
    try:
        return find(stored.stem)
    except ModelError:  # its note is damaged; who uses or verifies it is told so, the list of all others still shows
        return ModelFile(stored, None)


def _not_here(name: str) -> ModelError:
    if name in BY_NAME:
        return ModelError(
            f"The model {name} is not on this machine.",
            f"Get it with 'vista3dsegment models download {name}', or import it with 'vista3dsegment models add FILE'.",
        )
    names = [model.name for model in list_models()]
    near = get_close_matches(name, names, n=1)
    return ModelError(
        f"There is no model called {name!r}.",
        f"Did you mean {near[0]}?" if near else f"Choose one of {', '.join(names)}, or give the path of a file.",
    )


def _is_name(name: str) -> bool:
    # A name becomes a file's: no separators, nothing hidden; and it is told from a path by not ending as one.
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name) is not None and not name.lower().endswith(SUFFIXES)


def _check_name(name: str) -> None:
    if not _is_name(name):
        raise ModelError(
            f"{name!r} cannot be the name of a model.", "Use letters, digits, points, hyphens, underscores."
        )
    if (ours := BY_NAME.get(name)) and ours.comes_along:
        raise ModelError(f"The name {name} belongs to a model of the installation.", "Choose another name.")


def _check_not_taken(name: str, digest: Digest) -> None:
    taken = _stored(name)
    if taken and digest_of(taken).sha256 != digest.sha256:
        raise ModelError(f"There is already another model called {name}.", "Remove it first, or choose another name.")


def _make_folder() -> None:
    try:
        models_folder().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(error) from error


def _unwritable(error: OSError) -> ResourceError:
    return ResourceError(
        f"The folder {models_folder()} cannot be written ({error.strerror}).",
        "Free some space or correct its permissions, or set VISTA3DSEGMENT_HOME to another folder.",
    )


def _copied(file: Path) -> tuple[Path, Digest]:
    """A copy in the store under a temporary name, and its digest."""
    _make_folder()
    check_room(models_folder() / file.name, file.stat().st_size)
    handle, temporary = tempfile.mkstemp(prefix=".adding-", dir=models_folder())
    try:
        with os.fdopen(handle, "wb") as copy, file.open("rb") as source:
            return Path(temporary), digest_while_copying(source, copy)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise _unwritable(error) from error


def _install(whole: Path, name: str, suffix: str, digest: Digest, model: KnownModel | None, origin: str) -> ModelFile:
    """Give a whole, verified file its place and note what it is, each in one step."""
    final = models_folder() / f"{name}{suffix}"
    note = {"sha256": digest.sha256, "size_bytes": digest.size_bytes, "origin": origin}
    if model:
        note |= {"known": model.name, "licence": model.licence.name}
    written = whole.with_name(f".note-{name}")
    try:
        written.write_text(json.dumps(note, indent=1), encoding="utf-8")
        whole.chmod(0o644)
        whole.replace(final)
        written.replace(_note_path(name))
    except OSError as error:
        written.unlink(missing_ok=True)
        raise _unwritable(error) from error
    return ModelFile(final, model, digest.sha256, _vocabulary(name))


def _vocabulary(name: str) -> Path | None:
    path = models_folder() / f"{name}{VOCABULARY_SUFFIX}"
    return path if path.is_file() else None


def _check_vocabulary(model: ModelFile, vocabulary: Path) -> None:
    """Refuse a vocabulary that is none, or not this model's."""
    published = model.known.vocabulary if model.known else None
    if published is None and (model.known or isinstance(model.specification, ModelSpecification)):
        raise ModelError(f"{model.name} has no text tower, so it needs no vocabulary.", "Add it without one.")
    check_is_vocabulary(vocabulary, str(vocabulary), published.size_bytes if published else None)


def _install_vocabulary(whole: Path, name: str) -> Path:
    try:
        whole.chmod(0o644)
        return whole.replace(models_folder() / f"{name}{VOCABULARY_SUFFIX}")
    except OSError as error:
        whole.unlink(missing_ok=True)
        raise _unwritable(error) from error


def _note_path(name: str) -> Path:
    return models_folder() / f"{name}.json"


def _note(name: str) -> dict[str, str]:
    """What was noted about a stored model; nothing if it was put there by hand."""
    try:
        note = json.loads(_note_path(name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelError(
            f"The note {_note_path(name)} about a model cannot be read.", "Remove the model and add it again."
        ) from error
    return {key: value for key, value in note.items() if isinstance(value, str)}


def _partial(model: KnownModel) -> Partial:
    return Partial(models_folder() / f"{model.file}.part", model.url or "")


def _vocabulary_partial(model: KnownModel) -> Partial:
    url = model.vocabulary.url if model.vocabulary else ""
    return Partial(models_folder() / f"{model.name}{VOCABULARY_SUFFIX}.part", url)
