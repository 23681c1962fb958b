"""The usual ``Rest``: HTTPS, by httpx2.

Knows how one call is made safely; nothing of what is asked. Imports httpx2 only when it is made,
for that comes with an extra.

Each call has a connection of its own. Calls are rare (the exchange wants a second between two),
so a handshake costs nothing that matters, and between calls there is nothing to be kept, closed
or found broken.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import trio

from kraken_trio._internal.model.endpoint import Endpoint, parse_endpoint
from kraken_trio._internal.model.errors import ConfigurationError, ConnectionFailed
from kraken_trio._internal.model.ports import RestResponse
from kraken_trio._internal.shell.connection import USER_AGENT

KRAKEN_REST: Final = "https://api.kraken.com"
"""Where the exchange serves REST."""
MAX_BODY_BYTES: Final = 8 * 2**20
"""Of an answer. The largest that is known, all pairs of the exchange, has some 2 MB."""

_SCHEME = re.compile("http(?=s?://)", re.IGNORECASE)


_KRAKEN: Final = "kraken.com"


def of_the_exchange(endpoint: Endpoint) -> bool:
    """Whether this is a host of the exchange's own."""
    host = endpoint.host
    return host == _KRAKEN or host.endswith(f".{_KRAKEN}")


class HttpRest:
    """Calls a host over HTTPS; see ``Rest``.

    The certificate and the host name are verified. No redirect is followed, no proxy is used, and
    nothing is read from the environment: a request goes to this host, directly, or nowhere.
    """

    def __init__(
        self,
        base_url: str = KRAKEN_REST,
        *,
        ssl_context: ssl.SSLContext | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        """Call ``base_url``, a URL ``https://host[:port]``, or ``http://`` to this machine.

        ``ssl_context`` is used as it is; without one what the system trusts is trusted, from
        TLS 1.2 on. A call takes ``timeout_s`` at most. Raises ``ConfigurationError`` for another
        URL, and where httpx2 is not installed.
        """
        self._endpoint = _parse(base_url)
        try:
            import httpx2  # noqa: PLC0415 - an extra: only if asked
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                field="rest",
                rule="needs the package httpx2, which is not installed",
                mend='Install it with  pip install "kraken-trio[rest]"  (for an account '
                '"kraken-trio[private]") or give a Rest of your own',
            ) from error
        self._httpx = httpx2
        if ssl_context is None:
            ssl_context = ssl.create_default_context()
            ssl_context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._ssl_context = ssl_context
        self._timeout_s = timeout_s

    async def __call__(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes
    ) -> RestResponse:
        """Make one call, as ``Rest`` says. ``ValueError`` for a path that does not begin with /."""
        if not path.startswith("/"):
            raise ValueError("a path begins with a slash")  # What follows a host may change it.
        host = self._endpoint.host
        answer: RestResponse | None = None
        with trio.move_on_after(self._timeout_s):
            try:
                answer = await self._call(method, path, headers, body)
            except (self._httpx.HTTPError, self._httpx.InvalidURL, OSError) as error:
                raise ConnectionFailed(f"no answer from {host}: {_why(error)}") from error
        if answer is None:
            raise ConnectionFailed(f"no answer from {host} within {self._timeout_s:g} s")
        return answer

    async def _call(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> RestResponse:
        # As it is, so that its size is what was read: a little can unpack to a lot.
        given = {"accept-encoding": "identity", "user-agent": USER_AGENT.decode(), **headers}
        received = bytearray()
        async with (
            _closed_in_the_end() as keep,
            self._httpx.AsyncClient(
                verify=self._ssl_context, timeout=None, trust_env=False, follow_redirects=False
            ) as client,
            client.stream(
                method,
                f"{_origin(self._endpoint)}{path}",
                headers=given,
                content=body or None,
                extensions={"trace": keep},
            ) as response,
        ):
            # Left early, its generators would be somebody else's to clean up; cancelled, they do.
            with trio.CancelScope() as enough:
                async for part in response.aiter_raw():
                    received += part
                    if len(received) > MAX_BODY_BYTES:
                        enough.cancel()
            if len(received) > MAX_BODY_BYTES:
                host = self._endpoint.host
                raise ConnectionFailed(f"{host} answers with more than {MAX_BODY_BYTES} bytes")
            return RestResponse(
                response.status_code,
                tuple((name.lower(), value) for name, value in response.headers.multi_items()),
                bytes(received),
            )


@asynccontextmanager
async def _closed_in_the_end() -> AsyncIterator[
    Callable[[str, Mapping[str, Any]], Awaitable[None]]
]:
    """Give a trace for httpx2 that keeps its connections, and close them in the end.

    Cancelled while TLS shakes hands, it would leave its socket open for the collector to find.
    """
    streams: list[trio.abc.AsyncResource] = []

    async def keep(event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            streams.append(info["return_value"])

    try:
        yield keep
    finally:
        with trio.CancelScope(shield=True):  # A socket is closed at once; a second time is none.
            for stream in streams:
                await stream.aclose()


def _why(error: BaseException) -> str:
    """What went wrong, in the words of whoever noticed first: those of TLS get lost on the way."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not accepted: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__


def _parse(base_url: object) -> Endpoint:
    """Take the URL apart by the rules of the endpoints, which differ in the scheme alone."""
    endpoint: Endpoint | None = None
    if isinstance(base_url, str) and _SCHEME.match(base_url):
        with suppress(ConfigurationError):  # It speaks of wss://.
            endpoint = parse_endpoint(_SCHEME.sub("ws", base_url, count=1), field="base_url")
    if endpoint is None or endpoint.path != "/":
        raise ConfigurationError(
            field="base_url",
            rule="must be a URL https://host[:port], or http:// to this machine, and no more",
            mend=f"Write it like {KRAKEN_REST}",
        )
    return endpoint


def _origin(endpoint: Endpoint) -> str:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return f"http{'s' if endpoint.tls else ''}://{host}:{endpoint.port}"
