"""Who may speak with the server: whoever has the token, from the page that this server itself has sent.

The address that the program prints carries the token. It is exchanged for a cookie, so that a reload needs nothing and
neither history nor bookmarks keep it. A page of another site that knocks at this computer's ports (by a script, a
WebSocket, or a name that resolves to this computer) has no cookie, and is refused by its origin besides.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from ..errors import ResourceError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REFUSED = "This page opens with the address that vista3dsegment printed when it was started, with its token.\n"
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


TOKEN_VARIABLE = "VISTA3DSEGMENT_TOKEN"
"""A token of one's own, for bookmarks and services; not on the command line, which everybody on this computer sees."""


def own_token() -> str | None:
    """The token of the environment; None: there is none.

    Raises:
        ResourceError: it can be guessed, or does not fit into an address.
    """
    given = os.environ.get(TOKEN_VARIABLE)
    if given is not None and not re.fullmatch(r"[A-Za-z0-9_-]{24,}", given):
        raise ResourceError(
            f"The token of {TOKEN_VARIABLE} is too short, or has signs that do not belong into an address.",
            "Give at least 24 letters, digits, - and _, drawn by chance.",
        )
    return given


class Guard:
    """Lets requests through or refuses them.

    Args:
        token: what a person must know; None: a new one.
    """

    def __init__(self, token: str | None = None) -> None:
        self.token = token or secrets.token_urlsafe(24)
        self._cookie = f"vista3dsegment_{secrets.token_hex(4)}"
        self._tickets = set[str]()

    def ticket(self) -> str:
        """A token that lets in once: everybody on this computer can see with which address a browser was started."""
        self._tickets.add(ticket := secrets.token_urlsafe(24))
        return ticket

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request, if it may be asked."""
        if not self._is_of_this_page(request):
            return web.Response(status=403, text=REFUSED)
        given = request.query.get("token")
        if self._is_token(given) or given in self._tickets:
            self._tickets.discard(given or "")
            answer = web.HTTPFound("/index.html?reconnect=auto")
            answer.set_cookie(self._cookie, self.token, httponly=True, samesite="Lax", path="/")
            raise answer
        if not self._is_token(request.cookies.get(self._cookie)):
            return web.Response(status=403, text=REFUSED)
        response = await handler(request)
        if not response.prepared:
            response.headers.update(SAFE_HEADERS)
        return response

    def _is_token(self, given: str | None) -> bool:
        return given is not None and hmac.compare_digest(given.encode(), self.token.encode())

    def _is_of_this_page(self, request: web.Request) -> bool:
        origin = request.headers.get("Origin")
        return origin is None or urlsplit(origin).netloc == request.headers.get("Host")
