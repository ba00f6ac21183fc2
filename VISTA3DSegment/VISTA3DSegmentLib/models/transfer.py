"""Bringing one large file here over HTTP, continuing where an earlier attempt broke off."""

from __future__ import annotations

import errno
import http.client
import json
import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Protocol, TypeAlias

from ..errors import ModelError, ResourceError

CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = 60.0
DISK_RESERVE_BYTES = 64 << 20
"""Left free on the disk: a full one breaks more than this download."""

FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))  # Windows has no quota error
OnBytes: TypeAlias = Callable[[int, int | None], None]
"""Called with the bytes that are here, and those in all where the server says so. It may raise to break off."""


class Response(Protocol):
    """What an opener gives back: the part of ``http.client.HTTPResponse`` that is used."""

    status: int

    @property
    def headers(self) -> Mapping[str, str]: ...

    def read(self, amount: int, /) -> bytes: ...


Opener: TypeAlias = Callable[[urllib.request.Request], AbstractContextManager[Response]]


def urllib_opener(request: urllib.request.Request) -> AbstractContextManager[Response]:
    """Open a request with the standard library; proxies are those of the environment."""
    response: AbstractContextManager[Response] = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    return response


@dataclass(frozen=True)
class Partial:
    """A file of which the beginning may be here already.

    Args:
        path: of the file that grows; beside it, ``note`` remembers which file on the server it is.
        url: where it comes from.
    """

    path: Path
    url: str

    @property
    def note(self) -> Path:
        """The note about the beginning."""
        return self.path.with_name(f"{self.path.name}.json")

    def was_begun(self) -> bool:
        """Whether an earlier attempt at this very file left its beginning."""
        return self.size_bytes() > 0 and self._remembered().get("url") == self.url

    def size_bytes(self) -> int:
        """How much of it is here."""
        return self.path.stat().st_size if self.path.exists() else 0

    def begin(self) -> None:
        """Start anew, with nothing."""
        self.path.write_bytes(b"")
        self.remember(None)

    def remember(self, etag: str | None) -> None:
        """Note the server's name for this version of the file."""
        self.note.write_text(json.dumps({"url": self.url, "etag": etag}), encoding="utf-8")

    def etag(self) -> str | None:
        """The server's name for the version of which the beginning is here; None if it gave none."""
        return self._remembered().get("etag")

    def forget(self) -> None:
        """Delete the beginning and the note."""
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def _remembered(self) -> dict[str, str]:
        try:
            remembered = json.loads(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # no note, or one that a crash cut short: begin anew
        return remembered if isinstance(remembered, dict) else {}


def complete(partial: Partial, what: str, on_bytes: OnBytes, opener: Opener = urllib_opener) -> None:
    """Bring the rest of a file here.

    Args:
        partial: the file; what is there of it is kept if the server still has the same version.
        what: its name, for messages.
        on_bytes: told about progress.
        opener: opens a request.

    Raises:
        ModelError: the server refused, or the connection broke off; what arrived stays, to be continued.
        ResourceError: the disk has not enough room.
    """
    with _disk(partial):
        if not partial.was_begun():
            partial.begin()
    with _network(partial, what):
        answer = _opened(partial, opener)
    if answer is None:
        return
    with answer as response:
        here = _start_of(response, partial)
        total = _total(response, here)
        check_room(partial.path, None if total is None else total - here)
        if here == 0:  # what was here is of another version, or cannot be told from one
            with _disk(partial):
                partial.begin()
        on_bytes(here, total)
        for chunk in _chunks(response, partial, what):
            _write(partial, here, chunk, what)
            if here == 0:
                partial.remember(_strong(response.headers.get("ETag")))
            here += len(chunk)
            on_bytes(here, total)
    if total is not None and here != total:
        raise _broken(partial, what, f"{here} of {total} bytes arrived")


@contextmanager
def _network(partial: Partial, what: str) -> Iterator[None]:
    try:
        yield
    except urllib.error.HTTPError as error:
        raise _refusal(what, error) from error
    except (OSError, http.client.HTTPException) as error:  # OSError: names, connections, certificates, time-outs
        raise _broken(partial, what, str(error) or type(error).__name__) from error


@contextmanager
def _disk(partial: Partial) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _disk_trouble(partial, error) from error


def _opened(partial: Partial, opener: Opener) -> AbstractContextManager[Response] | None:
    """Ask for the rest; if the server has no such rest, for the whole; None if nothing is missing."""
    here, etag = partial.size_bytes(), partial.etag()
    if here == 0 or etag is None:  # without the server's name for the version, two versions might be mixed
        return opener(_request(partial.url))
    try:
        return opener(_request(partial.url, {"Range": f"bytes={here}-", "If-Range": etag}))
    except urllib.error.HTTPError as error:
        if error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        error.close()
        whole = error.headers.get("Content-Range") == f"bytes */{here}"
        return None if whole else opener(_request(partial.url))


def _chunks(response: Response, partial: Partial, what: str) -> Iterator[bytes]:
    while True:
        with _network(partial, what):
            chunk = response.read(CHUNK_BYTES)
        if not chunk:
            return
        yield chunk


def _write(partial: Partial, offset: int, chunk: bytes, what: str) -> None:
    """Put a chunk at its place: two processes that bring the same version write the same bytes to the same places."""
    with _disk(partial), partial.path.open("r+b") as file:
        if file.seek(0, os.SEEK_END) < offset:  # began anew under our hands; to go on would leave a hole of zeros
            raise ModelError(
                f"Another process began to download {what} anew.", "Wait for it, or stop it and try again."
            )
        file.seek(offset)
        file.write(chunk)


def _request(url: str, headers: Mapping[str, str] | None = None) -> urllib.request.Request:
    # Not compressed on the way: sizes and ranges are those of the file.
    return urllib.request.Request(url, headers={"Accept-Encoding": "identity", **(headers or {})})


def _start_of(response: Response, partial: Partial) -> int:
    """The offset at which the server's answer begins: where we asked, or 0 if it sends the whole file."""
    if response.status != HTTPStatus.PARTIAL_CONTENT:
        return 0
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if not found or int(found[1]) != partial.size_bytes():
        partial.forget()
        raise ModelError("The server sent another part of the file than was asked for.", "Try again.")
    return int(found[1])


def _total(response: Response, here: int) -> int | None:
    length = response.headers.get("Content-Length")
    return here + int(length) if length and length.isdecimal() else None


def _strong(etag: str | None) -> str | None:
    # A weak one does not promise the same bytes.
    return etag if etag and not etag.startswith("W/") else None


def check_room(path: Path, wanted_bytes: int | None) -> None:
    """Refuse to begin what the disk cannot hold.

    Args:
        path: a file that will be written; its folder exists.
        wanted_bytes: by how much it will grow; None if that is not known.

    Raises:
        ResourceError: not enough room, a small reserve included.
    """
    if wanted_bytes is None:
        return
    free, needed = shutil.disk_usage(path.parent).free, wanted_bytes + DISK_RESERVE_BYTES
    if free < needed:
        raise ResourceError(
            f"The disk of {path.parent} has {free >> 20} MB free, but {needed >> 20} MB are needed.",
            "Free some space, or set VISTA3DSEGMENT_HOME to a folder on another disk.",
        )


def _refusal(what: str, error: urllib.error.HTTPError) -> ModelError:
    return ModelError(
        f"The server refused {what}: {error.code} {error.reason}.",
        "Download it with a browser from its page, then import it with 'models add FILE'.",
    )


def _broken(partial: Partial, what: str, why: str) -> ModelError:
    return ModelError(
        f"The download of {what} broke off after {partial.size_bytes() >> 20} MB ({why}).",
        "Start it again: it continues where it stopped.",
    )


def _disk_trouble(partial: Partial, error: OSError) -> ResourceError:
    if error.errno in FULL:
        return ResourceError(
            f"The disk of {partial.path.parent} is full.", "Free some space and start again: what arrived is kept."
        )
    return ResourceError(f"The file {partial.path} could not be written ({error}).", "Check the folder's permissions.")
