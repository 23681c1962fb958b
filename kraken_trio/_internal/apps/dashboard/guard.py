"""Who may ask, and what every answer says: the way in to the dashboard.

A page of somebody else, open in the same browser, must not read the feed. It may send requests to
this machine, but the browser says where they come from (``Origin``), and by which name it found
this machine (``Host``): a name that somebody else can point here is not answered, nor is a
WebSocket that another page opens. Knows ASGI and nothing of what is served.

Sources: RFC 6454 section 7 (Origin), RFC 6455 section 10.2, RFC 9110 section 7.2 (Host), the CSP3
draft, and what is known as DNS rebinding.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
"""Nothing from elsewhere, nothing inline, no frame around it."""
HEADERS: Final = (
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""Of every answer."""
METHODS: Final = frozenset({"GET", "HEAD"})
_OURS: Final = "localhost"


class Guard:
    """Lets in who may come in."""

    def __init__(self, app: App, *, names: Iterable[str] = ()) -> None:
        """Guard ``app``, on a machine that is called by these names, beside its addresses."""
        self._app = app
        self._names = {_OURS, *(name.lower().rstrip(".") for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            return
        answer = self._refusal(scope)
        app = self._app if answer is None else answer

        async def decorated(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        await app(scope, receive, decorated)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        """Why it is refused; None where it is not."""
        hosts = _headers(scope, b"host")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            return _said(421, "This server is not called by that name.")
        origins = _headers(scope, b"origin")
        if len(origins) > 1 or any(not _same(origin, hosts[0]) for origin in origins):
            return _said(403, "Pages from elsewhere may not read this.")
        if scope["type"] == "http" and scope["method"] not in METHODS:
            return _said(405, "There is nothing to change here.", allow="GET, HEAD")
        return None

    def _is_ours(self, host: str) -> bool:
        """Whether nobody else can have a browser call this machine by that name: addresses are no
        names, and cannot be pointed anywhere.
        """
        name = _name(host)
        if name is None:
            return False
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _headers(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _name(host: str) -> str | None:
    """The name of ``name:port``, without the brackets of an address; None for what is neither."""
    try:
        parts = urlsplit(f"//{host}")
        name, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.netloc != host or "@" in host or not name:
        return None
    return name.rstrip(".")


def _same(origin: str, host: str) -> bool:
    """Whether a page of ``origin`` came from here, as the browser has it."""
    scheme, _, rest = origin.partition("://")
    if scheme not in ("http", "https"):
        return False
    return _whole(rest, scheme) == _whole(host, scheme)


def _whole(host: str, scheme: str) -> str:
    """In small letters, without the port that is meant anyway."""
    usual = ":80" if scheme == "http" else ":443"
    return host.lower().removesuffix(usual)


def _said(status: int, words: str, **headers: str) -> PlainTextResponse:
    return PlainTextResponse(f"{words}\n", status, headers)
