"""Files between the browser and the server: what is opened comes in, what is saved goes out, neither stays.

Both lie in a private folder of the system's temporary files, which goes when the program ends; each upload's own folder
goes as soon as it was read.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from aiohttp import web

from ..errors import FileFormatError, ResourceError, SegmentationError
from ..files.reading import MAX_BYTES
from .opening import MAX_FILES, place_for

CHUNK_BYTES = 2**20
NAME_HEADER = "X-File-Name"
SILENT_SECONDS = 20.0
"""An upload of which nothing came for so long has lost its page: it was closed, or loaded again."""
TOO_LARGE = "That is more than a scan can be.", "Choose the files of one scan."
NOT_KEPT = "There is no room for the files.", "Free disk space in the folder for temporary files."


class Inbox:
    """What browsers send.

    Args:
        max_bytes: of everything that one upload may hold.
        max_files: likewise.
        clock: seconds, monotonic.
    """

    def __init__(
        self, max_bytes: int = MAX_BYTES, max_files: int = MAX_FILES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_bytes, self._max_files, self._clock = max_bytes, max_files, clock
        self._folder = tempfile.TemporaryDirectory(prefix="vista3dsegment-")
        self.root = Path(self._folder.name)
        self._heard: dict[str, float] = {}
        self._sizes: dict[str, int] = {}
        self._refused: dict[str, SegmentationError] = {}

    async def receive(self, request: web.Request) -> web.Response:
        """Take one file of an upload: PUT upload/ID, the name in a header, the content as it is."""
        upload = request.match_info["upload"]
        try:
            self.hear(upload)
            await self._receive(upload, request)
        except ConnectionError:
            return web.Response(status=400)
        except (FileFormatError, OSError) as error:
            self.forget(upload)
            self._refused[upload] = error if isinstance(error, FileFormatError) else ResourceError(*NOT_KEPT)
            self.hear(upload)  # a page that is gone will not ask what was wrong
            return web.Response(status=413)
        return web.Response()

    async def _receive(self, upload: str, request: web.Request) -> None:
        folder = self.root / upload
        folder.mkdir(exist_ok=True)
        count = sum(1 for _ in folder.iterdir())
        path = place_for(unquote(request.headers.get(NAME_HEADER, "")), count, folder)
        if count >= self._max_files:
            raise FileFormatError(*TOO_LARGE)
        try:
            with path.open("xb") as file:
                async for chunk in request.content.iter_chunked(CHUNK_BYTES):
                    self.hear(upload)
                    self._sizes[upload] = self._sizes.get(upload, 0) + len(chunk)
                    if self._sizes[upload] > self._max_bytes:
                        raise FileFormatError(*TOO_LARGE)
                    file.write(chunk)
        except ConnectionError:
            path.unlink(missing_ok=True)
            raise

    def hear(self, upload: str) -> None:
        """Something of an upload has come."""
        self._heard[upload] = self._clock()

    def silent(self) -> list[str]:
        """Uploads of which nothing more will come."""
        return [upload for upload, at in self._heard.items() if self._clock() - at > SILENT_SECONDS]

    def take(self, upload: str, count: int) -> Path:
        """What an upload brought: its only file, or the folder of its files.

        Args:
            upload: its id.
            count: how many files it has.

        Raises:
            FileFormatError: it is too large, or not everything came. ResourceError: there is no room for it.
        """
        self._heard.pop(upload, None)
        if upload in self._refused:
            raise self._refused.pop(upload)
        folder = self.root / upload
        files = sorted(folder.iterdir()) if re.fullmatch(r"[\w-]+", upload) and folder.is_dir() else []
        if not files or len(files) < count:
            raise FileFormatError(f"Of {count} files {len(files)} arrived.", "Open them again.")
        return files[0] if len(files) == 1 else folder

    def forget(self, upload: str) -> None:
        """Delete what an upload brought."""
        for known in (self._heard, self._sizes, self._refused):
            known.pop(upload, None)
        if re.fullmatch(r"[\w-]+", upload):
            shutil.rmtree(self.root / upload, ignore_errors=True)

    def close(self) -> None:
        """Delete everything."""
        self._folder.cleanup()
