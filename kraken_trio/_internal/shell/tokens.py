"""Tokens for private sessions, fetched over REST: one call for all who want one at that moment.

Knows when a token is asked for, and by whom; how it is spelt stands in ``wire``, what becomes of
a session that gets none in ``core``.

Nonces. The exchange refuses a nonce that is not above the last one of the same key, whoever sent
it. So they rise for each key through all tasks, feeds and threads of this program, clock set back
or not; that is the one state of this library that outlives a Trio run. And calls with one key go
one after the other, or one of them could overtake another. Threads with a run each can still do
that; such a call is refused for now, and made again.

Waiting. A fetch is a service of the feed's, and belongs to nobody who waits for it: one who leaves
takes it from no other, and when the last one has left it is cancelled.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from typing import Final

import trio
from trio.lowlevel import enable_ki_protection

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.config import KrakenConfig
from kraken_trio._internal.model.endpoint import Endpoint
from kraken_trio._internal.model.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    ProtocolError,
)
from kraken_trio._internal.model.ports import Rest
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.shell.ration import say
from kraken_trio._internal.shell.rest import HttpRest, of_the_exchange
from kraken_trio._internal.shell.scopes import Services
from kraken_trio._internal.wire.rest import RestRefused
from kraken_trio._internal.wire.rest_token import PATH, Token, read_token, token_request
from kraken_trio._internal.wire.sign import next_nonce

log = logging.getLogger("kraken_trio.tokens")

Answer = Token | AuthenticationError | RestRefused | ConnectionFailed | ProtocolError
"""What can become of a wish for a token; what went wrong is an answer too."""

_guard: Final = threading.Lock()
_nonces: Final[dict[bytes, int]] = {}
"""The last of each key, by its digest."""

_lines: trio.lowlevel.RunVar[dict[bytes, trio.Lock]] = trio.lowlevel.RunVar("kraken_trio_tokens")
"""Where the calls with each key, by its digest, wait for each other."""


class _Fetch:
    """One call, and those who wait for it."""

    __slots__ = ("answer", "done", "scope", "waiting")

    def __init__(self) -> None:
        self.answer: Answer = ConnectionFailed("no token was fetched: its feed is being left")
        self.done = trio.Event()
        self.scope: trio.CancelScope
        self.waiting = 0


class Tokens:
    """Fetches tokens for the sessions of one feed."""

    def __init__(
        self,
        config: KrakenConfig,
        *,
        rest: Rest | None,
        services: Services,
        wall: Callable[[], Timestamp],
    ) -> None:
        """Call ``rest``; without one, the exchange's own. ``wall`` is the wall clock."""
        self._config = config
        self._rest = rest
        self._services = services
        self._wall = wall
        self._fetch: _Fetch | None = None
        self._refused: AuthenticationError | None = None

    def prepare(self, channel: Channel, endpoint: Endpoint) -> None:
        """Make sure that tokens can be had for ``channel``, which comes from ``endpoint``.

        ``ConfigurationError`` where they cannot.
        """
        if self._config.api_key is None:
            raise ConfigurationError(
                "api_key",
                f"must be given for {channel.name}, is missing",
                "Give api_key and api_secret, or set KRAKEN_API_KEY and KRAKEN_API_SECRET and use "
                "KrakenConfig.from_env()",
            )
        if self._rest is not None:
            return
        if not of_the_exchange(endpoint):
            # A token is as good as the account: no stranger is given one of the exchange's.
            raise ConfigurationError(
                "rest",
                f"must be given for {channel.name} of {endpoint.host}, which is not the exchange",
                "Give open_kraken the rest that belongs to it, such as exchange.rest",
            )
        self._rest = HttpRest()

    @enable_ki_protection
    async def fetch(self) -> Answer:
        """Wait for a token that was asked for after this began, or while others waited.

        Takes the configuration's ``timeout`` at most. Always a checkpoint. A key that was refused
        is not tried again: that error ends the feed, and all its sessions fail with the same one.
        """
        if self._refused is not None:
            await trio.lowlevel.checkpoint()
            return self._refused
        fetch = self._fetch
        if fetch is None:
            fetch = self._fetch = _Fetch()
            fetch.scope = self._services.start_soon(self._run, fetch, name="token")
        fetch.waiting += 1
        try:
            await fetch.done.wait()
        finally:
            fetch.waiting -= 1
            if not (fetch.waiting or fetch.done.is_set()):
                self._fetch = None
                fetch.scope.cancel()
        return fetch.answer

    @enable_ki_protection
    async def _run(self, fetch: _Fetch) -> None:
        """Fetch, and tell all who wait."""
        try:
            fetch.answer = await self._ask()
            if isinstance(fetch.answer, AuthenticationError):
                self._refused = fetch.answer
        finally:
            if self._fetch is fetch:
                self._fetch = None
            fetch.done.set()

    async def _ask(self) -> Answer:
        """Ask once, when it is this key's turn."""
        config, answer = self._config, None
        if config.api_key is None or config.api_secret is None or self._rest is None:
            return ConnectionFailed("there is nothing to call")  # nobody prepared it
        with trio.move_on_after(config.timeout):
            async with _line(config.api_key):
                answer = await self._call(self._rest, config.api_key, config.api_secret)
        if answer is None:
            return ConnectionFailed(f"no token within {config.timeout:g} s")
        if isinstance(answer, Token):
            about = "fetched, to be used within %d s"
            say(log, logging.INFO, "token", about, answer.life_s, life_s=answer.life_s)
        return answer

    async def _call(self, rest: Rest, api_key: Secret, api_secret: Secret) -> Answer:
        """Make the call.

        Errors are made anew, in words alone: on their way they may have got hold of the request,
        with the key in it, or of the answer with the token.
        """
        request = token_request(api_key, api_secret, take_nonce(api_key, self._wall()))
        try:
            response = await rest("POST", PATH, headers=request.headers, body=request.body)
            return read_token(response, self._wall())
        except ConnectionFailed as error:
            return ConnectionFailed(str(error))
        except ProtocolError as error:
            return ProtocolError(error.reason)


@enable_ki_protection
def take_nonce(api_key: Secret, now_ns: int) -> int:
    """Give a nonce that this program has not used with ``api_key``, above all that it has."""
    digest = _digest(api_key)
    with _guard:
        nonce = _nonces[digest] = next_nonce(now_ns, _nonces.get(digest, 0))
    return nonce


def _line(api_key: Secret) -> trio.Lock:
    """What calls with this key hold while they are made, in this Trio run."""
    try:
        lines = _lines.get()
    except LookupError:
        lines = {}
        _lines.set(lines)
    return lines.setdefault(_digest(api_key), trio.Lock())


def _digest(api_key: Secret) -> bytes:
    """What stands for a key where it is remembered."""
    return hashlib.sha256(api_key.reveal().encode()).digest()
