"""What tells one file of weights from another: its first bytes, its size, its hashes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import ModelError
from .registry import KNOWN_MODELS, KnownModel

SUFFIXES = (".safetensors", ".pt", ".pth", ".bin")
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Digest:
    """What identifies the content of a file.

    Args:
        size_bytes: its size.
        sha256: its hash.
        md5: its hash, for files whose publisher gave nothing better.
    """

    size_bytes: int
    sha256: str
    md5: str


def digest_of(path: Path) -> Digest:
    """Read a whole file and identify it."""
    with path.open("rb") as source:
        return digest_while_copying(source, None)


def digest_while_copying(source: BinaryIO, copy: BinaryIO | None) -> Digest:
    """Identify what a stream holds, and write it to another on the way if there is one."""
    # usedforsecurity=False: MD5 only recognises a file here, and shall also run where it is banned for security.
    size, sha256, md5 = 0, hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    while chunk := source.read(CHUNK_BYTES):
        size += len(chunk)
        sha256.update(chunk)
        md5.update(chunk)
        if copy is not None:
            copy.write(chunk)
    return Digest(size, sha256.hexdigest(), md5.hexdigest())


def check_is_weights(path: Path, suffix: str, what: str) -> None:
    """Refuse what is no file of weights at all: a web page, a Git LFS pointer, an empty file.

    Args:
        path: the file.
        suffix: the kind that it should be, one of ``SUFFIXES``.
        what: how to call it in the message.

    Raises:
        ModelError: its first bytes are of another kind.
    """
    with path.open("rb") as file:
        start = file.read(9)
    if suffix == ".safetensors":
        genuine = len(start) == 9 and start[8:] == b"{"  # 8 bytes of length, then a JSON object
    else:
        genuine = start.startswith((b"PK\x03\x04", b"\x80"))  # torch.save writes a zip, before 1.6 a pickle
    if not genuine:
        raise ModelError(
            f"{what} is not a {suffix} file of weights, but something else under its name, as a web page.",
            "Download it again from the publisher's page.",
        )


def check_is(model: KnownModel, digest: Digest, what: str) -> None:
    """Refuse a file that is not the one the registry means, as far as the registry knows.

    Raises:
        ModelError: another size or hash.
    """
    remedy = f"Get it again from {model.source}."
    if model.size_bytes not in (None, digest.size_bytes):
        raise ModelError(
            f"{what} is not {model.name}: it has {digest.size_bytes} bytes instead of {model.size_bytes}.", remedy
        )
    if model.sha256 not in (None, digest.sha256):
        raise ModelError(f"{what} is damaged or not {model.name}: its SHA-256 is {digest.sha256}.", remedy)
    if model.md5 not in (None, digest.md5):
        raise ModelError(f"{what} is damaged or not {model.name}: its MD5 is {digest.md5}.", remedy)


def recognised(digest: Digest) -> KnownModel | None:
    """The model of the registry that has this content: by its hash, or, where none is published, by its exact size."""
    for model in KNOWN_MODELS:
        if model.sha256 or model.md5:
            if digest.sha256 == model.sha256 or digest.md5 == model.md5:
                return model
        elif digest.size_bytes == model.size_bytes:
            return model
    return None


def may_be_recognised(path: Path) -> bool:
    """Whether reading the whole file to recognise it can be worth the time, judged by its size."""
    size = path.stat().st_size
    return any(model.size_bytes == size for model in KNOWN_MODELS)
