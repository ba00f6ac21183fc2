"""Files that go to the browser: what was saved or exported is sent piece by piece, and is gone when it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import web

from ..export.formats import Form
from ..workspace.exporting import Choice
from ..workspace.saving import Format
from .desk import Desk
from .exporting import Exporting
from .transfer import CHUNK_BYTES

FAILED = 409
"""Status of the answer where there is no file; what went wrong stands in the page."""


class Downloads:
    """Answers requests for files.

    Args:
        desk: saves.
        exporting: exports.
        root: folder for files until they are sent.
    """

    def __init__(self, desk: Desk, exporting: Exporting, root: Path) -> None:
        self._desk, self._exporting, self._root = desk, exporting, root

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer at GET save/FORMAT and GET export?form=FORM&form=...&agreed&each&new_series&shown_only."""
        formats = "|".join(form.value.replace(".", "[.]") for form in Format)
        router.add_get(rf"/save/{{form:{formats}}}", self._save)
        router.add_get("/export", self._export)

    async def _save(self, request: web.Request) -> web.StreamResponse:
        form = Format(request.match_info["form"])
        return await self._send(lambda folder: self._desk.save(folder, form))

    async def _export(self, request: web.Request) -> web.StreamResponse:
        wanted = request.query
        try:
            forms = tuple(Form(value) for value in dict.fromkeys(wanted.getall("form", [])))
        except ValueError:
            return web.Response(status=400)
        choice = Choice(forms, **{name: name in wanted for name in ("agreed", "each", "new_series", "shown_only")})
        return await self._send(lambda folder: self._exporting.export(folder, choice))

    async def _send(self, write: Callable[[Path], Awaitable[Path | None]]) -> web.StreamResponse:
        folder = TemporaryDirectory(dir=self._root)  # one for each: two may be written at once
        try:
            path = await write(Path(folder.name))
        except BaseException:
            folder.cleanup()
            raise
        if path is None:
            folder.cleanup()
            return web.Response(status=FAILED)
        return web.Response(
            body=_pieces(path, folder),
            content_type="application/octet-stream",
            headers={
                "Content-Disposition": f'attachment; filename="{path.name}"',
                "Content-Length": str(path.stat().st_size),
            },
        )


async def _pieces(path: Path, folder: TemporaryDirectory[str]) -> AsyncIterator[bytes]:
    """A file piece by piece; afterwards its folder is deleted, also if the browser has left meanwhile."""
    try:
        with path.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, CHUNK_BYTES):
                yield piece
    finally:
        folder.cleanup()
